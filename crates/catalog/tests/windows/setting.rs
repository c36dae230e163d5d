//! Commands to nodes: what every node says is taken, and whatever is changed in it is refused.

use ordain_catalog::validate::{At, Code, Finding, Setting, Severity, WindowsReach, csp, csp_example};
use ordain_catalog::windows::{DataFormat, Edition, Join, Node, Said, Verb, WindowsDevice};
use ordain_catalog::{Scope, Shape};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{address, catalog};

fn validate(setting: Setting<'_>) -> Vec<Finding> {
    csp(catalog(), setting, &WindowsReach::default())
}

fn validate_for(uri: &str, devices: &[WindowsDevice]) -> Vec<Finding> {
    let setting = Setting {
        uri,
        verb: Verb::Get,
        format: None,
        value: None,
    };
    let reach = WindowsReach {
        allow_unknown: false,
        devices: devices.to_vec(),
    };
    csp(catalog(), setting, &reach)
}

/// Asserts that there is one error, of this code.
fn assert_refused(setting: Setting<'_>, code: Code, at: At) {
    let findings = validate(setting);
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert_eq!(errors.len(), 1, "{setting:?}: {findings:?}");
    assert_eq!(
        (errors[0].code, errors[0].at),
        (code, at),
        "{setting:?}: {findings:?}"
    );
    assert_eq!(errors[0].pointer, "");
    assert!(!errors[0].message.contains('\n'));
}

/// Does something with every node, an address of it, and a command that it takes.
fn at_every_node(mut does: impl FnMut(&'static Node, Setting<'_>)) {
    let mut count = 0;
    for csp in catalog().csps() {
        for (template, node) in csp.nodes() {
            let scope = match node.scopes.of(&Scope::System) {
                Said::Excluded => Scope::User,
                _ => Scope::System,
            };
            let verbs = match node.verbs.is_empty() {
                true => vec![Verb::Get],
                false => node.verbs.iter().copied().collect(),
            };
            for verb in verbs {
                let value = csp_example(node).filter(|_| verb.sets());
                let setting = Setting {
                    uri: &address(&template, scope),
                    verb,
                    format: None,
                    value: value.as_deref(),
                };
                does(node, setting);
                count += 1;
            }
        }
    }
    assert!(count > 900, "{count}");
}

#[test]
fn every_example_is_taken_in_each_of_its_formats() {
    at_every_node(|node, setting| {
        let suits = |format: &DataFormat| setting.value.is_none_or(|value| format.value(value).is_some());
        let formats = node.formats.iter().copied().filter(suits).map(Some);
        for format in formats.chain([None]) {
            let setting = Setting { format, ..setting };
            let findings = validate(setting);
            let is_doubt = |finding: &Finding| finding.code == Code::Unverified;
            assert!(findings.iter().all(is_doubt), "{setting:?}: {findings:?}");
            assert_eq!(findings.iter().any(is_doubt), node.unverified, "{setting:?}");
        }
    });
}

#[test]
fn commands_that_a_node_does_not_take_are_refused() {
    at_every_node(|node, setting| {
        for &verb in Verb::ALL {
            if !node.verbs.is_empty() && !node.verbs.contains(&verb) {
                let value = csp_example(node).filter(|_| verb.sets());
                let has_value =
                    value.is_some() || !verb.sets() || node.formats.iter().any(|format| format.is_empty());
                let value = value.or_else(|| (!has_value).then(|| "x".to_owned()));
                let wrong = Setting {
                    verb,
                    value: value.as_deref(),
                    ..setting
                };
                assert_refused(wrong, Code::Verb, At::Key);
            }
        }
    });
}

