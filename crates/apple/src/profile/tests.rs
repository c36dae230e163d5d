use proptest::prelude::*;

use super::*;

fn enrollment() -> EnrollmentProfile {
    EnrollmentProfile {
        identifier: "org.example.enroll".into(),
        uuid: "U1".into(),
        display_name: "Example".into(),
        organization: Some("Example Org".into()),
        identity: Identity {
            uuid: "U2".into(),
            pkcs12: vec![1, 2, 3],
            password: "secret".into(),
        },
        anchors: vec![Anchor {
            uuid: "U3".into(),
            certificate: vec![4, 5, 6],
        }],
        mdm: Mdm {
            uuid: "U4".into(),
            topic: "com.apple.mgmt.External.x".into(),
            server_url: "https://mdm.example.org/mdm".into(),
            check_in_url: None,
            sign_message: false,
            access_rights: AccessRights::ALL,
            check_out_when_removed: true,
            server_capabilities: vec![Mdm::PER_USER_CONNECTIONS.into(), Mdm::BOOTSTRAP_TOKEN.into()],
        },
    }
}

/// An enrollment profile with one text of it replaced.
fn replaced(from: &str, to: &str) -> Result<EnrollmentProfile, Invalid> {
    let xml = String::from_utf8(enrollment().to_xml()).unwrap();
    assert!(xml.contains(from), "{from}");
    EnrollmentProfile::read(xml.replace(from, to).as_bytes())
}

#[test]
fn the_bytes_of_an_enrollment_profile() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
	<key>PayloadIdentifier</key>
	<string>org.example.enroll</string>
	<key>PayloadUUID</key>
	<string>U1</string>
	<key>PayloadDisplayName</key>
	<string>Example</string>
	<key>PayloadOrganization</key>
	<string>Example Org</string>
	<key>PayloadScope</key>
	<string>System</string>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadType</key>
			<string>com.apple.security.pkcs12</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
			<key>PayloadIdentifier</key>
			<string>org.example.enroll.identity</string>
			<key>PayloadUUID</key>
			<string>U2</string>
			<key>PayloadContent</key>
			<data>
			AQID
			</data>
			<key>Password</key>
			<string>secret</string>
		</dict>
		<dict>
			<key>PayloadType</key>
			<string>com.apple.security.root</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
			<key>PayloadIdentifier</key>
			<string>org.example.enroll.anchor.1</string>
			<key>PayloadUUID</key>
			<string>U3</string>
			<key>PayloadContent</key>
			<data>
			BAUG
			</data>
		</dict>
		<dict>
			<key>PayloadType</key>
			<string>com.apple.mdm</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
			<key>PayloadIdentifier</key>
			<string>org.example.enroll.mdm</string>
			<key>PayloadUUID</key>
			<string>U4</string>
			<key>IdentityCertificateUUID</key>
			<string>U2</string>
			<key>Topic</key>
			<string>com.apple.mgmt.External.x</string>
			<key>ServerURL</key>
			<string>https://mdm.example.org/mdm</string>
			<key>SignMessage</key>
			<false/>
			<key>AccessRights</key>
			<integer>8191</integer>
			<key>CheckOutWhenRemoved</key>
			<true/>
			<key>ServerCapabilities</key>
			<array>
				<string>com.apple.mdm.per-user-connections</string>
				<string>com.apple.mdm.bootstraptoken</string>
			</array>
		</dict>
	</array>
</dict>
</plist>"#;
    assert_eq!(String::from_utf8(enrollment().to_xml()).unwrap(), expected);
    assert_eq!(EnrollmentProfile::read(expected.as_bytes()), Ok(enrollment()));
}

