//! A server of raw XML: it takes messages apart with an XML reader, and writes answers as text.

mod declared;
mod documents;
mod linked;
mod reading;

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::authority::{self, Usage, Validity};
use ordain_pki::csr::Csr;
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair};
use ordain_twin::windows::{KeyPool, Pc, Request, Response, Settings, Twin, Way};
use roxmltree::{Document, Node};

pub(crate) use self::declared::{
    Computer, HOST, LAB, LAB_XML, Line, OTHER, SERVERS, VPN, WIFI, csp, document, list, outcome, place,
    profile, replace, uri, vpn, wifi,
};
pub(crate) use self::documents::fault;
use self::documents::{linked_document, policies, provisioning_document, renewal_document, soap};
pub(crate) use self::linked::{
    DEVICE, PROVIDER, TENANT, join, linked, linked_converse, linked_order, member,
};
pub(crate) use self::reading::{child, code, command, context, get, inside, results, statuses};

pub(crate) const NOW: i64 = 1_795_252_800; // 2026-11-21
pub(crate) const DAY: i64 = 86_400;
pub(crate) const SOAP: &str = "application/soap+xml; charset=utf-8";
pub(crate) const SYNCML: &str = "application/vnd.syncml.dm+xml";
pub(crate) const SERVER: &str = "https://mdm.example.org";

static KEYS: LazyLock<Vec<KeyPair>> = LazyLock::new(|| {
    (0..2)
        .map(|_| KeyPair::generate(KeyKind::Rsa2048).unwrap())
        .collect()
});

pub(crate) fn keys() -> KeyPool {
    KeyPool::new(KEYS.clone())
}

/// What the server says next in a session.
#[derive(Clone)]
pub(crate) struct Say {
    /// The status for `SyncHdr`, and more of it.
    pub(crate) header: &'static str,
    /// Whether the other statuses are there.
    pub(crate) statuses: bool,
    pub(crate) commands: String,
    pub(crate) is_final: bool,
}

pub(crate) fn say(commands: impl Into<String>) -> Say {
    Say {
        header: "<Data>200</Data>",
        statuses: true,
        commands: commands.into(),
        is_final: true,
    }
}

/// Does something to an answer.
pub(crate) type Tweak = fn(&mut Response);

pub(crate) struct Fake {
    pub(crate) authority: Authority,
    pub(crate) policy: &'static str,
    pub(crate) lifetime: i64,
    pub(crate) now: i64,
    /// Replaced in the answers to paths that end so: the first one in the text.
    pub(crate) changes: Vec<(&'static str, String, String)>,
    /// Replaced in the provisioning document.
    pub(crate) document: Vec<(String, String)>,
    /// What is done to answers to paths that end so.
    pub(crate) tweak: Option<(&'static str, Tweak)>,
    /// The pages of the sign-in, in order.
    pub(crate) pages: VecDeque<Response>,
    pub(crate) script: VecDeque<Say>,
    /// What is said in sessions of the linked enrollment.
    pub(crate) linked_script: VecDeque<Say>,
    /// `AuthPolicy` of linked discovery.
    pub(crate) linked_policy: &'static str,
    /// Answers in place of those of linked discovery, in order.
    pub(crate) discoveries: VecDeque<Response>,
    /// All requests.
    pub(crate) requests: Vec<Request>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate(KeyKind::P256).unwrap();
        let validity = Validity {
            not_before: NOW - DAY,
            not_after: NOW + 4000 * DAY,
        };
        Self {
            authority: Authority::new(key, "Example CA", validity).unwrap(),
            policy: "OnPremise",
            lifetime: 365 * DAY,
            now: NOW,
            changes: Vec::new(),
            document: Vec::new(),
            tweak: None,
            pages: VecDeque::new(),
            script: VecDeque::new(),
            linked_script: VecDeque::new(),
            linked_policy: "Federated",
            discoveries: VecDeque::new(),
            requests: Vec::new(),
        }
    }

    pub(crate) fn change(mut self, path: &'static str, old: &str, new: &str) -> Self {
        self.changes.push((path, old.to_owned(), new.to_owned()));
        self
    }

    /// The bodies of the requests to paths that end so.
    pub(crate) fn bodies(&self, path: &str) -> Vec<String> {
        let requests = self.requests.iter().filter(|request| is_at(request, path));
        requests
            .map(|request| String::from_utf8(request.body.clone()).unwrap())
            .collect()
    }

    /// The messages of sessions.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.bodies("/omadm")
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        self.requests.push(request.clone());
        let body = String::from_utf8(request.body.clone()).unwrap();
        let (kind, mut text) = match path(request) {
            "/EnrollmentServer/Discovery.svc" if request.body.is_empty() => ("text/html", String::new()),
            "/EnrollmentServer/Discovery.svc" => (SOAP, self.discovery(&body)),
            "/mde2/policy" | "/linked/policy" => (SOAP, policies(&body)),
            "/mde2/enroll" => (SOAP, self.enroll(&body, false)),
            "/linked/enroll" => (SOAP, self.enroll(&body, true)),
            "/omadm" => (SYNCML, self.session(&body)),
            "/linked/discovery" => match self.discoveries.pop_front() {
                Some(answer) => return answer,
                None => ("application/json", self.linked_discovery()),
            },
            "/linked/session" => {
                let say = self.linked_script.pop_front().unwrap_or_else(|| say(""));
                (SYNCML, reply(&body, &say))
            }
            _ => match self.pages.pop_front() {
                Some(page) => return page,
                None => return Response::new(404, "text/plain", ""),
            },
        };
        for (at, old, new) in &self.changes {
            // The probe has nothing that could be changed.
            if is_at(request, at) && !text.is_empty() {
                assert!(text.contains(old.as_str()), "{old} in {text}");
                text = text.replacen(old.as_str(), new, 1);
            }
        }
        let mut response = Response::new(200, kind, text);
        if let Some((at, tweak)) = self.tweak
            && is_at(request, at)
        {
            tweak(&mut response);
        }
        response
    }

