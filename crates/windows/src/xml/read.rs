//! Reading, on top of roxmltree.

use std::borrow::Cow;
use std::str::FromStr;

use quick_xml::escape::escape;
use quick_xml::events::Event;
use roxmltree::{Document, Node, ParsingOptions};

use super::{
    Error, MAX_ALL_ATTRIBUTES, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACE, MAX_NODES, MAX_OCTETS, MAX_PREFIXES,
};

/// The longest declarations that are added to a source, in octets: many sources of a document may need them.
const MAX_DECLARATIONS: usize = 1 << 10;

/// Reads `octets` as a document within the bounds.
pub(crate) fn parse(octets: &[u8]) -> Result<Document<'_>, Error> {
    if octets.len() > MAX_OCTETS {
        return Err(Error::TooLarge);
    }
    let text = std::str::from_utf8(octets).map_err(|_| Error::NotText)?;
    if !declares_utf8(text) {
        return Err(Error::NotText);
    }
    bound_tags(text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        entity_resolver: None,
    };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => Error::Refused("a DTD"),
        roxmltree::Error::NodesLimitReached => Error::Refused("that many nodes"),
        roxmltree::Error::NamespacesLimitReached => Error::Refused("that many namespaces"),
        other => Error::Syntax {
            line: other.pos().row,
            column: other.pos().col,
        },
    })?;
    bound_depth(document.root())?;
    Ok(document)
}

/// Reads `text`, which came as the text of another document. An encoding that it declares says nothing any more, and
/// is skipped.
pub(crate) fn parse_embedded(text: &str) -> Result<Document<'_>, Error> {
    let text = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_ascii_whitespace());
    let declaration = text
        .strip_prefix("<?xml")
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace()))
        .and_then(|rest| rest.split_once("?>"));
    let text = declaration.map_or(text, |(_, rest)| rest);
    parse(text.trim_ascii().as_bytes())
}

