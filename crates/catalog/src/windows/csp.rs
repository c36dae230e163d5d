//! Configuration service providers, and what is known of their nodes.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::{Needs, Stated};
use crate::{Scope, Shape};

/// A configuration service provider: a tree of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csp {
    /// Its root without a scope, as documents of declared configuration name it: `./Vendor/MSFT/BitLocker`, `./DevInfo`.
    pub name: String,
    /// Its root.
    pub root: Node,
}

impl Csp {
    /// Every node with its template, the root first, holders before what they hold:
    /// `./Vendor/MSFT/WiFi/Profile/{SSID}`.
    pub fn nodes(&self) -> Vec<(String, &Node)> {
        fn add<'a>(template: String, node: &'a Node, nodes: &mut Vec<(String, &'a Node)>) {
            let children = node.children.iter();
            let children: Vec<_> = children
                .map(|(name, child)| (format!("{template}/{name}"), child))
                .collect();
            nodes.push((template, node));
            for (template, child) in children {
                add(template, child, nodes);
            }
        }
        let mut nodes = Vec::new();
        add(self.name.clone(), &self.root, &mut nodes);
        nodes
    }
}

/// A node of a CSP. What is empty or `None` is not stated, and excludes nothing.
///
/// Scopes, needs, ways to change, and being unverified are those of the node that holds it unless it has its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The formats that its value may have.
    pub formats: BTreeSet<DataFormat>,
    /// The commands that it takes.
    pub verbs: BTreeSet<Verb>,
    /// Whether only a reboot makes a change effective.
    pub reboot: bool,
    /// Whether it was only seen or inferred: a device may not have it at all.
    pub unverified: bool,
    /// The scopes below which it is: the device's, and that of the user for whom a session runs.
    pub scopes: Stated<Scope>,
    /// What a device must be to have it.
    pub needs: Needs,
    /// How a value that may be there already is changed; [`Change::default`] where that is not stated.
    pub change: Option<Change>,
    /// What must be sent together.
    pub together: Option<Together>,
    /// What its own name must be, when that is a placeholder.
    pub named: Option<Shape>,
    /// What its value must be, when that is narrower than its format.
    pub value: Option<Shape>,
    /// What devices take when it is not there.
    pub default: Option<Value>,
    /// What numbers mean.
    pub meanings: BTreeMap<i64, String>,
    /// What a `Delete` does.
    pub removal: Option<Removal>,
    /// Whether its value may be gone, or not be shown, once it was set: what is secret or used up.
    pub hidden: bool,
    /// Where to read what came of it.
    pub outcome: Option<Outcome>,
    /// A value that it takes, where the shape does not lead to one.
    pub example: Option<String>,
    /// The nodes in it: by name, by placeholder (`{SSID}`, `SystemDrives{Setting}`), or `*` for any nodes at any depth.
    pub children: BTreeMap<String, Node>,
}

impl Node {
    /// Whether something can be set there, as far as is stated.
    pub fn can_be_set(&self) -> bool {
        let sets = |verb: &Verb| matches!(verb, Verb::Add | Verb::Replace);
        self.verbs.is_empty() || self.verbs.iter().any(sets)
    }

    /// Whether it takes this command, as far as is stated.
    pub fn takes(&self, verb: Verb) -> bool {
        self.verbs.is_empty() || self.verbs.contains(&verb)
    }

    /// How a value that may be there already is changed by commands that it takes; `None` when that cannot be done again
    /// and again.
    pub fn way_to_change(&self) -> Option<Change> {
        let [adds, deletes, replaces] = [Verb::Add, Verb::Delete, Verb::Replace].map(|verb| self.takes(verb));
        match self.change.unwrap_or_default() {
            Change::DeleteThenAdd if adds => Some(Change::DeleteThenAdd),
            Change::AddThenReplace if adds && replaces => Some(Change::AddThenReplace),
            _ if replaces => Some(Change::Replace),
            _ if adds && deletes => Some(Change::DeleteThenAdd),
            _ => None,
        }
    }
}

/// Where to read what came of setting a node, or of an `Exec` there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The node below the same CSP, with the same placeholders.
    pub path: String,
    /// The value of success; `None` where that cannot be told by a number.
    pub done: Option<i64>,
    /// The values while it goes on. Every other one is a failure, where `done` is stated.
    pub pending: BTreeSet<i64>,
}

/// The commands of OMA-DM that nodes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Makes a node that is not there: 418 when it is.
    Add,
    /// Takes a node away: 404 when it is not there.
    Delete,
    /// Does something.
    Exec,
    /// Asks for the value, or for the names of what is in the node.
    Get,
    /// Sets the value.
    Replace,
}

words!(Verb, "a command (Add, Delete, Exec, Get, Replace)", {
    Add => "Add",
    Delete => "Delete",
    Exec => "Exec",
    Get => "Get",
    Replace => "Replace",
});

impl Verb {
    /// Whether to send it again comes to the same: what a server may do that does not know whether it arrived.
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Self::Delete | Self::Get | Self::Replace)
    }

    /// Whether it carries a value.
    pub const fn sets(self) -> bool {
        matches!(self, Self::Add | Self::Replace)
    }
}

/// The format of a value, as `Meta/Format` names it (OMA DM, `syncml:metinf`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataFormat {
    /// Bytes in base64.
    B64,
    /// Bytes.
    Bin,
    /// `true` or `false`.
    Bool,
    /// A text.
    Chr,
    /// A date.
    Date,
    /// A number.
    Float,
    /// A whole number.
    Int,
    /// An interior node: no value.
    Node,
    /// No value.
    Null,
    /// A time.
    Time,
    /// A text that is XML.
    Xml,
}

