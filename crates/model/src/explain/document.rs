//! Documents of declared configuration: how one drifted, how it goes, what stays of it, and what goes after it.

use ordain_catalog::Scope;
use ordain_catalog::windows::LocUri;

use super::case::{Case, fact, step};
use super::{Code, State, Step};
use crate::ids::Channel;
use crate::windows::cleaning::{Gone, Left};
use crate::windows::document::OnRemoval;
use crate::windows::documents::DriftKind;

impl Case<'_> {
    /// What is known of a document beside what the device says of it as of any declaration.
    pub(super) fn document(&self, identifier: &str) -> Vec<Step> {
        let documents = &self.of.record.documents;
        let open = documents.drift.iter().enumerate();
        let open = open.filter(|(_, drift)| drift.document == identifier && drift.repaired.is_none());
        let mut steps: Vec<Step> = open
            .map(|(place, drift)| {
                let what = match drift.kind {
                    DriftKind::Missing => {
                        "the document was good on the device, and is not there any more".to_owned()
                    }
                    DriftKind::Replaced => {
                        "the document was good on the device, which now has another version of it".to_owned()
                    }
                    _ if drift.settings.is_empty() => {
                        "what the document set was good on the device, and is not any more".to_owned()
                    }
                    _ => format!(
                        "what the document set was good on the device, and is not any more: {}",
                        drift.settings.join(", ")
                    ),
                };
                let facts = vec![fact(&["record", "documents", "drift", &place.to_string()], drift)];
                step(Code::Drift, State::Failed, what, facts).at(drift.since)
            })
            .collect();
        if let Some(stays) = documents.stays.get(identifier) {
            let facts = vec![fact(&["record", "documents", "stays", identifier], stays)];
            let what = format!("what it set may stay on the device: {}", stays.why);
            steps.push(step(Code::Stays, State::Done, what, facts).at(stays.at));
        }
        steps.extend(self.cleaning(identifier));
        steps
    }

    /// What is to go after a document that is gone, and what of it stays.
    fn cleaning(&self, identifier: &str) -> Vec<Step> {
        let cleaning = self.of.device_record.cleaning.documents();
        let cleaning = cleaning.filter(|(_, gone)| self.of_linked() && gone.identifier == identifier);
        let nodes = cleaning.flat_map(|(id, gone)| gone.nodes.iter().map(move |node| (id, gone, node)));
        let step = |(id, gone, (node, left)): (&String, &Gone, (&LocUri, &Left))| {
            let facts = vec![fact(&["device-record", "cleaning", id, &node.to_string()], left)];
            let (code, state, what) = match left {
                Left::Stays(why) => (
                    Code::Stays,
                    State::Done,
                    format!("{node} stays on the device: {why}"),
                ),
                Left::Waits(identifier) => (
                    Code::Leaving,
                    State::NotNeeded,
                    format!(
                        "the document is gone, and {node}, which it has set, is left alone as long as the document {identifier} is \
                         to set it and the device has not taken that"
                    ),
                ),
                Left::Due => {
                    let when = match node.scope {
                        Scope::System => "in the next session of the device's own",
                        Scope::User => {
                            "in the next session of the device's own in which its user is signed in"
                        }
                    };
                    let what =
                        format!("the document is gone, and {node}, which it has set, is removed {when}");
                    (Code::Leaving, State::Missing, what)
                }
            };
            step(code, state, what, facts).at(gone.at)
        };
        nodes.map(step).collect()
    }

    /// Whether documents are this channel's.
    fn of_linked(&self) -> bool {
        self.of.channel.id.channel() == Channel::Linked
    }

    /// The identifiers of documents of which something is left.
    pub(super) fn left(&self) -> impl Iterator<Item = &String> {
        let record = &self.of.record.documents;
        let cleaning = self.of.device_record.cleaning.documents();
        let cleaning = cleaning
            .filter(|_| self.of_linked())
            .map(|(_, gone)| &gone.identifier);
        record.stays.keys().chain(cleaning)
    }

    /// How a document goes that the device has and is not to have any more.
    pub(super) fn leaving_document(&self, identifier: &str) -> Option<Step> {
        let known = self.of.record.documents.of(identifier)?;
        let how = match known.on_removal {
            OnRemoval::Delete => {
                "it is deleted in its next session, which Windows describes as leaving what it set"
            }
            OnRemoval::Abandon => {
                "it is abandoned in its next session, which Windows describes as leaving what it set, not looked after"
            }
            OnRemoval::Clean => {
                "it is deleted in its next session, and what it set is removed in one of the device's own after that"
            }
        };
        let facts = vec![fact(
            &["record", "documents", "known", identifier, "on_removal"],
            &known.on_removal,
        )];
        let what = format!("the device still has the document: {how}");
        Some(step(Code::Leaving, State::Missing, what, facts))
    }
}
