//! Setup Assistant, accounts made by it, cellular plans, and logs for Apple's support.

use ordain_apple::plist::{self, Dictionary, Error, Value};

use super::Afterwards;
use super::call::{Answer, Call, Done, Refusal, check_room, failed};
use crate::state::Administrator;

fn check_awaiting(call: &Call<'_>) -> Result<(), Refusal> {
    if !call.device.awaiting_configuration {
        return Err(failed("the device does not await its configuration"));
    }
    Ok(())
}

pub(super) fn device_configured(call: Call<'_>) -> Answer {
    check_awaiting(&call)?;
    call.device.awaiting_configuration = false;
    Ok(Done::did("Setup Assistant goes on").then(Afterwards::TokenUpdate))
}

/// The same for the user of a Shared iPad.
pub(super) fn user_configured(call: Call<'_>) -> Answer {
    if !call.device.shared {
        return Err(failed("the device is no Shared iPad"));
    }
    Ok(Done::did("the user goes on").then(Afterwards::TokenUpdate))
}

pub(super) fn account_configuration(call: Call<'_>) -> Answer {
    let mut kept = Dictionary::new();
    for key in [
        "SkipPrimarySetupAccountCreation",
        "SetPrimarySetupAccountAsRegularUser",
        "DontAutoPopulatePrimaryAccountInfo",
        "LockPrimaryAccountInfo",
    ] {
        kept.insert(key.to_owned(), call.flag(key)?.into());
    }
    for key in [
        "PrimaryAccountFullName",
        "PrimaryAccountUserName",
        "ManagedLocalUserShortName",
    ] {
        kept.extend(call.text(key)?.map(|text| (key.to_owned(), text.into())));
    }
    let accounts = call
        .optional::<&[Value]>("AutoSetupAdminAccounts")?
        .unwrap_or_default();
    check_room(accounts.len())?;
    let mut names = Vec::new();
    for account in accounts {
        let account = account
            .as_dictionary()
            .ok_or(Error::NotAllowed("AutoSetupAdminAccounts"))?;
        names.push(plist::required_text(account, "shortName")?.to_owned());
        plist::optional_text(account, "fullName")?;
        plist::optional::<&[u8]>(account, "passwordHash")?;
        plist::optional::<bool>(account, "hidden")?;
    }
    check_awaiting(&call)?;
    let mut administrators = std::collections::BTreeMap::new();
    for short_name in names {
        let administrator = Administrator {
            short_name: short_name.clone(),
            password_set: false,
        };
        administrators.insert(call.device.account_guid(&short_name), administrator);
    }
    let effect = format!("accounts configured, {} administrators", administrators.len());
    let state = call.device.state_mut();
    state.first_account = Some(kept);
    state.administrators = administrators;
    Ok(Done::did(effect))
}

pub(super) fn set_auto_admin_password(call: Call<'_>) -> Answer {
    let guid = call.required_text("GUID")?;
    call.required::<&[u8]>("passwordHash")?;
    let administrator = call.device.state_mut().administrators.get_mut(guid);
    let administrator =
        administrator.ok_or_else(|| failed(format!("no managed administrator has the GUID {guid}")))?;
    administrator.password_set = true;
    Ok(Done::did(format!("password of {} set", administrator.short_name)))
}

pub(super) fn refresh_cellular_plans(call: Call<'_>) -> Answer {
    let url = call.required_text("eSIMServerURL")?;
    Ok(Done::did(format!("cellular plans asked for at {url}")))
}

pub(super) fn trigger_log_collection(call: Call<'_>) -> Answer {
    let token = call.required_text("AppleCareToken")?;
    call.device.state_mut().log_collection = Some(token.to_owned());
    Ok(Done::did("log collection begun"))
}

pub(super) fn cancel_log_collection(call: Call<'_>) -> Answer {
    let collection = call.device.state_mut().log_collection.take();
    collection.ok_or_else(|| failed("no log collection is under way"))?;
    Ok(Done::did("log collection cancelled"))
}
