//! One owner for each resource: what a document of declared configuration sets, no other file sets on the same device,
//! since Windows then refuses one of the two, or lets them take turns.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::{LocUri, WindowsCatalog};
use ordain_model::windows::document::Provider;

use super::WindowsFile;
use super::company::{MAX_LOOKS, contested};
use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::meeting::{INCOMPLETE, Meetings};
use crate::problem::{Place, quoted};

/// Something that a document owns, and where it is named.
#[derive(Clone)]
pub(crate) struct Owned {
    pub(super) resource: Resource,
    pub(super) place: Place,
}

/// What has one owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource {
    /// A node, or what is made as one and has it, such as a VPN profile.
    Node(LocUri),
    /// What a DSC provider looks after: namespace, class, and the keys that name it. Windows compares these without case.
    Provider(String, String, Vec<(String, String)>),
}

impl Resource {
    /// What the node of this address is of.
    pub(super) fn of_node(path: &LocUri) -> Self {
        let instance = WindowsCatalog::builtin().instance(path);
        Self::Node(instance.unwrap_or_else(|| path.clone()))
    }

    pub(super) fn of_provider(provider: &Provider) -> Self {
        let keys = provider.keys.iter();
        let keys = keys.map(|(name, value)| (name.to_lowercase(), value.text().to_lowercase()));
        Self::Provider(
            provider.namespace.to_lowercase(),
            provider.class.to_lowercase(),
            keys.collect(),
        )
    }

    /// As messages call it; keys may be secrets.
    fn name(&self) -> String {
        match self {
            Self::Node(path) => quoted(&path.to_string()),
            Self::Provider(_, class, _) => format!("a resource of {}", quoted(class)),
        }
    }
}

impl Compiler<'_> {
    /// Complains of what a document owns and another file, a document or not, sets as well for the same devices.
    pub(crate) fn check_owners(&mut self, drafts: &BTreeMap<String, Draft<'_>>, meetings: &Meetings<'_>) {
        let of_windows = drafts.values().filter(|draft| draft.windows().is_some());
        let mut files: Vec<&Draft<'_>> = of_windows.collect();
        if !files.iter().any(|draft| draft.is_document()) {
            return;
        }
        files.sort_by_key(|draft| draft.place);
        let contested = contested(&files, resources);
        let company = meetings.among(&files, &mut self.problems);
        let mut told = BTreeSet::new();
        let mut looks = 0;
        for (present, devices) in company.sets() {
            let mut first: BTreeMap<&Resource, (usize, Place)> = BTreeMap::new();
            for &file in present {
                for (resource, place) in contested.get(file).into_iter().flatten() {
                    looks += 1;
                    let (earlier, before) = *first.entry(resource).or_insert((file, *place));
                    let (Some(one), Some(other)) = (files.get(earlier), files.get(file)) else {
                        continue;
                    };
                    let is_settled = earlier == file || !(one.is_document() || other.is_document());
                    if is_settled || !told.insert((earlier, file, resource)) {
                        continue;
                    }
                    let message = format!(
                        "{} is set by {} ({}) as well, and both are for {}: what a document sets has one owner",
                        resource.name(),
                        quoted(&one.identifier),
                        self.problems.name(before),
                        devices.devices(earlier, file),
                    );
                    self.problems.error(*place, message);
                }
            }
            if looks > MAX_LOOKS {
                self.problems.warning(Place::POLICY, INCOMPLETE);
                break;
            }
        }
    }
}

impl Draft<'_> {
    fn is_document(&self) -> bool {
        matches!(self.windows(), Some(WindowsFile::Document(..)))
    }
}

/// What a file sets.
fn resources(draft: &Draft<'_>) -> Vec<(Resource, Place)> {
    match draft.windows() {
        Some(WindowsFile::Settings(_, placed)) => {
            let of = placed.iter();
            of.map(|placed| (Resource::of_node(&placed.setting.path), placed.place))
                .collect()
        }
        Some(WindowsFile::Document(_, owned)) => {
            let of = owned.iter();
            of.map(|owned| (owned.resource.clone(), owned.place)).collect()
        }
        None => Vec::new(),
    }
}
