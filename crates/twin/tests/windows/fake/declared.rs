//! Documents as text, and what a device says of them.

use ordain_twin::windows::Twin;
use ordain_windows::syncml::loc_uri::LocUri;
use roxmltree::{Document, Node};

use super::{Fake, Say, child, command, get, linked, linked_converse, linked_order, results, say};

pub(crate) const VPN: &str = "5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90";
pub(crate) const WIFI: &str = "77777777-0000-4000-8000-000000000002";
pub(crate) const OTHER: &str = "77777777-0000-4000-8000-000000000003";
pub(crate) const HOST: &str = "./Device/Vendor/MSFT/DeclaredConfiguration/Host";
/// What the usual documents set: a profile with its content, and a node of a connection.
pub(crate) const LAB: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab";
pub(crate) const LAB_XML: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml";
pub(crate) const SERVERS: &str = "./Device/Vendor/MSFT/VPNv2/LabVPN/NativeProfile/Servers";

pub(crate) fn uri(text: &str) -> LocUri {
    LocUri::parse(text).unwrap()
}

/// A line of the list of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) checksum: String,
    pub(crate) result: String,
    pub(crate) state: u32,
    pub(crate) abandoned: bool,
}

pub(crate) fn document(id: &str, checksum: &str, scenario: &str, body: &str) -> String {
    format!(
        "<DeclaredConfiguration schema=\"1.0\" context=\"Device\" id=\"{id}\" checksum=\"{checksum}\" osdefinedscenario=\"{scenario}\">{body}</DeclaredConfiguration>"
    )
}

pub(crate) fn csp(name: &str, uris: &[(&str, &str, &str)]) -> String {
    let uri = |(path, kind, value): &(&str, &str, &str)| {
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        format!("<URI path=\"{path}\" type=\"{kind}\">{value}</URI>")
    };
    let uris: String = uris.iter().map(uri).collect();
    format!("<CSP name=\"./Vendor/MSFT/{name}\">{uris}</CSP>")
}

pub(crate) fn vpn(checksum: &str, name: &str) -> String {
    let path = |rest: &str| format!("{name}/{rest}");
    let (servers, kind) = (
        path("NativeProfile/Servers"),
        path("NativeProfile/NativeProtocolType"),
    );
    let always = path("AlwaysOn");
    let uris = [
        (servers.as_str(), "chr", "vpn.example.org"),
        (&kind, "chr", "IKEv2"),
        (&always, "Bool", "true"),
    ];
    document(VPN, checksum, "MSFTVPN", &csp("VPNv2", &uris))
}

pub(crate) fn profile(name: &str) -> String {
    format!(
        "<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>{name}</name></WLANProfile>"
    )
}

/// Wi-Fi profiles: names of nodes, and of what is in them.
pub(crate) fn wifi(checksum: &str, profiles: &[(&str, &str)]) -> String {
    let all: Vec<_> = profiles
        .iter()
        .map(|(node, name)| (format!("Profile/{node}/WlanXml"), profile(name)))
        .collect();
    let uris: Vec<_> = all
        .iter()
        .map(|(path, value)| (path.as_str(), "xml", value.as_str()))
        .collect();
    document(WIFI, checksum, "MSFTWifi", &csp("WiFi", &uris))
}

pub(crate) fn place(request: &str, id: &str) -> String {
    format!("{HOST}/{request}/Documents/{id}/Document")
}

pub(crate) fn replace(id: u32, request: &str, document_id: &str, document: &str) -> Say {
    say(command(
        "Replace",
        id,
        &place(request, document_id),
        "chr",
        document,
    ))
}

/// The list in a message.
pub(crate) fn list(message: &str) -> Option<Vec<Line>> {
    let document = Document::parse(message).unwrap();
    let mut all = document.descendants();
    let root = all.find(|node| node.tag_name().name() == "DeclaredConfigurations")?;
    assert_eq!(root.attribute("schema"), Some("1.0"));
    let line = |node: Node<'_, '_>| {
        let text = |name| node.attribute(name).unwrap_or_default().to_owned();
        Line {
            id: text("id"),
            checksum: text("checksum"),
            result: text("result_checksum"),
            state: text("state").parse().unwrap(),
            abandoned: node.attribute("abandoned") == Some("1"),
        }
    };
    Some(root.children().filter(Node::is_element).map(line).collect())
}

