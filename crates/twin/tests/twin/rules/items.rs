//! Rules of the declaration items.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        "items are answered 200",
        |said, turn, r| {
            if *said == Said::Items && turn == 0 {
                status(r, 500)
            }
        },
        "declaration-items: answered 500",
    ),
    case(
        "items are said to be JSON",
        on!(Said::Items, |r| r.content_type = Some("application/xml".into())),
        "declaration-items: answered as application/xml",
    ),
    case(
        "Declarations is there",
        on!(Said::Items, |r| edit(r, |i| *i =
            json!({"DeclarationsToken": "t"}))),
        "declaration-items: Declarations is missing",
    ),
    case(
        "Activations is there",
        on!(Said::Items, |r| without_array(r, "Activations")),
        "Activations is missing",
    ),
    case(
        "Assets is there",
        on!(Said::Items, |r| without_array(r, "Assets")),
        "Assets is missing",
    ),
    case(
        "Configurations is there",
        on!(Said::Items, |r| without_array(r, "Configurations")),
        "Configurations is missing",
    ),
    case(
        "Management is there",
        on!(Said::Items, |r| without_array(r, "Management")),
        "Management is missing",
    ),
    case(
        "an array is an array",
        on!(Said::Items, |r| edit(r, |i| i["Declarations"]["Assets"] =
            json!({}))),
        "Assets is not an array",
    ),
    case(
        "an item is an object",
        on!(Said::Items, |r| edit(r, |i| i["Declarations"]["Assets"] =
            json!(["ca"]))),
        "Assets is not an array of objects",
    ),
    case(
        "an Identifier has at most 64 octets",
        on!(Said::Items, |r| edit_item(r, "Identifier", json!("x".repeat(65)))),
        "declaration-items: Identifier has a value",
    ),
    case(
        "a ServerToken has at most 64 octets",
        on!(Said::Items, |r| edit_item(
            r,
            "ServerToken",
            json!("x".repeat(65))
        )),
        "declaration-items: ServerToken has a value",
    ),
    case(
        "an item has a ServerToken",
        on!(Said::Items, |r| edit_item(r, "ServerToken", json!(null))),
        "declaration-items: ServerToken is not a string",
    ),
    case(
        "the items have a token",
        on!(Said::Items, |r| edit(r, |i| i["DeclarationsToken"] = json!(""))),
        "declaration-items: DeclarationsToken has a value",
    ),
    case(
        "identifiers are unique across kinds",
        on!(Said::Items, |r| edit(r, |i| {
            let again = i["Declarations"]["Assets"][0].clone();
            i["Declarations"]["Management"]
                .as_array_mut()
                .unwrap()
                .push(again);
        })),
        "ca is listed twice",
    ),
    case(
        "the token moves only with the items",
        |said, turn, r| match said {
            Said::Idle if turn == 1 => r.body = sync_command("u", "2030-01-01T00:00:00Z", "moved"),
            Said::Items if turn == 1 => edit(r, |i| i["DeclarationsToken"] = json!("moved")),
            _ => {}
        },
        "the DeclarationsToken moved, although nothing changed",
    ),
    case(
        "the items move only with the token",
        on!(Said::Items, |r| edit(r, |i| i["DeclarationsToken"] = json!("t"))),
        "the declaration items changed, although",
    ),
    case(
        "the token does not move with each request",
        |said, turn, r| match said {
            Said::Items => edit(r, |i| i["DeclarationsToken"] = json!(format!("items {turn}"))),
            Said::Tokens => edit(r, |t| {
                t["SyncTokens"]["DeclarationsToken"] = json!(format!("tokens {turn}"))
            }),
            _ => {}
        },
        "the DeclarationsToken moves with each request",
    ),
];

fn without_array(response: &mut Response, key: &str) {
    edit(response, |items| {
        drop(items["Declarations"].as_object_mut().unwrap().remove(key))
    });
}

fn edit_item(response: &mut Response, key: &str, value: Value) {
    edit(response, |items| {
        items["Declarations"]["Configurations"][0][key] = value
    });
}
