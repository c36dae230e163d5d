//! HTTP/1.1 over one kept connection, as cheap as it can be: what the load costs, the server does not get.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, BytesMut};
use ordain_pki::Certificate;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::message::{Client, Expect, Shot, command_uuid, find};

/// Of so many answers, the content of one is looked at; the status, type and length of each is.
const SAMPLE: u64 = 16;

/// Where a server is, and whom to trust there.
#[derive(Debug, Clone)]
pub struct Address {
    /// The socket.
    pub socket: SocketAddr,
    /// The certificate to trust; none where there is no TLS.
    pub ca: Option<Certificate>,
}

impl Address {
    /// The address of a server by its URL and the file of its CA.
    pub fn new(url: &str, ca: Option<&std::path::Path>) -> Result<Self> {
        let (_, socket) = url.split_once("://").context("not a URL")?;
        let ca = ca
            .map(|path| -> Result<Certificate> {
                let pem = std::fs::read_to_string(path)?;
                Certificate::from_pem(&pem)?
                    .into_iter()
                    .next()
                    .context("no certificate")
            })
            .transpose()?;
        Ok(Self {
            socket: socket.parse()?,
            ca,
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection that is kept.
pub struct Connection {
    stream: Box<dyn Stream>,
    read: BytesMut,
    /// The CommandUUID of the last command.
    uuid: Option<String>,
    answers: u64,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Its body.
    pub body: BytesMut,
}

impl Connection {
    /// Connects; `client` shows its certificate where there is TLS.
    pub async fn open(address: &Address, client: Option<&Client>) -> Result<Self> {
        let stream = TcpStream::connect(address.socket).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &address.ca {
            None => Box::new(stream),
            Some(ca) => {
                let connector = connector(ca, client)?;
                Box::new(
                    connector
                        .connect(ServerName::try_from("localhost")?, stream)
                        .await?,
                )
            }
        };
        Ok(Self {
            stream,
            read: BytesMut::with_capacity(16 << 10),
            uuid: None,
            answers: 0,
        })
    }

    /// Sends `shot`, and checks what comes back.
    pub async fn fire(&mut self, shot: &Shot) -> Result<()> {
        let answer = match shot.place {
            None => self.exchange(&shot.bytes).await?,
            Some(place) => {
                let uuid = self
                    .uuid
                    .as_deref()
                    .context("an acknowledgement without a command")?;
                let mut bytes = shot.bytes.clone();
                bytes
                    .get_mut(place..place + uuid.len())
                    .context("no place for the CommandUUID")?
                    .copy_from_slice(uuid.as_bytes());
                self.exchange(&bytes).await?
            }
        };
        self.answers += 1;
        check(&answer, &shot.expect, self.answers.is_multiple_of(SAMPLE))?;
        if shot.expect == Expect::Command {
            self.uuid = command_uuid(&answer.body).map(str::to_owned);
        }
        Ok(())
    }

    /// Sends a whole request and reads the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        // TLS has a buffer of its own.
        self.stream.flush().await?;
        let (mut answer, length) = loop {
            if let Some(head) = self.head()? {
                break head;
            }
            self.more().await?;
        };
        while self.read.len() < length {
            self.more().await?;
        }
        answer.body = self.read.split_to(length);
        Ok(answer)
    }

    async fn more(&mut self) -> Result<()> {
        self.read.reserve(8 << 10);
        ensure!(
            self.stream.read_buf(&mut self.read).await? > 0,
            "the server closed the connection"
        );
        Ok(())
    }

    /// The head, once it is there whole, and the length of the body after it.
    fn head(&mut self) -> Result<Option<(Answer, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = head.parse(&self.read)? else {
            return Ok(None);
        };
        let value = |name: &str| {
            let header = head
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(header.value).ok()
        };
        let answer = Answer {
            status: head.code.context("no status")?,
            content_type: value("content-type").map(str::to_owned),
            retry_after: value("retry-after").and_then(|seconds| seconds.parse().ok()),
            body: BytesMut::new(),
        };
        let body = value("content-length").context("no content-length")?.parse()?;
        self.read.advance(length);
        Ok(Some((answer, body)))
    }
}

/// Whether `answer` is what it must be.
pub fn check(answer: &Answer, expect: &Expect, with_content: bool) -> Result<()> {
    let wrong = |what: &str| {
        let body = String::from_utf8_lossy(&answer.body);
        let body: String = body.chars().take(300).collect();
        format!("{what}: {} {:?} {body}", answer.status, answer.content_type)
    };
    ensure!(answer.status == 200, wrong("not 200"));
    let content_type = answer.content_type.as_deref();
    match expect {
        Expect::Empty => ensure!(answer.body.is_empty(), wrong("not empty")),
        Expect::Json(part) => {
            ensure!(content_type == Some("application/json"), wrong("no JSON"));
            ensure!(
                !with_content || find(&answer.body, part).is_some(),
                wrong("another document")
            );
        }
        Expect::SyncMl(part) => {
            let is_syncml =
                content_type.is_some_and(|name| name.starts_with("application/vnd.syncml.dm+xml"));
            ensure!(is_syncml, wrong("no SyncML"));
            ensure!(
                !with_content || find(&answer.body, part).is_some(),
                wrong("another message")
            );
        }
        Expect::Command => {
            if content_type != Some("application/xml; charset=UTF-8") || command_uuid(&answer.body).is_none()
            {
                bail!(wrong("no command"));
            }
        }
    }
    Ok(())
}

fn connector(ca: &Certificate, client: Option<&Client>) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca.der().to_vec()))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(client.key.to_pkcs8()?));
            let chain = vec![CertificateDer::from(client.certificate.der().to_vec())];
            builder.with_client_auth_cert(chain, key)?
        }
    };
    // Each connection is a device of its own.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
