//! Profiles and provisioning profiles: install, list, remove.

use ordain_apple::plist::{self, Dictionary, Value, required_text};
use ordain_apple::profile::{Profile, Scope as ProfileScope};
use ordain_catalog::Scope;
use ordain_pki::Certificate;

use super::Afterwards;
use super::call::{Answer, Call, Done, Refusal, check_room, date, dictionaries, dictionary, failed};
use crate::state::{ENROLLMENT_PROFILE, InstalledProfile, Provisioning};

/// What ProfileList tells of a profile beside its payloads.
const LISTED: &[&str] = &[
    "PayloadUUID",
    "PayloadIdentifier",
    "PayloadVersion",
    "PayloadDisplayName",
    "PayloadOrganization",
    "PayloadDescription",
    "PayloadRemovalDisallowed",
];
/// What it tells of a payload.
const LISTED_OF_PAYLOAD: &[&str] = &[
    "PayloadType",
    "PayloadVersion",
    "PayloadIdentifier",
    "PayloadUUID",
    "PayloadDisplayName",
    "PayloadOrganization",
    "PayloadDescription",
];
const REMOVAL_PASSWORD: &str = "com.apple.profileRemovalPassword";
const RESTRICTIONS: &str = "com.apple.applicationaccess";
/// Payloads that are a certificate.
const CERTIFICATES: &[&str] = &[
    "com.apple.security.pem",
    "com.apple.security.pkcs1",
    "com.apple.security.root",
];
/// So many payloads of a profile are taken, and so many restrictions of each.
const MAX_PAYLOADS: usize = 256;
/// The largest provisioning profile, in octets.
const MAX_PROVISIONING: usize = 1 << 20;
/// For how long a provisioning profile that does not say it is taken to be valid, in seconds.
const LIFETIME: i64 = 365 * 24 * 60 * 60;

pub(super) fn install(call: Call<'_>) -> Answer {
    let payload = call.required::<&[u8]>("Payload")?;
    let refused = |why: String| Refusal::Failed("MCInstallationErrorDomain", 4001, why);
    let profile = Profile::read(payload).map_err(|problem| refused(problem.to_string()))?;
    if profile.identifier == ENROLLMENT_PROFILE {
        return Err(refused(
            "only enrolling may bring the enrollment profile".to_owned(),
        ));
    }
    if profile.payload_types.len() > MAX_PAYLOADS {
        return Err(refused("the profile has too many payloads".to_owned()));
    }
    if call.scope == Scope::User && profile.scope == Some(ProfileScope::System) {
        return Err(refused("the profile is for the whole system".to_owned()));
    }
    let keys = plist::parse(payload).map_err(|problem| refused(problem.to_string()))?;
    let installed = read(&keys, profile.identifier, call.scope);
    let effect = format!("profile {} installed", installed.identifier);
    let profiles = &mut call.device.state_mut().profiles;
    let present = profiles
        .iter_mut()
        .find(|present| present.identifier == installed.identifier && present.scope == call.scope);
    match present {
        Some(present) => *present = installed,
        None => {
            check_room(profiles.len())?;
            profiles.push(installed);
        }
    }
    Ok(Done::did(effect))
}

/// What the device keeps of a profile.
fn read(keys: &Dictionary, identifier: String, scope: Scope) -> InstalledProfile {
    let payloads: Vec<&Dictionary> = keys
        .get("PayloadContent")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_dictionary)
        .collect();
    let of_types = |types: &'static [&str]| {
        payloads
            .iter()
            .filter(|payload| required_text(payload, "PayloadType").is_ok_and(|name| types.contains(&name)))
    };
    let mut listed = only(keys, LISTED);
    let has_password = of_types(&[REMOVAL_PASSWORD]).next().is_some();
    listed.extend(dictionary([
        ("HasRemovalPasscode", has_password.into()),
        ("IsEncrypted", false.into()),
        ("IsManaged", true.into()),
        (
            "PayloadContent",
            dictionaries(payloads.iter().map(|payload| only(payload, LISTED_OF_PAYLOAD))),
        ),
    ]));
    let restrictions = of_types(&[RESTRICTIONS])
        .flat_map(|payload| payload.iter())
        .filter(|(key, value)| !key.starts_with("Payload") && is_restriction(value))
        .take(MAX_PAYLOADS)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    InstalledProfile {
        identifier,
        scope,
        listed,
        restrictions,
        certificates: of_types(CERTIFICATES)
            .filter_map(|payload| certificate(payload))
            .collect(),
    }
}

fn is_restriction(value: &Value) -> bool {
    match value {
        Value::Boolean(_) | Value::Integer(_) => true,
        Value::Array(values) => {
            values.len() <= MAX_PAYLOADS && values.iter().all(|value| value.as_string().is_some())
        }
        _ => false,
    }
}

