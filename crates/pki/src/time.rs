//! X.509 times (RFC 5280 §4.1.2.5) from and to unix seconds.

use std::time::Duration;

use der::DateTime;
use der::asn1::{GeneralizedTime, UtcTime};
use x509_cert::time::Time;

/// The time in the form that its year demands. Fails before 1970 and after 9999.
pub(crate) fn encodable(at: i64) -> der::Result<Time> {
    let seconds = u64::try_from(at).map_err(|_| der::Tag::GeneralizedTime.value_error())?;
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds))?;
    Ok(if date.year() <= UtcTime::MAX_YEAR {
        Time::UtcTime(UtcTime::from_date_time(date)?)
    } else {
        Time::GeneralTime(GeneralizedTime::from_date_time(date))
    })
}

pub(crate) fn unix_seconds(time: Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}