#[test]
fn a_device_refuses_an_enrollment_profile_that_breaks_the_rules() {
    let refused = |from, to| replaced(from, to).unwrap_err().to_string();
    for (from, to, error) in [
        (
            "<string>com.apple.mdm</string>",
            "<string>x</string>",
            "not exactly one payload of type com.apple.mdm",
        ),
        (
            "com.apple.security.root",
            "com.apple.mdm",
            "not exactly one payload of type com.apple.mdm",
        ),
        (
            "com.apple.security.pkcs12",
            "x",
            "IdentityCertificateUUID refers to no payload of the right type",
        ),
        ("https://mdm", "http://mdm", "ServerURL is not an https URL"),
        ("<key>Topic</key>", "<key>topic</key>", "Topic is missing"),
        (
            "<key>ServerURL</key>",
            "<key>CheckInURL</key>",
            "ServerURL is missing",
        ),
        (
            "<key>AccessRights</key>",
            "<key>Rights</key>",
            "AccessRights is missing",
        ),
        (
            "<string>Configuration</string>",
            "<string>Profile</string>",
            "PayloadType is not Configuration",
        ),
        (
            "<integer>1</integer>",
            "<integer>2</integer>",
            "PayloadVersion has a value that is not allowed",
        ),
    ] {
        assert_eq!(refused(from, to), error);
    }
    assert_eq!(
        replaced("<string>U2</string>", "<string>U5</string>")
            .unwrap()
            .identity
            .uuid,
        "U5"
    );
}

#[test]
fn access_rights() {
    for bits in [1, 3, 4, 8191, 64, 192] {
        let rights = AccessRights::try_from(bits).unwrap();
        assert_eq!(i64::from(rights.bits()), bits);
        let profile = replaced("<integer>8191</integer>", &format!("<integer>{bits}</integer>")).unwrap();
        assert_eq!(profile.mdm.access_rights, rights);
    }
    for bits in [0, 2, 6, 128, 129, 8192, -1, i64::MIN, i64::MAX] {
        assert_eq!(AccessRights::try_from(bits), Err(InvalidRights), "{bits}");
        let read = replaced("<integer>8191</integer>", &format!("<integer>{bits}</integer>"));
        assert_eq!(read, Err(Invalid::Rights(InvalidRights)));
    }
}

/// A profile with payloads of these types and some more keys at its top.
fn profile(types: &[&str], more: &[(&str, Value)]) -> Vec<u8> {
    let common = |type_name: &str, uuid: usize| {
        let mut keys = Dictionary::new();
        keys.insert("PayloadType".into(), type_name.into());
        keys.insert("PayloadVersion".into(), 1.into());
        keys.insert("PayloadIdentifier".into(), "org.example.wifi".into());
        keys.insert("PayloadUUID".into(), format!("U{uuid}").into());
        keys
    };
    let mut profile = common("Configuration", 0);
    let payloads = (1..)
        .zip(types)
        .map(|(uuid, type_name)| Value::Dictionary(common(type_name, uuid)));
    profile.insert("PayloadContent".into(), Value::Array(payloads.collect()));
    for (key, value) in more {
        profile.insert((*key).to_owned(), value.clone());
    }
    plist::to_xml(profile)
}

#[test]
fn any_profile_tells_of_itself() {
    let named = profile(
        &["com.apple.wifi.managed", "com.apple.security.root"],
        &[
            ("PayloadScope", "User".into()),
            ("PayloadDisplayName", "Wi-Fi".into()),
        ],
    );
    let expected = Profile {
        identifier: "org.example.wifi".into(),
        uuid: "U0".into(),
        display_name: Some("Wi-Fi".into()),
        scope: Some(Scope::User),
        payload_types: vec!["com.apple.wifi.managed".into(), "com.apple.security.root".into()],
    };
    assert_eq!(Profile::read(&named), Ok(expected));
    let system = Profile::read(&profile(&[], &[("PayloadScope", "System".into())])).unwrap();
    assert_eq!(
        (system.scope, system.payload_types.len()),
        (Some(Scope::System), 0)
    );
    assert_eq!(Profile::read(&profile(&[], &[])).unwrap().scope, None);
}

