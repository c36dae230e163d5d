//! Assets and profiles: stable URLs by their SHA-256, for those whose declarations name them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use ordain_model::enrollment::Phase;
use ordain_model::ids::Digest;

use super::fault::Fault;
use crate::app::App;
use crate::identity::Peer;

/// Serves the bytes of `digest` to a device whose wanted or pinned manifest, on any of its channels, names them.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let presented = super::mdm::identify(&app, &peer, &headers, &Bytes::new()).await?;
        let device = app.store.device_of(presented.pin.fingerprint).await?;
        let refused = Fault::Refused(ordain_model::checkin::Refusal::NotEnrolled);
        let device = device
            .filter(|device| device.phase != Phase::CheckedOut)
            .ok_or(refused)?;
        let digest: Digest = digest.parse().map_err(|_| Fault::NotFound)?;
        let world = app.world();
        for channel in app.store.channels_of(&device.id).await? {
            let wanted = app.wanted(&world, &device, &channel.id, Some(&channel)).await?;
            let pinned = match channel.pinned {
                Some(token) => app.objects.manifest(&app.store, token).await?,
                None => None,
            };
            let offers = pinned.is_some_and(|pinned| pinned.offers_download(&digest));
            if offers || wanted.manifest.offers_download(&digest) {
                return serve(&app, digest).await;
            }
        }
        Err(Fault::NotFound)
    };
    answer.await.unwrap_or_else(|fault: Fault| {
        fault.note(&app, "/assets");
        fault.into_response()
    })
}

async fn serve(app: &App, digest: Digest) -> Result<Response, Fault> {
    let blob = app.store.blob(digest).await?.ok_or(Fault::NotFound)?;
    let content_type = blob
        .content_type
        .unwrap_or_else(|| "application/octet-stream".to_owned());
    Ok(([(header::CONTENT_TYPE, content_type)], blob.body).into_response())
}
