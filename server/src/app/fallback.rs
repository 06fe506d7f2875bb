//! Answers that no handler has written: nothing is at this path, the method does not fit, the body is too long, the
//! time is over, the request broke. People get a page, programs get JSON, and both get the headers of our pages.
//! Which of these answers it is, is left to the layers of `router.rs`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::web::headers::{PageHeaders, page};
use crate::web::pages::ErrorPage;

/// How the answers of one host look.
#[derive(Debug, Clone)]
pub(super) struct Face {
    headers: PageHeaders,
    audience: Audience,
}

/// Who looks at a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// People and programs: each gets what it asks for.
    Everybody,
    /// Programs: the host has no stylesheet, and no pages.
    Programs,
}

/// What is said to whoever gets such an answer.
struct Words {
    /// For programs.
    code: &'static str,
    title: &'static str,
    message: &'static str,
}

impl Face {
    /// Of a host with pages.
    pub(super) fn with_pages(headers: PageHeaders) -> Self {
        Self {
            headers,
            audience: Audience::Everybody,
        }
    }

    /// Of a host without.
    pub(super) fn without_pages(headers: PageHeaders) -> Self {
        Self {
            headers,
            audience: Audience::Programs,
        }
    }
}

/// Middleware around all others of a host.
pub(super) async fn dress(State(face): State<Face>, request: Request, next: Next) -> Response {
    let wants_page = face.audience == Audience::Everybody && accepts_html(request.headers());
    let only_head = request.method() == Method::HEAD;
    let bare = next.run(request).await;
    let Some(words) = words(&bare) else {
        return bare;
    };
    let mut response = dressed(bare, &words, face.headers, wants_page);
    if only_head {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The answer with a body of ours. What it says in its headers already, such as `Allow`, stays.
fn dressed(bare: Response, words: &Words, headers: PageHeaders, wants_page: bool) -> Response {
    let status = bare.status();
    let response = if wants_page {
        let shown = ErrorPage {
            status: status.as_u16(),
            title: words.title.to_owned(),
            message: words.message.to_owned(),
            parameter: None,
            reference: None,
            help: None,
        };
        page(status, &shown, headers)
    } else {
        let body = json!({"error": words.code, "error_description": words.message});
        (status, headers.into_map(), Json(body)).into_response()
    };
    let (mut parts, body) = response.into_parts();
    let mut kept = bare.into_parts().0.headers;
    for replaced in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ] {
        kept.remove(replaced);
    }
    kept.extend(parts.headers);
    if status == StatusCode::SERVICE_UNAVAILABLE && !kept.contains_key(header::RETRY_AFTER) {
        kept.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    }
    parts.headers = kept;
    Response::from_parts(parts, body)
}

/// Words for an answer that has none of ours.
///
/// An answer with a policy is a page. One with a type of its own is the work of a handler; only what the libraries say
/// of a body that cannot be read comes as plain text.
fn words(response: &Response) -> Option<Words> {
    let headers = response.headers();
    let of_a_library = matches!(
        response.status(),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::BAD_REQUEST
    ) && headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if headers.contains_key(header::CONTENT_SECURITY_POLICY)
        || (headers.contains_key(header::CONTENT_TYPE) && !of_a_library)
    {
        return None;
    }
    let (code, title, message) = match response.status() {
        StatusCode::BAD_REQUEST => (
            "invalid_request",
            "This request cannot be read",
            "Something in it is missing or broken.",
        ),
        StatusCode::NOT_FOUND => (
            "not_found",
            "There is nothing here",
            "The address may be mistyped, or the page may have moved.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "method_not_allowed",
            "This address works in another way",
            "It does not answer requests of this method.",
        ),
        StatusCode::REQUEST_TIMEOUT => (
            "request_timeout",
            "This request took too long",
            "It did not arrive in time.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "request_too_large",
            "This request is too long",
            "Nothing that is sent here has to be as long as this.",
        ),
        StatusCode::MISDIRECTED_REQUEST => (
            "misdirected_request",
            "This request went astray",
            "Its connection was made for another host.",
        ),
        StatusCode::INTERNAL_SERVER_ERROR => (
            "server_error",
            "Something went wrong on our side",
            "Please go back and try again.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "temporarily_unavailable",
            "This takes too long right now",
            "The provider could not answer in time.",
        ),
        _ => return None,
    };
    Some(Words {
        code,
        title,
        message,
    })
}

/// Whether a page is asked for by name. Programs take anything, or JSON.
fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::routing::{get, post};
    use axum::{Router, middleware};
    use tower::ServiceExt as _;

    use super::*;
    use crate::web::headers::StrictTransport;

    /// Has a route that answers as said in its path, one for forms, and one with words of its own.
    fn router(face: Face) -> Router {
        let says = |axum::extract::Path(status): axum::extract::Path<u16>| async move {
            StatusCode::from_u16(status).unwrap()
        };
        Router::new()
            .route("/says/{status}", get(says))
            .route("/form", post(|| async { "done" }))
            .route(
                "/own",
                get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "stopping\n") }),
            )
            .layer(middleware::from_fn_with_state(face, dress))
    }

    fn everybody() -> Face {
        Face::with_pages(PageHeaders::new(StrictTransport::Omitted))
    }

    async fn answer(face: Face, method: Method, path: &str, accept: &str) -> (Response, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        let (parts, body) = router(face).oneshot(request).await.unwrap().into_parts();
        let text = to_bytes(body, 64 * 1024).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        (Response::from_parts(parts, Body::empty()), text)
    }

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    #[tokio::test]
    async fn every_bare_error_is_a_page_for_people_and_json_for_programs() {
        for status in [400_u16, 404, 405, 408, 413, 421, 500, 503] {
            let path = format!("/says/{status}");
            let (page, text) = answer(everybody(), Method::GET, &path, BROWSER).await;
            assert_eq!(page.status(), status);
            assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
            assert!(text.contains(&format!("Error {status}")), "{text}");

            let (json, text) = answer(everybody(), Method::GET, &path, "*/*").await;
            assert_eq!(json.status(), status);
            assert_eq!(json.headers()["content-type"], "application/json");
            let body: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(body["error"].is_string(), "{text}");

            for answer in [page, json] {
                let headers = answer.headers();
                assert!(headers.contains_key("content-security-policy"), "{status}");
                assert_eq!(headers["x-content-type-options"], "nosniff");
                assert_eq!(headers["referrer-policy"], "same-origin");
                assert_eq!(headers["cache-control"], "no-store");
            }
        }
    }

    #[tokio::test]
    async fn what_is_allowed_instead_stays_said() {
        let (answer, _) = answer(everybody(), Method::GET, "/form", BROWSER).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "POST");
    }

    #[tokio::test]
    async fn whoever_has_waited_too_long_is_told_when_to_come_again() {
        let (answer, _) = answer(everybody(), Method::GET, "/says/503", BROWSER).await;
        assert_eq!(answer.headers()["retry-after"], "30");
    }

    #[tokio::test]
    async fn a_path_that_no_route_has_is_dressed_too() {
        let (answer, text) = answer(everybody(), Method::GET, "/nothing", BROWSER).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(text.contains("There is nothing here"), "{text}");
    }

    #[tokio::test]
    async fn whoever_asks_for_the_head_gets_no_body() {
        let (answer, text) = answer(everybody(), Method::HEAD, "/nothing", BROWSER).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(text, "");
    }

    #[tokio::test]
    async fn what_a_handler_said_itself_is_left_alone() {
        let (unavailable, text) = answer(everybody(), Method::GET, "/own", BROWSER).await;
        assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "stopping\n");
        let (unauthorized, text) = answer(everybody(), Method::GET, "/says/401", BROWSER).await;
        assert_eq!(unauthorized.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(text, "");
    }

    #[tokio::test]
    async fn a_host_without_pages_answers_in_json() {
        let face = Face::without_pages(PageHeaders::new(StrictTransport::Omitted));
        let (answer, text) = answer(face, Method::GET, "/nothing", BROWSER).await;
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert!(text.contains("not_found"), "{text}");
    }
}
