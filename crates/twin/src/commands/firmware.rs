//! Mac security: firmware password, recovery lock, recovery keys of FileVault, Remote Desktop.

use ordain_apple::plist::{self, Dictionary, Error, Value};

use super::call::{Answer, Call, Done, Refusal, dictionary, failed};

/// Checks the password that has to be told before it can be changed.
fn check_current(present: Option<&str>, told: Option<&str>) -> Result<(), Refusal> {
    if present.is_some() && present != told {
        return Err(failed("the current password is another one"));
    }
    Ok(())
}

fn some_unless_empty(password: &str) -> Option<String> {
    Some(password.to_owned()).filter(|password| !password.is_empty())
}

pub(super) fn set_password(call: Call<'_>) -> Answer {
    let current = call.text("CurrentPassword")?;
    let new = call.required::<&str>("NewPassword")?;
    let option_roms = call.flag("AllowOroms")?;
    let state = call.device.state_mut();
    check_current(state.firmware_password.as_deref(), current)?;
    state.firmware_password = some_unless_empty(new);
    state.option_roms = option_roms;
    let effect = if new.is_empty() {
        "firmware password cleared"
    } else {
        "firmware password set"
    };
    let result = dictionary([("PasswordChanged", true.into())]);
    Ok(Done::did(effect).and("SetFirmwarePassword", result))
}

pub(super) fn verify_password(call: Call<'_>) -> Answer {
    let told = call.required::<&str>("Password")?;
    let is_right = call.device.state().firmware_password.as_deref() == Some(told);
    let result = dictionary([("PasswordVerified", is_right.into())]);
    Ok(Done::said("VerifyFirmwarePassword", result))
}

pub(super) fn set_recovery_lock(call: Call<'_>) -> Answer {
    let current = call.text("CurrentPassword")?;
    let new = call.required::<&str>("NewPassword")?;
    let state = call.device.state_mut();
    check_current(state.recovery_lock.as_deref(), current)?;
    state.recovery_lock = some_unless_empty(new);
    Ok(Done::did(if new.is_empty() {
        "recovery lock cleared"
    } else {
        "recovery lock set"
    }))
}

pub(super) fn verify_recovery_lock(call: Call<'_>) -> Answer {
    let told = call.required::<&str>("Password")?;
    let is_right = call.device.state().recovery_lock.as_deref() == Some(told);
    Ok(Done::said("PasswordVerified", is_right))
}

pub(super) fn rotate_filevault_key(call: Call<'_>) -> Answer {
    let kind = call.one_of("KeyType", &["personal", "institutional"])?;
    let kind = kind.ok_or(Error::Missing("KeyType"))?;
    let unlock = call.required::<&Dictionary>("FileVaultUnlock")?;
    let password = plist::optional_text(unlock, "Password")?;
    let export = plist::optional::<&[u8]>(unlock, "PrivateKeyExport")?;
    let export_password = plist::optional_text(unlock, "PrivateKeyExportPassword")?;
    if password.is_none() && (export.is_none() || export_password.is_none()) {
        return Err(Error::Missing("Password or PrivateKeyExport").into());
    }
    let new = call.optional::<&[u8]>("NewCertificate")?;
    let reply = call.optional::<&[u8]>("ReplyEncryptionCertificate")?;
    if !call.device.filevault {
        return Err(failed("FileVault is off"));
    }
    if kind == "institutional" {
        new.ok_or(Error::Missing("NewCertificate"))?;
        call.device.state_mut().institutional_key = true;
        return Ok(Done::did("institutional recovery key changed"));
    }
    let state = call.device.state_mut();
    state.recovery_key_rotations = state.recovery_key_rotations.saturating_add(1);
    let rotation = state.recovery_key_rotations;
    let mut result = Dictionary::new();
    if reply.is_some() {
        let key = call.device.trait_bytes(&format!("recovery key {rotation}"));
        result.insert("EncryptedNewRecoveryKey".to_owned(), Value::Data(key.to_vec()));
    }
    Ok(Done::did("personal recovery key changed").and("RotateResult", result))
}

pub(super) fn remote_desktop(call: Call<'_>, on: bool) -> Answer {
    call.device.state_mut().remote_desktop = on;
    Ok(Done::did(if on {
        "Remote Desktop on"
    } else {
        "Remote Desktop off"
    }))
}
