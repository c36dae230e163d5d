//! What assets and others refer to outside.

use super::super::Says::{Between, Text as Is};
use super::super::Text::{ContentType, Email, Https, Sha256};
use super::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    // What assets refer to.
    rule(
        places!(
            "asset.credential.acme" "Reference/DataURL",
            "asset.credential.certificate" "Reference/DataURL",
            "asset.credential.identity" "Reference/DataURL",
            "asset.credential.scep" "Reference/DataURL",
            "asset.credential.userpassword" "Reference/DataURL",
            "asset.data" "Reference/DataURL",
            "configuration.account.subscribed-calendar" "CalendarURL",
            "configuration.app.managed" "ManifestURL",
            "configuration.legacy" "ProfileURL",
            "configuration.legacy.interactive" "ProfileURL",
            "configuration.network.dns-settings" "DNSSettings/ServerURL",
            "configuration.network.vpn.always-on" "DNS/ServerURL",
            "configuration.network.vpn.ikev2" "DNS/ServerURL",
            "configuration.network.vpn.ipsec" "DNS/ServerURL",
            "configuration.network.vpn.vpn-plugin" "DNS/ServerURL",
            "configuration.package" "ManifestURL",
            "configuration.watch.enrollment" "EnrollmentProfileURL",
        ),
        Is(Https),
    ),
    rule(
        places!(
            "asset.credential.acme" "Reference/ContentType",
            "asset.credential.certificate" "Reference/ContentType",
            "asset.credential.identity" "Reference/ContentType",
            "asset.credential.scep" "Reference/ContentType",
            "asset.credential.userpassword" "Reference/ContentType",
        ),
        Is(ContentType),
    ),
    rule(
        places!(
            "asset.credential.acme" "Reference/Hash-SHA-256",
            "asset.credential.certificate" "Reference/Hash-SHA-256",
            "asset.credential.identity" "Reference/Hash-SHA-256",
            "asset.credential.scep" "Reference/Hash-SHA-256",
            "asset.credential.userpassword" "Reference/Hash-SHA-256",
            "asset.data" "Reference/Hash-SHA-256",
        ),
        Is(Sha256),
    ),
    rule(
        places!(
            "asset.credential.acme" "Reference/Size",
            "asset.credential.certificate" "Reference/Size",
            "asset.credential.identity" "Reference/Size",
            "asset.credential.scep" "Reference/Size",
            "asset.credential.userpassword" "Reference/Size",
            "asset.data" "Reference/Size",
        ),
        Between(0, i64::MAX),
    ),
    rule(
        places!(
            "asset.useridentity" "EmailAddress",
            "management.organization-info" "Email",
        ),
        Is(Email),
    ),
];
