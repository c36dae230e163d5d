//! What payloads refer to: it has to be there, and of the right type.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Target;
use ordain_catalog::validate::accepts_content_type;

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::fields::Text;
use crate::problem::quoted;

impl Compiler<'_> {
    /// Checks every reference, and notes it in its draft.
    pub(crate) fn resolve_references(&mut self, drafts: &mut BTreeMap<String, Draft<'_>>) {
        let mut resolved: Vec<BTreeSet<String>> = Vec::new();
        for draft in drafts.values() {
            let payload = draft.payload.to_json();
            let found = draft
                .known()
                .map(|known| known.references_in(&payload))
                .unwrap_or_default();
            for found in &found {
                let place = draft
                    .payload
                    .pointer(&found.pointer)
                    .map_or(draft.place, |node| node.place);
                let name = Text {
                    text: found.identifier,
                    place,
                };
                self.check_reference(name, found.target, drafts);
            }
            resolved.push(found.iter().map(|found| found.identifier.to_owned()).collect());
        }
        for (draft, references) in drafts.values_mut().zip(resolved) {
            draft.references = references;
        }
    }

    fn check_reference(&mut self, name: Text<'_>, to: &Target, drafts: &BTreeMap<String, Draft<'_>>) {
        let Some(target) = drafts.get(name.text) else {
            let message = format!("there is no {} {}", to.kind, quoted(name.text));
            let fitting = drafts
                .values()
                .filter(|draft| draft.type_name().is_some_and(|name| to.accepts(name)));
            let known = fitting.map(|draft| draft.identifier.as_str());
            return self.problems.unknown(name.place, message, name.text, known);
        };
        let Some(type_name) = target.type_name().filter(|name| !to.accepts(name)) else {
            return self.check_content_type(name, to, target);
        };
        let wanted = match to
            .types
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" or ")
        {
            types if types.is_empty() => format!("{} is needed", with_article(to.kind.as_str())),
            types => format!("{types} is needed"),
        };
        let message = format!(
            "{} is a {} ({}); {wanted} here",
            quoted(name.text),
            type_name,
            self.problems.name(target.place)
        );
        self.problems.error(name.place, message);
    }

    fn check_content_type(&mut self, name: Text<'_>, to: &Target, target: &Draft<'_>) {
        let stated = target.payload.pointer("/Reference/ContentType");
        let Some(stated) = stated.and_then(|stated| stated.as_text()) else {
            return;
        };
        if !accepts_content_type(&to.content_types, stated) {
            let accepted: Vec<&str> = to.content_types.iter().map(String::as_str).collect();
            let message = format!(
                "the data of {} ({}) are {}; {} is needed here",
                quoted(name.text),
                self.problems.name(target.place),
                quoted(stated),
                accepted.join(" or ")
            );
            self.problems.error(name.place, message);
        }
    }
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with('a') { "an" } else { "a" };
    format!("{article} {kind}")
}
