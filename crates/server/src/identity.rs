//! Who sends a request: the certificate that it proves, by TLS, by a named proxy's word, or by its signature.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ipnet::IpNet;
use ordain_model::checkin::Presented;
use ordain_model::enrollment::{Enrollment, Pin};
use ordain_model::ids::Digest;
use ordain_pki::chain::{self, Expiry};
use ordain_pki::{Authority, Certificate, cms, header};
use quick_cache::sync::Cache;

/// The header of a message signature (MDM: `SignMessage`).
pub(crate) const SIGNATURE_HEADER: &str = "mdm-signature";

/// Clocks differ: a certificate that begins within a day is looked at. Whether it may enroll is decided later.
const CLOCK_TOLERANCE: i64 = 24 * 60 * 60;

/// Certificates that are remembered once they were verified.
const MOST_KNOWN: usize = 100_000;

/// Whom the server believes.
pub(crate) struct Trust {
    /// Ordain's own device CA.
    pub(crate) own: Authority,
    own_fingerprint: Digest,
    anchors: Vec<Certificate>,
    proxies: Vec<IpNet>,
    header: Option<String>,
    /// Leaves whose chain was verified, and the CA that it led to.
    verified: Cache<[u8; 32], Digest>,
    /// Values of the proxies' header, by their hash, whose certificate was verified.
    passed_on: Cache<Digest, Presented>,
}

/// The connection that a request came over.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The other end.
    pub(crate) address: IpAddr,
    /// The certificates that it showed in the TLS handshake, its own first.
    pub(crate) certificates: Vec<Certificate>,
}

/// Why no identity was taken from a request. For the log; the sender learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unidentified {
    #[error("no certificate")]
    None,
    #[error("an identity header came more than once")]
    Duplicate,
    #[error("the identity header cannot be read")]
    UnreadableHeader,
    #[error("the message signature does not hold")]
    BadSignature,
    #[error("the certificate is of no trusted authority")]
    Untrusted,
    #[error("the identities of one request differ")]
    Disagree,
}

impl Trust {
    /// Believes `own`, the device CAs in `anchors`, and `header` from `proxies`.
    pub(crate) fn new(
        own: Authority,
        foreign: Vec<Certificate>,
        proxies: Vec<IpNet>,
        header: Option<String>,
    ) -> Self {
        let anchors = std::iter::once(own.certificate().clone())
            .chain(foreign)
            .collect();
        Self {
            own_fingerprint: Digest(own.certificate().fingerprint()),
            own,
            anchors,
            proxies,
            header,
            verified: Cache::new(MOST_KNOWN),
            passed_on: Cache::new(MOST_KNOWN),
        }
    }

