mod lists;
mod random;

use super::*;
use crate::syncml::loc_uri::LocUri;

const VPN: &str = r#"<DeclaredConfiguration schema="1.0" context="Device" id="5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90" checksum="V1" osdefinedscenario="MSFTVPN"><CSP name="./Vendor/MSFT/VPNv2"><URI path="Lab/NativeProfile/Servers" type="chr">vpn.lab.test</URI><URI path="Lab/AlwaysOn" type="bool">true</URI><URI path="Lab/Enroll" type="null"/></CSP></DeclaredConfiguration>"#;
const WIFI: &str = r#"<DeclaredConfiguration schema="1.0" context="Device" id="77777777-0000-4000-8000-000000000006" checksum="W1" osdefinedscenario="MSFTWifi"><CSP name="./Vendor/MSFT/WiFi"><URI path="Profile/Lab/WlanXml" type="chr">&lt;WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1"&gt;&lt;name&gt;Lab&lt;/name&gt;&lt;/WLANProfile&gt;</URI></CSP></DeclaredConfiguration>"#;
const MOTD: &str = r#"<DeclaredConfiguration schema="1.0" context="Device" id="77777777-0000-4000-8000-000000000003" checksum="C1" osdefinedscenario="MSFTExtensibilityMIProviderConfig"><DSC namespace="root/Microsoft/Windows/DesiredStateConfiguration" className="MSFT_FileDirectoryConfiguration"><Key name="DestinationPath">C:\ProgramData\Lab\motd.txt</Key><Value name="Contents">Managed device</Value></DSC></DeclaredConfiguration>"#;
const INVENTORY: &str = r#"<DeclaredConfiguration schema="1.0" context="Device" id="77777777-0000-4000-8000-000000000004" checksum="I1" osdefinedscenario="MSFTExtensibilityMIProviderInventory"><DSC namespace="root/Microsoft/Windows/DesiredStateConfiguration" className="MSFT_FileDirectoryConfiguration"><Key name="DestinationPath">C:\ProgramData\Lab\motd.txt</Key><Value name="Contents"/></DSC></DeclaredConfiguration>"#;
const TEMPLATE: &str = r#"<DeclaredConfiguration schema="1.0" context="User" id="77777777-0000-4000-8000-000000000005" checksum="B1" osdefinedscenario="MSFTClientCertificateInstall"><ReflectedProperties><Property name="owner" type="chr">lab</Property></ReflectedProperties><CSP name="./Vendor/MSFT/ClientCertificateInstall"><URI path="PFXCertInstall/@#thumb#/PFXCertBlob" type="chr">@#blob#</URI><URI path="PFXCertInstall/@#thumb#/KeyLocation" type="int">3</URI></CSP></DeclaredConfiguration>"#;
const DOCUMENTS: [&str; 5] = [VPN, WIFI, MOTD, INVENTORY, TEMPLATE];

const INSTANCES: &str = r#"<InstanceBlob schema="1.0"><Instance><InstanceData variable="blob">TUlJ</InstanceData><InstanceData variable="thumb">0123</InstanceData></Instance><Instance><InstanceData variable="blob">@#thumb#</InstanceData><InstanceData variable="thumb"></InstanceData></Instance></InstanceBlob>"#;

const FAILED: &str = r#"<DeclaredConfigurationResult context="Device" schema="1.0" id="5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90" osdefinedscenario="MSFTVPN" checksum="V2" result_checksum="AA00" result_timestamp="2026-11-21T12:00:00Z" operation="Set" state="61"><CSP name="./Vendor/MSFT/VPNv2" state="61"><URI path="Lab/NativeProfile/Servers" status="200" state="60" type="chr"/><URI path="Lab/NativeProfile/Servrs" status="0x86000002" state="61" type="chr"/></CSP></DeclaredConfigurationResult>"#;
const FOUND: &str = r#"<DeclaredConfigurationResult context="Device" schema="1.0" id="77777777-0000-4000-8000-000000000004" osdefinedscenario="MSFTExtensibilityMIProviderInventory" checksum="I1" result_checksum="9999AAAA" result_timestamp="2026-11-21T13:00:00Z" operation="Get" state="80"><DSC namespace="root/Microsoft/Windows/DesiredStateConfiguration" className="MSFT_FileDirectoryConfiguration" status="200" state="80"><Key name="DestinationPath">C:\ProgramData\Lab\motd.txt</Key><Value name="Contents">Managed device</Value></DSC></DeclaredConfigurationResult>"#;

