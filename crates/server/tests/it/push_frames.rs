//! The client of APNs against peers that say goodbye, or die, in the middle: made of frames by hand, so that each
//! happens at its moment (RFC 9113 §4).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ordain_apple::push::Notification;
use ordain_model::wake::Outcome;
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, KeyPair};
use ordain_server::push::{Apns, Config, PushCertificate};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const TOPIC: &str = "com.apple.mgmt.External.1";
const REQUESTS: usize = 3;

/// What the first connection does once all requests have come. Later ones answer whatever comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    /// It answers the first request, says that no other was processed, and goes.
    Goodbye,
    /// It refuses each of them (REFUSED_STREAM).
    Refuses,
    /// It goes without a word.
    HangsUp,
    /// It stays without a word, and answers no ping either.
    Dies,
}

/// The peer's end of one connection.
struct Peer(TlsStream<TcpStream>);

impl Peer {
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.0.write_all(&frame).await?;
        self.0.flush().await
    }

    /// The next stream on which a request is complete. Settings and pings are answered on the way.
    async fn request(&mut self) -> std::io::Result<u32> {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await?;
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            self.0.read_exact(&mut payload).await?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match (head[3], head[4] & 1) {
                (0, 1) => return Ok(stream),
                (4, 0) => self.send(4, 1, 0, &[]).await?,
                (6, 0) => self.send(6, 1, 0, &payload).await?,
                _ => {}
            }
        }
    }

    /// 200 and no body, by index 8 of the static table of HPACK (RFC 7541 appendix A).
    async fn accept(&mut self, stream: u32) -> std::io::Result<()> {
        self.send(1, 0x5, stream, &[0x88]).await
    }

    async fn serve(mut self, manner: Option<Manner>, processed: &AtomicUsize) -> std::io::Result<()> {
        let mut preface = [0; 24];
        self.0.read_exact(&mut preface).await?;
        self.send(4, 0, 0, &[]).await?;
        if let Some(manner) = manner {
            let mut streams = Vec::new();
            while streams.len() < REQUESTS {
                streams.push(self.request().await?);
            }
            match manner {
                Manner::Goodbye => {
                    let first = streams[0].to_be_bytes();
                    self.send(7, 0, 0, &[first, [0; 4]].concat()).await?;
                    processed.fetch_add(1, Ordering::SeqCst);
                    return self.accept(streams[0]).await;
                }
                Manner::Refuses => {
                    for stream in streams {
                        self.send(3, 0, stream, &7u32.to_be_bytes()).await?;
                    }
                }
                Manner::HangsUp => return Ok(()),
                Manner::Dies => std::future::pending().await,
            }
        }
        loop {
            let stream = self.request().await?;
            processed.fetch_add(1, Ordering::SeqCst);
            self.accept(stream).await?;
        }
    }
}

/// A service whose first connection has these manners; the client, and how many requests were processed.
async fn service(manner: Manner) -> (Arc<Apns>, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let validity = Validity {
        not_before: 0,
        not_after: 4_000_000_000,
    };
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let authority = Authority::new(key, "push", validity).unwrap();
    let issue = |usage| {
        let key = KeyPair::generate(KeyKind::P256).unwrap();
        let request = Request {
            public_key: key.public_key(),
            common_name: "localhost",
            organization: None,
            serial_number: None,
            usage,
            validity,
        };
        (authority.issue(&request).unwrap(), key)
    };
    let (certificate, key) = issue(Usage::Server {
        names: vec!["localhost".to_owned()],
        addresses: Vec::new(),
    });
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivatePkcs8KeyDer::from(key.to_pkcs8().unwrap()).into(),
        )
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let (processed, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, accepted) = (processed.clone(), connections.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let manner = (accepted.fetch_add(1, Ordering::SeqCst) == 0).then_some(manner);
            let (acceptor, counter) = (acceptor.clone(), counter.clone());
            tokio::spawn(async move {
                let peer = Peer(acceptor.accept(stream).await.unwrap());
                drop(peer.serve(manner, &counter).await);
            });
        }
    });
    let topic = TOPIC.to_owned();
    let (certificate, key) = issue(Usage::Push { topic });
    let pem = certificate.to_pem() + &key.to_pem().unwrap();
    let client = Apns::new(&Config {
        url,
        ca: Some(authority.certificate().to_pem()),
        pulse: Duration::from_millis(50),
        patience: Duration::from_secs(2),
        ..Config::new(PushCertificate::from_pem(&pem).unwrap())
    });
    (Arc::new(client.unwrap()), processed, connections)
}

async fn push_all(client: &Arc<Apns>) -> Vec<Outcome> {
    let mut pushes = tokio::task::JoinSet::new();
    for _ in 0..REQUESTS {
        let client = client.clone();
        pushes.spawn(async move {
            let notification = Notification {
                token: vec![1; 32],
                topic: TOPIC.to_owned(),
                magic: "magic".to_owned(),
                expiration: 0,
            };
            client.push(&notification).await
        });
    }
    pushes.join_all().await
}

#[tokio::test]
async fn what_a_goodbye_leaves_out_is_sent_again() {
    let (client, processed, connections) = service(Manner::Goodbye).await;
    assert_eq!(push_all(&client).await, vec![Outcome::Accepted; REQUESTS]);
    assert_eq!(processed.load(Ordering::SeqCst), REQUESTS, "each once");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refused_streams_are_sent_again_over_the_same_connection() {
    let (client, processed, connections) = service(Manner::Refuses).await;
    assert_eq!(push_all(&client).await, vec![Outcome::Accepted; REQUESTS]);
    assert_eq!(processed.load(Ordering::SeqCst), REQUESTS, "each once");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_may_have_been_processed_is_not_sent_again() {
    for manner in [Manner::HangsUp, Manner::Dies] {
        let (client, processed, connections) = service(manner).await;
        for outcome in push_all(&client).await {
            assert!(
                matches!(outcome, Outcome::Retry { .. }),
                "{manner:?}: {outcome:?}"
            );
        }
        assert_eq!(processed.load(Ordering::SeqCst), 0, "{manner:?}");
        // Death is noticed by the pulse.
        while push_all(&client).await != vec![Outcome::Accepted; REQUESTS] {}
        assert!(connections.load(Ordering::SeqCst) > 1, "{manner:?}");
    }
}