    fn discovery(&self, body: &str) -> String {
        let sts = match self.policy {
            "Federated" => {
                "<AuthenticationServiceUrl>https://mdm.example.org/mde2/sts</AuthenticationServiceUrl>"
            }
            _ => "",
        };
        soap(
            body,
            "http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/DiscoverResponse",
            "",
            &format!(
                "<DiscoverResponse xmlns=\"http://schemas.microsoft.com/windows/management/2012/01/enrollment\">
                <DiscoverResult><AuthPolicy>{}</AuthPolicy><EnrollmentVersion>4.0</EnrollmentVersion>
                <EnrollmentPolicyServiceUrl>https://mdm.example.org/mde2/policy</EnrollmentPolicyServiceUrl>
                <EnrollmentServiceUrl>https://mdm.example.org/mde2/enroll</EnrollmentServiceUrl>{sts}
                </DiscoverResult></DiscoverResponse>",
                self.policy
            ),
        )
    }

    fn enroll(&mut self, body: &str, is_linked: bool) -> String {
        let document = Document::parse(body).unwrap();
        let text = |name: &str, parent: &str| {
            let found = document.descendants().find(|node| {
                node.tag_name().name() == name
                    && node.parent().is_some_and(|node| node.tag_name().name() == parent)
            });
            found.and_then(|node| node.text()).unwrap().to_owned()
        };
        let token: String = text("BinarySecurityToken", "RequestSecurityToken")
            .split_whitespace()
            .collect();
        let token = STANDARD.decode(token).unwrap();
        let is_renewal = text("RequestType", "RequestSecurityToken").ends_with("/Renew");
        let request = if is_renewal { inside(&token) } else { token };
        let csr = Csr::from_der(&request).unwrap();
        let device = context(&document, "DeviceID");
        let certificate = self.issue(&csr.public_key, &device);
        let mut provisioning = if is_renewal {
            renewal_document(&certificate, is_linked)
        } else if is_linked {
            linked_document(self.authority.certificate(), &certificate, &device)
        } else {
            provisioning_document(self.authority.certificate(), &certificate, &device)
        };
        for (old, new) in &self.document {
            assert!(provisioning.contains(old.as_str()), "{old} in {provisioning}");
            provisioning = provisioning.replacen(old.as_str(), new, 1);
        }
        soap(
            body,
            "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep",
            "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\">
              <u:Timestamp u:Id=\"_0\" xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\">
              <u:Created>2026-11-21T09:00:00.000Z</u:Created><u:Expires>2026-11-21T09:05:00.000Z</u:Expires></u:Timestamp></o:Security>",
            &format!(
                "<RequestSecurityTokenResponseCollection xmlns=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\">
                <RequestSecurityTokenResponse>
                <TokenType>http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken</TokenType>
                <DispositionMessage xmlns=\"http://schemas.microsoft.com/windows/pki/2009/01/enrollment\"></DispositionMessage>
                <RequestedSecurityToken><BinarySecurityToken xmlns=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"
                ValueType=\"http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc\"
                EncodingType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary\">{}</BinarySecurityToken>
                </RequestedSecurityToken><RequestID xmlns=\"http://schemas.microsoft.com/windows/pki/2009/01/enrollment\">0</RequestID>
                </RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>",
                STANDARD.encode(provisioning)
            ),
        )
    }

