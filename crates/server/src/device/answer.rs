//! The answers that devices get when all is well.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use ordain_apple::ddm::TokensResponse;
use ordain_model::enrollment::Offer;

/// 200 and nothing else.
pub(crate) fn done() -> Response {
    StatusCode::OK.into_response()
}

/// 200 with a property list.
pub(crate) fn property_list(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/xml; charset=UTF-8")], body).into_response()
}

/// 200 with a JSON document.
pub(crate) fn json(body: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

/// The tokens response for an offer: also the data of the command.
pub(crate) fn tokens(offer: Offer) -> Vec<u8> {
    TokensResponse {
        timestamp: offer.stamp,
        declarations_token: offer.token.to_string(),
    }
    .to_json()
}
