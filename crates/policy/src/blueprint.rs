//! `blueprints/`: which declarations are for which groups.

use std::collections::{BTreeMap, BTreeSet};

use ordain_model::wish::{ALL, Blueprint, Group};

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::fields::{Fields, Text};
use crate::group;
use crate::problem::quoted;
use crate::tree::{Node, Value};

impl Compiler<'_> {
    /// Reads a file of `blueprints/`; what it names has been read.
    pub(crate) fn read_blueprint<'a>(
        &mut self,
        file: &'a Node,
        groups: &BTreeMap<String, Group>,
        drafts: &BTreeMap<String, Draft<'_>>,
    ) -> Option<(Text<'a>, Blueprint)> {
        let keys = ["name", "description", "include", "exclude", "declarations"];
        let fields = Fields::of(file, &keys, &mut self.problems)?;
        let include = fields.required_texts("include", &mut self.problems);
        if let Some(list) = fields
            .get("include")
            .filter(|list| list.value == Value::List(Vec::new()))
        {
            let message = format!(
                "`include` is empty, so that no device would have this; `{ALL}` includes every device"
            );
            self.problems.error(list.place, message);
        }
        let exclude = fields.texts("exclude", &mut self.problems);
        for name in include
            .iter()
            .chain(&exclude)
            .filter(|name| name.text != ALL && !groups.contains_key(name.text))
        {
            let known = groups.keys().map(String::as_str).chain([ALL]);
            let message = format!("there is no group {}", quoted(name.text));
            self.problems.unknown(name.place, message, name.text, known);
        }
        let declarations = fields.required_texts("declarations", &mut self.problems);
        for name in declarations.iter().filter(|name| !drafts.contains_key(name.text)) {
            let known = drafts.keys().map(String::as_str);
            let message = format!("there is no declaration {}", quoted(name.text));
            self.problems.unknown(name.place, message, name.text, known);
        }
        self.listed
            .extend(declarations.iter().map(|name| (name.text.to_owned(), name.place)));
        let owned = |names: Vec<Text<'_>>| -> BTreeSet<String> {
            names.into_iter().map(|name| name.text.to_owned()).collect()
        };
        let blueprint = Blueprint {
            description: fields
                .text("description", &mut self.problems)
                .map(|text| text.text.to_owned()),
            include: owned(include),
            exclude: owned(exclude),
            declarations: owned(declarations),
        };
        Some((group::name(fields, &mut self.problems)?, blueprint))
    }
}
