//! `Item` and `Meta`: what a command is about.

use crate::binary;
use crate::xml::{Element, Error, Writer};

use super::{Location, METINF};

/// `Item`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// `Target`: the node that a command is for.
    pub target: Option<Location>,
    /// `Source`: the node that results, or an alert, are from.
    pub source: Option<Location>,
    /// `Meta`. What a command's own `Meta` says is in its items', where those do not say it.
    pub meta: Meta,
    /// `Data`: text as it is, white space included. Markup, which devices and servers also put here without escaping
    /// it, is read as its source without the white space around it.
    pub data: Option<String>,
    /// Whether to write the data as the markup that they are, as devices write their lists of documents. It means the
    /// same as if they were escaped, so what is read never has it.
    pub markup: bool,
    /// `MoreData`: the data goes on in the next message.
    pub more_data: bool,
}

/// `Meta`: what is known of data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta {
    /// `Format`.
    pub format: Option<Format>,
    /// `Type`: a media type, a kind of alert, or a kind of credential.
    pub kind: Option<String>,
    /// `Mark`: how important an alert is.
    pub mark: Option<String>,
    /// `Size`, in octets, of data that comes in several messages.
    pub size: Option<u64>,
    /// `NextNonce`.
    pub next_nonce: Option<Vec<u8>>,
    /// `MaxMsgSize`: the longest message that the sender takes, in octets.
    pub max_message_size: Option<u64>,
    /// `MaxObjSize`: the longest data that the sender takes, in octets.
    pub max_object_size: Option<u64>,
}

/// `Format` of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// `chr`: text.
    Chr,
    /// `int`: a number.
    Int,
    /// `bool`: `true` or `false`.
    Bool,
    /// `b64`: octets in base64.
    B64,
    /// `bin`: octets.
    Bin,
    /// `xml`.
    Xml,
    /// `null`: nothing.
    Null,
    /// `node`: an interior node, whose data are the names of its children.
    Node,
    /// `float`.
    Float,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// Something else.
    Other(String),
}

impl Format {
    pub(crate) fn from_text(text: String) -> Self {
        match text.as_str() {
            "chr" => Self::Chr,
            "int" => Self::Int,
            "bool" => Self::Bool,
            "b64" => Self::B64,
            "bin" => Self::Bin,
            "xml" => Self::Xml,
            "null" => Self::Null,
            "node" => Self::Node,
            "float" => Self::Float,
            "date" => Self::Date,
            "time" => Self::Time,
            _ => Self::Other(text),
        }
    }

    /// Its name in messages.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Chr => "chr",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::B64 => "b64",
            Self::Bin => "bin",
            Self::Xml => "xml",
            Self::Null => "null",
            Self::Node => "node",
            Self::Float => "float",
            Self::Date => "date",
            Self::Time => "time",
            Self::Other(text) => text,
        }
    }
}

impl Item {
    /// An item that names the node of a command.
    pub fn to(uri: impl Into<String>) -> Self {
        Self {
            target: Some(Location::new(uri)),
            ..Self::default()
        }
    }

    /// An item that tells where its data are from.
    pub fn from(uri: impl Into<String>) -> Self {
        Self {
            source: Some(Location::new(uri)),
            ..Self::default()
        }
    }

    /// The item with data.
    pub fn with(mut self, format: Format, data: impl Into<String>) -> Self {
        self.meta.format = Some(format);
        self.data = Some(data.into());
        self
    }

    /// The item with data that are to be written as markup: whole elements.
    pub fn with_markup(mut self, data: impl Into<String>) -> Self {
        self.data = Some(data.into());
        self.markup = true;
        self
    }

    /// Reads the items of a command.
    pub(super) fn read_all(command: Element<'_>) -> Result<Vec<Self>, Error> {
        let common = Meta::of(command)?;
        command
            .all("Item")
            .map(|item| Self::read(item, &common))
            .collect()
    }

    fn read(item: Element<'_>, common: &Meta) -> Result<Self, Error> {
        let mut meta = Meta::of(item)?.or(common);
        // Some published alerts have it outside.
        if meta.kind.is_none() {
            meta.kind = item.optional_text_of("Type")?;
        }
        Ok(Self {
            target: item.find("Target")?.map(Location::read).transpose()?,
            source: item.find("Source")?.map(Location::read).transpose()?,
            meta,
            data: item.find("Data")?.map(Element::text_or_markup),
            markup: false,
            more_data: item.find("MoreData")?.is_some(),
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        xml.element("Item", &[], |xml| {
            if let Some(target) = &self.target {
                target.write(xml, "Target");
            }
            if let Some(source) = &self.source {
                source.write(xml, "Source");
            }
            self.meta.write(xml);
            match &self.data {
                Some(markup) if self.markup => xml.markup("Data", markup),
                text => xml.optional_text("Data", text.as_deref()),
            }
            if self.more_data {
                xml.empty("MoreData", &[]);
            }
        });
    }
}

impl Meta {
    /// The `Meta` in `element`; an empty one if there is none.
    pub(super) fn of(element: Element<'_>) -> Result<Self, Error> {
        let Some(meta) = element.find("Meta")? else {
            return Ok(Self::default());
        };
        let nonce = meta.optional_text_of("NextNonce")?;
        let nonce = nonce.map(|text| binary::decode(text.as_bytes()).ok_or(Error::Value("NextNonce")));
        Ok(Self {
            format: meta.optional_text_of("Format")?.map(Format::from_text),
            kind: meta.optional_text_of("Type")?,
            mark: meta.optional_text_of("Mark")?,
            size: meta.optional_value_of("Size")?,
            next_nonce: nonce.transpose()?,
            max_message_size: meta.optional_value_of("MaxMsgSize")?,
            max_object_size: meta.optional_value_of("MaxObjSize")?,
        })
    }

    /// This one, with what only `common` says.
    fn or(self, common: &Self) -> Self {
        Self {
            format: self.format.or_else(|| common.format.clone()),
            kind: self.kind.or_else(|| common.kind.clone()),
            mark: self.mark.or_else(|| common.mark.clone()),
            size: self.size.or(common.size),
            next_nonce: self.next_nonce.or_else(|| common.next_nonce.clone()),
            max_message_size: self.max_message_size.or(common.max_message_size),
            max_object_size: self.max_object_size.or(common.max_object_size),
        }
    }

    /// Writes it, unless it is empty.
    pub(super) fn write(&self, xml: &mut Writer) {
        let nonce = self.next_nonce.as_deref().map(binary::encode);
        let [size, message, object] = [self.size, self.max_message_size, self.max_object_size]
            .map(|size| size.map(|size| size.to_string()));
        let parts = [
            ("Format", self.format.as_ref().map(Format::as_str)),
            ("Type", self.kind.as_deref()),
            ("Mark", self.mark.as_deref()),
            ("Size", size.as_deref()),
            ("NextNonce", nonce.as_deref()),
            ("MaxMsgSize", message.as_deref()),
            ("MaxObjSize", object.as_deref()),
        ];
        if parts.iter().all(|(_, text)| text.is_none()) {
            return;
        }
        xml.element("Meta", &[], |xml| {
            for (name, text) in parts {
                if let Some(text) = text {
                    xml.text_with(name, &[("xmlns", METINF)], text);
                }
            }
        });
    }
}
