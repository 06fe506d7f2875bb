//! Every route on one page, grouped by who calls it. Bounds and headers that hold for whole hosts are left to
//! `router.rs`.

use std::sync::Arc;

use axum::Router;
use axum::extract::RawQuery;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};

use super::origins::ClientOrigins;
use super::status::{self, Status};
use crate::oidc::{self, Provider, authorize};
use crate::web::cors::{Readers, share};
use crate::web::headers::{STYLESHEET_PATH, stylesheet};

/// Where the discovery document is: for OpenID Connect, and for OAuth 2.0 (RFC 8414, section 3).
const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
const OAUTH_CONFIGURATION: &str = "/.well-known/oauth-authorization-server";

/// The main host: the issuer.
pub(super) fn main(provider: Provider) -> Router {
    let clients = ClientOrigins::new(provider.clients.clone());
    Router::new()
        .merge(visited())
        .merge(published())
        .merge(called(Readers::Only(Arc::new(clients))))
        .merge(called_by_servers())
        .with_state(provider)
}

/// What people visit. Nothing here is ever for the scripts of another site.
fn visited() -> Router<Provider> {
    Router::new()
        .route("/", get(oidc::home))
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/authorize/device", get(authorize::to_device_host))
        .route("/authorize/resume", get(authorize::resume))
        .route("/authorize/return", post(authorize::return_to_client))
        .route(
            "/logout",
            get(oidc::log_out_by_query).post(oidc::log_out_by_form),
        )
        .route("/sign-in", post(oidc::sign_in))
        .route("/sign-out", get(oidc::sign_out_page).post(oidc::sign_out))
        .route(STYLESHEET_PATH, get(css))
}

/// What everybody may read.
fn published() -> Router<Provider> {
    Router::new()
        .route(OAUTH_CONFIGURATION, get(oidc::metadata))
        .route(OPENID_CONFIGURATION, get(oidc::metadata))
        .route("/jwks", get(oidc::jwks))
        .route_layer(from_fn_with_state(Readers::Anyone, share))
}

/// What clients call themselves, some of them from a browser.
fn called(readers: Readers) -> Router<Provider> {
    Router::new()
        .route("/par", post(oidc::push))
        .route("/revoke", post(oidc::revoke))
        .route("/token", post(oidc::token))
        .route("/userinfo", get(oidc::userinfo).post(oidc::userinfo))
        .route_layer(from_fn_with_state(readers, share))
}

/// What only clients with a server call: nothing for scripts.
fn called_by_servers() -> Router<Provider> {
    Router::new().route("/introspect", post(oidc::introspect))
}

/// The device host: one page's worth of work, and nothing of the main host.
pub(super) fn device(provider: Provider) -> Router {
    Router::new()
        .route("/check", get(oidc::device_check))
        .route(STYLESHEET_PATH, get(css))
        .with_state(provider)
}

/// The host that asks clients for their certificates: what clients call, and nothing for scripts.
pub(super) fn clients(provider: Provider) -> Router {
    Router::new()
        .route("/introspect", post(oidc::introspect))
        .route("/jwks", get(oidc::jwks))
        .route("/par", post(oidc::push))
        .route("/revoke", post(oidc::revoke))
        .route("/token", post(oidc::token))
        .route("/userinfo", get(oidc::userinfo).post(oidc::userinfo))
        .with_state(provider)
}

/// What operators look at, on an address of its own.
pub(super) fn operations(status: Arc<Status>) -> Router {
    Router::new()
        .route("/health/live", get(status::live))
        .route("/health/ready", get(status::ready))
        .route("/status", get(status::status))
        .with_state(status)
}

async fn css(RawQuery(query): RawQuery) -> Response {
    stylesheet(query.as_deref())
}
