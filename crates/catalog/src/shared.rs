//! What several schemas have in common.

use std::collections::BTreeSet;

use crate::{Shape, Support};

/// Keys that several schemas have in common: `CommonPayloadKeys` those of all payloads in profiles, `TopLevel` those of
/// profiles, `declarationbase` those of declarations, `statusreason` those of reasons in reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKeys {
    /// The schema's name.
    pub name: String,
    /// Where they are supported.
    pub support: Support,
    /// What has them: a dictionary.
    pub payload: Shape,
    /// The codes of the reasons that all declarations may be reported with; none of the others.
    pub reasons: BTreeSet<String>,
}
