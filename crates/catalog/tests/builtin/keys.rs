//! Keys of payloads, and what they refer to.

use std::collections::BTreeSet;

use ordain_catalog::{
    Catalog, Combine, Elements, EnrollmentType, Format, Key, Keys, Kind, Platform, PlatformSupport,
    Requirement, Shape,
};
use serde_json::json;

use super::{declaration, terms};

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
