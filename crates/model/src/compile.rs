//! Compiling: from a wish and an audience to a manifest. Pure, and done once for each audience of a revision.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Catalog, Kind, Scope};
use serde_json::{Map, Value};

use crate::audience::{Audience, channel_scope};
use crate::declaration::Declaration;
use crate::ids::{Channel, Digest};
use crate::manifest::{Entry, Manifest, Omission, PREDICATE_KEY};
use crate::subscription::{self, SUBSCRIPTION_TYPE};
use crate::windows::channel_of;
use crate::wish::Wish;

/// The one type of activation there is.
pub const ACTIVATION_TYPE: &str = "com.apple.activation.simple";
/// The key of its payload that names configurations.
pub const CONFIGURATIONS_KEY: &str = "StandardConfigurations";
/// Identifiers that begin so are Ordain's own; no policy may use them.
pub const RESERVED_PREFIX: &str = "ordain.";

/// A manifest, and the declarations in it that no policy has: activations made or narrowed for this audience, and
/// Ordain's own subscription with its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// What the audience gets.
    pub manifest: Manifest,
    /// Declarations that exist only for it.
    pub made: Vec<Declaration>,
}

/// What `audience` gets of `wish`.
///
/// What it cannot be given is left out with a reason, and that closes over references: a configuration goes with
/// its missing asset or activation, and activations are made without it.
pub fn compile(wish: &Wish, audience: &Audience, catalog: &Catalog) -> Compiled {
    let mut compiler = Compiler {
        wish,
        audience,
        catalog,
        omitted: BTreeMap::new(),
    };
    let selected = compiler.selected();
    let own = compiler.own_activations(&selected);
    let configurations = compiler.configurations(&selected, &own);
    let assets: BTreeSet<&str> = configurations
        .values()
        .flat_map(|configuration| configuration.references.iter().map(String::as_str))
        .collect();
    compiler.note_unused_assets(&selected, &assets);
    let mut made = compiler.activations(&own, &configurations);
    if let Some(subscription) = compiler.subscription(&configurations, &made) {
        made.made.extend(activation_for(&subscription));
        made.made.push(subscription);
    }

    let management = compiler.management(&selected);
    let assets = assets
        .into_iter()
        .filter_map(|identifier| wish.declarations.get(identifier));
    let mut entries: Vec<Entry> = configurations
        .values()
        .copied()
        .chain(management)
        .chain(assets)
        .map(Entry::from)
        .collect();
    entries.extend(made.as_is.iter().copied().chain(&made.made).map(Entry::from));
    let omissions = compiler
        .omitted
        .into_iter()
        .map(|(identifier, reason)| Omission { identifier, reason })
        .collect();
    Compiled {
        manifest: Manifest::new(entries, omissions),
        made: made.made,
    }
}

/// The identifier of the activation that Ordain makes for `configuration`.
pub fn made_activation(configuration: &str) -> String {
    let hash = Digest::of(configuration.as_bytes()).to_string();
    format!(
        "{RESERVED_PREFIX}activation.{}",
        hash.get(..16).unwrap_or_default()
    )
}

type Selected<'a> = BTreeMap<&'a str, &'a Declaration>;

struct Compiler<'a> {
    wish: &'a Wish,
    audience: &'a Audience,
    catalog: &'a Catalog,
    omitted: BTreeMap<String, String>,
}

#[derive(Default)]
struct Activations<'a> {
    as_is: Vec<&'a Declaration>,
    made: Vec<Declaration>,
}

