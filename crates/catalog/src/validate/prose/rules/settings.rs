//! Accounts, apps, files and settings.

use super::super::Says::{
    AtMost, AtMostOneOf, Between, Needs, NotAllFalse, OneOf, Only, SomeOf, Text as Is, Unique, Useful,
};
use super::super::Text::{
    CacheDirectory, Composed, ComposedWithTeam, InHome, LocalTime, OsBuild, OsVersion, Service, StatusItem,
    Web,
};
use super::super::When::{Absent, Either, False, IsNot, NotTrue, Present, True};
use super::{Rule, is, rule};

pub(super) const RULES: &[Rule] = &[
    // Accounts.
    rule(
        places!(
            "configuration.account.caldav" "Port",
            "configuration.account.carddav" "Port",
            "configuration.account.exchange" "ExternalPort",
            "configuration.account.exchange" "Port",
            "configuration.account.ldap" "Port",
            "configuration.account.mail" "IncomingServer/Port",
            "configuration.account.mail" "OutgoingServer/Port",
            "configuration.content-cache.settings" "Port",
            "configuration.screensharing.connection" "Port",
        ),
        Between(0, 65535),
    ),
    rule(
        places!("configuration.account.exchange" "EnabledProtocolTypes"),
        Unique,
    ),
    rule(
        places!("configuration.account.exchange" ""),
        Needs(Present("OAuth/SignInURL"), "HostName"),
    ),
    rule(
        places!("configuration.account.exchange" ""),
        Useful(Present("HostName"), "Port"),
    ),
    rule(
        places!("configuration.account.exchange" ""),
        Useful(Present("HostName"), "Path"),
    ),
    rule(
        places!("configuration.account.exchange" ""),
        Useful(Present("ExternalHostName"), "ExternalPort"),
    ),
    rule(
        places!("configuration.account.exchange" ""),
        Useful(Present("ExternalHostName"), "External Path"),
    ),
    rule(
        places!("configuration.account.exchange" "OAuth"),
        Useful(True("Enabled"), "SignInURL"),
    ),
    rule(
        places!("configuration.account.exchange" "OAuth"),
        Useful(True("Enabled"), "TokenRequestURL"),
    ),
    rule(
        places!(
            "configuration.account.mail" "IncomingServer",
            "configuration.account.mail" "OutgoingServer",
        ),
        Needs(
            is(
                "AuthenticationMethod",
                &["Password", "CRAMMD5", "NTLM", "HTTPMD5"],
            ),
            "AuthenticationCredentialsAssetReference",
        ),
    ),
    rule(
        places!(
            "configuration.account.mail" "IncomingServer",
            "configuration.account.mail" "OutgoingServer",
        ),
        Only(
            IsNot("AuthenticationMethod", &["None"]),
            "AuthenticationCredentialsAssetReference",
        ),
    ),
    rule(
        places!("configuration.account.mail" "IncomingServer"),
        Useful(is("ServerType", &["IMAP"]), "IMAPPathPrefix"),
    ),
    // Apps, packages and profiles.
    rule(
        places!("configuration.app.managed" ""),
        OneOf(&["AppStoreID", "BundleID", "ManifestURL", "AppComposedIdentifier"]),
    ),
    rule(
        places!("configuration.app.managed" ""),
        Needs(
            Either(&Present("AppStoreID"), &Present("BundleID")),
            "InstallBehavior/License/Assignment",
        ),
    ),
    rule(
        places!("configuration.app.managed" ""),
        Useful(
            Either(&Present("AppStoreID"), &Present("BundleID")),
            "InstallBehavior/Version",
        ),
    ),
    rule(
        places!("configuration.app.managed" ""),
        Useful(Either(&Present("AppStoreID"), &Present("BundleID")), "iOSApp"),
    ),
    rule(
        places!("configuration.app.managed" ""),
        Useful(Absent("InstallBehavior/Version"), "UpdateBehavior"),
    ),
    rule(
        places!("configuration.app.managed" "AppComposedIdentifier"),
        Is(Composed),
    ),
    rule(
        places!("configuration.app.settings" "Allowed/AllowedBinaries/[]"),
        SomeOf(&["CDHash", "TeamID"]),
    ),
    rule(
        places!("configuration.app.settings" "Allowed/DeniedBinaries/[]"),
        SomeOf(&["CDHash", "TeamID", "SigningID"]),
    ),
    rule(
        places!("configuration.legacy" "", "configuration.legacy.interactive" ""),
        OneOf(&["ProfileURL", "ProfileAssetReference"]),
    ),
    // Files, tasks and migration.
    rule(
        places!("configuration.services.background-tasks" ""),
        SomeOf(&["ExecutableAssetReference", "LaunchdConfigurations"]),
    ),
    rule(
        places!("configuration.services.configuration-files" "ServiceType"),
        Is(Service),
    ),
    rule(
        places!(
            "configuration.migration-assistant.settings" "ExcludedPaths/[]",
            "configuration.migration-assistant.settings" "RequiredPaths/[]",
        ),
        Is(InHome),
    ),
    // Accessories, and the content cache.
    rule(
        places!("configuration.audio-accessory.settings" "TemporaryPairing"),
        Needs(NotTrue("Disabled"), "Configuration"),
    ),
    rule(
        places!("configuration.audio-accessory.settings" "TemporaryPairing/Configuration/UnpairingTime"),
        Needs(is("Policy", &["Hour"]), "Hour"),
    ),
    rule(
        places!("configuration.content-cache.settings" ""),
        NotAllFalse(&["AllowPersonalCaching", "AllowSharedCaching"]),
    ),
    rule(
        places!("configuration.content-cache.settings" ""),
        Needs(
            is(
                "ManagementSecurityConfig",
                &["signedByCACert", "specificServerCert"],
            ),
            "ManagementStatusCertificateReference",
        ),
    ),
    rule(
        places!("configuration.content-cache.settings" ""),
        Useful(Present("ManagementStatusTarget"), "ManagementReportingInterval"),
    ),
    rule(
        places!("configuration.content-cache.settings" ""),
        Useful(False("LocalSubnetsOnly"), "ListenRanges"),
    ),
    rule(
        places!("configuration.content-cache.settings" ""),
        Useful(False("PeerLocalSubnetsOnly"), "PeerFilterRanges"),
    ),
    rule(
        places!("configuration.content-cache.settings" ""),
        Useful(False("PeerLocalSubnetsOnly"), "PeerListenRanges"),
    ),
    rule(
        places!("configuration.content-cache.settings" "ManagementStatusTarget"),
        Is(Web),
    ),
    rule(
        places!("configuration.content-cache.settings" "DataPath"),
        Is(CacheDirectory),
    ),
    // Passcodes, Safari, status and software updates.
    rule(
        places!("configuration.passcode.settings" "CustomRegex/Regex"),
        AtMost(2048),
    ),
    rule(
        places!("configuration.passcode.settings" ""),
        Useful(Present("MaximumFailedAttempts"), "FailedAttemptsResetInMinutes"),
    ),
    rule(
        places!("configuration.safari.bookmarks" "ManagedBookmarks/[]/Bookmarks/[]/Folder*"),
        OneOf(&["URL", "Folder"]),
    ),
    rule(
        places!("configuration.safari.settings" "NewTabStartPage"),
        Needs(is("PageType", &["Home"]), "HomepageURL"),
    ),
    rule(
        places!("configuration.safari.settings" "NewTabStartPage"),
        Needs(is("PageType", &["Extension"]), "ExtensionIdentifier"),
    ),
    rule(
        places!(
            "configuration.safari.settings" "NewTabStartPage/HomepageURL",
            "configuration.softwareupdate.enforcement.specific" "DetailsURL",
            "management.organization-info" "URL",
        ),
        Is(Web),
    ),
    rule(
        places!("configuration.safari.settings" "NewTabStartPage/ExtensionIdentifier"),
        Is(ComposedWithTeam),
    ),
    rule(
        places!("configuration.management.status-subscriptions" "StatusItems/[]/Name"),
        Is(StatusItem),
    ),
    rule(
        places!("configuration.softwareupdate.enforcement.specific" "TargetLocalDateTime"),
        Is(LocalTime),
    ),
    rule(
        places!("configuration.softwareupdate.enforcement.specific" "TargetOSVersion"),
        Is(OsVersion),
    ),
    rule(
        places!("configuration.softwareupdate.enforcement.specific" "TargetBuildVersion"),
        Is(OsBuild),
    ),
    rule(
        places!("configuration.softwareupdate.settings" "AutomaticActions"),
        Useful(IsNot("Download", &["AlwaysOff"]), "InstallOSUpdates"),
    ),
    rule(
        places!("configuration.softwareupdate.settings" "AutomaticActions"),
        Useful(IsNot("Download", &["AlwaysOff"]), "InstallSecurityUpdate"),
    ),
    rule(
        places!("configuration.softwareupdate.settings" "Beta"),
        AtMostOneOf(&["RequireProgram", "OfferPrograms"]),
    ),
    rule(
        places!("configuration.softwareupdate.settings" "Beta"),
        Only(is("ProgramEnrollment", &["AlwaysOn"]), "RequireProgram"),
    ),
    rule(
        places!("configuration.softwareupdate.settings" "Beta"),
        Only(IsNot("ProgramEnrollment", &["AlwaysOff"]), "OfferPrograms"),
    ),
];
