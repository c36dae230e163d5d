//! Simulated Windows computers against a server under test.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_twin::windows::{KeyPool, Limits, Pc, Proof, Request, Response, Settings, Standing, Twin, Way};

use crate::client::{Answer, Client, DIRECT, Manner, PROXY};
use crate::house::{House, PUBLIC_URL, Site};
use crate::identity::Identity;

/// Keys of RSA take long to make, so the tests share some.
static KEYS: LazyLock<Vec<KeyPair>> =
    LazyLock::new(|| vec![KeyPair::generate(KeyKind::Rsa2048).expect("a key")]);

/// A simulated computer, and its way to the server.
pub(crate) struct Managed {
    pub(crate) twin: Twin,
    site: Arc<Site>,
    /// Where it comes from.
    from: IpAddr,
}

impl Managed {
    pub(crate) fn new(house: &House, index: usize) -> Self {
        Self {
            twin: Twin::new(
                Pc::new(7, index),
                Settings::default(),
                Arc::new(KeyPool::new(KEYS.clone())),
            ),
            site: house.site.clone(),
            from: DIRECT,
        }
    }

    /// One that shows credentials in its messages, since TLS ends at the trusted proxy.
    pub(crate) fn proxied(house: &House, index: usize) -> Self {
        let settings = Settings {
            proof: Proof::Credentials,
            ..Settings::default()
        };
        let keys = Arc::new(KeyPool::new(KEYS.clone()));
        Self {
            twin: Twin::new(Pc::new(7, index), settings, keys),
            from: PROXY,
            ..Self::new(house, index)
        }
    }

    /// One that takes and sends messages of at most so many octets.
    pub(crate) fn limited(house: &House, index: usize, message: usize) -> Self {
        let settings = Settings {
            limits: Limits {
                message,
                ..Limits::default()
            },
            ..Settings::default()
        };
        let keys = Arc::new(KeyPool::new(KEYS.clone()));
        Self {
            twin: Twin::new(Pc::new(7, index), settings, keys),
            ..Self::new(house, index)
        }
    }

    /// One that has enrolled as `way` says, and has held its first session.
    pub(crate) async fn enrolled(house: &House, index: usize, way: Way) -> Self {
        let mut managed = Self::new(house, index);
        managed.enroll(way).await;
        managed
    }

    /// Enrolls, and holds the first session.
    pub(crate) async fn enroll(&mut self, way: Way) {
        self.twin.enroll(way).expect("a new computer");
        self.hold().await;
        let (standing, error) = (self.twin.standing(), self.twin.error());
        assert_eq!(standing, Standing::Enrolled, "{error:?}");
    }

    pub(crate) fn id(&self) -> &str {
        &self.twin.pc().hardware_id
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        ask(&self.client(request), request).await
    }

    /// A connection on which it shows what `request` is to be sent with.
    fn client(&self, request: &Request) -> Client {
        let identity = request.identity.as_ref().map(|identity| Identity {
            key: identity.key.clone(),
            certificate: identity.certificate.clone(),
        });
        let manner = Manner {
            from: self.from,
            certificate: identity,
            ..Manner::default()
        };
        Client::new(self.site.clone(), manner)
    }

    /// The next request, when there is one.
    pub(crate) fn request(&mut self) -> Option<Request> {
        self.twin.request(self.site.now())
    }

    pub(crate) fn respond(&mut self, answer: &Answer) {
        let text = |name: &str| answer.header(name).map(str::to_owned);
        let cookies = answer.headers.get_all("set-cookie").iter();
        let response = Response {
            status: answer.status.as_u16(),
            content_type: text("content-type"),
            content_length: text("content-length").and_then(|length| length.parse().ok()),
            is_chunked: answer.header("transfer-encoding").is_some(),
            retry_after: None,
            location: text("location"),
            cookies: cookies
                .filter_map(|cookie| cookie.to_str().ok().map(str::to_owned))
                .collect(),
            body: answer.body.to_vec(),
        };
        self.twin.respond(&response, self.site.now());
    }

    /// All that it has to do now, over one connection for as long as it shows the same. How many requests that took.
    pub(crate) async fn hold(&mut self) -> usize {
        let (mut requests, mut open) = (0, None);
        while let Some(request) = self.request() {
            let shows = request.identity.as_ref();
            let shows = shows.map(|identity| identity.certificate.fingerprint());
            let client = match open.take() {
                Some((shown, client)) if shown == shows => client,
                _ => self.client(&request),
            };
            let answer = ask(&client, &request).await;
            self.respond(&answer);
            open = Some((shows, client));
            requests += 1;
        }
        requests
    }

    /// Holds a session, which must end well, and in which the server breaks no rule.
    pub(crate) async fn session(&mut self) {
        let before = self.twin.sessions();
        self.twin.sync(self.site.now());
        self.hold().await;
        self.is_content();
        assert_eq!(self.twin.sessions(), before + 1);
    }

    /// It holds nothing against the server.
    #[track_caller]
    pub(crate) fn is_content(&self) {
        let complaints = self.twin.complaints();
        assert_eq!(complaints.kept(), []);
        assert_eq!(self.twin.failed_sessions(), 0);
    }

    /// The value of a node.
    pub(crate) fn value(&self, node: &str) -> Option<String> {
        self.twin.value(node, self.site.now()).map(|value| value.data)
    }
}

async fn ask(client: &Client, request: &Request) -> Answer {
    let path = request.url.strip_prefix(PUBLIC_URL).expect("this server");
    let headers = request.headers.iter();
    let mut headers: Vec<(String, String)> = headers
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    if let Some(kind) = request.content_type {
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    client
        .send(request.method.as_str(), path, &headers, &request.body)
        .await
}
