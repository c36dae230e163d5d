//! The admin API's client: one connection for each request, which is plenty for a command line.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ordain_server::api::Problem;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::Address;
use crate::connection::Connection;
use crate::tls;

/// For the connection and the handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// For a request and its answer: publishing a large policy takes its time.
const ANSWER: Duration = Duration::from_secs(120);
/// A list of a million devices is shorter.
const MAX_ANSWER: usize = 512 * 1024 * 1024;

/// Why the API gave no answer that can be used. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers there.
    #[error(
        "{address} cannot be reached: {cause}\n  Is the server running (`ordain serve`), and is this its \
         address? Name another with --server URL."
    )]
    Unreachable { address: Address, cause: String },
    /// It could be anybody.
    #[error(
        "the certificate of {address} is not trusted: {cause}\n  If it is signed by the server's own \
         authority, name that with --ca PEM: `server.json` in the server's data directory says where it is."
    )]
    Untrusted { address: Address, cause: String },
    /// It does not know the token.
    #[error(
        "{address} does not accept the token\n  It may have been revoked, have ended, or belong to another \
         server. Name another with --token-file FILE, or store one with `ordain login {address}`."
    )]
    TokenRefused { address: Address },
    /// It says what is wrong.
    #[error("{}", .problem.error)]
    Problem { status: StatusCode, problem: Problem },
    /// The connection broke.
    #[error("{address} was gone before it had answered: {cause}\n  What was asked of it may be done or not.")]
    Gone { address: Address, cause: String },
    /// Whatever answers there, it is not the admin API.
    #[error("{address} does not answer as an Ordain server of this version does: {cause}")]
    Foreign { address: Address, cause: String },
    /// It took too long.
    #[error("{address} did not answer within {} s", ANSWER.as_secs())]
    Slow { address: Address },
}

/// Speaks to one server as one administrator.
#[derive(Clone)]
pub(crate) struct Client {
    address: Address,
    token: Arc<str>,
    tls: TlsConnector,
}

impl Client {
    /// A client for a server that is known with a token. Nothing is sent yet.
    pub(crate) fn new(connection: &Connection) -> anyhow::Result<Self> {
        Ok(Self {
            address: connection.address.clone(),
            token: connection.token()?.into(),
            tls: tls::client_config(&connection.trust)?.into(),
        })
    }

