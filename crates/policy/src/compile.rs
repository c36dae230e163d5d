//! From files to a wish.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Catalog;
use ordain_catalog::validate::DeviceKind;
use ordain_catalog::windows::WindowsDevice;
use ordain_model::declaration::Declaration;
use ordain_model::ids::Digest;
use ordain_model::wish::{Blueprint, Group, Wish};
use ordain_predicate::{Advisory, Type};

use crate::advisory;
use crate::declaration::Draft;
use crate::directory::{self, Role};
use crate::meeting::Meetings;
use crate::named::Named;
use crate::problem::{Place, Problem, Problems, quoted};
use crate::tree::{self, Node, Syntax};
use crate::windows::WindowsFile;

/// What a policy is judged by besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// What devices take.
    pub catalog: &'a Catalog,
    /// Where devices reach the server.
    pub public_url: &'a str,
    /// What is in force, if anything: some changes are worth a warning.
    pub before: Option<&'a Wish>,
    /// The kinds of devices that there are; without any, only platforms and channels are judged.
    pub devices: &'a [DeviceKind],
    /// The kinds of Windows devices that there are; without any, none is judged.
    pub windows: &'a [WindowsDevice],
    /// Whether it is for these only. Otherwise others may come, and what none of these can take is only warned of.
    pub devices_only: bool,
    /// Whether keys and types that the catalog does not have are taken with a warning, types as long as their names tell
    /// their kind: for systems that are newer than the catalog.
    pub allow_unknown: bool,
}

/// What a policy directory says.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// What is to be published.
    pub wish: Wish,
    /// The bytes that its declarations tell devices to download, in order of their digests.
    pub downloads: Vec<Download>,
    /// What is probably not meant so.
    pub warnings: Vec<Problem>,
}

/// Bytes of an asset or a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Their SHA-256, under which they are served: `{public_url}/assets/{digest}` or `{public_url}/profiles/{digest}`.
    pub digest: Digest,
    /// The media type under which they are to be served. Devices compare it.
    pub content_type: String,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Compiles the `files` of a policy directory: their paths relative to it, with slashes, and their content.
///
/// Files that [`is_policy_file`](crate::is_policy_file) leaves out are ignored. Devices download from below
/// the public URL. The outcome depends neither on the order of the files nor on anything but the arguments.
///
/// # Errors
/// All problems, warnings among them, in order of file and place, when one of them is an error.
pub fn compile(
    files: &[(String, Vec<u8>)],
    surroundings: &Surroundings<'_>,
) -> Result<Compiled, Vec<Problem>> {
    let mut sorted: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .filter(|(path, _)| directory::is_policy_file(path))
        .collect();
    sorted.sort();
    let mut compiler = Compiler {
        catalog: surroundings.catalog,
        public_url: surroundings.public_url.trim_end_matches('/'),
        before: surroundings.before,
        devices: surroundings.devices,
        windows: surroundings.windows,
        devices_only: surroundings.devices_only,
        allow_unknown: surroundings.allow_unknown,
        files: sorted.iter().copied().collect(),
        problems: Problems::new(sorted.iter().map(|(path, _)| *path)),
        used: BTreeSet::new(),
        downloads: BTreeMap::new(),
        listed: Vec::new(),
        advisories: Vec::new(),
        inventories: Vec::new(),
    };
    let files = compiler.check_paths(&sorted);
    let wish = compiler.wish(&files);
    let Compiler {
        problems, downloads, ..
    } = compiler;
    match wish {
        Some(wish) => Ok(Compiled {
            wish,
            downloads: downloads.into_values().map(|(download, _)| download).collect(),
            warnings: problems.into_sorted(),
        }),
        None => Err(problems.into_sorted()),
    }
}

/// The folder of the public URL below which the data of assets are served.
pub(crate) const ASSETS: &str = "assets";

/// A file with its index for [`Place`]s.
struct File<'c> {
    index: u32,
    path: &'c str,
    bytes: &'c [u8],
    role: Role,
}

/// What all parts of the compilation share. Each folder's part stands in a file of its own.
pub(crate) struct Compiler<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) public_url: &'c str,
    pub(crate) before: Option<&'c Wish>,
    pub(crate) devices: &'c [DeviceKind],
    pub(crate) windows: &'c [WindowsDevice],
    pub(crate) devices_only: bool,
    pub(crate) allow_unknown: bool,
    pub(crate) files: BTreeMap<&'c str, &'c [u8]>,
    pub(crate) problems: Problems,
    /// The files that assets name.
    pub(crate) used: BTreeSet<&'c str>,
    /// With where each was first asked for.
    downloads: BTreeMap<Digest, (Download, Place)>,
    /// What blueprints list, and where.
    pub(crate) listed: Vec<(String, Place)>,
    /// Those of the policy.
    pub(crate) advisories: Vec<Advisory>,
    /// The status items that inventories of Windows devices tell.
    pub(crate) inventories: Vec<(String, Type)>,
}

