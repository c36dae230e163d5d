//! F2.6 and F2.9: reading nodes, their children, structure and properties.

use std::collections::BTreeSet;

use ordain_catalog::windows::{DataFormat, Found, Node, Verb};
use ordain_windows::syncml::loc_uri::{LocUri, Scope};
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Format, Item, Meta};

use super::{Facts, Refusal, Tree, Value, joined, under};

/// The most nodes that one answer lists.
const MAX_LISTED: usize = 2000;

/// Whether a node of the catalog holds others, and no value.
pub(super) fn is_interior(node: &Node) -> bool {
    !node.children.is_empty() || node.formats.contains(&DataFormat::Node)
}

/// A tree with what the device says of itself.
pub(in crate::windows) struct Look<'a> {
    pub(in crate::windows) tree: &'a Tree,
    pub(in crate::windows) facts: &'a Facts,
}

impl Look<'_> {
    /// The value of a leaf; `None` when it is not there.
    pub(super) fn value(&self, uri: &LocUri, node: &Node) -> Option<Value> {
        if let Some(value) = self.tree.get(uri).filter(|value| value.format != Format::Node) {
            return Some(value.clone());
        }
        if let Some(config) = configured(uri) {
            let value = self.tree.get(&config).cloned();
            return value.filter(|_| !self.tree.ineffective.contains(&config));
        }
        if let Some(value) = self.facts.get(uri) {
            return Some(value.clone());
        }
        let names: Vec<_> = uri.segments.iter().map(String::as_str).collect();
        if let [.., "LinkedEnrollment", "DiscoveryEndpoint"] = *names {
            // It answers before it is set, too.
            return Some(Value::new(Format::Chr, ""));
        }
        let is_empty = !node.formats.is_empty() && node.formats.iter().all(|format| format.is_empty());
        (is_empty && !is_interior(node) && node.verbs.contains(&Verb::Get))
            .then(|| Value::new(Format::Null, ""))
    }

    /// Whether an interior node is there: those that every device has, and those that something is in.
    pub(super) fn has_interior(&self, found: &Found<'_>, uri: &LocUri) -> bool {
        found.bindings.is_empty()
            || self.is_explicit(uri)
            || !self
                .children(uri, found.node, found.bindings.is_empty())
                .is_empty()
    }

    fn is_explicit(&self, uri: &LocUri) -> bool {
        self.tree
            .get(uri)
            .is_some_and(|value| value.format == Format::Node)
    }

    /// The names of what is in an interior node. `is_fixed`: every device has the node.
    pub(super) fn children(&self, uri: &LocUri, node: &Node, is_fixed: bool) -> BTreeSet<String> {
        let depth = uri.segments.len();
        let name = |(one, _): (&LocUri, _)| one.segments.get(depth).cloned();
        let set = under(&self.tree.set.nodes, uri).map(|(uri, _)| (uri, ()));
        let facts = under(self.facts, uri).map(|(uri, _)| (uri, ()));
        let mut names: BTreeSet<String> = set.chain(facts).filter_map(name).collect();
        if let Some(config) = configured(uri) {
            let configured = under(&self.tree.set.nodes, &config);
            let in_force = configured.filter(|(uri, _)| !self.tree.ineffective.contains(*uri));
            names.extend(in_force.filter_map(|(uri, _)| uri.segments.get(depth).cloned()));
        }
        let is_literal = |name: &str| !name.contains('{') && name != "*";
        let always = |child: &Node| {
            let is_action = child.verbs.contains(&Verb::Exec) && !child.verbs.contains(&Verb::Add);
            is_interior(child) || is_action
        };
        let fixed = node.children.iter().filter(|_| is_fixed);
        let fixed = fixed.filter(|(name, child)| is_literal(name) && always(child));
        names.extend(fixed.map(|(name, _)| name.clone()));
        names
    }

    /// The answer to a `Get` of a node that is there.
    pub(super) fn get(
        &self,
        found: &Found<'_>,
        uri: &LocUri,
        query: Option<&str>,
    ) -> Result<Vec<Item>, Refusal> {
        match query {
            None => {
                let value = self.read(found, uri)?;
                Ok(vec![item(uri.to_string(), value)])
            }
            Some("list=StructData") => self.structure(found, uri, true),
            Some("list=Struct") => self.structure(found, uri, false),
            Some(query) => {
                let value = self.read(found, uri)?;
                let property = property(uri, &value, query.strip_prefix("prop="))?;
                Ok(vec![item(
                    format!("{uri}?{query}"),
                    Value::new(Format::Chr, property),
                )])
            }
        }
    }

    /// The value of a node that is there.
    pub(in crate::windows) fn read(&self, found: &Found<'_>, uri: &LocUri) -> Result<Value, Refusal> {
        if let Some(value) = self.value(uri, found.node) {
            return Ok(value);
        }
        if (is_interior(found.node) || self.is_explicit(uri)) && self.has_interior(found, uri) {
            let names = self.children(uri, found.node, found.bindings.is_empty());
            return Ok(Value::new(Format::Node, joined(names.iter().map(String::as_str))));
        }
        Err(Refusal::missing())
    }

    /// The node and all that is in it: interior nodes first.
    fn structure(&self, found: &Found<'_>, uri: &LocUri, with_data: bool) -> Result<Vec<Item>, Refusal> {
        self.read(found, uri)?;
        let (mut items, mut waiting) = (Vec::new(), vec![uri.clone()]);
        while let Some(uri) = waiting.pop() {
            if items.len() == MAX_LISTED {
                return Err(Refusal::of(StatusCode::TOO_LARGE));
            }
            let Ok(found) = Tree::catalog().find(&uri.to_string(), &mut 0) else {
                continue;
            };
            if found.node.verbs == [Verb::Exec].into() {
                continue;
            }
            let Ok(value) = self.read(&found, &uri) else {
                continue;
            };
            if value.format == Format::Node {
                let names = self.children(&uri, found.node, found.bindings.is_empty());
                waiting.extend(names.into_iter().rev().map(|name| {
                    let mut child = uri.clone();
                    child.segments.push(name);
                    child
                }));
            }
            let mut listed = item(uri.to_string(), value);
            if !with_data || listed.meta.format == Some(Format::Node) {
                listed.data = None;
            }
            items.push(listed);
        }
        Ok(items)
    }
}

