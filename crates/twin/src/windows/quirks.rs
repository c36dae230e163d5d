//! What Windows may do in one way or another, since no published text says: each is a choice of the test.

/// How a twin behaves where Windows' behaviour is not known for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// `EnrollStatus` stays at 3 although the linked enrollment works, as was seen on real devices.
    pub link_status_stays_failed: bool,
}
