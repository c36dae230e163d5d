//! `declarations/`: a declaration as Apple documents it, and what else the policy says of it.

use std::collections::BTreeSet;

use ordain_catalog::{DeclarationType, Kind};
use ordain_model::compile::RESERVED_PREFIX;
use ordain_model::declaration::{Declaration, Placement};
use ordain_model::ids::Digest;

use crate::compile::Compiler;
use crate::fields::{Fields, Text};
use crate::payload::Payload;
use crate::placement;
use crate::problem::{Place, Problems, quoted};
use crate::tree::{Node, Value};
use crate::windows::WindowsFile;

/// A declaration that was read, before it is known whether what it refers to exists.
pub(crate) struct Draft<'c> {
    pub(crate) identifier: String,
    /// Of the identifier.
    pub(crate) place: Place,
    /// Of the value of `Type`.
    pub(crate) type_place: Place,
    /// `None` when the type is missing, or unknown and not allowed, which was complained of.
    pub(crate) declared: Option<Declared<'c>>,
    pub(crate) payload: Node,
    /// Whether the file has that payload; else it is empty, which was complained of.
    pub(crate) has_payload: bool,
    /// What it carries, when it is a profile.
    pub(crate) carried: Vec<Payload>,
    pub(crate) placement: Placement,
    /// Where `when` stands, if it does.
    pub(crate) when: Option<Place>,
    pub(crate) references: BTreeSet<String>,
    pub(crate) downloads: BTreeSet<Digest>,
}

/// The type of a declaration.
#[derive(Clone)]
pub(crate) enum Declared<'c> {
    /// The catalog has it.
    Known(&'c DeclarationType),
    /// Only its name is known, and what that says.
    Unknown { name: String, kind: Kind },
    /// What is for Windows devices, whole.
    Windows(WindowsFile),
}

impl<'c> Declared<'c> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Known(known) => &known.name,
            Self::Unknown { name, .. } => name,
            Self::Windows(file) => file.type_name(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Known(known) => known.kind,
            Self::Unknown { kind, .. } => *kind,
            Self::Windows(_) => Kind::Configuration,
        }
    }

    pub(crate) fn known(&self) -> Option<&'c DeclarationType> {
        match self {
            Self::Known(known) => Some(known),
            Self::Unknown { .. } | Self::Windows(_) => None,
        }
    }
}

impl<'c> Draft<'c> {
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.declared.as_ref().map(Declared::kind)
    }

    pub(crate) fn type_name(&self) -> Option<&str> {
        self.declared.as_ref().map(Declared::name)
    }

    /// What the catalog says of the type.
    pub(crate) fn known(&self) -> Option<&'c DeclarationType> {
        self.declared.as_ref().and_then(Declared::known)
    }

    /// What it is for Windows devices, if it is for them.
    pub(crate) fn windows(&self) -> Option<&WindowsFile> {
        match &self.declared {
            Some(Declared::Windows(file)) => Some(file),
            _ => None,
        }
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
        let declared = self.declared(fields);
        let payload = payload(fields, &mut self.problems);
        let placement = placement::read(fields, declared.as_ref(), &mut self.problems);
        let identifier = self.identifier(fields)?;
        Some(Draft {
            identifier: identifier.text.to_owned(),
            place: identifier.place,
            type_place: fields.get("Type").map_or(fields.place(), |name| name.place),
            declared,
            payload: payload.cloned().unwrap_or_else(|| Node::made(fields.place(), [])),
            has_payload: payload.is_some(),
            carried: Vec::new(),
            placement,
            when: fields.get("when").map(|when| when.place),
            references: BTreeSet::new(),
            downloads: BTreeSet::new(),
        })
    }

    /// The type that the key `Type` names.
    pub(crate) fn declared(&mut self, fields: Fields<'_>) -> Option<Declared<'c>> {
        let name = fields.required_text("Type", &mut self.problems)?;
        if let Some(known) = self.catalog.declaration(name.text) {
            return Some(Declared::Known(known));
        }
        let message = format!("unknown declaration type {}", quoted(name.text));
        let types = self.catalog.declarations().map(|known| known.name.as_str());
        match Kind::of_type(name.text).filter(|_| self.allow_unknown) {
            Some(kind) => {
                let suggestion = self.problems.suggestion(name.text, types);
                let message = format!("{message}{suggestion}; nothing in it is checked");
                self.problems.warning(name.place, message);
                let name = name.text.to_owned();
                Some(Declared::Unknown { name, kind })
            }
            None => {
                self.problems.unknown(name.place, message, name.text, types);
                None
            }
        }
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
