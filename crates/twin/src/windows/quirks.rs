//! What Windows may do in one way or another, since no published text says: each is a choice of the test.

use ordain_windows::declared::State;

/// How a twin behaves where Windows' behaviour is not known for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// `EnrollStatus` stays at 3 although the linked enrollment works, as was seen on real devices.
    pub link_status_stays_failed: bool,
    /// A device without documents sends no list, instead of an empty one.
    pub omits_empty_list: bool,
    /// It knows the scenarios that only a draft names.
    pub draft_scenarios: bool,
    /// A document of CSPs is applied as a whole or not at all.
    pub atomic_documents: bool,
    /// The nodes of the catalog that are not verified are not there, as `RefreshInterval`.
    pub documented_nodes_only: bool,
    /// How a drift that was repaired shows in the result.
    pub repair: Repair,
    /// The state of a document that has drifted and cannot be repaired.
    pub drift_state: State,
}

/// How a drift that was repaired shows in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// It has another checksum and time.
    ChecksumAndTime,
    /// It has another time only, which the list of documents does not tell.
    Time,
    /// Not at all.
    Nothing,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            link_status_stays_failed: false,
            omits_empty_list: false,
            draft_scenarios: false,
            atomic_documents: false,
            documented_nodes_only: false,
            repair: Repair::ChecksumAndTime,
            drift_state: State::CONFIG_COMPLETED_ERROR,
        }
    }
}
