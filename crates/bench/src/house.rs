//! The server that is measured: the product with its defaults, in this process, on threads of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::BodyExt;
use ordain_pki::Certificate;
use ordain_server::api::{Policy, Published};
use ordain_server::clock::Clock;
use ordain_server::{Local, Server, Settings, Stack};
use tokio::runtime::Handle;

use crate::ca::Ca;
use crate::message::{Client, Message, PROXY_HEADER, command_uuid};
use crate::wire::{Address, Answer, check};

/// A server that runs.
pub struct House {
    server: Server,
    threads: Handle,
    local: Local,
    token: String,
}

/// The settings of the product's defaults in `data_dir`, with the bench CA named, and with `http` behind a proxy.
pub fn settings(data_dir: &Path, database: Option<&str>, http: bool) -> Result<Settings> {
    let loopback = std::net::IpAddr::from([127, 0, 0, 1]);
    Ok(Settings {
        database: database.map(str::to_owned),
        device_cas: vec![Ca::path(data_dir)],
        public_url: Some("https://mdm.example.org".into()),
        trusted_proxies: if http { vec![loopback.into()] } else { Vec::new() },
        client_cert_header: http.then(|| PROXY_HEADER.to_owned()),
        http,
        ..Settings::new((loopback, 0).into(), data_dir.to_owned())
    })
}

impl House {
    /// Starts a server on `threads`.
    pub async fn open(settings: Settings, clock: Clock, threads: &Handle) -> Result<Self> {
        let token = settings.data_dir.join("admin.token");
        let server = threads.spawn(Server::start_with(settings, clock)).await??;
        Ok(Self {
            local: server.local(),
            server,
            threads: threads.clone(),
            token: std::fs::read_to_string(token)?.trim().to_owned(),
        })
    }

    /// Stops it.
    pub async fn close(self) -> Result<()> {
        Ok(self.threads.spawn(self.server.stop()).await?)
    }

    /// Where it answers.
    pub fn address(&self) -> Result<Address> {
        Address::new(self.server.url(), self.server.ca())
    }

    /// Its routes.
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The administrator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Publishes a policy.
    pub async fn publish(&self, policy: &Policy) -> Result<Published> {
        let request = Request::post("/api/v1/policy")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::from(serde_json::to_vec(policy)?))?;
        let answer = self.ask(None, request).await?;
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Sends `messages` of `client` in order, within the process; every answer is checked.
    pub async fn walk(&self, client: &Client, messages: &[Message]) -> Result<Vec<Answer>> {
        let mut uuid: Option<String> = None;
        let mut answers = Vec::with_capacity(messages.len());
        for message in messages {
            let request = match &uuid {
                Some(uuid) => message.answering(uuid)?.request()?,
                None => message.request()?,
            };
            let answer = self.ask(Some(&client.certificate), request).await?;
            check(&answer, &message.expect, true)?;
            uuid = command_uuid(&answer.body).map(str::to_owned).or(uuid);
            answers.push(answer);
        }
        Ok(answers)
    }

    /// One request within the process, on the server's own threads.
    pub async fn ask(&self, certificate: Option<&Certificate>, request: Request<Body>) -> Result<Answer> {
        let (local, certificate) = (self.local.clone(), certificate.cloned());
        self.threads
            .spawn(async move { ask(&local, certificate.as_ref(), request).await })
            .await?
    }

    /// The server's counters, by their names and labels as Prometheus writes them.
    pub async fn counters(&self) -> Result<BTreeMap<String, f64>> {
        let answer = self
            .ask(None, Request::get("/metrics").body(Body::empty())?)
            .await?;
        let text = String::from_utf8_lossy(&answer.body);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Ok(lines
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((name.to_owned(), value.parse().ok()?))
            })
            .collect())
    }

    /// How many writes of `kind` were committed.
    pub async fn writes(&self, kind: &str) -> Result<f64> {
        let name = format!("ordain_writes_total{{kind=\"{kind}\"}}");
        Ok(self.counters().await?.get(&name).copied().unwrap_or_default())
    }
}

/// One request within the process.
pub async fn ask(local: &Local, certificate: Option<&Certificate>, request: Request<Body>) -> Result<Answer> {
    let (head, body) = local.answer(certificate, request).await.into_parts();
    let text = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
    Ok(Answer {
        status: head.status.as_u16(),
        content_type: text("content-type"),
        retry_after: text("retry-after").and_then(|seconds| seconds.parse().ok()),
        body: body.collect().await?.to_bytes().into(),
    })
}

/// What the do-nothing handler answers, by the number in the request's query.
pub type Answers = Arc<std::sync::RwLock<Vec<(Option<String>, Bytes)>>>;

/// The do-nothing handler.
pub struct Nothing {
    stack: Stack,
    threads: Handle,
    directory: PathBuf,
}

impl Nothing {
    /// Starts it on `threads`, with TLS or plain as `http` says.
    pub async fn open(directory: PathBuf, http: bool, answers: Answers, threads: &Handle) -> Result<Self> {
        let settings = settings(&directory, None, http)?;
        let answer = move |uri: &Uri, _: &Bytes| nothing(uri, &answers);
        let start = async move { Stack::start(&settings, answer).await };
        Ok(Self {
            stack: threads.spawn(start).await??,
            threads: threads.clone(),
            directory,
        })
    }

    /// Where it answers.
    pub fn address(&self) -> Result<Address> {
        Address::new(self.stack.url(), self.stack.ca()).with_context(|| self.directory.display().to_string())
    }

    /// Stops it.
    pub async fn close(self) -> Result<()> {
        Ok(self.threads.spawn(self.stack.stop()).await?)
    }
}

fn nothing(uri: &Uri, answers: &Answers) -> Response {
    let number: usize = uri
        .query()
        .and_then(|number| number.parse().ok())
        .unwrap_or_default();
    let answers = answers.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut response = Response::default();
    if let Some((content_type, body)) = answers.get(number) {
        if let Some(content_type) = content_type.as_deref().and_then(|value| value.parse().ok()) {
            response
                .headers_mut()
                .insert(http::header::CONTENT_TYPE, content_type);
        }
        *response.body_mut() = Body::from(body.clone());
    }
    response
}
