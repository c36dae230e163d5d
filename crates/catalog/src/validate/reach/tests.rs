use proptest::prelude::*;

use super::*;
use crate::{Kind, Shape, Terms};

fn kind(text: &str) -> DeviceKind {
    text.parse().unwrap()
}

fn on(introduced: u32, scopes: &[Scope]) -> PlatformSupport {
    PlatformSupport::Supported(Terms {
        introduced: Some(OsVersion::new(introduced, 0)),
        scopes: Some(scopes.iter().copied().collect()),
        ..Terms::default()
    })
}

/// On Macs since 14 on the user channel, on iPhones since 17 on either, never on Apple TVs.
fn declaration() -> DeclarationType {
    DeclarationType {
        name: "com.apple.configuration.x".to_owned(),
        kind: Kind::Configuration,
        apply: None,
        support: Support::from_iter([
            (Platform::MacOs, on(14, &[Scope::User])),
            (Platform::Ios, on(17, Scope::ALL)),
            (Platform::TvOs, PlatformSupport::Never),
        ]),
        payload: Shape::any_dictionary(),
        content_types: BTreeSet::new(),
        status_items: BTreeSet::new(),
        reasons: BTreeSet::new(),
    }
}

fn reach(devices: &[&str]) -> Reach {
    Reach {
        devices: devices.iter().map(|text| kind(text)).collect(),
        devices_only: true,
        ..Reach::default()
    }
}

fn verdict(reach: &Reach) -> String {
    let declaration = declaration();
    match Recipients::of(&declaration, reach).judge(&declaration.support) {
        Verdict::Taken => "taken".to_owned(),
        Verdict::Partly { reasons, rest } => format!("not all: {reasons}; but {}", rest.kinds.len()),
        Verdict::Refused { reasons, .. } => format!("none: {reasons}"),
    }
}

