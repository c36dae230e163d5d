//! Writing, on top of quick-xml.

use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use super::{Unwritable, can_carry};

/// Attributes: qualified name and value.
pub(crate) type Attributes<'a> = &'a [(&'a str, &'a str)];

/// Writes a document without an XML declaration, since none of these protocols wants one, and without white space of
/// its own.
pub(crate) struct Writer {
    xml: quick_xml::Writer<Vec<u8>>,
    unwritable: bool,
}

impl Writer {
    /// Writes the document that `content` writes.
    pub(crate) fn document(content: impl FnOnce(&mut Self)) -> Result<Vec<u8>, Unwritable> {
        let mut writer = Self {
            xml: quick_xml::Writer::new(Vec::new()),
            unwritable: false,
        };
        content(&mut writer);
        if writer.unwritable {
            return Err(Unwritable);
        }
        Ok(writer.xml.into_inner())
    }

    /// The same, as the text of another document.
    pub(crate) fn text_document(content: impl FnOnce(&mut Self)) -> Result<String, Unwritable> {
        String::from_utf8(Self::document(content)?).map_err(|_| Unwritable)
    }

    /// An element with what `content` writes in it. `name` is a qualified name.
    pub(crate) fn element(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
        content: impl FnOnce(&mut Self),
    ) {
        let tag = self.tag(name, attributes);
        self.event(Event::Start(tag));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with `text` in it.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.text_with(name, &[], text);
    }

    /// An element with attributes, and `text` in it.
    pub(crate) fn text_with(&mut self, name: &str, attributes: Attributes<'_>, text: &str) {
        self.unwritable |= !can_carry(text);
        self.element(name, attributes, |xml| {
            xml.event(Event::Text(BytesText::from_escaped(partial_escape(text))));
        });
    }

    /// An element with `markup` in it as it is. What is not whole elements by itself is not written.
    pub(crate) fn markup(&mut self, name: &str, markup: &str) {
        self.unwritable |= super::parse(format!("<a>{markup}</a>").as_bytes()).is_err();
        self.element(name, &[], |xml| {
            xml.event(Event::Text(BytesText::from_escaped(markup)));
        });
    }

    /// An element with `text` in it, if there is one.
    pub(crate) fn optional_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element with nothing in it.
    pub(crate) fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        let tag = self.tag(name, attributes);
        self.event(Event::Empty(tag));
    }

    /// Takes the document for one that cannot be written.
    pub(crate) fn give_up(&mut self) {
        self.unwritable = true;
    }

    fn tag<'a>(&mut self, name: &'a str, attributes: Attributes<'_>) -> BytesStart<'a> {
        let mut tag = BytesStart::new(name);
        for (name, value) in attributes {
            self.unwritable |= !can_carry(value);
            tag.push_attribute((*name, *value));
        }
        tag
    }

    fn event(&mut self, event: Event<'_>) {
        // Writing to a vector does not fail.
        self.unwritable |= self.xml.write_event(event).is_err();
    }
}
