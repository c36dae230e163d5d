//! The committed facts: that they are in their one form, and what they say, compared with Apple's
//! documentation.

mod keys;

use std::collections::BTreeSet;

use ordain_catalog::{
    Apply, Availability, Catalog, DeclarationType, EnrollmentType, Kind, OsVersion, Platform,
    PlatformSupport, Scope, Shape, Support, Terms, facts,
};

fn declaration(name: &str) -> &'static DeclarationType {
    Catalog::builtin()
        .declaration(name)
        .unwrap_or_else(|| panic!("no {name}"))
}

fn terms(support: &Support, platform: Platform) -> &Terms {
    match support.on(platform) {
        Some(PlatformSupport::Supported(terms)) => terms,
        other => panic!("{platform}: {other:?}"),
    }
}

/// The terms in short: version, initials of enrollments, of scopes, of Shared iPad's scopes; `?` where not
/// stated.
fn short(support: &Support, platform: Platform) -> String {
    fn initials<T: ToString>(set: &Option<BTreeSet<T>>) -> String {
        let initial = |word: &T| word.to_string().remove(0);
        set.as_ref()
            .map_or("?".to_owned(), |set| set.iter().map(initial).collect())
    }
    let terms = terms(support, platform);
    let introduced = terms
        .introduced
        .map_or("?".to_owned(), |version| version.to_string());
    let (enrollments, scopes) = (initials(&terms.enrollments), initials(&terms.scopes));
    format!(
        "{introduced} {enrollments}/{scopes} {}",
        initials(&terms.shared_ipad_scopes)
    )
}

#[test]
fn the_committed_facts_are_in_their_one_form() {
    let catalog = facts::read(facts::APPLE).unwrap();
    assert_eq!(facts::write(&catalog), facts::APPLE);
    assert_eq!(&catalog, &**Catalog::builtin());
    assert!(catalog.declarations().map(|d| &d.name).is_sorted());
}

#[test]
fn every_record_says_something_of_every_platform() {
    let catalog = Catalog::builtin();
    let supports = catalog.declarations().map(|d| (&d.name, &d.support));
    let supports = supports.chain(catalog.credentials().map(|c| (&c.name, &c.support)));
    let supports = supports.chain(catalog.status_items().map(|item| (&item.name, &item.support)));
    let supports = supports.chain(catalog.commands().map(|c| (&c.request_type, &c.support)));
    let supports = supports.chain(catalog.check_ins().map(|m| (&m.message_type, &m.support)));
    let supports = supports.chain(catalog.profiles().map(|p| (&p.name, &p.support)));
    let supports = supports.chain(catalog.shared().map(|s| (&s.name, &s.support)));
    let mut records = 0;
    for (name, support) in supports {
        let said = Platform::ALL
            .iter()
            .all(|&platform| support.on(platform).is_some());
        assert!(said != (name == "com.apple.security.wapi-identity"), "{name}");
        records += 1;
    }
    assert_eq!(records, 60 + 4 + 63 + 68 + 9 + 126 + 4);
}

#[test]
fn all_of_the_schema_is_there() {
    let counts = Catalog::builtin().counts();
    let numbers = (
        counts.declarations,
        counts.credentials,
        counts.status_items,
        counts.commands,
    );
    assert_eq!(numbers, (60, 4, 63, 68));
    let numbers = (counts.check_ins, counts.profiles, counts.profile_types);
    assert_eq!(numbers, (9, 126, 120));
    assert_eq!(
        counts.to_string(),
        "60 declaration types, 4 credential documents, 63 status items, 68 commands, 9 check-in messages, \
         126 profile schemas of 120 types"
    );
}

