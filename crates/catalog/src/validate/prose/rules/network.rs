//! DNS, relays, content filters and VPN.

use super::super::Says::{
    AtMost, Between, Needs, NeedsOn, NeedsSomeOf, Only, Outdated, SomeOf, Text as Is, Together, Useful,
};
use super::super::Text::Web;
use super::super::When::{Both, Either, NotTrue, Present, True};
use super::{Places, Rule, is, rule};
use crate::{EnrollmentType, Platform};

/// Those whose DNS proxies, relays and content filters are chosen app by app.
const MOBILE: &[Platform] = &[Platform::Ios, Platform::IpadOs, Platform::VisionOs];
const IKEV2: Places = places!(
    "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2",
    "configuration.network.vpn.ikev2" "",
);
const IPSEC_AUTHENTICATION: Places = places!("configuration.network.vpn.ipsec" "Authentication");
const ROUTING: Places = places!(
    "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2/NetworkRouting",
    "configuration.network.vpn.ikev2" "NetworkRouting",
    "configuration.network.vpn.vpn-plugin" "NetworkRouting",
);
const VPN_DNS: Places = places!(
    "configuration.network.vpn.always-on" "DNS",
    "configuration.network.vpn.ikev2" "DNS",
    "configuration.network.vpn.ipsec" "DNS",
    "configuration.network.vpn.vpn-plugin" "DNS",
);
const VPN_PROXIES: Places = places!(
    "configuration.network.vpn.always-on" "Proxies",
    "configuration.network.vpn.ikev2" "Proxies",
    "configuration.network.vpn.ipsec" "Proxies",
    "configuration.network.vpn.vpn-plugin" "Proxies",
);
const ON_DEMAND_RULES: Places = places!(
    "configuration.network.dns-settings" "OnDemandRules/[]",
    "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2/OnDemand/Rules/[]",
    "configuration.network.vpn.ikev2" "OnDemand/Rules/[]",
    "configuration.network.vpn.ipsec" "OnDemand/Rules/[]",
    "configuration.network.vpn.vpn-plugin" "OnDemand/Rules/[]",
);
const ON_DEMAND_ACTIONS: Places = places!(
    "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2/OnDemand/Rules/[]/Action",
    "configuration.network.vpn.ikev2" "OnDemand/Rules/[]/Action",
    "configuration.network.vpn.ipsec" "OnDemand/Rules/[]/Action",
    "configuration.network.vpn.vpn-plugin" "OnDemand/Rules/[]/Action",
);
const ON_DEMAND_PARAMETERS: Places = places!(
    "configuration.network.vpn.always-on"
        "TunnelConfigurations/[]/IKEV2/OnDemand/Rules/[]/ActionParameters/[]",
    "configuration.network.vpn.ikev2" "OnDemand/Rules/[]/ActionParameters/[]",
    "configuration.network.vpn.ipsec" "OnDemand/Rules/[]/ActionParameters/[]",
    "configuration.network.vpn.vpn-plugin" "OnDemand/Rules/[]/ActionParameters/[]",
);

