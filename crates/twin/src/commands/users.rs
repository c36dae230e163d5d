//! Users: of a Mac, or those whose data a Shared iPad holds.

use ordain_apple::plist::{Dictionary, Error, Value};

use super::call::{Answer, Call, Done, Refusal, dictionaries, dictionary, failed};
use crate::device::{Device, USER};

/// Who uses a Mac: short name, full name, number.
const OF_MAC: &[(&str, &str, i64)] = &[(USER, "Pat Example", 501), ("admin", "Administrator", 502)];
/// Whose data a Shared iPad holds; the first one is logged in.
const OF_IPAD: &[&str] = &["ann@example.org", "ben@example.org"];

impl Device {
    /// The GUID of a local account of a Mac.
    pub(super) fn account_guid(&self, short_name: &str) -> String {
        let [a, b, c, d, e, f, ..] = self.trait_bytes(&format!("account {short_name}"));
        format!(
            "{a:02X}{b:02X}{c:02X}{d:02X}-{e:02X}{f:02X}-4000-A000-{a:02X}{c:02X}{e:02X}{b:02X}{d:02X}{f:02X}"
        )
    }
}

/// The users who are there, and whether each is logged in.
fn present(call: &Call<'_>) -> Result<Vec<(&'static str, bool)>, Refusal> {
    let state = call.device.state();
    let names: Vec<&str> = match call.is_mac() {
        true => OF_MAC.iter().map(|(name, ..)| *name).collect(),
        false if call.device.shared => OF_IPAD.to_vec(),
        false => return Err(failed("the device is no Shared iPad")),
    };
    let first = names.first().copied();
    Ok(names
        .into_iter()
        .filter(|name| !state.deleted_users.contains(*name))
        .map(|name| (name, Some(name) == first && !state.logged_out))
        .collect())
}

pub(super) fn list(call: Call<'_>) -> Answer {
    let users = present(&call)?.into_iter().map(|(name, is_logged_in)| {
        let mut user = dictionary([("UserName", name.into()), ("IsLoggedIn", is_logged_in.into())]);
        user.extend(details(&call, name));
        user
    });
    Ok(Done::said("Users", dictionaries(users)))
}

fn details(call: &Call<'_>, name: &str) -> Dictionary {
    match OF_MAC.iter().find(|(mac_user, ..)| *mac_user == name) {
        Some(&(_, full_name, uid)) => {
            let managed = call.device.user.as_deref().filter(|_| name == USER);
            let guid = managed.map_or_else(|| call.device.account_guid(name), str::to_owned);
            dictionary([
                ("FullName", full_name.into()),
                ("UID", uid.into()),
                ("UserGUID", guid.into()),
                ("MobileAccount", false.into()),
                ("HasSecureToken", true.into()),
            ])
        }
        None => {
            let quota = call
                .device
                .state()
                .setting("SharedDeviceConfiguration", "QuotaSize");
            let quota = quota.and_then(Value::as_signed_integer).unwrap_or(2048);
            dictionary([
                ("HasDataToSync", false.into()),
                ("DataQuota", quota.saturating_mul(1 << 20).into()),
                ("DataUsed", (96i64 << 20).into()),
            ])
        }
    }
}

pub(super) fn delete(call: Call<'_>) -> Answer {
    let name = call.text("UserName")?;
    let force = call.flag("ForceDeletion")?;
    let all = call.flag("DeleteAllUsers")?;
    let users = present(&call)?;
    // Whoever is logged in stays, unless forced.
    let (gone, effect): (Vec<&str>, String) = match name {
        _ if all => {
            let names = users.iter().filter(|(_, is_logged_in)| !is_logged_in);
            (
                names.map(|(name, _)| *name).collect(),
                "all users deleted".to_owned(),
            )
        }
        Some(name) => match users.iter().find(|(present, _)| *present == name) {
            None => return Err(failed(format!("there is no user {name}"))),
            Some((_, true)) if !force || call.is_mac() => {
                return Err(failed(format!("the user {name} is logged in")));
            }
            Some((present, _)) => (vec![present], format!("user {name} deleted")),
        },
        None => return Err(Error::Missing("UserName").into()),
    };
    let deleted = &mut call.device.state_mut().deleted_users;
    deleted.extend(gone.into_iter().map(str::to_owned));
    Ok(Done::did(effect))
}

pub(super) fn log_out(call: Call<'_>) -> Answer {
    if !present(&call)?.iter().any(|(_, is_logged_in)| *is_logged_in) {
        return Err(failed("nobody is logged in"));
    }
    call.device.state_mut().logged_out = true;
    Ok(Done::did("the user logged out"))
}

pub(super) fn unlock(call: Call<'_>) -> Answer {
    let name = call.required_text("UserName")?;
    if !present(&call)?.iter().any(|(present, _)| *present == name) {
        return Err(failed(format!("there is no user {name}")));
    }
    Ok(Done::did(format!("account {name} unlocked")))
}
