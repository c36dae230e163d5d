//! A device as Apple's protocol describes it, written by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::house::House;
use crate::identity::{Identity, Proof, Shown, TRUSTED};
use crate::message::{Ids, Message, TOPIC, octets, value_of};

/// The connection of a device, and what it shows there.
pub(crate) struct Agent {
    client: Client,
    headers: Vec<Shown>,
}

impl Agent {
    pub(crate) fn new(house: &House, proof: Proof) -> Self {
        Self {
            client: Client::new(house.site.clone(), proof.manner),
            headers: proof.headers,
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let mut headers: Vec<_> = self.headers.iter().map(|shown| shown.header(body)).collect();
        headers.push(("user-agent".into(), "MDM/1.0".into()));
        if !content_type.is_empty() {
            headers.push(("content-type".into(), content_type.into()));
        }
        self.client.send(method, path, &headers, body).await
    }

    pub(crate) async fn put(&self, message: &Message) -> Answer {
        self.send("PUT", message.path, message.content_type, message.body.as_bytes())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", b"").await
    }
}

/// A DeclarativeManagement command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) uuid: String,
    pub(crate) tokens: Tokens,
}

impl Command {
    fn of(given: &Given) -> Self {
        assert_eq!(given.request_type, "DeclarativeManagement", "{}", given.xml);
        let data = octets(value_of(&given.xml, "Data", "data").expect("the data of the command"));
        Self {
            uuid: given.uuid.clone(),
            tokens: Tokens::of(&serde_json::from_slice(&data).expect("JSON")),
        }
    }
}

/// What the inventory asks.
const SURVEYS: [&str; 3] = ["DeviceInformation", "SecurityInfo", "InstalledApplicationList"];

/// Any command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) uuid: String,
    pub(crate) request_type: String,
    pub(crate) xml: String,
}

impl Given {
    /// The command in an answer; none when there is nothing to do.
    fn of(answer: &Answer) -> Option<Self> {
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body.is_empty() {
            return None;
        }
        assert_eq!(
            answer.header("content-type"),
            Some("application/xml; charset=UTF-8")
        );
        let xml = answer.text();
        let text = |key: &str| value_of(xml, key, "string").expect("a text").to_owned();
        Some(Self {
            uuid: text("CommandUUID"),
            request_type: text("RequestType"),
            xml: xml.to_owned(),
        })
    }
}

/// A tokens response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) timestamp: String,
    pub(crate) token: String,
}

impl Tokens {
    fn of(response: &Value) -> Self {
        let tokens = &response["SyncTokens"];
        let (timestamp, token) = (&tokens["Timestamp"], &tokens["DeclarationsToken"]);
        assert_eq!(
            *response,
            json!({"SyncTokens": {"Timestamp": timestamp, "DeclarationsToken": token}})
        );
        let (timestamp, token) = (
            timestamp.as_str().expect("a text"),
            token.as_str().expect("a text"),
        );
        let shape: String = timestamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00Z");
        assert!((1..=256).contains(&token.len()), "{token}");
        Self {
            timestamp: timestamp.to_owned(),
            token: token.to_owned(),
        }
    }
}

/// The kinds, as manifests and reports name them, and as paths do.
const KINDS: [(&str, &str, &str); 4] = [
    ("Activations", "activations", "activation"),
    ("Assets", "assets", "asset"),
    ("Configurations", "configurations", "configuration"),
    ("Management", "management", "management"),
];

/// What a device has fetched: a manifest, and the declarations that it lists.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) token: String,
    /// Under the path's word for their kind.
    pub(crate) declarations: Vec<(&'static str, Value)>,
}

impl Held {
    pub(crate) fn find(&self, identifier: &str) -> Option<&Value> {
        let mut all = self.declarations.iter().map(|(_, declaration)| declaration);
        all.find(|declaration| declaration["Identifier"] == identifier)
    }

    pub(crate) fn identifiers(&self) -> Vec<&str> {
        let all = self.declarations.iter();
        let mut names: Vec<_> = all
            .filter_map(|(_, declaration)| declaration["Identifier"].as_str())
            .collect();
        names.sort_unstable();
        names
    }

