//! `DeclaredConfigurations`: the documents that a device holds, which it lists in an alert of each of its messages
//! ([`crate::syncml::alert::AlertType::DeclaredConfigurationDocuments`]).

use super::{
    DocId, MAX_DOCUMENTS, SCHEMA, State, check_names, check_schema, check_size, context, context_name, id,
    optional_label, present, state,
};
use crate::syncml::loc_uri::Scope;
use crate::xml::{self, Element, Error, Unwritable, Writer};

/// The list. \[U\]: that a document which is not in it is not on the device is inferred; and whether a device without
/// documents sends an empty list or none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredConfigurations {
    /// In the device's order, none twice.
    pub documents: Vec<Listed>,
}

/// What the list says of a document. Only its id is sure to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `context`.
    pub scope: Option<Scope>,
    /// `id`.
    pub id: DocId,
    /// `checksum` of the document.
    pub checksum: Option<String>,
    /// `result_checksum`: none, or an empty one, before there is a result (\[U\]).
    pub result_checksum: Option<String>,
    /// `state`: none if there is none that is a number.
    pub state: Option<State>,
    /// Whether it is abandoned, if that is said. \[U\] how: an attribute, or an element in it, of either case.
    pub abandoned: Option<bool>,
}

impl DeclaredConfigurations {
    /// Reads the data of an alert, which come as markup, as escaped text or as CDATA: an item has the same text for
    /// each of them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = xml::parse_embedded(text)?;
        let root = Element::root(&document);
        if root.name() != "DeclaredConfigurations" {
            return Err(Error::Value("DeclaredConfigurations"));
        }
        check_schema(root)?;
        check_size(root, MAX_DOCUMENTS)?;
        let documents = root.all("DeclaredConfiguration").map(Listed::read);
        let documents: Vec<_> = documents.collect::<Result<_, _>>()?;
        check_names(documents.iter().map(|listed| &listed.id), "id")?;
        Ok(Self { documents })
    }

    /// The list as devices send it: markup, for [`crate::syncml::Item::with_markup`].
    pub fn to_xml(&self) -> Result<String, Unwritable> {
        Writer::text_document(|xml| {
            xml.element("DeclaredConfigurations", &[("schema", SCHEMA)], |xml| {
                for listed in &self.documents {
                    listed.write(xml);
                }
            });
        })
    }
}

impl Listed {
    fn read(element: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            scope: context(element)?,
            id: id(element)?,
            checksum: optional_label(element, "checksum")?,
            result_checksum: optional_label(element, "result_checksum")?,
            state: state(element),
            abandoned: abandoned(element)?,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let state = self.state.map(|state| state.to_string());
        let attributes = [
            ("context", self.scope.map(context_name)),
            ("id", Some(self.id.as_str())),
            ("checksum", self.checksum.as_deref()),
            // As in published lists, where it is there and empty before there is a result.
            (
                "result_checksum",
                Some(self.result_checksum.as_deref().unwrap_or_default()),
            ),
            ("state", state.as_deref()),
            (
                "abandoned",
                self.abandoned.map(|abandoned| if abandoned { "1" } else { "0" }),
            ),
        ];
        xml.empty("DeclaredConfiguration", &present(&attributes));
    }
}

fn abandoned(element: Element<'_>) -> Result<Option<bool>, Error> {
    const NAMES: [&str; 2] = ["abandoned", "Abandoned"];
    let attributes = NAMES
        .iter()
        .filter_map(|name| element.attribute(name).map(str::to_owned));
    let children = NAMES.iter().flat_map(|name| element.all(name));
    let mut said = attributes.chain(children.map(Element::text_or_markup));
    let first = said.next();
    if said.next().is_some() {
        return Err(Error::Repeated("Abandoned"));
    }
    Ok(match first.as_deref().map(str::trim_ascii) {
        Some("1" | "true") => Some(true),
        Some("0" | "false") => Some(false),
        _ => None,
    })
}