    pub(crate) fn issue(&self, public_key: &[u8], name: &str) -> Certificate {
        let request = authority::Request {
            public_key,
            common_name: name,
            organization: None,
            serial_number: None,
            usage: Usage::Device,
            validity: Validity {
                not_before: self.now - 3600,
                not_after: self.now + self.lifetime,
            },
        };
        self.authority.issue(&request).unwrap()
    }

    fn session(&mut self, body: &str) -> String {
        let say = self.script.pop_front().unwrap_or_else(|| say(""));
        reply(body, &say)
    }
}

/// The answer to a message of a session.
pub(crate) fn reply(body: &str, say: &Say) -> String {
    let document = Document::parse(body).unwrap();
    let root = document.root_element();
    let find = |path: &[&str]| {
        let mut node = root;
        for name in path {
            node = child(node, name).unwrap();
        }
        node.text().unwrap().to_owned()
    };
    let message = find(&["SyncHdr", "MsgID"]);
    let mut statuses = format!(
        "<Status><CmdID>1</CmdID><MsgRef>{message}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>{}</Status>",
        say.header
    );
    if say.header.is_empty() {
        statuses.clear();
    }
    let commands = child(root, "SyncBody")
        .unwrap()
        .children()
        .filter(Node::is_element);
    for (index, command) in commands.enumerate().filter(|_| say.statuses) {
        let name = command.tag_name().name();
        let is_part = command
            .descendants()
            .any(|node| node.tag_name().name() == "MoreData");
        let code = match name {
            "Status" | "Final" => continue,
            "Results" if !is_part => continue,
            "Results" => 213,
            _ => 200,
        };
        let id = child(command, "CmdID").and_then(|node| node.text()).unwrap();
        statuses.push_str(&format!(
            "<Status><CmdID>{}</CmdID><MsgRef>{message}</MsgRef><CmdRef>{id}</CmdRef><Cmd>{name}</Cmd><Data>{code}</Data></Status>",
            index + 2
        ));
    }
    format!(
        "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>
        <SessionID>{}</SessionID><MsgID>{message}</MsgID><Target><LocURI>{}</LocURI></Target>
        <Source><LocURI>{}</LocURI></Source></SyncHdr><SyncBody>{statuses}{}{}</SyncBody></SyncML>",
        find(&["SyncHdr", "SessionID"]),
        find(&["SyncHdr", "Source", "LocURI"]),
        find(&["SyncHdr", "Target", "LocURI"]),
        say.commands,
        if say.is_final { "<Final/>" } else { "" },
    )
}

fn path(request: &Request) -> &str {
    let rest = request.url.strip_prefix(SERVER).unwrap_or("");
    rest.split('?').next().unwrap()
}

fn is_at(request: &Request, end: &str) -> bool {
    path(request).ends_with(end)
}

pub(crate) fn twin() -> Twin {
    Twin::new(Pc::new(1, 0), Settings::default(), Arc::new(keys()))
}

pub(crate) fn way() -> Way {
    Way::new(SERVER, "ada@example.org", "correct-horse")
}

/// Lets the twin do all that it has to do.
pub(crate) fn run(twin: &mut Twin, fake: &mut Fake, now: i64) {
    for _ in 0..1000 {
        let Some(request) = twin.request(now) else { return };
        let response = fake.answer(&request);
        twin.respond(&response, now);
    }
    panic!("no end");
}

/// A twin that is enrolled and has held its first session, in which nothing was asked.
pub(crate) fn enrolled() -> (Twin, Fake) {
    let (mut twin, mut fake) = (twin(), Fake::new());
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert_eq!(twin.error(), None);
    assert_eq!(twin.complaints().kept(), []);
    fake.requests.clear();
    (twin, fake)
}

/// Holds a session in which the server says this, and gives the device's messages.
pub(crate) fn converse(
    twin: &mut Twin,
    fake: &mut Fake,
    script: impl IntoIterator<Item = Say>,
    now: i64,
) -> Vec<String> {
    fake.requests.clear();
    fake.script = script.into_iter().collect();
    twin.push(now);
    run(twin, fake, now);
    assert!(fake.script.is_empty(), "all was said");
    fake.messages()
}

/// Does one command in a session of its own, and gives its code.
pub(crate) fn order(
    twin: &mut Twin,
    fake: &mut Fake,
    verb: &str,
    uri: &str,
    format: &str,
    data: &str,
) -> u16 {
    let messages = converse(twin, fake, [say(command(verb, 100, uri, format, data))], NOW);
    code(&messages[1], 100)
}
