//! The admin API below `/api/v1`: one file for each thing that administrators work with.

mod access;
mod catalog;
mod commands;
mod compliance;
mod devices;
mod events;
mod explain;
mod extract;
mod fault;
mod groups;
mod history;
mod identities;
mod judged;
mod keys;
mod migration;
mod policy;
mod predicate;
mod push;
mod replay;
mod tags;
mod tokens;
mod webhooks;
mod wns;

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json, Router, middleware};
use ordain_store::Actor;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Overview;
use crate::app::App;
pub(crate) use access::administrator;
use fault::Fault;

#[derive(OpenApi)]
#[openapi(info(
    title = "Ordain",
    description = "The administrators' API of a declarative device management server. Every request carries \
                   `Authorization: Bearer TOKEN`; whatever goes wrong is said in a `Problem`.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
), security(("token" = [])), modifiers(&BearerToken))]
struct Description;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        description
            .components
            .get_or_insert_default()
            .add_security_scheme("token", scheme);
    }
}

/// The API, and its own description at `/api/v1/openapi.json`.
pub(crate) fn router(app: Arc<App>) -> Router<Arc<App>> {
    let description = openapi();
    let (router, _) = described().split_for_parts();
    let router = router
        .route_layer(middleware::from_fn_with_state(app, access::administrators_only))
        .route(
            "/openapi.json",
            axum::routing::get(move || std::future::ready(Json(description.clone()))),
        )
        .fallback(nothing)
        .method_not_allowed_fallback(async || Fault::NoMethod);
    // A nested router does not see its own root with a slash.
    Router::new()
        .nest("/api/v1", router)
        .merge(replay::router())
        .route("/api/v1/", axum::routing::any(nothing))
}

async fn nothing() -> Fault {
    Fault::NotFound("there is nothing at this path; /api/v1/openapi.json tells all".into())
}

/// The description of the API.
fn openapi() -> utoipa::openapi::OpenApi {
    let (_, description) = OpenApiRouter::<Arc<App>>::with_openapi(Description::openapi())
        .nest("/api/v1", described())
        .split_for_parts();
    description
}

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(policy::publish))
        .routes(routes!(policy::publish_again))
        .routes(routes!(
            catalog::catalog,
            catalog::import_catalog,
            catalog::reset_catalog
        ))
        .routes(routes!(catalog::catalog_facts))
        .routes(routes!(catalog::declarations))
        .routes(routes!(devices::devices))
        .routes(routes!(devices::device))
        .routes(routes!(devices::approve))
        .routes(routes!(compliance::compliance))
        .routes(routes!(tags::tag))
        .routes(routes!(groups::groups))
        .routes(routes!(groups::group))
        .routes(routes!(predicate::for_device))
        .routes(routes!(predicate::over_fleet))
        .routes(routes!(explain::explain))
        .routes(routes!(commands::commands, commands::order))
        .routes(routes!(commands::command, commands::cancel))
        .routes(routes!(commands::of_device))
        .routes(routes!(history::revisions))
        .routes(routes!(history::audit))
        .routes(routes!(tokens::tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(identities::enrollment_profile))
        .routes(routes!(identities::identities))
        .routes(routes!(events::events))
        .routes(routes!(webhooks::webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::remove_webhook))
        .routes(routes!(keys::keys))
        .routes(routes!(keys::progress, keys::rotate))
        .routes(routes!(migration::migration, migration::open, migration::close))
        .routes(routes!(push::certificate, push::import))
        .routes(routes!(push::status))
        .routes(routes!(wns::wns_status, wns::set_wns, wns::remove_wns))
}

/// What is there, and who is asking.
#[utoipa::path(get, path = "/overview", responses((status = 200, body = Overview)))]
async fn overview(State(app): State<Arc<App>>, Extension(actor): Extension<Actor>) -> Json<Overview> {
    Json(Overview {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: app.world().revision().number,
        public_url: app.public_url.clone(),
        token: actor.name,
        problem: app.outdated(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_description_is_the_one_that_was_reviewed() {
        insta::assert_snapshot!("openapi", super::openapi().to_pretty_json().unwrap());
    }
}