    /// SHA-256 of each device CA beside our own.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = Digest> {
        let own = self.own_fingerprint;
        let anchors = self.anchors.iter().map(|anchor| Digest(anchor.fingerprint()));
        anchors.filter(move |anchor| *anchor != own)
    }

    /// The identity that a request with `body` proves. Every one that it shows must be the same.
    pub(crate) fn identify(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        body: &[u8],
        now: i64,
    ) -> Result<Presented, Unidentified> {
        agreed(&self.shown(peer, headers, body, now)?)
    }

    /// The same for a request of which a part is signed with the key of `signer`, as was verified: that proves an identity,
    /// too. `others` are certificates that its chain may need.
    pub(crate) fn identify_signer(
        &self,
        signer: &Certificate,
        others: &[Certificate],
        peer: &Peer,
        headers: &HeaderMap,
        body: &[u8],
        now: i64,
    ) -> Result<Presented, Unidentified> {
        let mut shown = self.shown(peer, headers, body, now)?;
        shown.push(self.trusted(signer, others, now)?);
        agreed(&shown)
    }

    /// Every identity that a request shows.
    fn shown(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        body: &[u8],
        now: i64,
    ) -> Result<Vec<Presented>, Unidentified> {
        let is_proxy = self.is_proxy(peer);
        let mut shown: Vec<Presented> = Vec::new();
        if let Some((leaf, others)) = peer.certificates.split_first() {
            match self.trusted(leaf, others, now) {
                Ok(presented) => shown.push(presented),
                // A proxy may have a certificate of its own, which says nothing of the device.
                Err(_) if is_proxy => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(name) = self.header.as_deref().filter(|_| is_proxy)
            && let Some(value) = single(headers, name)?
        {
            shown.push(self.passed_on(value, now)?);
        }
        if let Some(value) = single(headers, SIGNATURE_HEADER)? {
            let message = STANDARD.decode(value).map_err(|_| Unidentified::BadSignature)?;
            let signed = cms::verify_detached(&message, body).map_err(|_| Unidentified::BadSignature)?;
            shown.push(self.trusted(&signed.signer, &signed.others, now)?);
        }
        Ok(shown)
    }

    fn is_proxy(&self, peer: &Peer) -> bool {
        self.proxies.iter().any(|network| network.contains(&peer.address))
    }

    /// Whether a request without an identity comes from where nobody could tell one: through a trusted proxy that passes on
    /// no certificates.
    pub(crate) fn is_told_nothing(&self, peer: &Peer) -> bool {
        self.header.is_none() && self.is_proxy(peer)
    }

    /// What `device` proves when it shows its pinned certificate, which is one of our own.
    pub(crate) fn as_pinned(&self, device: &Enrollment) -> Option<Presented> {
        Some(Presented {
            pin: device.identity?,
            not_before: i64::MIN,
            own: true,
            anchor: self.own_fingerprint,
        })
    }

    /// What a certificate that our own device CA issued proves.
    pub(crate) fn own_presented(&self, certificate: &Certificate) -> Presented {
        presented(certificate, self.own_fingerprint, true)
    }

    /// The identity in a proxy's header, which says the same for each request of a device.
    fn passed_on(&self, value: &[u8], now: i64) -> Result<Presented, Unidentified> {
        let hash = Digest::of(value);
        if let Some(known) = self.passed_on.get(&hash) {
            return Ok(known);
        }
        let certificate = header::client_certificate(value).map_err(|_| Unidentified::UnreadableHeader)?;
        let presented = self.trusted(&certificate, &[], now)?;
        self.passed_on.insert(hash, presented);
        Ok(presented)
    }

    fn trusted(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        now: i64,
    ) -> Result<Presented, Unidentified> {
        let fingerprint = leaf.fingerprint();
        let anchor = match self.verified.get(&fingerprint) {
            Some(anchor) => anchor,
            None => {
                // Expiry is judged where it matters: a pinned certificate works on after its end.
                let at = now.saturating_add(CLOCK_TOLERANCE);
                let anchor = chain::verify(leaf, others, &self.anchors, at, Expiry::Ignored)
                    .map_err(|_| Unidentified::Untrusted)?;
                let anchor = Digest(anchor.fingerprint());
                self.verified.insert(fingerprint, anchor);
                anchor
            }
        };
        Ok(presented(leaf, anchor, anchor == self.own_fingerprint))
    }
}

fn presented(certificate: &Certificate, anchor: Digest, own: bool) -> Presented {
    Presented {
        pin: Pin {
            fingerprint: Digest(certificate.fingerprint()),
            not_after: certificate.not_after(),
        },
        not_before: certificate.not_before(),
        own,
        anchor,
    }
}

fn agreed(shown: &[Presented]) -> Result<Presented, Unidentified> {
    let first = shown.first().copied().ok_or(Unidentified::None)?;
    if shown.iter().any(|other| *other != first) {
        return Err(Unidentified::Disagree);
    }
    Ok(first)
}

/// The one value of a header; nothing when it is missing or empty, as proxies send it for clients without one.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, Unidentified> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Unidentified::Duplicate);
    }
    Ok(first
        .map(http::HeaderValue::as_bytes)
        .filter(|value| !value.is_empty()))
}
