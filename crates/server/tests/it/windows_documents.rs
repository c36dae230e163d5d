//! Documents of declared configuration on linked channels: sent, read, confirmed, drifted, taken away. The device is a
//! script of raw messages.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Manner};
use crate::events;
use crate::house::House;
use crate::identity::Identity;
use crate::policy::blueprint;
use crate::windows_entra::{claims, house, token_of};
use crate::windows_wire::*;

crate::on_each_database!(
    a_document_is_confirmed_and_drifts,
    what_confirms_nothing,
    an_inventory_decides_groups,
    what_is_no_longer_wanted_goes,
    a_linked_session_outlives_the_server,
    large_documents_and_results_go_in_parts,
);

const LINKED: &str = "/EnrollmentServer/Linked/Enrollment.svc";
const PRIMARY_SESSION: &str = "/ManagementServer/MDM.svc";
const LINKED_SESSION: &str = "/ManagementServer/Linked.svc";

/// A PC with a linked enrollment, and what it says of its documents.
struct Linked<'a> {
    house: &'a House,
    identity: Identity,
    name: String,
    session: u32,
    message: u32,
    /// What the next message has, beside the list: statuses and results.
    answers: String,
}

/// A command of the server.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    verb: String,
    id: String,
    path: String,
    data: String,
}

/// A document as the device lists it.
fn listed(id: &str, checksum: &str, result: &str, state: u32) -> String {
    format!(
        r#"<DeclaredConfiguration context="Device" id="{id}" checksum="{checksum}" result_checksum="{result}" state="{state}"/>"#
    )
}

