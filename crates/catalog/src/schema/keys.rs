//! Keys, and what their values must be.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Problem;
use super::reader::Reader;
use super::support::{Stated, support};
use super::yaml::Value;
use crate::{Elements, Format, ITEM, Key, Keys, Kind, MAX_DEPTH, Range, Shape, Target};

/// How the key begins that stands for any.
const ANY_KEY: &str = "ANY";

/// What a key takes of memory beside texts, and what it does when its support differs, in octets: estimates.
const KEY_OCTETS: usize = size_of::<Key>() + 100;
const SUPPORT_OCTETS: usize = 3_000;

/// What holds a key.
pub(super) struct Holder<'d> {
    /// The list of the keys in it.
    subkeys: usize,
    type_word: &'d str,
}

/// What holds a key, outermost first.
pub(super) type Holders<'d> = Vec<Holder<'d>>;

impl Reader<'_> {
    /// The dictionary whose keys a file lists as its payload's.
    pub(super) fn dictionary_of(&mut self, root: Value<'_>, stated: &Stated) -> Result<Shape, Problem> {
        let subkeys = self.required(root.get("payloadkeys"), "payloadkeys")?;
        self.dictionary(subkeys, stated, &mut Vec::new())
    }

    /// The keys that a file lists; none when it has no such list.
    pub(super) fn keys_of(&mut self, root: Value<'_>, list: &str, stated: &Stated) -> Result<Keys, Problem> {
        match root.get(list) {
            Some(subkeys) => self.keys(subkeys, stated, &mut Vec::new()),
            None => Ok(Keys::new()),
        }
    }

    fn keys<'d>(
        &mut self,
        subkeys: Value<'d>,
        inherited: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Keys, Problem> {
        let list = subkeys.list().ok_or_else(|| self.problem("keys are no list"))?;
        let mut keys = Keys::new();
        for subkey in list {
            let name = self.name(subkey, "key")?.to_owned();
            self.at.push(name.clone());
            let key = self.key(subkey, inherited, holders)?;
            if keys.insert(name, key).is_some() {
                return Err(self.problem("there twice"));
            }
            self.at.pop();
        }
        Ok(keys)
    }

    /// A key, or the elements of an array. The name is the caller's affair.
    pub(super) fn key<'d>(
        &mut self,
        key: Value<'d>,
        inherited: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Key, Problem> {
        self.spend(KEY_OCTETS)?;
        if holders.len() == MAX_DEPTH {
            return Err(self.problem("nested too deep"));
        }
        let own = match key.get("supportedOS") {
            Some(_) => Some(self.stated(key, inherited)?),
            None => None,
        };
        let shape = self.shape(key, own.as_ref().unwrap_or(inherited), holders)?;
        let differing = own.as_ref().map(support);
        let differing = differing.filter(|support_of_key| *support_of_key != support(inherited));
        self.spend(differing.as_ref().map_or(0, |_| SUPPORT_OCTETS))?;
        Ok(Key {
            required: self.is_required(key)?,
            default: self.default(key, &shape)?,
            combine: self.word(key, "combinetype")?,
            refers: self.refers(key, &shape)?,
            support: differing,
            shape,
        })
    }

    fn is_required(&mut self, key: Value<'_>) -> Result<bool, Problem> {
        match self.text(key, "presence")? {
            Some("required") => Ok(true),
            Some("optional") | None => Ok(false),
            Some(other) => {
                self.note(format_args!("{other} is no known presence"));
                Ok(false)
            }
        }
    }

    fn shape<'d>(
        &mut self,
        key: Value<'d>,
        stated: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Shape, Problem> {
        let type_word = self.name(key, "type")?;
        let shape = match in_brackets(type_word) {
            Some("any") => Shape::Any,
            Some("boolean") => Shape::Boolean,
            Some("data") => Shape::Data,
            Some("date") => Shape::Date,
            Some(holding @ ("array" | "dictionary")) => self.holding(key, holding, stated, holders)?,
            Some("integer") => Shape::Integer {
                allowed: self.list(key, "rangelist", Value::integer)?.unwrap_or_default(),
                range: self.range(key.get("range"), Value::integer)?,
            },
            Some("real") => Shape::Real {
                allowed: self.list(key, "rangelist", Value::number)?.unwrap_or_default(),
                range: self.range(key.get("range"), Value::number)?,
            },
            Some("string") => Shape::String {
                allowed: self.strings(key)?,
                pattern: self.text(key, "format")?.map(str::to_owned),
                format: self.format(key)?,
            },
            Some(other) => {
                self.note(format_args!("{other} is no known type"));
                Shape::Any
            }
            None => return Err(self.problem(format_args!("{type_word} is no type"))),
        };
        let is_number = matches!(shape, Shape::Integer { .. } | Shape::Real { .. });
        let is_string = matches!(shape, Shape::String { .. });
        for (limit, has) in [
            ("rangelist", is_number || is_string),
            ("range", is_number),
            ("format", is_string),
        ] {
            if !has && key.get(limit).is_some() {
                self.note(format_args!("no {limit} is known of {shape}"));
            }
        }
        Ok(shape)
    }

    /// An array or a dictionary.
    fn holding<'d>(
        &mut self,
        key: Value<'d>,
        type_word: &'d str,
        stated: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Shape, Problem> {
        let is_array = type_word == "array";
        let Some(subkeys) = key.get("subkeys") else {
            return Ok(if is_array {
                Shape::array_of(Shape::Any)
            } else {
                Shape::any_dictionary()
            });
        };
        let above = holders
            .iter()
            .rev()
            .zip(1..)
            .find(|(holder, _)| holder.subkeys == subkeys.id());
        match above {
            Some((holder, steps)) if holder.type_word == type_word => Ok(Shape::Above(steps)),
            Some(_) => Err(self.problem("the keys of another type, within themselves")),
            None if is_array => self.array(key, subkeys, stated, holders),
            None => self.dictionary(subkeys, stated, holders),
        }
    }

    /// A dictionary; of any keys when the only one stands for any.
    fn dictionary<'d>(
        &mut self,
        subkeys: Value<'d>,
        stated: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Shape, Problem> {
        holders.push(Holder {
            subkeys: subkeys.id(),
            type_word: "dictionary",
        });
        let mut keys = self.keys(subkeys, stated, holders)?;
        holders.pop();
        let any = keys.keys().find(|name| name.starts_with(ANY_KEY)).cloned();
        let any = any.and_then(|name| keys.remove(&name));
        match any {
            Some(any) if keys.is_empty() => Ok(Shape::Map(Box::new(any))),
            Some(_) => Err(self.problem("any key beside others")),
            None => Ok(Shape::Dictionary(keys)),
        }
    }

    fn array<'d>(
        &mut self,
        key: Value<'d>,
        subkeys: Value<'d>,
        stated: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Shape, Problem> {
        holders.push(Holder {
            subkeys: subkeys.id(),
            type_word: "array",
        });
        let elements: Vec<Value<'d>> = subkeys.list().into_iter().flatten().collect();
        let said = |value: &Value<'d>| value.get("repetition");
        let count = elements.iter().find_map(said).or_else(|| said(&key));
        let count = self.range(count, |value| value.integer()?.try_into().ok())?;
        let elements = if let [element] = elements.as_slice() {
            let element = self.element(*element, stated, holders)?;
            Elements::Alike(Box::new(element))
        } else {
            self.by_item(&elements, stated, holders)?
        };
        holders.pop();
        Ok(Shape::Array { elements, count })
    }

    fn element<'d>(
        &mut self,
        element: Value<'d>,
        stated: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Key, Problem> {
        let name = self.text(element, "key")?.unwrap_or_default();
        self.at.push(name.to_owned());
        let element = self.key(element, stated, holders)?;
        self.at.pop();
        Ok(Key {
            required: false,
            ..element
        })
    }

    /// Elements of several sorts are dictionaries told apart by their [`ITEM`]. Where it is not among the keys, it is the
    /// name of the sort.
    fn by_item<'d>(
        &mut self,
        sorts: &[Value<'d>],
        stated: &Stated,
        holders: &mut Holders<'d>,
    ) -> Result<Elements, Problem> {
        let mut forms = BTreeMap::new();
        for &sort in sorts {
            let mut form = self.element(sort, stated, holders)?;
            let Shape::Dictionary(keys) = &mut form.shape else {
                return Err(self.problem("elements of several types"));
            };
            let item = keys.remove(ITEM).map(|item| item.shape.allowed());
            let item = match item.as_deref() {
                Some([item]) => item.clone(),
                Some(_) => return Err(self.problem(format_args!("{ITEM} has not one value"))),
                None => self.name(sort, "key")?.to_owned(),
            };
            if forms.insert(item, form).is_some() {
                return Err(self.problem(format_args!("an {ITEM} is there twice")));
            }
        }
        Ok(Elements::ByItem(forms))
    }

    /// The strings allowed: a list of them, or subkeys, each with a string's name.
    fn strings(&mut self, key: Value<'_>) -> Result<Vec<String>, Problem> {
        let mut allowed: Vec<String> = self.texts(key, "rangelist")?;
        for value in key.get("subkeys").and_then(Value::list).into_iter().flatten() {
            allowed.push(self.name(value, "key")?.to_owned());
        }
        Ok(allowed)
    }

    fn format(&mut self, key: Value<'_>) -> Result<Option<Format>, Problem> {
        let name = if key.get("valuetype").is_some() {
            "valuetype"
        } else {
            "subtype"
        };
        let word = self.text(key, name)?;
        Ok(word.and_then(|word| self.known(in_brackets(word).unwrap_or(word))))
    }

    fn range<'d, T>(
        &self,
        range: Option<Value<'d>>,
        read: impl Fn(Value<'d>) -> Option<T>,
    ) -> Result<Range<T>, Problem> {
        let bound = |key| {
            let Some(value) = range.and_then(|range| range.get(key)) else {
                return Ok(None);
            };
            let bound = read(value);
            bound
                .map(Some)
                .ok_or_else(|| self.problem(format_args!("{key} is no bound for it")))
        };
        Ok(Range {
            min: bound("min")?,
            max: bound("max")?,
        })
    }

    fn default(&mut self, key: Value<'_>, shape: &Shape) -> Result<Option<Json>, Problem> {
        let Some(value) = key.get("default") else {
            return Ok(None);
        };
        let default = match shape {
            Shape::Boolean => value.boolean().map(Json::from),
            Shape::Integer { .. } => value.integer().map(Json::from),
            Shape::Real { .. } => value.number().map(Json::from),
            Shape::Data | Shape::Date | Shape::String { .. } => self.text(key, "default")?.map(Json::from),
            _ => {
                self.note(format_args!("no default is known of {shape}"));
                return Ok(None);
            }
        };
        match default {
            Some(_) => Ok(default),
            None => Err(self.problem("default is of another type")),
        }
    }

    /// The assets that the value names. Media types without types of assets are those of an asset's own data.
    fn refers(&mut self, key: Value<'_>, shape: &Shape) -> Result<Option<Target>, Problem> {
        let content_types = self.texts(key, "asset-content-types")?;
        if key.get("assettypes").is_none() {
            self.content_types.extend(content_types);
            return Ok(None);
        }
        let types: Vec<String> = self.texts(key, "assettypes")?;
        if let Some(other) = types.iter().find(|name| Kind::of_type(name) != Some(Kind::Asset)) {
            return Err(self.problem(format_args!("{other} is no asset type")));
        }
        let names = match shape {
            Shape::Array {
                elements: Elements::Alike(element),
                ..
            } => &element.shape,
            other => other,
        };
        if !matches!(names, Shape::String { .. }) {
            return Err(self.problem(format_args!("a reference of type {shape}")));
        }
        Ok(Some(Target {
            kind: Kind::Asset,
            types: types.into_iter().collect(),
            content_types,
        }))
    }
}

fn in_brackets(word: &str) -> Option<&str> {
    word.strip_prefix('<')?.strip_suffix('>')
}
