//! The sync of a channel's declarations with those of the server: tokens, items, fetches, and then all at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ordain_apple::ddm::{Declaration, DeclarationItems, Endpoint, Item, TokensResponse};
use ordain_catalog::Kind;
use ordain_model::ids::Digest;

use crate::complaint::{Complaint, Complaints};
use crate::request::{About, Response};
use crate::stored::{Store, Stored};

/// How often a wake may find that the token has moved on while it synced.
const MAX_ROUNDS: u8 = 5;
/// Of how many revisions of declarations the content is remembered.
const MAX_REMEMBERED: usize = 1000;
/// After how many seconds a device asks for the tokens by itself.
const RESYNC: i64 = 24 * 60 * 60;

/// What a channel knows of the server's wish, and how far it is with it.
#[derive(Debug, Default)]
pub(crate) struct Sync {
    phase: Phase,
    /// The newest tokens told so far, whichever way they came.
    newest: Option<TokensResponse>,
    /// The items that were applied last.
    applied: Option<DeclarationItems>,
    /// When, in unix seconds.
    applied_at: i64,
    /// The last attempt broke off; the next wake begins anew.
    broken: bool,
    rounds: u8,
    /// The content of each revision that was fetched, by (identifier, ServerToken).
    contents: BTreeMap<(String, String), Digest>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    Tokens,
    Items,
    Fetching(Fetching),
}

#[derive(Debug)]
struct Fetching {
    items: DeclarationItems,
    todo: VecDeque<(Kind, Item)>,
    fetched: Vec<Stored>,
}