#[test]
fn declarations_as_documented() {
    use Platform::{Ios, IpadOs, MacOs, TvOs, VisionOs, WatchOs};
    let cases = [
        ("com.apple.activation.simple", Ios, "15.0 ?/? ?"),
        ("com.apple.management.properties", Ios, "16.0 ?/? ?"),
        ("com.apple.asset.credential.userpassword", TvOs, "16.0 ?/? ?"),
        ("com.apple.configuration.account.caldav", IpadOs, "15.0 sdul/s u"),
        ("com.apple.configuration.account.caldav", MacOs, "13.0 sul/u ?"),
        ("com.apple.configuration.passcode.settings", Ios, "15.0 sdul/s "),
        ("com.apple.configuration.passcode.settings", MacOs, "13.0 sl/su ?"),
        (
            "com.apple.configuration.passcode.settings",
            VisionOs,
            "2.0 sdul/s ?",
        ),
        (
            "com.apple.configuration.management.status-subscriptions",
            WatchOs,
            "10.0 s/s ?",
        ),
        (
            "com.apple.configuration.softwareupdate.settings",
            TvOs,
            "18.4 sd/s ?",
        ),
        ("com.apple.configuration.legacy", Ios, "15.0 sdul/s su"),
        ("com.apple.configuration.math.settings", MacOs, "15.0 s/u ?"),
        ("com.apple.configuration.account.settings", MacOs, "27.2 s/su ?"),
    ];
    for (name, platform, expected) in cases {
        assert_eq!(
            short(&declaration(name).support, platform),
            expected,
            "{name} on {platform}"
        );
    }
    let passcode = declaration("com.apple.configuration.passcode.settings");
    assert_eq!(
        (passcode.kind, passcode.apply),
        (Kind::Configuration, Some(Apply::Combined))
    );
    assert_eq!(passcode.support.on(TvOs), Some(&PlatformSupport::Never));
    assert_eq!(
        declaration("com.apple.configuration.watch.enrollment").apply,
        Some(Apply::Single)
    );
    assert_eq!(
        declaration("com.apple.configuration.legacy").apply,
        Some(Apply::Multiple)
    );
    assert_eq!(declaration("com.apple.asset.data").apply, None);
    assert!(
        Catalog::builtin()
            .declaration("com.apple.credential.scep")
            .is_none()
    );
}

#[test]
fn status_items_as_documented() {
    let catalog = Catalog::builtin();
    for (name, value, identified) in [
        ("device.operating-system.version", "string", false),
        ("passcode.is-compliant", "boolean", false),
        ("mdm.push-token", "data", false),
        ("test.real-value", "real", false),
        ("test.integer-value", "integer", false),
        ("management.declarations", "dictionary", false),
        ("test.array-value", "array", false),
        ("mdm.app", "array", true),
        ("content-cache.peers", "array", true),
        (
            "screensharing.connection.group.unresolved-connection",
            "array",
            true,
        ),
    ] {
        let item = catalog.status_item(name).unwrap();
        assert_eq!(
            (item.value.word(), item.identified()),
            (value, identified),
            "{name}"
        );
    }
    let identified = catalog.status_items().filter(|item| item.identified()).count();
    assert_eq!(identified, 8 + 8, "account.list.* and eight others");
    let filevault = &catalog
        .status_item("diskmanagement.filevault.enabled")
        .unwrap()
        .support;
    assert_eq!(short(filevault, Platform::MacOs), "14.0 sl/s ?");
    assert_eq!(filevault.on(Platform::IpadOs), Some(&PlatformSupport::Never));
    let device_id = &catalog.status_item("softwareupdate.device-id").unwrap().support;
    assert_eq!(short(device_id, Platform::TvOs), "18.4 ?/? ?");
}

