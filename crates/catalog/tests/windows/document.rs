//! Documents of declared configuration.

use ordain_catalog::Scope;
use ordain_catalog::validate::{
    Code, Document, DocumentCsp, DocumentUri, Finding, Severity, WindowsReach, document,
};
use ordain_catalog::windows::{DataFormat, Edition, Request, WindowsDevice};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::catalog;

const ID: &str = "5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90";

fn uri<'a>(path: &'a str, format: DataFormat, value: &'a str) -> DocumentUri<'a> {
    DocumentUri {
        path,
        format: Some(format),
        value: Some(value),
    }
}

/// The VPN of the specification's examples.
fn vpn() -> Document<'static> {
    Document {
        id: ID,
        scenario: "MSFTVPN",
        scope: Scope::System,
        request: Request::Complete,
        csps: vec![DocumentCsp {
            name: "./Vendor/MSFT/VPNv2",
            uris: vec![
                uri("LabVPN/NativeProfile/Servers", DataFormat::Chr, "vpn.example.org"),
                uri(
                    "LabVPN/NativeProfile/NativeProtocolType",
                    DataFormat::Chr,
                    "IKEv2",
                ),
                uri(
                    "LabVPN/NativeProfile/Authentication/MachineMethod",
                    DataFormat::Chr,
                    "Certificate",
                ),
                uri("LabVPN/AlwaysOn", DataFormat::Bool, "true"),
            ],
        }],
        dsc: 0,
    }
}

fn wifi() -> Document<'static> {
    Document {
        scenario: "MSFTWifi",
        csps: vec![DocumentCsp {
            name: "./Vendor/MSFT/WiFi",
            uris: vec![uri("Profile/LabWifi/WlanXml", DataFormat::Chr, "<WLANProfile/>")],
        }],
        ..vpn()
    }
}

fn scep() -> Document<'static> {
    Document {
        scenario: "msftclientcertificateinstall",
        csps: vec![DocumentCsp {
            name: "./Vendor/MSFT/ClientCertificateInstall",
            uris: vec![
                uri("SCEP/Lab1/Install/KeyUsage", DataFormat::Int, "160"),
                uri("SCEP/Lab1/Install/HashAlgorithm", DataFormat::Chr, "SHA-2"),
                uri(
                    "SCEP/Lab1/Install/EKUMapping",
                    DataFormat::Chr,
                    "1.3.6.1.5.5.7.3.2",
                ),
                DocumentUri {
                    path: "SCEP/Lab1/Install/Enroll",
                    format: Some(DataFormat::Null),
                    value: Some(""),
                },
            ],
        }],
        ..vpn()
    }
}

/// The bulk template of the specification's examples, filled in.
fn pfx() -> Document<'static> {
    Document {
        request: Request::BulkTemplate,
        scenario: "MSFTClientCertificateInstall",
        csps: vec![DocumentCsp {
            name: "./Vendor/MSFT/ClientCertificateInstall",
            uris: vec![
                uri("PFXCertInstall/A1/KeyLocation", DataFormat::Int, "3"),
                uri("PFXCertInstall/A1/PFXCertBlob", DataFormat::Chr, "c2VjcmV0"),
                uri("PFXCertInstall/A1/PFXKeyExportable", DataFormat::Bool, "false"),
            ],
        }],
        ..vpn()
    }
}

