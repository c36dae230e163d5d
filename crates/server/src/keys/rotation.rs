//! Rotation: a new key takes over, everything is sealed anew under it, and only then the old one goes.
//!
//! Whenever it breaks off, both keys are in the file, and the next rotation goes on with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ordain_pki::seal::{KEY_HEAD_LEN, KeyId, KeyRing};
use ordain_store::{Actor, AuditRecord, SEALED_PLACES, SealedPlace, StoreError};
use serde_json::json;

use super::{Keys, Source, VARIABLE};
use crate::app::App;
use crate::settings::StartError;
use crate::{files, house};

/// How many values are sealed anew in one transaction: few, since devices wait behind it.
const BATCH: u32 = 64;
/// How many are counted at a time.
const STRETCH: u32 = 1_000;
/// How often everything is gone through; more is needed only while another node still seals under an old key.
const PASSES: u32 = 8;
/// How long requests under way may hold on to the keys that are replaced.
const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(10);
/// How many values that cannot be opened are named.
const MOST_NAMED: usize = 20;

/// What a rotation has come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotation {
    /// Whether it still runs.
    pub(crate) running: bool,
    /// How many values it has sealed anew.
    pub(crate) resealed: u64,
    /// How many values it could not open; they stay as they are.
    pub(crate) unopened: u64,
    /// Which ones, and why; not more than [`MOST_NAMED`].
    pub(crate) problems: Vec<String>,
    /// Why it broke off.
    pub(crate) failure: Option<String>,
}

/// Why no rotation was begun. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotationError {
    /// This server cannot do it by itself; the text says what to do.
    #[error("{0}")]
    ByHand(String),
    /// The database does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file does not.
    #[error(transparent)]
    File(#[from] StartError),
}

/// How many values lie under each key, by the place where they lie.
pub(crate) type Count = BTreeMap<Option<KeyId>, BTreeMap<&'static str, u64>>;

impl Keys {
    /// The file that this server alone has and may write.
    fn own_file(&self, is_shared: bool) -> Option<&Path> {
        match &self.source {
            Source::File(path) if !is_shared => Some(path),
            _ => None,
        }
    }

    /// How to do by hand what this server cannot.
    fn by_hand(&self) -> String {
        let (place, separator) = match &self.source {
            Source::File(_) => ("the key file", "line"),
            Source::Environment => (VARIABLE, "entry"),
        };
        format!(
            "this server does not make keys by itself: it could not hand them to whoever needs them. Make one \
             (`openssl rand -base64 32`) and put it into {place} of every node as the second {separator}; restart \
             them; then make it the first {separator} on every node, and restart them again; then `ordain keys \
             rotate` seals everything under it"
        )
    }

    /// What the key file is to hold, and the ring made of it: with a new key, unless a rotation is to go on.
    fn next(&self, path: &Path) -> Result<(String, KeyRing), RotationError> {
        let parse = |text: &str| {
            let wrong = |error| StartError::Setting(format!("{}: {error}", path.display()));
            KeyRing::parse(text).map_err(wrong)
        };
        let mut text = files::read(path)?;
        let found = parse(&text)?;
        let known: BTreeSet<_> = found.ids().collect();
        if let Some(lost) = self.ring().ids().find(|id| !known.contains(id)) {
            return Err(RotationError::ByHand(format!(
                "{}: the key {lost} is in use, and no longer in the file: restore it",
                path.display()
            )));
        }
        if known.len() == 1 {
            text = format!("{}\n{}", KeyRing::new_entry(), text);
        }
        let ring = parse(&text)?;
        Ok((text, ring))
    }

    /// Takes the keys under which nothing is `left` out of the file.
    fn retire(&self, path: &Path, left: &BTreeSet<KeyId>) -> Result<(), StartError> {
        let text = files::read(path)?;
        let stays = |entry: &&str| KeyRing::parse(entry).is_ok_and(|key| left.contains(&key.first()));
        let mut entries = KeyRing::entries(&text);
        let kept: Vec<_> = entries.next().into_iter().chain(entries.filter(stays)).collect();
        let text = kept.join("\n");
        let ring = KeyRing::parse(&text)
            .map_err(|error| StartError::Setting(format!("{}: {error}", path.display())))?;
        files::write_secret(path, &text)?;
        drop(self.replace(ring));
        Ok(())
    }
}