#[test]
fn commands_as_documented() {
    let catalog = Catalog::builtin();
    let management = &catalog.command("DeclarativeManagement").unwrap().support;
    for (platform, introduced) in [
        (Platform::Ios, OsVersion::new(15, 0)),
        (Platform::MacOs, OsVersion::new(13, 0)),
        (Platform::TvOs, OsVersion::new(16, 0)),
        (Platform::VisionOs, OsVersion::new(1, 1)),
        (Platform::WatchOs, OsVersion::new(10, 0)),
    ] {
        assert_eq!(terms(management, platform).introduced, Some(introduced));
    }
    let judged = |version: OsVersion, enrollment, scope| {
        management.availability(Some(Platform::MacOs), Some(&version), Some(enrollment), scope)
    };
    assert_eq!(
        judged(OsVersion::new(13, 0), EnrollmentType::User, Scope::User),
        Availability::Available
    );
    let monterey = judged(OsVersion::new(12, 7), EnrollmentType::Supervised, Scope::System);
    assert!(
        matches!(monterey, Availability::Unavailable(reason) if reason.to_string() == "needs macOS 13.0")
    );

    let updates = terms(
        &catalog.command("AvailableOSUpdates").unwrap().support,
        Platform::MacOs,
    );
    assert_eq!(updates.deprecated, Some(OsVersion::new(26, 0)));
    assert_eq!(updates.removed, Some(OsVersion::new(27, 0)));
    assert!(
        !updates
            .enrollments
            .as_ref()
            .unwrap()
            .contains(&EnrollmentType::User)
    );
    let erase = terms(&catalog.command("EraseDevice").unwrap().support, Platform::MacOs);
    assert_eq!(erase.scopes, Some(BTreeSet::from([Scope::System])));
}

#[test]
fn keys_of_commands_as_documented() {
    let catalog = Catalog::builtin();
    let listed = |name: &str, path: &str| {
        let listed = catalog.command(name).unwrap().listed();
        let key = listed.iter().find(|key| key.path == path);
        let key = key.unwrap_or_else(|| panic!("{name} has no {path}"));
        let star = if key.required { "*" } else { "" };
        format!("{}{star} {}", key.shape, key.shape.allowed().join(" "))
            .trim_end()
            .to_owned()
    };
    for (name, path, expected) in [
        ("InstallProfile", "Payload", "data*"),
        ("InstallApplication", "ManagementFlags", "integer 1 4 5"),
        (
            "InstallApplication",
            "Attributes/AssociatedDomains",
            "array of string",
        ),
        ("InstallEnterpriseApplication", "Manifest", "dictionary"),
        ("EraseDevice", "ReturnToService/Enabled", "boolean*"),
        (
            "AccountConfiguration",
            "AutoSetupAdminAccounts",
            "array of dictionary",
        ),
        (
            "AccountConfiguration",
            "AutoSetupAdminAccounts/[]/shortName",
            "string*",
        ),
        (
            "LOMDeviceRequest",
            "RequestList/[]/DeviceRequestType",
            "string* PowerON PowerOFF Reset",
        ),
        ("RotateFileVaultKey", "FileVaultUnlock", "dictionary*"),
        ("Settings", "Settings", "array of dictionary*"),
        ("Settings", "Settings/[Wallpaper]/Where", "integer* 1 2 3"),
        ("Settings", "Settings/[DefaultApplications]/WebBrowser", "string"),
        (
            "Settings",
            "Settings/[MDMOptions]/MDMOptions/IdleRebootAllowed",
            "boolean",
        ),
    ] {
        assert_eq!(listed(name, path), expected, "{name} {path}");
    }
    let queries = listed("DeviceInformation", "Queries/[]");
    assert!(
        queries.contains(" OSVersion ") && queries.contains(" UDID "),
        "{queries}"
    );
    for command in catalog.commands() {
        assert!(!command.keys.contains_key("RequestType"));
        assert!(command.listed().iter().all(|key| !key.path.contains("ANY")));
    }

    let lock = catalog.command("DeviceLock").unwrap();
    assert_eq!(lock.access_right.as_deref(), Some("AllowPasscodeRemovalAndLock"));
    let answers: Vec<&str> = lock.answers.keys().map(String::as_str).collect();
    assert_eq!(answers, ["MessageResult"]);
    let answered = &catalog.command("DeviceInformation").unwrap().answers;
    assert!(matches!(&answered["QueryResponses"].shape, Shape::Dictionary(keys) if keys.len() > 50));
    assert_eq!(catalog.command("DeviceInformation").unwrap().access_right, None);
}
