//! What the checker finds, with code, place, advice and rewriting.

mod fleet;

use fleet::Fleet;
use ordain_predicate::{Advisory, Code, Dialect, Severity, Target, Trigger, check, parse};

/// Each block of the file is a text with its findings as a person sees them, or with `nothing`.
#[test]
fn each_finding_has_its_place_and_advice() {
    let fleet = Fleet::of(&[("iOS", "18.2"), ("macOS", "15.0")]);
    for block in include_str!("findings.txt").trim_end().split("\n\n\n") {
        let (text, expected) = block.split_once('\n').unwrap();
        let verdict = check(text, Dialect::Device, &fleet, &Advisory::shipped());
        let found: Vec<String> = verdict
            .findings
            .iter()
            .map(|finding| finding.render(text))
            .collect();
        let found = if found.is_empty() {
            "nothing".to_owned()
        } else {
            found.join("\n")
        };
        assert_eq!(found, expected, "{text}");
    }
}

fn codes(text: &str, dialect: Dialect, fleet: &Fleet) -> Vec<(Code, Severity)> {
    check(text, dialect, fleet, &Advisory::shipped())
        .findings
        .iter()
        .map(|finding| (finding.code, finding.severity))
        .collect()
}

/// The four that an administrator is most likely to try.
#[test]
fn each_dangerous_predicate_has_its_own_verdict() {
    let fleet = Fleet::of(&[("macOS", "26.5"), ("tvOS", "26.0"), ("tvOS", "18.1")]);
    for (text, publishable, expected) in [
        (
            "@invalid == 'AppleTV'",
            false,
            vec![
                (Code::UnknownWord, Severity::Error),
                (Code::KnownBad, Severity::Error),
            ],
        ),
        (
            "@status(device.operating-system.version) >= '9'",
            true,
            vec![(Code::VersionOrder, Severity::Warning)],
        ),
        (
            "@status(passcode.is-present)",
            false,
            vec![(Code::BareValue, Severity::Error)],
        ),
        (
            "@status(passcode.is-present) == true",
            false,
            vec![(Code::UnavailableItem, Severity::Error)],
        ),
    ] {
        assert_eq!(codes(text, Dialect::Device, &fleet), expected, "{text}");
        let verdict = check(text, Dialect::Device, &fleet, &Advisory::shipped());
        assert_eq!(verdict.is_publishable(), publishable, "{text}");
    }
    let text = "@status(passcode.is-present) == true";
    let verdict = check(text, Dialect::Device, &fleet, &[]);
    assert_eq!(
        verdict.findings[0].message,
        "tvOS 26.0 and tvOS 18.1 have no status item passcode.is-present"
    );
}

#[test]
fn a_lack_has_its_reason() {
    let fleet = Fleet::of(&[("macOS", "13.0"), ("macOS", "15.0")]);
    let text = "@status(softwareupdate.pending-version.os-version) == '15.1'";
    let verdict = check(text, Dialect::Device, &fleet, &[]);
    let lack = verdict
        .findings
        .iter()
        .find(|finding| finding.code == Code::UnavailableItem);
    assert_eq!(
        lack.unwrap().message,
        "macOS 13.0 cannot report softwareupdate.pending-version: needs macOS 14.0"
    );
}

