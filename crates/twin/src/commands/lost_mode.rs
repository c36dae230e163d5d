//! Lost mode of iPhone and iPad.

use ordain_apple::plist::Error;

use super::call::{Answer, Call, Done, Refusal, date, failed};
use crate::state::Lost;

fn not_lost() -> Refusal {
    failed("the device is not in lost mode")
}

pub(super) fn enable(call: Call<'_>) -> Answer {
    let lost = Lost {
        message: call.owned("Message")?,
        phone: call.owned("PhoneNumber")?,
        footnote: call.owned("Footnote")?,
        sounds: 0,
    };
    if lost.message.is_none() && lost.phone.is_none() {
        return Err(Error::Missing("Message or PhoneNumber").into());
    }
    call.device.state_mut().lost = Some(lost);
    Ok(Done::did("lost mode on"))
}

pub(super) fn disable(call: Call<'_>) -> Answer {
    call.device.state_mut().lost.take().ok_or_else(not_lost)?;
    Ok(Done::did("lost mode off"))
}

pub(super) fn play_sound(call: Call<'_>) -> Answer {
    let lost = call.device.state_mut().lost.as_mut().ok_or_else(not_lost)?;
    lost.sounds = lost.sounds.saturating_add(1);
    Ok(Done::did("a sound played"))
}

pub(super) fn location(call: Call<'_>) -> Answer {
    call.device.state().lost.as_ref().ok_or_else(not_lost)?;
    // Somewhere in the park of Cupertino, the same place for each device.
    let [north, east, ..] = call.device.trait_bytes("location").map(f64::from);
    let at = date(call.now);
    let at = at.as_date().map(|at| at.to_xml_format()).unwrap_or_default();
    Ok(Done::said("Latitude", 37.33 + north / 100_000.0)
        .and("Longitude", -122.01 + east / 100_000.0)
        .and("HorizontalAccuracy", 12.0)
        .and("VerticalAccuracy", 4.0)
        .and("Altitude", 60.0)
        .and("Speed", -1.0)
        .and("Course", -1.0)
        .and("Timestamp", at))
}
