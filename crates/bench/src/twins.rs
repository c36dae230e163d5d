//! Twins that enroll and converge within the process.

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use http::{Method, Request, header};
use ordain_pki::Certificate;
use ordain_server::Local;
use ordain_twin::request::{self, Response, To};
use ordain_twin::twin::Settings;
use ordain_twin::{Device, Twin};

use crate::house::ask;
use crate::message::TOPIC;

/// More sessions than this no twin needs: one that naps needs two.
const SESSIONS: usize = 5;

/// A twin that was not enrolled yet.
pub fn new(device: Device) -> Twin {
    let settings = Settings {
        topic: TOPIC.to_owned(),
        gather: 0,
    };
    Twin::new(device, settings)
}

/// Lets `twin` hold sessions until it is converged and asked nothing more, and adds to `count` what it asked.
pub async fn settle(local: &Local, twin: &mut Twin, certificate: &Certificate, now: i64) -> Result<u64> {
    let mut requests = 0;
    for _ in 0..SESSIONS {
        twin.wake(now);
        while let Some(request) = twin.request(now) {
            let answer = ask(local, Some(certificate), http(request)?).await?;
            requests += 1;
            let response = Response {
                status: answer.status,
                content_type: answer.content_type,
                body: answer.body.to_vec(),
            };
            twin.respond(&response, now);
        }
        ensure!(
            twin.complaints().count() == 0,
            "{}: {:?}",
            twin.device().udid,
            twin.complaints().kept()
        );
        // One that was locked, or napped, has refused what it is still to be asked.
        if twin.is_at_rest() {
            return Ok(requests);
        }
    }
    anyhow::bail!("{} does not converge: {:?}", twin.device().udid, twin.standing())
}

fn http(request: request::Request) -> Result<Request<Body>> {
    let mut message = Request::builder();
    message = match &request.to {
        To::CheckIn | To::Command => message.method(Method::PUT).uri("/mdm"),
        To::Download { url, .. } => {
            let url: http::Uri = url.parse()?;
            let path = url.path_and_query().context("a URL without a path")?.clone();
            message.method(Method::GET).uri(path.as_str())
        }
    };
    if let Some(content_type) = request.to.content_type() {
        message = message.header(header::CONTENT_TYPE, content_type);
    }
    Ok(message.body(Body::from(request.body))?)
}
