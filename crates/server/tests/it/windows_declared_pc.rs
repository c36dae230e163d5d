//! A linked PC that is written by hand: its enrollments, its sessions, and what administrators see of it.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::house::House;
use crate::policy::blueprint;
use crate::windows_answer::answer_to;
use crate::windows_declared_wire::*;
use crate::windows_entra::{changed, claims, token_of};
use crate::windows_wire::*;

/// The node below which a device is told to link.
pub(crate) const LINK: &str = "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment";

pub(crate) const HARDWARE: &str = "RAW-PC";
/// Its identifier in Entra, as the claims of the tests have it.
const ENTRA: &str = "77777777-0000-0000-0000-000000000000";
/// `DeviceID` of each enrollment, which is the source of its messages.
const OWN_SOURCE: &str = "9C2D7B1E5A";
const LINKED_SOURCE: &str = "DC-9C2D7B1E5A";

/// A PC that is in Entra, with its own enrollment and perhaps a linked one.
pub(crate) struct RawPc {
    pub(crate) pc: Pc,
    pub(crate) own: Provisioned,
    pub(crate) linked: Option<Provisioned>,
    sessions: Cell<u32>,
    /// Its management tree, as far as its own channel sees it.
    pub(crate) nodes: BTreeMap<String, String>,
}

impl RawPc {
    /// One that is enrolled by the token of its user.
    pub(crate) async fn enrolled(house: &House, hardware: &str) -> Self {
        let pc = Pc::new(house, hardware);
        let token = token_of(&claims(house.now()), &KEYS[2]);
        let answer = pc.enroll(&binary(JWT, &token), &KEYS[0]).await.with(200);
        let own = Provisioned::read(&answer, &KEYS[0]);
        let account = "./Vendor/MSFT/DMClient/Provider/Ordain";
        let nodes = [
            (format!("{account}/AADDeviceID"), ENTRA),
            ("./DevDetail/SwV".to_owned(), "10.0.26100.1301"),
            ("./Vendor/MSFT/DeviceStatus/OS/Edition".to_owned(), "48"),
            (format!("{LINK}/DiscoveryEndpoint"), ""),
            (format!("{LINK}/EnrollStatus"), "1"),
            (format!("{LINK}/LastError"), "0"),
        ];
        let nodes = nodes.map(|(path, value)| (path, value.to_owned())).into();
        Self {
            pc,
            own,
            linked: None,
            sessions: Cell::new(0),
            nodes,
        }
    }

    /// One that is linked, too, by the device's token of Entra.
    pub(crate) async fn linked(house: &House, hardware: &str) -> Self {
        let mut pc = Self::enrolled(house, hardware).await;
        pc.own_session().await;
        pc.link(&device_token(house)).await;
        pc
    }

    /// Enrolls for the linked channel, by `security`.
    pub(crate) async fn link(&mut self, security: &str) {
        let answer = self.asks_to_link(security).await.with(200);
        self.linked = Some(Provisioned::read(&answer, &KEYS[1]));
    }

