//! `DeclaredConfigurationResult`: what became of a document.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::document::read_all;
use super::{
    Body, DocId, MAX_PARTS, MAX_PATH, Parameter, SCHEMA, State, check_names, check_schema, check_size,
    class_name, context, context_name, format, id, need_label, optional_label, present, state, write_value,
};
use crate::secret::Secret;
use crate::syncml::Format;
use crate::syncml::loc_uri::Scope;
use crate::xml::{self, Element, Error, Unwritable, Writer};

/// The result of a document. Only its id is sure to be there; whether it is of the document that is wanted is for the
/// caller to see, by id and checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentResult {
    /// `context` of the document.
    pub scope: Option<Scope>,
    /// `id` of the document.
    pub id: DocId,
    /// `osdefinedscenario` of the document.
    pub scenario: Option<String>,
    /// `checksum` of the document.
    pub checksum: Option<String>,
    /// `result_checksum`: another one whenever the result is another one, and the one in the list.
    pub result_checksum: Option<String>,
    /// `result_timestamp`: unix seconds. The oldest samples have none.
    pub timestamp: Option<i64>,
    /// `operation`: `Set`, `Get`, \[U\] `Delete`.
    pub operation: Option<String>,
    /// `state` of the whole.
    pub state: Option<State>,
    /// What became of its parts.
    pub body: Body<CspResult, DscResult>,
}

/// What became of a `CSP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CspResult {
    /// `name`. A template has a result for each instance, so there may be several of one name.
    pub name: String,
    /// `state`.
    pub state: Option<State>,
    /// Of its nodes, none twice.
    pub uris: Vec<UriResult>,
}

/// What became of a `URI`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriResult {
    /// `path` below the CSP's root.
    pub path: String,
    /// `status`: [`SUCCESS`], or a code of failure, in a notation that is not published (\[U\]).
    pub status: Option<String>,
    /// `state`.
    pub state: Option<State>,
    /// `type`.
    pub format: Option<Format>,
    /// What is there, if the document asked for it; empty otherwise.
    pub value: Secret,
}

/// What became of a `DSC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DscResult {
    /// `namespace` of the provider.
    pub namespace: String,
    /// `className`.
    pub class: String,
    /// `status`, as of a [`UriResult`].
    pub status: Option<String>,
    /// `state`.
    pub state: Option<State>,
    /// `Key` elements, with values if the document asked for them.
    pub keys: Vec<Parameter>,
    /// `Value` elements, likewise.
    pub values: Vec<Parameter>,
}

/// The one `status` that tells of success.
pub const SUCCESS: &str = "200";

impl DocumentResult {
    /// Reads a result. What is in it besides is skipped.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = xml::parse_embedded(text)?;
        let root = Element::root(&document);
        if root.name() != "DeclaredConfigurationResult" {
            return Err(Error::Value("DeclaredConfigurationResult"));
        }
        check_schema(root)?;
        check_size(root, MAX_PARTS)?;
        Ok(Self {
            scope: context(root)?,
            id: id(root)?,
            scenario: optional_label(root, "osdefinedscenario")?,
            checksum: optional_label(root, "checksum")?,
            result_checksum: optional_label(root, "result_checksum")?,
            timestamp: optional_label(root, "result_timestamp")?.and_then(|text| seconds(&text)),
            operation: optional_label(root, "operation")?,
            state: state(root),
            body: Body::read(root, CspResult::read, DscResult::read)?,
        })
    }

    /// The result as devices send it.
    pub fn to_xml(&self) -> Result<String, Unwritable> {
        let timestamp = self
            .timestamp
            .map(|at| Timestamp::from_second(at).map_err(|_| Unwritable));
        let timestamp = timestamp.transpose()?.map(|at| at.to_string());
        let state = self.state.map(|state| state.to_string());
        let attributes = present(&[
            ("context", self.scope.map(context_name)),
            ("schema", Some(SCHEMA)),
            ("id", Some(self.id.as_str())),
            ("osdefinedscenario", self.scenario.as_deref()),
            ("checksum", self.checksum.as_deref()),
            ("result_checksum", self.result_checksum.as_deref()),
            ("result_timestamp", timestamp.as_deref()),
            ("operation", self.operation.as_deref()),
            ("state", state.as_deref()),
        ]);
        Writer::text_document(|xml| {
            xml.element("DeclaredConfigurationResult", &attributes, |xml| {
                self.body.write(xml, CspResult::write, DscResult::write);
            });
        })
    }
}

/// A time in UTC, whether it says so or not.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let at = text.parse::<Timestamp>().or_else(|_| {
        let at: DateTime = text.parse()?;
        TimeZone::UTC.to_timestamp(at)
    });
    at.ok().map(Timestamp::as_second)
}

impl CspResult {
    fn read(csp: Element<'_>) -> Result<Self, Error> {
        let uris = read_all(csp, "URI", UriResult::read)?;
        check_names(uris.iter().map(|uri| &uri.path), "URI")?;
        Ok(Self {
            name: need_label(csp, "name", MAX_PATH)?,
            state: state(csp),
            uris,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let state = self.state.map(|state| state.to_string());
        let attributes = present(&[("name", Some(self.name.as_str())), ("state", state.as_deref())]);
        xml.element("CSP", &attributes, |xml| {
            for uri in &self.uris {
                uri.write(xml);
            }
        });
    }
}

impl UriResult {
    fn read(uri: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            path: need_label(uri, "path", MAX_PATH)?,
            status: optional_label(uri, "status")?,
            state: state(uri),
            format: format(uri)?,
            // A value that is XML might come as markup.
            value: Secret::new(uri.text_or_markup()),
        })
    }

    fn write(&self, xml: &mut Writer) {
        let state = self.state.map(|state| state.to_string());
        let attributes = [
            ("path", Some(self.path.as_str())),
            ("status", self.status.as_deref()),
            ("state", state.as_deref()),
            ("type", self.format.as_ref().map(Format::as_str)),
        ];
        write_value(xml, "URI", &attributes, &self.value);
    }
}

impl DscResult {
    fn read(dsc: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            namespace: need_label(dsc, "namespace", MAX_PATH)?,
            class: class_name(dsc)?,
            status: optional_label(dsc, "status")?,
            state: state(dsc),
            keys: Parameter::read_all(dsc, "Key")?,
            values: Parameter::read_all(dsc, "Value")?,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let state = self.state.map(|state| state.to_string());
        let attributes = present(&[
            ("namespace", Some(self.namespace.as_str())),
            ("className", Some(&self.class)),
            ("status", self.status.as_deref()),
            ("state", state.as_deref()),
        ]);
        xml.element("DSC", &attributes, |xml| {
            Parameter::write_all(&self.keys, xml, "Key");
            Parameter::write_all(&self.values, xml, "Value");
        });
    }
}