fn dsc(scenario: &'static str, request: Request) -> Document<'static> {
    Document {
        scenario,
        request,
        csps: Vec::new(),
        dsc: 1,
        ..vpn()
    }
}

fn validate(document_: &Document<'_>) -> Vec<Finding> {
    document(catalog(), document_, &WindowsReach::default())
}

fn told(document: &Document<'_>) -> Vec<(String, Code, Severity)> {
    let findings = validate(document).into_iter();
    findings.map(|it| (it.pointer, it.code, it.severity)).collect()
}

#[test]
fn the_examples_are_right() {
    for document in [
        vpn(),
        wifi(),
        scep(),
        dsc("MSFTExtensibilityMIProviderConfig", Request::Complete),
        dsc("MSFTExtensibilityMIProviderInventory", Request::Inventory),
    ] {
        assert_eq!(validate(&document), [], "{document:?}");
    }
    let doubted = told(&pfx());
    assert_eq!(doubted, [(String::new(), Code::Unverified, Severity::Warning)]);
}

#[test]
fn each_mistake_is_refused_in_its_place() {
    let on = |change: &dyn Fn(&mut Document<'static>)| {
        let mut document = vpn();
        change(&mut document);
        document
    };
    let mut cases = vec![
        (on(&|it| it.id = "5A1F0C3E"), "", Code::Format),
        (on(&|it| it.id = ""), "", Code::Format),
        (on(&|it| it.id = "../../Results"), "", Code::Format),
        (
            on(&|it| it.id = "%35A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90"),
            "",
            Code::Format,
        ),
        (
            on(&|it| it.scenario = "MSFTVPNN"),
            "/scenario",
            Code::UnknownScenario,
        ),
        (on(&|it| it.scenario = "MSFTWifi"), "/csps/0", Code::NotAllowed),
        (
            on(&|it| it.request = Request::Inventory),
            "/request",
            Code::NotAllowed,
        ),
        (on(&|it| it.csps.clear()), "", Code::MissingKey),
        (on(&|it| it.csps[0].uris.clear()), "/csps/0", Code::MissingKey),
        (on(&|it| it.dsc = 1), "/dsc", Code::UnexpectedKey),
        (
            on(&|it| it.scenario = "MSFTExtensibilityMIProviderConfig"),
            "/csps",
            Code::UnexpectedKey,
        ),
    ];
    for (path, format, value, code) in [
        (
            "LabVPN/NativeProfile/Servrs",
            DataFormat::Chr,
            Some("x"),
            Code::UnknownNode,
        ),
        ("/LabVPN/AlwaysOff", DataFormat::Bool, Some("true"), Code::Format),
        ("", DataFormat::Bool, Some("true"), Code::Format),
        ("../WiFi/Profile", DataFormat::Bool, Some("true"), Code::Format),
        ("LabVPN/AlwaysOn", DataFormat::Bool, Some("true"), Code::Repeated),
        (
            "Lab%56PN/AlwaysOn",
            DataFormat::Bool,
            Some("true"),
            Code::Repeated,
        ),
        ("LabVPN/DeviceTunnel", DataFormat::Int, Some("1"), Code::WrongType),
        (
            "LabVPN/DeviceTunnel",
            DataFormat::Bool,
            Some("1"),
            Code::WrongType,
        ),
        ("LabVPN/DeviceTunnel", DataFormat::Bool, None, Code::MissingKey),
        (
            "Lab VPN/DeviceTunnel",
            DataFormat::Bool,
            Some("true"),
            Code::Format,
        ),
        (
            "@#name#/DeviceTunnel",
            DataFormat::Bool,
            Some("true"),
            Code::Format,
        ),
    ] {
        let mut wrong = vpn();
        let format = Some(format);
        wrong.csps[0].uris.push(DocumentUri { path, format, value });
        cases.push((wrong, "/csps/0/uris/4", code));
    }
    let mut read_only = scep();
    read_only.csps[0]
        .uris
        .push(uri("SCEP/Lab1/CertThumbprint", DataFormat::Chr, "00"));
    cases.push((read_only, "/csps/0/uris/4", Code::Verb));
    let mut out_of_bounds = scep();
    out_of_bounds.csps[0].uris[0].value = Some("161");
    cases.push((out_of_bounds, "/csps/0/uris/0", Code::NotAllowed));
    let mut foreign = vpn();
    foreign.csps[0].name = "./Vendor/MSFT/VPNv3";
    foreign.csps[0].uris.truncate(1);
    cases.push((foreign, "/csps/0/uris/0", Code::UnknownNode));
    let mut literal = pfx();
    literal.csps[0].uris[0].value = Some("9");
    cases.push((literal, "/csps/0/uris/0", Code::NotAllowed));

    for (document, pointer, code) in cases {
        let findings = validate(&document);
        let mut errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        assert!(
            errors.any(|finding| finding.pointer == pointer && finding.code == code),
            "{code} at {pointer}: {findings:?}"
        );
        // What has another scenario or another CSP than it should is told for both.
        let errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        assert!(errors.count() <= 2, "{findings:?}");
    }
}

#[test]
fn contexts_are_those_of_the_scenario() {
    let user = Document {
        scope: Scope::User,
        ..vpn()
    };
    let doubted = (String::new(), Code::Unverified, Severity::Warning);
    assert_eq!(
        told(&user),
        std::slice::from_ref(&doubted),
        "the CSP's user scope is in doubt"
    );
    let user = Document {
        scope: Scope::User,
        ..wifi()
    };
    assert_eq!(
        told(&user),
        [doubted, ("/scope".into(), Code::Unverified, Severity::Warning)]
    );
    let user = Document {
        scope: Scope::User,
        ..dsc("MSFTExtensibilityMIProviderConfig", Request::Complete)
    };
    let refused = told(&user);
    assert!(
        refused.contains(&("/scope".into(), Code::Scope, Severity::Error)),
        "{refused:?}"
    );
    assert!(
        refused.contains(&("/dsc".into(), Code::Scope, Severity::Error)),
        "{refused:?}"
    );
}

#[test]
fn drafts_and_doubts_are_warned_of() {
    let policies = Document {
        scenario: "MSFTPolicies",
        csps: vec![DocumentCsp {
            name: "./Vendor/MSFT/Policy",
            uris: vec![uri("Config/Camera/AllowCamera", DataFormat::Int, "0")],
        }],
        ..vpn()
    };
    assert_eq!(
        told(&policies),
        [
            ("/csps/0".into(), Code::Unverified, Severity::Warning),
            ("/scenario".into(), Code::Unverified, Severity::Warning)
        ]
    );
}

#[test]
fn what_is_misspelt_is_told_and_may_be_allowed() {
    let wrong = Document {
        scenario: "MSFTVPNN",
        ..vpn()
    };
    let message = &validate(&wrong)[0].message;
    assert_eq!(
        message,
        "`MSFTVPNN` is no scenario that is known; did you mean `MSFTVPN`?"
    );
    let lenient = WindowsReach {
        allow_unknown: true,
        devices: Vec::new(),
    };
    let findings = document(catalog(), &wrong, &lenient);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning);
}

