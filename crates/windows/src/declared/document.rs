//! `DeclaredConfiguration`: a document.

use super::{
    DocId, MAX_LABEL, MAX_PARTS, MAX_PATH, SCHEMA, check_names, check_size, class_name, context,
    context_name, format, id, need_label, write_value,
};
use crate::secret::Secret;
use crate::syncml::Format;
use crate::syncml::loc_uri::Scope;
use crate::xml::{self, Element, Error, Unwritable, Writer};

/// A document: all of what is wanted of one scenario, or a question for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `context`: must be the scope of the node that it is written to.
    pub scope: Scope,
    /// `id`: must be the DocID of that node.
    pub id: DocId,
    /// `checksum`: the server's version of the document, any text. Devices compare it, and do not check it.
    pub checksum: String,
    /// `osdefinedscenario`. Devices compare it without case (\[D\]).
    pub scenario: String,
    /// `ReflectedProperties`: tags of the server. \[U\]: seen in a template only, and not where devices give them
    /// back.
    pub reflected: Vec<Property>,
    /// What is wanted.
    pub body: Body,
}

/// What a document, or a result, is about: nodes of CSPs, or resources of DSC providers. `C` and `D` are of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<C = Csp, D = Dsc> {
    /// `CSP` elements; an empty document has none.
    Csp(Vec<C>),
    /// `DSC` elements.
    Dsc(Vec<D>),
}

/// `CSP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csp {
    /// `name`: the CSP's root without its scope, as in `./Vendor/MSFT/VPNv2`.
    pub name: String,
    /// `URI` elements, no path twice.
    pub uris: Vec<Uri>,
}

/// `URI`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// `path` below the CSP's root.
    pub path: String,
    /// `type`, in any case.
    pub format: Option<Format>,
    /// The value, as it is.
    pub value: Secret,
}

/// `DSC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsc {
    /// `namespace` of the provider.
    pub namespace: String,
    /// `className`.
    pub class: String,
    /// `Key` elements: which resource.
    pub keys: Vec<Parameter>,
    /// `Value` elements: what is wanted of it, or asked for.
    pub values: Vec<Parameter>,
}

/// `Key` or `Value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `name`.
    pub name: String,
    /// The value; empty where it is asked for.
    pub value: Secret,
}

/// `Property` of `ReflectedProperties`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// `name`.
    pub name: String,
    /// `type`.
    pub format: Option<Format>,
    /// The value.
    pub value: Secret,
}

impl Document {
    /// Reads a document as strictly as a device has to: it must say all of itself, and values that are markup must be
    /// escaped. Whether it is in the right place is for the caller to see.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = xml::parse_embedded(text)?;
        let root = Element::root(&document);
        if root.name() != "DeclaredConfiguration" {
            return Err(Error::Value("DeclaredConfiguration"));
        }
        if root.attribute("schema") != Some(SCHEMA) {
            return Err(Error::Value("schema"));
        }
        check_size(root, MAX_PARTS)?;
        let is_known = |child: Element<'_>| ["CSP", "DSC", "ReflectedProperties"].contains(&child.name());
        if !root.children().all(is_known) {
            return Err(Error::Value("DeclaredConfiguration"));
        }
        let reflected = match root.find("ReflectedProperties")? {
            Some(properties) => read_all(properties, "Property", Property::read)?,
            None => Vec::new(),
        };
        check_names(reflected.iter().map(|property| &property.name), "Property")?;
        Ok(Self {
            scope: context(root)?.ok_or(Error::Missing("context"))?,
            id: id(root)?,
            checksum: need_label(root, "checksum", MAX_LABEL)?,
            scenario: need_label(root, "osdefinedscenario", MAX_LABEL)?,
            reflected,
            body: Body::read(root, Csp::read, Dsc::read)?,
        })
    }

    /// Writes the document, in the same octets for the same content.
    pub fn to_xml(&self) -> Result<String, Unwritable> {
        let attributes = [
            ("schema", SCHEMA),
            ("context", context_name(self.scope)),
            ("id", self.id.as_str()),
            ("checksum", &self.checksum),
            ("osdefinedscenario", &self.scenario),
        ];
        Writer::text_document(|xml| {
            xml.element("DeclaredConfiguration", &attributes, |xml| {
                if !self.reflected.is_empty() {
                    xml.element("ReflectedProperties", &[], |xml| {
                        for property in &self.reflected {
                            property.write(xml);
                        }
                    });
                }
                self.body.write(xml, Csp::write, Dsc::write);
            });
        })
    }
}

