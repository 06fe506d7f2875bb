//! `POST /token` (RFC 6749, section 3.2): an authorization code becomes tokens, once.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::parameters::Parameters;
use super::provider::Provider;
use super::userinfo::profile;
use crate::directory::clients::{ClientAuthentication, ClientRecord};
use crate::domain::code::{AccessToken, Redemption, StoredCode};
use crate::domain::secret::Secret;
use crate::storage::StorageError;
use crate::tokens::{IdTokenContent, TokenError};

/// An error of the token endpoint (RFC 6749, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
struct EndpointError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

/// `POST /token`.
pub async fn post(State(cx): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = match redeem(&cx, &headers, &body).await {
        Ok(tokens) => Json(tokens).into_response(),
        Err(error) => error.into_response(),
    };
    // RFC 6749, section 5.1.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn redeem(
    cx: &Provider,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<serde_json::Value, EndpointError> {
    if !is_form(headers) {
        return Err(invalid_request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let form = Parameters::parse(body).map_err(|error| invalid_request(error.to_string()))?;
    let clients = cx.clients.current();
    let client = authenticate(headers, &form, |id| clients.value.by_id(id).cloned())?;
    match form.get("grant_type") {
        Some("authorization_code") => {}
        Some(_) => {
            let message = "grant_type must be authorization_code";
            return Err(EndpointError::new(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                message,
            ));
        }
        None => return Err(invalid_request("grant_type is missing")),
    }
    let code = form
        .get("code")
        .ok_or_else(|| invalid_request("code is missing"))?;
    let now = cx.now();
    let hash = Secret::from_untrusted(code).digest();
    let mut work = cx.storage.begin().await?;
    // The code is spent by being presented, right or wrong: whoever guesses at its conditions has one try.
    let stored = match work.codes().redeem(&hash, now).await? {
        Redemption::Redeemed(stored) => *stored,
        Redemption::Replayed(grant) => {
            // RFC 9700, section 4.5: what was issued for a code that is used twice is revoked.
            let revoked = work.access_tokens().revoke_grant(&grant).await?;
            work.commit().await?;
            tracing::warn!(client = %client.id, revoked, "authorization code was used twice");
            return Err(invalid_grant("the code was used already"));
        }
        Redemption::Unknown => return Err(invalid_grant("the code is unknown or too old")),
    };
    if let Err(error) = check(&stored, &client, &form) {
        work.commit().await?;
        return Err(error);
    }
    let users = cx.users.current();
    let Some(user) = users
        .value
        .by_id(&stored.grant.user)
        .filter(|user| !user.disabled)
    else {
        work.commit().await?;
        return Err(invalid_grant("the user is not known any more"));
    };
    let secret = Secret::generate(cx.entropy.as_ref());
    let token = AccessToken {
        hash: secret.digest(),
        grant: stored.grant.id.clone(),
        client: client.id.clone(),
        user: user.id.clone(),
        scope: stored.grant.scope.clone(),
        issued_at: now,
        expires_at: now + cx.lifetimes.access_token,
    };
    work.access_tokens().insert(&token).await?;
    let profile = profile(user);
    let id_token = IdTokenContent {
        issuer: &cx.issuer_text,
        grant: &stored.grant,
        profile: &profile,
        access_token: &secret,
        lifetime: cx.lifetimes.id_token,
        now,
    }
    .sign(&cx.keys)?;
    work.commit().await?;
    Ok(json!({
        "access_token": secret.expose(),
        "token_type": "Bearer",
        "expires_in": cx.lifetimes.access_token.num_seconds(),
        "scope": stored.grant.scope,
        "id_token": id_token,
    }))
}

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

/// The client, which proves itself in exactly one way (RFC 6749, section 2.3).
fn authenticate(
    headers: &HeaderMap,
    form: &Parameters,
    find: impl Fn(&str) -> Option<std::sync::Arc<ClientRecord>>,
) -> Result<std::sync::Arc<ClientRecord>, EndpointError> {
    let basic = headers
        .get(header::AUTHORIZATION)
        .map(credentials)
        .transpose()?;
    let posted = form.get("client_secret").map(Secret::from_untrusted);
    let (id, secret) = match (basic, posted) {
        (Some(_), Some(_)) => return Err(invalid_request("the client proves itself in two ways")),
        (Some((id, secret)), None) => {
            if form.get("client_id").is_some_and(|posted| posted != id) {
                return Err(invalid_request(
                    "client_id differs from the authenticated client",
                ));
            }
            (id, Some(secret))
        }
        (None, posted) => {
            let id = form
                .get("client_id")
                .ok_or_else(|| invalid_client("the client is not named"))?;
            (id.to_owned(), posted)
        }
    };
    let client =
        find(&id).ok_or_else(|| invalid_client("the client is unknown or its secret is wrong"))?;
    let proved = match (&client.authentication, &secret) {
        (ClientAuthentication::Secret(stored), Some(presented)) => stored.matches(presented),
        (ClientAuthentication::None, None) => true,
        _ => false,
    };
    if proved {
        Ok(client)
    } else {
        Err(invalid_client(
            "the client is unknown or its secret is wrong",
        ))
    }
}

/// `client_secret_basic`: both parts are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn credentials(value: &HeaderValue) -> Result<(String, Secret), EndpointError> {
    let broken = || invalid_client("the Authorization header cannot be read");
    let text = value.to_str().map_err(|_| broken())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(broken)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(invalid_client("the client must use Basic authentication"));
    }
    let decoded = BASE64
        .decode(encoded.trim().as_bytes())
        .map_err(|_| broken())?;
    let decoded = String::from_utf8(decoded).map_err(|_| broken())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(broken)?;
    let decode = |part: &str| {
        form_urlencoded::parse(part.as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())
            .unwrap_or_default()
    };
    Ok((decode(id), Secret::from_untrusted(decode(secret))))
}

/// Whether the code was issued to this client, for this redirect URI, to whoever has the verifier.
fn check(
    stored: &StoredCode,
    client: &ClientRecord,
    form: &Parameters,
) -> Result<(), EndpointError> {
    if stored.grant.client != client.id {
        return Err(invalid_grant("the code was issued to another client"));
    }
    if form.get("redirect_uri") != Some(stored.redirect_uri.as_str()) {
        return Err(invalid_grant(
            "redirect_uri differs from the one in the authorization request",
        ));
    }
    match (&stored.code_challenge, form.get("code_verifier")) {
        (None, None) => Ok(()),
        // RFC 9700, section 2.1.1: a verifier without a challenge is a downgrade.
        (None, Some(_)) => Err(invalid_grant(
            "the authorization request had no code_challenge",
        )),
        (Some(_), None) => Err(invalid_grant("code_verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
            let computed = BASE64URL_NOPAD.encode(digest.as_ref());
            if bool::from(computed.as_bytes().ct_eq(challenge.as_bytes())) {
                Ok(())
            } else {
                Err(invalid_grant(
                    "code_verifier does not fit the code_challenge",
                ))
            }
        }
    }
}

fn invalid_request(description: impl Into<String>) -> EndpointError {
    EndpointError::new(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn invalid_grant(description: impl Into<String>) -> EndpointError {
    EndpointError::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

fn invalid_client(description: impl Into<String>) -> EndpointError {
    EndpointError::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
}

impl EndpointError {
    fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            error,
            description: description.into(),
        }
    }

    fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "the provider cannot reach something that it needs",
        )
    }

    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"token\""),
            );
        }
        response
    }
}

impl From<StorageError> for EndpointError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage failed at the token endpoint");
        Self::unavailable()
    }
}

impl From<TokenError> for EndpointError {
    fn from(error: TokenError) -> Self {
        tracing::error!(%error, "ID token cannot be made");
        Self::unavailable()
    }
}