    /// The `management.declarations` of a device on which everything works.
    pub(crate) fn all_good(&self) -> Value {
        let mut listing = json!({"activations": [], "assets": [], "configurations": [], "management": []});
        for (kind, declaration) in &self.declarations {
            let (_, list, _) = KINDS.iter().find(|(_, _, word)| word == kind).expect("a kind");
            let element = json!({
                "identifier": declaration["Identifier"],
                "server-token": declaration["ServerToken"],
                "active": *kind != "management",
                "valid": "valid",
            });
            listing[list].as_array_mut().expect("a list").push(element);
        }
        listing
    }
}

/// One channel of a device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) agent: Arc<Agent>,
    pub(crate) ids: Ids,
    /// What Authenticate says besides.
    pub(crate) facts: String,
}

/// What a Mac says of itself.
pub(crate) fn mac(serial: &str) -> String {
    facts("Mac14,2", "26.1", serial)
}

pub(crate) fn facts(product: &str, version: &str, serial: &str) -> String {
    format!(
        "<key>ProductName</key><string>{product}</string><key>OSVersion</key><string>{version}</string>\
         <key>BuildVersion</key><string>25B78</string><key>SerialNumber</key><string>{serial}</string>\
         <key>DeviceName</key><string>Device {serial}</string>"
    )
}

impl Device {
    /// A Mac with a new certificate of the trusted CA, shown in TLS; its UDID is `name`, its serial number `S-name`.
    pub(crate) fn mac(house: &House, name: &str) -> Self {
        Self::with(house, name, &Proof::tls(&TRUSTED.ec()))
    }

    pub(crate) fn with(house: &House, name: &str, proof: &Proof) -> Self {
        Self {
            agent: Arc::new(Agent::new(house, proof.clone())),
            ids: vec![("UDID", name.to_owned())],
            facts: mac(&format!("S-{name}")),
        }
    }

    /// Shows `identity` in TLS.
    pub(crate) fn of(house: &House, name: &str, identity: &Identity) -> Self {
        Self::with(house, name, &Proof::tls(identity))
    }

    /// Another channel of it.
    pub(crate) fn channel(&self, ids: Ids) -> Self {
        Self { ids, ..self.clone() }
    }

    /// The channel of a user of a Mac.
    pub(crate) fn user(&self, user: &str) -> Self {
        let mut ids = self.ids.clone();
        ids.push(("UserID", user.to_owned()));
        ids.push(("UserShortName", format!("short {user}")));
        self.channel(ids)
    }

    pub(crate) async fn authenticate(&self) -> Answer {
        self.agent
            .put(&Message::authenticate(&self.ids, &self.facts))
            .await
    }

    pub(crate) async fn token_update(&self) -> Answer {
        self.agent.put(&Message::token_update(&self.ids)).await
    }

    pub(crate) async fn check_out(&self) -> Answer {
        self.agent
            .put(&Message::check_in(&self.ids, "CheckOut", TOPIC))
            .await
    }

    /// Authenticate and TokenUpdate, each answered as the protocol wants it.
    pub(crate) async fn enroll(&self) {
        for answer in [self.authenticate().await, self.token_update().await] {
            assert!(answer.with(200).body.is_empty());
        }
    }

    /// Asks for work. What the inventory wants to know is answered along the way, with nothing in particular.
    pub(crate) async fn idle(&self) -> Option<Command> {
        let given = self.ask().await;
        self.after_surveys(given).await
    }

    /// Says what came of a command, and answers the inventory likewise.
    pub(crate) async fn result(&self, status: &str, uuid: &str) -> Option<Command> {
        let given = self.answer(status, uuid, "").await;
        self.after_surveys(given).await
    }

    async fn after_surveys(&self, mut given: Option<Given>) -> Option<Command> {
        while let Some(survey) = given.take_if(|given| SURVEYS.contains(&given.request_type.as_str())) {
            given = self.answer("Acknowledged", &survey.uuid, "").await;
        }
        given.map(|given| Command::of(&given))
    }

