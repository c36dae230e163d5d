//! Does a device's certificate come from a trusted authority? (RFC 5280 §6, as far as private
//! authorities use it: no policies, no name constraints, no revocation lists.)

use thiserror::Error;

use crate::certificate::Certificate;
use crate::signature::SignatureError;

/// At most this many authorities stand above a leaf, the trust anchor among them.
pub const MAX_AUTHORITIES: usize = 5;

/// One search tries at most this many signatures, whatever the set of intermediates.
const MAX_SIGNATURES: usize = 32;

/// Whether a certificate past its end still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Every certificate of the path, the anchor too, must not have expired.
    Enforced,
    /// No expiry counts: for a certificate that was accepted and pinned before, so that neither its own
    /// end nor that of an authority cuts off a fleet. A start in the future still counts.
    Ignored,
}

/// Why a certificate is not trusted.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ChainError {
    /// No trusted authority has the name that issued the certificate.
    #[error("no trusted authority issued this certificate")]
    UnknownIssuer,
    /// An authority of the right name did not make the signature.
    #[error("a signature on the way to the trusted authority is wrong")]
    WrongSignature,
    /// A key or signature algorithm that is not supported, or too weak.
    #[error("a signature on the way to the trusted authority uses an unsupported algorithm or key")]
    UnsupportedAlgorithm,
    /// A certificate of the path has expired.
    #[error("the certificate or an authority above it has expired")]
    Expired,
    /// A certificate of the path is not valid yet.
    #[error("the certificate or an authority above it is not valid yet")]
    NotYetValid,
    /// A certificate of the path was used as an authority without being one, or has too many below it.
    #[error("a certificate on the way to the trusted authority may not issue certificates")]
    NotAnAuthority,
    /// The certificate is an authority, or a trust anchor itself: whoever holds its key could be anyone.
    #[error("an authority's certificate cannot be a device's identity")]
    LeafIsAuthority,
    /// The certificate was issued for other purposes than authenticating a client.
    #[error("the certificate is not meant for authenticating a client")]
    WrongPurpose,
    /// A certificate of the path has a critical extension that is not understood, or name constraints.
    #[error("a certificate has a critical extension that is not supported")]
    UnsupportedExtension,
    /// The path is longer than [`MAX_AUTHORITIES`], or the search for one took too many steps.
    #[error("no path to a trusted authority was found within the limits")]
    TooComplex,
}

/// Finds a path from `leaf`, over any of `intermediates`, to one of `anchors`, and returns that anchor.
///
/// Anchors are trusted by being named: they may be intermediate authorities, and nothing above them is
/// looked at. `at` is the present in unix seconds. The work is bounded for any set of intermediates; where
/// several paths fail, the error is that of the one that came closest.
pub fn verify<'a>(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &'a [Certificate],
    at: i64,
    expiry: Expiry,
) -> Result<&'a Certificate, ChainError> {
    if leaf.is_ca() || anchors.contains(leaf) {
        return Err(ChainError::LeafIsAuthority);
    }
    let mut search = Search {
        intermediates,
        anchors,
        at,
        expiry,
        path: Vec::new(),
        signatures: 0,
    };
    search.usable(leaf)?;
    if !leaf.may_authenticate_clients() {
        return Err(ChainError::WrongPurpose);
    }
    search.anchor_above(leaf)
}

struct Search<'a, 'b> {
    intermediates: &'b [Certificate],
    anchors: &'a [Certificate],
    at: i64,
    expiry: Expiry,
    /// The intermediates between the leaf and the certificate whose issuer is looked for.
    path: Vec<&'b Certificate>,
    signatures: usize,
}

impl<'a> Search<'a, '_> {
    fn anchor_above(&mut self, subject: &Certificate) -> Result<&'a Certificate, ChainError> {
        if self.path.len() == MAX_AUTHORITIES {
            return Err(ChainError::TooComplex);
        }
        let mut closest = ChainError::UnknownIssuer;
        let anchors = self.anchors;
        for anchor in anchors
            .iter()
            .filter(|anchor| anchor.subject() == subject.issuer())
        {
            match self.issued(anchor, subject) {
                Ok(()) => return Ok(anchor),
                Err(error) => closest = error,
            }
        }
        let intermediates = self.intermediates;
        for authority in intermediates
            .iter()
            .filter(|authority| authority.subject() == subject.issuer())
        {
            if self.path.contains(&authority) {
                continue;
            }
            let issued = self.issued(authority, subject);
            self.path.push(authority);
            let outcome = issued.and_then(|()| self.anchor_above(authority));
            self.path.pop();
            match outcome {
                Ok(anchor) => return Ok(anchor),
                Err(ChainError::UnknownIssuer) => {}
                Err(error) => closest = error,
            }
        }
        Err(closest)
    }

    /// Whether `authority` may have issued `subject`, and did.
    fn issued(&mut self, authority: &Certificate, subject: &Certificate) -> Result<(), ChainError> {
        // RFC 5280 §4.2.1.9: self-issued certificates do not count for path lengths.
        let below = self
            .path
            .iter()
            .filter(|below| below.subject() != below.issuer())
            .count();
        let enough = authority.path_length().is_none_or(|length| below <= length);
        if !(authority.is_ca() && authority.may_sign_certificates() && enough) {
            return Err(ChainError::NotAnAuthority);
        }
        self.usable(authority)?;
        self.signatures += 1;
        if self.signatures > MAX_SIGNATURES {
            return Err(ChainError::TooComplex);
        }
        let signed = subject.signed().map_err(|_| ChainError::WrongSignature)?;
        signed
            .verify(authority.public_key())
            .map_err(|error| match error {
                SignatureError::Unsupported => ChainError::UnsupportedAlgorithm,
                SignatureError::Wrong => ChainError::WrongSignature,
            })
    }

    fn usable(&self, certificate: &Certificate) -> Result<(), ChainError> {
        if certificate.demands_the_unknown() {
            Err(ChainError::UnsupportedExtension)
        } else if self.at < certificate.not_before() {
            Err(ChainError::NotYetValid)
        } else if self.expiry == Expiry::Enforced && self.at > certificate.not_after() {
            Err(ChainError::Expired)
        } else {
            Ok(())
        }
    }
}
