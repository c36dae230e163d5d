//! Settings of two files that come to a device together: what contradicts, and what has to be in one file.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::{Change, LocUri, Together, WindowsCatalog};

use super::Placed;
use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::meeting::{INCOMPLETE, Meetings};
use crate::problem::{Place, quoted};

/// What only one file may set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// The value of a node.
    Node(LocUri),
    /// What is deleted and made again as one.
    Whole(LocUri),
    /// A CSP whose nodes have to come in one message.
    Csp(String),
}

/// So many subjects of meeting files are looked at.
pub(super) const MAX_LOOKS: usize = 500_000;

impl Compiler<'_> {
    /// Warns of files that set the same, or parts of the same.
    pub(crate) fn warn_of_windows_conflicts(
        &mut self,
        drafts: &BTreeMap<String, Draft<'_>>,
        meetings: &Meetings<'_>,
    ) {
        let files = drafts.values().filter(|draft| !draft.placed().is_empty());
        let mut files: Vec<&Draft<'_>> = files.collect();
        files.sort_by_key(|draft| draft.place);
        let contested = contested(&files, |draft| {
            let mut all = Vec::new();
            for placed in draft.placed() {
                let subjects = subjects(&placed.setting.path).into_iter();
                all.extend(subjects.map(|subject| (subject, placed)));
            }
            all
        });
        let company = meetings.among(&files, &mut self.problems);
        let mut told = BTreeSet::new();
        let mut looks = 0;
        for (present, devices) in company.sets() {
            let mut first: BTreeMap<&Subject, (usize, &Placed)> = BTreeMap::new();
            for &file in present {
                for &(ref subject, placed) in contested.get(file).into_iter().flatten() {
                    looks += 1;
                    let (earlier, before) = *first.entry(subject).or_insert((file, placed));
                    let is_same = matches!(subject, Subject::Node(_))
                        && before.setting.value == placed.setting.value
                        && before.setting.format == placed.setting.format;
                    if earlier == file || is_same || !told.insert((earlier, file, subject)) {
                        continue;
                    }
                    let Some(draft) = files.get(earlier) else { continue };
                    let devices = devices.devices(earlier, file);
                    self.warn_of_subject(subject, placed.place, draft, before.place, &devices);
                }
            }
            if looks > MAX_LOOKS {
                self.problems.warning(Place::POLICY, INCOMPLETE);
                break;
            }
        }
    }

    fn warn_of_subject(
        &mut self,
        subject: &Subject,
        place: Place,
        earlier: &Draft<'_>,
        before: Place,
        devices: &str,
    ) {
        let other = format!("{} ({})", quoted(&earlier.identifier), self.problems.name(before));
        let message = match subject {
            Subject::Node(path) => format!(
                "{} is something else in {other}, and both are for {devices}: it is not said which one counts",
                quoted(&path.to_string())
            ),
            Subject::Whole(path) => format!(
                "{} is made as one, and {other} sets some of it for {devices} as well; put it in one file",
                quoted(&path.to_string())
            ),
            Subject::Csp(csp) => format!(
                "what is set of {csp} takes effect in one message, and {other} sets some of it for {devices} as well; put it \
                 in one file"
            ),
        };
        self.problems.warning(place, message);
    }
}

/// By file, of what it sets (`subjects`) that which others set as well, each subject once, with what sets it first.
pub(super) fn contested<'a, S: Ord + Clone, P>(
    files: &[&'a Draft<'_>],
    subjects: impl Fn(&'a Draft<'_>) -> Vec<(S, P)>,
) -> Vec<Vec<(S, P)>> {
    let mut users: BTreeMap<S, BTreeSet<usize>> = BTreeMap::new();
    let mut all: Vec<Vec<(S, P)>> = Vec::new();
    for (file, draft) in files.iter().enumerate() {
        let mut own: BTreeMap<S, P> = BTreeMap::new();
        for (subject, placed) in subjects(draft) {
            users.entry(subject.clone()).or_default().insert(file);
            own.entry(subject).or_insert(placed);
        }
        all.push(own.into_iter().collect());
    }
    for own in &mut all {
        own.retain(|(subject, _)| users.get(subject).is_some_and(|users| users.len() > 1));
    }
    all
}

/// What a setting is of: a node that is set by itself, or also a CSP, or a part of something.
fn subjects(path: &LocUri) -> Vec<Subject> {
    let catalog = WindowsCatalog::builtin();
    let itself = Subject::Node(path.clone());
    let Ok(found) = catalog.find(&path.to_string(), &mut 0) else {
        return vec![itself];
    };
    let is_remade = found.node.way_to_change() == Some(Change::DeleteThenAdd);
    match found.node.together {
        Some(Together::Message) => vec![itself, Subject::Csp(found.csp.name.clone())],
        _ if is_remade => {
            let whole = catalog.instance(path).filter(|whole| whole != path);
            vec![whole.map_or(itself, Subject::Whole)]
        }
        _ => vec![itself],
    }
}
