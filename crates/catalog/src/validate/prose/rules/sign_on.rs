//! Single sign-on.

use super::super::Says::{AtMost, Implies, NamesAtMost, Needs, Text as Is, Useful};
use super::super::Text::WebPrefix;
use super::super::When::{self, Either, Has, IsNot, Present, True};
use super::{Places, Rule, is, rule};

const PLATFORM_SSO: Places = places!("configuration.extensible-sso" "PlatformSSO");
/// Where a policy on logging in names a period of grace.
const OFFLINE_GRACE: When = Either(
    &Has("Policies/FileVault", "AllowOfflineGracePeriod"),
    &Either(
        &Has("Policies/Login", "AllowOfflineGracePeriod"),
        &Has("Policies/Unlock", "AllowOfflineGracePeriod"),
    ),
);
const AUTHENTICATION_GRACE: When = Either(
    &Has("Policies/FileVault", "AllowAuthenticationGracePeriod"),
    &Either(
        &Has("Policies/Login", "AllowAuthenticationGracePeriod"),
        &Has("Policies/Unlock", "AllowAuthenticationGracePeriod"),
    ),
);
const ACCESS_KEY: When = Has("UserCreation/NewUserAuthenticationMethods", "AccessKey");
const OPEN_ID: When = Either(
    &When::Is("AuthenticationMethod", &["OpenID"]),
    &Has("UserCreation/NewUserAuthenticationMethods", "OpenID"),
);

pub(super) const RULES: &[Rule] = &[
    // Single sign-on.
    rule(
        places!("configuration.extensible-sso" ""),
        Needs(is("Type", &["Redirect"]), "URLs"),
    ),
    rule(
        places!("configuration.extensible-sso" ""),
        Needs(is("Type", &["Credential"]), "Hosts"),
    ),
    rule(
        places!("configuration.extensible-sso" ""),
        Useful(IsNot("Type", &["Credential"]), "URLs"),
    ),
    rule(
        places!("configuration.extensible-sso" ""),
        Useful(IsNot("Type", &["Redirect"]), "Hosts"),
    ),
    rule(
        places!("configuration.extensible-sso" ""),
        Useful(IsNot("Type", &["Redirect"]), "Realm"),
    ),
    rule(places!("configuration.extensible-sso" "URLs/[]"), Is(WebPrefix)),
    rule(
        PLATFORM_SSO,
        Needs(Present("RegistrationToken"), "AuthenticationMethod"),
    ),
    rule(
        PLATFORM_SSO,
        Implies(True("UserCreation/EnableAtLogin"), True("UseSharedDeviceKeys")),
    ),
    rule(
        PLATFORM_SSO,
        Implies(
            True("Authorization/EnableIdentityProviderAccounts"),
            True("UseSharedDeviceKeys"),
        ),
    ),
    rule(PLATFORM_SSO, Needs(ACCESS_KEY, "AccessKey/ReaderGroupIdentifier")),
    rule(
        PLATFORM_SSO,
        Needs(ACCESS_KEY, "AccessKey/TerminalIdentityAssetReference"),
    ),
    rule(
        PLATFORM_SSO,
        Needs(ACCESS_KEY, "AccessKey/ReaderIssuerCertificateAssetReference"),
    ),
    rule(PLATFORM_SSO, Needs(OPEN_ID, "WebAuthentication/URLAllowList")),
    rule(PLATFORM_SSO, Needs(OFFLINE_GRACE, "Policies/OfflineGracePeriod")),
    rule(
        PLATFORM_SSO,
        Needs(AUTHENTICATION_GRACE, "Policies/AuthenticationGracePeriod"),
    ),
    rule(
        places!("configuration.extensible-sso" "PlatformSSO/AdditionalHTTPHeaders"),
        AtMost(20),
    ),
    rule(
        places!("configuration.extensible-sso" "PlatformSSO/AdditionalHTTPHeaders"),
        NamesAtMost(128),
    ),
    rule(
        places!("configuration.extensible-sso" "PlatformSSO/AdditionalHTTPHeaders/*"),
        AtMost(2048),
    ),
    rule(
        places!("configuration.external-intelligence.settings" "AllowedWorkspaceIDs"),
        AtMost(1),
    ),
];