#[test]
fn an_advisory_is_for_the_systems_that_it_names() {
    let text = "@invalid == 'AppleTV'";
    for (platform, version, build, bad) in [
        ("macOS", Some("26.5"), None, true),
        ("macOS", Some("26.5.1"), None, true),
        ("macOS", None, None, true),
        ("macOS", Some("26.50"), None, false),
        ("macOS", Some("26.3"), None, false),
        ("iOS", Some("26.5"), None, false),
    ] {
        let target = Target {
            platform: platform.to_owned(),
            version: version.map(str::to_owned),
            build,
        };
        let fleet = Fleet {
            targets: vec![target],
            knows_all_properties: true,
        };
        let found = codes(text, Dialect::Device, &fleet);
        assert_eq!(
            found.contains(&(Code::KnownBad, Severity::Error)),
            bad,
            "{platform} {version:?}"
        );
    }
    let own = Advisory {
        platform: "iOS".to_owned(),
        systems: vec!["22A100".to_owned()],
        trigger: Trigger::Text("LIKE[c]".to_owned()),
        consequence: "nothing works".to_owned(),
        reference: "our own test".to_owned(),
    };
    let fleet = |build: &str| Fleet {
        targets: vec![Target {
            platform: "iOS".to_owned(),
            version: Some("18.0".to_owned()),
            build: Some(build.to_owned()),
        }],
        knows_all_properties: true,
    };
    let check = |build| {
        check(
            "@property(name) like [c] 'a'",
            Dialect::Device,
            &fleet(build),
            std::slice::from_ref(&own),
        )
    };
    let [finding] = &check("22A100").findings[..] else {
        panic!("one finding");
    };
    assert_eq!(
        finding.message,
        "on iOS 18.0 (22A100), which this is for, nothing works (our own test)"
    );
    assert!(check("22A101").findings.is_empty());
}

#[test]
fn without_knowledge_of_properties_an_undefined_one_is_only_warned_of() {
    let mut fleet = Fleet::of(&[]);
    fleet.knows_all_properties = false;
    let found = codes("@property(unheard) == 1", Dialect::Device, &fleet);
    assert_eq!(found, [(Code::UndefinedProperty, Severity::Warning)]);
}

#[test]
fn a_group_is_told_of_the_servers_own_terms() {
    let fleet = Fleet::of(&[("iOS", "18.2")]);
    let check = |text| check(text, Dialect::Server, &fleet, &[]).findings;
    assert!(
        check("@device(os.version) >= '17.4' AND @device(supervised) == true AND @tag(room) == 5").is_empty()
    );
    // A group does not change what is on a device at once, so it does not flap.
    assert!(check("@status(passcode.is-compliant) == false").is_empty());
    assert_eq!(
        check("@status(device.operating-system.version) >= '17.4'")[0]
            .rewriting
            .as_deref(),
        Some("@device(os.version) >= '17.4'")
    );
    // Other versions are not the device's.
    let found = check("SUBQUERY(@status(mdm.app), $a, $a.@key(version) >= '2.5').@count > 0");
    assert_eq!(
        found[0].rewriting.as_deref(),
        Some(r"$a.@key(version) MATCHES '([3-9]|[1-9][0-9]+)(\\..*)?|2\\.([5-9]|[1-9][0-9]+)(\\..*)?'")
    );
    assert_eq!(check("@device(supervised) == 'x'")[0].code, Code::TypeMismatch);
    assert_eq!(check("@property(age) == 5")[0].code, Code::WrongDialect);
}

/// What is suggested can be written so, and has nothing left to complain of in that respect.
#[test]
fn rewritings_are_good() {
    let fleet = Fleet::of(&[]);
    let mut rewritten = 0;
    for block in include_str!("findings.txt").trim_end().split("\n\n\n") {
        let text = block.lines().next().unwrap();
        for finding in check(text, Dialect::Device, &fleet, &[]).findings {
            let Some(rewriting) = finding.rewriting else {
                continue;
            };
            let mut text = text.to_owned();
            text.replace_range(finding.span, &rewriting);
            assert!(parse(&text, Dialect::Device).is_ok(), "{text}");
            let left = codes(&text, Dialect::Device, &fleet);
            assert!(
                left.iter().all(|(code, _)| *code != finding.code),
                "{text}: {left:?}"
            );
            rewritten += 1;
        }
    }
    assert!(rewritten > 15);
}

#[test]
fn findings_serialize_for_machines() {
    let text = "@property(agee) == 1";
    let verdict = check(text, Dialect::Device, &Fleet::of(&[]), &[]);
    assert_eq!(
        serde_json::to_value(&verdict.findings).unwrap(),
        serde_json::json!([{
            "code": "undefined-property",
            "severity": "error",
            "span": {"start": 0, "end": 15},
            "message": "no declaration defines the property `agee`; did you mean `age`?",
            "rewriting": "@property(age)",
        }])
    );
}
