//! Documents of declared configuration: how one drifted, how it goes, and what stays of it.

use super::case::{Case, fact, step};
use super::{Code, State, Step};
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
            let what = format!("something of it stays on the device: {}", stays.why);
            steps.push(step(Code::Stays, State::Done, what, facts).at(stays.at));
        }
        steps
    }

    /// How a document goes that the device has and is not to have any more.
    pub(super) fn leaving_document(&self, identifier: &str) -> Option<Step> {
        let known = self.of.record.documents.of(identifier)?;
        let how = match known.on_removal {
            OnRemoval::Delete => "it is deleted in its next session, and what it set stays",
            OnRemoval::Abandon => {
                "it is abandoned in its next session: what it set stays, and is not looked after"
            }
            OnRemoval::Clean => {
                "it is emptied first, so that the device takes back what it set, and then deleted"
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
