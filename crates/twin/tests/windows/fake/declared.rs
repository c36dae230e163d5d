//! Documents as text, and what a device says of them.

use ordain_twin::windows::Twin;
use roxmltree::{Document, Node};

use super::{Fake, Say, child, command, get, linked_converse, results, say};

pub(crate) const VPN: &str = "5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90";
pub(crate) const WIFI: &str = "77777777-0000-4000-8000-000000000002";
pub(crate) const OTHER: &str = "77777777-0000-4000-8000-000000000003";
pub(crate) const HOST: &str = "./Device/Vendor/MSFT/DeclaredConfiguration/Host";

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

/// The list, as a session without commands tells it.
pub(crate) fn listed(twin: &mut Twin, fake: &mut Fake, now: i64) -> Vec<Line> {
    list(&linked_converse(twin, fake, [], now)[0]).unwrap()
}

/// The states in that list.
pub(crate) fn states(twin: &mut Twin, fake: &mut Fake, now: i64) -> Vec<u32> {
    listed(twin, fake, now).iter().map(|line| line.state).collect()
}

/// Sends a document, and gives what it was answered with.
pub(crate) fn send(
    twin: &mut Twin,
    fake: &mut Fake,
    request: &str,
    id: &str,
    document: &str,
    now: i64,
) -> (u16, Option<String>) {
    let messages = linked_converse(twin, fake, [replace(100, request, id, document)], now);
    super::reading::statuses(&messages[1], 100).remove(0)
}

/// Sends a document, and has it applied.
pub(crate) fn apply(twin: &mut Twin, fake: &mut Fake, id: &str, document: &str, now: i64) {
    assert_eq!(send(twin, fake, "Complete", id, document, now - 10), (200, None));
    twin.wake(now);
    super::run(twin, fake, now);
}

/// The result of a document: its text.
pub(crate) fn result(twin: &mut Twin, fake: &mut Fake, request: &str, id: &str, now: i64) -> String {
    let uri = format!("{HOST}/{request}/Results/{id}/Document");
    let messages = linked_converse(twin, fake, [say(get(100, &uri))], now);
    let mut got = results(&messages[1], 100);
    assert_eq!(got.len(), 1, "{}", messages[1]);
    let (source, format, text) = got.remove(0);
    assert_eq!((source, format.as_str()), (uri, "chr"));
    text
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