    /// Asks for work, whatever it is.
    pub(crate) async fn ask(&self) -> Option<Given> {
        Given::of(&self.agent.put(&Message::command(&self.ids, "Idle", "")).await)
    }

    /// Says what came of a command, with `keys` in XML; the next command, whatever it is.
    pub(crate) async fn answer(&self, status: &str, uuid: &str, keys: &str) -> Option<Given> {
        let keys = format!("<key>CommandUUID</key><string>{uuid}</string>{keys}");
        Given::of(&self.agent.put(&Message::command(&self.ids, status, &keys)).await)
    }

    /// A session in which there must be one command; it is acknowledged, and none comes after it.
    pub(crate) async fn told(&self) -> Command {
        let command = self.idle().await.expect("a command");
        assert_eq!(
            self.result("Acknowledged", &command.uuid).await,
            None,
            "one in a session"
        );
        command
    }

    pub(crate) async fn ddm(&self, endpoint: &str) -> Answer {
        self.agent.put(&Message::ddm(&self.ids, endpoint)).await
    }

    pub(crate) async fn tokens(&self) -> Tokens {
        Tokens::of(&self.ddm_json("tokens").await)
    }

    /// The manifest: its token, and (kind, identifier, ServerToken) of each declaration.
    pub(crate) async fn items(&self) -> (String, Vec<(&'static str, String, String)>) {
        let manifest = self.ddm_json("declaration-items").await;
        let lists = manifest["Declarations"].as_object().expect("declarations");
        assert_eq!(lists.len(), KINDS.len(), "all four lists");
        let mut items = Vec::new();
        for (name, _, kind) in KINDS {
            for item in lists[name].as_array().expect("a list") {
                let text = |key: &str| item[key].as_str().expect("a text").to_owned();
                let (identifier, token) = (text("Identifier"), text("ServerToken"));
                assert_eq!(*item, json!({"Identifier": identifier, "ServerToken": token}));
                assert!(identifier.len() <= 64 && token.len() <= 64, "{item}");
                items.push((kind, identifier, token));
            }
        }
        let token = manifest["DeclarationsToken"].as_str().expect("a token");
        (token.to_owned(), items)
    }

    /// Fetches what the manifest lists.
    pub(crate) async fn fetch(&self, items: &[(&'static str, String, String)]) -> Vec<(&'static str, Value)> {
        let mut declarations = Vec::new();
        for (kind, identifier, token) in items {
            let declaration = self.ddm_json(&format!("declaration/{kind}/{identifier}")).await;
            let (type_name, payload) = (&declaration["Type"], &declaration["Payload"]);
            assert!(payload.is_object(), "{declaration}");
            assert_eq!(
                declaration,
                json!({"Type": type_name, "Identifier": identifier, "ServerToken": token, "Payload": payload})
            );
            declarations.push((*kind, declaration));
        }
        declarations
    }

    /// The manifest and all of its declarations.
    pub(crate) async fn sync(&self) -> Held {
        let (token, items) = self.items().await;
        let declarations = self.fetch(&items).await;
        Held { token, declarations }
    }

    async fn ddm_json(&self, endpoint: &str) -> Value {
        let answer = self.ddm(endpoint).await.with(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        answer.json()
    }

    /// Posts a status report.
    pub(crate) async fn report(&self, report: &Value) {
        let message = Message::status(&self.ids, report.to_string().as_bytes());
        assert!(self.agent.put(&message).await.with(200).body.is_empty());
    }

    /// Reports that all of `held` is in force, and nothing else.
    pub(crate) async fn report_good(&self, held: &Held) {
        let report = json!({"StatusItems": {"management": {"declarations": held.all_good()}}, "Errors": []});
        self.report(&report).await;
    }

    /// Syncs as after a command, and reports that all is in force.
    pub(crate) async fn converge(&self) -> Held {
        let held = self.sync().await;
        self.report_good(&held).await;
        held
    }
}