fn message(session: u32, number: u32, path: &str, body: &str) -> String {
    format!(
        r#"<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>{session}</SessionID>
<MsgID>{number}</MsgID><Target><LocURI>https://mdm.example.org{path}</LocURI></Target>
<Source><LocURI>9C2D7B1E5A</LocURI></Source></SyncHdr><SyncBody>{body}</SyncBody></SyncML>"#
    )
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// The commands in an answer, statuses and alerts apart.
fn sent(answer: &str) -> Vec<Sent> {
    let mut all = Vec::new();
    for verb in ["Add", "Replace", "Delete", "Get", "Exec"] {
        let (start, end) = (format!("<{verb}>"), format!("</{verb}>"));
        for part in answer.split(&start).skip(1) {
            let command = part.split(&end).next().expect("an end");
            let data = command
                .contains("<Data>")
                .then(|| between(command, "<Data>", "</Data>"));
            all.push(Sent {
                verb: verb.to_owned(),
                id: between(command, "<CmdID>", "<").to_owned(),
                path: between(command, "<LocURI>", "<").to_owned(),
                data: unescaped(data.unwrap_or_default()),
            });
        }
    }
    all
}

impl<'a> Linked<'a> {
    /// A PC that enrolls, tells something, and enrolls once more for its documents.
    async fn new(house: &'a House, name: &str) -> Self {
        let pc = Pc::new(house, name);
        let device = format!("77777777-0000-0000-0000-{:012}", name.len());
        let mut claims = claims(house.now());
        claims["deviceid"] = json!(device);
        let security = binary(JWT, &token_of(&claims, &KEYS[2]));
        let answer = pc.enroll(&security, &KEYS[0]).await.with(200);
        let primary = Provisioned::read(&answer, &KEYS[0]).identity;
        let first = message(
            1,
            1,
            PRIMARY_SESSION,
            "<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Final/>",
        );
        post(house, PRIMARY_SESSION, &first, &primary).await.with(200);
        let request = request(&security, "Issue", PKCS10, &csr(&KEYS[1]), &pc.items());
        let answer = pc.post(LINKED, request.as_bytes(), None).await.with(200);
        Self {
            house,
            identity: Provisioned::read(&answer, &KEYS[1]).identity,
            name: name.to_owned(),
            session: 0,
            message: 0,
            answers: String::new(),
        }
    }

    fn begin(&mut self) {
        self.session += 1;
        self.message = 0;
        self.answers = r#"<Alert><CmdID>90</CmdID><Data>1201</Data></Alert>"#.to_owned();
    }

    /// Says this list, and what it was asked; what it is sent.
    async fn say(&mut self, list: &str) -> Vec<Sent> {
        sent(self.message(list).await.with(200).text())
    }

    async fn message(&mut self, list: &str) -> Answer {
        self.message += 1;
        let alert = format!(
            r#"<Alert><CmdID>91</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft.mdm.declaredconfigurationdocuments</Type></Meta>
<Data><DeclaredConfigurations schema="1.0">{list}</DeclaredConfigurations></Data></Item></Alert>"#
        );
        let body = format!("{}{alert}<Final/>", std::mem::take(&mut self.answers));
        let text = message(self.session, self.message, LINKED_SESSION, &body);
        post(self.house, LINKED_SESSION, &text, &self.identity).await
    }

    /// Answers a command with the next message.
    fn answer(&mut self, sent: &Sent, code: u16, result: Option<&str>) {
        let Sent { verb, id, path, .. } = sent;
        let number = self.message;
        let own = 10 + 2 * id.parse::<u32>().expect("a number");
        self.answers += &format!(
            "<Status><CmdID>{own}</CmdID><MsgRef>{number}</MsgRef><CmdRef>{id}</CmdRef><Cmd>{verb}</Cmd><Data>{code}</Data></Status>"
        );
        if let Some(result) = result {
            let escaped = result.replace('&', "&amp;").replace('<', "&lt;");
            self.answers += &format!(
                "<Results><CmdID>{}</CmdID><MsgRef>{number}</MsgRef><CmdRef>{id}</CmdRef><Item><Source><LocURI>{path}</LocURI></Source><Data>{escaped}</Data></Item></Results>",
                own + 1
            );
        }
    }

    /// The linked channel, as administrators see it.
    async fn channel(&self) -> Value {
        let device = self.house.device(&self.name).await;
        let channels = device["channels"].as_array().expect("channels").clone();
        let id = format!("{}::linked", self.name);
        channels
            .into_iter()
            .find(|it| it["id"] == id)
            .expect("a linked channel")
    }

    async fn state(&self, identifier: &str) -> String {
        let channel = self.channel().await;
        let all = channel["declarations"].as_array().expect("declarations");
        let one = all.iter().find(|it| it["identifier"] == identifier).expect("it");
        one["state"].as_str().expect("a word").to_owned()
    }

    /// The document in place, and confirmed under the result checksum `AA`: its id and checksum.
    async fn confirmed(&mut self) -> (String, String) {
        self.begin();
        let sent = self.say("").await;
        let (id, checksum) = named(&sent[0]);
        self.answer(&sent[0], 200, None);
        self.say(&listed(&id, &checksum, "", 1)).await;
        self.begin();
        let get = self.say(&listed(&id, &checksum, "AA", 60)).await;
        self.answer(&get[0], 200, Some(&result(&id, &checksum, "AA", 60, "200", 60)));
        assert_eq!(self.say(&listed(&id, &checksum, "AA", 60)).await, []);
        assert_eq!(self.state("vpn").await, "confirmed");
        (id, checksum)
    }
}

async fn post(house: &House, path: &str, message: &str, identity: &Identity) -> Answer {
    let manner = Manner {
        certificate: Some(identity.clone()),
        ..Manner::default()
    };
    let kind = "application/vnd.syncml.dm+xml".to_owned();
    let headers = [("content-type".to_owned(), kind)];
    let client = Client::new(house.site.clone(), manner);
    client.send("POST", path, &headers, message.as_bytes()).await
}

/// `id` and `checksum` of the document that is sent.
fn named(sent: &Sent) -> (String, String) {
    let id = between(&sent.data, " id=\"", "\"").to_owned();
    assert!(sent.path.contains(&id), "{sent:?}");
    (id, between(&sent.data, " checksum=\"", "\"").to_owned())
}

fn result(id: &str, checksum: &str, own: &str, state: u32, status: &str, of: u32) -> String {
    format!(
        r#"<DeclaredConfigurationResult context="Device" schema="1.0" id="{id}" osdefinedscenario="MSFTVPN" checksum="{checksum}" result_checksum="{own}" result_timestamp="2026-11-21T11:05:00Z" operation="Set" state="{state}"><CSP name="./Vendor/MSFT/VPNv2" state="{of}"><URI path="Work/DnsSuffix" status="200" state="60" type="chr"/><URI path="Work/AlwaysOn" status="{status}" state="{of}" type="bool"/></CSP></DeclaredConfigurationResult>"#
    )
}

fn vpn(suffix: &str) -> (&'static str, String) {
    let text = format!(
        "Identifier: vpn\nscenario: MSFTVPN\ncsp:\n  - name: ./Vendor/MSFT/VPNv2\n    settings:\n      - Work/DnsSuffix: {suffix}\n      - Work/AlwaysOn: true\n"
    );
    ("windows/vpn.yaml", text)
}

async fn publish(house: &House, files: &[(&'static str, String)], names: &[&str]) {
    let mut all: Vec<(&str, String)> = files.to_vec();
    let blueprint = match names.is_empty() {
        true => "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        false => blueprint("base", "all", names),
    };
    all.push(("blueprints/all.yaml", blueprint));
    house.publish(&all).await;
}

/// The events of drift, which are so many: their kinds, what drifted how, and the settings.
async fn drift_told(house: &House, count: usize) -> Vec<(String, String, Value)> {
    let told = events::told(house, "drifted,drift-repaired", count)
        .await
        .into_iter();
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    told.map(|(kind, detail)| (kind, word(&detail["drift"]), detail["settings"].clone()))
        .collect()
}

async fn a_document_is_confirmed_and_drifts(database: Database) {
    let house = house(database).await;
    publish(&house, &[vpn("a.example.org")], &["vpn"]).await;
    let mut pc = Linked::new(&house, "PC-1").await;
    pc.begin();
    let sent = pc.say("").await;
    let (id, checksum) = named(&sent[0]);
    assert_eq!((sent.len(), sent[0].verb.as_str()), (1, "Replace"));
    assert_eq!(
        sent[0].path,
        format!("./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/{id}/Document")
    );
    let channel = pc.channel().await;
    let own = channel["declarations"].as_array().expect("declarations");
    assert_eq!(
        own[0]["server_token"].as_str(),
        Some(checksum.as_str()),
        "{channel}"
    );
    pc.answer(&sent[0], 200, None);
    assert_eq!(pc.say(&listed(&id, &checksum, "", 1)).await, []);
    let own = pc.channel().await["declarations"][0].clone();
    assert_eq!(
        [
            &own["offered"],
            &own["fetched"],
            &own["reported"],
            &own["confirmed"]
        ],
        [true, true, true, false]
    );
    let (again, _) = pc.confirmed().await;
    assert_eq!(again, id);
    let own = pc.channel().await["documents"][0].clone();
    assert_eq!(
        own["outcomes"][2]["path"], "./Vendor/MSFT/VPNv2/Work/AlwaysOn",
        "{own}"
    );
    // Something else has changed it, and the device cannot repair it.
    house.pass(60);
    pc.begin();
    let get = pc.say(&listed(&id, &checksum, "BB", 61)).await;
    assert_eq!((get.len(), get[0].verb.as_str()), (1, "Get"));
    pc.answer(
        &get[0],
        200,
        Some(&result(&id, &checksum, "BB", 61, "0x86000002", 61)),
    );
    assert_eq!(pc.say(&listed(&id, &checksum, "BB", 61)).await, []);
    assert_eq!(pc.state("vpn").await, "failed");
    let reasons = pc.channel().await["declarations"][0]["reasons"].to_string();
    assert!(
        reasons.contains("Work/AlwaysOn: there is no such node (0x86000002)"),
        "{reasons}"
    );
    let settings = json!(["./Vendor/MSFT/VPNv2", "./Vendor/MSFT/VPNv2/Work/AlwaysOn"]);
    assert_eq!(
        drift_told(&house, 1).await,
        [("drifted".to_owned(), "unrepaired".to_owned(), settings.clone())]
    );
    // And then it can.
    house.pass(60);
    pc.begin();
    let get = pc.say(&listed(&id, &checksum, "CC", 60)).await;
    pc.answer(&get[0], 200, Some(&result(&id, &checksum, "CC", 60, "200", 60)));
    pc.say(&listed(&id, &checksum, "CC", 60)).await;
    assert_eq!(pc.state("vpn").await, "confirmed");
    let told = drift_told(&house, 2).await;
    assert_eq!(
        told[1..],
        [("drift-repaired".to_owned(), "unrepaired".to_owned(), settings)]
    );
    let drift = pc.channel().await["drift"].clone();
    assert_eq!(
        (&drift[0]["kind"], drift[0]["repaired"].is_i64()),
        (&json!("unrepaired"), true),
        "{drift}"
    );
    // After twice its schedule nobody knows how it is.
    house.pass(16 * 3_600 + 1);
    assert_eq!(pc.state("vpn").await, "unknown");
    assert_eq!(pc.channel().await["converged"], false);
    let row = house.get("/devices").await["devices"][0].clone();
    assert_eq!(row["state"], "unknown", "{row}");
    pc.begin();
    pc.say(&listed(&id, &checksum, "CC", 60)).await;
    assert_eq!(pc.state("vpn").await, "confirmed");
    // Nobody else's documents are its own.
    let other = Linked::new(&house, "PC-22").await;
    assert_eq!(other.state("vpn").await, "pending");
}

async fn what_confirms_nothing(database: Database) {
    let house = house(database).await;
    publish(&house, &[vpn("a.example.org")], &["vpn"]).await;
    let mut pc = Linked::new(&house, "PC-1").await;
    let (id, checksum) = pc.confirmed().await;
    publish(&house, &[vpn("b.example.org")], &["vpn"]).await;
    pc.begin();
    let sent = pc.say(&listed(&id, &checksum, "AA", 60)).await;
    let (_, next) = named(&sent[0]);
    assert_ne!(next, checksum);
    pc.answer(&sent[0], 200, None);
    pc.say(&listed(&id, &next, "AA", 2)).await;
    assert_eq!(pc.state("vpn").await, "pending", "a 200");
    let other = "00000000-0000-0000-0000-000000000001";
    for (number, (own, why)) in [
        (result(&id, &checksum, "B0", 60, "200", 60), "an old checksum"),
        (result(other, &next, "B1", 60, "200", 60), "another document"),
        (result(&id, &next, "AA", 60, "200", 60), "an older result"),
        (
            result(&id, &next, "B3", 99, "200", 60),
            "a state that is not published",
        ),
        (result(&id, &next, "B4", 60, "200", 99), "a part in such a state"),
        ("<DeclaredConfigurationResult".to_owned(), "no result"),
    ]
    .into_iter()
    .enumerate()
    {
        pc.begin();
        let list = listed(&id, &next, &format!("B{number}"), 60);
        let get = pc.say(&list).await;
        assert_eq!((get.len(), get[0].verb.as_str()), (1, "Get"), "{why}");
        pc.answer(&get[0], 200, Some(&own));
        pc.say(&list).await;
        assert_eq!(pc.state("vpn").await, "pending", "{why}");
    }
    pc.begin();
    let get = pc.say(&listed(&id, &next, "DD", 60)).await;
    pc.answer(&get[0], 200, Some(&result(&id, &next, "DD", 60, "404", 60)));
    pc.say(&listed(&id, &next, "DD", 60)).await;
    assert_eq!(pc.state("vpn").await, "failed", "one bad part");
    // Another device's result is that of its own document only: the certificate tells which.
    let mut stranger = Linked::new(&house, "PC-22").await;
    stranger.begin();
    stranger.answers += "<Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>5</CmdRef></Results>";
    stranger.say(&listed(&id, &next, "EE", 60)).await;
    assert_eq!(pc.state("vpn").await, "failed");
    assert_eq!(stranger.state("vpn").await, "pending");
}

async fn an_inventory_decides_groups(database: Database) {
    let house = house(database).await;
    let motd = "Identifier: motd\nscenario: MSFTExtensibilityMIProviderInventory\nproviders:\n  - namespace: root/x\n    class: File\n    keys: {Path: c}\n    values: [Contents]\n";
    let group = "name: managed\nwhere: \"@status(windows.inventory.motd.Contents) == 'Managed device'\"\n";
    publish(
        &house,
        &[
            ("windows/motd.yaml", motd.to_owned()),
            ("groups/managed.yaml", group.to_owned()),
            (
                "blueprints/managed.yaml",
                "name: managed\ninclude: [managed]\ndeclarations: []\n".to_owned(),
            ),
        ],
        &["motd"],
    )
    .await;
    let mut pc = Linked::new(&house, "PC-1").await;
    pc.begin();
    let sent = pc.say("").await;
    let (id, checksum) = named(&sent[0]);
    assert!(sent[0].path.contains("/Host/Inventory/Documents/"));
    assert!(
        sent[0].data.contains(r#"<Value name="Contents"/>"#),
        "{}",
        sent[0].data
    );
    pc.answer(&sent[0], 200, None);
    pc.say(&listed(&id, &checksum, "", 20)).await;
    for (own, value) in [("AA", "Managed device"), ("BB", "=1+1<script>")] {
        pc.begin();
        let get = pc.say(&listed(&id, &checksum, own, 80)).await;
        let value = value.replace('<', "&lt;");
        let text = format!(
            r#"<DeclaredConfigurationResult context="Device" schema="1.0" id="{id}" checksum="{checksum}" result_checksum="{own}" operation="Get" state="80"><DSC namespace="root/x" classname="File" status="200" state="80"><Key name="Path">c</Key><Value name="Contents">{value}</Value></DSC></DeclaredConfigurationResult>"#
        );
        pc.answer(&get[0], 200, Some(&text));
        pc.say(&listed(&id, &checksum, own, 80)).await;
        assert_eq!(pc.state("motd").await, "confirmed");
        let device = house.device("PC-1").await;
        let item = &device["channels"][0]["status"]["windows.inventory.motd.Contents"];
        assert_eq!(item, &json!(unescaped(&value)));
        let is_in = device["groups"]
            .as_array()
            .expect("groups")
            .contains(&json!("managed"));
        assert_eq!(is_in, own == "AA", "{device}");
    }
    assert_eq!(drift_told(&house, 0).await, []);
}

async fn what_is_no_longer_wanted_goes(database: Database) {
    let house = house(database).await;
    publish(&house, &[vpn("a.example.org")], &["vpn"]).await;
    let mut pc = Linked::new(&house, "PC-1").await;
    let (id, checksum) = pc.confirmed().await;
    publish(&house, &[], &[]).await;
    pc.begin();
    let sent = pc.say(&listed(&id, &checksum, "AA", 60)).await;
    assert_eq!((sent.len(), sent[0].verb.as_str()), (1, "Delete"));
    pc.answer(&sent[0], 200, None);
    assert_eq!(pc.say("").await, []);
    let channel = pc.channel().await;
    assert_eq!(channel["converged"], true, "{channel}");
    assert_eq!(channel["stays"][0]["identifier"], "vpn", "{channel}");
    let why = house.get("/devices/PC-1/explain?declaration=vpn").await;
    assert!(
        why.to_string().contains("something of it stays on the device"),
        "{why}"
    );
    assert_eq!(drift_told(&house, 0).await, []);
    // One that nobody sent is told of, and goes.
    pc.begin();
    let other = "00000000-0000-4000-8000-000000000001";
    let sent = pc.say(&listed(other, "X", "Y", 60)).await;
    assert_eq!((sent.len(), sent[0].verb.as_str()), (1, "Delete"));
    pc.answer(&sent[0], 200, None);
    pc.say("").await;
    let told = drift_told(&house, 2).await;
    assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("drifted", "foreign"));
}

async fn a_linked_session_outlives_the_server(database: Database) {
    let mut house = house(database).await;
    publish(&house, &[vpn("a.example.org")], &["vpn"]).await;
    let (identity, id, checksum, sent, first) = {
        let mut pc = Linked::new(&house, "PC-1").await;
        pc.begin();
        let answer = pc.message("").await.with(200);
        let sent = sent(answer.text());
        let (id, checksum) = named(&sent[0]);
        (pc.identity, id, checksum, sent, answer.body)
    };
    house.kill();
    house.start().await.expect("a server");
    let mut pc = Linked {
        house: &house,
        identity,
        name: "PC-1".to_owned(),
        session: 0,
        message: 0,
        answers: String::new(),
    };
    pc.begin();
    assert_eq!(
        pc.message("").await.with(200).body,
        first,
        "the same message gets the same answer"
    );
    pc.answer(&sent[0], 200, None);
    assert_eq!(pc.say(&listed(&id, &checksum, "", 1)).await, []);
    assert_eq!(pc.state("vpn").await, "pending");
    // It is over.
    pc.message("").await.with(400);
}

async fn large_documents_and_results_go_in_parts(database: Database) {
    let house = house(database).await;
    let long = "x".repeat(90_000);
    publish(&house, &[vpn(&long)], &["vpn"]).await;
    let mut pc = Linked::new(&house, "PC-1").await;
    pc.begin();
    let mut data = String::new();
    let (id, checksum, last) = loop {
        let answer = pc.message("").await.with(200);
        let text = answer.text().to_owned();
        let part = sent(&text).remove(0);
        data += &part.data;
        let is_more = text.contains("<MoreData");
        pc.answer(&part, if is_more { 213 } else { 200 }, None);
        if !is_more {
            let id = between(&data, " id=\"", "\"").to_owned();
            let checksum = between(&data, " checksum=\"", "\"").to_owned();
            break (id, checksum, part);
        }
    };
    assert!(data.contains(&long) && last.path.contains(&id));
    pc.say(&listed(&id, &checksum, "", 1)).await;
    // The result comes in two parts.
    pc.begin();
    let get = pc.say(&listed(&id, &checksum, "AA", 60)).await;
    let whole = result(&id, &checksum, "AA", 60, "200", 60);
    let (one, two) = whole.split_at(200);
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    pc.answer(&get[0], 200, None);
    let item = |size: &str, text: &str, more: &str| {
        format!(
            "<Results><CmdID>80</CmdID><MsgRef>1</MsgRef><CmdRef>{}</CmdRef><Item><Source><LocURI>{}</LocURI></Source>{size}<Data>{}</Data>{more}</Item></Results>",
            get[0].id,
            get[0].path,
            escaped(text)
        )
    };
    let size = format!(
        "<Meta><Size xmlns=\"syncml:metinf\">{}</Size></Meta>",
        whole.len()
    );
    pc.answers += &item(&size, one, "<MoreData/>");
    let answer = pc.message(&listed(&id, &checksum, "AA", 60)).await.with(200);
    assert!(answer.text().contains("<Data>1222</Data>"), "{}", answer.text());
    pc.answers += &item("", two, "");
    pc.say(&listed(&id, &checksum, "AA", 60)).await;
    assert_eq!(pc.state("vpn").await, "confirmed");
}