/// The certificate of a payload, in DER or PEM.
fn certificate(payload: &Dictionary) -> Option<Certificate> {
    let data = payload.get("PayloadContent")?.as_data()?;
    let pem = || {
        Certificate::from_pem(std::str::from_utf8(data).ok()?)
            .ok()?
            .into_iter()
            .next()
    };
    Certificate::from_der(data).ok().or_else(pem)
}

/// The texts, numbers and switches under these keys.
fn only(keys: &Dictionary, wanted: &[&str]) -> Dictionary {
    let is_short = |value: &&Value| match value {
        Value::String(text) => text.len() <= plist::MAX_TEXT,
        Value::Boolean(_) | Value::Integer(_) => true,
        _ => false,
    };
    wanted
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), keys.get(key).filter(is_short)?.clone())))
        .collect()
}

pub(super) fn list(call: Call<'_>) -> Answer {
    // All that a twin has is managed.
    call.flag("ManagedOnly")?;
    let is_mac = call.is_mac();
    let enrollment = (call.scope == Scope::System).then(|| {
        dictionary([
            ("PayloadUUID", ENROLLMENT_PROFILE.into()),
            ("PayloadIdentifier", ENROLLMENT_PROFILE.into()),
            ("PayloadVersion", 1.into()),
            ("PayloadRemovalDisallowed", false.into()),
            ("IsEncrypted", false.into()),
            ("IsManaged", true.into()),
        ])
    });
    let profiles = call.device.state().profiles.iter();
    let brought = profiles
        .filter(|profile| profile.scope == call.scope)
        .map(|profile| profile.listed.clone());
    let listed = enrollment.into_iter().chain(brought).map(|mut profile| {
        if is_mac {
            profile.remove("IsManaged");
        }
        profile
    });
    Ok(Done::said("ProfileList", dictionaries(listed)))
}

pub(super) fn remove(call: Call<'_>) -> Answer {
    let identifier = call.required_text("Identifier")?;
    if identifier == ENROLLMENT_PROFILE && call.scope == Scope::System {
        return Ok(Done::did("the enrollment profile removed").then(Afterwards::CheckOut));
    }
    let scope = call.scope;
    let is_meant = |profile: &InstalledProfile| profile.identifier == identifier && profile.scope == scope;
    if !call.device.state().profiles.iter().any(is_meant) {
        let why = format!("no profile is installed as {identifier}");
        return Err(Refusal::Failed("MCMDMErrorDomain", 12008, why));
    }
    call.device
        .state_mut()
        .profiles
        .retain(|profile| !is_meant(profile));
    Ok(Done::did(format!("profile {identifier} removed")))
}

pub(super) fn install_provisioning(call: Call<'_>) -> Answer {
    let data = call.required::<&[u8]>("ProvisioningProfile")?;
    let refused = |why: String| Refusal::Failed("MCInstallationErrorDomain", 4001, why);
    if data.len() > MAX_PROVISIONING {
        return Err(refused("the provisioning profile is too large".to_owned()));
    }
    // A real one is signed: its property list stands in the clear within.
    let find = |what: &[u8]| data.windows(what.len()).position(|part| part == what);
    let plist = find(b"<?xml")
        .zip(find(b"</plist>"))
        .and_then(|(from, to)| data.get(from..to.saturating_add(b"</plist>".len())));
    let keys = plist::parse(plist.unwrap_or(data)).map_err(|problem| refused(problem.to_string()))?;
    let text = |key| required_text(&keys, key).map_err(|problem| refused(problem.to_string()));
    let uuid = text("UUID")?.to_owned();
    let profile = Provisioning {
        name: text("Name")?.to_owned(),
        expires: call.now.saturating_add(LIFETIME),
    };
    let effect = format!("provisioning profile {uuid} installed");
    let installed = &mut call.device.state_mut().provisioning;
    if !installed.contains_key(&uuid) {
        check_room(installed.len())?;
    }
    installed.insert(uuid, profile);
    Ok(Done::did(effect))
}

pub(super) fn list_provisioning(call: Call<'_>) -> Answer {
    call.flag("ManagedOnly")?;
    let listed = call.device.state().provisioning.iter().map(|(uuid, profile)| {
        dictionary([
            ("Name", profile.name.as_str().into()),
            ("UUID", uuid.as_str().into()),
            ("ExpiryDate", date(profile.expires)),
        ])
    });
    Ok(Done::said("ProvisioningProfileList", dictionaries(listed)))
}

pub(super) fn remove_provisioning(call: Call<'_>) -> Answer {
    let uuid = call.required_text("UUID")?;
    if call.device.state_mut().provisioning.remove(uuid).is_none() {
        return Err(failed(format!("no provisioning profile is installed as {uuid}")));
    }
    Ok(Done::did(format!("provisioning profile {uuid} removed")))
}
