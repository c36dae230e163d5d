//! The keys that seal: where they come from, and which of them are in use.

mod rotation;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ordain_pki::seal::{KeyRing, SealError};
use ordain_store::{Store, StoreError};

use crate::files;
use crate::house::DEVICE_CA;
use crate::settings::{Settings, StartError};

pub(crate) use rotation::{Rotation, RotationError};

/// The file in the data directory, where no other one is named.
const KEY_FILE: &str = "installation.key";
/// The environment variable that takes its place.
const VARIABLE: &str = "ORDAIN_SEALING_KEYS";

/// The keys of this server.
pub(crate) struct Keys {
    source: Source,
    ring: RwLock<Arc<KeyRing>>,
    /// Held by the one rotation that runs.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// What came of the last one since the start.
    last: Mutex<Option<Rotation>>,
}

/// Where the keys are from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file: a key on each line, the one that seals first.
    File(PathBuf),
    /// The environment.
    Environment,
}

/// Why something sealed cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unopened {
    /// None of the keys opens it, or what they open is not what it should be: no repetition helps. In words for
    /// administrators.
    #[error("{0}")]
    Lost(String),
    /// The store did not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Environment => f.write_str(VARIABLE),
        }
    }
}

impl Keys {
    /// The keys that the settings name. A file that is missing is made, unless the database has been sealed with keys
    /// that it must have held.
    pub(crate) async fn load(settings: &Settings, store: &Store) -> Result<Self, StartError> {
        let (source, text) = match (&settings.sealing_keys, &settings.key_file) {
            (Some(_), Some(_)) => {
                let what = format!("--key-file and {VARIABLE} both say which keys seal: give one of them");
                return Err(StartError::Setting(what));
            }
            (Some(keys), None) => (Source::Environment, keys.text().to_owned()),
            (None, path) => {
                let path = path.clone().unwrap_or_else(|| settings.data_dir.join(KEY_FILE));
                if !path.exists() {
                    if store.setting(DEVICE_CA).await?.is_some() {
                        return Err(StartError::State(format!(
                            "{}: the file is missing, and what the database holds was sealed with its keys: copy it \
                             here from your backup, or from another node",
                            path.display()
                        )));
                    }
                    files::write_secret(&path, &KeyRing::new_entry())?;
                }
                // A link stays one when the file is written anew.
                let path = path.canonicalize().map_err(StartError::file(&path))?;
                let text = files::read(&path)?;
                (Source::File(path), text)
            }
        };
        let ring = KeyRing::parse(&text)
            .map_err(|error| StartError::Setting(format!("{source}: {error}; restore what was there")))?;
        if ring.ids().count() > 1 && matches!(source, Source::File(_)) && !store.is_shared() {
            tracing::warn!(%source, "a rotation of the keys did not end; `ordain keys rotate` goes on with it");
        }
        Ok(Self {
            source,
            ring: RwLock::new(Arc::new(ring)),
            turn: Arc::default(),
            last: Mutex::default(),
        })
    }

    /// The keys as they are now. Whoever seals keeps the ring until what was sealed is committed, and whoever opens
    /// takes it before reading what is to be opened: a key that was replaced goes when nobody has it any more.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why `what` does not open.
    pub(crate) fn lost(&self, what: &str, error: SealError) -> Unopened {
        let source = &self.source;
        Unopened::Lost(match error {
            SealError::OtherKey(key) => {
                format!("the key {key} is missing in {source}, and {what} is sealed with it: restore it")
            }
            SealError::Damaged | SealError::Failed => format!("{what} does not open: {error}"),
        })
    }

    /// Where they are from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// What came of the last rotation, or has come of it so far.
    pub(crate) fn last(&self) -> Option<Rotation> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes `ring` from now on; the one before.
    fn replace(&self, ring: KeyRing) -> Arc<KeyRing> {
        let mut place = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, Arc::new(ring))
    }

    fn note(&self, change: impl FnOnce(&mut Rotation)) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        change(last.get_or_insert_default());
    }
}
