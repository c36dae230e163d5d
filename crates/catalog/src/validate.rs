//! Whether a payload is what its type allows, and who can take it.
//!
//! [`payload`] tells all that is wrong at once: against the schema, against what Apple states only in prose (the tables
//! in `prose/rules`), and against the devices that are to get it ([`Reach`]). What the catalog does not know excludes
//! nothing.
//!
//! [`csp`] and [`document`] do the same for Windows.

mod csp;
mod document;
mod example;
mod finding;
mod format;
mod frame;
mod place;
mod prose;
mod reach;
mod schema;

use std::collections::BTreeSet;

use serde_json::Value;

use self::finding::Findings;
use self::place::Place;
use self::prose::Given;
use self::reach::{Recipients, Verdict};
use self::schema::Schema;
use crate::{Catalog, DeclarationType, Shape};

pub use self::csp::{Setting, WindowsReach, csp};
pub use self::document::{Document, DocumentCsp, DocumentUri, document};
pub use self::example::{csp_example, example, full_example};
pub use self::finding::{At, Code, Finding, Severity};
pub use self::format::matches;
pub use self::reach::{DeviceKind, InvalidDeviceKind, Reach};

/// All that is wrong with the payload of a declaration of this type, in order of place; `catalog` knows the names that
/// payloads use. At most some 200 findings: when there may be more, an error says so.
///
/// Takes time in proportion to the payload and to the kinds of devices in `reach`.
pub fn payload(
    catalog: &Catalog,
    declaration: &DeclarationType,
    payload: &Value,
    reach: &Reach,
) -> Vec<Finding> {
    let mut findings = Findings::new();
    let recipients = Recipients::of(declaration, reach);
    let (takers, outdated) = takers(&mut findings, declaration, recipients);
    let unknown = unknown(reach.allow_unknown);
    let mut schema = Schema {
        findings: &mut findings,
        type_name: &declaration.name,
        unknown,
        outdated,
    };
    schema.check(&declaration.payload, payload, &Place::root(), &takers);
    if !findings.is_full() {
        let given = Given {
            catalog,
            declaration,
            recipients: &takers,
            unknown,
        };
        for breach in prose::breaches(given, payload) {
            findings.push(breach.finding);
        }
    }
    findings.into_sorted()
}

/// All that is wrong with a value against its schema alone, such as the data of a credential or a payload of a profile,
/// in order of place. `name` is what messages call its schema. At most some 200 findings, as of [`payload`].
pub fn shape(name: &str, shape: &Shape, value: &Value, allow_unknown: bool) -> Vec<Finding> {
    let mut findings = Findings::new();
    let nobody = Recipients::default();
    let mut schema = Schema {
        findings: &mut findings,
        type_name: name,
        unknown: unknown(allow_unknown),
        outdated: None,
    };
    schema.check(shape, value, &Place::root(), &nobody);
    findings.into_sorted()
}

/// How bad a key is that is not known.
fn unknown(is_allowed: bool) -> Severity {
    if is_allowed {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// Who can take the type, and since when it should no longer be used.
fn takers(
    findings: &mut Findings,
    declaration: &DeclarationType,
    recipients: Recipients,
) -> (Recipients, Option<String>) {
    let name = &declaration.name;
    let root = Place::root();
    let takers = match recipients.judge(&declaration.support) {
        Verdict::Taken => recipients,
        Verdict::Partly { reasons, rest } => {
            if rest.known {
                let message = format!("{name} is not for all of the targeted devices: {reasons}");
                findings.warning(&root, At::Type, Code::PartlyUnsupported, message);
            }
            rest
        }
        Verdict::Refused {
            severity,
            whose,
            reasons,
            ..
        } => {
            let message = format!("{name} is for none of {whose}: {reasons}");
            findings.add(severity, &root, At::Type, Code::Unsupported, message);
            recipients.nobody()
        }
    };
    let outdated = takers.outdated(&declaration.support);
    if let Some(outdated) = &outdated {
        let message = format!("{name} is {outdated}");
        findings.warning(&root, At::Type, Code::Deprecated, message);
    }
    (takers, outdated)
}

/// Whether the data of an asset may have this media type when these are accepted, any when there are none. Parameters
/// and case do not matter.
pub fn accepts_content_type(accepted: &BTreeSet<String>, content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    accepted.is_empty()
        || accepted
            .iter()
            .any(|accepted| accepted.eq_ignore_ascii_case(essence))
}
