//! Every route on one page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::listener::refuse_misdirected;
use super::status::{self, Status};
use crate::oidc::{self, Provider, authorize};
use crate::web::headers::{STYLESHEET_PATH, stylesheet};

/// Longest body of a request: forms of ours and of clients are far shorter.
const LONGEST_BODY: usize = 64 * 1024;
/// Longest time a request may take.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// The main host: the issuer.
pub(super) fn main(provider: Provider) -> Router {
    let routes = Router::new()
        .route("/", get(oidc::home))
        .route(
            "/.well-known/openid-configuration",
            get(oidc::openid_configuration),
        )
        .route("/jwks", get(oidc::jwks))
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/authorize/resume", get(authorize::resume))
        .route("/authorize/device", get(authorize::to_device_host))
        .route("/authorize/return", post(authorize::return_to_client))
        .route("/sign-in", post(oidc::sign_in))
        .route("/sign-out", get(oidc::sign_out_page).post(oidc::sign_out))
        .route("/token", post(oidc::token))
        .route("/userinfo", get(oidc::userinfo).post(oidc::userinfo))
        .route(STYLESHEET_PATH, get(css))
        .with_state(provider);
    guarded(routes).layer(middleware::from_fn(refuse_misdirected))
}

/// The device host: one page's worth of work, and nothing of the main host.
pub(super) fn device(provider: Provider) -> Router {
    let routes = Router::new()
        .route("/check", get(oidc::device_check))
        .route(STYLESHEET_PATH, get(css))
        .with_state(provider);
    guarded(routes).layer(middleware::from_fn(refuse_misdirected))
}

/// What operators look at, on an address of its own.
pub(super) fn operations(status: Arc<Status>) -> Router {
    let routes = Router::new()
        .route("/status", get(status::status))
        .route("/health/live", get(status::live))
        .route("/health/ready", get(status::ready))
        .with_state(status);
    guarded(routes)
}

/// Bounds that hold for every route. A panic ends its request and nothing else.
fn guarded(routes: Router) -> Router {
    routes
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            LONGEST_REQUEST,
        ))
        .layer(CatchPanicLayer::custom(panicked))
}

async fn css(RawQuery(query): RawQuery) -> Response {
    stylesheet(query.as_deref())
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request ended in a panic");
    (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong\n").into_response()
}
