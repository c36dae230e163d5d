//! How it stands with the linked enrollment of a device, by what the device says and by what it does: one judgement for
//! the session that acts on it and for the people who are told.

use std::fmt;

use ordain_catalog::OsVersion;
use ordain_catalog::windows::{Edition, Join, WindowsCatalog, WindowsDevice};
use serde_json::Value;

use crate::enrollment::Phase;
use crate::windows::documents::is_stale;
use crate::windows::facts::{LINK_ENDPOINT, LINK_ERROR, LINK_STATUS};

/// What the server knows of a device's linked channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// How far it is.
    pub phase: Phase,
    /// Whether it holds sessions. `EnrollStatus` may say that it failed although it does.
    pub is_live: bool,
}

/// How it stands. `Display` says it in words; of what speaks against it, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// It is linked: it holds sessions, or says so.
    Linked,
    /// It was given its certificate, and has not shown it yet.
    Arriving,
    /// The device is at it.
    Underway,
    /// The last attempt failed, with this HRESULT.
    Failed(Option<u32>),
    /// There is none.
    Absent,
    /// There is none, and nobody knows yet whether there can be one: this is not known of the device.
    Unknown(Lacking),
    /// There is none, and there cannot be one, because of this.
    Unable(String),
    /// The device is linked with another server, or says so.
    Elsewhere(Option<String>),
}

/// What has to be known of a device first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// Its edition, or what that can do.
    Edition,
    /// Its version.
    Version,
    /// Whether it is in Microsoft Entra.
    Join,
}

impl Lacking {
    /// The status item that tells it.
    pub fn item(self) -> &'static str {
        match self {
            Self::Edition => "windows.os.edition",
            Self::Version => "windows.os.version",
            Self::Join => "windows.join",
        }
    }
}

/// `EnrollStatus` (DMClient CSP).
const IN_PROGRESS: i64 = 2;
const FAILED: i64 = 3;
const SUCCEEDED: i64 = 4;
const UNENROLLING: [i64; 2] = [5, 6];
const NOT_UNENROLLED: i64 = 7;
const UNENROLLED: i64 = 8;

impl Channel {
    /// As it was last seen at that time, in unix seconds: a channel that is silent for two of its intervals is not live.
    pub fn seen(phase: Phase, at: Option<i64>, now: i64) -> Self {
        Self {
            phase,
            is_live: phase == Phase::Enrolled && at.is_some() && !is_stale(at, now),
        }
    }
}

impl LinkState {
    /// Judges by the status items of the device, the linked channel if there is one, and the endpoint to which devices
    /// are sent.
    pub fn of<'v>(
        item: impl Fn(&str) -> Option<&'v Value>,
        channel: Option<Channel>,
        endpoint: &str,
        catalog: &WindowsCatalog,
    ) -> Self {
        let status = item(LINK_STATUS).and_then(Value::as_i64);
        if channel.is_some_and(|channel| channel.is_live) {
            return Self::Linked;
        }
        match (status, channel.map(|channel| channel.phase)) {
            (Some(status), _) if status == IN_PROGRESS || UNENROLLING.contains(&status) => {
                return Self::Underway;
            }
            (Some(SUCCEEDED), Some(Phase::Authenticated)) => return Self::Arriving,
            (Some(SUCCEEDED | NOT_UNENROLLED), Some(_)) | (None, Some(Phase::Enrolled)) => {
                return Self::Linked;
            }
            _ => {}
        }
        if let Some(lack) = lack(&item, catalog) {
            return lack;
        }
        let error = || item(LINK_ERROR).and_then(Value::as_u64);
        let set = item(LINK_ENDPOINT).and_then(Value::as_str);
        let other = set.filter(|set| !set.is_empty() && *set != endpoint);
        match (status, other) {
            // Whoever it was linked with, it is no more.
            (Some(UNENROLLED), _) => Self::Absent,
            (Some(SUCCEEDED | NOT_UNENROLLED), other) => Self::Elsewhere(other.map(str::to_owned)),
            (_, Some(other)) if channel.is_none() => Self::Elsewhere(Some(other.to_owned())),
            (Some(FAILED), _) => Self::Failed(error().and_then(|error| error.try_into().ok())),
            _ => Self::Absent,
        }
    }

    /// Whether the device says that there is no linked enrollment any more, once it was told to end it.
    pub fn has_ended(status: i64) -> Option<Result<(), ()>> {
        match status {
            // \[U\]: it may also be as it was before the first one.
            0 | 1 | UNENROLLED => Some(Ok(())),
            NOT_UNENROLLED => Some(Err(())),
            _ => None,
        }
    }

    /// Whether `EnrollStatus` says that a linked enrollment was ended.
    pub fn is_unenrolled(status: i64) -> bool {
        status == UNENROLLED
    }

    /// Whether another attempt is to be made in its time.
    pub fn may_begin(&self) -> bool {
        match self {
            // It may have broken off without saying so.
            Self::Absent | Self::Failed(_) | Self::Arriving | Self::Underway => true,
            Self::Linked | Self::Unknown(_) | Self::Unable(_) | Self::Elsewhere(_) => false,
        }
    }
}

