//! Apps and books.

use ordain_apple::command::Status;
use ordain_apple::plist::{Dictionary, Value};
use ordain_catalog::Platform;
use serde_json::json;

use super::{Case, case, device, order, refusal, tell};
use crate::commands::Scope;

const APP: &str = "org.example.app";

fn install() -> serde_json::Value {
    json!({
        "Identifier": APP,
        "Options": {"PurchaseMethod": 1},
        "ManagementFlags": 1,
        "Configuration": {"Server": "example.org"},
        "Attributes": {"Removable": false},
    })
}

fn first<'a>(results: &'a Dictionary, list: &str) -> &'a Dictionary {
    results[list].as_array().unwrap()[0].as_dictionary().unwrap()
}

pub(super) fn cases() -> Vec<Case> {
    let apps = json!({"Identifiers": [APP, "org.example.unknown"]});
    vec![
        case("InstallApplication", Platform::Ios, install())
            .says(&["Identifier", "State"])
            .does("app org.example.app installed")
            .leaves(|device, results| device.state().apps[APP].flags == 1 && results["State"] == "Installing".into()),
        case("InstallApplication", Platform::Ios, json!({"iTunesStoreID": 361_309_726}))
            .with(|device| device.supervised = false)
            .says(&["Identifier", "State"])
            .does("app 361309726 installed")
            .leaves(|_, results| results["State"] == "Prompting".into()),
        case("InstallApplication", Platform::TvOs, json!({"Identifier": APP, "ChangeManagementState": "Managed", "ManagementFlags": 5}))
            .after("InstallApplication", install())
            .says(&["Identifier", "State"])
            .does("app org.example.app managed")
            .leaves(|device, _| device.state().apps[APP].flags == 5),
        case(
            "InstallEnterpriseApplication",
            Platform::MacOs,
            json!({
                "Manifest": {"items": [{"metadata": {"bundle-identifier": APP}}]},
                "InstallAsManaged": true,
                "ManifestURLPinningCerts": ["data:certificate"],
                "PinningRevocationCheckRequired": true,
            }),
        )
        .does("app org.example.app installed and managed")
        .leaves(|device, _| device.state().apps.contains_key(APP)),
        case("RemoveApplication", Platform::Ios, json!({"Identifier": APP}))
            .after("InstallApplication", install())
            .does("app org.example.app removed")
            .leaves(|device, _| device.state().apps.is_empty()),
        case("ManagedApplicationList", Platform::Ios, apps.clone())
            .after("InstallApplication", install())
            .says(&["ManagedApplicationList"])
            .leaves(|_, results| {
                let listed = results["ManagedApplicationList"].as_dictionary().unwrap();
                let app = listed[APP].as_dictionary().unwrap();
                listed.len() == 1 && app.len() == 7 && app["Status"] == "Installing".into()
            }),
        case("ManagedApplicationConfiguration", Platform::Ios, apps.clone())
            .after("InstallApplication", install())
            .says(&["ApplicationConfigurations"])
            .leaves(|_, results| {
                let entry = first(results, "ApplicationConfigurations");
                entry["Configuration"].as_dictionary().unwrap()["Server"] == "example.org".into()
            }),
        case("ManagedApplicationAttributes", Platform::Ios, apps.clone())
            .after("InstallApplication", install())
            .says(&["ApplicationAttributes"])
            .leaves(|_, results| first(results, "ApplicationAttributes").contains_key("Attributes")),
        case("ManagedApplicationFeedback", Platform::Ios, json!({"Identifiers": [APP], "DeleteFeedback": true}))
            .after("InstallApplication", install())
            .says(&["ManagedApplicationFeedback"])
            .does("feedback of apps deleted")
            .leaves(|_, results| first(results, "ManagedApplicationFeedback").contains_key("Feedback")),
        case("ManagedApplicationFeedback", Platform::Ios, json!({"Identifiers": [APP]}))
            .after("InstallApplication", install())
            .after("ManagedApplicationFeedback", json!({"Identifiers": [APP], "DeleteFeedback": true}))
            .says(&["ManagedApplicationFeedback"])
            .leaves(|_, results| !first(results, "ManagedApplicationFeedback").contains_key("Feedback")),
        case("ValidateApplications", Platform::Ios, apps)
            .after("InstallApplication", install())
            .does("1 apps validated")
            .leaves(|device, _| device.state().apps[APP].validated),
        case("ApplyRedemptionCode", Platform::Ios, json!({"Identifier": APP, "RedemptionCode": "CODE"}))
            .after("InstallApplication", install())
            .does("app org.example.app redeemed")
            .leaves(|device, _| device.state().apps[APP].redeemed.as_deref() == Some("CODE")),
        case(
            "InviteToProgram",
            Platform::Ios,
            json!({"ProgramID": "com.apple.cloudvpp", "InvitationURL": "https://example.org/invitation"}),
        )
        .says(&["InvitationResult"])
        .does("the user invited"),
        case("InviteToProgram", Platform::Ios, json!({"ProgramID": "another", "InvitationURL": "https://example.org"}))
            .says(&["InvitationResult"])
            .leaves(|_, results| results["InvitationResult"] == "InvalidProgramID".into()),
        case(
            "InstallMedia",
            Platform::IpadOs,
            json!({
                "MediaType": "Book", "MediaURL": "https://example.org/book", "PersistentID": "org.example.book",
                "Kind": "epub", "Version": "1", "Author": "A. Writer", "Title": "A Book",
            }),
        )
        .says(&["MediaType", "MediaURL", "PersistentID", "State"])
        .does("book org.example.book installed")
        .leaves(|device, _| device.state().books.len() == 1),
        case("ManagedMediaList", Platform::Ios, json!({}))
            .after("InstallMedia", json!({"MediaType": "Book", "iTunesStoreID": 1234, "Title": "A Book"}))
            .says(&["Books"])
            .leaves(|_, results| {
                let book = first(results, "Books");
                book["iTunesStoreID"] == 1234.into() && book["Title"] == "A Book".into()
            }),
        case("RemoveMedia", Platform::Ios, json!({"MediaType": "Book", "iTunesStoreID": "1234"}))
            .after("InstallMedia", json!({"MediaType": "Book", "iTunesStoreID": 1234}))
            .does("a book removed")
            .leaves(|device, _| device.state().books.is_empty()),
    ]
}

