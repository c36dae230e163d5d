//! The driver against a server on a real socket, which answers as the fake does and asks for identities as devices'
//! servers do.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ordain_pki::authority::{Request as Certify, Usage, Validity};
use ordain_pki::csr::Csr;
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, KeyPair, cms};
use ordain_twin::apns::Apns;
use ordain_twin::driver::{
    DriverError, Fleet, Identities, Issuer, Keys, MIX, Options, Progress, Proof, Roots, Target,
    TransportError, Until,
};
use ordain_twin::request::{Request, To};
use ordain_twin::{Device, Standing};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::fake::{Fake, settings};
use crate::pusher::Pusher;

/// Valid now, whenever that is.
const ALWAYS: Validity = Validity {
    not_before: 0,
    not_after: 253_402_300_799,
};

fn authority(name: &str) -> Authority {
    Authority::new(KeyPair::generate(KeyKind::P256).unwrap(), name, ALWAYS).unwrap()
}

struct Server {
    fake: Arc<Mutex<Fake>>,
    devices: Authority,
    target: Target,
}

/// A server on a free port. Who proves itself by TLS has to show a certificate of `devices`, else a signature is due.
async fn server(proof: Proof) -> Server {
    let (devices, own) = (authority("devices"), authority("server"));
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let usage = Usage::Server {
        names: vec!["localhost".to_owned()],
        addresses: Vec::new(),
    };
    let request = Certify {
        public_key: key.public_key(),
        common_name: "localhost",
        organization: None,
        serial_number: None,
        usage,
        validity: ALWAYS,
    };
    let chain = vec![CertificateDer::from(own.issue(&request).unwrap().der().to_vec())];
    let key = PrivatePkcs8KeyDer::from(key.to_pkcs8().unwrap()).into();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match proof {
        Proof::Signature => builder.with_no_client_auth(),
        Proof::Tls => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from(devices.certificate().der().to_vec()))
                .unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let tls = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut fake = Fake::new();
    // Downloads come from the same server.
    for (type_name, payload) in fake.wanted.values_mut() {
        let text = payload
            .to_string()
            .replace("https://fake/", &format!("https://localhost:{port}/"));
        *payload = serde_json::from_str(&text).unwrap();
        assert!(type_name.starts_with("com.apple."));
    }
    fake.files = std::mem::take(&mut fake.files)
        .into_iter()
        .map(|(url, file)| (url.replace("https://fake/", ""), file))
        .collect();
    let fake = Arc::new(Mutex::new(fake));
    tokio::spawn(accept(listener, tls, fake.clone(), proof));
    let target = Target {
        server_url: format!("https://localhost:{port}/mdm"),
        check_in_url: Some(format!("https://localhost:{port}/mdm/checkin")),
        roots: Roots::Pem(own.certificate().to_pem().into_bytes()),
        proof,
    };
    Server {
        fake,
        devices,
        target,
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, fake: Arc<Mutex<Fake>>, proof: Proof) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, fake) = (tls.clone(), fake.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let service = service_fn(|request| answer(request, fake.clone(), proof));
            let http = hyper::server::conn::http1::Builder::new();
            drop(http.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    fake: Arc<Mutex<Fake>>,
    proof: Proof,
) -> Result<http::Response<Full<Bytes>>, http::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    assert_eq!(head.headers["user-agent"], "MDM/1.0");
    if proof == Proof::Signature {
        let signature = STANDARD.decode(&head.headers["mdm-signature"]).unwrap();
        cms::verify_detached(&signature, &body).unwrap();
    }
    let to = match head.uri.path() {
        "/mdm" => To::Command,
        "/mdm/checkin" => To::CheckIn,
        path => To::Download {
            url: path[1..].to_owned(),
            identified: true,
        },
    };
    let content_type = head
        .headers
        .get("content-type")
        .map(|value| value.to_str().unwrap());
    assert_eq!(content_type, to.content_type());
    assert_eq!(head.method, if content_type.is_some() { "PUT" } else { "GET" });
    let answer = fake.lock().unwrap().answer(&Request { to, body });
    let mut response = http::Response::builder().status(answer.status);
    if let Some(content_type) = answer.content_type {
        response = response.header("content-type", content_type);
    }
    if answer.status == 503 {
        response = response.header("retry-after", "0");
    }
    response.body(Full::new(Bytes::from(answer.body)))
}