    /// What it says of itself when it enrolls for the linked channel.
    pub(crate) fn link_items(&self) -> Vec<(&str, &str)> {
        let own = between(&self.own.document, r#"name="EntDMID" value=""#, "\"");
        let items = self
            .pc
            .items()
            .into_iter()
            .filter(|(name, _)| *name != "DeviceID");
        items
            .chain([("DeviceID", LINKED_SOURCE), ("EmmDeviceId", own)])
            .collect()
    }

    pub(crate) async fn asks_to_link(&self, security: &str) -> Answer {
        let message = request(security, "Issue", PKCS10, &csr(&KEYS[1]), &self.link_items());
        self.pc.post(LINKED_ENROLLMENT, message.as_bytes(), None).await
    }

    fn talk(&self, path: &'static str) -> Talk<'_> {
        self.sessions.set(self.sessions.get() + 1);
        Talk {
            pc: self,
            path,
            session: self.sessions.get(),
            message: 0,
            said: String::new(),
        }
    }

    /// A session of the linked channel.
    pub(crate) fn talks(&self) -> Talk<'_> {
        self.talk(LINKED)
    }

    /// Its own enrollment ends.
    pub(crate) async fn leaves(&self) {
        let mut talk = self.talk(PRIMARY);
        talk.begin_with(None, &[unenrolls()]).await.is_over();
    }

    /// A whole session of its own channel. It does what it is told, and says what it is asked. What it was told, except
    /// questions.
    pub(crate) async fn own_session(&mut self) -> Vec<Command> {
        let mut talk = self.talk(PRIMARY);
        let mut heard = talk.begin(None).await;
        let (mut nodes, mut told) = (self.nodes.clone(), Vec::new());
        while !heard.commands.is_empty() {
            let mut commands = vec![heard.header_status()];
            for command in &heard.commands {
                match (command.name.as_str(), nodes.get(&command.target)) {
                    ("Get", Some(value)) => commands.extend(heard.value(command, value)),
                    ("Get", None) => commands.push(heard.status(command, 404)),
                    (verb, _) => {
                        if let ("Replace", Some(data)) = (verb, &command.data) {
                            nodes.insert(command.target.clone(), data.clone());
                        }
                        commands.push(heard.status(command, 200));
                        told.push(command.clone());
                    }
                }
            }
            heard = talk.say(&commands).await;
        }
        heard.is_over();
        self.nodes = nodes;
        told
    }
}

/// `BinarySecurityToken` with the device's token of Entra.
pub(crate) fn device_token(house: &House) -> String {
    let mut claims = changed(claims(house.now()), "deviceid", json!(ENTRA));
    // It is the device's, and no user's.
    for name in ["upn", "scp"] {
        claims.as_object_mut().expect("claims").remove(name);
    }
    binary(JWT, &token_of(&claims, &KEYS[2]))
}

/// A session.
pub(crate) struct Talk<'a> {
    pc: &'a RawPc,
    path: &'static str,
    session: u32,
    message: u32,
    /// The message before.
    said: String,
}

