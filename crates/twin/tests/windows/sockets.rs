//! Twins on real sockets: TLS with client certificates against a small server on loopback.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ordain_catalog::windows::Join;
use ordain_pki::authority::{self, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair};
use ordain_twin::driver::windows::{Fleet, Line, Options, Road};
use ordain_twin::driver::{Roots, Until};
use ordain_twin::windows::{KeySource, Pc, Proof, Request, Settings, Standing, Twin, Way};
use ordain_twin::wns::Wns;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::fake::{DAY, Fake, PROVIDER, SERVER, command, keys, member, say};

/// A request as it came: the path, and the certificate that TLS showed.
type Seen = Arc<Mutex<Vec<(String, Option<Certificate>)>>>;

struct Server {
    origin: String,
    roots: Roots,
    seen: Seen,
    fake: Arc<Mutex<Fake>>,
}

/// The present, as the certificates have to be valid for TLS.
fn now() -> i64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "rustls reads the clock, so the certificates have to fit it"
    )]
    let now = std::time::SystemTime::now();
    i64::try_from(now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Serves the fake over TLS. Sessions need a client certificate of its CA if `certificates`; `chunked` breaks the rule.
async fn serve(certificates: bool, chunked: bool) -> Server {
    serve_by(Fake::new(), certificates, chunked).await
}

async fn serve_by(mut fake: Fake, certificates: bool, chunked: bool) -> Server {
    fake.now = now();
    let validity = Validity {
        not_before: fake.now - DAY,
        not_after: fake.now + 400 * DAY,
    };
    let web = Authority::new(KeyPair::generate(KeyKind::P256).unwrap(), "Web CA", validity).unwrap();
    fake.authority = Authority::new(KeyPair::generate(KeyKind::P256).unwrap(), "Devices", validity).unwrap();
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let certificate = web
        .issue(&authority::Request {
            public_key: key.public_key(),
            common_name: "localhost",
            organization: None,
            serial_number: None,
            usage: Usage::Server {
                names: vec!["localhost".to_owned()],
                addresses: vec![Ipv4Addr::LOCALHOST.into()],
            },
            validity,
        })
        .unwrap();
    let der = |certificate: &Certificate| CertificateDer::from(certificate.der().to_vec());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut devices = RootCertStore::empty();
    devices.add(der(fake.authority.certificate())).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(devices), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![der(&certificate)],
            PrivatePkcs8KeyDer::from(key.to_pkcs8().unwrap()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    // The fake's documents name another host.
    for _ in ["policy", "enrollment"] {
        let change = (format!("{SERVER}/"), format!("{origin}/"));
        fake.changes.push(("Discovery.svc", change.0, change.1));
    }
    for _ in ["policy", "enrollment", "authentication"] {
        let change = (format!("{SERVER}/"), format!("{origin}/"));
        fake.changes.push(("/linked/discovery", change.0, change.1));
    }
    fake.document.push((format!("{SERVER}/"), format!("{origin}/")));
    let seen = Seen::default();
    let (fake, kept) = (Arc::new(Mutex::new(fake)), seen.clone());
    let told = fake.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, fake, seen) = (acceptor.clone(), fake.clone(), kept.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let shown = shown.first().map(|der| Certificate::from_der(der).unwrap());
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let (fake, shown, seen) = (fake.clone(), shown.clone(), seen.clone());
                    async move {
                        let path = request.uri().path().to_owned();
                        seen.lock().unwrap().push((path.clone(), shown.clone()));
                        if certificates && path == "/omadm" && shown.is_none() {
                            return Ok(answer(403, "text/plain", Vec::new()));
                        }
                        let method = request.method().clone();
                        let url = format!("{SERVER}{}", request.uri());
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let body = String::from_utf8(body.to_vec()).unwrap();
                        let response = fake.lock().unwrap().answer(&Request {
                            method,
                            url,
                            content_type: None,
                            headers: Vec::new(),
                            body: body.into_bytes(),
                            identity: None,
                        });
                        let kind = response.content_type.unwrap_or_default();
                        let mut answer = answer(response.status, &kind, response.body);
                        if chunked && path == "/mde2/policy" {
                            answer.headers_mut().remove("content-length");
                            answer
                                .headers_mut()
                                .insert("transfer-encoding", "chunked".parse().unwrap());
                        }
                        Ok::<_, Infallible>(answer)
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Server {
        origin,
        roots: Roots::Pem(web.certificate().to_pem().into_bytes()),
        seen,
        fake: told,
    }
}

fn answer(status: u16, kind: &str, body: Vec<u8>) -> http::Response<Full<Bytes>> {
    http::Response::builder()
        .status(status)
        .header("content-type", kind)
        .header("content-length", body.len())
        .body(Full::new(Bytes::from(body)))
        .unwrap()
}

fn way(server: &Server) -> Way {
    Way::new(server.origin.clone(), "ada@example.org", "correct-horse")
}

#[tokio::test]
async fn a_twin_enrolls_and_shows_its_certificate() {
    let server = serve(true, false).await;
    let road = Road::new(&server.roots).unwrap();
    let mut twin = Twin::new(Pc::new(3, 0), Settings::default(), Arc::new(keys()));
    twin.enroll(way(&server)).unwrap();
    let mut line = Line::new(&road);
    line.hold(&mut twin, now()).await;
    assert!(line.errors.is_empty(), "{:?}", line.errors);
    assert_eq!((twin.error(), twin.standing()), (None, Standing::Enrolled));
    assert_eq!((twin.sessions(), twin.complaints().kept().len()), (1, 0));
    let seen = server.seen.lock().unwrap();
    let paths: Vec<_> = seen.iter().map(|(path, _)| path.as_str()).collect();
    let discovery = "/EnrollmentServer/Discovery.svc";
    assert_eq!(
        paths,
        [discovery, discovery, "/mde2/policy", "/mde2/enroll", "/omadm"]
    );
    let own = &twin.account().unwrap().identity.certificate;
    assert_eq!(seen[4].1.as_ref(), Some(own));
    assert_eq!(seen[3].1, None);
}

/// F6: no server outside of the trust store. F1.1: nothing in chunks. And no session without the certificate.
#[tokio::test]
async fn what_is_refused_on_sockets() {
    let server = serve(true, true).await;
    let stranger = serve(true, false).await;
    let road = Road::new(&stranger.roots).unwrap();
    let settings = Settings::default();
    let mut twin = Twin::new(Pc::new(3, 0), settings, Arc::new(keys()));
    twin.enroll(way(&server)).unwrap();
    let mut line = Line::new(&road);
    line.hold(&mut twin, now()).await;
    assert_eq!(line.errors.len(), 1);
    assert!(twin.error().unwrap().to_string().contains("no answer"));
    assert!(server.seen.lock().unwrap().is_empty());

    let road = Road::new(&server.roots).unwrap();
    let mut twin = Twin::new(Pc::new(3, 0), settings, Arc::new(keys()));
    twin.enroll(way(&server)).unwrap();
    Line::new(&road).hold(&mut twin, now()).await;
    assert!(twin.error().unwrap().to_string().contains("in chunks"));

    let settings = Settings {
        proof: Proof::Credentials,
        ..settings
    };
    let road = Road::new(&stranger.roots).unwrap();
    let mut twin = Twin::new(Pc::new(3, 0), settings, Arc::new(keys()));
    twin.enroll(way(&stranger)).unwrap();
    Line::new(&road).hold(&mut twin, now()).await;
    assert_eq!(
        (twin.standing(), twin.sessions(), twin.failed_sessions()),
        (Standing::Enrolled, 0, 1)
    );
    assert!(twin.complaints().kept()[0].to_string().contains("answered 403"));
}

#[tokio::test]
async fn a_fleet_rests_when_each_has_held_a_session() {
    let server = serve(true, false).await;
    let keys: Arc<dyn KeySource> = Arc::new(keys());
    let fleet = Fleet::new(12, 5, Settings::default(), &keys, |_, _| way(&server));
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let options = Options {
        sessions: 4,
        poll: Duration::from_millis(10),
        until: Until::Rest,
    };
    let outcome = fleet.run(&server.roots, &options, &stopped).await.unwrap();
    let progress = outcome.progress;
    assert_eq!(
        (progress.twins, progress.enrolled, progress.sessions),
        (12, 12, 12),
        "{outcome:?}"
    );
    assert_eq!((progress.errors, progress.complaints), (0, 0));
    // Run again, they go on from there.
    let outcome = fleet.run(&server.roots, &options, &stopped).await.unwrap();
    assert_eq!((outcome.progress.enrolled, outcome.progress.sessions), (12, 24));
}

/// F3.5: a fleet of twins with both enrollments, and a clock that is only told.
#[tokio::test]
async fn a_fleet_has_two_enrollments_each() {
    const HOUR: i64 = 3600;
    let server = serve(true, false).await;
    let keys: Arc<dyn KeySource> = Arc::new(keys());
    let fleet = Fleet::new(4, 5, Settings::default(), &keys, |_, _| way(&server));
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let options = Options {
        sessions: 4,
        poll: Duration::from_millis(10),
        until: Until::Rest,
    };
    fleet.run(&server.roots, &options, &stopped).await.unwrap();
    let commands = [
        command(
            "Replace",
            100,
            &format!("{PROVIDER}/DiscoveryEndpoint"),
            "chr",
            &format!("{}/linked/discovery", server.origin),
        ),
        command("Exec", 101, &format!("{PROVIDER}/Enroll"), "null", ""),
    ];
    for _ in fleet.look(|twin| twin.join(member(), Join::Joined)).await {
        let mut fake = server.fake.lock().unwrap();
        fake.script.extend([say(commands.concat()), say("")]);
    }
    server.seen.lock().unwrap().clear();
    // One after the other, since all are told from one script.
    let start = now();
    let outcome = fleet.pass(&server.roots, 1, start + HOUR).await.unwrap();
    let progress = outcome.progress;
    assert_eq!(
        (progress.linked, progress.linked_sessions, progress.sessions),
        (4, 4, 12),
        "{outcome:?}"
    );
    assert_eq!((progress.errors, progress.complaints), (0, 0));
    for (path, shown) in server.seen.lock().unwrap().iter() {
        let is_session = ["/omadm", "/linked/session"].contains(&path.as_str());
        assert_eq!(shown.is_some(), is_session, "{path}");
    }
    // Nothing is due, nothing is done; after eight hours each linked enrollment has one session more.
    let before = fleet
        .pass(&server.roots, 4, start + HOUR + 1)
        .await
        .unwrap()
        .progress;
    assert_eq!(before, progress);
    let after = fleet
        .pass(&server.roots, 4, start + 9 * HOUR + 60)
        .await
        .unwrap()
        .progress;
    assert_eq!(after.linked_sessions, 8);
    let own = fleet
        .look(|twin| twin.linked().unwrap().identity.certificate.clone())
        .await;
    let seen = server.seen.lock().unwrap();
    let shown = seen.iter().filter(|(path, _)| path == "/linked/session");
    assert!(shown.clone().count() == 8 && shown.clone().all(|(_, one)| own.contains(one.as_ref().unwrap())));
}

/// Posts to WNS, and gives the whole answer.
async fn post(wns: &Wns, path: &str, headers: &str, body: &str) -> String {
    let mut roots = RootCertStore::empty();
    let authority = wns.authority().certificate().der().to_vec();
    roots.add(CertificateDer::from(authority)).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = wns.url();
    let host = url.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(host).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap();
    let message = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(message.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Who closes without saying so has said all before.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// O3.5: a twin has a channel once its server wants one, tells it, and comes when it is pushed, whatever its schedule says.
#[tokio::test]
async fn a_push_ends_the_pause_of_a_twin() {
    let node = "./Vendor/MSFT/DMClient/Provider/ExampleMDM/Push/PFN";
    let mut fake = Fake::new();
    fake.script
        .push_back(say(command("Replace", 100, node, "chr", Wns::PACKAGE)));
    let server = serve_by(fake, true, false).await;
    let wns = Arc::new(Wns::start().await.unwrap());
    let keys: Arc<dyn KeySource> = Arc::new(keys());
    let fleet = Fleet::new(1, 5, Settings::default(), &keys, |_, _| way(&server)).pushed_by(wns.clone());
    let options = Options {
        sessions: 1,
        poll: Duration::from_secs(3600),
        until: Until::Stopped,
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut progress = fleet.progress();
    let push = async {
        let reaches = async |progress: &mut tokio::sync::watch::Receiver<_>, sessions| {
            let is_there = |progress: &ordain_twin::driver::windows::Progress| progress.sessions >= sessions;
            let reached = tokio::time::timeout(Duration::from_secs(30), progress.wait_for(is_there));
            reached.await.expect("in time").expect("a fleet");
        };
        reaches(&mut progress, 2).await;
        let uri = node.replace("PFN", "ChannelURI");
        let uris = fleet
            .look(|twin| twin.value(&uri, now()).map(|value| value.data))
            .await;
        let uri = uris.into_iter().next().flatten().expect("a channel");
        let form = format!(
            "grant_type=client_credentials&client_id=ms-app%3A%2F%2F{}&client_secret=fake%2Bsecret%2F1%3D\
             &scope=notify.windows.com",
            Wns::SID
        );
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let token = post(&wns, "/accesstoken.srf", kind, &form).await;
        let (_, token) = token.split_once("\"access_token\":\"").expect("a token");
        let (token, _) = token.split_once('"').expect("a token");
        let headers = format!(
            "Authorization: Bearer {token}\r\nX-WNS-Type: wns/raw\r\nContent-Type: application/octet-stream\r\n"
        );
        let path = uri.strip_prefix(&wns.url()).expect("an address of WNS");
        let answer = post(&wns, path, &headers, "1").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        reaches(&mut progress, 3).await;
        stop.send(true).unwrap();
    };
    let (outcome, ()) = tokio::join!(fleet.run(&server.roots, &options, &stopped), push);
    let progress = outcome.unwrap().progress;
    assert_eq!(
        (progress.sessions, progress.errors, progress.complaints),
        (3, 0, 0)
    );
    assert_eq!(wns.counts().accepted, 1);
}
