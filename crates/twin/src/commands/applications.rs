//! Managed apps: install, remove, what became of them, and what they are told.

use ordain_apple::plist::{self, Dictionary, Error, Value};
use ordain_catalog::Platform;

use super::call::{Answer, Call, Done, Refusal, check_room, dictionaries, dictionary, failed};
use crate::state::App;

/// The version that the App Store has of every app here.
const STORE_VERSION: i64 = 800_000_000;

impl App {
    /// It takes until the next second.
    pub(crate) fn is_installing(&self, now: i64) -> bool {
        now <= self.since
    }
}

pub(super) fn install(call: Call<'_>) -> Answer {
    let store_id = call.optional::<i64>("iTunesStoreID")?;
    let sources = [
        call.owned("Identifier")?,
        store_id.map(|id| id.to_string()),
        call.owned("ManifestURL")?,
    ];
    let options = call.optional::<&Dictionary>("Options")?;
    let method = options.map(|options| plist::optional::<i64>(options, "PurchaseMethod"));
    if !matches!(method.transpose()?.flatten(), None | Some(0 | 1)) {
        return Err(Error::NotAllowed("PurchaseMethod").into());
    }
    let attributes = call.kept("Attributes")?;
    let app = app(&call, attributes)?;
    let identifier = sources.into_iter().flatten().next();
    let identifier = identifier.ok_or(Error::Missing("iTunesStoreID, Identifier or ManifestURL"))?;
    let takeover = call.one_of("ChangeManagementState", &["Managed"])?.is_some();
    let is_prompting = !call.is_mac() && !call.device.supervised;
    let apps = &mut call.device.state_mut().apps;
    let (state, effect) = match apps.get_mut(&identifier) {
        Some(present) if takeover => {
            *present = App {
                since: present.since,
                ..app
            };
            ("Managed", format!("app {identifier} managed"))
        }
        Some(_) => {
            let reason = if call.is_mac() {
                "Other"
            } else {
                "AppAlreadyInstalled"
            };
            return Err(Done::said("Identifier", identifier)
                .and("State", "Managed")
                .and("RejectionReason", reason)
                .rejected("the app is already installed"));
        }
        None => {
            check_room(apps.len())?;
            apps.insert(identifier.clone(), app);
            let state = if is_prompting { "Prompting" } else { "Installing" };
            (state, format!("app {identifier} installed"))
        }
    };
    Ok(Done::did(effect)
        .and("Identifier", identifier)
        .and("State", state))
}

pub(super) fn install_enterprise(call: Call<'_>) -> Answer {
    let url = call.owned("ManifestURL")?;
    let manifest = call.optional::<&Dictionary>("Manifest")?;
    let certificates = call
        .optional::<&[Value]>("ManifestURLPinningCerts")?
        .unwrap_or_default();
    if certificates
        .iter()
        .any(|certificate| certificate.as_data().is_none())
    {
        return Err(Error::NotAllowed("ManifestURLPinningCerts").into());
    }
    if call.flag("PinningRevocationCheckRequired")? && certificates.is_empty() {
        return Err(Error::Missing("ManifestURLPinningCerts").into());
    }
    let app = app(&call, None)?;
    call.one_of("ChangeManagementState", &["Managed"])?;
    let named = match manifest {
        Some(manifest) => Some(bundle_identifier(manifest).ok_or(Error::NotAllowed("Manifest"))?),
        None => url,
    };
    let identifier = named.ok_or(Error::Missing("Manifest or ManifestURL"))?;
    let is_managed = call.flag("InstallAsManaged")?;
    let apps = &mut call.device.state_mut().apps;
    if !apps.contains_key(&identifier) {
        check_room(apps.len())?;
    }
    let effect = match is_managed {
        true => format!("app {identifier} installed and managed"),
        false => format!("app {identifier} installed"),
    };
    apps.insert(identifier, app);
    Ok(Done::did(effect))
}

/// What both ways to install say of an app.
fn app(call: &Call<'_>, attributes: Option<Dictionary>) -> Result<App, Refusal> {
    call.flag("InstallAsManaged")?;
    call.flag("iOSApp")?;
    let flags = call.optional::<i64>("ManagementFlags")?.unwrap_or(0);
    if ![0, 1, 4, 5].contains(&flags) {
        return Err(Error::NotAllowed("ManagementFlags").into());
    }
    Ok(App {
        since: call.now,
        flags,
        configuration: call.kept("Configuration")?,
        attributes,
        ..App::default()
    })
}

/// The identifier that a manifest names: of the first item.
fn bundle_identifier(manifest: &Dictionary) -> Option<String> {
    let item = manifest.get("items")?.as_array()?.first()?.as_dictionary()?;
    let metadata = item.get("metadata")?.as_dictionary()?;
    let identifier = plist::required_text(metadata, "bundle-identifier").ok()?;
    Some(identifier.to_owned())
}

