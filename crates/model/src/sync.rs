//! The DDM sync: what a device is offered by `tokens`, pinned to by `declaration-items`, and served from.

use std::sync::Arc;

use crate::compile::Compiled;
use crate::decision::{Decision, Write};
use crate::enrollment::{Enrollment, Offer};
use crate::manifest::Manifest;

/// The manifest that an enrollment should hold, as this node sees it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The revision that this node knows.
    pub revision: u64,
    /// The manifest.
    pub manifest: Arc<Manifest>,
    /// The declarations that exist only for it.
    pub made: Arc<[crate::declaration::Declaration]>,
}

impl Wanted {
    /// What was compiled of `revision`.
    pub fn new(revision: u64, compiled: Compiled) -> Self {
        Self {
            revision,
            manifest: Arc::new(compiled.manifest),
            made: compiled.made.into(),
        }
    }

    /// Keeps the manifest: what was offered is told by it, whatever is published later.
    pub fn keep(&self) -> Write {
        Write::Manifest(self.manifest.clone(), self.made.clone())
    }
}

/// This node knows an older revision than the device was offered: it must reload and decide again, or time would
/// run backwards for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this node is behind the revision that the device was offered")]
pub struct Behind;

/// The offer of `wanted`: the standing one when the token is the same, else a new one with a newer stamp.
pub fn offer(enrollment: &Enrollment, wanted: &Wanted, now: i64) -> Result<Offer, Behind> {
    let token = wanted.manifest.token();
    match enrollment.offer {
        Some(offer) if offer.token == token => Ok(offer),
        Some(offer) if offer.revision > wanted.revision => Err(Behind),
        _ => Ok(Offer {
            revision: wanted.revision,
            token,
            stamp: now.max(enrollment.stamp.saturating_add(1)),
        }),
    }
}

/// `enrollment` with `offer` recorded.
pub fn offered(enrollment: &Enrollment, offer: Offer) -> Enrollment {
    Enrollment {
        offer: Some(offer),
        stamp: enrollment.stamp.max(offer.stamp),
        ..enrollment.clone()
    }
}

/// `tokens`: writes only when the token is new, and pins nothing.
pub fn tokens(enrollment: &Enrollment, wanted: &Wanted, now: i64) -> Result<Decision<Offer>, Behind> {
    let offer = offer(enrollment, wanted, now)?;
    if enrollment.offer == Some(offer) {
        return Ok(Decision::reply(offer));
    }
    Ok(Decision {
        writes: vec![
            wanted.keep(),
            Write::Enrollment(Box::new(offered(enrollment, offer))),
        ],
        reply: offer,
    })
}

/// `declaration-items`: the wanted manifest, pinned before it is answered. A pin is written once.
pub fn declaration_items(
    enrollment: &Enrollment,
    wanted: &Wanted,
    now: i64,
) -> Result<Decision<Arc<Manifest>>, Behind> {
    let offer = offer(enrollment, wanted, now)?;
    let after = Enrollment {
        pinned: Some(offer.token),
        ..offered(enrollment, offer)
    };
    let reply = wanted.manifest.clone();
    if after == *enrollment {
        return Ok(Decision::reply(reply));
    }
    Ok(Decision {
        writes: vec![wanted.keep(), Write::Enrollment(Box::new(after))],
        reply,
    })
}