impl Talk<'_> {
    /// Sends a message with these commands, and hears what comes back.
    pub(crate) async fn say(&mut self, commands: &[(&str, String)]) -> Heard {
        self.say_so(commands, true).await
    }

    /// The same; the package may go on.
    pub(crate) async fn say_so(&mut self, commands: &[(&str, String)], is_final: bool) -> Heard {
        self.message += 1;
        self.said = self.text(commands, is_final);
        let answer = self.send(&self.said).await.with(200);
        // An answer that got lost is had by the same message; not by who has left.
        if !commands.contains(&unenrolls()) {
            assert_eq!(self.answer_again().await.body, answer.body);
        }
        Heard::of(&answer_to(&self.said, &answer))
    }

    /// The answer to the last message once more.
    pub(crate) async fn answer_again(&self) -> Answer {
        self.send(&self.said).await.with(200)
    }

    fn source(&self) -> &'static str {
        if self.path == PRIMARY {
            OWN_SOURCE
        } else {
            LINKED_SOURCE
        }
    }

    fn text(&self, commands: &[(&str, String)], is_final: bool) -> String {
        let numbered = (2..).zip(commands);
        let body: String = numbered
            .map(|(id, (name, inner))| format!("<{name}><CmdID>{id}</CmdID>{inner}</{name}>"))
            .collect();
        format!(
            r#"<SyncML xmlns="SYNCML:SYNCML1.2">
  <SyncHdr>
    <VerDTD>1.2</VerDTD>
    <VerProto>DM/1.2</VerProto>
    <SessionID>{}</SessionID>
    <MsgID>{}</MsgID>
    <Target><LocURI>https://mdm.example.org{}</LocURI></Target>
    <Source><LocURI>{}</LocURI></Source>
  </SyncHdr>
  <SyncBody>{body}{}</SyncBody>
</SyncML>"#,
            self.session,
            self.message,
            self.path,
            self.source(),
            if is_final { "<Final/>" } else { "" },
        )
    }

    async fn send(&self, text: &str) -> Answer {
        let held = if self.path == PRIMARY {
            &self.pc.own
        } else {
            self.pc.linked.as_ref().expect("a linked enrollment")
        };
        self.pc
            .pc
            .post_as(SYNCML, self.path, text.as_bytes(), Some(&held.identity))
            .await
    }

    /// The next message gets this code and nothing: 403 for whom the server does not know.
    pub(crate) async fn must_be_refused(mut self, code: u16) {
        self.message += 1;
        let text = self.text(&[("Alert", "<Data>1201</Data>".to_owned())], true);
        assert!(self.send(&text).await.with(code).body.is_empty());
    }

    /// What each session begins with.
    pub(crate) async fn begin(&mut self, documents: Option<&str>) -> Heard {
        self.begin_with(documents, &[]).await
    }

    /// The same, with further commands at the end.
    pub(crate) async fn begin_with(
        &mut self,
        documents: Option<&str>,
        more: &[(&'static str, String)],
    ) -> Heard {
        let source = self.source();
        let info: String = [
            ("DevId", source),
            ("Man", "Example Computers"),
            ("Mod", "Desk 1"),
            ("DmV", "1.3"),
            ("Lang", "en-US"),
        ]
        .iter()
        .map(|(name, value)| {
            format!("<Item><Source><LocURI>./DevInfo/{name}</LocURI></Source><Data>{value}</Data></Item>")
        })
        .collect();
        let mut commands = vec![("Alert", "<Data>1201</Data>".to_owned())];
        commands.extend(documents.map(alert));
        commands.push(("Replace", info));
        commands.extend_from_slice(more);
        self.say(&commands).await
    }

    /// Answers all that was asked, with the list as it is then, and hears what comes next.
    pub(crate) async fn answer(
        &mut self,
        heard: &Heard,
        documents: &str,
        answer: impl Fn(&Heard, &Command) -> Vec<(&'static str, String)>,
    ) -> Heard {
        let mut commands = vec![heard.header_status()];
        for command in &heard.commands {
            commands.extend(answer(heard, command));
        }
        commands.push(alert(documents));
        self.say(&commands).await
    }

    /// Takes everything that is not a question.
    pub(crate) async fn take(&mut self, heard: &Heard, documents: &str) -> Heard {
        self.answer(heard, documents, |heard, command| {
            vec![heard.status(command, 200)]
        })
        .await
    }
}

/// Publishes these files of `windows/`, for all.
pub(crate) async fn publish(house: &House, files: &[(&'static str, &str)]) {
    let names: Vec<&str> = files
        .iter()
        .map(|(_, text)| between(text, "Identifier: ", "\n"))
        .collect();
    let blueprint = match names.is_empty() {
        true => "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        false => blueprint("base", "all", &names),
    };
    let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
    let all: Vec<_> = files.chain([("blueprints/all.yaml", blueprint)]).collect();
    house.publish(&all).await;
}

/// The five facts of a declaration, as (offered, fetched, reported, confirmed), and its state.
pub(crate) async fn facts(house: &House, identifier: &str) -> ([bool; 4], String) {
    let one = declaration(house, HARDWARE, identifier).await;
    let facts = ["offered", "fetched", "reported", "confirmed"].map(|fact| one[fact] == true);
    (facts, one["state"].as_str().unwrap_or_default().to_owned())
}

/// The linked channel of a device, as administrators see it.
pub(crate) async fn channel(house: &House, hardware: &str) -> Value {
    let device = house.device(hardware).await;
    let channels = device["channels"].as_array().expect("channels");
    let id = json!(format!("{hardware}::linked"));
    channels
        .iter()
        .find(|channel| channel["id"] == id)
        .cloned()
        .unwrap_or(Value::Null)
}

/// What is known of the document of the declaration `identifier`.
pub(crate) async fn declaration(house: &House, hardware: &str, identifier: &str) -> Value {
    let channel = channel(house, hardware).await;
    let all = channel["declarations"].as_array().expect("declarations");
    all.iter()
        .find(|one| one["identifier"] == identifier)
        .cloned()
        .unwrap_or(Value::Null)
}
