//! Request objects (RFC 9101; OpenID Connect Core 1.0, section 6): an authorization request that its client has signed.
//! Only what was signed counts. Where the client's keys come from is left to `client_authentication::keys`, what the
//! parameters say to `client.rs` and `request.rs`.

use std::slice;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request::shown;
use crate::directory::clients::{ClientRecord, RequestObjects, Security, SignedRequests};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::domain::secret::SecretHash;
use crate::jose::{Algorithm, Claims, JoseError, SKEW, Window};
use crate::oidc::client_authentication::keys::{self, SignedByClient, Unverified};
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode};
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::{InvalidParameters, Parameters};
use crate::oidc::provider::Provider;
use crate::storage::{StorageError, UnitOfWork};

/// Older clients say nothing of the type or `JWT`; the last one is that of RFC 9101, section 10.8.
const TYPES: [Option<&str>; 3] = [None, Some("JWT"), Some("oauth-authz-req+jwt")];

/// A request is signed for a sign-in that begins now. It may lie about for a little while, and no longer.
const LONGEST_LIFE: TimeDelta = TimeDelta::minutes(10);

/// Longest `jti`, in characters.
const LONGEST_ID: usize = 128;

/// How long an identifier is remembered after its object counts no more: longer than any sign-in may take.
const SIGN_IN_MEMORY: TimeDelta = TimeDelta::days(1);

/// Claims of the token itself, which are no parameters of the request.
const OF_THE_TOKEN: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "jti", "sub"];

/// A request that its client has signed.
#[derive(Debug)]
pub(in crate::oidc) struct Signed {
    /// The parameters in it.
    pub(in crate::oidc) parameters: Parameters,
    /// What makes it count once, where the client wants that.
    pub(in crate::oidc) once: Option<Once>,
}

/// What makes a request object count once. Who opens its link twice does not use it up; a code does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::oidc) struct Once {
    jti: String,
    /// From this moment on it counts no more.
    until: Timestamp,
}

impl Once {
    /// Whether it was not used before, within a unit of work that has to be committed.
    pub(in crate::oidc) async fn spend(
        &self,
        client: &ClientId,
        work: &mut dyn UnitOfWork,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        // The identifier of a client holds no blank, so that no two pairs make one text.
        let key = SecretHash::of(format!("request-object {client} {}", self.jti).as_bytes());
        let until = self.until + SIGN_IN_MEMORY;
        work.replays().claim(&key, until, now).await
    }
}

