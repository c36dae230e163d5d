//! Policies of ingested ADMX files: `Policy/ConfigOperations/ADMXInstall`.

use ordain_windows::syncml::loc_uri::{LocUri, Scope};
use roxmltree::Node;

use super::{Tree, checks, device, under};

/// How deep categories are nested.
const MAX_DEPTH: usize = 16;

/// A policy of an ADMX file.
#[derive(Debug)]
struct Policy {
    name: String,
    /// `Machine`, `User` or `Both`.
    class: String,
    /// The registry key that it sets.
    key: String,
    /// The area below `Config`, without the application: `Policy~Category~SubCategory`.
    area: String,
}

/// What an ADMX file defines.
#[derive(Debug)]
pub(super) struct Definitions(Vec<Policy>);

/// Parts of the registry that ingested policies must not set. (There is an allow-list of exceptions, which is not known
/// here.)
const BLOCKED: [&str; 3] = ["system", "software\\microsoft", "software\\policies\\microsoft"];

impl Definitions {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let document = checks::xml(text)?;
        let root = document.root_element();
        if root.tag_name().name() != "policyDefinitions" {
            return None;
        }
        let all = |name: &'static str| {
            let found = root.descendants();
            found.filter(move |node| node.is_element() && node.tag_name().name() == name)
        };
        let parent = |node: Node<'_, '_>| {
            let parent = node
                .children()
                .find(|child| child.tag_name().name() == "parentCategory")?;
            parent.attribute("ref").map(str::to_owned)
        };
        let categories: Vec<(String, Option<String>)> = all("category")
            .filter_map(|category| Some((category.attribute("name")?.to_owned(), parent(category))))
            .collect();
        let area = |category: Option<String>| {
            let (mut names, mut next) = (Vec::new(), category);
            while let Some(name) = next.take().filter(|_| names.len() < MAX_DEPTH) {
                // A category of another file is not part of the name.
                if let Some((name, parent)) = categories.iter().find(|(known, _)| *known == name) {
                    names.push(name.as_str());
                    next = parent.clone();
                }
            }
            names.push("Policy");
            names.reverse();
            names.join("~")
        };
        let policies = all("policy").filter_map(|policy| {
            Some(Policy {
                name: policy.attribute("name")?.to_owned(),
                class: policy.attribute("class").unwrap_or("Both").to_owned(),
                key: policy.attribute("key").unwrap_or_default().to_owned(),
                area: area(parent(policy)),
            })
        });
        Some(Self(policies.take(5000).collect()))
    }

    /// Whether all of it may be set.
    pub(super) fn is_allowed(&self) -> bool {
        let is_blocked = |key: &str| {
            let key = key.to_ascii_lowercase();
            BLOCKED.iter().any(|root| {
                key.strip_prefix(root)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
            })
        };
        self.0.iter().all(|policy| !is_blocked(&policy.key))
    }

    fn defines(&self, scope: Scope, area: &str, name: &str) -> bool {
        let other = match scope {
            Scope::Device => "User",
            Scope::User => "Machine",
        };
        self.0
            .iter()
            .any(|policy| policy.name == name && policy.area == area && policy.class != other)
    }
}

/// Whether an ingested file defines a policy.
pub(super) fn is_ingested(tree: &Tree, scope: Scope, area: &str, policy: &str) -> bool {
    let Some((application, area)) = area.split_once('~') else {
        return false;
    };
    let install = ["Vendor", "MSFT", "Policy", "ConfigOperations", "ADMXInstall"];
    let files: LocUri = device(&[&install[..], &[application, "Policy"]].concat());
    under(&tree.set.nodes, &files).any(|(_, file)| {
        Definitions::parse(&file.data).is_some_and(|definitions| definitions.defines(scope, area, policy))
    })
}

/// Whether a value switches a policy: `<enabled/>` with data, or `<disabled/>`.
pub(super) fn is_payload(text: &str) -> bool {
    let whole = format!("<p>{text}</p>");
    let Some(document) = checks::xml(&whole) else {
        return false;
    };
    let mut names = document.root_element().children().filter(Node::is_element);
    let first = names.next().map(|node| node.tag_name().name());
    let only_data = names.all(|node| {
        node.tag_name().name() == "data" && node.has_attribute("id") && node.has_attribute("value")
    });
    matches!(first, Some("enabled" | "disabled")) && only_data
}