impl<'a> Compiler<'a> {
    /// What the blueprints for this audience name, with all that it refers to.
    fn selected(&self) -> Selected<'a> {
        let groups = &self.audience.groups;
        let mut open: Vec<&str> = self
            .wish
            .blueprints
            .values()
            .filter(|blueprint| {
                !blueprint.include.is_disjoint(groups) && blueprint.exclude.is_disjoint(groups)
            })
            .flat_map(|blueprint| blueprint.declarations.iter().map(String::as_str))
            .collect();
        let mut selected = BTreeMap::new();
        while let Some(identifier) = open.pop() {
            let Some(declaration) = self.wish.declarations.get(identifier) else {
                continue;
            };
            // What else there is concerns the device's own channel, and is told there.
            if self.audience.channel == Channel::Linked
                && channel_of(&declaration.type_name) != Some(Channel::Linked)
            {
                continue;
            }
            if selected.insert(identifier, declaration).is_none() {
                open.extend(declaration.references.iter().map(String::as_str));
            }
        }
        selected
    }

    /// The policy's own activations for this channel.
    fn own_activations(&mut self, selected: &Selected<'a>) -> Vec<&'a Declaration> {
        let scope = self.scope();
        let activations = selected
            .values()
            .filter(|declaration| declaration.kind == Kind::Activation)
            .filter(|activation| activation.placement.scope.is_none_or(|own| own == scope));
        activations
            .copied()
            .filter(|activation| self.may_have(activation))
            .collect()
    }

    /// The configurations of this channel that the audience can be given with all their assets, and that an
    /// activation puts in force: one of the policy's own, or, where the policy has none for it, one of ours.
    fn configurations(&mut self, selected: &Selected<'a>, own: &[&'a Declaration]) -> Selected<'a> {
        let mut activated_by: BTreeMap<&str, &str> = BTreeMap::new();
        let activations = self.wish.declarations.values();
        for activation in activations.filter(|declaration| declaration.kind == Kind::Activation) {
            let names = activation.references.iter().map(String::as_str);
            activated_by.extend(names.map(|name| (name, activation.identifier.as_str())));
        }
        let activated: BTreeSet<&str> = own
            .iter()
            .flat_map(|activation| activation.references.iter().map(String::as_str))
            .collect();
        let mut given = BTreeMap::new();
        for (&identifier, &configuration) in selected {
            if configuration.kind != Kind::Configuration || !self.is_placed(configuration) {
                continue;
            }
            let missing = configuration.references.iter().find(|asset| {
                !self
                    .wish
                    .declarations
                    .get(*asset)
                    .is_some_and(|asset| self.may_have(asset))
            });
            if let Some(asset) = missing.cloned() {
                self.omit(
                    identifier,
                    &format!("it needs the asset {asset}, which is left out"),
                );
            } else if let Some(activation) = activated_by
                .get(identifier)
                .filter(|_| !activated.contains(identifier))
            {
                self.omit(
                    identifier,
                    &format!("its activation {activation} is not given on this channel"),
                );
            } else if self.may_have(configuration) {
                given.insert(identifier, configuration);
            }
        }
        given
    }

    /// An asset comes along with the configurations that name it. One that this channel leaves out, and that none of
    /// another channel takes along, is noted.
    fn note_unused_assets(&mut self, selected: &Selected<'a>, used: &BTreeSet<&str>) {
        let elsewhere: BTreeSet<&str> = selected
            .values()
            .filter(|declaration| declaration.kind == Kind::Configuration && !self.is_placed(declaration))
            .flat_map(|configuration| configuration.references.iter().map(String::as_str))
            .collect();
        for (identifier, declaration) in selected {
            if declaration.kind == Kind::Asset
                && !used.contains(identifier)
                && !elsewhere.contains(identifier)
            {
                self.omit(identifier, "no configuration that is given uses it");
            }
        }
    }

    /// The management declarations of this channel.
    fn management(&mut self, selected: &Selected<'a>) -> Vec<&'a Declaration> {
        let management = selected
            .values()
            .filter(|declaration| declaration.kind == Kind::Management);
        management
            .copied()
            .filter(|declaration| self.is_placed(declaration) && self.may_have(declaration))
            .collect()
    }

    /// The policy's own activations, narrowed to what is given, and one for each configuration that has none.
    fn activations(&mut self, own: &[&'a Declaration], given: &Selected<'a>) -> Activations<'a> {
        let mut activations = Activations::default();
        for &activation in own {
            let kept = activation
                .references
                .iter()
                .filter(|name| given.contains_key(name.as_str()))
                .count();
            if kept == activation.references.len() {
                activations.as_is.push(activation);
            } else if kept > 0 {
                activations.made.extend(narrowed(activation, given));
            } else if activation
                .references
                .iter()
                .any(|name| self.omitted.contains_key(name))
            {
                self.omit(
                    &activation.identifier,
                    "every configuration that it names is left out",
                );
            }
        }
        let named: BTreeSet<&str> = own
            .iter()
            .flat_map(|activation| activation.references.iter().map(String::as_str))
            .collect();
        // Windows has no activations: what is set there is in force.
        let unnamed = given.values().filter(|configuration| {
            !named.contains(configuration.identifier.as_str())
                && channel_of(&configuration.type_name).is_none()
        });
        activations
            .made
            .extend(unnamed.filter_map(|configuration| activation_for(configuration)));
        activations
    }

    /// Ordain's own subscription: what decisions over this audience rest on, as far as its devices report it and no
    /// subscription of the policy's has it already.
    fn subscription(&self, given: &Selected<'a>, activations: &Activations<'a>) -> Option<Declaration> {
        let Audience { channel, class, .. } = self.audience;
        if class.withheld.contains_key(SUBSCRIPTION_TYPE) {
            return None;
        }
        let activations: Vec<&Declaration> = activations
            .as_is
            .iter()
            .copied()
            .chain(&activations.made)
            .collect();
        let configurations = || given.values().copied();
        let mut items = subscription::items(
            configurations().chain(activations.iter().copied()),
            subscription::conditions(self.wish, *channel),
            self.catalog,
        );
        let subscribed = subscription::subscribed(configurations(), &activations);
        items.retain(|item| !class.unreported.contains(item) && !subscribed.contains(item.as_str()));
        subscription::subscription(&items)
    }

    fn scope(&self) -> Scope {
        channel_scope(self.audience.channel)
    }

    /// Whether this channel is the one that the declaration goes to.
    fn is_placed(&self, declaration: &Declaration) -> bool {
        let Audience { channel, class, .. } = self.audience;
        if let Some(of_windows) = channel_of(&declaration.type_name) {
            // What is not for this maker's devices is told with the device's own channel.
            let is_withheld = class.withheld.contains_key(&declaration.type_name);
            return *channel == if is_withheld { Channel::Device } else { of_windows };
        }
        let scope = declaration.placement.scope.or_else(|| {
            let known = self.catalog.declaration(&declaration.type_name)?;
            Some(known.default_scope(self.audience.class.platform))
        });
        scope.unwrap_or(Scope::System) == self.scope()
    }

    /// Whether the audience can take the declaration; if not, the reason is noted.
    fn may_have(&mut self, declaration: &Declaration) -> bool {
        let class = &self.audience.class;
        let elsewhere = match (&declaration.placement.platforms, class.platform) {
            (Some(platforms), Some(platform)) if !platforms.contains(&platform) => {
                Some(format!("the policy has it for other platforms than {platform}"))
            }
            _ => None,
        };
        let reason = elsewhere.or_else(|| class.withheld.get(&declaration.type_name).cloned());
        match reason {
            Some(reason) => {
                self.omit(&declaration.identifier, &reason);
                false
            }
            None => true,
        }
    }

    fn omit(&mut self, identifier: &str, reason: &str) {
        self.omitted
            .entry(identifier.to_owned())
            .or_insert_with(|| reason.to_owned());
    }
}