const LIST: &str = r#"<DeclaredConfigurations schema="1.0"><DeclaredConfiguration context="Device" id="5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90" checksum="V1" result_checksum="" state="1"/><DeclaredConfiguration context="User" id="77777777-0000-4000-8000-000000000002" checksum="V1" result_checksum="1111" state="61" abandoned="1"/></DeclaredConfigurations>"#;

fn with(text: &str, old: &str, new: &str) -> String {
    String::from_utf8(crate::tests::with(text, old, new)).unwrap()
}

#[test]
fn documents_are_read_and_written_as_published() {
    for text in DOCUMENTS {
        let document = Document::parse(text).unwrap();
        assert_eq!(document.to_xml().as_deref(), Ok(text));
        assert!(document.id.is_guid());
    }
    let document = Document::parse(WIFI).unwrap();
    let Body::Csp(csps) = &document.body else { panic!() };
    assert!(csps[0].uris[0].value.expose().starts_with("<WLANProfile xmlns="));
    // What was written for people reads the same: white space, a declaration, order, another quote, CDATA.
    let loose = "\u{feff}\r\n <?xml version='1.0' encoding='utf-16'?>\n<x:DeclaredConfiguration xmlns:x='urn:x' osdefinedscenario='MSFTVPN' checksum='V1'
        id='5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90' context='device' schema='1.0'> <!-- a -->
        <x:CSP name='./Vendor/MSFT/VPNv2'> <URI type='Chr' path='Lab/NativeProfile/Servers'><![CDATA[vpn.lab.test]]></URI>
        <URI type='BOOL' path='Lab/AlwaysOn'>true</URI><URI path='Lab/Enroll' type='null'></URI></x:CSP></x:DeclaredConfiguration>\n";
    assert_eq!(Document::parse(loose), Document::parse(VPN));
    // Without its settings, as before it is deleted.
    let empty = format!("{}</DeclaredConfiguration>", &VPN[..VPN.find("<CSP").unwrap()]);
    assert_eq!(Document::parse(&empty).unwrap().body, Body::Csp(Vec::new()));
}

