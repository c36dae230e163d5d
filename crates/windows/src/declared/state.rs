//! How far a document, or a part of it, has got.

use std::fmt;

/// A state of a document, a `CSP`, a `URI` or a `DSC`. Numbers without a name here are kept as they are: how Windows
/// tells of drift, for one, is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(pub u32);

/// What a server makes of a [`State`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// Being worked on.
    Pending,
    /// As it should be, and final.
    Good,
    /// Failed, and final.
    Failed,
    /// The machinery failed, not the setting: sending again may help.
    Retryable,
    /// Being deleted.
    Deleting,
    /// Deleted.
    Gone,
    /// Not deleted, and final.
    NotDeleted,
    /// Nothing that is published. It needs attention.
    Unknown,
}

impl State {
    /// Nothing is said.
    pub const NOT_DEFINED: Self = Self(0);
    /// Queued.
    pub const CONFIG_REQUEST: Self = Self(1);
    /// Being applied.
    pub const CONFIG_IN_PROGRESS: Self = Self(2);
    /// Being applied by something that has not answered yet.
    pub const CONFIG_IN_PROGRESS_ASYNC_PENDING: Self = Self(3);
    /// To be deleted.
    pub const DELETE_REQUEST: Self = Self(10);
    /// Being deleted.
    pub const DELETE_IN_PROGRESS: Self = Self(11);
    /// To be read.
    pub const GET_REQUEST: Self = Self(20);
    /// Being read.
    pub const GET_IN_PROGRESS: Self = Self(21);
    /// The addresses of nodes are made.
    pub const CONSTRUCT_URI_STORAGE_SUCCESS: Self = Self(40);
    /// Applied.
    pub const CONFIG_COMPLETED_SUCCESS: Self = Self(60);
    /// Not applied.
    pub const CONFIG_COMPLETED_ERROR: Self = Self(61);
    /// Not applied: the machinery failed.
    pub const CONFIG_INFRA_ERROR: Self = Self(62);
    /// Applied, and not refreshed.
    pub const CONFIG_COMPLETED_SUCCESS_NO_REFRESH: Self = Self(63);
    /// Deleted.
    pub const DELETE_COMPLETED_SUCCESS: Self = Self(70);
    /// Not deleted.
    pub const DELETE_COMPLETED_ERROR: Self = Self(71);
    /// Not deleted: the machinery failed.
    pub const DELETE_INFRA_ERROR: Self = Self(72);
    /// Read.
    pub const GET_COMPLETED_SUCCESS: Self = Self(80);
    /// Not read.
    pub const GET_COMPLETED_ERROR: Self = Self(81);
    /// Not read: the machinery failed.
    pub const GET_INFRA_ERROR: Self = Self(82);

    /// What to make of it.
    pub const fn kind(self) -> StateKind {
        match self.0 {
            0..=3 | 20 | 21 | 40 => StateKind::Pending,
            60 | 63 | 80 => StateKind::Good,
            61 | 81 => StateKind::Failed,
            62 | 82 => StateKind::Retryable,
            10 | 11 => StateKind::Deleting,
            70 => StateKind::Gone,
            71 | 72 => StateKind::NotDeleted,
            _ => StateKind::Unknown,
        }
    }

    /// Whether another one follows by itself. One that is unknown is taken for final.
    pub const fn is_transient(self) -> bool {
        matches!(self.kind(), StateKind::Pending | StateKind::Deleting)
    }

    /// Whether all is as it should be, and final.
    pub const fn is_good(self) -> bool {
        matches!(self.kind(), StateKind::Good)
    }

    /// The name that Microsoft publishes.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NotDefined",
            1 => "ConfigRequest",
            2 => "ConfigInprogress",
            3 => "ConfigInProgressAsyncPending",
            10 => "DeleteRequest",
            11 => "DeleteInprogress",
            20 => "GetRequest",
            21 => "GetInprogress",
            40 => "ConstructURIStorageSuccess",
            60 => "ConfigCompletedSuccess",
            61 => "ConfigCompletedError",
            62 => "ConfigInfraError",
            63 => "ConfigCompletedSuccessNoRefresh",
            70 => "DeleteCompletedSuccess",
            71 => "DeleteCompletedError",
            72 => "DeleteInfraError",
            80 => "GetCompletedSuccess",
            81 => "GetCompletedError",
            82 => "GetInfraError",
            _ => return None,
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