#[test]
fn kinds_of_devices_are_read_and_shown() {
    for (text, shown) in [
        ("macOS:26.4:supervised", "macOS 26.4, supervised, device channel"),
        (
            "macOS:26.4:supervised:user",
            "macOS 26.4, supervised, user channel",
        ),
        ("ios", "iOS, device channel"),
        ("iPadOS::device", "iPadOS, unsupervised, device channel"),
        (
            "tvOS:26:user:system",
            "tvOS 26.0, user enrollment, device channel",
        ),
        ("watchOS:::", "watchOS, device channel"),
        ("visionOS:2.4:local", "visionOS 2.4, not enrolled, device channel"),
        ("macOS:26.5:::25F71", "macOS 26.5, device channel"),
    ] {
        assert_eq!(kind(text).to_string(), shown);
    }
    for text in [
        "",
        "Windows",
        "macOS:x",
        "macOS:26:x",
        "macOS:26:device:x",
        "macOS:26:device:user:x",
        "macOS:26:device:user:25F71:",
        ":26",
    ] {
        assert!(text.parse::<DeviceKind>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_kind_or_is_refused(text in "\\PC{0,40}|(macOS|iOS)[:0-9.a-z]{0,30}") {
        if let Ok(kind) = text.parse::<DeviceKind>() {
            prop_assert!(kind.to_string().starts_with(kind.platform.as_str()));
        }
    }
}

#[test]
fn devices_that_cannot_take_it_are_named() {
    assert_eq!(verdict(&reach(&["macOS:14:supervised:user"])), "taken");
    assert_eq!(
        verdict(&reach(&["macOS:13.6:supervised:user"])),
        "none: needs macOS 14.0 (macOS 13.6, supervised, user channel)"
    );
    assert_eq!(
        verdict(&reach(&[
            "iOS:16",
            "iOS:16:device",
            "iOS:16.1:device",
            "iOS:17",
            "tvOS:26"
        ])),
        "not all: needs iOS 17.0 (iOS 16.0, device channel; iOS 16.0, unsupervised, device channel; 1 more), \
         not on tvOS (tvOS 26.0, device channel); but 1"
    );
    assert_eq!(
        verdict(&reach(&["iOS", "visionOS:1"])),
        "taken",
        "unknown excludes nothing"
    );
}

#[test]
fn a_declaration_goes_to_one_channel() {
    assert_eq!(
        verdict(&reach(&[
            "macOS:26:supervised:system",
            "macOS:26:supervised:user"
        ])),
        "taken",
        "the device channel does not get it"
    );
    assert_eq!(
        verdict(&reach(&["macOS:12:supervised"])),
        "none: needs macOS 14.0 (macOS 12.0, supervised, user channel)",
        "a Mac has user channels, named or not"
    );
    assert_eq!(
        verdict(&reach(&["macOS:12:supervised", "iOS:17", "iPadOS:16::user"])),
        "not all: needs macOS 14.0 (macOS 12.0, supervised, user channel); but 1",
        "the user channel of the iPad does not get it"
    );
    let to_system = Reach {
        scope: Some(Scope::System),
        ..reach(&["macOS:26:supervised:user"])
    };
    assert_eq!(
        verdict(&to_system),
        "none: not on the device channel (macOS 26.0, supervised, device channel)"
    );
}

#[test]
fn without_devices_the_platforms_are_judged() {
    assert!(verdict(&Reach::default()).starts_with("not all: not on tvOS; but"));
    let limited = |platforms: &[Platform]| {
        verdict(&Reach {
            platforms: Some(platforms.iter().copied().collect()),
            devices: vec![kind("macOS:12:supervised:user")],
            devices_only: true,
            ..Reach::default()
        })
    };
    assert_eq!(limited(&[Platform::TvOs]), "none: not on tvOS");
    assert_eq!(
        limited(&[Platform::TvOs, Platform::IpadOs]),
        "not all: not on tvOS; but 1"
    );
    assert_eq!(limited(&[]), "taken", "nobody gets it");
    assert!(limited(&[Platform::MacOs]).starts_with("none: needs macOS 14.0 (macOS 12.0"));
}

#[test]
fn what_is_outdated_is_told() {
    let old = |deprecated, removed| {
        PlatformSupport::Supported(Terms {
            deprecated,
            removed,
            ..Terms::default()
        })
    };
    let version = |major| Some(OsVersion::new(major, 0));
    let support = Support::from_iter([
        (Platform::MacOs, old(version(26), version(27))),
        (Platform::Ios, old(version(18), None)),
        (Platform::TvOs, PlatformSupport::Never),
    ]);
    let told = |reach: &Reach| Recipients::of(&declaration(), reach).outdated(&support);
    assert_eq!(told(&reach(&["macOS:25"])), None);
    assert_eq!(
        told(&reach(&["macOS:25", "macOS:26"])).unwrap(),
        "deprecated since macOS 26.0"
    );
    assert_eq!(told(&reach(&["macOS"])), None, "unknown says nothing");
    let on = |platform| Reach {
        platforms: Some(BTreeSet::from([platform])),
        ..Reach::default()
    };
    assert_eq!(told(&on(Platform::MacOs)).unwrap(), "removed in macOS 27.0");
    assert_eq!(told(&Reach::default()).unwrap(), "deprecated since iOS 18.0");
    let current = Support::from_iter([
        (Platform::MacOs, old(version(26), None)),
        (Platform::Ios, old(None, None)),
    ]);
    let on_all = Recipients::of(&declaration(), &Reach::default()).outdated(&current);
    assert_eq!(on_all, None, "current on iOS");
}

#[test]
fn what_others_may_come_to_take_is_warned_of() {
    let severity = |devices: &[&str], platforms: &[Platform]| {
        let reach = Reach {
            platforms: (!platforms.is_empty()).then(|| platforms.iter().copied().collect()),
            devices_only: false,
            ..reach(devices)
        };
        let declaration = declaration();
        match Recipients::of(&declaration, &reach).judge(&declaration.support) {
            Verdict::Refused { severity, whose, .. } => Some((severity, whose)),
            Verdict::Taken | Verdict::Partly { .. } => None,
        }
    };
    let newer_macs = severity(&["macOS:12"], &[]);
    assert_eq!(
        newer_macs,
        Some((Severity::Warning, "the devices that there are"))
    );
    let never = severity(&["tvOS:26"], &[Platform::TvOs]);
    assert_eq!(never, Some((Severity::Error, "the targeted devices")));
    assert_eq!(severity(&["macOS:14"], &[]), None);
}
