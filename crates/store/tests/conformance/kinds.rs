//! The kinds of devices that there are.

use ordain_catalog::validate::DeviceKind;
use ordain_catalog::{OsVersion, Platform};
use ordain_model::enrollment::{Enrollment, Phase};
use ordain_model::windows::WindowsFacts;
use ordain_store::Store;

use crate::fixtures::*;

fn with(
    name: &str,
    udid: Option<&str>,
    platform: Option<Platform>,
    version: Option<OsVersion>,
) -> Enrollment {
    let mut enrollment = enrollment(name);
    enrollment.facts.udid = udid.map(str::to_owned);
    enrollment.facts.platform = platform;
    enrollment.facts.os_version = version;
    enrollment
}

async fn put(store: &Store, enrollment: &Enrollment) {
    let state = store.channel(&enrollment.id).await.unwrap();
    store.commit(&state, &[write(enrollment)], None).await.unwrap();
}

#[tokio::test]
async fn every_kind_is_told_once_and_as_it_is_now() {
    on_each(async |store, _| {
        assert!(store.kinds().await.unwrap().is_empty());
        let (mac, phone) = (Some(Platform::MacOs), Some(Platform::Ios));
        let version = |major, minor| Some(OsVersion::new(major, minor));
        put(store, &with("m1", Some("u1"), mac, version(26, 4))).await;
        put(store, &with("m2", Some("u2"), mac, version(26, 4))).await;
        put(store, &with("p1", Some("u3"), phone, version(27, 0))).await;
        put(store, &with("p2", None, phone, None)).await;
        put(store, &with("x", Some("u4"), None, version(1, 0))).await;
        put(store, &enrollment("m1:ann")).await;
        let mut windows = with("w1", None, None, "10.0.22631.3958".parse().ok());
        windows.facts.windows = Some(Box::new(WindowsFacts {
            edition: Some(48),
            ..WindowsFacts::default()
        }));
        put(store, &windows).await;
        let kinds = store.kinds().await.unwrap();
        let pro = "Windows:10.0.22631.3958:pro";
        assert_eq!(kinds, [pro, "iOS:27.0:", "iOS::user", "macOS:26.4:supervised"]);

        put(store, &with("m1", Some("u1"), mac, version(27, 0))).await;
        put(
            store,
            &Enrollment {
                phase: Phase::CheckedOut,
                ..with("m2", Some("u2"), mac, version(26, 4))
            },
        )
        .await;
        let kinds = store.kinds().await.unwrap();
        assert_eq!(kinds, [pro, "iOS:27.0:", "iOS::user", "macOS:27.0:supervised"]);

        for (name, build) in [
            ("m1", "26A5001b"),
            ("m3", "26A5002"),
            ("m4", "26A5002"),
            ("m5", "no:build"),
        ] {
            let mut known = with(name, Some(name), mac, version(27, 0));
            known.facts.build = Some(build.to_owned());
            put(store, &known).await;
        }
        let kinds = store.kinds().await.unwrap();
        let macs = [
            "macOS:27.0:supervised",
            "macOS:27.0:supervised::26A5001b",
            "macOS:27.0:supervised::26A5002",
        ];
        assert_eq!(kinds[3..], macs);
        assert!(kinds[1..].iter().all(|kind| kind.parse::<DeviceKind>().is_ok()));
    })
    .await;
}
