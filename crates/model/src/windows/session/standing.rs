//! What each session sees to, whatever a policy wants: how the device speaks with the server (DMClient CSP).

use std::collections::BTreeSet;

use ordain_catalog::windows::{DataFormat, LocUri};

use super::Scene;
use crate::windows::enroll::{POLL_COUNTS, POLL_INTERVALS};
use crate::windows::settings::plan;

/// From this version on, devices tell the HRESULT behind a failure.
const SYNC_APPLICATION_VERSION: &str = "3.0";

/// A node of the server's account on the device, and the value that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) path: LocUri,
    pub(super) format: DataFormat,
    pub(super) value: String,
}

/// All of them, without those that a policy sets.
pub(super) fn standing(scene: &Scene<'_>) -> Vec<Standing> {
    let chr = |name: &str, value: &str| (name.to_owned(), DataFormat::Chr, value.to_owned());
    let int = |name: &str, value: u32| (format!("Poll/{name}"), DataFormat::Int, value.to_string());
    let ([first, second, rest], [after_first, after_second, between]) = (POLL_COUNTS, POLL_INTERVALS);
    let nodes = [
        chr("SyncApplicationVersion", SYNC_APPLICATION_VERSION),
        chr("ManagementServerAddressList", &format!("<{}>", scene.address)),
        int("NumberOfFirstRetries", first),
        int("IntervalForFirstSetOfRetries", after_first),
        int("NumberOfSecondRetries", second),
        int("IntervalForSecondSetOfRetries", after_second),
        int("NumberOfRemainingScheduledRetries", rest),
        int("IntervalForRemainingScheduledRetries", between),
        ("Poll/PollOnLogin".to_owned(), DataFormat::Bool, "true".to_owned()),
    ];
    let by_policy: BTreeSet<&LocUri> = scene
        .wanted
        .iter()
        .flat_map(|declared| plan::read_back(&declared.settings))
        .collect();
    let account = "./Vendor/MSFT/DMClient/Provider/Ordain";
    nodes
        .into_iter()
        .filter_map(|(name, format, value)| {
            let path: LocUri = format!("{account}/{name}").parse().ok()?;
            (!by_policy.contains(&path)).then_some(Standing { path, format, value })
        })
        .collect()
}

impl Standing {
    /// Whether a device that answers with `text` has the value.
    pub(super) fn is(&self, text: &str) -> bool {
        self.format.value(text) == self.format.value(&self.value)
    }
}
