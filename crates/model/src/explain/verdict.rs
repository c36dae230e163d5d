//! What the device says of a declaration that it holds: assets, the verdict, reasons.

use ordain_catalog::Kind;
use serde_json::json;

use super::case::{Case, Wanted, fact, step};
use super::term::Whose;
use super::{Code, Fact, State, Step, reason};
use crate::convergence::Verdict;
use crate::record::Exception;
use crate::report::{Reason, Validity};
use crate::windows::settings::SETTINGS_TYPE;

impl Case<'_> {
    /// The steps between holding a declaration and its doing what it is for.
    pub(super) fn judgement(&self, wanted: Wanted<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if wanted.listed.is_none() {
            return steps;
        }
        match wanted.entry.kind {
            Kind::Activation => steps.extend(self.activation(wanted, true)),
            Kind::Configuration => {
                let activations = self.activations_of(wanted);
                steps.extend(
                    activations
                        .into_iter()
                        .flat_map(|one| self.activation(one, false)),
                );
                steps.extend(self.assets(wanted));
            }
            Kind::Asset | Kind::Management => {}
        }
        steps.push(self.verdict(wanted));
        if let Verdict::Failed(reasons) = wanted.verdict {
            let reasons = reasons.iter().map(|reason| self.reason(wanted, reason));
            steps.extend(reasons);
        }
        steps
    }

    /// The assets that a configuration needs.
    fn assets(&self, configuration: Wanted<'_>) -> Vec<Step> {
        let assets = self.all().filter(|wanted| wanted.entry.kind == Kind::Asset);
        let needed = assets.filter(|asset| configuration.entry.references.contains(&asset.entry.identifier));
        needed.map(|asset| self.asset(asset)).collect()
    }

    fn asset(&self, asset: Wanted<'_>) -> Step {
        let name = &asset.entry.identifier;
        let facts = vec![self.listed_fact(Kind::Asset, name)];
        let (state, words) = match asset.verdict {
            Verdict::Confirmed => (
                State::Done,
                "the device holds it, and says that it is valid".to_owned(),
            ),
            Verdict::Settled => (State::NotNeeded, "nothing that is in force uses it".to_owned()),
            Verdict::Pending if asset.listed.is_some() => {
                let not = "the device holds it, and has not said yet whether it is valid";
                (State::Missing, not.to_owned())
            }
            Verdict::Pending => (
                State::Missing,
                "the device has not reported that it holds it".to_owned(),
            ),
            Verdict::Failed(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(|why| reason::sentence(why, name)).collect();
                (State::Failed, reasons.join("; "))
            }
        };
        let since = self.exception(asset).map(|exception| exception.since);
        step(
            Code::Asset,
            state,
            format!("it needs the asset {name}: {words}"),
            facts,
        )
        .at(since)
    }

    fn verdict(&self, wanted: Wanted<'_>) -> Step {
        let entry = wanted.entry;
        let facts = vec![self.listed_fact(entry.kind, &entry.identifier)];
        let is_valid = wanted
            .listed
            .is_some_and(|listed| listed.valid == Validity::Valid);
        let (state, sentence) = match wanted.verdict {
            Verdict::Confirmed if entry.type_name == SETTINGS_TYPE => (
                State::Done,
                "what was read back from the device is what is wanted",
            ),
            Verdict::Confirmed if entry.kind == Kind::Configuration => {
                (State::Done, "the device says that it is valid and active")
            }
            Verdict::Confirmed => (State::Done, "the device says that it is valid"),
            Verdict::Settled => (
                State::NotNeeded,
                "the device does not apply it now, which is neither success nor failure",
            ),
            Verdict::Failed(_) if is_valid => (
                State::Failed,
                "the device says that it is valid, and reports a failure of what came of it",
            ),
            Verdict::Failed(_) => (State::Failed, "the device does not accept it"),
            Verdict::Pending if is_valid => (
                State::Missing,
                "the device says that it is valid, and not that it is active",
            ),
            Verdict::Pending => (State::Missing, "the device has not said yet whether it is valid"),
        };
        let mut step = step(Code::Verdict, state, sentence, facts);
        if let Some(exception) = self.exception(wanted) {
            step.facts.push(fact(
                &["record", "failing", &entry.identifier],
                &json!({"since": exception.since}),
            ));
            step.at = Some(exception.since);
        }
        step
    }

    /// Since when it fails.
    fn exception(&self, wanted: Wanted<'_>) -> Option<&Exception> {
        let entry = wanted.entry;
        self.of.record.exceptions.iter().find(|exception| {
            exception.identifier == entry.identifier && exception.server_token == entry.server_token
        })
    }

    /// A reason of the device, or of one of its status items.
    fn reason(&self, wanted: Wanted<'_>, why: &Reason) -> Step {
        let entry = wanted.entry;
        let is_listed = wanted.listed.is_some_and(|listed| listed.reasons.contains(why));
        let facts = match is_listed {
            true => vec![self.listed_fact(entry.kind, &entry.identifier)],
            false => self.items_of(&entry.identifier, why),
        };
        let sentence = reason::sentence(why, &entry.identifier);
        let since = self.exception(wanted).map(|exception| exception.since);
        step(Code::Reason, State::Failed, sentence, facts).at(since)
    }

    /// The status items that speak of the declaration so.
    fn items_of(&self, identifier: &str, why: &Reason) -> Vec<Fact> {
        let items = self.of.record.items.iter();
        let naming = items.filter(|(name, value)| {
            let mut elements = value.as_array().into_iter().flatten();
            let declared_by = |element: &serde_json::Value| {
                element.get("declaration-identifier").and_then(|by| by.as_str()) == Some(identifier)
            };
            **name == why.code || elements.any(declared_by)
        });
        naming
            .map(|(name, _)| self.item_fact(Whose::Channel, name))
            .collect()
    }
}
