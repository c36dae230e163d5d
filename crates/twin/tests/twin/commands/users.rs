//! Users, and setting a device up.

use ordain_apple::command::Status;
use ordain_catalog::Platform;
use ordain_twin::commands::Afterwards;
use serde_json::json;

use super::{Case, case, device, tell};

pub(super) fn cases() -> Vec<Case> {
    let accounts = || {
        json!({
            "SkipPrimarySetupAccountCreation": true,
            "PrimaryAccountUserName": "pat",
            "AutoSetupAdminAccounts": [{"shortName": "it", "passwordHash": "data:hash", "hidden": true}],
        })
    };
    vec![
        case("UserList", Platform::MacOs, json!({}))
            .says(&["Users"])
            .leaves(|device, results| {
                let user = results["Users"].as_array().unwrap()[0].as_dictionary().unwrap();
                user.len() == 7 && user["UserGUID"] == device.user.as_deref().unwrap().into()
            }),
        case("UserList", Platform::IpadOs, json!({}))
            .with(|device| device.shared = true)
            .says(&["Users"])
            .leaves(|_, results| {
                let users = results["Users"].as_array().unwrap();
                users.len() == 2 && users[0].as_dictionary().unwrap()["DataQuota"] == (2i64 << 30).into()
            }),
        case("DeleteUser", Platform::MacOs, json!({"UserName": "admin"}))
            .does("user admin deleted")
            .leaves(|device, _| device.state().deleted_users.contains("admin")),
        case("DeleteUser", Platform::IpadOs, json!({"DeleteAllUsers": true}))
            .with(|device| device.shared = true)
            .does("all users deleted")
            .leaves(|device, _| device.state().deleted_users.len() == 1),
        case("LogOutUser", Platform::IpadOs, json!({}))
            .with(|device| device.shared = true)
            .does("the user logged out")
            .leaves(|device, _| device.state().logged_out),
        case("UnlockUserAccount", Platform::MacOs, json!({"UserName": "pat"})).does("account pat unlocked"),
        case("DeviceConfigured", Platform::Ios, json!({}))
            .with(|device| device.awaiting_configuration = true)
            .does("Setup Assistant goes on")
            .then(Afterwards::TokenUpdate)
            .leaves(|device, _| !device.awaiting_configuration),
        case("UserConfigured", Platform::IpadOs, json!({}))
            .with(|device| device.shared = true)
            .on_user_channel()
            .does("the user goes on")
            .then(Afterwards::TokenUpdate),
        case("AccountConfiguration", Platform::MacOs, accounts())
            .with(|device| device.awaiting_configuration = true)
            .does("accounts configured, 1 administrators")
            .leaves(|device, _| {
                let first = device.state().first_account.as_ref().unwrap();
                first["PrimaryAccountUserName"] == "pat".into() && device.state().administrators.len() == 1
            }),
    ]
    .into_iter()
    .chain([set_password(accounts())])
    .collect()
}

/// The GUID of an administrator is the device's to make.
fn set_password(accounts: serde_json::Value) -> Case {
    let mut mac = device(Platform::MacOs);
    mac.awaiting_configuration = true;
    tell(&mut mac, "AccountConfiguration", accounts);
    let said = tell(
        &mut mac,
        "DeviceInformation",
        json!({"Queries": ["AutoSetupAdminAccounts"]}),
    )
    .results;
    let said = said["QueryResponses"].as_dictionary().unwrap();
    let account = said["AutoSetupAdminAccounts"].as_array().unwrap()[0]
        .as_dictionary()
        .unwrap();
    let guid = account["GUID"].as_string().unwrap();
    Case {
        device: mac,
        ..case(
            "SetAutoAdminPassword",
            Platform::MacOs,
            json!({"GUID": guid, "passwordHash": "data:hash"}),
        )
    }
    .does("password of it set")
    .leaves(|device, _| {
        device
            .state()
            .administrators
            .values()
            .all(|administrator| administrator.password_set)
    })
}

#[test]
fn what_cannot_be_done_is_not_done() {
    let (mac, pad) = (Platform::MacOs, Platform::IpadOs);
    for (platform, name, keys) in [
        (
            mac,
            "DeleteUser",
            json!({"UserName": "pat", "ForceDeletion": true}),
        ),
        (mac, "DeleteUser", json!({"UserName": "nobody"})),
        (mac, "UnlockUserAccount", json!({"UserName": "nobody"})),
        (mac, "DeviceConfigured", json!({})),
        (mac, "AccountConfiguration", json!({})),
        (
            mac,
            "SetAutoAdminPassword",
            json!({"GUID": "none", "passwordHash": "data:hash"}),
        ),
        (pad, "UserList", json!({})),
        (pad, "LogOutUser", json!({})),
    ] {
        let outcome = tell(&mut device(platform), name, keys);
        assert_eq!((outcome.status, outcome.effect), (Status::Error, None), "{name}");
    }
}