/// Why a request object does not count.
#[derive(Debug, thiserror::Error)]
pub(in crate::oidc) enum Refused {
    /// Through no fault of whoever sent it.
    #[error("the keys of the client cannot be fetched")]
    NoKeys,
    /// It is not what it has to be, or the client has not signed it.
    #[error(transparent)]
    Token(#[from] JoseError),
    /// A parameter of a type that no parameter has.
    #[error("its member `{0}` is neither text nor a number")]
    Member(String),
    /// Its parameters cannot be read.
    #[error("{0}")]
    Parameters(#[from] InvalidParameters),
}

/// The request that stands signed in `request`, if there is one of a client that may sign. Whoever else sends one is told
/// with what else is not supported.
pub(in crate::oidc) async fn open(
    cx: &Provider,
    outer: &Parameters,
    now: Timestamp,
) -> Result<Option<Signed>, Refused> {
    let (Some(text), Some(id)) = (outer.get("request"), outer.get("client_id")) else {
        return Ok(None);
    };
    let clients = cx.clients.current();
    let Some(client) = clients.value.by_id(id) else {
        return Ok(None);
    };
    let settings = match &client.request_objects {
        RequestObjects::Refused => return Ok(None),
        RequestObjects::Optional(settings) | RequestObjects::Required(settings) => settings,
    };
    let signed = SignedByClient {
        text,
        types: &TYPES,
        algorithms: algorithms(settings, client.security),
    };
    let verified = match keys::verify(cx, &settings.keys, signed, now).await {
        Ok(verified) => verified,
        Err(Unverified::NoKeys(error)) => {
            // That they cannot be fetched was logged where they are fetched, once.
            tracing::debug!(client = %client.id, %error, "there are no keys of the client");
            return Err(Refused::NoKeys);
        }
        Err(Unverified::Refused(error)) => {
            // Strangers come this far: they must not fill the log.
            tracing::debug!(client = %client.id, reason = error.code(), "request object is refused");
            return Err(error.into());
        }
    };
    let once = check(&verified.claims, client, &cx.issuer_text, now).inspect_err(|error| {
        tracing::info!(client = %client.id, reason = error.code(), "request object is refused");
    })?;
    Ok(Some(Signed {
        parameters: parameters(&verified.claims)?,
        once,
    }))
}

/// The client's one algorithm, or those that its rules leave.
fn algorithms(settings: &SignedRequests, security: Security) -> &[Algorithm] {
    match (&settings.algorithm, security) {
        (Some(one), _) => slice::from_ref(one),
        (None, Security::Plain) => &Algorithm::ALL,
        // FAPI 2.0 Security Profile, section 5.4.1.
        (None, Security::Fapi) => &Algorithm::FAPI,
    }
}

/// Whether the claims of the token say what they have to: RFC 9101, sections 4, 5 and 10.8.
fn check(
    claims: &Claims,
    client: &ClientRecord,
    issuer: &str,
    now: Timestamp,
) -> Result<Option<Once>, JoseError> {
    let id = client.id.as_str();
    // Section 6.3: the client inside is the one outside, by whose keys it was verified.
    for name in ["iss", "client_id"] {
        if claims.required(name)? != id {
            return Err(JoseError::ClaimValue(name));
        }
    }
    if claims.audience()?.sole() != Some(issuer) {
        return Err(JoseError::ClaimValue("aud"));
    }
    // Section 10.8: otherwise it might be a client assertion.
    if claims.string("sub")? == Some(id) {
        return Err(JoseError::ClaimValue("sub"));
    }
    // Section 4: no request within a request.
    for name in ["request", "request_uri"] {
        if claims.get(name).is_some() {
            return Err(JoseError::ClaimValue(name));
        }
    }
    let until = Window::of_at_most(LONGEST_LIFE).check(claims, now)?;
    let oldest = now - LONGEST_LIFE - SKEW;
    if claims.instant("nbf")?.is_some_and(|begins| begins < oldest) {
        return Err(JoseError::LivesTooLong);
    }
    let Some(jti) = claims.string("jti")? else {
        return Ok(None);
    };
    if jti.is_empty() || jti.chars().count() > LONGEST_ID {
        return Err(JoseError::ClaimValue("jti"));
    }
    Ok(Some(Once {
        jti: jti.to_owned(),
        until,
    }))
}

/// The parameters among the claims, as text: RFC 9101, section 4.
fn parameters(claims: &Claims) -> Result<Parameters, Refused> {
    let mut pairs = Vec::new();
    for (name, value) in claims.members() {
        if OF_THE_TOKEN.contains(&name.as_str()) {
            continue;
        }
        let text = match value {
            Value::String(text) => text.clone(),
            // `max_age` is a number there.
            Value::Number(number) => number.to_string(),
            // And `claims` an object: OpenID Connect Core 1.0, section 6.1.
            Value::Object(_) if name == "claims" => value.to_string(),
            _ => return Err(Refused::Member(shown(name))),
        };
        pairs.push((name.clone(), text));
    }
    Ok(Parameters::of(pairs)?)
}

impl From<Refused> for PageError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoKeys => Self::unavailable(),
            other => Self::bad_request_object(&other),
        }
    }
}

impl From<Refused> for EndpointError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoKeys => Self::new(
                EndpointErrorCode::TemporarilyUnavailable,
                Refused::NoKeys.to_string(),
            ),
            // RFC 9101, section 6.3.
            other => Self::new(
                EndpointErrorCode::InvalidRequestObject,
                format!("the request object is refused: {other}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
