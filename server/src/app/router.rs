//! The hosts: their routes, and around them what holds for every request of a host. Which routes there are is on one
//! page, `routes.rs`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::fallback::{Face, dress};
use super::listener::refuse_misdirected;
use super::routes;
use super::status::Status;
use crate::oidc::Provider;
use crate::web::headers::{PageHeaders, StrictTransport};

/// Longest body of a request: forms of ours and of clients are far shorter.
const LONGEST_BODY: usize = 64 * 1024;
/// Longest time a request may take.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// The main host: the issuer.
pub(super) fn main(provider: Provider) -> Router {
    let face = Face::with_pages(provider.page_headers());
    behind_tls(routes::main(provider), face)
}

/// The device host.
pub(super) fn device(provider: Provider) -> Router {
    let face = Face::with_pages(provider.page_headers());
    behind_tls(routes::device(provider), face)
}

/// The host that asks clients for their certificates. It has no pages: nobody visits it.
pub(super) fn clients(provider: Provider) -> Router {
    let face = Face::without_pages(provider.page_headers());
    behind_tls(routes::clients(provider), face)
}

/// What operators look at. It has no pages, and no name on the network.
pub(super) fn operations(status: Arc<Status>) -> Router {
    let face = Face::without_pages(PageHeaders::new(StrictTransport::Omitted));
    guarded(routes::operations(status)).layer(from_fn_with_state(face, dress))
}

/// A host with a name of its own, whose requests have to mean that name.
fn behind_tls(routes: Router, face: Face) -> Router {
    guarded(routes)
        .layer(from_fn(refuse_misdirected))
        .layer(from_fn_with_state(face, dress))
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

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request ended in a panic");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
mod tests {
    use std::future::Ready;

    use axum::body::{Body, Bytes};
    use axum::extract::Request;
    use axum::routing::{get, post};
    use tower::ServiceExt as _;

    use super::*;

    fn breaks() -> Ready<Response> {
        panic!("on purpose")
    }

    async fn answer(request: Request) -> Response {
        let routes = Router::new()
            .route("/breaks", get(breaks))
            .route("/reads", post(|_: Bytes| async { "read" }));
        let face = Face::with_pages(PageHeaders::new(StrictTransport::Omitted));
        behind_tls(routes, face).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_ends_in_an_answer_with_our_headers() {
        let response = answer(Request::get("/breaks").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(response.headers().contains_key("content-security-policy"));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused_in_our_words() {
        let long = Body::from(vec![b'x'; LONGEST_BODY + 1]);
        let response = answer(Request::post("/reads").body(long).unwrap()).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}
