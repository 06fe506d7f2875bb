//! `GET` and `POST /userinfo` (OpenID Connect Core 1.0, section 5.3): claims for a bearer of an access
//! token (RFC 6750).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::endpoint::{EndpointError, no_store};
use super::provider::Provider;
use crate::directory::users::UserRecord;
use crate::domain::secret::Secret;
use crate::storage::StorageError;
use crate::tokens::{Profile, user_claims};

/// `GET` and `POST /userinfo`.
pub async fn get(State(cx): State<Provider>, headers: HeaderMap) -> Response {
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return repeated();
    }
    match claims(&cx, &headers).await {
        Ok(Some(response)) => no_store(response),
        Ok(None) => no_store(challenge(&headers)),
        Err(error) => EndpointError::from(error).into_response(),
    }
}

async fn claims(cx: &Provider, headers: &HeaderMap) -> Result<Option<Response>, StorageError> {
    let Some(secret) = bearer(headers) else {
        return Ok(None);
    };
    let mut work = cx.storage.read().await?;
    let Some(token) = work
        .access_tokens()
        .find(&secret.digest(), cx.now())
        .await?
    else {
        return Ok(None);
    };
    let users = cx.users.current();
    let Some(user) = users
        .value
        .by_id(token.user())
        .filter(|user| !user.disabled)
    else {
        return Ok(None);
    };
    Ok(Some(
        Json(user_claims(&profile(user), token.scope())).into_response(),
    ))
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::from_untrusted(token.trim()))
}

/// RFC 6750, section 3: without credentials no error code is given.
fn challenge(headers: &HeaderMap) -> Response {
    let value = if headers.contains_key(header::AUTHORIZATION) {
        "Bearer error=\"invalid_token\", error_description=\"the access token is unknown, too old, or revoked\""
    } else {
        "Bearer"
    };
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
    response
}

/// An access token comes in one way only (RFC 6750, section 2), and which of two would count is nobody's to guess.
fn repeated() -> Response {
    let error = EndpointError::invalid_request("the Authorization header is repeated");
    let mut response = error.into_response();
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer error=\"invalid_request\""),
    );
    response
}

/// What claims say about a user of the directory.
pub(super) fn profile(user: &UserRecord) -> Profile {
    Profile {
        subject: user.id.to_string(),
        username: user.username.clone(),
        name: user.name.clone(),
        email: user.email.clone(),
        email_verified: user.email_verified,
    }
}
