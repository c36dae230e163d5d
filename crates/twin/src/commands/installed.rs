//! InstalledApplicationList.

use ordain_apple::plist::{Dictionary, Value};
use ordain_catalog::Platform;

use super::call::{Answer, Call, Done, dictionaries, dictionary};
use crate::device::Device;

/// Apps that come with the system, and what is taken for an app of the user's: identifier, name, version.
type Apps = &'static [(&'static str, &'static str, &'static str)];

const fn apps(platform: Platform) -> Apps {
    match platform {
        Platform::MacOs => &[
            ("com.apple.Safari", "Safari", "26.1"),
            ("com.apple.mail", "Mail", "16.0"),
            ("com.apple.Terminal", "Terminal", "2.15"),
            ("com.apple.systempreferences", "System Settings", "15.0"),
            ("org.example.editor", "Editor", "3.2.1"),
        ],
        // The apps of the system are not listed there.
        Platform::Ios | Platform::IpadOs => &[
            ("com.apple.Pages", "Pages", "14.4"),
            ("org.example.tickets", "Tickets", "5.0.2"),
            ("org.example.weather", "Weather Map", "1.9"),
        ],
        Platform::TvOs => &[("org.example.cinema", "Cinema", "7.1")],
        Platform::VisionOs => &[("org.example.atelier", "Atelier", "1.0.4")],
        Platform::WatchOs => &[("org.example.steps", "Steps", "2.3")],
    }
}

pub(super) fn list(call: Call<'_>) -> Answer {
    let identifiers = call.texts("Identifiers")?;
    let items = call.texts("Items")?.filter(|_| !call.is_mac());
    let managed_only = call.flag("ManagedAppsOnly")?;
    let state = call.device.state();
    let own = apps(call.device.platform)
        .iter()
        .filter(|(identifier, ..)| !managed_only && !state.apps.contains_key(*identifier))
        .map(|&(identifier, name, version)| entry(call.device, identifier, name, version, false));
    let managed = state.apps.iter().map(|(identifier, app)| {
        let name = identifier.rsplit('.').next().unwrap_or(identifier);
        entry(call.device, identifier, name, "1.0", app.is_installing(call.now))
    });
    let wanted = |entry: &Dictionary| {
        let identifier = entry.get("Identifier").and_then(Value::as_string);
        identifiers
            .as_ref()
            .is_none_or(|wanted| identifier.is_some_and(|it| wanted.contains(&it)))
    };
    let listed = own.chain(managed).filter(wanted).map(|mut entry| {
        if let Some(items) = &items {
            entry.retain(|key, _| items.contains(&key.as_str()));
        }
        entry
    });
    let listed = dictionaries(listed);
    Ok(Done::said("InstalledApplicationList", listed))
}

fn entry(device: &Device, identifier: &str, name: &str, version: &str, installing: bool) -> Dictionary {
    let [a, b, ..] = device.trait_bytes(identifier);
    let size = (i64::from(a) * 256 + i64::from(b) + 1) * 4096;
    let mut entry = dictionary([
        ("Identifier", identifier.into()),
        ("Name", name.into()),
        ("Version", version.into()),
        ("ShortVersion", version.into()),
        ("BundleSize", size.into()),
        ("Installing", installing.into()),
    ]);
    if device.platform != Platform::MacOs {
        entry.extend(dictionary([
            ("DynamicSize", (size / 8).into()),
            ("IsValidated", true.into()),
            ("AppStoreVendable", true.into()),
            ("DeviceBasedVPP", false.into()),
            ("BetaApp", false.into()),
            ("AdHocCodeSigned", false.into()),
            ("HasUpdateAvailable", false.into()),
        ]));
    }
    entry
}
