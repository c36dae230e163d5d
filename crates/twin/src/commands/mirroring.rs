//! AirPlay mirroring.

use ordain_apple::plist::Error;

use super::call::{Answer, Call, Done, failed};

pub(super) fn request(call: Call<'_>) -> Answer {
    let name = call.text("DestinationName")?;
    let device_id = call.text("DestinationDeviceID")?;
    call.optional::<i64>("ScanTime")?;
    call.text("Password")?;
    let destination = device_id.or(name);
    let destination = destination.ok_or(Error::Missing("DestinationName or DestinationDeviceID"))?;
    call.device.state_mut().mirroring = Some(destination.to_owned());
    // Its user is asked, and the answer is not waited for.
    Ok(Done::did(format!("mirroring to {destination}")).and("MirroringResult", "Prompting"))
}

pub(super) fn stop(call: Call<'_>) -> Answer {
    let mirroring = call.device.state_mut().mirroring.take();
    mirroring.ok_or_else(|| failed("the device does not mirror"))?;
    Ok(Done::did("mirroring stopped"))
}
