//! What a device's messages say, and commands as text.

use roxmltree::{Document, Node};

pub(crate) fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The value of a `ContextItem`.
pub(crate) fn context(document: &Document<'_>, name: &str) -> String {
    let item = document
        .descendants()
        .find(|node| node.attribute("Name") == Some(name))
        .unwrap_or_else(|| panic!("{name}"));
    item.children()
        .find(Node::is_element)
        .and_then(|value| value.text())
        .unwrap()
        .to_owned()
}

/// The content of a CMS message: the OCTET STRING in its `[0]` after the type id-data.
pub(crate) fn inside(message: &[u8]) -> Vec<u8> {
    let data = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    let at = message.windows(data.len()).position(|part| part == data).unwrap() + data.len();
    let (_, explicit) = element(&message[at..]);
    element(explicit).1.to_vec()
}

/// The tag and content of a DER element.
fn element(der: &[u8]) -> (u8, &[u8]) {
    let (length, start) = match der[1] {
        0x81 => (usize::from(der[2]), 3),
        0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        short => (usize::from(short), 2),
    };
    (der[0], &der[start..start + length])
}

/// What one command was answered with: codes, and the HRESULTs behind them.
pub(crate) fn statuses(message: &str, command: u32) -> Vec<(u16, Option<String>)> {
    let document = Document::parse(message).unwrap();
    let all = document
        .descendants()
        .filter(|node| node.tag_name().name() == "Status");
    let of = all
        .filter(|status| child(*status, "CmdRef").and_then(|node| node.text()) == Some(&command.to_string()));
    of.map(|status| {
        let data = child(status, "Data").unwrap();
        let original = data.attributes().find(|one| one.name() == "originalerror");
        let original = original.map(|one| one.value().to_owned());
        (data.text().unwrap().parse().unwrap(), original)
    })
    .collect()
}

/// The code of the one status for a command.
pub(crate) fn code(message: &str, command: u32) -> u16 {
    let statuses = statuses(message, command);
    assert_eq!(statuses.len(), 1, "{command} in {message}");
    statuses[0].0
}

/// What a `Get` got: addresses, formats and data.
pub(crate) fn results(message: &str, command: u32) -> Vec<(String, String, String)> {
    let document = Document::parse(message).unwrap();
    let all = document
        .descendants()
        .filter(|node| node.tag_name().name() == "Results");
    let of = all.filter(|results| {
        child(*results, "CmdRef").and_then(|node| node.text()) == Some(&command.to_string())
    });
    let items = of.flat_map(|results| {
        results
            .children()
            .filter(|node| node.tag_name().name() == "Item")
            .collect::<Vec<_>>()
    });
    let text = |node: Option<Node<'_, '_>>| node.and_then(|node| node.text()).unwrap_or_default().to_owned();
    items
        .map(|item| {
            let uri = child(item, "Source").and_then(|source| child(source, "LocURI"));
            let format = child(item, "Meta").and_then(|meta| child(meta, "Format"));
            (text(uri), text(format), text(child(item, "Data")))
        })
        .collect()
}

/// A command to one node.
pub(crate) fn command(verb: &str, id: u32, uri: &str, format: &str, data: &str) -> String {
    let meta = match format {
        "" => String::new(),
        _ => format!("<Meta><Format xmlns=\"syncml:metinf\">{format}</Format></Meta>"),
    };
    let data = match data {
        "" => String::new(),
        _ => format!(
            "<Data>{}</Data>",
            data.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
        ),
    };
    format!(
        "<{verb}><CmdID>{id}</CmdID><Item><Target><LocURI>{uri}</LocURI></Target>{meta}{data}</Item></{verb}>"
    )
}

pub(crate) fn get(id: u32, uri: &str) -> String {
    command("Get", id, uri, "", "")
}
