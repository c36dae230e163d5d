//! Lights-out management of Macs: one of them, the controller, starts and stops others.

use ordain_apple::plist::{self, Dictionary, Error, Value};

use super::call::{Answer, Call, Done, Refusal, check_room, dictionaries, dictionary, one_of, strings};

/// `LOMProtocolVersion`.
const PROTOCOL: i64 = 1;

pub(super) fn request(call: Call<'_>) -> Answer {
    let requests = call.required::<&[Value]>("RequestList")?;
    check_room(requests.len())?;
    let mut responses = Vec::new();
    for request in requests {
        let request = request.as_dictionary().ok_or(Error::NotAllowed("RequestList"))?;
        responses.push(answer(request)?);
    }
    let effect = format!("{} lights-out requests passed on", responses.len());
    Ok(Done::did(effect).and("ResponseList", dictionaries(responses)))
}

fn answer(request: &Dictionary) -> Result<Dictionary, Refusal> {
    let kind = one_of(request, "DeviceRequestType", &["PowerON", "PowerOFF", "Reset"])?;
    kind.ok_or(Error::Missing("DeviceRequestType"))?;
    let uuid = plist::required_text(request, "DeviceRequestUUID")?;
    plist::required_text(request, "DeviceDNSName")?;
    for key in ["PrimaryIPv6AddressList", "SecondaryIPv6AddressList"] {
        plist::required::<&[Value]>(request, key)?;
    }
    let protocol = plist::required::<i64>(request, "LOMProtocolVersion")?;
    let mut answer = dictionary([
        ("DeviceRequestSuccess", (protocol == PROTOCOL).into()),
        ("DeviceRequestUUID", uuid.into()),
    ]);
    if protocol != PROTOCOL {
        let error = "the protocol version is not supported";
        answer.insert("DeviceRequestReturnError".to_owned(), error.into());
    }
    Ok(answer)
}

pub(super) fn setup(call: Call<'_>) -> Answer {
    let address = |purpose: &str| {
        let [a, b, c, d, ..] = call.device.trait_bytes(purpose);
        format!("fe80::{a:02x}{b:02x}:{c:02x}{d:02x}")
    };
    let (primary, secondary) = (address("lights-out 1"), address("lights-out 2"));
    Ok(Done::said("PrimaryIPv6AddressList", strings([primary.as_str()]))
        .and("SecondaryIPv6AddressList", strings([secondary.as_str()]))
        .and("LOMProtocolVersion", PROTOCOL))
}