impl App {
    /// Begins a rotation, or joins the one that runs. It goes on behind; [`Keys::last`] tells how far it is.
    pub(crate) async fn rotate_keys(self: &Arc<Self>, actor: Actor) -> Result<(), RotationError> {
        let Ok(turn) = self.seal.turn.clone().try_lock_owned() else {
            return Ok(());
        };
        let own = self.seal.own_file(self.store.is_shared());
        let before = self.seal.ring();
        let next = match own {
            Some(path) => Some((path, self.seal.next(path)?)),
            None if before.ids().count() > 1 => None,
            None => return Err(RotationError::ByHand(self.seal.by_hand())),
        };
        let to = next
            .as_ref()
            .map_or(before.first(), |(_, (_, ring))| ring.first());
        let from: Vec<_> = before
            .ids()
            .filter(|id| *id != to)
            .map(|id| id.to_string())
            .collect();
        drop(before);
        let audit = AuditRecord {
            at: self.now(),
            actor,
            action: "rotate-keys".into(),
            detail: json!({"to": to.to_string(), "from": from}),
        };
        self.store.record(&audit).await?;
        let mut replaced = Weak::new();
        if let Some((path, (text, ring))) = next {
            files::write_secret(path, &text)?;
            replaced = Arc::downgrade(&self.seal.replace(ring));
        }
        self.seal.note(|last| {
            *last = Rotation {
                running: true,
                ..Rotation::default()
            };
        });
        let app = self.clone();
        tokio::spawn(async move {
            let outcome = app.seal_anew(&replaced).await;
            app.seal.note(|last| {
                last.running = false;
                last.failure = outcome.err();
            });
            drop(turn);
        });
        Ok(())
    }

    async fn seal_anew(&self, replaced: &Weak<KeyRing>) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("{error}; start it again, and it goes on");
        let wait = async {
            while replaced.strong_count() > 0 {
                tokio::time::sleep(PERIOD).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.map_err(|_| failed(&"requests under way still seal under the old key"))?;
        for _ in 0..PASSES {
            let (moved, left) = self.pass().await.map_err(|error| failed(&error))?;
            if moved > 0 {
                continue;
            }
            let Some(path) = self.seal.own_file(self.store.is_shared()) else {
                return Ok(());
            };
            let gone = self.seal.ring();
            let gone: Vec<_> = gone.ids().skip(1).filter(|id| !left.contains(id)).collect();
            if gone.is_empty() {
                return Ok(());
            }
            let audit = AuditRecord {
                at: self.now(),
                actor: house::the_server(),
                action: "remove-keys".into(),
                detail: json!({"keys": gone.iter().map(ToString::to_string).collect::<Vec<_>>()}),
            };
            self.store.record(&audit).await.map_err(|error| failed(&error))?;
            return self.seal.retire(path, &left).map_err(|error| failed(&error));
        }
        Err(failed(&"another node still seals under an old key"))
    }

    /// Goes through everything that is sealed: how many values were sealed anew, and the keys under which there are
    /// some that cannot be opened.
    async fn pass(&self) -> Result<(usize, BTreeSet<KeyId>), StoreError> {
        let ring = self.seal.ring();
        let (mut moved, mut unopened, mut problems) = (0, 0, Vec::new());
        let mut left = BTreeSet::new();
        for place in &SEALED_PLACES {
            let mut after = None;
            loop {
                let values = self.store.sealed(place, after.as_ref(), None, BATCH).await?;
                let Some(last) = values.last() else { break };
                after = Some(last.clone());
                let mut anew = Vec::new();
                for value in values {
                    let id = KeyId::of(&value.sealed);
                    if id == Ok(ring.first()) {
                        continue;
                    }
                    let context = value.context();
                    let opened = ring.open(&context, &value.sealed);
                    match opened.and_then(|plain| ring.seal(&context, &plain)) {
                        Ok(sealed) => anew.push((value, sealed)),
                        Err(error) => {
                            left.extend(id.ok());
                            unopened += 1;
                            if problems.len() < MOST_NAMED {
                                problems.push(format!("{}: {error}", value.name()));
                            }
                        }
                    }
                }
                let count = anew.len();
                self.store.reseal(anew).await?;
                self.seal.note(|last| last.resealed += count as u64);
                moved += count;
            }
        }
        self.seal.note(|last| {
            last.unopened = unopened;
            last.problems = problems;
        });
        Ok((moved, left))
    }

    /// What lies under each key; under none, what is no sealed value.
    pub(crate) async fn count_sealed(&self) -> Result<Count, StoreError> {
        let mut count = Count::new();
        for place in &SEALED_PLACES {
            self.count_place(place, &mut count).await?;
        }
        Ok(count)
    }

    async fn count_place(&self, place: &'static SealedPlace, count: &mut Count) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let heads = (self.store)
                .sealed(place, after.as_ref(), Some(KEY_HEAD_LEN), STRETCH)
                .await?;
            let Some(last) = heads.last() else { return Ok(()) };
            after = Some(last.clone());
            for head in &heads {
                let under = count.entry(KeyId::of(&head.sealed).ok()).or_default();
                *under.entry(place.table).or_default() += 1;
            }
        }
    }
}
