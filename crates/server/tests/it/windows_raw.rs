//! A Windows computer's management sessions, written by hand as [`crate::windows_wire`] is: its messages are text, and those
//! of the server are taken apart by the few lines of [`crate::windows_element`]. It keeps nodes as a map, and does what it is told as the
//! protocol says.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use crate::client::{Answer, Manner};
use crate::house::{House, PUBLIC_URL};
use crate::identity::Identity;
use crate::windows_answer::{answer_to, is_command};
use crate::windows_element::{Element, escaped};
use crate::windows_wire::{KEYS, PRIMARY, Pc, SYNCML, between, token};

/// `Source` of its messages.
pub(crate) const DEVICE_ID: &str = "9C2D7B1E5A";
/// `HWDevID`, by which the server knows it.
pub(crate) const HARDWARE: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";
/// The longest value that it sends in one message, in octets.
const PART: usize = 50_000;

/// The computer.
pub(crate) struct RawPc {
    pc: Pc,
    pub(crate) identity: Option<Identity>,
    /// What is in front of the server.
    pub(crate) manner: Manner,
    /// The secret of its account at the server (`APPSRV`).
    pub(crate) secret: String,
    session: u32,
    message: u32,
    /// `Cred` of its next message.
    pub(crate) credential: String,
    /// Alerts of its own in the next package 1.
    pub(crate) alerts: String,
    /// Its nodes, without `Device`.
    pub(crate) tree: BTreeMap<String, String>,
    /// Nodes that it refuses to change: code, and attributes of it.
    pub(crate) refuses: BTreeMap<String, (u16, &'static str)>,
    /// Every command that it was given, those of an `Atomic` after it.
    pub(crate) given: Vec<String>,
    /// The beginning of a value that comes in parts.
    coming: Option<String>,
    /// What is to be sent of a value that goes in parts, with what the `Results` refer to.
    going: Option<(String, String)>,
    /// Commands that wait for that, with the numbers of their messages.
    todo: VecDeque<(String, Element)>,
}

impl RawPc {
    /// One that has enrolled with a password, examples 1.1 to 1.5.
    pub(crate) async fn enrolled(house: &House) -> Self {
        let pc = Pc::new(house, HARDWARE);
        let provisioned = pc.enrolled(&token(house, "raw", 1).await, &KEYS[0]).await;
        let address = between(&provisioned.document, r#"name="ADDR" value=""#, "\"");
        assert_eq!(address, format!("{PUBLIC_URL}{PRIMARY}"));
        let (_, account) = provisioned.document.split_once("APPSRV").expect("an account");
        let tree = [
            ("./DevDetail/SwV", "10.0.22631.3958"),
            ("./DevDetail/Ext/Microsoft/DeviceName", "LAB-PC-01"),
            ("./Vendor/MSFT/DeviceStatus/OS/Edition", "48"),
            (
                "./Vendor/MSFT/DMClient/Provider/Ordain/SyncApplicationVersion",
                "1.0",
            ),
        ];
        Self {
            secret: between(account, r#"name="AAUTHSECRET" value=""#, "\"").to_owned(),
            identity: Some(provisioned.identity),
            pc,
            manner: Manner::default(),
            session: 0,
            message: 0,
            credential: String::new(),
            alerts: String::new(),
            tree: tree
                .map(|(node, value)| (node.to_owned(), value.to_owned()))
                .into(),
            refuses: BTreeMap::new(),
            given: Vec::new(),
            coming: None,
            going: None,
            todo: VecDeque::new(),
        }
    }

    /// The same where TLS ends before the server: nobody sees its certificate.
    pub(crate) fn behind(self, manner: Manner) -> Self {
        Self {
            identity: None,
            manner,
            ..self
        }
    }

    /// The nonce for the next message, if the answer has one; which the next message answers as `user` with `secret`.
    pub(crate) fn learns(&mut self, answer: &Element, user: &str, secret: &str) {
        let challenge = answer.find("SyncBody/Status/Chal/Meta");
        self.credential = challenge.map_or(String::new(), |meta| {
            assert_eq!((meta.at("Format"), meta.at("Type")), ("b64", "syncml:auth-md5"));
            let nonce = STANDARD.decode(meta.at("NextNonce")).expect("base64");
            let md5 = |octets: &[u8]| STANDARD.encode(Md5::digest(octets));
            let secret = md5(format!("{user}:{secret}").as_bytes());
            let proof = md5(&[secret.as_bytes(), b":", &nonce].concat());
            format!(
                r#"
    <Cred>
      <Meta>
        <Format xmlns="syncml:metinf">b64</Format>
        <Type xmlns="syncml:metinf">syncml:auth-md5</Type>
      </Meta>
      <Data>{proof}</Data>
    </Cred>"#
            )
        });
    }

    fn envelope(&self, body: &str) -> String {
        let Self {
            session,
            message,
            credential,
            ..
        } = self;
        format!(
            r#"<SyncML xmlns="SYNCML:SYNCML1.2">
  <SyncHdr>
    <VerDTD>1.2</VerDTD>
    <VerProto>DM/1.2</VerProto>
    <SessionID>{session}</SessionID>
    <MsgID>{message}</MsgID>
    <Target><LocURI>{PUBLIC_URL}{PRIMARY}</LocURI></Target>
    <Source><LocURI>{DEVICE_ID}</LocURI></Source>{credential}
  </SyncHdr>
  <SyncBody xmlns:msft="http://schemas.microsoft.com/MobileDevice/MDM">{body}</SyncBody>
</SyncML>"#
        )
    }

    /// Example 3.1: what a session begins with. `type` is in front of `format`, as devices have it.
    pub(crate) fn package_1(&mut self) -> String {
        self.session += 1;
        self.message = 1;
        self.same_package()
    }

    /// Package 1 once more, in the next message (example 3.3).
    pub(crate) fn package_1_again(&mut self) -> String {
        self.message += 1;
        self.same_package()
    }

    fn same_package(&self) -> String {
        let alerts = &self.alerts;
        self.envelope(&format!(
            r#"
    <Alert><CmdID>2</CmdID><Data>1201</Data></Alert>
    <Alert>
      <CmdID>3</CmdID>
      <Data>1224</Data>
      <Item>
        <Meta>
          <Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type>
          <Format xmlns="syncml:metinf">chr</Format>
        </Meta>
        <Data>user</Data>
      </Item>
    </Alert>{alerts}
    <Replace>
      <CmdID>5</CmdID>
      <Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>{DEVICE_ID}</Data></Item>
      <Item><Source><LocURI>./DevInfo/Man</LocURI></Source><Data>Example Computers</Data></Item>
      <Item><Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>Desk 1</Data></Item>
      <Item><Source><LocURI>./DevInfo/DmV</LocURI></Source><Data>1.3</Data></Item>
      <Item><Source><LocURI>./DevInfo/Lang</LocURI></Source><Data>en-US</Data></Item>
    </Replace>
    <Final/>"#
        ))
    }

    /// Sends a message as it is.
    pub(crate) async fn post(&self, message: &str) -> Answer {
        self.post_octets(message.as_bytes()).await
    }

    pub(crate) async fn post_octets(&self, message: &[u8]) -> Answer {
        let path = format!("{PRIMARY}?mode=Maintenance&Platform=WoA");
        let manner = Manner {
            certificate: self.identity.clone(),
            ..self.manner.clone()
        };
        self.pc.exchange(&path, SYNCML, message, manner).await
    }

    /// Sends a message, all of which the server must take.
    pub(crate) async fn send(&self, message: &str) -> Element {
        let answer = answer_to(message, &self.post(message).await.with(200));
        let body = &answer.find("SyncBody").expect("a body").children;
        let statuses = body.iter().filter(|it| it.name == "Status");
        let codes: Vec<(&str, &str)> = statuses.map(|it| (it.at("Cmd"), it.at("Data"))).collect();
        let is_taken = |(name, code): &(&str, &str)| *name == "Results" || *code == "200";
        let is_challenge = ["401", "407"].contains(&codes[0].1);
        assert!(is_challenge || codes[1..].iter().all(is_taken), "{codes:?}");
        answer
    }

    /// The answer to the server's message: statuses and results, in order. `None`: the session is over.
    pub(crate) fn answer(&mut self, answer: &Element) -> Option<String> {
        let secret = self.secret.clone();
        self.learns(answer, HARDWARE, &secret);
        let body = &answer.find("SyncBody").expect("a body").children;
        let commands: Vec<&Element> = body.iter().filter(is_command).collect();
        if commands.is_empty() {
            assert_eq!(
                body.last().map(|last| last.name.as_str()),
                Some("Final"),
                "{answer:?}"
            );
            return None;
        }
        let number = answer.at("SyncHdr/MsgID");
        let mut out = Out::default();
        out.status(number, "0", "SyncHdr", 200, "");
        for command in commands {
            if command.name == "Alert" {
                assert_eq!(command.at("Data"), "1222", "the rest is asked for");
                out.status(number, command.at("CmdID"), "Alert", 200, "");
                let (refers, rest) = self.going.take().expect("a rest");
                self.tells(&refers, &rest, false, &mut out);
            } else {
                self.todo.push_back((number.to_owned(), command.clone()));
            }
        }
        // A value of which there is more is the last thing in a message.
        while self.going.is_none()
            && let Some((number, command)) = self.todo.pop_front()
        {
            self.does(&number, &command, &mut out);
        }
        let mut body: String = out.lines.concat();
        if self.going.is_none() {
            body += "<Final/>";
        }
        self.message += 1;
        Some(self.envelope(&body))
    }

    /// Holds a session to its end. What the server sent, message by message.
    pub(crate) async fn session(&mut self) -> Vec<Element> {
        let mut heard = Vec::new();
        let mut next = Some(self.package_1());
        while let Some(message) = next {
            let answer = self.send(&message).await;
            next = self.answer(&answer);
            heard.push(answer);
            assert!(heard.len() < 50, "a session without an end");
        }
        self.alerts.clear();
        heard
    }

    fn does(&mut self, number: &str, command: &Element, out: &mut Out) {
        self.given.push(command.line());
        let id = command.at("CmdID");
        match command.name.as_str() {
            "Atomic" => {
                let before = self.tree.clone();
                let commands: Vec<&Element> = command
                    .children
                    .iter()
                    .filter(|it| it.find("CmdID").is_some())
                    .collect();
                let mut codes: Vec<(u16, &str)> = Vec::new();
                for command in &commands {
                    self.given.push(format!("  {}", command.line()));
                    let failed = codes.last().is_some_and(|(code, _)| *code != 200);
                    let code = if failed { (215, "") } else { self.set(command) };
                    codes.push(code);
                }
                let has_failed = codes.iter().any(|(code, _)| *code != 200);
                if has_failed {
                    self.tree = before;
                }
                out.status(number, id, "Atomic", if has_failed { 507 } else { 200 }, "");
                for (command, (code, more)) in commands.iter().zip(codes) {
                    let code = if has_failed && code == 200 { 216 } else { code };
                    out.status(number, command.at("CmdID"), &command.name, code, more);
                }
            }
            "Get" => {
                let value = self.tree.get(&node(command)).cloned();
                out.status(number, id, "Get", if value.is_some() { 200 } else { 404 }, "");
                if let Some(value) = value {
                    let refers = format!(
                        "<MsgRef>{number}</MsgRef><CmdRef>{id}</CmdRef><Item><Source><LocURI>{}</LocURI></Source>",
                        command.at("Item/Target/LocURI")
                    );
                    self.tells(&refers, &value, true, out);
                }
            }
            name => {
                let (code, more) = self.set(command);
                out.status(number, id, name, code, more);
            }
        }
    }

    /// Tells a value, or as much of it as fits (example 15).
    fn tells(&mut self, refers: &str, value: &str, is_first: bool, out: &mut Out) {
        let (now, rest) = value.split_at(value.len().min(PART));
        let size = match is_first && !rest.is_empty() {
            true => format!(
                r#"<Meta><Size xmlns="syncml:metinf">{}</Size></Meta>"#,
                value.len()
            ),
            false => String::new(),
        };
        let more = if rest.is_empty() { "" } else { "<MoreData/>" };
        let data = escaped(now);
        out.add(&format!(
            "Results>{refers}{size}<Data>{data}</Data>{more}</Item></Results"
        ));
        self.going = (!rest.is_empty()).then(|| (refers.to_owned(), rest.to_owned()));
    }

    /// Does a command for one node, and tells how that went.
    fn set(&mut self, command: &Element) -> (u16, &'static str) {
        let node = node(command);
        if let Some(refused) = self.refuses.get(&node) {
            return *refused;
        }
        let whole = self.coming.take().unwrap_or_default() + command.at("Item/Data");
        if command.find("Item/MoreData").is_some() {
            self.coming = Some(whole);
            return (213, "");
        }
        let is_there = self.tree.contains_key(&node);
        match (command.name.as_str(), is_there) {
            ("Add", true) => return (418, ""),
            ("Add" | "Replace", _) => drop(self.tree.insert(node, whole)),
            ("Delete", _) => {
                let within = format!("{node}/");
                let before = self.tree.len();
                self.tree.retain(|it, _| *it != node && !it.starts_with(&within));
                if self.tree.len() == before {
                    return (404, "");
                }
            }
            ("Exec", _) => {}
            (other, _) => panic!("{other}"),
        }
        (200, "")
    }
}

/// The node of a command: `./Device/…` is `./…`.
fn node(command: &Element) -> String {
    command.at("Item/Target/LocURI").replacen("./Device/", "./", 1)
}

/// What it answers.
#[derive(Default)]
struct Out {
    lines: Vec<String>,
}

impl Out {
    fn status(&mut self, number: &str, id: &str, name: &str, code: u16, more: &str) {
        self.add(&format!(
            "Status><MsgRef>{number}</MsgRef><CmdRef>{id}</CmdRef><Cmd>{name}</Cmd><Data{more}>{code}</Data></Status"
        ));
    }

    /// An element, without the brackets around it; its first child is its number.
    fn add(&mut self, element: &str) {
        let (name, rest) = element.split_once('>').expect("a tag");
        let id = self.lines.len() + 1;
        self.lines.push(format!("<{name}><CmdID>{id}</CmdID>{rest}>"));
    }
}