pub(super) fn remove(call: Call<'_>) -> Answer {
    let identifier = call.required_text("Identifier")?;
    if call.device.state_mut().apps.remove(identifier).is_none() {
        return Err(failed(format!("no managed app is installed as {identifier}")));
    }
    Ok(Done::did(format!("app {identifier} removed")))
}

pub(super) fn list(call: Call<'_>) -> Answer {
    let wanted = call.texts("Identifiers")?;
    let prompts = !call.is_mac() && !call.device.supervised;
    let has_codes = !matches!(call.device.platform, Platform::MacOs | Platform::TvOs);
    let apps = call.device.state().apps.iter();
    let listed = apps
        .filter(|(identifier, _)| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.contains(&identifier.as_str()))
        })
        .map(|(identifier, app)| {
            let status = match app.is_installing(call.now) {
                true if prompts => "Prompting",
                true => "Installing",
                false => "Managed",
            };
            let mut entry = dictionary([
                ("Status", status.into()),
                ("ManagementFlags", app.flags.into()),
                ("HasConfiguration", app.configuration.is_some().into()),
                (
                    "HasFeedback",
                    (!app.feedback_deleted && app.configuration.is_some()).into(),
                ),
                ("IsValidated", app.validated.into()),
                ("ExternalVersionIdentifier", STORE_VERSION.into()),
            ]);
            if has_codes {
                entry.insert("UnusedRedemptionCode".to_owned(), "".into());
            }
            (identifier.clone(), entry)
        })
        .collect::<Dictionary>();
    Ok(Done::said("ManagedApplicationList", listed))
}

/// The managed apps that are asked for, each with what `find` has of it.
fn each(call: &Call<'_>, key: &str, find: impl Fn(&App) -> Option<Dictionary>) -> Result<Value, Refusal> {
    let wanted = call.required_texts("Identifiers")?;
    let apps = &call.device.state().apps;
    let listed = wanted.iter().filter_map(|identifier| {
        let mut entry = dictionary([("Identifier", (*identifier).into())]);
        if let Some(found) = find(apps.get(*identifier)?) {
            entry.insert(key.to_owned(), found.into());
        }
        Some(entry)
    });
    Ok(dictionaries(listed))
}

pub(super) fn configuration(call: Call<'_>) -> Answer {
    let listed = each(&call, "Configuration", |app| app.configuration.clone())?;
    Ok(Done::said("ApplicationConfigurations", listed))
}

pub(super) fn attributes(call: Call<'_>) -> Answer {
    let listed = each(&call, "Attributes", |app| app.attributes.clone())?;
    Ok(Done::said("ApplicationAttributes", listed))
}

/// An app that was configured says so, until that is deleted.
pub(super) fn feedback(call: Call<'_>) -> Answer {
    let listed = each(&call, "Feedback", |app| {
        let configuration = app.configuration.as_ref().filter(|_| !app.feedback_deleted)?;
        let keys = i64::try_from(configuration.len()).unwrap_or(i64::MAX);
        Some(dictionary([("ConfiguredKeys", keys.into())]))
    })?;
    let mut done = Done::said("ManagedApplicationFeedback", listed);
    if call.flag("DeleteFeedback")? {
        for identifier in call.required_texts("Identifiers")? {
            if let Some(app) = call.device.state_mut().apps.get_mut(identifier) {
                app.feedback_deleted = true;
                done.effect = Some("feedback of apps deleted".to_owned());
            }
        }
    }
    Ok(done)
}

pub(super) fn validate(call: Call<'_>) -> Answer {
    let wanted = call.texts("Identifiers")?;
    let mut count = 0;
    for (identifier, app) in &mut call.device.state_mut().apps {
        if wanted
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&identifier.as_str()))
        {
            app.validated = true;
            count += 1;
        }
    }
    Ok(Done::did(format!("{count} apps validated")))
}

pub(super) fn apply_redemption_code(call: Call<'_>) -> Answer {
    let identifier = call.required_text("Identifier")?;
    let code = call.required_text("RedemptionCode")?;
    let app = call.device.state_mut().apps.get_mut(identifier);
    let app = app.ok_or_else(|| failed(format!("no app {identifier} waits for a redemption code")))?;
    app.redeemed = Some(code.to_owned());
    Ok(Done::did(format!("app {identifier} redeemed")))
}

pub(super) fn invite_to_program(call: Call<'_>) -> Answer {
    let program = call.required_text("ProgramID")?;
    let url = call.required_text("InvitationURL")?;
    let result = match program {
        "com.apple.cloudvpp" if url.starts_with("https://") => "Acknowledged",
        "com.apple.cloudvpp" => "InvalidInvitationURL",
        _ => "InvalidProgramID",
    };
    let done = Done::said("InvitationResult", result);
    Ok(match result {
        "Acknowledged" => Done {
            effect: Some("the user invited".to_owned()),
            ..done
        },
        _ => done,
    })
}
