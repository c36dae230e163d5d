//! Templates (`BulkTemplate`): documents whose paths and values have placeholders, `@#name#`, which a device fills in once
//! for each instance.

use std::collections::BTreeMap;

use ordain_catalog::windows::Request;

use super::super::settings::Wanted;
use super::Document;

/// What one instance has for the placeholders, by their names.
pub type Instance = BTreeMap<String, Wanted>;

/// A piece of a text of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it is.
    Text(&'a str),
    /// The name of a placeholder.
    Placeholder(&'a str),
}

/// Why a text is not filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFilledIn {
    /// A placeholder begins in it, and does not end.
    #[error("a placeholder has no end")]
    Unclosed,
    /// There is nothing for one of them.
    #[error("a placeholder has no value")]
    Undefined,
    /// What comes of it is longer than it may be.
    #[error("it is too long when it is filled in")]
    TooLong,
}

/// `text`, a path or a value of a template, in its pieces.
///
/// # Errors
/// When a placeholder in it has no end.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, NotFilledIn> {
    let mut parts = text.split("@#");
    let mut pieces = vec![Piece::Text(parts.next().unwrap_or_default())];
    for part in parts {
        let (name, rest) = part.split_once('#').ok_or(NotFilledIn::Unclosed)?;
        pieces.extend([Piece::Placeholder(name), Piece::Text(rest)]);
    }
    Ok(pieces)
}

/// `text` with what `value` has for its placeholders, in at most so many octets. What is filled in is not looked through
/// again.
///
/// # Errors
/// When it cannot be.
pub fn fill_in(
    text: &str,
    most: usize,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, NotFilledIn> {
    let mut filled = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Placeholder(name) => filled.push_str(&value(name).ok_or(NotFilledIn::Undefined)?),
        }
        if filled.len() > most {
            return Err(NotFilledIn::TooLong);
        }
    }
    Ok(filled)
}

/// The longest path that is made, in octets: devices tell none that is longer.
const MAX_PATH: usize = 4096;

impl Document {
    /// The CSP and the path below it of each node that it names; of a template those of each instance. What cannot be filled
    /// in stays as it is written.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, String)> {
        let as_it_is = (self.request != Request::BulkTemplate).then_some(None);
        let instances = as_it_is.into_iter().chain(self.instances.iter().map(Some));
        instances.flat_map(|instance| {
            let uris = self
                .csp
                .iter()
                .flat_map(|csp| csp.settings.iter().map(|uri| (&*csp.name, &*uri.path)));
            uris.map(move |(csp, path)| {
                let filled = instance.and_then(|instance| {
                    fill_in(path, MAX_PATH, |name| instance.get(name).map(Wanted::text)).ok()
                });
                (csp, filled.unwrap_or_else(|| path.to_owned()))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_template_names_the_nodes_of_each_instance() {
        let nodes = |request: &str, instances: &Value| {
            let payload = json!({"scenario": "A", "scope": "system", "request": request, "instances": instances,
                "csp": [{"name": "./A", "settings": [{"path": "@#a#/B"}, {"path": "@#c#/B"}]}]});
            let document = Document::from_payload(payload.as_object().unwrap()).unwrap();
            let nodes = document.nodes().map(|(csp, path)| format!("{csp}/{path}"));
            nodes.collect::<Vec<String>>()
        };
        assert_eq!(
            nodes("BulkTemplate", &json!([{"a": "1"}, {"a": "2"}])),
            ["./A/1/B", "./A/@#c#/B", "./A/2/B", "./A/@#c#/B"]
        );
        assert_eq!(nodes("Complete", &json!([])), ["./A/@#a#/B", "./A/@#c#/B"]);
    }

    #[test]
    fn placeholders_are_filled_in() {
        let value = |name: &str| match name {
            "thumb" => Some("A1".to_owned()),
            "other" => Some("@#thumb#".to_owned()),
            _ => None,
        };
        for (text, filled) in [
            ("SCEP/@#thumb#/Install", Ok("SCEP/A1/Install")),
            ("@#thumb#@#thumb#", Ok("A1A1")),
            ("@#other#", Ok("@#thumb#")),
            ("#@thumb# @ #", Ok("#@thumb# @ #")),
            ("", Ok("")),
            ("@#thumb", Err(NotFilledIn::Unclosed)),
            ("@#@#thumb#", Err(NotFilledIn::Unclosed)),
            ("@#nobody#", Err(NotFilledIn::Undefined)),
            ("@##", Err(NotFilledIn::Undefined)),
            ("@#thumb#@#other#@#other#", Err(NotFilledIn::TooLong)),
        ] {
            let is = fill_in(text, 15, value);
            assert_eq!(is.as_deref().map_err(|error| *error), filled, "{text}");
        }
    }
}