pub(super) const RULES: &[Rule] = &[
    // DNS, relays and content filters.
    rule(
        places!("configuration.network.dns-proxy" ""),
        NeedsOn(MOBILE, &[EnrollmentType::User], "DNSProxyUUID"),
    ),
    rule(
        places!("configuration.network.relay" ""),
        NeedsOn(MOBILE, &[EnrollmentType::User], "RelayUUID"),
    ),
    rule(
        places!("configuration.webcontent-filter.plugin" ""),
        NeedsOn(
            MOBILE,
            &[EnrollmentType::Device, EnrollmentType::User],
            "ContentFilterUUID",
        ),
    ),
    rule(
        places!("configuration.network.dns-settings" "DNSSettings"),
        Needs(is("DNSProtocol", &["HTTPS"]), "ServerURL"),
    ),
    rule(
        places!("configuration.network.dns-settings" "DNSSettings"),
        Only(is("DNSProtocol", &["TLS"]), "ServerName"),
    ),
    rule(
        places!("configuration.network.relay" "Relays/[]"),
        SomeOf(&["HTTP2RelayURL", "HTTP3RelayURL"]),
    ),
    rule(
        places!(
            "configuration.network.relay" "Relays/[]/HTTP2RelayURL",
            "configuration.network.relay" "Relays/[]/HTTP3RelayURL",
            "configuration.webcontent-filter.plugin" "Filter/URLs/Parameters/PIR/PrivacyPassIssuerURL",
            "configuration.webcontent-filter.plugin" "Filter/URLs/Parameters/PIR/ServerURL",
        ),
        Is(Web),
    ),
    rule(
        places!(
            "configuration.webcontent-filter.plugin" "Filter/Packets",
            "configuration.webcontent-filter.plugin" "Filter/Sockets",
        ),
        Needs(True("Enabled"), "ProviderComposedIdentifier"),
    ),
    rule(
        places!("configuration.webcontent-filter.plugin" "Filter/URLs"),
        Needs(True("Enabled"), "Parameters"),
    ),
    // VPN.
    rule(
        IKEV2,
        Needs(
            is("Authentication/Method", &["SharedSecret"]),
            "Authentication/CredentialsAssetReference",
        ),
    ),
    rule(
        IKEV2,
        Needs(
            is("Authentication/Method", &["Certificate"]),
            "Authentication/IdentityAssetReference",
        ),
    ),
    // With a name and password, or with the identity.
    rule(
        IKEV2,
        NeedsSomeOf(
            True("Authentication/ExtendedAuth/Enabled"),
            &[
                "Authentication/ExtendedAuth/CredentialsAssetReference",
                "Authentication/IdentityAssetReference",
            ],
        ),
    ),
    rule(
        IKEV2,
        Needs(
            Both(
                &True("Authentication/ExtendedAuth/Enabled"),
                &Present("Authentication/IdentityCertificateType"),
            ),
            "Authentication/ExtendedAuth/ServerCertificateIssuerCommonName",
        ),
    ),
    rule(
        places!(
            "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2/PostQuantumKeyExchange",
            "configuration.network.vpn.ikev2" "PostQuantumKeyExchange",
        ),
        Together(&["PPK", "PPKIdentifier"]),
    ),
    rule(
        places!(
            "configuration.network.vpn.always-on"
                "TunnelConfigurations/[]/IKEV2/IKESecurityAssociationParameters/PostQuantumKeyExchangeMethods",
            "configuration.network.vpn.always-on"
                "TunnelConfigurations/[]/IKEV2/ChildSecurityAssociationParameters/PostQuantumKeyExchangeMethods",
            "configuration.network.vpn.ikev2" "IKESecurityAssociationParameters/PostQuantumKeyExchangeMethods",
            "configuration.network.vpn.ikev2" "ChildSecurityAssociationParameters/PostQuantumKeyExchangeMethods",
        ),
        AtMost(7),
    ),
    rule(
        places!(
            "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2/NATKeepAliveInterval",
            "configuration.network.vpn.ikev2" "NATKeepAliveInterval",
        ),
        Between(20, i64::MAX),
    ),
    rule(
        places!(
            "configuration.network.vpn.always-on" "TunnelConfigurations/[]/IKEV2/PostQuantumKeyExchange",
            "configuration.network.vpn.ikev2" "PostQuantumKeyExchange",
        ),
        Useful(Present("PPK"), "PPKMandatory"),
    ),
    rule(
        IKEV2,
        Useful(
            Either(
                &Present("IKESecurityAssociationParameters/PostQuantumKeyExchangeMethods"),
                &Present("ChildSecurityAssociationParameters/PostQuantumKeyExchangeMethods"),
            ),
            "PostQuantumKeyExchange/AllowFallback",
        ),
    ),
    rule(ROUTING, Useful(NotTrue("IncludeAllNetworks"), "EnforceRoutes")),
    rule(ROUTING, Useful(True("IncludeAllNetworks"), "ExcludeAPNs")),
    rule(
        ROUTING,
        Useful(True("IncludeAllNetworks"), "ExcludeCellularServices"),
    ),
    rule(
        ROUTING,
        Useful(True("IncludeAllNetworks"), "ExcludeDeviceCommunication"),
    ),
    rule(
        ROUTING,
        Useful(True("IncludeAllNetworks"), "ExcludeLocalNetworks"),
    ),
    rule(
        places!("configuration.network.vpn.always-on" ""),
        Useful(
            NotTrue("AllowAllCaptiveNetworkPlugins"),
            "AllowedCaptiveNetworkPlugins",
        ),
    ),
    rule(
        IPSEC_AUTHENTICATION,
        Only(is("Method", &["SharedSecret"]), "CredentialsAssetReference"),
    ),
    rule(
        IPSEC_AUTHENTICATION,
        Only(is("Method", &["SharedSecret"]), "LocalIdentifier"),
    ),
    rule(
        IPSEC_AUTHENTICATION,
        Only(is("Method", &["SharedSecret"]), "LocalIdentifierType"),
    ),
    rule(
        IPSEC_AUTHENTICATION,
        Only(is("Method", &["Certificate"]), "IdentityAssetReference"),
    ),
    rule(
        places!("configuration.network.vpn.ipsec" "Authentication/XAuth"),
        Needs(True("Enabled"), "CredentialsAssetReference"),
    ),
    rule(
        places!("configuration.network.vpn.vpn-plugin" "Authentication"),
        Needs(is("Method", &["Password"]), "CredentialsAssetReference"),
    ),
    rule(
        places!("configuration.network.vpn.vpn-plugin" "Authentication"),
        Needs(is("Method", &["Certificate"]), "IdentityAssetReference"),
    ),
    rule(VPN_DNS, Needs(is("Protocol", &["HTTPS"]), "ServerURL")),
    rule(VPN_DNS, Needs(is("Protocol", &["TLS"]), "ServerName")),
    rule(
        VPN_PROXIES,
        Useful(True("AutoConfigEnable"), "AutoConfigURLString"),
    ),
    rule(
        VPN_PROXIES,
        Needs(Present("Protocol/HTTP/HostName"), "Protocol/HTTP/Port"),
    ),
    rule(
        VPN_PROXIES,
        Needs(Present("Protocol/HTTPS/HostName"), "Protocol/HTTPS/Port"),
    ),
    rule(
        ON_DEMAND_RULES,
        Useful(is("Action", &["EvaluateConnection"]), "ActionParameters"),
    ),
    rule(ON_DEMAND_ACTIONS, Outdated("Allow")),
    rule(
        ON_DEMAND_PARAMETERS,
        Only(is("DomainAction", &["ConnectIfNeeded"]), "RequiredDNSServers"),
    ),
    rule(
        ON_DEMAND_PARAMETERS,
        Only(is("DomainAction", &["ConnectIfNeeded"]), "RequiredURLStringProbe"),
    ),
    rule(
        places!(
            "configuration.network.vpn.always-on"
                "TunnelConfigurations/[]/IKEV2/OnDemand/Rules/[]/ActionParameters/[]/RequiredURLStringProbe",
            "configuration.network.vpn.ikev2" "OnDemand/Rules/[]/ActionParameters/[]/RequiredURLStringProbe",
            "configuration.network.vpn.ipsec" "OnDemand/Rules/[]/ActionParameters/[]/RequiredURLStringProbe",
            "configuration.network.vpn.vpn-plugin" "OnDemand/Rules/[]/ActionParameters/[]/RequiredURLStringProbe",
        ),
        Is(Web),
    ),
];
