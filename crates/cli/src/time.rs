//! Times for people. The clock is read here and nowhere else in the command line's own code.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::Deserialize;

use crate::table::NOTHING;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The present, in unix seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the binary is the edge at which the clock is read"
)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How long `then` lies back, roughly: `3 min ago`.
pub(crate) fn ago(then: i64, now: i64) -> String {
    match now.saturating_sub(then) {
        // Clocks differ a little between machines.
        ..2 => "now".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// A number of seconds in its largest whole unit: `3 min`.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        _ if seconds < MINUTE => format!("{seconds} s"),
        _ if seconds < HOUR => format!("{} min", seconds / MINUTE),
        _ if seconds < DAY => format!("{} h", seconds / HOUR),
        _ if seconds < 2 * DAY => "1 day".to_owned(),
        _ => format!("{} days", seconds / DAY),
    }
}

/// Date and time of day in UTC: `2026-11-21 12:40:07Z`.
pub(crate) fn date(at: i64) -> String {
    match Timestamp::from_second(at) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => at.to_string(),
    }
}

/// Both: `3 min ago (2026-11-21 12:40:07Z)`.
pub(crate) fn moment(at: Option<i64>, now: i64) -> String {
    at.map_or(NOTHING.to_owned(), |at| {
        format!("{} ({})", ago(at, now), date(at))
    })
}

/// Both of what was or is to come: `3 min ago (…)`, `in 3 min (…)`.
pub(crate) fn around(at: i64, now: i64) -> String {
    match at.saturating_sub(now) {
        seconds @ 1.. => format!("in {} ({})", span(seconds), date(at)),
        _ => moment(Some(at), now),
    }
}

/// A span of time, written as [`parse_span`] reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_span(text).map(Self)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Reads a span of time such as `90s`, `30m`, `12h` or `7d`; a unit is required.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(number.len()..) {
        Some("s") => 1,
        Some("m") => MINUTE,
        Some("h") => HOUR,
        Some("d") => DAY,
        _ => return Err("give a number with s, m, h or d, such as 90s, 30m, 12h or 7d".to_owned()),
    };
    let seconds = number
        .parse::<u32>()
        .map_err(|error| format!("{number:?}: {error}"))?;
    Ok(Duration::from_secs(u64::from(seconds) * unit.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rough_and_never_negative() {
        let of = |seconds| ago(1_000_000 - seconds, 1_000_000);
        assert_eq!(of(-90), "now");
        assert_eq!(of(0), "now");
        assert_eq!(of(59), "59 s ago");
        assert_eq!(of(60), "1 min ago");
        assert_eq!(of(3 * HOUR + 5), "3 h ago");
        assert_eq!(of(DAY), "1 day ago");
        assert_eq!(of(400 * DAY), "400 days ago");
        assert_eq!(ago(i64::MIN, i64::MAX), "106751991167300 days ago");
    }

    #[test]
    fn dates_are_in_utc() {
        assert_eq!(date(0), "1970-01-01 00:00:00Z");
        assert_eq!(date(1_795_264_807), "2026-11-21 12:40:07Z");
        assert_eq!(date(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn moments_may_not_have_been() {
        assert_eq!(moment(Some(0), 90), "1 min ago (1970-01-01 00:00:00Z)");
        assert_eq!(moment(None, 90), "-");
    }

    #[test]
    fn what_is_to_come_has_a_time_too() {
        assert_eq!(around(0, 90), "1 min ago (1970-01-01 00:00:00Z)");
        assert_eq!(around(90, 0), "in 1 min (1970-01-01 00:01:30Z)");
    }

    #[test]
    fn spans_need_a_number_and_a_unit() {
        assert_eq!(parse_span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_span("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "7", "d", "7w", "-1s", "1.5h", "7 d", "99999999999s", "7dd"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }
}
