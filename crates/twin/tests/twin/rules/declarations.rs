//! Rules of single declarations, of the answer to a status, and of downloads.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        "what is listed is there",
        |said, _, r| {
            if is_declaration(said, "test") {
                status(r, 404)
            }
        },
        "test is listed in the declaration items, and not found",
    ),
    case(
        "no sync fails for one declaration",
        |said, _, r| {
            if is_declaration(said, "test") {
                status(r, 500)
            }
        },
        "declaration/configuration/test: answered 500",
    ),
    case(
        "a declaration is said to be JSON",
        on!(Said::Declaration(_), |r| r.content_type = None),
        "declaration/activation/act: answered as nothing",
    ),
    case(
        "a declaration has a Type",
        |said, _, r| {
            if is_declaration(said, "test") {
                edit(r, |d| d["Type"] = json!(1))
            }
        },
        "declaration/configuration/test: Type is not a string",
    ),
    case(
        "its Payload is an object",
        |said, _, r| {
            if is_declaration(said, "test") {
                edit(r, |d| d["Payload"] = json!("x"))
            }
        },
        "declaration/configuration/test: Payload is not an object",
    ),
    case(
        "it has four keys",
        |said, _, r| {
            if is_declaration(said, "test") {
                edit(r, |d| d["More"] = json!(1))
            }
        },
        "declaration/configuration/test: a declaration has keys beside",
    ),
    case(
        "and none of them twice",
        |said, _, r| {
            if is_declaration(said, "test") {
                r.body.splice(1..1, *br#""Type":"x","#);
            }
        },
        "declaration/configuration/test: an object has a key twice",
    ),
    case(
        "it is the one asked for",
        |said, _, r| {
            if is_declaration(said, "test") {
                edit(r, |d| d["Identifier"] = json!("other"))
            }
        },
        "asked for test, given other",
    ),
    case(
        "it is of the kind asked for",
        |said, _, r| {
            if is_declaration(said, "test") {
                edit(r, |d| d["Type"] = json!("com.apple.management.properties"))
            }
        },
        "the type of test is not of the kind",
    ),
    case(
        "it has the ServerToken listed",
        |said, _, r| {
            if is_declaration(said, "test") {
                edit(r, |d| d["ServerToken"] = json!("other"))
            }
        },
        "test has another ServerToken than listed",
    ),
    case(
        "its ServerToken moves with its content",
        |said, turn, r| {
            if is_declaration(said, "test") {
                edit(r, |d| {
                    d["ServerToken"] = json!("same");
                    d["Payload"]["Echo"] = json!(format!("{turn}"));
                })
            }
        },
        "test changed, although its ServerToken did not",
    ),
    // DDM: status.
    case(
        "a status is answered 200",
        |said, turn, r| {
            if *said == Said::Status && turn == 0 {
                status(r, 500)
            }
        },
        "status: answered 500",
    ),
    case(
        "204 is not 200",
        |said, turn, r| {
            if *said == Said::Status && turn == 0 {
                status(r, 204)
            }
        },
        "status: answered 204",
    ),
    case(
        "a status is answered with an empty body",
        on!(Said::Status, |r| r.body = b"{}".to_vec()),
        "status: answered with a body",
    ),
    // Downloads.
    case(
        "an asset is there",
        |said, _, r| {
            if is_download(said, "assets/ca") {
                status(r, 404)
            }
        },
        "https://fake/assets/ca: answered 404",
    ),
    case(
        "an asset has its ContentType",
        |said, _, r| {
            if is_download(said, "assets/ca") {
                r.content_type = None
            }
        },
        "the data of ca: another Content-Type",
    ),
    case(
        "an asset has its Size",
        |said, _, r| {
            if is_download(said, "assets/ca") {
                r.body.push(b' ')
            }
        },
        "the data of ca: another Size",
    ),
    case(
        "an asset has its hash",
        |said, _, r| {
            if is_download(said, "assets/ca") {
                r.body[0] = b'A'
            }
        },
        "the data of ca: another Hash-SHA-256",
    ),
    case(
        "a profile is there",
        |said, _, r| {
            if is_download(said, "profiles/wifi") {
                status(r, 403)
            }
        },
        "https://fake/profiles/wifi: answered 403",
    ),
    case(
        "a profile brings no enrollment",
        |said, _, r| {
            if is_download(said, "profiles/wifi") {
                r.body = profile("com.apple.mdm")
            }
        },
        "the data of legacy: the profile has a payload of type com.apple.mdm",
    ),
];