#[test]
fn devices_without_declared_configuration_are_named() {
    let reach = WindowsReach {
        allow_unknown: false,
        devices: vec![WindowsDevice {
            edition: Some(Edition::Home),
            ..WindowsDevice::default()
        }],
    };
    let findings = document(catalog(), &vpn(), &reach);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].code, &*findings[0].pointer), (Code::Unsupported, ""));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn anything_is_judged(
        id in "\\PC{0,40}",
        scenario in "\\PC{0,20}|MSFT[A-Za-z]{0,8}",
        request in select(Request::ALL),
        scope in select(Scope::ALL),
        dsc in 0_usize..3,
        csps in vec(
            (
                "\\PC{0,20}|\\./Vendor/MSFT/(WiFi|VPNv2|Policy)",
                vec(("\\PC{0,20}|[A-Z@#/%]{0,12}", proptest::option::of("\\PC{0,20}")), 0..4),
            ),
            0..4,
        ),
    ) {
        let document = Document {
            id: &id,
            scenario: &scenario,
            scope,
            request,
            dsc,
            csps: csps
                .iter()
                .map(|(name, uris)| DocumentCsp {
                    name,
                    uris: uris
                        .iter()
                        .map(|(path, value)| DocumentUri { path, format: None, value: value.as_deref() })
                        .collect(),
                })
                .collect(),
        };
        for finding in validate(&document) {
            prop_assert!(!finding.message.chars().any(char::is_control));
        }
    }

    #[test]
    fn a_huge_document_is_bounded(count in 300_usize..1000) {
        let mut document = vpn();
        document.csps[0].uris = vec![uri("Lab/Nothing", DataFormat::Int, "x"); count];
        prop_assert_eq!(validate(&document).len(), 201);
    }
}
