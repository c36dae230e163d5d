//! TLS of twins: whom they trust, and what they show.

use std::sync::Arc;

use ordain_pki::Certificate;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, crypto::aws_lc_rs};
use tokio_rustls::TlsConnector;

use super::{DriverError, Roots};
use crate::identity::Identity;

/// What all connections of a run share.
pub(super) struct Tls {
    anonymous: ClientConfig,
    provider: Arc<CryptoProvider>,
}

impl Tls {
    pub(super) fn new(roots: &Roots) -> Result<Self, DriverError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut anonymous = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store(roots)?)
            .with_no_client_auth();
        // Each session is a device of its own, with one connection.
        anonymous.resumption = Resumption::disabled();
        anonymous.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { anonymous, provider })
    }

    /// What an identity is to TLS.
    pub(super) fn client_certificate(
        &self,
        identity: &Identity,
    ) -> Result<Arc<SingleCertAndKey>, DriverError> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.to_pkcs8()?));
        let key = self.provider.key_provider.load_private_key(key)?;
        let chain = vec![CertificateDer::from(identity.certificate.der().to_vec())];
        Ok(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))))
    }

    /// A connector that shows a certificate, or none.
    pub(super) fn connector(&self, certificate: Option<Arc<SingleCertAndKey>>) -> TlsConnector {
        let mut config = self.anonymous.clone();
        if let Some(certificate) = certificate {
            config.client_auth_cert_resolver = certificate;
        }
        TlsConnector::from(Arc::new(config))
    }
}

fn store(roots: &Roots) -> Result<RootCertStore, DriverError> {
    let certificates = match roots {
        Roots::Pem(pem) => Certificate::from_pem(&String::from_utf8_lossy(pem))?
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der().to_vec()))
            .collect(),
        Roots::System => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(DriverError::Roots(match roots {
            Roots::Pem(_) => "the PEM text has none".to_owned(),
            Roots::System => "this machine has none".to_owned(),
        }));
    }
    Ok(store)
}
