//! Which node an address is of.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::InvalidLocUri;
use super::{Csp, LocUri, Node, Verb, WindowsCatalog};
use crate::{Scope, Shape, nearest};

/// A name of a node in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'a> {
    /// This one.
    Literal(&'a str),
    /// Any that begins with the prefix.
    Placeholder { prefix: &'a str, name: &'a str },
    /// Any number of any.
    Rest,
}

impl<'a> Segment<'a> {
    /// `Name`, `{Name}`, `Prefix{Name}` or `*`; `None` when it is none of them.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let is_name = |text: &str| {
            let mut bytes = text.bytes();
            bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        if text == "*" {
            return Some(Self::Rest);
        }
        let Some((prefix, rest)) = text.split_once('{') else {
            let is_dots = matches!(text, "." | "..");
            return (!text.is_empty() && !is_dots && is_name(text)).then_some(Self::Literal(text));
        };
        let name = rest.strip_suffix('}')?;
        (!name.is_empty() && is_name(prefix) && is_name(name)).then_some(Self::Placeholder { prefix, name })
    }
}

fn is_literal(name: &str) -> bool {
    matches!(Segment::of(name), Some(Segment::Literal(_)))
}

/// Whether CSPs are found by a name such as this: `./Vendor/MSFT/BitLocker`.
pub(crate) fn is_csp_name(name: &str) -> bool {
    let Some(path) = name.strip_prefix("./") else {
        return false;
    };
    let is_scope = path.starts_with("Device/") || path.starts_with("User/");
    path.split('/').count() <= MAX_CSP_NAMES && path.split('/').all(is_literal) && !is_scope
}

/// No CSP has more names: `Vendor/MSFT/BitLocker`.
const MAX_CSP_NAMES: usize = 3;

/// A node that an address is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'c> {
    /// The CSP that it is in.
    pub csp: &'c Csp,
    /// The node.
    pub node: &'c Node,
    /// The address.
    pub uri: LocUri,
    /// What stands for the placeholders, in order.
    pub bindings: Vec<Binding<'c>>,
}

/// What stands for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding<'c> {
    /// The placeholder: `SSID`.
    pub name: &'c str,
    /// What it must be.
    pub shape: Option<&'c Shape>,
    /// What it is, decoded.
    pub value: String,
}

impl Found<'_> {
    /// The value of this placeholder.
    pub fn binding(&self, name: &str) -> Option<&str> {
        let binding = self.bindings.iter().find(|binding| binding.name == name);
        binding.map(|binding| binding.value.as_str())
    }

    /// The address of the node that tells what came of it.
    pub fn outcome(&self) -> Option<LocUri> {
        let below = &self.node.outcome.as_ref()?.path;
        let names = self.csp.name.split('/').skip(1).chain(below.split('/'));
        let names = names.map(|name| match Segment::of(name) {
            Some(Segment::Placeholder { prefix, name }) => {
                self.binding(name).map(|value| format!("{prefix}{value}"))
            }
            _ => Some(name.to_owned()),
        });
        Some(LocUri {
            scope: self.uri.scope,
            names: names.collect::<Option<_>>()?,
        })
    }
}

/// Why an address is of no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// It is none.
    #[error(transparent)]
    Invalid(#[from] InvalidLocUri),
    /// No CSP is known there.
    #[error("no CSP is known there")]
    Csp {
        /// Known ones that may be meant.
        nearest: Vec<String>,
    },
    /// The CSP has no such node.
    #[error("`{name}` is not known in `{within}`")]
    Node {
        /// The last node on the way that is known.
        within: String,
        /// The name that is not known in it.
        name: String,
        /// Known ones that may be meant.
        nearest: Vec<String>,
    },
}

impl NotFound {
    /// The known names that may be meant.
    pub fn nearest(&self) -> &[String] {
        match self {
            Self::Invalid(_) => &[],
            Self::Csp { nearest } | Self::Node { nearest, .. } => nearest,
        }
    }
}

/// What is known on the way to a node.
struct Way<'c, 'u> {
    bindings: Vec<Binding<'c>>,
    /// The farthest node whose names are all known, and how many there are.
    farthest: (usize, &'c Node),
    names: &'u [String],
}

impl WindowsCatalog {
    /// The node of this address. A documented name comes before a placeholder, and one that differs from it only in
    /// case is that name misspelt. `comparisons` bounds the search for names that may be meant, as in [`nearest`].
    pub fn find(&self, uri: &str, comparisons: &mut usize) -> Result<Found<'_>, NotFound> {
        let uri: LocUri = uri.parse()?;
        let mut name = ".".to_owned();
        let mut known = None;
        for (index, part) in uri.names.iter().take(MAX_CSP_NAMES).enumerate() {
            // Writing to a string does not fail.
            let _ = write!(name, "/{part}");
            known = known.or_else(|| Some((index + 1, self.csp(&name)?)));
        }
        let Some((length, csp)) = known else {
            let own = match &*uri.names {
                [vendor, _, own, ..] if vendor == "Vendor" => own,
                [own, ..] => own,
                [] => "",
            };
            let nearest = owned(self.nearest_csps(own, comparisons));
            return Err(NotFound::Csp { nearest });
        };
        let mut way = Way {
            bindings: Vec::new(),
            farthest: (0, &csp.root),
            names: uri.names.get(length..).unwrap_or_default(),
        };
        match way.follow(&csp.root, 0) {
            Some(node) => Ok(Found {
                csp,
                node,
                bindings: way.bindings,
                uri,
            }),
            None => Err(way.not_found(csp, uri.scope, comparisons)),
        }
    }

