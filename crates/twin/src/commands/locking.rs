//! Lock, passcode, erasure, power, activation lock.

use ordain_apple::plist::{self, Dictionary, Error, Value};

use super::Afterwards;
use super::call::{Answer, Call, Done, Refusal, failed};
use crate::state::Lock;

pub(super) fn lock(call: Call<'_>) -> Answer {
    let lock = Lock {
        pin: call.owned("PIN")?,
        message: call.owned("Message")?,
        phone: call.owned("PhoneNumber")?,
    };
    let is_mac = call.is_mac();
    if is_mac {
        check_pin(lock.pin.as_deref().ok_or(Error::Missing("PIN"))?)?;
    }
    let has_text = lock.message.is_some() || lock.phone.is_some();
    let has_passcode = call.device.passcode;
    call.device.locked = has_passcode && !is_mac;
    let mut done = Done::did(match &lock.pin {
        Some(pin) if is_mac => format!("locked with the PIN {pin}"),
        _ => "locked".to_owned(),
    });
    call.device.state_mut().lock = Some(lock);
    if !is_mac {
        let result = match (has_text, has_passcode) {
            (true, true) => "Success",
            (true, false) => "NoPasscodeSet",
            (false, _) => "NoMessage",
        };
        done = done.and("MessageResult", result);
    }
    Ok(done)
}

fn check_pin(pin: &str) -> Result<(), Refusal> {
    if pin.len() != 6 || !pin.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(failed("the PIN does not have six digits"));
    }
    Ok(())
}

pub(super) fn clear_passcode(call: Call<'_>) -> Answer {
    let token = call.required::<&[u8]>("UnlockToken")?;
    if call.device.unlock_token().as_deref() != Some(token) {
        return Err(failed("the unlock token is not this device's"));
    }
    call.device.passcode = false;
    call.device.locked = false;
    Ok(Done::did("passcode cleared"))
}

pub(super) fn request_unlock_token(call: Call<'_>) -> Answer {
    let token = call.device.unlock_token();
    let token = token.ok_or_else(|| failed("the device has no unlock token"))?;
    Ok(Done::said("UnlockToken", Value::Data(token)))
}

pub(super) fn erase(call: Call<'_>) -> Answer {
    call.flag("PreserveDataPlan")?;
    call.flag("DisallowProximitySetup")?;
    let behavior = ["Default", "DoNotObliterate", "ObliterateWithWarning", "Always"];
    call.one_of("ObliterationBehavior", &behavior)?;
    if let Some(pin) = call.text("PIN")?.filter(|_| call.is_mac()) {
        check_pin(pin)?;
    }
    let mut returns = false;
    if let Some(keys) = call.optional::<&Dictionary>("ReturnToService")? {
        returns = plist::required(keys, "Enabled")?;
        for key in ["WiFiProfileData", "MDMProfileData", "BootstrapToken"] {
            plist::optional::<&[u8]>(keys, key)?;
        }
        plist::optional::<bool>(keys, "ShouldRetryEnrollment")?;
    }
    let effect = if returns {
        "erased, to return to service"
    } else {
        "erased"
    };
    Ok(Done::did(effect).then(Afterwards::Erase))
}

pub(super) fn restart(call: Call<'_>) -> Answer {
    let rebuild = call.flag("RebuildKernelCache")?;
    call.texts("KextPaths")?;
    let asks = call.flag("NotifyUser")?;
    let state = call.device.state_mut();
    state.restarts = state.restarts.saturating_add(1);
    Ok(Done::did(match (asks, rebuild) {
        (true, _) => "restarted by its user",
        (false, true) => "restarted with a new kernel cache",
        (false, false) => "restarted",
    }))
}

pub(super) fn shut_down(call: Call<'_>) -> Answer {
    let state = call.device.state_mut();
    state.shutdowns = state.shutdowns.saturating_add(1);
    Ok(Done::did("shut down"))
}

pub(super) fn activation_lock_bypass_code(call: Call<'_>) -> Answer {
    if call.device.state().bypass_code_cleared {
        return Err(failed("there is no bypass code"));
    }
    const LETTERS: &[u8; 32] = b"0123456789ACDEFGHJKLMNPQRTUVWXYZ";
    let bytes = call.device.trait_bytes("bypass code");
    let mut code = String::new();
    for (place, byte) in bytes.iter().take(26).enumerate() {
        if [5, 10, 14, 18, 22].contains(&place) {
            code.push('-');
        }
        code.extend(
            LETTERS
                .get(usize::from(byte % 32))
                .map(|letter| char::from(*letter)),
        );
    }
    Ok(Done::said("ActivationLockBypassCode", code))
}

pub(super) fn clear_activation_lock_bypass_code(call: Call<'_>) -> Answer {
    call.device.state_mut().bypass_code_cleared = true;
    Ok(Done::did("bypass code cleared"))
}
