//! What devices send, prepared beforehand, and what must be answered.

use anyhow::{Context, Result};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use ordain_apple::checkin::{self, CheckIn};
use ordain_apple::command::{self, Status};
use ordain_apple::ids::{Form, Ids};
use ordain_model::ids::EnrollmentId;
use ordain_pki::cms::{self, Form as SignedForm};
use ordain_pki::{Certificate, KeyPair};
use ordain_twin::Device;

use crate::clock;

/// The push topic that devices enroll with.
pub const TOPIC: &str = "com.apple.mgmt.External.bench";
/// The header in which the proxy hands on the device's certificate.
pub const PROXY_HEADER: &str = "x-client-cert";
/// Stands where the CommandUUID of the last command goes: of the same length as all that the server makes.
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// How a request shows who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By the TLS client certificate of its connection.
    Tls,
    /// By a header of the proxy that is believed; no TLS.
    Proxy,
    /// By `Mdm-Signature`; no TLS.
    Signature,
}

impl Door {
    /// Whether the server speaks TLS.
    pub fn is_tls(self) -> bool {
        self == Self::Tls
    }
}

/// A device that is measured with.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its identifiers on the wire.
    pub ids: Ids,
    /// Its certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: KeyPair,
}

impl Client {
    /// The device channel of `device`.
    pub fn new(device: &Device, certificate: Certificate, key: KeyPair) -> Result<Self> {
        let ids = Ids {
            enrollment: EnrollmentId::device(device.udid.as_str())?,
            form: Form::Udid,
            user_short_name: None,
            user_long_name: None,
        };
        Ok(Self {
            ids,
            certificate,
            key,
        })
    }
}

/// What must be answered; anything but 200 is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing more.
    Empty,
    /// A JSON document with these bytes in it.
    Json(Bytes),
    /// A DeclarativeManagement command.
    Command,
    /// A message of a Windows session with these bytes in it.
    SyncMl(Bytes),
}

/// One message of a device.
#[derive(Debug, Clone)]
pub struct Message {
    content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// What must be answered.
    pub expect: Expect,
    /// Whether the body has the place for the CommandUUID of the last command.
    has_place: bool,
}

const CHECK_IN: &str = "application/x-apple-aspen-mdm-checkin";
const COMMAND: &str = "application/x-apple-aspen-mdm";

impl Message {
    /// A check-in message.
    pub fn check_in(ids: &Ids, check_in: CheckIn, expect: Expect) -> Self {
        let message = checkin::Message {
            ids: ids.clone(),
            check_in,
        };
        Self {
            content_type: CHECK_IN,
            body: message.to_xml(),
            expect,
            has_place: false,
        }
    }

    /// A request of the DDM engine, whose answer has `part` in it.
    pub fn ddm(ids: &Ids, endpoint: &str, part: &str) -> Self {
        let check_in = CheckIn::DeclarativeManagement {
            endpoint: endpoint.to_owned(),
            data: None,
        };
        Self::check_in(
            ids,
            check_in,
            Expect::Json(Bytes::copy_from_slice(part.as_bytes())),
        )
    }

    /// A status report.
    pub fn report(ids: &Ids, report: String) -> Self {
        let check_in = CheckIn::DeclarativeManagement {
            endpoint: "status".to_owned(),
            data: Some(report.into_bytes()),
        };
        Self::check_in(ids, check_in, Expect::Empty)
    }

    /// `Idle`.
    pub fn idle(ids: &Ids, expect: Expect) -> Self {
        Self::command(ids, Status::Idle, expect)
    }

    /// The acknowledgement of the last command.
    pub fn acknowledged(ids: &Ids) -> Self {
        Self {
            has_place: true,
            ..Self::command(ids, Status::Acknowledged, Expect::Empty)
        }
    }

    fn command(ids: &Ids, status: Status, expect: Expect) -> Self {
        let message = command::Message {
            ids: ids.clone(),
            status,
            command_uuid: (status != Status::Idle).then(|| NO_UUID.to_owned()),
            error_chain: Vec::new(),
            results: Default::default(),
        };
        Self {
            content_type: COMMAND,
            body: message.to_xml(),
            expect,
            has_place: false,
        }
    }

    /// The message with the CommandUUID `uuid`, if it has a place for one.
    pub fn answering(&self, uuid: &str) -> Result<Self> {
        let mut message = self.clone();
        if let Some(place) = self.place(&self.body)? {
            let place = message.body.get_mut(place..place + NO_UUID.len());
            let place = place.filter(|place| place.len() == uuid.len());
            place
                .context("a CommandUUID of another length")?
                .copy_from_slice(uuid.as_bytes());
            message.has_place = false;
        }
        Ok(message)
    }

    /// The message as a request within the process.
    pub fn request(&self) -> Result<Request<Body>> {
        Ok(Request::put("/mdm")
            .header(http::header::CONTENT_TYPE, self.content_type)
            .body(Body::from(self.body.clone()))?)
    }

    /// The message as `client` sends it through `door`. `number` stands in the query, which the server does not read:
    /// the do-nothing handler finds its answer by it.
    pub fn shot(&self, client: &Client, door: Door, number: usize) -> Result<Shot> {
        let identity = match door {
            Door::Tls => String::new(),
            Door::Proxy => format!("{PROXY_HEADER}: {}\r\n", encoded(&client.certificate)),
            Door::Signature => {
                let form = SignedForm::WithAttributes { at: clock::now() };
                let signature = cms::sign_detached(&client.key, &client.certificate, &self.body, form)?;
                format!("mdm-signature: {}\r\n", STANDARD.encode(signature))
            }
        };
        let head = format!("content-type: {}\r\n{identity}", self.content_type);
        let mut shot = Shot::new(
            "PUT",
            &format!("/mdm?{number}"),
            &head,
            &self.body,
            self.expect.clone(),
        );
        shot.place = self.place(&shot.bytes)?;
        Ok(shot)
    }

    fn place(&self, bytes: &[u8]) -> Result<Option<usize>> {
        if !self.has_place {
            return Ok(None);
        }
        let place = find(bytes, NO_UUID.as_bytes()).context("no place for the CommandUUID")?;
        Ok(Some(place))
    }
}

/// A request as it goes over the wire, head and body.
#[derive(Debug, Clone)]
pub struct Shot {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Where the CommandUUID of the last command goes.
    pub place: Option<usize>,
    /// What must be answered.
    pub expect: Expect,
}

impl Shot {
    /// A request with further `headers`, each with its line end.
    pub fn new(method: &str, target: &str, headers: &str, body: &[u8], expect: Expect) -> Self {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nuser-agent: MDM/1.0\r\n{headers}content-length: {length}\r\n\r\n"
        );
        Self {
            bytes: [head.as_bytes(), body].concat(),
            place: None,
            expect,
        }
    }
}

/// A certificate as the proxy hands it on.
pub fn encoded(certificate: &Certificate) -> String {
    format!(":{}:", STANDARD.encode(certificate.der()))
}

/// The CommandUUID in a command, 36 characters.
pub fn command_uuid(body: &[u8]) -> Option<&str> {
    let key = b"<key>CommandUUID</key>";
    let after = body.get(find(body, key)? + key.len()..)?;
    let element = b"<string>";
    let begin = find(after, element)? + element.len();
    std::str::from_utf8(after.get(begin..begin + NO_UUID.len())?).ok()
}

/// Where `part` begins in `whole`.
pub fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len().max(1)).position(|window| window == part)
}
