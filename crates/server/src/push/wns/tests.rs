//! What is held against a device whose push has no answer, and what is not.

use ordain_pki::Authority;
use ordain_twin::apns::Apns;
use ordain_twin::wns;

use super::*;

/// A client that has a token, and trusts who vouches for `ca`.
fn client(ca: &Authority, url: &str, most: usize) -> (Wns, WnsChannel) {
    let token = Token::read(200, None, br#"{"access_token":"a"}"#).unwrap();
    let until = Instant::now() + Duration::from_secs(3_600);
    let client = Wns {
        credentials: Credentials::new(wns::Wns::PACKAGE, wns::Wns::SID, wns::Wns::SECRET).unwrap(),
        site: Site::at(url).unwrap(),
        lines: Lines::new(
            Some(&ca.certificate().to_pem()),
            most,
            // Nothing here takes as long, but a place that does not come.
            Duration::from_secs(u64::from(most > 0) * 30),
        )
        .unwrap(),
        token: Mutex::new(Kept {
            token: Some((Arc::new(token), until)),
            failed: None,
        }),
        known: StdMutex::default(),
    };
    let channel = WnsChannel {
        package: wns::Wns::PACKAGE.to_owned(),
        uri: format!("{url}/?token=x"),
        told_at: 0,
    };
    (client, channel)
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused {
        reason: format!("no answer from the device's channel: {reason}"),
    }
}

#[tokio::test]
async fn who_waits_for_a_place_is_not_to_blame() {
    let service = wns::Wns::start().await.unwrap();
    let (client, channel) = client(service.authority(), &service.url(), 0);
    assert_eq!(client.push(&channel, 60).await, busy());
    // Nor is anybody who needs a token for that.
    *client.token.lock().await = Kept::default();
    assert_eq!(client.push(&channel, 60).await, busy());
}

#[tokio::test]
async fn a_failure_is_told_without_the_names_of_servers() {
    let (service, other) = (wns::Wns::start().await.unwrap(), Apns::start().await.unwrap());
    let (client, channel) = client(other.authority(), &service.url(), 1);
    let untrusted = "TLS: its certificate is of an authority that is not trusted";
    assert_eq!(client.push(&channel, 60).await, refused(untrusted));
    client.know(&Origin {
        host: "localhost".to_owned(),
        port: service.url().rsplit(':').next().unwrap().parse().unwrap(),
    });
    let known = Outcome::Retry {
        reason: untrusted.to_owned(),
        after: None,
    };
    assert_eq!(
        client.push(&channel, 60).await,
        known,
        "who has answered before is WNS"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_that() {
    let service = wns::Wns::start().await.unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (client, channel) = client(service.authority(), &format!("https://localhost:{port}"), 1);
    let Outcome::Refused { reason } = client.push(&channel, 60).await else {
        panic!("nobody is there");
    };
    assert!(
        reason.contains("refused") && !reason.contains("localhost"),
        "{reason}"
    );
}
