//! `declarations/`: a declaration as Apple documents it, and what else the policy says of it.

use std::collections::BTreeSet;

use ordain_catalog::{DeclarationType, Kind};
use ordain_model::compile::RESERVED_PREFIX;
use ordain_model::declaration::{Declaration, Placement};
use ordain_model::ids::Digest;

use crate::compile::Compiler;
use crate::fields::{Fields, Text};
use crate::placement;
use crate::problem::{Place, Problems, quoted};
use crate::tree::{Node, Value};

/// A declaration that was read, before it is known whether what it refers to exists.
pub(crate) struct Draft<'c> {
    pub(crate) identifier: String,
    /// Of the identifier.
    pub(crate) place: Place,
    /// `None` when the type is missing or unknown, which was complained of.
    pub(crate) known: Option<&'c DeclarationType>,
    pub(crate) payload: Node,
    pub(crate) placement: Placement,
    /// Where `when` stands, if it does.
    pub(crate) when: Option<Place>,
    pub(crate) references: BTreeSet<String>,
    pub(crate) downloads: BTreeSet<Digest>,
}

impl Draft<'_> {
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.known.map(|known| known.kind)
    }
}

impl<'c> Compiler<'c> {
    /// Reads a file of `declarations/`.
    pub(crate) fn read_declaration(&mut self, file: &Node) -> Option<Draft<'c>> {
        const KEYS: [&str; 4] = ["Type", "Identifier", "Payload", "ServerToken"];
        let fields = Fields::of(file, &[&KEYS[..], &placement::KEYS].concat(), &mut self.problems)?;
        if let Some(place) = fields.place_of("ServerToken") {
            self.problems
                .warning(place, "`ServerToken` is ignored: it is made from the content");
        }
        let known = self.declaration_type(fields);
        let payload = payload(fields, &mut self.problems);
        let placement = placement::read(fields, known, &mut self.problems);
        let identifier = self.identifier(fields)?;
        Some(Draft {
            identifier: identifier.text.to_owned(),
            place: identifier.place,
            known,
            payload: payload.cloned().unwrap_or_else(|| Node::made(fields.place(), [])),
            placement,
            when: fields.get("when").map(|when| when.place),
            references: BTreeSet::new(),
            downloads: BTreeSet::new(),
        })
    }

    /// The type that the key `Type` names.
    pub(crate) fn declaration_type(&mut self, fields: Fields<'_>) -> Option<&'c DeclarationType> {
        let name = fields.required_text("Type", &mut self.problems)?;
        let known = self.catalog.declaration(name.text);
        if known.is_none() {
            let message = format!("unknown declaration type {}", quoted(name.text));
            let types = self.catalog.declarations().map(|known| known.name.as_str());
            self.problems.unknown(name.place, message, name.text, types);
        }
        known
    }

    /// The identifier, even when it was complained of: what names it need not be complained of as well.
    pub(crate) fn identifier<'a>(&mut self, fields: Fields<'a>) -> Option<Text<'a>> {
        let identifier = fields.required_text("Identifier", &mut self.problems)?;
        self.check_identifier(identifier);
        Some(identifier)
    }

    /// Checks what can be told of an identifier alone.
    pub(crate) fn check_identifier(&mut self, Text { text, place }: Text<'_>) {
        const MAX: usize = Declaration::MAX_IDENTIFIER;
        let problems = &mut self.problems;
        if text.is_empty() {
            problems.error(place, "the identifier is empty");
        }
        if text.len() > MAX {
            let message = format!(
                "the identifier {} has {} octets; at most {MAX} are allowed",
                quoted(text),
                text.len()
            );
            problems.error(place, message);
        }
        if text.starts_with(RESERVED_PREFIX) {
            problems.error(
                place,
                format!("identifiers that begin with `{RESERVED_PREFIX}` are Ordain's own"),
            );
        }
        if text.chars().any(char::is_control) {
            problems.error(
                place,
                format!("the identifier {} has a control character", quoted(text)),
            );
        } else if text.contains(|c: char| matches!(c, '/' | '%') || c.is_whitespace()) {
            let message = format!(
                "the identifier {} has a slash, blank or percent sign, which devices may not send back as it is",
                quoted(text)
            );
            problems.warning(place, message);
        }
    }
}

/// The object under `Payload`.
pub(crate) fn payload<'a>(fields: Fields<'a>, problems: &mut Problems) -> Option<&'a Node> {
    let payload = fields.required("Payload", problems)?;
    if matches!(payload.value, Value::Object(_)) {
        return Some(payload);
    }
    problems.error(
        payload.place,
        format!("`Payload` has to be an object, not {}", payload.what()),
    );
    None
}
