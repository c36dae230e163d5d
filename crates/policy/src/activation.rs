//! Activations: what a device would stumble over must not reach it.

use std::collections::BTreeMap;

use ordain_catalog::{Kind, Platform};
use ordain_model::compile::CONFIGURATIONS_KEY;
use ordain_model::manifest::PREDICATE_KEY;

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::fields::{Fields, Text};
use crate::problem::{Place, quoted};

impl Compiler<'_> {
    /// Checks payloads of activations and all predicates. A misspelt key would make an activation unconditional, so
    /// unknown ones are refused here already.
    pub(crate) fn check_activations(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        let mut judge = self.judge(drafts);
        let mut activated: BTreeMap<&str, Place> = BTreeMap::new();
        for draft in drafts
            .values()
            .filter(|draft| draft.kind() == Some(Kind::Activation))
        {
            let keys = [CONFIGURATIONS_KEY, PREDICATE_KEY];
            let Some(payload) = Fields::of(&draft.payload, &keys, &mut self.problems) else {
                continue;
            };
            for configuration in payload.required_texts(CONFIGURATIONS_KEY, &mut self.problems) {
                activated.entry(configuration.text).or_insert(configuration.place);
                self.check_scope(draft, configuration, drafts);
            }
            if let Some(predicate) = payload.text(PREDICATE_KEY, &mut self.problems) {
                self.check_predicate(&mut judge, predicate, draft, drafts);
            }
        }
        // Elsewhere `when` was complained of.
        let configurations = drafts
            .values()
            .filter(|draft| draft.kind() == Some(Kind::Configuration));
        for draft in configurations {
            let (Some(place), Some(when)) = (draft.when, &draft.placement.when) else {
                continue;
            };
            if let Some(activation) = activated.get(draft.identifier.as_str()) {
                let message = format!(
                    "the policy has its own activation for this configuration ({}); put the predicate there",
                    self.problems.name(*activation)
                );
                self.problems.error(place, message);
            }
            self.check_predicate(&mut judge, Text { text: when, place }, draft, drafts);
        }
    }

    /// An activation and its configurations go to one channel; one that names what goes to the other does nothing.
    fn check_scope(&mut self, activation: &Draft<'_>, named: Text<'_>, drafts: &BTreeMap<String, Draft<'_>>) {
        let Some(scope) = activation.placement.scope else {
            return;
        };
        let Some((configuration, known)) = drafts
            .get(named.text)
            .and_then(|draft| Some((draft, draft.known()?)))
        else {
            return;
        };
        let fits = match configuration.placement.scope {
            Some(own) => own == scope,
            None => Platform::ALL
                .iter()
                .any(|platform| known.default_scope(Some(*platform)) == scope),
        };
        if !fits {
            let message = format!(
                "{} does not go to the {scope} channel, which is this activation's scope; give both the same scope",
                quoted(named.text)
            );
            self.problems.error(named.place, message);
        }
    }
}