/// Whether the XML declaration, if there is one, says UTF-8. Octets that are read as one encoding here and as another
/// one elsewhere would mean two things.
fn declares_utf8(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.starts_with("<?xml") {
        return true;
    }
    let Ok(Event::Decl(declaration)) = quick_xml::Reader::from_str(text).read_event() else {
        // Not a declaration, or none that roxmltree takes.
        return true;
    };
    match declaration.encoding() {
        None => true,
        Some(encoding) => encoding
            .is_ok_and(|name| name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii")),
    }
}

/// Counts attributes and prefixes, and measures namespaces, without understanding the document: a tag has no `<` in it,
/// so the text from each `<` to the next is taken for a tag if it begins like one. What looks like tags in comments and
/// CDATA sections counts, too; nothing makes the count too small, and references only make a namespace shorter.
fn bound_tags(text: &str) -> Result<(), Error> {
    let mut all = 0;
    let mut prefixes: Vec<&str> = Vec::new();
    for tag in text
        .split('<')
        .skip(1)
        .filter(|text| !text.starts_with(['!', '?', '/']))
    {
        let mut attributes = 0;
        let mut is_namespace = false;
        let mut quote = None;
        for (at, octet) in tag.bytes().enumerate() {
            match (quote, octet) {
                (Some((open, from)), _) if open == octet => {
                    if is_namespace && at - from > MAX_NAMESPACE {
                        return Err(Error::Refused("that long a namespace"));
                    }
                    quote = None;
                }
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some((octet, at + 1)),
                (None, b'>') => break,
                (None, b'=') => {
                    attributes += 1;
                    let name = tag.get(..at).unwrap_or_default().trim_ascii_end();
                    let name = name
                        .rsplit(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\'')
                        .next()
                        .unwrap_or_default();
                    let prefix = name.strip_prefix("xmlns:");
                    is_namespace = prefix.is_some() || name == "xmlns";
                    prefixes.extend(prefix.filter(|prefix| !prefixes.contains(prefix)));
                }
                (None, _) => {}
            }
            if attributes > MAX_ATTRIBUTES {
                return Err(Error::Refused("that many attributes"));
            }
            if prefixes.len() > MAX_PREFIXES {
                return Err(Error::Refused("that many prefixes"));
            }
        }
        all += attributes;
        if all > MAX_ALL_ATTRIBUTES {
            return Err(Error::Refused("that many attributes"));
        }
    }
    Ok(())
}

/// Walks the whole tree, without recursion.
fn bound_depth(root: Node<'_, '_>) -> Result<(), Error> {
    let mut node = root;
    let mut depth = 0;
    loop {
        if let Some(child) = node.first_child() {
            depth += 1;
            if depth > MAX_DEPTH {
                return Err(Error::Refused("that deep nesting"));
            }
            node = child;
            continue;
        }
        loop {
            if let Some(sibling) = node.next_sibling() {
                node = sibling;
                break;
            }
            match node.parent() {
                Some(parent) => {
                    depth -= 1;
                    node = parent;
                }
                None => return Ok(()),
            }
        }
    }
}

/// An element. Children are looked up by local name.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a>(pub(super) Node<'a, 'a>);

impl<'a> Element<'a> {
    /// The outermost element of `document`.
    pub(crate) fn root(document: &'a Document<'a>) -> Self {
        Self(document.root_element())
    }

    /// Its local name.
    pub(crate) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    /// Its namespace; empty for none.
    pub(crate) fn namespace(self) -> &'a str {
        self.0.tag_name().namespace().unwrap_or_default()
    }

    /// The elements in it.
    pub(crate) fn children(self) -> impl Iterator<Item = Element<'a>> {
        self.0.children().filter(Node::is_element).map(Element)
    }

    /// The elements in it of that name.
    pub(crate) fn all(self, name: &str) -> impl Iterator<Item = Element<'a>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The element in it of that name, if there is one.
    pub(crate) fn find(self, name: &'static str) -> Result<Option<Element<'a>>, Error> {
        let mut found = self.all(name);
        let first = found.next();
        match found.next() {
            Some(_) => Err(Error::Repeated(name)),
            None => Ok(first),
        }
    }

    /// The element in it of that name.
    pub(crate) fn need(self, name: &'static str) -> Result<Element<'a>, Error> {
        self.find(name)?.ok_or(Error::Missing(name))
    }

    /// How many elements of that name and namespace there are in the whole document.
    pub(crate) fn count_in_document(self, name: &str, namespace: &str) -> usize {
        let all = self
            .0
            .document()
            .descendants()
            .filter(Node::is_element)
            .map(Element);
        all.filter(|one| one.name() == name && one.namespace() == namespace)
            .count()
    }

    /// An attribute, by local name.
    pub(crate) fn attribute(self, name: &str) -> Option<&'a str> {
        self.0
            .attributes()
            .find(|attribute| attribute.name() == name)
            .map(|attribute| attribute.value())
    }

    /// Its text; `what` names it in the error if it has elements.
    pub(crate) fn text(self, what: &'static str) -> Result<Cow<'a, str>, Error> {
        if self.0.children().any(|child| child.is_element()) {
            return Err(Error::Value(what));
        }
        // A comment parts a text into several.
        let mut texts = self
            .0
            .children()
            .filter(Node::is_text)
            .filter_map(|child| child.text());
        let first = texts.next().unwrap_or_default();
        let mut text = Cow::Borrowed(first);
        for more in texts {
            text.to_mut().push_str(more);
        }
        Ok(text)
    }

    /// Its text, or, if it has elements, their source: what is meant as text is sometimes sent as markup. Where that is one
    /// element, it declares the prefixes that are used in it and declared further out, so that it can be read by itself.
    pub(crate) fn text_or_markup(self) -> String {
        if let Ok(text) = self.text("") {
            return text.into_owned();
        }
        let start = self.0.first_child().map(|child| child.range().start);
        let end = self.0.last_child().map(|child| child.range().end);
        let source = start
            .zip(end)
            .and_then(|(start, end)| self.0.document().input_text().get(start..end));
        let source = source.unwrap_or_default().trim_ascii();
        let mut elements = self.0.children().filter(Node::is_element);
        match (elements.next(), elements.next()) {
            (Some(_), None) if source.starts_with('<') => self.declaring(source),
            _ => source.to_owned(),
        }
    }

    /// `source`, which is in it and begins with a tag, with the declarations that it needs of prefixes. One too many does no
    /// harm; one that is there makes it what it was without them: not to be read.
    fn declaring(self, source: &str) -> String {
        let tag = source.split_once('>').map_or(source, |(tag, _)| tag);
        let is_used = |prefix: &str| {
            source.contains(&format!("{prefix}:")) && !tag.contains(&format!("xmlns:{prefix}"))
        };
        let declarations: String = self
            .0
            .namespaces()
            .filter_map(|namespace| Some((namespace.name()?, namespace.uri())))
            .filter(|(prefix, _)| *prefix != "xml" && is_used(prefix))
            .map(|(prefix, uri)| format!(" xmlns:{prefix}=\"{}\"", escape(uri)))
            .collect();
        let end = source.find(|c: char| c.is_ascii_whitespace() || ['/', '>'].contains(&c));
        match end.and_then(|end| source.split_at_checked(end)) {
            Some((start, rest)) if declarations.len() <= MAX_DECLARATIONS => {
                format!("{start}{declarations}{rest}")
            }
            _ => source.to_owned(),
        }
    }

    /// The text of the element in it of that name, without white space around it.
    pub(crate) fn text_of(self, name: &'static str) -> Result<String, Error> {
        Ok(self.need(name)?.text(name)?.trim_ascii().to_owned())
    }

    /// The same, if there is one.
    pub(crate) fn optional_text_of(self, name: &'static str) -> Result<Option<String>, Error> {
        let Some(found) = self.find(name)? else {
            return Ok(None);
        };
        Ok(Some(found.text(name)?.trim_ascii().to_owned()))
    }

    /// What the text of the element in it of that name says.
    pub(crate) fn value_of<T: FromStr>(self, name: &'static str) -> Result<T, Error> {
        self.text_of(name)?.parse().map_err(|_| Error::Value(name))
    }

    /// The same, if there is one.
    pub(crate) fn optional_value_of<T: FromStr>(self, name: &'static str) -> Result<Option<T>, Error> {
        let text = self.optional_text_of(name)?;
        text.map(|text| text.parse().map_err(|_| Error::Value(name)))
            .transpose()
    }
}
