//! What the endpoints that clients call themselves have in common: how a request arrives, and how an error leaves
//! (RFC 6749, section 5.2). Who the client is, is told by `client_authentication`; pages and redirects are left to
//! `page_error` and `authorize`.

use std::fmt;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::browser::Browser;
use super::parameters::Parameters;
use crate::domain::peer::Peer;
use crate::storage::StorageError;
use crate::tokens::TokenError;

/// A form that a client has posted, with the connection and the headers it came by. Nothing in it is believed yet.
pub struct EndpointRequest {
    /// The path of the endpoint, as its route has it.
    pub(super) path: String,
    /// The connection.
    pub(super) peer: Peer,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The parameters, each at most once.
    pub(super) form: Parameters,
}

/// An error of an endpoint that clients call themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointError {
    /// What kind of error it is.
    pub code: EndpointErrorCode,
    /// What is wrong, for whoever runs the client.
    pub description: String,
}

/// The kinds of errors, by the names of the specifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointErrorCode {
    /// RFC 6749, section 5.2, and so the following.
    InvalidRequest,
    /// The client is unknown, or has not proved itself.
    InvalidClient,
    /// The code or refresh token is unknown, too old, or somebody else's.
    InvalidGrant,
    /// The client may not do this.
    UnauthorizedClient,
    /// The grant type is not known here.
    UnsupportedGrantType,
    /// The scope is unknown, or more than was granted.
    InvalidScope,
    /// The resource is not known (RFC 8707, section 2).
    InvalidTarget,
    /// The proof of possession is wrong (RFC 9449, section 5).
    InvalidDpopProof,
    /// The request object is wrong (RFC 9101, section 6.3).
    InvalidRequestObject,
    /// Something that the provider needs is not there right now.
    TemporarilyUnavailable,
    /// An error of the authorization endpoint, told where a request is pushed (RFC 9126, section 2.3).
    Authorization(&'static str),
}

impl EndpointRequest {
    /// The request in this form.
    pub(super) fn read(peer: Peer, headers: HeaderMap, body: &[u8]) -> Result<Self, EndpointError> {
        if !is_form(&headers) {
            return Err(EndpointError::invalid_request(
                "the body must be application/x-www-form-urlencoded",
            ));
        }
        let form = Parameters::parse(body)
            .map_err(|error| EndpointError::invalid_request(error.to_string()))?;
        Ok(Self {
            path: String::new(),
            peer,
            headers,
            form,
        })
    }
}

impl fmt::Debug for EndpointRequest {
    /// Without the headers: credentials stand in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointRequest")
            .field("path", &self.path)
            .field("peer", &self.peer.address)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequest<S> for EndpointRequest {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let Ok(caller) = Browser::from_request_parts(&mut parts, state).await;
        let body = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(IntoResponse::into_response)?;
        let read = Self::read(caller.peer, caller.headers, &body);
        read.map(|request| Self { path, ..request })
            .map_err(IntoResponse::into_response)
    }
}

impl EndpointError {
    /// An error of this kind.
    #[must_use]
    pub fn new(code: EndpointErrorCode, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
        }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(EndpointErrorCode::InvalidRequest, description)
    }

    pub(super) fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(EndpointErrorCode::InvalidClient, description)
    }

    pub(super) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(EndpointErrorCode::InvalidGrant, description)
    }

    fn unavailable() -> Self {
        Self::new(
            EndpointErrorCode::TemporarilyUnavailable,
            "the provider cannot reach something that it needs",
        )
    }
}

impl EndpointErrorCode {
    /// The name that the specifications give it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::Authorization(name) => name,
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for EndpointError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.code.as_str(), "error_description": self.description});
        let mut response = (self.code.status(), Json(body)).into_response();
        if self.code == EndpointErrorCode::InvalidClient {
            // The one scheme there is (RFC 6749, section 5.2).
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"token\""),
            );
        }
        no_store(response)
    }
}

impl From<StorageError> for EndpointError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage failed at an endpoint for clients");
        Self::unavailable()
    }
}

impl From<TokenError> for EndpointError {
    fn from(error: TokenError) -> Self {
        tracing::error!(%error, "a token cannot be made");
        Self::unavailable()
    }
}

/// The response, never to be stored by anyone on the way (RFC 6749, section 5.1).
pub(super) fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // It says the same to caches of HTTP/1.0, and the section wants both.
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Whether the body is said to be a form.
fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    fn read(kind: Option<&str>, body: &[u8]) -> Result<EndpointRequest, EndpointError> {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        let peer = Peer::plain(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
        EndpointRequest::read(peer, headers, body)
    }

    #[test]
    fn a_request_is_a_form() {
        for kind in [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-8",
            "Application/X-WWW-Form-Urlencoded",
        ] {
            let request = read(Some(kind), b"code=c").unwrap();
            assert_eq!(request.form.get("code"), Some("c"), "{kind}");
        }
        for kind in [None, Some("application/json"), Some("text/plain")] {
            let error = read(kind, b"code=c").unwrap_err();
            assert_eq!(error.code, EndpointErrorCode::InvalidRequest, "{kind:?}");
        }
    }

    #[test]
    fn a_repeated_parameter_is_an_invalid_request() {
        let error = read(Some("application/x-www-form-urlencoded"), b"code=a&code=b").unwrap_err();
        assert_eq!(error.code, EndpointErrorCode::InvalidRequest);
        assert_eq!(error.description, "the parameter `code` is repeated");
    }

    #[test]
    fn a_request_prints_none_of_its_secrets() {
        let mut request = read(
            Some("application/x-www-form-urlencoded"),
            b"client_secret=hunter2",
        )
        .unwrap();
        let basic = HeaderValue::from_static("Basic aHVudGVyMg==");
        request.headers.insert(header::AUTHORIZATION, basic);
        let printed = format!("{request:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains("aHVudGVyMg"), "{printed}");
    }

    #[test]
    fn only_a_client_that_has_not_proved_itself_is_challenged() {
        for (code, status) in [
            (EndpointErrorCode::InvalidClient, StatusCode::UNAUTHORIZED),
            (EndpointErrorCode::InvalidGrant, StatusCode::BAD_REQUEST),
            (
                EndpointErrorCode::TemporarilyUnavailable,
                StatusCode::SERVICE_UNAVAILABLE,
            ),
        ] {
            let response = EndpointError::new(code, "no").into_response();
            assert_eq!(response.status(), status);
            let challenged = response.headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(challenged, status == StatusCode::UNAUTHORIZED);
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["pragma"], "no-cache");
        }
    }
}
