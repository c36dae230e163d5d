//! A client of the push service, as plain as can be: one connection, one request after the other.

use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use ordain_pki::{Certificate, KeyPair};
use ordain_twin::apns::Apns;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) struct Pusher {
    sender: SendRequest<Bytes>,
    topic: String,
}

impl Pusher {
    /// Connects with a push certificate for `topic`.
    pub(crate) async fn new(apns: &Apns, topic: &str) -> Self {
        let pem = apns.push_certificate(topic).unwrap();
        Self::open(apns, &pem, topic).await.unwrap()
    }

    /// Connects with a certificate and its key, in PEM.
    pub(crate) async fn open(apns: &Apns, pem: &str, topic: &str) -> Result<Self, h2::Error> {
        let mut roots = RootCertStore::empty();
        let der = |certificate: &Certificate| CertificateDer::from(certificate.der().to_vec());
        roots.add(der(apns.authority().certificate())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = KeyPair::from_pem(pem).unwrap().to_pkcs8().unwrap();
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![der(&Certificate::from_pem(pem).unwrap()[0])],
                PrivatePkcs8KeyDer::from(key).into(),
            )
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let address = apns.url().replace("https://", "");
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        let (sender, connection) = h2::client::handshake(stream.unwrap()).await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            sender,
            topic: topic.to_owned(),
        })
    }

    /// Pushes; the status, and the answer's body.
    pub(crate) async fn push(
        &mut self,
        token: &[u8],
        magic: &str,
        expiration: i64,
    ) -> Result<(u16, Value), h2::Error> {
        let head = http::Request::post(format!("https://localhost/3/device/{}", hex::encode(token)))
            .version(http::Version::HTTP_2)
            .header("apns-topic", &self.topic)
            .header("apns-push-type", "mdm")
            .header("apns-priority", "10")
            .header("apns-expiration", expiration.to_string())
            .body(())
            .unwrap();
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut stream) = sender.send_request(head, false)?;
        stream.send_data(Bytes::from(json!({"mdm": magic}).to_string()), true)?;
        let (head, mut body) = response.await?.into_parts();
        assert!(head.headers.contains_key("apns-id"));
        let mut text = Vec::new();
        while let Some(data) = body.data().await {
            text.extend_from_slice(&data?);
        }
        let body = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Ok((head.status.as_u16(), body))
    }
}
