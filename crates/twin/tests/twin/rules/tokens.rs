//! Rules of the tokens, in a command and by themselves.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        "the data of a command are tokens",
        on!(Said::Idle, |r| edit_data(r, |t| *t = json!({}))),
        "the command channel: SyncTokens is missing",
    ),
    case(
        "its Timestamp has whole seconds",
        on!(Said::Idle, |r| edit_data(r, |t| t["SyncTokens"]["Timestamp"] =
            json!("2027-01-15T08:00:00.5Z"))),
        "the command channel: Timestamp has a value",
    ),
    tokens_case(
        "tokens are answered 200",
        |said, turn, r| {
            if *said == Said::Tokens && turn == 0 {
                status(r, 500)
            }
        },
        "tokens: answered 500",
    ),
    tokens_case(
        "tokens are JSON",
        on!(Said::Tokens, |r| r.body = b"<plist/>".to_vec()),
        "tokens: not JSON",
    ),
    tokens_case(
        "and said to be",
        on!(Said::Tokens, |r| r.content_type = Some("text/plain".into())),
        "tokens: answered as text/plain",
    ),
    tokens_case(
        "and said at all to be",
        on!(Said::Tokens, |r| r.content_type = None),
        "tokens: answered as nothing",
    ),
    tokens_case(
        "SyncTokens is there",
        on!(Said::Tokens, |r| edit(r, |t| *t = t["SyncTokens"].take())),
        "tokens: SyncTokens is missing",
    ),
    tokens_case(
        "Timestamp is there",
        on!(Said::Tokens, |r| edit(r, |t| drop(
            t["SyncTokens"].as_object_mut().unwrap().remove("Timestamp")
        ))),
        "tokens: Timestamp is missing",
    ),
    tokens_case(
        "Timestamp has no fraction",
        on!(Said::Tokens, |r| edit(r, |t| t["SyncTokens"]["Timestamp"] =
            json!("2027-01-15T08:00:00.000Z"))),
        "tokens: Timestamp has a value",
    ),
    tokens_case(
        "Timestamp is in UTC",
        on!(Said::Tokens, |r| edit(r, |t| t["SyncTokens"]["Timestamp"] =
            json!("2027-01-15T08:00:00+01:00"))),
        "tokens: Timestamp has a value",
    ),
    tokens_case(
        "DeclarationsToken is there",
        on!(Said::Tokens, |r| edit(
            r,
            |t| t["SyncTokens"]["DeclarationsToken"] = json!(null)
        )),
        "tokens: DeclarationsToken is not a string",
    ),
    tokens_case(
        "DeclarationsToken has at most 256 octets",
        on!(Said::Tokens, |r| edit(
            r,
            |t| t["SyncTokens"]["DeclarationsToken"] = json!("x".repeat(257))
        )),
        "tokens: DeclarationsToken has a value",
    ),
    tokens_case(
        "the Timestamp never runs backwards",
        |said, turn, r| {
            if *said == Said::Tokens && turn > 0 {
                edit(r, |t| {
                    t["SyncTokens"]["Timestamp"] = json!("2001-01-01T00:00:00Z")
                });
            }
        },
        "went back by",
    ),
    tokens_case(
        "the Timestamp moves with the token",
        on!(Said::Tokens, |r| edit(r, |t| t["SyncTokens"]["Timestamp"] =
            json!("2027-01-15T08:00:00Z"))),
        "two DeclarationsTokens have the same Timestamp",
    ),
];