impl<C, D> Body<C, D> {
    /// Reads the `CSP`, or the `DSC`, elements in `root`.
    pub(super) fn read(
        root: Element<'_>,
        csp: impl Fn(Element<'_>) -> Result<C, Error>,
        dsc: impl Fn(Element<'_>) -> Result<D, Error>,
    ) -> Result<Self, Error> {
        let csps = read_all(root, "CSP", csp)?;
        let dscs = read_all(root, "DSC", dsc)?;
        match (csps.is_empty(), dscs.is_empty()) {
            (_, true) => Ok(Self::Csp(csps)),
            (true, false) => Ok(Self::Dsc(dscs)),
            (false, false) => Err(Error::Value("CSP beside DSC")),
        }
    }

    pub(super) fn write(
        &self,
        xml: &mut Writer,
        csp: impl Fn(&C, &mut Writer),
        dsc: impl Fn(&D, &mut Writer),
    ) {
        match self {
            Self::Csp(csps) => csps.iter().for_each(|one| csp(one, xml)),
            Self::Dsc(dscs) => dscs.iter().for_each(|one| dsc(one, xml)),
        }
    }
}

/// What the elements of that name in `element` say.
pub(super) fn read_all<T>(
    element: Element<'_>,
    name: &str,
    read: impl Fn(Element<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    element.all(name).map(read).collect()
}

/// The value of a setting. Markup that is not escaped is refused.
fn value(element: Element<'_>) -> Result<Secret, Error> {
    element.text("a value").map(Secret::new)
}

impl Csp {
    fn read(csp: Element<'_>) -> Result<Self, Error> {
        let uris = read_all(csp, "URI", |uri| {
            Ok(Uri {
                path: need_label(uri, "path", MAX_PATH)?,
                format: format(uri)?,
                value: value(uri)?,
            })
        })?;
        check_names(uris.iter().map(|uri| &uri.path), "URI")?;
        Ok(Self {
            name: need_label(csp, "name", MAX_PATH)?,
            uris,
        })
    }

    fn write(&self, xml: &mut Writer) {
        xml.element("CSP", &[("name", &self.name)], |xml| {
            for uri in &self.uris {
                let attributes = [
                    ("path", Some(uri.path.as_str())),
                    ("type", uri.format.as_ref().map(Format::as_str)),
                ];
                write_value(xml, "URI", &attributes, &uri.value);
            }
        });
    }
}

impl Dsc {
    fn read(dsc: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            namespace: need_label(dsc, "namespace", MAX_PATH)?,
            class: class_name(dsc)?,
            keys: Parameter::read_all(dsc, "Key")?,
            values: Parameter::read_all(dsc, "Value")?,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let attributes = [("namespace", self.namespace.as_str()), ("className", &self.class)];
        xml.element("DSC", &attributes, |xml| {
            Parameter::write_all(&self.keys, xml, "Key");
            Parameter::write_all(&self.values, xml, "Value");
        });
    }
}

impl Parameter {
    /// Reads the elements of that name in `dsc`.
    pub(super) fn read_all(dsc: Element<'_>, name: &'static str) -> Result<Vec<Self>, Error> {
        let parameters = read_all(dsc, name, |parameter| {
            Ok(Self {
                name: need_label(parameter, "name", MAX_PATH)?,
                value: value(parameter)?,
            })
        })?;
        check_names(parameters.iter().map(|parameter| &parameter.name), name)?;
        Ok(parameters)
    }

    pub(super) fn write_all(parameters: &[Self], xml: &mut Writer, name: &str) {
        for parameter in parameters {
            write_value(xml, name, &[("name", Some(&parameter.name))], &parameter.value);
        }
    }
}

impl Property {
    fn read(property: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            name: need_label(property, "name", MAX_PATH)?,
            format: format(property)?,
            value: value(property)?,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let attributes = [
            ("name", Some(self.name.as_str())),
            ("type", self.format.as_ref().map(Format::as_str)),
        ];
        write_value(xml, "Property", &attributes, &self.value);
    }
}
