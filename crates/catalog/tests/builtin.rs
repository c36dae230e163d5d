//! The committed facts: that they are in their one form, and what they say, compared with Apple's
//! documentation.

use std::collections::BTreeSet;

use ordain_catalog::{
    Apply, Availability, Catalog, Combine, DeclarationType, Elements, EnrollmentType, Format, Key, Keys,
    Kind, OsVersion, Platform, PlatformSupport, Requirement, Scope, Shape, Support, Terms, facts,
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

#[test]
fn references_are_found_in_payloads() {
    let found = |name, payload: &serde_json::Value| -> Vec<(String, String, bool)> {
        let references = declaration(name).references_in(payload);
        let userpassword = "com.apple.asset.credential.userpassword";
        references
            .into_iter()
            .map(|r| (r.pointer, r.identifier.to_owned(), r.target.accepts(userpassword)))
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

    let activation = declaration("com.apple.activation.simple");
    let configurations = key(&activation.payload, "StandardConfigurations")
        .refers
        .as_ref()
        .unwrap();
    assert!(configurations.accepts("com.apple.configuration.unknown"));
    assert!(!configurations.accepts("com.apple.activation.simple"));
}

/// A key, by the names that lead to it from `shape`, `[]` for elements.
fn key<'a>(shape: &'a Shape, path: &str) -> &'a Key {
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let key = match shape {
        Shape::Dictionary(keys) => &keys[name],
        Shape::Map(key) => key,
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } => element,
        other => panic!("nothing in {other} for {path}"),
    };
    if rest.is_empty() {
        key
    } else {
        self::key(&key.shape, rest)
    }
}

fn for_each_key<'a>(shape: &'a Shape, take: &mut impl FnMut(&'a Key)) {
    let keys = |keys: &'a Keys, take: &mut _| keys.values().for_each(|key| for_each_key_of(key, take));
    match shape {
        Shape::Dictionary(held) => keys(held, take),
        Shape::Map(key) => for_each_key_of(key, take),
        Shape::Array { elements, .. } => match elements {
            Elements::Alike(key) => for_each_key_of(key, take),
            Elements::ByItem(forms) => keys(forms, take),
        },
        _ => {}
    }
}

fn for_each_key_of<'a>(key: &'a Key, take: &mut impl FnMut(&'a Key)) {
    take(key);
    for_each_key(&key.shape, take);
}

#[test]
fn references_name_types_that_exist() {
    let catalog = Catalog::builtin();
    let mut references = 0;
    for declaration in catalog.declarations() {
        for_each_key(&declaration.payload, &mut |key| {
            let Some(target) = &key.refers else { return };
            for name in &target.types {
                let named = catalog.declaration(name);
                assert!(named.is_some_and(|named| named.kind == target.kind), "{name}");
            }
            references += 1;
        });
        for item in &declaration.status_items {
            assert!(catalog.status_item(item).is_some(), "{item}");
        }
    }
    assert!(references > 60, "{references}");
}

#[test]
fn keys_of_payloads_as_documented() {
    let catalog = Catalog::builtin();
    let payload = |name: &str| &declaration(name).payload;
    let passcode = payload("com.apple.configuration.passcode.settings");
    let length = key(passcode, "MinimumLength");
    let Shape::Integer { range, .. } = &length.shape else {
        panic!("{}", length.shape)
    };
    assert_eq!((range.min, range.max), (Some(0), Some(16)));
    assert_eq!(
        (&length.default, length.combine),
        (&Some(json!(0)), Some(Combine::NumberMax))
    );
    assert_eq!(key(passcode, "RequirePasscode").combine, Some(Combine::BooleanOr));

    let bookmarks = payload("com.apple.configuration.safari.bookmarks");
    let folder = key(bookmarks, "ManagedBookmarks/[]/Bookmarks/[]/Folder");
    assert_eq!(
        folder.shape,
        Shape::array_of(Shape::Above(2)),
        "folders hold what bookmarks do"
    );

    let files = key(
        payload("com.apple.configuration.services.configuration-files"),
        "DataAssetReference",
    );
    let target = files.refers.as_ref().unwrap();
    assert_eq!(target.kind, Kind::Asset);
    assert_eq!(target.types, BTreeSet::from(["com.apple.asset.data".to_owned()]));
    assert_eq!(
        target.content_types,
        BTreeSet::from(["application/zip".to_owned()])
    );
    assert_eq!(
        declaration("com.apple.asset.credential.acme").content_types,
        BTreeSet::from(["application/json".to_owned()])
    );

    let acme = &catalog.credential("com.apple.credential.acme").unwrap().payload;
    assert!(key(acme, "DirectoryURL").required);
    let Shape::Array { count, .. } = &key(acme, "Subject/[]/[]").shape else {
        panic!()
    };
    assert_eq!((count.min, count.max), (Some(2), Some(2)));

    let codes = &catalog.shared_keys("declarationbase").unwrap().reasons;
    assert!(codes.contains("Error.UnknownDeclarationType"));
    assert!(!catalog.status_item("package.list").unwrap().reasons.is_empty());
}

#[test]
fn profiles_as_documented() {
    let catalog = Catalog::builtin();
    let profile = |name: &str| catalog.profile(name).unwrap();
    let mcx: Vec<&str> = catalog
        .profiles_of_type("com.apple.MCX")
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(mcx.len(), 6);
    assert!(mcx.contains(&"com.apple.MCX(TimeServer)"));
    assert_eq!(profile("GlobalPreferences").payload_type, ".GlobalPreferences");
    assert_eq!(
        profile("com.apple.preferences.users").payload_type,
        "com.apple.preference.users"
    );

    let proxy = &key(&profile("com.apple.proxy.http.global").payload, "ProxyServer").shape;
    assert!(matches!(
        proxy,
        Shape::String {
            format: Some(Format::Hostname),
            ..
        }
    ));
    let restrictions = profile("com.apple.applicationaccess");
    let cookies = &key(&restrictions.payload, "safariAcceptCookies").shape;
    assert_eq!(cookies.allowed(), ["0", "1", "1.5", "2"]);
    let siri = key(&restrictions.payload, "allowAssistantUserGeneratedContent")
        .support
        .as_ref();
    assert_eq!(
        terms(siri.unwrap(), Platform::Ios).enrollments,
        Some(BTreeSet::from([EnrollmentType::Supervised]))
    );
    let sharing = &profile("com.apple.shareddeviceconfiguration").support;
    assert_eq!(sharing.on(Platform::MacOs), Some(&PlatformSupport::Never));
    let mdm = terms(&profile("com.apple.mdm").support, Platform::MacOs);
    assert_eq!((mdm.multiple, mdm.manual_install), (Some(false), Some(true)));
    let extensions = terms(
        &profile("com.apple.system-extension-policy").support,
        Platform::MacOs,
    );
    assert_eq!(extensions.requires, BTreeSet::from([Requirement::UserApproval]));
}
