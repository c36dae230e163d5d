//! What requests say, read so that whatever is wrong with it becomes a [`Fault`].

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::fault::Fault;

/// The body, in JSON.
pub(crate) struct Json<T>(pub(crate) T);

/// What comes after the `?`.
pub(crate) struct Query<T>(pub(crate) T);

/// The variable parts of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let axum::Json(body) = axum::Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let axum::extract::Query(query) = axum::extract::Query::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let axum::extract::Path(path) = axum::extract::Path::from_request_parts(parts, state).await?;
        Ok(Self(path))
    }
}

impl From<JsonRejection> for Fault {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(rejection.body_text()),
            _ => Self::Invalid(rejection.body_text()),
        }
    }
}

impl From<QueryRejection> for Fault {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl From<PathRejection> for Fault {
    fn from(rejection: PathRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

/// Refuses control characters in what is stored by its name: no name needs them, and PostgreSQL has no NUL.
pub(crate) fn printable(name: &str, text: Option<&str>) -> Result<(), Fault> {
    match text.is_some_and(has_control) {
        true => Err(Fault::Invalid(format!("{name} must not hold control characters"))),
        false => Ok(()),
    }
}

/// Whether nothing can be called `text`.
pub(crate) fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn what_is_too_large_is_told_from_what_is_wrong() {
        let read = async |body: String| {
            let request = Request::post("/").header(header::CONTENT_TYPE, "application/json");
            let request = request.body(Body::from(body)).unwrap();
            Json::<Value>::from_request(request, &())
                .await
                .map(|Json(value)| value)
        };
        assert_eq!(read("{}".to_owned()).await.unwrap(), serde_json::json!({}));
        assert!(matches!(read("{".to_owned()).await, Err(Fault::Invalid(_))));
        let long = format!("{:?}", "x".repeat(3 << 20));
        assert!(matches!(read(long).await, Err(Fault::TooLarge(_))));
    }
}