fn options(until: Until) -> Options {
    Options {
        sessions: 8,
        poll: Duration::from_millis(20),
        until,
        apns: None,
        silent: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_enrolls_and_converges_and_converges_again() {
    let server = server(Proof::Tls).await;
    let mut fleet = Fleet::new(20, 1, MIX, &settings());
    let issuer = Issuer::Authority(Box::new(server.devices.clone()));
    fleet
        .equip(&Identities {
            keys: Keys::Fresh,
            issuer,
        })
        .await
        .unwrap();
    let (_stop, stopped) = watch::channel(false);
    for echo in ["first", "second"] {
        let payload = json!({"Echo": echo});
        server
            .fake
            .lock()
            .unwrap()
            .want("test", "configuration.management.test", payload);
        let outcome = fleet
            .run(&server.target, &options(Until::Rest), &stopped)
            .await
            .unwrap();
        let progress = outcome.progress;
        assert_eq!(
            (progress.twins, progress.enrolled, progress.converged),
            (20, 20, 20)
        );
        assert_eq!(
            (progress.errors, progress.complaints),
            (0, 0),
            "{:#?}",
            outcome.twins
        );
        assert_eq!(*fleet.progress().borrow(), progress);
        assert!(outcome.twins.iter().all(|twin| twin.declarations >= 7));
        let fake = server.fake.lock().unwrap();
        assert_eq!(u64::try_from(fake.log.len()).unwrap(), progress.requests);
        assert_eq!(fake.listed("test").reasons[0].code, echo);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_sleeps_until_it_is_pushed() {
    const TWINS: usize = 10;
    let server = server(Proof::Tls).await;
    let apns = Arc::new(Apns::start().await.unwrap());
    let mut fleet = Fleet::new(TWINS, 4, MIX, &settings());
    let issuer = Issuer::Authority(Box::new(server.devices.clone()));
    fleet
        .equip(&Identities {
            keys: Keys::Fresh,
            issuer,
        })
        .await
        .unwrap();
    let (stop, stopped) = watch::channel(false);
    let options = Options {
        poll: Duration::from_secs(60 * 60),
        apns: Some(apns.clone()),
        silent: NonZeroUsize::new(5),
        ..options(Until::Stopped)
    };
    let mut progress = fleet.progress();
    let story = async {
        // They enroll by themselves, whatever their schedule.
        progress.wait_for(|now| now.converged == 10).await.unwrap();
        let before = *progress.borrow();
        assert_eq!((before.pushes, before.pushed_sessions), (0, 0));
        let mut pusher = Pusher::new(&apns, &settings().topic).await;
        let (udid, push) = {
            let device = Device::new(MIX[0], 4, 0);
            (device.udid.clone(), device.push[0].clone())
        };
        assert_eq!(
            pusher.push(&push.token, "somebody else's", 0).await.unwrap().0,
            200
        );
        progress.wait_for(|now| now.ignored_pushes == 1).await.unwrap();
        server
            .fake
            .lock()
            .unwrap()
            .want("test", "configuration.management.test", json!({"Echo": "pushed"}));
        for (index, platform) in MIX.iter().enumerate() {
            let device = Device::new(*platform, 4, index);
            let push = &device.push[0];
            let (status, _) = pusher
                .push(&push.token, &push.magic, 4_000_000_000)
                .await
                .unwrap();
            assert_eq!(status, 200);
            assert_eq!(apns.accepted(&push.token), 1 + u64::from(device.udid == udid));
        }
        // Two of ten are silent.
        let done = |now: &Progress| now.pushed_sessions == 8 && now.converged == 10;
        let after = *progress.wait_for(done).await.unwrap();
        assert_eq!((after.pushes, after.complaints), (8, 0));
        assert!(after.syncs >= before.syncs + 8);
        stop.send_replace(true);
    };
    let (outcome, ()) = tokio::join!(fleet.run(&server.target, &options, &stopped), story);
    for (index, twin) in outcome.unwrap().twins.iter().enumerate() {
        assert_eq!(twin.pushes, u64::from(index % 5 != 4), "{twin:?}");
        assert!(twin.syncs > twin.pushes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_signs_with_certificates_issued_in_bulk_for_keys_of_a_pool() {
    let server = server(Proof::Signature).await;
    let pool = tempfile::tempdir().unwrap();
    assert!(matches!(
        Keys::pool(pool.path()).await,
        Err(DriverError::EmptyPool(_))
    ));
    for (name, kind) in [("a", KeyKind::P256), ("b", KeyKind::Rsa2048)] {
        let key = KeyPair::generate(kind).unwrap().to_pem().unwrap();
        std::fs::write(pool.path().join(name).with_extension("pem"), key).unwrap();
    }
    let devices = server.devices.clone();
    let issuer = Issuer::Bulk(Box::new(move |requests| {
        let issue = |request: &Vec<u8>| {
            let csr = Csr::from_der(request).unwrap();
            let request = Certify {
                public_key: &csr.public_key,
                common_name: csr.common_name.as_deref().unwrap(),
                organization: None,
                serial_number: None,
                usage: Usage::Device,
                validity: ALWAYS,
            };
            devices.issue(&request).unwrap().der().to_vec()
        };
        let issued = requests.iter().map(issue).collect();
        Box::pin(async { Ok(issued) })
    }));
    let mut fleet = Fleet::new(4, 2, MIX, &settings());
    let keys = Keys::pool(pool.path()).await.unwrap();
    fleet.equip(&Identities { keys, issuer }).await.unwrap();
    let (_stop, stopped) = watch::channel(false);
    let outcome = fleet
        .run(&server.target, &options(Until::Rest), &stopped)
        .await
        .unwrap();
    assert_eq!(outcome.progress.converged, 4, "{:#?}", outcome.twins);
    assert_eq!((outcome.progress.errors, outcome.progress.complaints), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted_and_a_run_can_be_stopped() {
    let server = server(Proof::Tls).await;
    let mut fleet = Fleet::new(2, 3, MIX, &settings());
    let (stop, stopped) = watch::channel(false);
    let unequipped = fleet.run(&server.target, &options(Until::Rest), &stopped).await;
    assert!(matches!(unequipped, Err(DriverError::NoIdentity)));
    // Identities of an authority that the server does not know.
    let issuer = Issuer::Authority(Box::new(authority("somebody else")));
    fleet
        .equip(&Identities {
            keys: Keys::Fresh,
            issuer,
        })
        .await
        .unwrap();
    let mut progress = fleet.progress();
    let (outcome, ()) = tokio::join!(
        async {
            fleet
                .run(&server.target, &options(Until::Stopped), &stopped)
                .await
                .unwrap()
        },
        async {
            progress.wait_for(|progress| progress.errors > 0).await.unwrap();
            stop.send(true).unwrap();
        }
    );
    assert!(outcome.twins.iter().any(|twin| !twin.errors.is_empty()));
    assert!(outcome.twins.iter().all(|twin| twin.standing == Standing::New));
    assert_eq!(outcome.progress.requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_comes_back_later_when_the_server_asks_for_it() {
    let server = server(Proof::Tls).await;
    let mut fleet = Fleet::new(3, 5, MIX, &settings());
    let issuer = Issuer::Authority(Box::new(server.devices.clone()));
    fleet
        .equip(&Identities {
            keys: Keys::Fresh,
            issuer,
        })
        .await
        .unwrap();
    let (_stop, stopped) = watch::channel(false);
    server.fake.lock().unwrap().failing = [503, 503, 502, 503].into();
    let outcome = fleet
        .run(&server.target, &options(Until::Rest), &stopped)
        .await
        .unwrap();
    let progress = outcome.progress;
    assert_eq!((progress.converged, progress.throttled), (3, 3));
    assert_eq!(
        (progress.errors, progress.complaints),
        (0, 0),
        "{:#?}",
        outcome.twins
    );
    // What fails again and again is complained of.
    server.fake.lock().unwrap().failing = [500; 15].into();
    let outcome = fleet
        .run(&server.target, &options(Until::Rest), &stopped)
        .await
        .unwrap();
    assert!((1..=3).contains(&outcome.progress.complaints));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_no_cause_for_complaint() {
    let server = server(Proof::Tls).await;
    let closed = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut fleet = Fleet::new(1, 6, MIX, &settings());
    let issuer = Issuer::Authority(Box::new(server.devices.clone()));
    fleet
        .equip(&Identities {
            keys: Keys::Fresh,
            issuer,
        })
        .await
        .unwrap();
    let mut down = server.target.clone();
    down.server_url = format!("https://localhost:{}/mdm", closed.port());
    down.check_in_url = None;
    let (stop, stopped) = watch::channel(false);
    let mut progress = fleet.progress();
    let until_stopped = options(Until::Stopped);
    let (outcome, ()) = tokio::join!(fleet.run(&down, &until_stopped, &stopped), async {
        // One attempt a session: it tries again at the next wake.
        progress.wait_for(|progress| progress.errors > 1).await.unwrap();
        stop.send(true).unwrap();
    });
    assert_eq!(outcome.unwrap().progress.complaints, 0);
    let (_stop, stopped) = watch::channel(false);
    let outcome = fleet
        .run(&server.target, &options(Until::Rest), &stopped)
        .await
        .unwrap();
    assert_eq!((outcome.progress.converged, outcome.progress.complaints), (1, 0));
}

#[tokio::test]
async fn a_target_has_to_be_trustworthy() {
    let fleet = Fleet::new(0, 1, MIX, &settings());
    let (_stop, stopped) = watch::channel(false);
    let pem = authority("server").certificate().to_pem().into_bytes();
    let run = async |url: &str, pem: &[u8]| {
        let target = Target {
            server_url: url.to_owned(),
            check_in_url: None,
            roots: Roots::Pem(pem.to_vec()),
            proof: Proof::Tls,
        };
        fleet.run(&target, &options(Until::Rest), &stopped).await
    };
    assert!(run("https://localhost/mdm", &pem).await.is_ok());
    assert!(matches!(
        run("http://localhost/mdm", &pem).await,
        Err(DriverError::Url(_))
    ));
    assert!(run("https://localhost/mdm", b"").await.is_err());
    let _: fn(TransportError) -> String = |error| error.to_string();
}
