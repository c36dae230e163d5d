//! A server that keeps the rules, as a pure function of what it was asked: written from Apple's documentation for
//! these tests, and sharing nothing with Ordain's server but the encodings.

use std::collections::{BTreeMap, VecDeque};

use ordain_apple::checkin::{CheckIn, Message};
use ordain_apple::command::{self, Command, Status};
use ordain_apple::ddm::{DeclarationItems, Endpoint, Item, TokensResponse};
use ordain_apple::status;
use ordain_catalog::{Catalog, Kind, Platform};
use ordain_model::ids::Digest;
use ordain_model::report::{Listed, Report};
use ordain_twin::request::{Request, Response, To};
use ordain_twin::twin::Settings;
use ordain_twin::{Device, Twin};
use serde_json::{Value, json};

/// What a request says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Authenticate,
    TokenUpdate,
    CheckOut,
    Idle,
    Outcome(Status, String),
    Tokens,
    Items,
    Declaration(String),
    Status,
    Download(String),
}

/// A channel as the server knows it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The token last told.
    told: Option<String>,
    answered: bool,
    /// The last token, and its stamp.
    stamp: (String, i64),
    pub(crate) reports: Vec<Report<'static>>,
    pub(crate) outcomes: Vec<command::Message>,
}

pub(crate) struct Fake {
    /// Declarations by identifier: type and payload.
    pub(crate) wanted: BTreeMap<String, (String, Value)>,
    /// What is served for download, by URL: type and content.
    pub(crate) files: BTreeMap<String, (String, Vec<u8>)>,
    pub(crate) channels: BTreeMap<String, Known>,
    /// Whether commands carry the tokens.
    pub(crate) tells_tokens: bool,
    /// A command to give before anything else, once per session.
    pub(crate) command: Option<Command>,
    /// Whether its answers arrive as they are. Else a twin may repeat spoilt names, which no reader of reports takes.
    pub(crate) is_heard: bool,
    /// Statuses that the next requests are answered with, unheard.
    pub(crate) failing: VecDeque<u16>,
    /// What was said, in order.
    pub(crate) log: Vec<Said>,
    clock: i64,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let mut fake = Self {
            wanted: BTreeMap::new(),
            files: BTreeMap::new(),
            channels: BTreeMap::new(),
            tells_tokens: true,
            command: None,
            is_heard: true,
            failing: VecDeque::new(),
            log: Vec::new(),
            clock: 1_800_000_000,
        };
        fake.want(
            "act",
            "activation.simple",
            json!({"StandardConfigurations": ["sub", "test", "legacy", "cert"]}),
        );
        fake.want(
            "sub",
            "configuration.management.status-subscriptions",
            json!({"StatusItems": [
                {"Name": "device.model.family"},
                {"Name": "device.operating-system.version"},
                {"Name": "security.certificate.list"},
                {"Name": "test.error-value"},
            ]}),
        );
        fake.want("test", "configuration.management.test", json!({"Echo": "echo"}));
        let profile = profile("com.apple.wifi.managed");
        fake.file(
            "https://fake/profiles/wifi",
            "application/x-apple-aspen-config",
            profile,
        );
        fake.want(
            "legacy",
            "configuration.legacy",
            json!({"ProfileURL": "https://fake/profiles/wifi"}),
        );
        fake.want(
            "cert",
            "configuration.security.certificate",
            json!({"CredentialAssetReference": "ca"}),
        );
        let reference = fake.file(
            "https://fake/assets/ca",
            "application/pem",
            b"a certificate".to_vec(),
        );
        fake.want(
            "ca",
            "asset.credential.certificate",
            json!({"Reference": reference}),
        );
        fake.want("org", "management.organization-info", json!({"Name": "Acme"}));
        fake
    }

    pub(crate) fn want(&mut self, identifier: &str, type_name: &str, payload: Value) {
        self.wanted
            .insert(identifier.to_owned(), (format!("com.apple.{type_name}"), payload));
    }

    /// Serves a file, and says what an asset's Reference to it is.
    pub(crate) fn file(&mut self, url: &str, content_type: &str, content: Vec<u8>) -> Value {
        let reference = json!({
            "DataURL": url,
            "ContentType": content_type,
            "Size": content.len(),
            "Hash-SHA-256": Digest::of(&content).to_string(),
        });
        self.files
            .insert(url.to_owned(), (content_type.to_owned(), content));
        reference
    }

    /// The last report of the first channel that says what became of declarations: the declaration's entry in it.
    pub(crate) fn listed(&self, identifier: &str) -> Listed<'static> {
        let known = self.channels.values().next().expect("a channel");
        let declarations = known
            .reports
            .iter()
            .rev()
            .find_map(|report| report.declarations.as_ref());
        let mut all = declarations.expect("a picture").listed.values().flatten();
        all.find(|listed| listed.identifier == identifier)
            .expect("listed")
            .clone()
    }

    pub(crate) fn said(request: &Request) -> Said {
        match &request.to {
            To::Download { url, .. } => Said::Download(url.clone()),
            To::Command => {
                let message = command::Message::parse(&request.body).expect("a message");
                match message.status {
                    Status::Idle => Said::Idle,
                    status => Said::Outcome(status, message.command_uuid.expect("a UUID")),
                }
            }
            To::CheckIn => match Message::parse(&request.body).expect("a check-in").check_in {
                CheckIn::Authenticate { .. } => Said::Authenticate,
                CheckIn::TokenUpdate { .. } => Said::TokenUpdate,
                CheckIn::CheckOut { .. } => Said::CheckOut,
                CheckIn::DeclarativeManagement { endpoint, .. } => {
                    match endpoint.parse().expect("an endpoint") {
                        Endpoint::Tokens => Said::Tokens,
                        Endpoint::DeclarationItems => Said::Items,
                        Endpoint::Declaration { identifier, .. } => Said::Declaration(identifier),
                        Endpoint::Status => Said::Status,
                    }
                }
                other => panic!("{other:?}"),
            },
        }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        if let Some(status) = self.failing.pop_front() {
            return Response {
                status,
                ..Response::default()
            };
        }
        self.clock += 1;
        self.log.push(Self::said(request));
        match &request.to {
            To::Download { url, .. } => match self.files.get(url) {
                Some((content_type, body)) => answer(content_type, body.clone()),
                None => Response {
                    status: 404,
                    ..Response::default()
                },
            },
            To::Command => {
                let message = command::Message::parse(&request.body).unwrap();
                let id = message.ids.enrollment.to_string();
                self.command(&id, message)
            }
            To::CheckIn => {
                let message = Message::parse(&request.body).unwrap();
                let id = message.ids.enrollment.to_string();
                match message.check_in {
                    CheckIn::Authenticate { .. } => {
                        self.channels.remove(&id);
                    }
                    CheckIn::TokenUpdate { .. } => {
                        self.channels.entry(id).or_default();
                    }
                    CheckIn::DeclarativeManagement { endpoint, data } => {
                        return self.ddm(&id, &endpoint.parse().unwrap(), data.as_deref());
                    }
                    _ => {}
                }
                answer_empty()
            }
        }
    }

    fn command(&mut self, id: &str, message: command::Message) -> Response {
        let tokens = self.tokens(id);
        let known = self.channels.get_mut(id).expect("an enrolled channel");
        let idle = message.status == Status::Idle;
        if !idle {
            known.answered |= message.status != Status::NotNow;
            known.outcomes.push(message);
        } else if let Some(command) = &self.command {
            return answer("application/xml", command.to_xml());
        }
        // A command that was refused, or whose outcome never came, is given again in another session.
        let told = known.told.as_ref() == Some(&tokens.declarations_token);
        if told && (known.answered || !idle) || !idle && self.command.is_none() {
            return answer_empty();
        }
        known.told = Some(tokens.declarations_token.clone());
        known.answered = false;
        let uuid = format!("{id} {} {}", tokens.declarations_token, tokens.timestamp);
        let mut command = Command::declarative_management(uuid, tokens.to_json());
        if !self.tells_tokens {
            command.payload.clear();
        }
        answer("application/xml; charset=UTF-8", command.to_xml())
    }

    fn ddm(&mut self, id: &str, endpoint: &Endpoint, data: Option<&[u8]>) -> Response {
        let body = match endpoint {
            Endpoint::Tokens => self.tokens(id).to_json(),
            Endpoint::DeclarationItems => self.items().to_json(),
            Endpoint::Declaration { identifier, .. } => match self.wanted.get(identifier) {
                Some((type_name, payload)) => json!({
                    "Type": type_name,
                    "Identifier": identifier,
                    "ServerToken": server_token(type_name, payload),
                    "Payload": payload,
                })
                .to_string()
                .into_bytes(),
                None => {
                    return Response {
                        status: 404,
                        ..Response::default()
                    };
                }
            },
            Endpoint::Status => {
                let is_item = |name: &str| Catalog::builtin().status_item(name).is_some();
                let report = status::parse(data.expect("a body"), &is_item).expect("a report");
                if self.is_heard {
                    assert_eq!(report.problems, Vec::<String>::new());
                }
                self.channels
                    .get_mut(id)
                    .expect("an enrolled channel")
                    .reports
                    .push(report.into_owned());
                return answer_empty();
            }
        };
        answer("application/json", body)
    }

    fn items(&self) -> DeclarationItems {
        let mut items = DeclarationItems::default();
        for (identifier, (type_name, payload)) in &self.wanted {
            let kind = Kind::of_type(type_name).expect("a kind");
            items.declarations.of_mut(kind).push(Item {
                identifier: identifier.clone(),
                server_token: server_token(type_name, payload),
            });
        }
        items.declarations_token = Digest::of(&items.to_json()).to_string();
        items
    }

    fn tokens(&mut self, id: &str) -> TokensResponse {
        let declarations_token = self.items().declarations_token;
        let clock = self.clock;
        let known = self.channels.get_mut(id).expect("an enrolled channel");
        if known.stamp.0 != declarations_token {
            known.stamp = (declarations_token.clone(), clock);
        }
        TokensResponse {
            timestamp: known.stamp.1,
            declarations_token,
        }
    }
}