words!(DataFormat, "a format (b64, bin, bool, chr, date, float, int, node, null, time, xml)", {
    B64 => "b64",
    Bin => "bin",
    Bool => "bool",
    Chr => "chr",
    Date => "date",
    Float => "float",
    Int => "int",
    Node => "node",
    Null => "null",
    Time => "time",
    Xml => "xml",
});

impl DataFormat {
    /// Whether there is no value.
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::Node | Self::Null)
    }

    /// The value that a text has in this format; `None` when it has none. Two texts say the same when their values are
    /// equal: `01` and `1` of format int do, of format chr they do not.
    pub fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Int if text.starts_with('+') => None,
            Self::Int => text.parse::<i64>().ok().map(Value::from),
            Self::Float => text.parse().ok().and_then(Number::from_f64).map(Value::from),
            Self::Bool => text.parse::<bool>().ok().map(Value::from),
            Self::Node | Self::Null => text.is_empty().then_some(Value::Null),
            Self::B64 => STANDARD.decode(text).is_ok().then(|| text.into()),
            Self::Bin | Self::Chr | Self::Date | Self::Time | Self::Xml => Some(text.into()),
        }
    }

    /// What a text of this format has to be.
    pub(crate) const fn described(self) -> &'static str {
        match self {
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Bool => "`true` or `false`",
            Self::B64 => "base64",
            Self::Node | Self::Null => "nothing",
            Self::Bin | Self::Chr | Self::Date | Self::Time | Self::Xml => "a text",
        }
    }
}

/// How a value that may be there already is changed. The default is what is right wherever nothing is stated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// `Replace`, which makes what is not there.
    Replace,
    /// `Add`; when that answers 418, `Replace`, which needs something to replace.
    #[default]
    AddThenReplace,
    /// `Delete`, then `Add`.
    DeleteThenAdd,
}

words!(Change, "a way to change (replace, add-then-replace, delete-then-add)", {
    Replace => "replace",
    AddThenReplace => "add-then-replace",
    DeleteThenAdd => "delete-then-add",
});

/// What nodes that are set together must share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Together {
    /// An `Atomic`.
    Atomic,
    /// A message.
    Message,
}

words!(Together, "what is sent together (atomic, message)", {
    Atomic => "atomic",
    Message => "message",
});

/// What a `Delete` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removal {
    /// What was set is gone, with all that is in the node.
    Removes,
    /// The default is in force again.
    Default,
    /// The policy is not configured.
    NotConfigured,
    /// Only the node goes: what it set stays on the device.
    Keeps,
    /// The software is uninstalled.
    Uninstalls,
    /// An empty value takes it away.
    EmptyValue,
}

words!(Removal, "what a Delete does", {
    Removes => "removes",
    Default => "default",
    NotConfigured => "not-configured",
    Keeps => "keeps",
    Uninstalls => "uninstalls",
    EmptyValue => "empty-value",
});

impl Removal {
    /// What it does, in a few words.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Removes => "what was set is gone",
            Self::Default => "the default is in force again",
            Self::NotConfigured => "the policy is not configured",
            Self::Keeps => "only the node goes: what it set stays on the device",
            Self::Uninstalls => "the software is uninstalled",
            Self::EmptyValue => "an empty value takes it away",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_values_of_their_format() {
        for (format, text, value) in [
            (DataFormat::Int, "-01", json!(-1)),
            (DataFormat::Int, "4294967295", json!(4_294_967_295_u32)),
            (DataFormat::Bool, "true", json!(true)),
            (DataFormat::Float, "1.50", json!(1.5)),
            (DataFormat::Chr, "01", json!("01")),
            (DataFormat::B64, "YQ==", json!("YQ==")),
            (DataFormat::Null, "", json!(null)),
        ] {
            assert_eq!(format.value(text), Some(value), "{format} {text}");
        }
        for (format, text) in [
            (DataFormat::Int, ""),
            (DataFormat::Int, " 1"),
            (DataFormat::Int, "+1"),
            (DataFormat::Int, "1.0"),
            (DataFormat::Int, "9223372036854775808"),
            (DataFormat::Bool, "True"),
            (DataFormat::Bool, "1"),
            (DataFormat::Float, "inf"),
            (DataFormat::B64, "YQ"),
            (DataFormat::Node, "x"),
        ] {
            assert_eq!(format.value(text), None, "{format} {text}");
        }
    }

    #[test]
    fn values_are_changed_by_what_nodes_take() {
        let way = |change: Option<Change>, verbs: &[Verb]| {
            let verbs = verbs.iter().copied().collect();
            let node = Node {
                verbs,
                change,
                ..Node::default()
            };
            node.way_to_change()
        };
        use Verb::{Add, Delete, Exec, Get, Replace};
        assert_eq!(way(None, &[]), Some(Change::AddThenReplace));
        assert_eq!(way(Some(Change::Replace), &[]), Some(Change::Replace));
        assert_eq!(way(None, &[Get, Replace]), Some(Change::Replace));
        assert_eq!(way(None, &[Add, Delete, Get]), Some(Change::DeleteThenAdd));
        assert_eq!(
            way(Some(Change::DeleteThenAdd), &[Get, Replace]),
            Some(Change::Replace)
        );
        assert_eq!(
            way(Some(Change::Replace), &[Add, Delete]),
            Some(Change::DeleteThenAdd)
        );
        assert_eq!(way(None, &[Add, Exec]), None);
        assert_eq!(way(None, &[Get]), None);
    }

    #[test]
    fn commands_that_do_something_each_time_are_told_apart() {
        let once: Vec<&Verb> = Verb::ALL.iter().filter(|verb| !verb.is_idempotent()).collect();
        assert_eq!(once, [&Verb::Add, &Verb::Exec]);
    }
}
