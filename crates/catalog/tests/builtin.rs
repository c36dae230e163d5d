//! The committed facts: that they are in their one form, and what they say, compared with Apple's
//! documentation.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{
    Apply, Availability, Catalog, DeclarationType, EnrollmentType, Kind, OsVersion, Platform,
    PlatformSupport, Scope, Support, Terms, ValueType, facts,
};
use serde_json::json;

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
    let supports = supports.chain(catalog.status_items().map(|item| (&item.name, &item.support)));
    let supports = supports.chain(
        catalog
            .commands()
            .map(|command| (&command.request_type, &command.support)),
    );
    let mut records = 0;
    for (name, support) in supports {
        assert!(
            Platform::ALL
                .iter()
                .all(|&platform| support.on(platform).is_some()),
            "{name}"
        );
        records += 1;
    }
    assert_eq!(records, 60 + 63 + 68);
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
        ("device.operating-system.version", ValueType::String, false),
        ("passcode.is-compliant", ValueType::Boolean, false),
        ("mdm.push-token", ValueType::Data, false),
        ("test.real-value", ValueType::Real, false),
        ("test.integer-value", ValueType::Integer, false),
        ("management.declarations", ValueType::Dictionary, false),
        ("test.array-value", ValueType::Array, false),
        ("mdm.app", ValueType::Array, true),
        ("content-cache.peers", ValueType::Array, true),
        (
            "screensharing.connection.group.unresolved-connection",
            ValueType::Array,
            true,
        ),
    ] {
        let item = catalog.status_item(name).unwrap();
        assert_eq!((item.value, item.identified), (value, identified), "{name}");
    }
    let identified = catalog.status_items().filter(|item| item.identified).count();
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
            "string* PowerOFF PowerON Reset",
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
    assert_eq!(
        lock.answers,
        BTreeMap::from([("MessageResult".to_owned(), ValueType::String)])
    );
    assert_eq!(catalog.command("DeviceInformation").unwrap().access_right, None);
}

#[test]
fn references_are_found_in_payloads() {
    let found = |name, payload: &serde_json::Value| -> Vec<(String, String, bool)> {
        let references = declaration(name).references_in(payload);
        let userpassword = "com.apple.asset.credential.userpassword";
        references
            .into_iter()
            .map(|r| {
                (
                    r.pointer,
                    r.identifier.to_owned(),
                    r.reference.accepts(userpassword),
                )
            })
            .collect()
    };
    let own = |pointer: &str, identifier: &str, accepts| (pointer.to_owned(), identifier.to_owned(), accepts);

    let activation = json!({"StandardConfigurations": ["a", "b"], "Predicate": "TRUEPREDICATE"});
    assert_eq!(
        found("com.apple.activation.simple", &activation),
        [
            own("/StandardConfigurations/0", "a", false),
            own("/StandardConfigurations/1", "b", false)
        ]
    );
    let mail = json!({
        "UserIdentityAssetReference": "who",
        "IncomingServer": {"HostName": "mail.example", "AuthenticationCredentialsAssetReference": "in"},
        "SMIME": {"Signing": {"Enabled": true, "IdentityAssetReference": "sign"}},
    });
    assert_eq!(
        found("com.apple.configuration.account.mail", &mail),
        [
            own(
                "/IncomingServer/AuthenticationCredentialsAssetReference",
                "in",
                true
            ),
            own("/SMIME/Signing/IdentityAssetReference", "sign", false),
            own("/UserIdentityAssetReference", "who", false),
        ]
    );
    let passwords = json!([{"Identifier": "p", "AssetReference": "pw"}]);
    let app = json!({"ExtensionConfigs": {"com.example.x": {"Passwords": passwords}}});
    assert_eq!(
        found("com.apple.configuration.app.managed", &app),
        [own(
            "/ExtensionConfigs/com.example.x/Passwords/0/AssetReference",
            "pw",
            true
        )]
    );
    let watch = json!({"AnchorCertificateAssetReferences": ["one", "two"]});
    assert_eq!(found("com.apple.configuration.watch.enrollment", &watch).len(), 2);
    let passcode = json!({"MinimumLength": 8});
    assert!(found("com.apple.configuration.passcode.settings", &passcode).is_empty());

    let configurations = &declaration("com.apple.activation.simple").references;
    assert!(
        configurations
            .iter()
            .all(|r| r.accepts("com.apple.configuration.unknown"))
    );
    assert!(
        !configurations
            .iter()
            .any(|r| r.accepts("com.apple.activation.simple"))
    );
}

#[test]
fn references_name_types_that_exist() {
    let catalog = Catalog::builtin();
    let mut references = 0;
    for reference in catalog
        .declarations()
        .flat_map(|declaration| &declaration.references)
    {
        for name in &reference.types {
            assert!(
                catalog
                    .declaration(name)
                    .is_some_and(|target| target.kind == reference.kind),
                "{name}"
            );
        }
        references += 1;
    }
    assert!(references > 60, "{references}");
}