fn narrowed(activation: &Declaration, given: &Selected<'_>) -> Option<Declaration> {
    let mut payload = activation.payload.clone();
    if let Some(Value::Array(names)) = payload.get_mut(CONFIGURATIONS_KEY) {
        names.retain(|name| name.as_str().is_some_and(|name| given.contains_key(name)));
    }
    let references = activation
        .references
        .iter()
        .filter(|name| given.contains_key(name.as_str()))
        .cloned();
    made(activation.identifier.clone(), payload, references.collect())
}

fn activation_for(configuration: &Declaration) -> Option<Declaration> {
    let mut payload = Map::from_iter([(
        CONFIGURATIONS_KEY.to_owned(),
        Value::from(vec![configuration.identifier.clone()]),
    )]);
    if let Some(when) = &configuration.placement.when {
        payload.insert(PREDICATE_KEY.to_owned(), Value::from(when.clone()));
    }
    let references = [configuration.identifier.clone()].into();
    made(made_activation(&configuration.identifier), payload, references)
}

fn made(
    identifier: String,
    payload: Map<String, Value>,
    references: BTreeSet<String>,
) -> Option<Declaration> {
    // Only integers make this fail, and an activation has none.
    let declaration =
        Declaration::new(Kind::Activation, ACTIVATION_TYPE.to_owned(), identifier, payload).ok()?;
    Some(Declaration {
        references,
        ..declaration
    })
}