/// What a `Get` asks with `prop=`.
fn property(uri: &LocUri, value: &Value, name: Option<&str>) -> Result<String, Refusal> {
    match name {
        Some("Format") => Ok(value.format.as_str().to_owned()),
        Some("Type") => Ok(media_type(value).unwrap_or_default().to_owned()),
        Some("Name") => Ok(uri.segments.last().cloned().unwrap_or_default()),
        Some("Size") => Ok(value.data.len().to_string()),
        // There are no access control lists.
        _ => Err(Refusal::of(StatusCode::UNSUPPORTED_FEATURE)),
    }
}

fn media_type(value: &Value) -> Option<&'static str> {
    (value.format != Format::Node).then_some("text/plain")
}

/// What a result says of a node.
pub(super) fn item(uri: String, value: Value) -> Item {
    let mut item = Item::from(uri);
    item.meta = Meta {
        kind: media_type(&value).map(str::to_owned),
        format: Some(value.format),
        ..Meta::default()
    };
    item.data = Some(value.data);
    item
}

/// Where the value of a node of `Policy/Result` is set.
fn configured(uri: &LocUri) -> Option<LocUri> {
    let names: Vec<_> = uri.segments.iter().map(String::as_str).collect();
    let ["Vendor", "MSFT", "Policy", "Result", ..] = *names else {
        return None;
    };
    let mut config = uri.clone();
    *config.segments.get_mut(3)? = "Config".to_owned();
    Some(config)
}

/// What is above the CSPs: `./Vendor/MSFT` and the like.
pub(super) fn above(uri: &LocUri) -> Option<Value> {
    if uri.scope == Scope::User && uri.segments.is_empty() {
        return Some(Value::new(Format::Node, "Vendor"));
    }
    let mut names = BTreeSet::new();
    for csp in Tree::catalog().csps() {
        let path: Vec<_> = csp.name.split('/').skip(1).collect();
        let is_above = path.len() > uri.segments.len()
            && path.iter().zip(&uri.segments).all(|(one, other)| one == other);
        if is_above && let Some(name) = path.get(uri.segments.len()) {
            names.insert(*name);
        }
    }
    (!names.is_empty()).then(|| Value::new(Format::Node, joined(names.into_iter())))
}