impl Sync {
    /// Whether declarations were applied, and nothing more is known to be done.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Idle) && !self.broken && self.applied.is_some()
    }

    /// A command says that there is something new, with or without tokens.
    pub(crate) fn start(&mut self, tokens: Option<TokensResponse>, complaints: &mut Complaints) {
        match tokens {
            Some(tokens) => self.told(tokens, complaints),
            None => self.phase = Phase::Tokens,
        }
    }

    /// The device looks after its channel: what broke off is begun anew, and now and then it asks by itself.
    pub(crate) fn wake(&mut self, now: i64) {
        self.rounds = 0;
        let long_ago = self.applied.is_some() && now.saturating_sub(self.applied_at) >= RESYNC;
        if !matches!(self.phase, Phase::Idle) || self.broken || long_ago {
            self.broken = false;
            self.phase = Phase::Tokens;
        }
    }

    /// What to ask next.
    pub(crate) fn next(&self) -> Option<Endpoint> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Tokens => Some(Endpoint::Tokens),
            Phase::Items => Some(Endpoint::DeclarationItems),
            Phase::Fetching(fetching) => fetching.todo.front().map(|(kind, item)| Endpoint::Declaration {
                kind: *kind,
                identifier: item.identifier.clone(),
            }),
        }
    }

    /// Takes the answer to [`Sync::next`]. True when declarations were applied to the store.
    pub(crate) fn answered(
        &mut self,
        response: &Response,
        store: &mut Store,
        complaints: &mut Complaints,
        now: i64,
    ) -> bool {
        let Some(endpoint) = self.next() else {
            return false;
        };
        let about = About::Endpoint(endpoint);
        match std::mem::take(&mut self.phase) {
            Phase::Idle => return false,
            Phase::Tokens => match complaints.check_document(response, &about, TokensResponse::parse) {
                Some(tokens) => self.told(tokens, complaints),
                None => self.broken = true,
            },
            Phase::Items => match complaints.check_document(response, &about, DeclarationItems::parse) {
                Some(items) => self.listed(items, store, complaints),
                None => self.broken = true,
            },
            Phase::Fetching(fetching) => self.fetched(response, &about, fetching, complaints),
        }
        match std::mem::take(&mut self.phase) {
            Phase::Fetching(fetching) if fetching.todo.is_empty() => {
                self.apply(fetching, store, complaints, now);
                true
            }
            phase => {
                self.phase = phase;
                false
            }
        }
    }

    /// Breaks off: the transport failed.
    pub(crate) fn break_off(&mut self) {
        self.broken |= !matches!(self.phase, Phase::Idle);
        self.phase = Phase::Idle;
    }

    fn told(&mut self, tokens: TokensResponse, complaints: &mut Complaints) {
        if let Some(newest) = &self.newest {
            let same_token = newest.declarations_token == tokens.declarations_token;
            if tokens.timestamp < newest.timestamp {
                // Whichever way they came, they are not the newest.
                complaints.add(Complaint::TimestampBackwards(
                    newest.timestamp.saturating_sub(tokens.timestamp),
                ));
                return;
            }
            if tokens.timestamp == newest.timestamp && !same_token {
                complaints.add(Complaint::TimestampStood);
            }
        }
        if self.applied_token() != Some(&tokens.declarations_token) {
            self.phase = Phase::Items;
        }
        self.newest = Some(tokens);
    }

    fn applied_token(&self) -> Option<&String> {
        self.applied.as_ref().map(|items| &items.declarations_token)
    }

    fn listed(&mut self, mut items: DeclarationItems, store: &Store, complaints: &mut Complaints) {
        let mut identifiers = BTreeSet::new();
        for &kind in Kind::ALL {
            items.declarations.of_mut(kind).retain(|item| {
                let is_new = identifiers.insert(item.identifier.clone());
                if !is_new {
                    complaints.add(Complaint::ListedTwice(item.identifier.clone()));
                }
                is_new
            });
        }
        if let Some(applied) = &self.applied {
            let same_token = applied.declarations_token == items.declarations_token;
            let same_items = sorted(applied) == sorted(&items);
            match (same_token, same_items) {
                (false, true) => complaints.add(Complaint::TokenMoved),
                (true, false) => complaints.add(Complaint::TokenStood),
                _ => {}
            }
        }
        let todo = Kind::ALL
            .iter()
            .flat_map(|&kind| {
                items
                    .declarations
                    .of(kind)
                    .iter()
                    .map(move |item| (kind, item.clone()))
            })
            .filter(|(kind, item)| {
                store
                    .get(&item.identifier)
                    .is_none_or(|stored| stored.server_token != item.server_token || stored.kind != *kind)
            })
            .collect();
        self.phase = Phase::Fetching(Fetching {
            items,
            todo,
            fetched: Vec::new(),
        });
    }

    fn fetched(
        &mut self,
        response: &Response,
        about: &About,
        mut fetching: Fetching,
        complaints: &mut Complaints,
    ) {
        let Some((kind, item)) = fetching.todo.pop_front() else {
            return;
        };
        if response.status == 404 {
            // It goes on without it; the next change of the token brings another chance.
            complaints.add(Complaint::ListedButMissing(item.identifier));
            self.phase = Phase::Fetching(fetching);
            return;
        }
        let stored = complaints
            .check_document(response, about, Declaration::parse)
            .map(|declaration| Stored::new(kind, declaration))
            .filter(|stored| self.accepts(&item, stored, complaints));
        match stored {
            Some(stored) => {
                fetching.fetched.push(stored);
                self.phase = Phase::Fetching(fetching);
            }
            None => self.broken = true,
        }
    }

    /// Whether the declaration is the one that was asked for.
    fn accepts(&mut self, item: &Item, stored: &Stored, complaints: &mut Complaints) -> bool {
        if stored.identifier != item.identifier {
            complaints.add(Complaint::OtherIdentifier {
                asked: item.identifier.clone(),
                given: stored.identifier.clone(),
            });
            return false;
        }
        if Kind::of_type(&stored.type_name).is_some_and(|of_type| of_type != stored.kind) {
            complaints.add(Complaint::OtherKind(item.identifier.clone()));
            return false;
        }
        if stored.server_token != item.server_token {
            complaints.add(Complaint::OtherServerToken(item.identifier.clone()));
        }
        if !self.remember(stored) {
            complaints.add(Complaint::ServerTokenStood(item.identifier.clone()));
        }
        true
    }

    /// Whether this revision, as far as it was seen before, has the content that it had then.
    fn remember(&mut self, stored: &Stored) -> bool {
        if self.contents.len() >= MAX_REMEMBERED {
            self.contents.clear();
        }
        let revision = (stored.identifier.clone(), stored.server_token.clone());
        *self.contents.entry(revision).or_insert(stored.content) == stored.content
    }

    /// Removals first, then what is new or changed.
    fn apply(&mut self, fetching: Fetching, store: &mut Store, complaints: &mut Complaints, now: i64) {
        let Fetching { items, fetched, .. } = fetching;
        let listed: BTreeMap<&str, &str> = Kind::ALL
            .iter()
            .flat_map(|&kind| items.declarations.of(kind))
            .map(|item| (item.identifier.as_str(), item.server_token.as_str()))
            .collect();
        // What is listed under another token, and was not found, is a stale copy.
        store.retain(|identifier, stored| {
            listed.get(identifier.as_str()) == Some(&stored.server_token.as_str())
        });
        for stored in fetched {
            store.insert(stored.identifier.clone(), stored);
        }
        // The token to be stored is that of the items. When another one was announced, the newest word decides.
        let agreed = self
            .newest
            .as_ref()
            .is_none_or(|newest| newest.declarations_token == items.declarations_token);
        self.applied = Some(items);
        self.applied_at = now;
        if agreed {
            self.rounds = 0;
        } else if self.rounds < MAX_ROUNDS {
            self.rounds += 1;
            self.phase = Phase::Tokens;
        } else {
            complaints.add(Complaint::TokenRestless);
        }
    }
}

fn sorted(items: &DeclarationItems) -> BTreeSet<(Kind, &Item)> {
    Kind::ALL
        .iter()
        .flat_map(|&kind| items.declarations.of(kind).iter().map(move |item| (kind, item)))
        .collect()
}