#[test]
fn profiles_that_cannot_be_declared_are_refused() {
    for forbidden in ["com.apple.mdm", "com.apple.declarations"] {
        let read = Profile::read(&profile(&["com.apple.wifi.managed", forbidden], &[]));
        assert_eq!(read, Err(Invalid::Forbidden(forbidden)));
    }
    assert_eq!(
        Profile::read(&enrollment().to_xml()),
        Err(Invalid::Forbidden("com.apple.mdm"))
    );
    for signed in [&b"\x30\x80\x06\x09"[..], b"\x30\x82\x01\x00"] {
        assert_eq!(Profile::read(signed), Err(Invalid::Signed));
    }
    let encrypted = [
        profile(&[], &[("IsEncrypted", true.into())]),
        profile(&[], &[("EncryptedPayloadContent", Value::Data(vec![1]))]),
    ];
    for profile in encrypted {
        assert_eq!(Profile::read(&profile), Err(Invalid::Encrypted));
    }
    assert_eq!(
        Profile::read(b"bplist00"),
        Err(Invalid::Plist(plist::Error::Binary))
    );
    let refused = |key: &'static str, value: Value| {
        Profile::read(&profile(&[], &[(key, value)]))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("PayloadType", "x".into()),
        "PayloadType is not Configuration"
    );
    assert_eq!(
        refused("PayloadVersion", 2.into()),
        "PayloadVersion has a value that is not allowed"
    );
    assert_eq!(refused("PayloadUUID", "".into()), "PayloadUUID is missing");
    assert_eq!(
        refused("PayloadIdentifier", 1.into()),
        "PayloadIdentifier is not a string"
    );
    assert_eq!(
        refused("PayloadContent", "x".into()),
        "PayloadContent is not an array"
    );
    assert_eq!(
        refused("PayloadContent", Value::Array(vec![1.into()])),
        "PayloadContent is not an array of dictionaries"
    );
    assert_eq!(
        refused("PayloadContent", Value::Array(vec![Dictionary::new().into()])),
        "PayloadVersion is missing"
    );
    assert_eq!(
        refused("PayloadScope", "Everyone".into()),
        "PayloadScope has a value that is not allowed"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        texts in prop::collection::vec("[A-Za-z0-9 <&>.é-]{1,30}", 5),
        url in "https://[a-z.]{1,20}(:[0-9]{1,5})?/[a-z]{0,5}",
        check_in_url in prop::option::of("https://[a-z.]{1,20}/"),
        certificates in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..3),
        sign_message: bool,
    ) {
        let mut profile = enrollment();
        let [identifier, display_name, organization, password, topic] = texts.try_into().unwrap();
        (profile.identifier, profile.display_name, profile.organization) = (identifier, display_name, Some(organization));
        (profile.identity.password, profile.mdm.topic, profile.mdm.server_url) = (password, topic, url);
        (profile.mdm.check_in_url, profile.mdm.sign_message) = (check_in_url, sign_message);
        profile.anchors = certificates.into_iter().map(|certificate| Anchor { uuid: "A".into(), certificate }).collect();
        prop_assert_eq!(EnrollmentProfile::read(&profile.to_xml()), Ok(profile));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(octets: Vec<u8>, cut in 0usize..3000, values in prop::collection::vec(crate::plist::tests::values(), 3)) {
        let _ = (Profile::read(&octets), EnrollmentProfile::read(&octets));
        let xml = enrollment().to_xml();
        let whole = EnrollmentProfile::read(xml.get(..cut).unwrap_or(&xml));
        prop_assert_eq!(whole.is_ok(), cut >= xml.len());
        let [content, scope, version]: [Value; 3] = values.try_into().unwrap();
        let nasty = profile(&[], &[("PayloadContent", content), ("PayloadScope", scope), ("PayloadVersion", version)]);
        let _ = (Profile::read(&nasty), EnrollmentProfile::read(&nasty));
    }
}
