//! Windows computers that enroll within the process, and their sessions as they are sent again and again.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use axum::body::Body;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt;
use ordain_pki::{Certificate, KeyPair};
use ordain_server::Local;
use ordain_server::api::CreatedToken;
use ordain_twin::windows::{self, KeyPool, Pc, Response, Settings, Standing, Twin, Way};
use serde_json::json;

use crate::clock;
use crate::house::House;
use crate::load::Lane;
use crate::message::{Expect, PROXY_HEADER, Shot, encoded, find};
use crate::ratios::Bench;
use crate::work::Work;

/// More sessions than this none needs until it is at rest.
const SESSIONS: usize = 5;
/// How many sessions each holds in a round.
pub(crate) const REPEATED: u64 = 8;
/// What devices are told to reach the server by.
const SERVER: &str = "https://mdm.example.org";

/// A computer that is enrolled and at rest.
pub(crate) struct Computer {
    certificate: Certificate,
    /// Where it holds its sessions.
    path: String,
    /// Its messages in a session that changes nothing, with what they are answered.
    session: Vec<(Vec<u8>, Answered)>,
}

/// An answer to a message of a session.
#[derive(Debug, Clone, Default)]
struct Answered {
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Bench {
    /// Each computer holds sessions in which nothing is to be changed, by the proxy's header.
    pub(crate) async fn sessions(&mut self, house: &House) -> Result<Work> {
        if self.computers.is_empty() {
            self.computers = enrolled(house, self.options.devices).await?;
        }
        let mut lanes = Vec::new();
        for (index, computer) in self.computers.iter().enumerate() {
            for number in 0..REPEATED {
                // Of no session before it.
                let id = format!("{:X}", 0x1_0000 + self.edition * REPEATED + number);
                lanes.push(Lane {
                    client: index,
                    shots: computer.shots(&id)?,
                });
            }
        }
        self.edition += 1;
        let first = self.computers.first().context("no computers")?;
        let answers = first.session.iter();
        Ok(Work {
            lanes,
            answers: answers
                .map(|(_, answer)| (answer.content_type.clone(), Bytes::from(answer.body.clone())))
                .collect(),
        })
    }
}

impl Computer {
    /// The session again, as `id`.
    fn shots(&self, id: &str) -> Result<Vec<Shot>> {
        let headers = format!(
            "content-type: application/vnd.syncml.dm+xml\r\n{PROXY_HEADER}: {}\r\n",
            encoded(&self.certificate)
        );
        let shot = |(number, (message, answer)): (usize, &(Vec<u8>, Answered))| {
            let target = format!("{}?{number}", self.path);
            // Beside the session's number, the very same.
            let begin = find(&answer.body, b"<SyncBody").context("no SyncML")?;
            let same = Bytes::copy_from_slice(answer.body.get(begin..).unwrap_or_default());
            let message = of_session(message, id)?;
            anyhow::Ok(Shot::new(
                "POST",
                &target,
                &headers,
                &message,
                Expect::SyncMl(same),
            ))
        };
        self.session.iter().enumerate().map(shot).collect()
    }
}

/// The message with another `SessionID`.
fn of_session(message: &[u8], id: &str) -> Result<Vec<u8>> {
    let (begins, ends) = (b"<SessionID>", b"</SessionID>");
    let begin = find(message, begins).context("no SessionID")? + begins.len();
    let end = find(message, ends).context("no end of SessionID")?;
    let (before, after) = (message.get(..begin), message.get(end..));
    Ok([
        before.unwrap_or_default(),
        id.as_bytes(),
        after.unwrap_or_default(),
    ]
    .concat())
}

/// Enrolls `count` computers and lets them hold sessions until they are at rest.
async fn enrolled(house: &House, count: usize) -> Result<Vec<Computer>> {
    let token = token(house, count).await?;
    // The server knows certificates only.
    let keys = Arc::new(KeyPool::new(vec![KeyPair::generate(
        ordain_pki::key::KeyKind::Rsa2048,
    )?]));
    let mut computers = Vec::with_capacity(count);
    for index in 0..count {
        let mut twin = Twin::new(Pc::new(1, index), Settings::default(), keys.clone());
        twin.enroll(Way::new(SERVER, "ada@example.org", token.as_str()))?;
        hold(house.local(), &mut twin).await?;
        ensure!(twin.standing() == Standing::Enrolled, "{:?}", twin.error());
        for _ in 0..SESSIONS {
            if twin.is_at_rest() {
                break;
            }
            twin.sync(clock::now());
            hold(house.local(), &mut twin).await?;
        }
        ensure!(twin.is_at_rest(), "{}: {:?}", twin.pc().name, twin.history());
        twin.sync(clock::now());
        let session = hold(house.local(), &mut twin).await?;
        let complaints = twin.complaints();
        ensure!(complaints.count() == 0, "{:?}", complaints.kept());
        let Some(account) = twin.account() else {
            bail!("{} has left", twin.pc().name)
        };
        computers.push(Computer {
            certificate: account.identity.certificate.clone(),
            path: path(&account.application.address)?,
            session,
        });
    }
    Ok(computers)
}

/// An enrollment token for `uses` computers.
async fn token(house: &House, uses: usize) -> Result<String> {
    let asked = json!({"name": "bench", "role": "enrollment", "uses": uses});
    let request = Request::post("/api/v1/tokens")
        .header(header::AUTHORIZATION, format!("Bearer {}", house.token()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(serde_json::to_vec(&asked)?))?;
    let answer = house.ask(None, request).await?;
    ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
    let created: CreatedToken = serde_json::from_slice(&answer.body)?;
    Ok(created.token)
}

/// Lets a computer do all that it has to, and tells what it sent and got.
async fn hold(local: &Local, twin: &mut Twin) -> Result<Vec<(Vec<u8>, Answered)>> {
    let now = clock::now();
    let mut held = Vec::new();
    while let Some(request) = twin.request(now) {
        let message = request.body.clone();
        let response = answered(local, request).await?;
        held.push((
            message,
            Answered {
                content_type: response.content_type.clone(),
                body: response.body.clone(),
            },
        ));
        twin.respond(&response, now);
    }
    Ok(held)
}

async fn answered(local: &Local, request: windows::Request) -> Result<Response> {
    let mut message = Request::builder().method(request.method).uri(path(&request.url)?);
    if let Some(content_type) = request.content_type {
        message = message.header(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in &request.headers {
        message = message.header(*name, value);
    }
    let certificate = request.identity.map(|identity| identity.certificate);
    let message = message.body(Body::from(request.body))?;
    let (head, body) = local.answer(certificate.as_ref(), message).await.into_parts();
    let text = |name| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
    let body = body.collect().await?.to_bytes();
    let cookies = head.headers.get_all(header::SET_COOKIE).iter();
    Ok(Response {
        status: head.status.as_u16(),
        content_type: text(header::CONTENT_TYPE),
        // On sockets, HTTP says it.
        content_length: u64::try_from(body.len()).ok(),
        location: text(header::LOCATION),
        cookies: cookies
            .filter_map(|cookie| cookie.to_str().ok().map(str::to_owned))
            .collect(),
        body: body.into(),
        ..Response::default()
    })
}

/// Path and query of a URL of the server.
fn path(url: &str) -> Result<String> {
    let url: http::Uri = url.parse()?;
    Ok(url.path_and_query().context("a URL without a path")?.to_string())
}
