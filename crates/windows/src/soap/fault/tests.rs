use super::*;
use crate::soap::tests::{is_response, relates_to};
use crate::soap::{Operation, Response, ResponseBody};
use crate::tests::with;

const FAULT: &str = include_str!("../../../fixtures/fault.xml");

#[test]
fn faults() {
    let fault = Fault {
        subcode: Subcode::Authorization,
        reason: "no more devices".to_owned(),
        detail: Some(Detail {
            error_type: ErrorType::DeviceCapReached,
            message: "five are enough".to_owned(),
            trace_id: "00000000-0000-4000-8000-0000000000bb".to_owned(),
        }),
    };
    assert_eq!(fault.hresult(), Some(0x8018_0013));
    let response = |fault| Response {
        relates_to: relates_to(3),
        activity_id: None,
        body: ResponseBody::Fault(Operation::RequestSecurityToken, fault),
    };
    is_response(FAULT, &response(fault.clone()));
    let plain = Fault {
        detail: None,
        ..fault
    };
    assert_eq!(plain.hresult(), Some(0x8018_0003));
    let written = response(plain.clone()).to_xml().unwrap();
    assert_eq!(Response::parse(&written).unwrap(), response(plain));

    let read = |old, new| match Response::parse(&with(FAULT, old, new)).unwrap().body {
        ResponseBody::Fault(_, fault) => fault,
        other => panic!("{other:?}"),
    };
    let security = read("s:Authorization", "a:invalidsecurity");
    assert_eq!(security.subcode, Subcode::InvalidSecurity);
    let unknown = read("s:Authorization", "s:Odd");
    assert_eq!(unknown.subcode, Subcode::Other("Odd".to_owned()));
    assert_eq!(unknown.hresult(), Some(0x8018_0013));
    assert_eq!(read("DeviceCapReached", "Odd").hresult(), Some(0x8018_0003));
}
