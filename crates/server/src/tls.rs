//! TLS: the server's certificate, given or self-made, the certificates that devices show, and whom the server trusts.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ordain_pki::authority::{Authority, Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, SignatureVerificationAlgorithm,
    SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};
use tokio_rustls::TlsConnector;
use webpki::RawPublicKeyEntity;

use crate::files;
use crate::settings::{Settings, StartError};

/// What the server shows, and the authority that clients need when it made that itself.
pub(crate) struct ServerIdentity {
    pub(crate) config: Arc<ServerConfig>,
    /// Where the authority is kept, and it.
    pub(crate) made_by: Option<(PathBuf, Certificate)>,
}

/// The most that Apple's clients accept of a server certificate, less a little, in seconds.
const LEAF_VALIDITY: i64 = 397 * 24 * 60 * 60;
const CA_VALIDITY: i64 = 10 * 366 * 24 * 60 * 60;

/// What connects to servers that `roots` vouch for, and shows no certificate itself.
pub(crate) fn connector(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

/// Reads the certificate that the settings name, or makes one for `names` and `addresses`.
pub(crate) fn identity(
    settings: &Settings,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    now: i64,
) -> Result<ServerIdentity, StartError> {
    let (chain, key, made_by) = match (&settings.tls_certificate, &settings.tls_key) {
        (Some(certificate), Some(key)) => {
            let chain = given(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| StartError::Setting(format!("{}: {error}", key.display())))?;
            (chain, key, None)
        }
        (None, None) => {
            let (path, authority) = authority(&settings.data_dir, now)?;
            let (leaf, key) = leaf(&authority, names, addresses, now)?;
            let chain = vec![CertificateDer::from(leaf.der().to_vec())];
            (chain, key, Some((path, authority.certificate().clone())))
        }
        _ => {
            let both = "a TLS certificate and its key go together: give both, or neither";
            return Err(StartError::Setting(both.into()));
        }
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Crypto(error.to_string()))?
        .with_client_cert_verifier(Arc::new(AnyDevice(provider)))
        .with_single_cert(chain, key)
        .map_err(|error| StartError::Setting(format!("the TLS certificate and key: {error}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(ServerIdentity {
        config: Arc::new(config),
        made_by,
    })
}

fn given(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let unreadable =
        |error: &dyn std::fmt::Display| StartError::Setting(format!("{}: {error}", path.display()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(&error))?
        .collect();
    let chain = chain.map_err(|error| unreadable(&error))?;
    if chain.is_empty() {
        Err(unreadable(&"no certificate in it"))
    } else {
        Ok(chain)
    }
}

/// The authority of self-made certificates. It stays, so that those who trust it go on doing so.
fn authority(data_dir: &Path, now: i64) -> Result<(PathBuf, Authority), StartError> {
    let (certificate_path, key_path) = (data_dir.join("tls-ca.pem"), data_dir.join("tls-ca.key"));
    let broken = |what: &dyn std::fmt::Display| {
        let (certificate, key) = (certificate_path.display(), key_path.display());
        StartError::Setting(format!(
            "{certificate}, {key}: {what}; restore them, or remove both to make new ones"
        ))
    };
    if certificate_path.exists() {
        let certificate =
            Certificate::from_pem(&files::read(&certificate_path)?).map_err(|error| broken(&error))?;
        let key = KeyPair::from_pem(&files::read(&key_path)?).map_err(|error| broken(&error))?;
        let certificate = certificate
            .into_iter()
            .next()
            .ok_or_else(|| broken(&"no certificate"))?;
        let authority = Authority::from_parts(certificate, key).map_err(|error| broken(&error))?;
        return Ok((certificate_path, authority));
    }
    let key = KeyPair::generate(KeyKind::P256).map_err(|error| broken(&error))?;
    let validity = Validity {
        not_before: now - 3_600,
        not_after: now + CA_VALIDITY,
    };
    let authority = Authority::new(key, "Ordain server CA", validity).map_err(|error| broken(&error))?;
    files::write_secret(
        &key_path,
        &authority.key().to_pem().map_err(|error| broken(&error))?,
    )?;
    files::write(&certificate_path, &authority.certificate().to_pem())?;
    Ok((certificate_path, authority))
}

fn leaf(
    authority: &Authority,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    now: i64,
) -> Result<(Certificate, PrivateKeyDer<'static>), StartError> {
    let failed = StartError::crypto("the server's certificate");
    let made = || -> Result<_, Box<dyn std::error::Error>> {
        let key = KeyPair::generate(KeyKind::P256)?;
        let common_name = names.first().cloned().unwrap_or_else(|| "ordain".to_owned());
        let certificate = authority.issue(&Request {
            public_key: key.public_key(),
            common_name: common_name.get(..64).unwrap_or(&common_name),
            organization: None,
            serial_number: None,
            usage: Usage::Server { names, addresses },
            validity: Validity {
                not_before: now - 3_600,
                not_after: now + LEAF_VALIDITY,
            },
        })?;
        Ok((certificate, PrivatePkcs8KeyDer::from(key.to_pkcs8()?).into()))
    };
    made().map_err(|error| failed(&error))
}

/// Lets any certificate through the handshake, once its key is proven: whether it is trusted is answered in HTTP, so
/// that a stranger gets 403 and not a broken connection.
#[derive(Debug)]
struct AnyDevice(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyDevice {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = self.0.signature_verification_algorithms.mapping;
        let algorithms = schemes
            .iter()
            .find(|(scheme, _)| *scheme == signature.scheme)
            .map(|(_, all)| *all);
        verify(message, certificate, signature, algorithms.unwrap_or_default())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = &self.0.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signature, supported)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Checks the proof of possession by the public key alone: the certificates of small device CAs are often X.509 v1,
/// which the certificate readers of TLS libraries refuse.
fn verify(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let public_key = public_key(certificate)?;
    let key = RawPublicKeyEntity::try_from(&public_key).map_err(|_| bad(CertificateError::BadEncoding))?;
    // In TLS 1.2 a scheme does not tell the curve, so that several algorithms may be meant.
    let proven = algorithms.iter().any(|algorithm| {
        key.verify_signature(*algorithm, message, signature.signature())
            .is_ok()
    });
    if proven {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(bad(CertificateError::BadSignature))
    }
}

fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, rustls::Error> {
    let certificate = Certificate::from_der(certificate).map_err(|_| bad(CertificateError::BadEncoding))?;
    Ok(SubjectPublicKeyInfoDer::from(certificate.public_key().to_vec()))
}

fn bad(error: CertificateError) -> rustls::Error {
    rustls::Error::InvalidCertificate(error)
}