    /// What is made and deleted as one and has this node: the first on the way to it that is named by whoever makes it, and
    /// takes `Delete`, such as the VPN profile `./Device/Vendor/MSFT/VPNv2/Work`.
    pub fn instance(&self, uri: &LocUri) -> Option<LocUri> {
        (1..=uri.names.len()).find_map(|length| {
            let on_the_way = LocUri {
                scope: uri.scope,
                names: uri.names.get(..length)?.to_vec(),
            };
            let found = self.find(&on_the_way.to_string(), &mut 0).ok()?;
            let is_named = found.bindings.len() > self.bindings_before(&on_the_way);
            (is_named && found.node.verbs.contains(&Verb::Delete)).then_some(on_the_way)
        })
    }

    /// How many placeholders there are on the way to the node that holds this one.
    fn bindings_before(&self, uri: &LocUri) -> usize {
        let holder = LocUri {
            scope: uri.scope,
            names: uri
                .names
                .split_last()
                .map(|(_, names)| names.to_vec())
                .unwrap_or_default(),
        };
        let found = self.find(&holder.to_string(), &mut 0);
        found.map_or(0, |found| found.bindings.len())
    }

    /// The CSPs whose own name, the last one, is nearest to this, as [`nearest`] has it.
    pub(crate) fn nearest_csps<'c>(&'c self, own: &str, comparisons: &mut usize) -> Vec<&'c str> {
        let last = |csp: &'c Csp| csp.name.rsplit_once('/').map(|(_, last)| (last, &*csp.name));
        let names: BTreeMap<&str, &str> = self.csps().filter_map(last).collect();
        let nearest = nearest(own, names.keys().copied(), comparisons).into_iter();
        nearest.filter_map(|own| names.get(own).copied()).collect()
    }
}

impl<'c> Way<'c, '_> {
    /// Follows the names from `at` on into `node`. The tree is as deep as the names that led there, so that no node is
    /// met twice; recursion ends with the names.
    fn follow(&mut self, node: &'c Node, at: usize) -> Option<&'c Node> {
        let Some(name) = self.names.get(at) else {
            return Some(node);
        };
        if at > self.farthest.0 {
            self.farthest = (at, node);
        }
        if let Some(child) = node.children.get(name)
            && is_literal(name)
        {
            return self.follow(child, at + 1);
        }
        let mut literals = node.children.keys().filter(|known| is_literal(known));
        if literals.any(|known| known.eq_ignore_ascii_case(name)) {
            return None;
        }
        let mut placeholders: Vec<_> = node
            .children
            .iter()
            .filter_map(|(known, child)| match Segment::of(known)? {
                Segment::Placeholder {
                    prefix,
                    name: placeholder,
                } => Some((prefix, placeholder, child, name.strip_prefix(prefix)?)),
                _ => None,
            })
            .filter(|(.., value)| !value.is_empty())
            .collect();
        placeholders.sort_by_key(|(prefix, ..)| std::cmp::Reverse(prefix.len()));
        for (_, placeholder, child, value) in placeholders {
            self.bindings.push(Binding {
                name: placeholder,
                shape: child.named.as_ref(),
                value: value.to_owned(),
            });
            if let Some(found) = self.follow(child, at + 1) {
                return Some(found);
            }
            self.bindings.pop();
        }
        node.children.get("*")
    }

    fn not_found(self, csp: &Csp, scope: Scope, comparisons: &mut usize) -> NotFound {
        let (depth, node) = self.farthest;
        let csp_names = csp.name.split('/').skip(1).map(str::to_owned);
        let names = self.names.iter().take(depth).cloned();
        let name = self.names.get(depth).cloned().unwrap_or_default();
        let known = node.children.keys().map(String::as_str);
        let known = known.filter(|known| is_literal(known));
        NotFound::Node {
            within: LocUri {
                scope,
                names: csp_names.chain(names).collect(),
            }
            .to_string(),
            nearest: owned(nearest(&name, known, comparisons)),
            name,
        }
    }
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
