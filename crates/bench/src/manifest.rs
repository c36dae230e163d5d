//! What a device was told to hold, and reports of it: as JSON, in more than one order of the same content.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The lists of a manifest and of a report, and the word for each in paths.
const KINDS: [(&str, &str, &str); 4] = [
    ("Activations", "activations", "activation"),
    ("Assets", "assets", "asset"),
    ("Configurations", "configurations", "configuration"),
    ("Management", "management", "management"),
];

/// A manifest, as `declaration-items` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `DeclarationsToken`.
    pub token: String,
    /// The declarations: the list in reports, the word in paths, `Identifier`, `ServerToken`.
    pub items: Vec<Item>,
}

/// A declaration of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name of its list in reports.
    pub list: &'static str,
    /// Its endpoint.
    pub endpoint: String,
    /// `Identifier`.
    pub identifier: String,
    /// `ServerToken`.
    pub server_token: String,
}

impl Manifest {
    /// Reads the answer to `declaration-items`.
    pub fn read(body: &[u8]) -> Result<Self> {
        let answer: Value = serde_json::from_slice(body)?;
        let text = |value: &Value, key: &str| -> Result<String> {
            let text = value.get(key).and_then(Value::as_str);
            Ok(text.with_context(|| format!("no {key} in {value}"))?.to_owned())
        };
        let mut items = Vec::new();
        for (name, list, word) in KINDS {
            let found = answer.pointer(&format!("/Declarations/{name}"));
            for item in found.and_then(Value::as_array).context("a list is missing")? {
                let identifier = text(item, "Identifier")?;
                items.push(Item {
                    list,
                    endpoint: format!("declaration/{word}/{identifier}"),
                    server_token: text(item, "ServerToken")?,
                    identifier,
                });
            }
        }
        Ok(Self {
            token: text(&answer, "DeclarationsToken")?,
            items,
        })
    }

    /// A report that all of it is in force, and that `test.string-value` is `value`. Whoever asks for it `backwards`
    /// gets the same content in another order of keys and elements, and in other bytes.
    pub fn report(&self, value: &str, backwards: bool) -> String {
        let mut lists: Vec<String> = KINDS
            .iter()
            .map(|(_, list, _)| format!("{}:[{}]", json!(list), self.listed(list, backwards)))
            .collect();
        let value = json!(value);
        if backwards {
            lists.reverse();
            let lists = lists.join(" ,\n ");
            format!(
                "{{ \"Errors\" : [ ], \"StatusItems\" : {{ \"test\" : {{ \"string-value\" : {value} }},\n\
                 \"management\" : {{ \"declarations\" : {{ {lists} }} }} }} }}"
            )
        } else {
            let lists = lists.join(",");
            format!(
                "{{\"StatusItems\":{{\"management\":{{\"declarations\":{{{lists}}}}},\
                 \"test\":{{\"string-value\":{value}}}}},\"Errors\":[]}}"
            )
        }
    }

    fn listed(&self, list: &str, backwards: bool) -> String {
        // As twins have it: management declarations are never active.
        let active = list != "management";
        let mut items: Vec<String> = self
            .items
            .iter()
            .filter(|item| item.list == list)
            .map(|item| {
                let (identifier, token) = (json!(item.identifier), json!(item.server_token));
                if backwards {
                    format!(
                        "{{ \"valid\" : \"valid\", \"server-token\" : {token},\n\"identifier\" : {identifier}, \"active\" : {active} }}"
                    )
                } else {
                    format!(
                        "{{\"active\":{active},\"identifier\":{identifier},\"server-token\":{token},\"valid\":\"valid\"}}"
                    )
                }
            })
            .collect();
        if backwards {
            items.reverse();
        }
        items.join(",")
    }
}