impl<'c> Compiler<'c> {
    fn check_paths(&mut self, sorted: &[(&'c str, &'c [u8])]) -> Vec<File<'c>> {
        let mut files: Vec<File<'c>> = Vec::new();
        for (index, (path, bytes)) in (0..).zip(sorted.iter().copied()) {
            let place = Place::start_of(index);
            if !directory::is_below(path) {
                self.problems
                    .error(place, "not a path below the policy directory");
            } else if files.last().is_some_and(|previous| previous.path == path) {
                self.problems.error(place, "a second file has this path");
            } else {
                files.push(File {
                    index,
                    path,
                    bytes,
                    role: Role::of(path),
                });
            }
        }
        files
    }

    /// The wish, if there are no errors.
    fn wish(&mut self, files: &[File<'c>]) -> Option<Wish> {
        let mut drafts = self.drafts(files);
        self.resolve_references(&mut drafts);
        self.check_remote_data(&mut drafts);
        self.check_payloads(&drafts);
        self.advisories = self.advisories(files);
        self.check_activations(&drafts);
        let groups = self.groups(files);
        let blueprints = self.blueprints(files, &groups, &drafts);
        self.check_together(&drafts, &blueprints, &groups);
        self.warn_of_cuts(&drafts);
        self.warn_of_profile_keys(&drafts);
        self.warn_of_missing_admx(&drafts);
        if !self.problems.has_errors() {
            self.warn_of_unused(&drafts);
            self.warn_of_removals(&drafts, &blueprints, &groups);
            self.warn_of_what_stays(&drafts);
        }
        let declarations = self.declarations(drafts);
        (!self.problems.has_errors()).then_some(Wish {
            declarations,
            blueprints,
            groups,
        })
    }

    /// Checks what meets on devices.
    fn check_together(
        &mut self,
        drafts: &BTreeMap<String, Draft<'c>>,
        blueprints: &BTreeMap<String, Blueprint>,
        groups: &BTreeMap<String, Group>,
    ) {
        let meetings = Meetings::new(drafts, blueprints, groups, &mut self.problems);
        self.check_properties(drafts, &meetings);
        self.warn_of_conflicts(drafts, &meetings);
        self.warn_of_windows_conflicts(drafts, &meetings);
        self.check_owners(drafts, &meetings);
    }

    /// Every declaration, asset and profile, by identifier.
    fn drafts(&mut self, files: &[File<'c>]) -> BTreeMap<String, Draft<'c>> {
        let data = data_files(files);
        let mut drafts: BTreeMap<String, Draft<'c>> = BTreeMap::new();
        let mut others = Vec::new();
        for file in files {
            let draft = match file.role {
                Role::Declaration(syntax) => self
                    .read(file, syntax)
                    .and_then(|node| self.read_declaration(&node)),
                Role::Asset(syntax) if !data.contains(file.path) => {
                    self.read(file, syntax).and_then(|node| self.read_asset(&node))
                }
                Role::Profile => self.read_profile(file.index, file.bytes),
                Role::Windows(syntax) => self.read(file, syntax).and_then(|node| self.read_windows(&node)),
                Role::Asset(_) | Role::Other(_) => {
                    others.push(file);
                    None
                }
                Role::Group(_) | Role::Blueprint(_) | Role::Advisory(_) => None,
            };
            let Some(draft) = draft else { continue };
            match drafts.entry(draft.identifier.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(draft);
                }
                Entry::Occupied(entry) => {
                    let message = format!(
                        "the identifier {} is already used ({})",
                        quoted(&draft.identifier),
                        self.problems.name(entry.get().place)
                    );
                    self.problems.error(draft.place, message);
                }
            }
        }
        for file in others.into_iter().filter(|file| !self.used.contains(file.path)) {
            let message = match file.role {
                Role::Other(Some(expected)) => format!("ignored: this folder is for {expected}"),
                _ => "ignored: neither its folder nor an asset gives this file a meaning".to_owned(),
            };
            self.problems.warning(Place::start_of(file.index), message);
        }
        drafts
    }

    fn groups(&mut self, files: &[File<'c>]) -> BTreeMap<String, Group> {
        let mut groups = Named::new("group");
        let judge = self.judge_of_groups();
        for file in files {
            let Role::Group(syntax) = file.role else { continue };
            if let Some(node) = self.read(file, syntax)
                && let Some((name, group)) = self.read_group(&node, &judge)
            {
                groups.insert(name, group, &mut self.problems);
            }
        }
        groups.finish()
    }

    fn advisories(&mut self, files: &[File<'c>]) -> Vec<Advisory> {
        let mut advisories = Named::new("advisory");
        for file in files {
            let Role::Advisory(syntax) = file.role else {
                continue;
            };
            if let Some(node) = self.read(file, syntax)
                && let Some((name, advisory)) = advisory::read(&node, &mut self.problems)
            {
                advisories.insert(name, advisory, &mut self.problems);
            }
        }
        let advisories: Vec<Advisory> = advisories.finish().into_values().collect();
        if advisories.len() > advisory::MAX_ADVISORIES {
            let message = format!("it has more than {} advisories", advisory::MAX_ADVISORIES);
            self.problems.error(Place::POLICY, message);
        }
        advisories
    }

    fn blueprints(
        &mut self,
        files: &[File<'c>],
        groups: &BTreeMap<String, Group>,
        drafts: &BTreeMap<String, Draft<'_>>,
    ) -> BTreeMap<String, Blueprint> {
        let mut blueprints = Named::new("blueprint");
        for file in files {
            let Role::Blueprint(syntax) = file.role else {
                continue;
            };
            if let Some(node) = self.read(file, syntax)
                && let Some((name, blueprint)) = self.read_blueprint(&node, groups, drafts)
            {
                blueprints.insert(name, blueprint, &mut self.problems);
            }
        }
        blueprints.finish()
    }

    fn declarations(&mut self, drafts: BTreeMap<String, Draft<'_>>) -> BTreeMap<String, Declaration> {
        let mut declarations = BTreeMap::new();
        for (identifier, draft) in drafts {
            let of_windows = draft.windows().map(WindowsFile::to_payload);
            // A type that is missing or not allowed was complained of.
            let Some(declared) = draft.declared else { continue };
            let payload = of_windows.unwrap_or_else(|| draft.payload.to_json_object());
            match Declaration::new(
                declared.kind(),
                declared.name().to_owned(),
                identifier.clone(),
                payload,
            ) {
                Ok(declaration) => {
                    let Draft {
                        references,
                        downloads,
                        carried,
                        placement,
                        ..
                    } = draft;
                    let declaration = Declaration {
                        references,
                        downloads,
                        carries: carried.into_iter().map(|payload| payload.type_name).collect(),
                        placement,
                        ..declaration
                    };
                    declarations.insert(identifier, declaration);
                }
                Err(error) => self.problems.error(draft.payload.place, error.to_string()),
            }
        }
        declarations
    }

    fn read(&mut self, file: &File<'_>, syntax: Syntax) -> Option<Node> {
        tree::read(file.bytes, syntax, file.index, &mut self.problems)
    }

    /// What is served with this digest.
    pub(crate) fn download(&self, digest: Digest) -> Option<&Download> {
        self.downloads.get(&digest).map(|(download, _)| download)
    }

    /// Has `bytes` served below `folder` of the public URL; the whole URL, and their digest.
    pub(crate) fn offer(
        &mut self,
        place: Place,
        folder: &str,
        content_type: &str,
        bytes: Cow<'_, [u8]>,
    ) -> (String, Digest) {
        let digest = Digest::of(&bytes);
        match self.downloads.entry(digest) {
            Entry::Vacant(entry) => {
                let download = Download {
                    digest,
                    content_type: content_type.to_owned(),
                    body: bytes.into_owned(),
                };
                entry.insert((download, place));
            }
            Entry::Occupied(entry) => {
                let (first, first_place) = entry.get();
                if first.content_type != content_type {
                    let message = format!(
                        "the same bytes are served as {} already ({}), and cannot be {content_type} as well",
                        first.content_type,
                        self.problems.name(*first_place)
                    );
                    self.problems.error(place, message);
                }
            }
        }
        (format!("{}/{folder}/{digest}", self.public_url), digest)
    }
}

/// The files of `assets/` that are no assets, since an asset there names them as its data.
fn data_files(files: &[File<'_>]) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for file in files {
        let Role::Asset(syntax) = file.role else { continue };
        // What is wrong with it is said when it is read as what it is.
        let mut unheard = Problems::new([file.path].into_iter());
        let node = tree::read(file.bytes, syntax, 0, &mut unheard);
        let asset = node.filter(|node| node.get("Type").is_some());
        named.extend(asset.and_then(|asset| asset.get("file")?.as_text().map(str::to_owned)));
    }
    named
}
