//! What the tests of all modules share.

/// What `xml` says: names with their namespaces, sorted attributes, texts; not prefixes, comments, and white space
/// between elements.
pub(crate) fn infoset(xml: &[u8]) -> String {
    let document = roxmltree::Document::parse(std::str::from_utf8(xml).unwrap()).unwrap();
    let mut lines = String::new();
    element(document.root_element(), &mut lines);
    lines
}

fn element(node: roxmltree::Node<'_, '_>, lines: &mut String) {
    let mut attributes: Vec<_> = node
        .attributes()
        .map(|attribute| {
            format!(
                "{:?}:{}={:?}",
                attribute.namespace().unwrap_or_default(),
                attribute.name(),
                attribute.value()
            )
        })
        .collect();
    attributes.sort();
    let name = node.tag_name();
    lines.push_str(&format!(
        "<{:?}:{} {attributes:?}>\n",
        name.namespace().unwrap_or_default(),
        name.name()
    ));
    if node.children().any(|child| child.is_element()) {
        node.children()
            .filter(|child| child.is_element())
            .for_each(|child| element(child, lines));
    } else {
        let text: String = node.children().filter_map(|child| child.text()).collect();
        lines.push_str(&format!("{text:?}\n"));
    }
    lines.push_str("</>\n");
}

/// Replaces one occurrence.
pub(crate) fn with(text: &str, old: &str, new: &str) -> Vec<u8> {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1).into_bytes()
}
