//! Which pages of other sites may read an answer (Fetch Standard, CORS protocol). A route has these headers only if it
//! is told so: those that people visit never are (RFC 9700, section 2.6). Whose origins count is left to the caller.
//!
//! The layer of tower-http would take every `OPTIONS` for a preflight, and answer it with 200.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// How long, in seconds, browsers may remember the answer to a preflight.
const REMEMBERED: &str = "600";
/// What scripts may send besides what every form can.
const SENT: &str = "authorization, content-type, dpop";
/// What scripts may read besides what they always can.
const READ: &str = "www-authenticate";

/// Origins that change while the server runs.
pub trait Origins: fmt::Debug + Send + Sync {
    /// Whether this origin, as browsers write it, is one of them.
    fn contain(&self, origin: &str) -> bool;
}

/// Who may read the answers of a route.
#[derive(Debug, Clone)]
pub enum Readers {
    /// Pages from anywhere: the answer is public.
    Anyone,
    /// Pages of these origins.
    Only(Arc<dyn Origins>),
}

impl Readers {
    /// What to allow, where something is to be allowed.
    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        match self {
            // Said to everybody, whether they ask or not: the answer may be kept, and given to somebody who does.
            Self::Anyone => Some(HeaderValue::from_static("*")),
            Self::Only(origins) => {
                let mut named = request.get_all(header::ORIGIN).iter();
                let origin = named.next()?;
                let known = named.next().is_none() && origins.contain(origin.to_str().ok()?);
                known.then(|| origin.clone())
            }
        }
    }
}

/// Middleware for routes whose answers scripts may read.
///
/// Nobody's cookies or certificates are let through: `Access-Control-Allow-Credentials` is never said.
pub async fn share(State(readers): State<Readers>, request: Request, next: Next) -> Response {
    let allowed = readers.allowed(request.headers());
    let mut response = if allowed.is_some() && is_preflight(&request) {
        preflight()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if matches!(readers, Readers::Only(_)) {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(allowed) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(READ),
        );
    }
    response
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser that asks before it sends. Which methods there are is for the route to say.
fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::post;
    use axum::{Router, middleware};
    use tower::ServiceExt as _;

    use super::*;

    const NOTES: &str = "https://notes.example.com";

    #[derive(Debug)]
    struct Notes;

    impl Origins for Notes {
        fn contain(&self, origin: &str) -> bool {
            origin == NOTES
        }
    }

    async fn answer(readers: Readers, method: Method, headers: &[(&str, &str)]) -> Response {
        let router = Router::new()
            .route("/token", post(|| async { "done" }))
            .route_layer(middleware::from_fn_with_state(readers, share));
        let mut request = Request::builder().method(method).uri("/token");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }

    fn notes() -> Readers {
        Readers::Only(Arc::new(Notes))
    }

    fn origin(response: &Response) -> Option<&str> {
        let value = response.headers().get("access-control-allow-origin")?;
        value.to_str().ok()
    }

    const ASKS: (&str, &str) = ("access-control-request-method", "POST");

    #[tokio::test]
    async fn a_known_origin_may_read_the_answer() {
        let response = answer(notes(), Method::POST, &[("origin", NOTES)]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(origin(&response), Some(NOTES));
        assert_eq!(response.headers()["vary"], "origin");
        let exposed = &response.headers()["access-control-expose-headers"];
        assert_eq!(exposed, "www-authenticate");
        let credentials = "access-control-allow-credentials";
        assert!(!response.headers().contains_key(credentials));
    }

    #[tokio::test]
    async fn any_other_origin_may_not() {
        for other in [
            "null",
            "https://evil.test",
            "http://notes.example.com",
            "https://notes.example.com:8443",
            "https://notes.example.com.evil.test",
            "https://notes.example.com/",
        ] {
            let response = answer(notes(), Method::POST, &[("origin", other)]).await;
            assert_eq!(origin(&response), None, "{other}");
            assert_eq!(response.headers()["vary"], "origin", "{other}");
            let asked = answer(notes(), Method::OPTIONS, &[("origin", other), ASKS]).await;
            assert_eq!(asked.status(), StatusCode::METHOD_NOT_ALLOWED, "{other}");
            assert_eq!(origin(&asked), None, "{other}");
        }
        let two = [("origin", NOTES), ("origin", "https://evil.test")];
        assert_eq!(origin(&answer(notes(), Method::POST, &two).await), None);
    }

    #[tokio::test]
    async fn a_preflight_is_answered_without_the_handler() {
        let response = answer(notes(), Method::OPTIONS, &[("origin", NOTES), ASKS]).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(origin(&response), Some(NOTES));
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-headers"], SENT);
        assert_eq!(headers["access-control-max-age"], "600");
        assert_eq!(headers["vary"], "origin");
    }

    #[tokio::test]
    async fn what_asks_for_nothing_is_no_preflight() {
        for headers in [&[][..], &[("origin", NOTES)], &[ASKS]] {
            let response = answer(notes(), Method::OPTIONS, headers).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        }
    }

    #[tokio::test]
    async fn what_is_public_is_for_everybody_alike() {
        for headers in [&[][..], &[("origin", "https://evil.test")]] {
            let response = answer(Readers::Anyone, Method::POST, headers).await;
            assert_eq!(origin(&response), Some("*"));
            assert!(!response.headers().contains_key("vary"));
        }
    }
}
