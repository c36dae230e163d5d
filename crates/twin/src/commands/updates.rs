//! Updates of the operating system by command: until 27.0, when declarations take over.

use ordain_apple::plist::{self, Dictionary, Error, Value};

use super::call::{Answer, Call, Done, Refusal, check_room, dictionaries, dictionary, one_of, strings};
use crate::device::{Device, System};
use crate::models::systems;
use crate::state::Update;

const ACTIONS: &[&str] = &[
    "Default",
    "DownloadOnly",
    "InstallASAP",
    "NotifyOnly",
    "InstallLater",
    "InstallForceRestart",
];

/// The release that the device could update to.
fn newer(device: &Device) -> Option<&'static System> {
    let newest = systems(device.platform).first();
    (newest.build != device.system.build).then_some(newest)
}

fn product_key(call: &Call<'_>, release: &System) -> String {
    match call.is_mac() {
        true => format!("MSU_UPDATE_{}_patch_{}", release.build, release.version),
        false => format!("{}Update{}", call.device.platform, release.build),
    }
}

pub(super) fn available(call: Call<'_>) -> Answer {
    let updates = newer(call.device).map(|release| {
        let mut update = dictionary([
            ("ProductKey", product_key(&call, release).into()),
            (
                "HumanReadableName",
                format!("{} {}", call.device.platform, release.version).into(),
            ),
            ("Version", release.version.into()),
            ("Build", release.build.into()),
            ("DownloadSize", (3i64 << 30).into()),
            ("InstallSize", (6i64 << 30).into()),
            ("IsCritical", false.into()),
            ("RestartRequired", true.into()),
            ("AllowsInstallLater", true.into()),
            ("IsSecurityResponse", false.into()),
        ]);
        update.extend(match call.is_mac() {
            true => dictionary([
                ("HumanReadableNameLocale", "en-US".into()),
                ("MetadataURL", "https://swscan.apple.com/".into()),
                ("AppIdentifiersToClose", strings([])),
                ("IsMajorOSUpdate", true.into()),
                ("RequiresBootstrapToken", true.into()),
            ]),
            false => dictionary([("ProductName", call.device.platform.as_str().into())]),
        });
        update
    });
    Ok(Done::said("AvailableOSUpdates", dictionaries(updates)))
}

pub(super) fn scan(call: Call<'_>) -> Answer {
    let effect = if call.flag("Force")? {
        "scanned for updates at once"
    } else {
        "scanned for updates"
    };
    Ok(Done::did(effect).and("ScanInitiated", true))
}

pub(super) fn schedule(call: Call<'_>) -> Answer {
    let updates = call.required::<&[Value]>("Updates")?;
    check_room(updates.len())?;
    let newer = newer(call.device).map(|release| (release, product_key(&call, release)));
    let (mut results, mut scheduled) = (Vec::new(), Vec::new());
    for update in updates {
        let update = update.as_dictionary().ok_or(Error::NotAllowed("Updates"))?;
        let wish = Wish::read(update)?;
        let found = newer.as_ref().filter(|(release, key)| {
            wish.key.is_none_or(|wanted| wanted == key)
                && wish.version.is_none_or(|wanted| wanted == release.version)
        });
        let Some((_, key)) = found else {
            let unavailable = Refusal::Failed("MCSoftwareUpdateErrorDomain", 1, "no such update".to_owned());
            results.push(dictionary([
                ("ProductKey", wish.key.unwrap_or_default().into()),
                ("InstallAction", "Error".into()),
                ("Status", "Idle".into()),
                ("ErrorChain", unavailable.to_chain()),
            ]));
            continue;
        };
        // What `Default` means is for the device to choose.
        let action = if wish.action == "Default" {
            "DownloadOnly"
        } else {
            wish.action
        };
        results.push(dictionary([
            ("ProductKey", key.as_str().into()),
            ("InstallAction", action.into()),
            ("Status", status_of(action).into()),
        ]));
        let deferrals = wish.deferrals;
        scheduled.push((key.clone(), Update { action, deferrals }));
    }
    let effect = (!scheduled.is_empty()).then(|| format!("{} updates scheduled", scheduled.len()));
    if effect.is_some() {
        call.device.state_mut().updates.extend(scheduled);
    }
    Ok(Done {
        effect,
        ..Done::said("UpdateResults", dictionaries(results))
    })
}

/// An element of `Updates`.
struct Wish<'a> {
    key: Option<&'a str>,
    version: Option<&'a str>,
    action: &'static str,
    deferrals: Option<i64>,
}

impl<'a> Wish<'a> {
    fn read(update: &'a Dictionary) -> Result<Self, Refusal> {
        one_of(update, "Priority", &["Low", "High"])?;
        let wish = Self {
            key: plist::optional_text(update, "ProductKey")?,
            version: plist::optional_text(update, "ProductVersion")?,
            action: one_of(update, "InstallAction", ACTIONS)?.ok_or(Error::Missing("InstallAction"))?,
            deferrals: plist::optional(update, "MaxUserDeferrals")?,
        };
        wish.key
            .or(wish.version)
            .ok_or(Error::Missing("ProductKey or ProductVersion"))?;
        Ok(wish)
    }
}

fn status_of(action: &str) -> &'static str {
    match action {
        "InstallASAP" | "InstallForceRestart" => "Installing",
        "DownloadOnly" => "Downloading",
        _ => "Idle",
    }
}

pub(super) fn status(call: Call<'_>) -> Answer {
    let updates = call.device.state().updates.iter().map(|(key, update)| {
        let is_installing = status_of(update.action) == "Installing";
        let mut status = dictionary([
            ("ProductKey", key.as_str().into()),
            ("IsDownloaded", is_installing.into()),
            (
                "DownloadPercentComplete",
                if is_installing { 1.0 } else { 0.5 }.into(),
            ),
            ("Status", status_of(update.action).into()),
        ]);
        if let Some(deferrals) = update.deferrals {
            status.extend(dictionary([
                ("MaxDeferrals", deferrals.into()),
                ("DeferralsRemaining", deferrals.into()),
            ]));
        }
        status
    });
    Ok(Done::said("OSUpdateStatus", dictionaries(updates)))
}