fn server_token(type_name: &str, payload: &Value) -> String {
    Digest::of(json!([type_name, payload]).to_string().as_bytes()).to_string()
}

fn answer(content_type: &str, body: Vec<u8>) -> Response {
    Response {
        status: 200,
        content_type: Some(content_type.to_owned()),
        body,
    }
}

fn answer_empty() -> Response {
    Response {
        status: 200,
        ..Response::default()
    }
}

/// A profile with one payload.
pub(crate) fn profile(payload_type: &str) -> Vec<u8> {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>
        <key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
        <key>PayloadIdentifier</key><string>com.example.p</string><key>PayloadUUID</key><string>U</string>
        <key>PayloadContent</key><array><dict>
        <key>PayloadType</key><string>{payload_type}</string><key>PayloadVersion</key><integer>1</integer>
        <key>PayloadIdentifier</key><string>com.example.p.1</string><key>PayloadUUID</key><string>V</string>
        </dict></array></dict></plist>"#
    )
    .into_bytes()
}

pub(crate) fn settings() -> Settings {
    Settings {
        topic: "com.apple.mgmt.External.test".to_owned(),
        gather: 0,
    }
}

/// A twin of this platform that is supervised, so that it can be sent anything, and that neither naps nor is locked.
pub(crate) fn twin(platform: Platform) -> Twin {
    let devices = (0..).map(|index| Device::new(platform, 1, index));
    let device = devices
        .into_iter()
        .find(|device| device.supervised && !device.naps && !device.locked);
    Twin::new(device.expect("one of many"), settings())
}

/// Wakes a twin and answers all its requests. `answer` says what comes back; `None` breaks the connection.
pub(crate) fn drive(twin: &mut Twin, now: i64, mut answer: impl FnMut(&Request) -> Option<Response>) {
    twin.wake(now);
    for _ in 0..1000 {
        let Some(request) = twin.request(now) else { return };
        match answer(&request) {
            Some(response) => twin.respond(&response, now),
            None => return twin.interrupted(),
        }
    }
    panic!("a wake without end");
}

/// Wakes a twin until it rests.
pub(crate) fn settle(twin: &mut Twin, fake: &mut Fake) {
    for wake in 0..6 {
        drive(twin, wake * 60, |request| Some(fake.answer(request)));
        if twin.is_at_rest() {
            return;
        }
    }
    panic!("it does not come to rest: {:?}", twin.complaints());
}