#[test]
fn an_app_is_installed_once_and_takes_its_time() {
    let mut phone = device(Platform::Ios);
    tell(&mut phone, "InstallApplication", install());
    let again = tell(&mut phone, "InstallApplication", install());
    assert_eq!(again.status, Status::Error);
    assert_eq!(again.results["RejectionReason"], "AppAlreadyInstalled".into());
    let command = ordain_apple::command::Command {
        uuid: "u".into(),
        request_type: "ManagedApplicationList".into(),
        payload: Dictionary::new(),
    };
    let later = ordain_twin::commands::execute(&mut phone, Scope::System, &command, super::NOW + 1);
    let listed = later.results["ManagedApplicationList"].as_dictionary().unwrap();
    assert_eq!(listed[APP].as_dictionary().unwrap()["Status"], "Managed".into());
    let unknown = tell(
        &mut phone,
        "RemoveApplication",
        json!({"Identifier": "org.example.unknown"}),
    );
    assert_eq!(refusal(&unknown).1, 12078);
}

#[test]
fn a_device_takes_so_many_apps_and_books_and_no_more() {
    let mut pad = device(Platform::IpadOs);
    for number in 0..300 {
        tell(&mut pad, "InstallApplication", json!({"iTunesStoreID": number}));
        tell(
            &mut pad,
            "InstallMedia",
            json!({"MediaType": "Book", "iTunesStoreID": number}),
        );
    }
    assert_eq!((pad.state().apps.len(), pad.state().books.len()), (256, 256));
    let large = Value::Data(vec![0; 100_000]);
    let configuration = Dictionary::from_iter([("Large".to_owned(), large)]);
    let keys = Dictionary::from_iter([
        ("Identifier".to_owned(), Value::from("1")),
        ("Configuration".to_owned(), configuration.into()),
    ]);
    let outcome = order(&mut pad, Scope::System, "InstallApplication", keys);
    assert_eq!(refusal(&outcome).0, Status::CommandFormatError);
}