#[test]
fn values_are_not_shown() {
    for text in DOCUMENTS {
        let shown = format!("{:?}", Document::parse(text).unwrap());
        for secret in [
            "vpn.lab.test",
            "WLANProfile",
            "motd.txt",
            "Managed device",
            "@#blob#",
            "\"lab\"",
        ] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert!(!format!("{:?}", InstanceBlob::parse(INSTANCES)).contains("TUlJ"));
    assert!(!format!("{:?}", DocumentResult::parse(FOUND)).contains("Managed"));
}

#[test]
fn documents_that_a_device_refuses() {
    let of = |old, new| Document::parse(&with(VPN, old, new)).unwrap_err();
    assert_eq!(of("\"1.0\"", "\"1.1\""), Error::Value("schema"));
    assert_eq!(of(" schema=\"1.0\"", ""), Error::Value("schema"));
    assert_eq!(of(" context=\"Device\"", ""), Error::Missing("context"));
    assert_eq!(of("\"Device\"", "\"Both\""), Error::Value("context"));
    assert_eq!(of("checksum=\"V1\"", "checksum=\"\""), Error::Missing("checksum"));
    assert_eq!(
        of("id=\"5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90\"", ""),
        Error::Missing("id")
    );
    // As a published draft spells it.
    assert_eq!(
        of("osdefinedscenario", "osdefinedscenerio"),
        Error::Missing("osdefinedscenario")
    );
    assert_eq!(of("<URI path=\"Lab/AlwaysOn\"", "<URI"), Error::Missing("path"));
    assert_eq!(of("Lab/AlwaysOn", "Lab/Enroll"), Error::Repeated("URI"));
    assert_eq!(of("vpn.lab.test", "<b>vpn</b>"), Error::Value("a value"));
    assert_eq!(
        of("</CSP>", "</CSP><DSC namespace='a' className='b'/>"),
        Error::Value("CSP beside DSC")
    );
    assert_eq!(
        of("</CSP>", "</CSP><Other/>"),
        Error::Value("DeclaredConfiguration")
    );
    let bomb = format!("<!DOCTYPE a [<!ENTITY b 'c'>]>{VPN}");
    assert_eq!(Document::parse(&bomb).unwrap_err(), Error::Refused("a DTD"));
    let of = |old, new| Document::parse(&with(MOTD, old, new)).unwrap_err();
    assert_eq!(
        of("</Key>", "</Key><Key name=\"DestinationPath\"/>"),
        Error::Repeated("Key")
    );
    assert_eq!(
        of("className", "classname=\"a\" className"),
        Error::Repeated("className")
    );
    assert_eq!(
        of("<Key name=\"DestinationPath\"", "<Key"),
        Error::Missing("name")
    );
    // The spelling of the table of attributes.
    assert_eq!(
        Document::parse(&with(MOTD, "className", "classname")),
        Document::parse(MOTD)
    );
    // A sample puts a value there; it is not taken for one.
    let misplaced = Document::parse(&with(VPN, "type=\"bool\">true", "type=\"true\">")).unwrap();
    let Body::Csp(csps) = misplaced.body else { panic!() };
    assert_eq!(csps[0].uris[1].format, Some(Format::Other("true".to_owned())));
    assert_eq!(csps[0].uris[1].value.expose(), "");
}

#[test]
fn sizes_are_bounded() {
    let of = |content: &str| Document::parse(&with(VPN, "</CSP>", &format!("</CSP>{content}"))).map(drop);
    let csp = "<CSP name=\"a\"/>";
    assert_eq!(of(&csp.repeat(MAX_PARTS - 1)), Ok(()));
    assert_eq!(
        of(&csp.repeat(MAX_PARTS)),
        Err(Error::Refused("that many entries"))
    );
    let uris = |count| -> String { (0..count).map(|n| format!("<URI path=\"{n}\"/>")).collect() };
    let csp = |count| format!("<CSP name=\"a\">{}</CSP>", uris(count));
    assert_eq!(of(&csp(MAX_SETTINGS - 3)), Ok(()));
    assert_eq!(
        of(&csp(MAX_SETTINGS - 2)),
        Err(Error::Refused("that many entries"))
    );
    assert_eq!(
        of(&csp(MAX_SETTINGS / 2).repeat(2)),
        Err(Error::Refused("that many entries"))
    );
    let long = |length: usize| format!("<CSP name=\"{}\"/>", "a".repeat(length));
    assert_eq!(of(&long(MAX_PATH)), Ok(()));
    assert_eq!(of(&long(MAX_PATH + 1)), Err(Error::Value("name")));
    let checksum = |length: usize| format!("checksum=\"{}\"", "a".repeat(length));
    let of = |length| Document::parse(&with(VPN, "checksum=\"V1\"", &checksum(length))).map(drop);
    assert_eq!(of(MAX_LABEL), Ok(()));
    assert_eq!(of(MAX_LABEL + 1), Err(Error::Value("checksum")));

    let list = |count| -> String {
        let entries: String = (0..count)
            .map(|n| format!("<DeclaredConfiguration id=\"{n}\"/>"))
            .collect();
        format!("<DeclaredConfigurations>{entries}</DeclaredConfigurations>")
    };
    let parse = |text: String| DeclaredConfigurations::parse(&text).map(|list| list.documents.len());
    assert_eq!(parse(list(MAX_DOCUMENTS)), Ok(MAX_DOCUMENTS));
    assert_eq!(
        parse(list(MAX_DOCUMENTS + 1)),
        Err(Error::Refused("that many entries"))
    );
}

#[test]
fn results() {
    for text in [FAILED, FOUND] {
        assert_eq!(DocumentResult::parse(text).unwrap().to_xml().as_deref(), Ok(text));
    }
    let failed = DocumentResult::parse(FAILED).unwrap();
    assert_eq!(
        (failed.state, failed.timestamp),
        (Some(State::CONFIG_COMPLETED_ERROR), Some(1_795_262_400))
    );
    let Body::Csp(csps) = failed.body else { panic!() };
    let statuses: Vec<_> = csps[0]
        .uris
        .iter()
        .map(|uri| (uri.status.as_deref(), uri.state))
        .collect();
    assert_eq!(
        statuses,
        [
            (Some(SUCCESS), Some(State::CONFIG_COMPLETED_SUCCESS)),
            (Some("0x86000002"), Some(State::CONFIG_COMPLETED_ERROR)),
        ]
    );
    let found = DocumentResult::parse(FOUND).unwrap();
    let Body::Dsc(dscs) = &found.body else { panic!() };
    assert_eq!(dscs[0].values[0].value.expose(), "Managed device");
    assert_eq!(
        DocumentResult::parse(&with(FOUND, "className", "classname")).as_ref(),
        Ok(&found)
    );
    // A value that is markup.
    let markup = with(FAILED, "type=\"chr\"/>", "type=\"chr\"><a b=\"c\"/></URI>");
    let Body::Csp(csps) = DocumentResult::parse(&markup).unwrap().body else {
        panic!()
    };
    assert_eq!(csps[0].uris[0].value.expose(), "<a b=\"c\"/>");

    let of = |old, new| DocumentResult::parse(&with(FAILED, old, new));
    assert_eq!(
        of(" result_timestamp=\"2026-11-21T12:00:00Z\"", "")
            .unwrap()
            .timestamp,
        None
    );
    assert_eq!(
        of("2026-11-21T12:00:00Z", "2026-11-21T12:00:00")
            .unwrap()
            .timestamp,
        Some(1_795_262_400)
    );
    assert_eq!(of("2026-11-21T12:00:00Z", "yesterday").unwrap().timestamp, None);
    assert_eq!(of("state=\"61\"><CSP", "><CSP").unwrap().state, None);
    assert_eq!(of("Servrs", "Servers").unwrap_err(), Error::Repeated("URI"));
    // Each instance of a template has its own.
    let twice = of("</CSP>", "</CSP><CSP name=\"./Vendor/MSFT/VPNv2\" state=\"60\"/>").unwrap();
    assert!(matches!(twice.body, Body::Csp(csps) if csps.len() == 2));
    assert_eq!(of("id=", "is=").unwrap_err(), Error::Missing("id"));
    assert_eq!(
        of("</CSP>", "</CSP><DSC namespace='a' className='b'/>").unwrap_err(),
        Error::Value("CSP beside DSC")
    );
    assert_eq!(
        DocumentResult::parse(VPN).unwrap_err(),
        Error::Value("DeclaredConfigurationResult")
    );
    // What comes later is skipped.
    assert_eq!(of("<CSP", "<New>thing</New><CSP"), DocumentResult::parse(FAILED));
}

#[test]
fn states() {
    use StateKind::*;
    let published = [
        (Pending, vec![0, 1, 2, 3, 20, 21, 40]),
        (Good, vec![60, 63, 80]),
        (Failed, vec![61, 81]),
        (Retryable, vec![62, 82]),
        (Deleting, vec![10, 11]),
        (Gone, vec![70]),
        (NotDeleted, vec![71, 72]),
    ];
    let kind = |number| {
        let known = published.iter().find(|(_, numbers)| numbers.contains(&number));
        known.map_or(Unknown, |(kind, _)| *kind)
    };
    for number in (0..1000).chain([u32::MAX]) {
        let state = State(number);
        assert_eq!(state.kind(), kind(number), "{number}");
        assert_eq!(
            state.is_transient(),
            number <= 40 && kind(number) != Unknown,
            "{number}"
        );
        assert_eq!(state.is_good(), [60, 63, 80].contains(&number), "{number}");
        assert_eq!(state.name().is_some(), kind(number) != Unknown, "{number}");
    }
}

#[test]
fn instances() {
    let blob = InstanceBlob::parse(INSTANCES).unwrap();
    assert_eq!(blob.to_xml().as_deref(), Ok(INSTANCES));
    let fill_in = |instance: usize, text| {
        blob.instances[instance]
            .fill_in(text)
            .map(|text| text.expose().to_owned())
    };
    assert_eq!(
        fill_in(0, "PFXCertInstall/@#thumb#/PFXCertBlob").as_deref(),
        Ok("PFXCertInstall/0123/PFXCertBlob")
    );
    assert_eq!(fill_in(0, "@#blob##@#thumb#").as_deref(), Ok("TUlJ#0123"));
    assert_eq!(fill_in(0, "plain # @ text").as_deref(), Ok("plain # @ text"));
    // Not filled in again.
    assert_eq!(fill_in(1, "@#blob#").as_deref(), Ok("@#thumb#"));
    // As prose once spells it.
    assert_eq!(fill_in(0, "#@thumb#").as_deref(), Ok("#@thumb#"));
    for bad in ["@#thumb", "@#other#", "@##", "@#"] {
        assert_eq!(fill_in(0, bad), Err(Undefined), "{bad}");
    }
    let long = Instance([("a".to_owned(), Secret::new("a".repeat(1 << 20)))].into());
    assert!(long.fill_in("@#a#@#a#").is_ok());
    assert_eq!(long.fill_in(&"@#a#".repeat(5)), Err(Undefined));

    let of = |old, new| InstanceBlob::parse(&with(INSTANCES, old, new)).unwrap_err();
    assert_eq!(
        of("variable=\"thumb\"", "variable=\"blob\""),
        Error::Repeated("InstanceData")
    );
    assert_eq!(
        of("variable=\"thumb\"", "variable=\"other\""),
        Error::Value("Instance")
    );
    assert_eq!(
        of("<InstanceData variable=\"blob\">TUlJ</InstanceData>", ""),
        Error::Value("Instance")
    );
    assert_eq!(of(" variable=\"blob\"", ""), Error::Missing("variable"));
}

#[test]
fn addresses() {
    let id = DocId::new("5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90");
    let of = |scope, request, node| Address {
        scope,
        request,
        id: id.clone(),
        node,
    };
    for (address, uri) in [
        (
            of(Scope::Device, Request::Complete, Node::Document),
            "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/ID/Document",
        ),
        (
            of(Scope::User, Request::Inventory, Node::Document),
            "./User/Vendor/MSFT/DeclaredConfiguration/Host/Inventory/Documents/ID/Document",
        ),
        (
            of(Scope::Device, Request::Complete, Node::Abandoned),
            "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/ID/Properties/Abandoned",
        ),
        (
            of(Scope::Device, Request::BulkTemplate, Node::BulkVariables),
            "./Device/Vendor/MSFT/DeclaredConfiguration/Host/BulkTemplate/Documents/ID/BulkVariables/Value",
        ),
        (
            of(Scope::Device, Request::Inventory, Node::Result),
            "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Inventory/Results/ID/Document",
        ),
    ] {
        let uri = uri.replace("ID", id.as_str());
        assert_eq!(address.uri().to_string(), uri);
        assert_eq!(Address::of(&LocUri::parse(&uri).unwrap()), Some(address.clone()));
        let loud = uri.replace(id.as_str(), &id.as_str().to_ascii_uppercase());
        assert_eq!(Address::of(&LocUri::parse(&loud).unwrap()), Some(address));
    }
    for other in [
        "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents",
        "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/a",
        "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/a/Other",
        "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Results/a/Properties/Abandoned",
        "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Other/Documents/a/Document",
        "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/a/Document?prop=Type",
        "./Device/Vendor/MSFT/Policy/Config/a/b",
    ] {
        assert_eq!(Address::of(&LocUri::parse(other).unwrap()), None, "{other}");
    }
    assert!(id.is_guid());
    for bad in [
        "",
        "a",
        "5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d9g",
        "5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90-",
        "5a1f0c3e-7b22-4d0e-9c11",
        "{5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90}",
        "5a1f0c3e-7b22-4d0e-9c1-12f6a8e4b7d90",
        "5a1f0c3e7b224d0e9c112f6a8e4b7d90",
    ] {
        assert!(!DocId::new(bad).is_guid(), "{bad}");
    }
}