/// What a device must be, and is not, or of which nobody knows.
fn lack<'v>(item: &impl Fn(&str) -> Option<&'v Value>, catalog: &WindowsCatalog) -> Option<LinkState> {
    let text = |of: Lacking| item(of.item()).and_then(Value::as_str);
    let unknown = |of| Some(LinkState::Unknown(of));
    let Some(edition) = text(Lacking::Edition).and_then(|text| text.parse::<Edition>().ok()) else {
        return unknown(Lacking::Edition);
    };
    let Some(version) = text(Lacking::Version).and_then(|text| text.parse::<OsVersion>().ok()) else {
        return unknown(Lacking::Version);
    };
    let join = match text(Lacking::Join) {
        None => return unknown(Lacking::Join),
        Some("none") => Some(Join::Neither),
        // Joined or registered: that is not told apart, and what speaks against both speaks against it.
        Some(_) => None,
    };
    let device = WindowsDevice {
        edition: Some(edition),
        os_version: Some(version),
        join,
    };
    let needs = catalog.find(DOCUMENTS, &mut 0).ok()?;
    let lack = needs.node.needs.lack(&device)?;
    Some(LinkState::Unable(lack.to_string()))
}

/// What a linked enrollment is for.
const DOCUMENTS: &str = "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents";

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linked => f.write_str("linked"),
            Self::Arriving => f.write_str(
                "not linked: it was given the certificate of its linked enrollment, and has not come with it yet",
            ),
            Self::Underway => f.write_str("not linked: the device is at it (EnrollStatus)"),
            Self::Failed(error) => {
                f.write_str("not linked: the last attempt failed on the device")?;
                match error {
                    Some(error) => write!(f, ": {}", words(*error)),
                    None => Ok(()),
                }
            }
            Self::Absent => f.write_str("not linked: the device is sent to enroll in one of its next sessions"),
            Self::Unknown(what) => {
                let what = match what {
                    Lacking::Edition => "which edition it has, or what that can do,",
                    Lacking::Version => "which version it has",
                    Lacking::Join => "whether it is in Microsoft Entra",
                };
                write!(f, "not linked: {what} is not known")
            }
            Self::Unable(why) => write!(f, "not linked: the device cannot be: {why}"),
            Self::Elsewhere(endpoint) => {
                f.write_str("not linked: the device says that it is linked with another server")?;
                if let Some(endpoint) = endpoint {
                    write!(f, ", found by {endpoint}")?;
                }
                f.write_str("; the action windows.unlink ends that")
            }
        }
    }
}

/// An HRESULT of enrolling, in words.
pub(crate) fn words(error: u32) -> String {
    let meaning = match error {
        0x8007_0002 => "it has no discovery endpoint",
        0x8018_0001 => "a message was malformed",
        0x8018_0002 => "its credentials were rejected",
        0x8018_0003 => "it may not enroll",
        0x8018_0004 => "its certificate request was refused",
        0x8018_0005 | 0x8018_0006 => "the server could not do it",
        0x8018_0007 => "the security header of its message was wrong",
        0x8018_000B => "another linked enrollment is in the way",
        0x8018_0014 | 0x8018_0015 => "it is not supported",
        0x8018_0019 => "what it said of itself was not enough",
        0x8018_0026 => "its configuration forbids it to enroll",
        _ => return format!("0x{error:08X}"),
    };
    format!("{meaning} (0x{error:08X})")
}