#[test]
fn values_of_another_format_are_refused() {
    at_every_node(|node, setting| {
        let Some(_) = setting.value else { return };
        for &format in DataFormat::ALL {
            if !node.formats.is_empty() && !node.formats.contains(&format) && !format.is_empty() {
                let wrong = Setting {
                    format: Some(format),
                    ..setting
                };
                assert_refused(wrong, Code::WrongType, At::Value);
            }
        }
        let only: Vec<&DataFormat> = node.formats.iter().collect();
        let texts: &[&str] = match only[..] {
            [DataFormat::Int] => &[
                "",
                "one",
                "1.5",
                " 1",
                "true",
                "99999999999999999999",
                "'; DROP TABLE",
            ],
            [DataFormat::Bool] => &["", "1", "TRUE", "yes"],
            _ => return,
        };
        for text in texts {
            let wrong = Setting {
                value: Some(text),
                ..setting
            };
            assert_refused(wrong, Code::WrongType, At::Value);
        }
    });
}

#[test]
fn values_that_are_not_allowed_are_refused() {
    let mut count = 0;
    at_every_node(|node, setting| {
        if setting.value.is_none() {
            return;
        }
        let wrongs: Vec<(String, Code)> = match &node.value {
            Some(Shape::Integer { allowed, range }) => {
                let other = allowed.iter().max().map(|most| (most + 1, Code::NotAllowed));
                let below = range.min.map(|min| (min - 1, Code::OutOfRange));
                let above = range.max.map(|max| (max + 1, Code::OutOfRange));
                let numbers = other.into_iter().chain(below).chain(above);
                numbers.map(|(number, code)| (number.to_string(), code)).collect()
            }
            Some(Shape::String { allowed, .. }) if !allowed.is_empty() => {
                vec![("Fortnights".to_owned(), Code::NotAllowed)]
            }
            Some(Shape::String { .. }) => vec![("\u{202e}=cmd()".to_owned(), Code::Format)],
            _ => vec![],
        };
        for (text, code) in wrongs {
            let wrong = Setting {
                value: Some(&text),
                ..setting
            };
            assert_refused(wrong, code, At::Value);
            count += 1;
        }
    });
    assert!(count > 50, "{count}");
}

#[test]
fn what_has_to_be_there_is_and_nothing_else() {
    at_every_node(|node, setting| {
        let has_none = node.formats.iter().any(|format| format.is_empty());
        if setting.verb.sets() && !has_none {
            let wrong = Setting {
                value: None,
                ..setting
            };
            assert_refused(wrong, Code::MissingKey, At::Value);
        }
        if matches!(setting.verb, Verb::Get | Verb::Delete) {
            let wrong = Setting {
                value: Some("1"),
                ..setting
            };
            assert_refused(wrong, Code::UnexpectedKey, At::Value);
        }
    });
}

#[test]
fn scopes_are_those_that_are_stated() {
    for csp in catalog().csps().filter(|csp| csp.name.starts_with("./Vendor")) {
        for (template, node) in csp.nodes() {
            for &scope in Scope::ALL {
                let uri = address(&template, scope);
                let findings = validate_for(&uri, &[]);
                let has = |code, severity| {
                    let mut told = findings.iter();
                    told.any(|finding| finding.code == code && finding.severity == severity)
                };
                let said = node.scopes.of(&scope);
                assert_eq!(
                    has(Code::Scope, Severity::Error),
                    said == Said::Excluded,
                    "{uri}: {findings:?}"
                );
                if said == Said::Unverified {
                    assert!(has(Code::Unverified, Severity::Warning), "{uri}: {findings:?}");
                }
            }
        }
    }
}

const WINDC: &str = "./Device/Vendor/MSFT/DeclaredConfiguration";

fn device(edition: Edition, version: &str, join: Join) -> WindowsDevice {
    WindowsDevice {
        edition: Some(edition),
        os_version: version.parse().ok(),
        join: Some(join),
    }
}