    /// What lies at `path` below the API.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.parse(&self.send(Method::GET, path, Bytes::new()).await?)
    }

    /// The text that lies at `path` below the API.
    pub(crate) async fn get_text(&self, path: &str) -> Result<String, ClientError> {
        let text = self.send(Method::GET, path, Bytes::new()).await?;
        String::from_utf8(text.into()).map_err(|error| self.foreign(error))
    }

    /// What `path` says to `body`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.parse(&self.post_for_bytes(path, body).await?)
    }

    /// The bytes that `path` makes of `body`.
    pub(crate) async fn post_for_bytes(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Bytes, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| self.foreign(error))?;
        self.send(Method::POST, path, body.into()).await
    }

    /// What `path` says to a text.
    pub(crate) async fn post_text<T: DeserializeOwned>(
        &self,
        path: &str,
        text: String,
    ) -> Result<T, ClientError> {
        self.parse(&self.send(Method::POST, path, text.into()).await?)
    }

    /// Takes away what lies at `path`, and tells what is left of it.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.parse(&self.send(Method::DELETE, path, Bytes::new()).await?)
    }

    /// Has `path` do what it is there for.
    pub(crate) async fn order(&self, method: Method, path: &str) -> Result<(), ClientError> {
        self.send(method, path, Bytes::new()).await.map(drop)
    }

    /// What `path` goes on telling: the body of its answer, as it comes.
    pub(crate) async fn listen(&self, path: &str) -> Result<Incoming, ClientError> {
        let answer = self.answer(Method::GET, path, "text/event-stream", Bytes::new());
        self.in_time(answer).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let answer = async {
            let body = self.answer(method, path, "application/json", body).await?;
            self.whole(body).await
        };
        self.in_time(answer).await
    }

    /// The body of a good answer; of any other, what it says.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Bytes,
    ) -> Result<Incoming, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/{path}", self.address.path()))
            .header(HOST, self.address.authority())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(ACCEPT, accept)
            .header(USER_AGENT, concat!("ordain/", env!("CARGO_PKG_VERSION")));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| self.foreign(error))?;
        let answer = self.connect().await?.send_request(request).await;
        let answer = answer.map_err(|error| self.unanswered(&error))?;
        let status = answer.status();
        if status.is_success() {
            Ok(answer.into_body())
        } else {
            Err(self.refusal(status, &self.whole(answer.into_body()).await?))
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let unreachable = |cause: String| ClientError::Unreachable {
            address: self.address.clone(),
            cause,
        };
        let stream = timeout(
            CONNECT,
            TcpStream::connect((self.address.host(), self.address.port())),
        )
        .await
        .map_err(|_| unreachable("it does not answer".to_owned()))?
        .map_err(|error| unreachable(error.to_string()))?;
        if !self.address.is_tls() {
            return self.shake_hands(stream).await;
        }
        let name =
            ServerName::try_from(self.address.host().to_owned()).map_err(|error| self.foreign(error))?;
        let stream = timeout(CONNECT, self.tls.connect(name, stream))
            .await
            .map_err(|_| unreachable("the TLS handshake does not end".to_owned()))?
            .map_err(|error| {
                let untrusted = error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                    .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
                let cause = error.to_string();
                match untrusted {
                    true => ClientError::Untrusted {
                        address: self.address.clone(),
                        cause,
                    },
                    false => unreachable(cause),
                }
            })?;
        self.shake_hands(stream).await
    }

    async fn shake_hands<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unanswered(&error))?;
        // It ends by itself once the sender is gone; its errors come out at the request.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes, ClientError> {
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| match error.downcast_ref() {
            Some(error) => self.unanswered(error),
            None => self.foreign(error),
        });
        Ok(body?.to_bytes())
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        timeout(ANSWER, answer).await.unwrap_or_else(|_| {
            Err(ClientError::Slow {
                address: self.address.clone(),
            })
        })
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        if status == StatusCode::UNAUTHORIZED {
            return ClientError::TokenRefused {
                address: self.address.clone(),
            };
        }
        match serde_json::from_slice(body) {
            Ok(problem) => ClientError::Problem { status, problem },
            Err(_) => self.foreign(status),
        }
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|error| self.foreign(error))
    }

    fn unanswered(&self, error: &hyper::Error) -> ClientError {
        match error.is_parse() {
            true => self.foreign(error),
            false => ClientError::Gone {
                address: self.address.clone(),
                cause: error.to_string(),
            },
        }
    }

    fn foreign(&self, cause: impl ToString) -> ClientError {
        ClientError::Foreign {
            address: self.address.clone(),
            cause: cause.to_string(),
        }
    }
}

/// `path` with the fields of `fields` as its query; those that are null are left out.
pub(crate) fn with_query(path: &str, fields: &impl Serialize) -> anyhow::Result<String> {
    let mut query = String::new();
    if let Value::Object(fields) = serde_json::to_value(fields)? {
        for (name, value) in fields {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                other => other.to_string(),
            };
            let separator = if query.is_empty() { '?' } else { '&' };
            query.push_str(&format!("{separator}{name}={}", encoded(&text)));
        }
    }
    Ok(format!("{path}{query}"))
}

/// A text as one part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use ordain_server::api::{DeviceFilter, Page};

    use super::*;

    #[test]
    fn queries_name_what_is_given_and_escape_it() {
        let filter = DeviceFilter {
            search: Some("Ann's Mac & more=?ü".to_owned()),
            limit: Some(5),
            ..DeviceFilter::default()
        };
        let escaped = "Ann%27s%20Mac%20%26%20more%3D%3F%C3%BC";
        assert_eq!(
            with_query("devices", &filter).unwrap(),
            format!("devices?limit=5&search={escaped}")
        );
        assert_eq!(with_query("audit", &Page::default()).unwrap(), "audit");
        assert_eq!(encoded("../x/y?z#"), "%2E%2E%2Fx%2Fy%3Fz%23");
    }
}