/// A computer with a linked enrollment that has held its first session, and the server of both of its enrollments.
pub(crate) struct Computer {
    pub(crate) twin: Twin,
    pub(crate) fake: Fake,
}

impl Computer {
    pub(crate) fn linked() -> Self {
        let (twin, fake) = linked();
        Self { twin, fake }
    }

    /// Lets it do all that it has to do.
    pub(crate) fn run(&mut self, now: i64) {
        super::run(&mut self.twin, &mut self.fake, now);
    }

    /// Its own clock moves on: what its service and its schedules do by that time. The linked messages are given.
    pub(crate) fn pass(&mut self, at: i64) -> Vec<String> {
        self.fake.requests.clear();
        self.twin.wake(at);
        self.run(at);
        self.fake.bodies("/linked/session")
    }

    /// Holds a linked session in which the server says this, and gives its messages.
    pub(crate) fn linked_converse(&mut self, script: impl IntoIterator<Item = Say>, now: i64) -> Vec<String> {
        linked_converse(&mut self.twin, &mut self.fake, script, now)
    }

    /// Does one command in a linked session, and gives its code.
    pub(crate) fn linked_order(&mut self, verb: &str, uri: &str, data: &str, now: i64) -> u16 {
        linked_order(&mut self.twin, &mut self.fake, verb, uri, data, now)
    }

    /// The list, as a session without commands tells it.
    pub(crate) fn listed(&mut self, now: i64) -> Vec<Line> {
        list(&self.linked_converse([], now)[0]).unwrap()
    }

    /// The states in that list.
    pub(crate) fn states(&mut self, now: i64) -> Vec<u32> {
        self.listed(now).iter().map(|line| line.state).collect()
    }

    /// Sends a document, and gives what it was answered with.
    pub(crate) fn send(
        &mut self,
        request: &str,
        id: &str,
        document: &str,
        now: i64,
    ) -> (u16, Option<String>) {
        let messages = self.linked_converse([replace(100, request, id, document)], now);
        super::reading::statuses(&messages[1], 100).remove(0)
    }

    /// Sends a document, and has it applied.
    pub(crate) fn apply(&mut self, id: &str, document: &str, now: i64) {
        assert_eq!(self.send("Complete", id, document, now - 10), (200, None));
        self.twin.wake(now);
        self.run(now);
    }

    /// The same with the profile [`LAB`],
    pub(crate) fn apply_wifi(&mut self, now: i64) {
        self.apply(WIFI, &wifi("W1", &[("Lab", "Lab")]), now);
    }

    /// and with the connection that has [`SERVERS`].
    pub(crate) fn apply_vpn(&mut self, now: i64) {
        self.apply(VPN, &vpn("V1", "LabVPN"), now);
    }

    /// The result of a document: its text.
    pub(crate) fn result(&mut self, request: &str, id: &str, now: i64) -> String {
        let uri = format!("{HOST}/{request}/Results/{id}/Document");
        let messages = self.linked_converse([say(get(100, &uri))], now);
        let mut got = results(&messages[1], 100);
        assert_eq!(got.len(), 1, "{}", messages[1]);
        let (source, format, text) = got.remove(0);
        assert_eq!((source, format.as_str()), (uri, "chr"));
        text
    }
}

/// The attributes of the whole and of each `URI` or `DSC` of a result: state, status, name and value.
pub(crate) fn outcome(text: &str) -> (u32, Vec<(String, String, u32, String)>) {
    let document = Document::parse(text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "DeclaredConfigurationResult");
    let state = |node: Node<'_, '_>| node.attribute("state").unwrap().parse().unwrap();
    let parts = root
        .descendants()
        .filter(|node| ["URI", "DSC"].contains(&node.tag_name().name()));
    let part = |node: Node<'_, '_>| {
        let name = node.attribute("path").or(node.attribute("className")).unwrap();
        let status = node.attribute("status").unwrap();
        let value = node.text().or(child(node, "Value").and_then(|node| node.text()));
        (
            name.to_owned(),
            status.to_owned(),
            state(node),
            value.unwrap_or_default().to_owned(),
        )
    };
    (state(root), parts.map(part).collect())
}