#[test]
fn devices_that_cannot_have_it_are_named() {
    let right = device(Edition::Pro, "10.0.22631.3958", Join::Joined);
    let home = device(Edition::Home, "10.0.22631.3958", Join::Joined);
    let old = device(Edition::Pro, "10.0.22000.917", Join::Joined);
    let registered = device(Edition::Pro, "10.0.22631.3957", Join::Registered);
    let alone = device(Edition::Pro, "10.0.26100.2000", Join::Neither);
    assert_eq!(validate_for(WINDC, &[right, WindowsDevice::default()]), []);
    for (wrong, why) in [
        (
            home,
            "Windows 10.0.22631.3958, home, entra-joined: not in the edition home",
        ),
        (old, "or later"),
        (registered, "needs Windows 10.0.19045.4717"),
        (alone, "not on a device that is not-joined"),
    ] {
        let findings = validate_for(WINDC, &[wrong]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(
            (findings[0].code, findings[0].severity),
            (Code::Unsupported, Severity::Error)
        );
        assert!(findings[0].message.contains(why), "{}", findings[0].message);
        let findings = validate_for(WINDC, &[right, wrong]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(
            (findings[0].code, findings[0].severity),
            (Code::PartlyUnsupported, Severity::Warning)
        );
    }
    let weekly = "./Vendor/MSFT/Reboot/Schedule/WeeklyRecurrent";
    assert_eq!(validate_for(weekly, &[alone]), []);
    assert_eq!(validate_for(weekly, &[right])[0].code, Code::Unsupported);
    let many = vec![home; 10_000];
    assert!(validate_for(WINDC, &many)[0].message.len() < 1000);
}

#[test]
fn unknown_nodes_are_errors_unless_allowed() {
    let setting = Setting {
        uri: "./Device/Vendor/MSFT/BitLocker/RequireDeviceEncription",
        verb: Verb::Replace,
        format: Some(DataFormat::Int),
        value: Some("1"),
    };
    assert_refused(setting, Code::UnknownNode, At::Key);
    assert_eq!(
        validate(setting)[0].message,
        "`./Device/Vendor/MSFT/BitLocker/RequireDeviceEncription`: `RequireDeviceEncription` is not known in \
         `./Device/Vendor/MSFT/BitLocker`; did you mean `RequireDeviceEncryption`?"
    );
    let lenient = WindowsReach {
        allow_unknown: true,
        devices: Vec::new(),
    };
    let findings = csp(catalog(), setting, &lenient);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning);
    let malformed = Setting {
        uri: "./Vendor/{x}",
        ..setting
    };
    assert_eq!(csp(catalog(), malformed, &lenient)[0].severity, Severity::Error);
}

#[test]
fn what_stands_for_placeholders_is_looked_at() {
    for (uri, is_right) in [
        (
            "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000001%7D",
            true,
        ),
        (
            "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/88888888-0000-4000-8000-000000000001",
            false,
        ),
        (
            "./Vendor/MSFT/CertificateStore/Root/System/0123456789abcdef0123456789ABCDEF01234567",
            true,
        ),
        ("./Vendor/MSFT/CertificateStore/Root/System/0123", false),
        ("./Vendor/MSFT/VPNv2/Lab/RouteList/x/Address", false),
    ] {
        let findings = validate_for(uri, &[]);
        assert_eq!(findings.is_empty(), is_right, "{findings:?}");
        assert!(
            findings
                .iter()
                .all(|it| (it.code, it.at) == (Code::Format, At::Key))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn anything_is_judged_in_one_line(
        uri in "\\PC{0,60}|\\./(User/|Device/)?Vendor/MSFT/(WiFi|Policy|VPNv2)/[A-Za-z0-9%/@#]{0,60}|\\./[\n\r\t\u{0}-\u{20}]{1,5}",
        verb in select(Verb::ALL),
        format in proptest::option::of(select(DataFormat::ALL)),
        value in proptest::option::of("[^a]{0,300}"),
    ) {
        let setting = Setting { uri: &uri, verb, format, value: value.as_deref() };
        for finding in validate(setting) {
            prop_assert!(!finding.message.chars().any(char::is_control), "{:?}", finding.message);
            prop_assert!(finding.message.len() < 8000);
            prop_assert_eq!(&finding.pointer, "");
        }
    }
}
