//! `private_key_jwt` (RFC 7523, sections 2.2 and 3; OpenID Connect Core, section 9): a client proves itself by a short
//! text that it has signed for this one request. Where its keys come from is left to `keys.rs`.

use std::sync::Arc;

use chrono::TimeDelta;

use super::AuthenticatedClient;
use super::keys::{self, SignedByClient, Unverified};
use crate::directory::clients::{ClientAuthentication, ClientKeys, ClientRecord, Security};
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;
use crate::jose::{Algorithm, Audience, Claims, JoseError, SKEW, Window, danger_unverified_claims};
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest};
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::storage::StorageError;

/// RFC 7523, section 2.2.
const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Assertions of others say nothing of their type or `JWT`; the last one is that of the draft that amends RFC 7523.
const TYPES: [Option<&str>; 3] = [None, Some("JWT"), Some("client-authentication+jwt")];

/// An assertion is made for one request. What could be used for longer could be stolen for longer; but libraries
/// that make them for an hour are common.
const LONGEST_LIFE: TimeDelta = TimeDelta::hours(1);

/// The same for clients that keep to FAPI.
const LONGEST_LIFE_OF_FAPI: TimeDelta = TimeDelta::minutes(5);

/// Longest `jti`, in characters.
const LONGEST_ID: usize = 128;

/// Whether the form holds an assertion, or half of one.
pub(super) fn is_presented(form: &Parameters) -> bool {
    ["client_assertion", "client_assertion_type"]
        .into_iter()
        .any(|name| form.get(name).is_some())
}

/// The client that the assertion proves.
pub(super) async fn authenticate(
    cx: &Provider,
    request: &EndpointRequest,
) -> Result<AuthenticatedClient, EndpointError> {
    let now = cx.now();
    let assertion = presented(&request.form)?;
    let id = claimed_id(&request.form, assertion)?;
    let clients = cx.clients.current();
    let record = clients.value.by_id(&id).ok_or_else(unproved)?;
    let ClientAuthentication::PrivateKeyJwt(keys) = &record.authentication else {
        return Err(unproved());
    };
    let claims = signed(cx, record, keys, assertion, now).await?;
    let here = Recipient::of(cx, request);
    let once = check(&claims, record, &here, now).map_err(|error| wrong(record, error))?;
    if !spend(cx, record, &once, now).await? {
        tracing::warn!(client = %record.id, "client assertion was used twice");
        return Err(EndpointError::invalid_client(
            "the client assertion was used already",
        ));
    }
    Ok(AuthenticatedClient {
        record: Arc::clone(record),
    })
}

/// The assertion in the form: RFC 7521, section 4.2.
fn presented(form: &Parameters) -> Result<&str, EndpointError> {
    let (kind, assertion) = (
        form.get("client_assertion_type"),
        form.get("client_assertion"),
    );
    match (kind, assertion) {
        (Some(KIND), Some(assertion)) => Ok(assertion),
        (Some(_), Some(_)) => Err(EndpointError::invalid_client(format!(
            "client_assertion_type must be {KIND}"
        ))),
        (None, _) => Err(EndpointError::invalid_request(
            "client_assertion_type is missing",
        )),
        (_, None) => Err(EndpointError::invalid_request(
            "client_assertion is missing",
        )),
    }
}

/// Who the client says it is. `client_id` need not be sent, because the assertion names the client as well (RFC 7521,
/// section 4.2). Neither is believed before the signature is known to be by a key of that client.
fn claimed_id(form: &Parameters, assertion: &str) -> Result<String, EndpointError> {
    if let Some(named) = form.get("client_id") {
        return Ok(named.to_owned());
    }
    danger_unverified_claims(assertion)
        .and_then(|claims| claims.required("sub").map(str::to_owned))
        .map_err(|_| unproved())
}

/// What a key of the client has signed.
async fn signed(
    cx: &Provider,
    client: &ClientRecord,
    keys: &ClientKeys,
    assertion: &str,
    now: Timestamp,
) -> Result<Claims, EndpointError> {
    let signed = SignedByClient {
        text: assertion,
        types: &TYPES,
        algorithms: algorithms(client.security),
    };
    match keys::verify(cx, keys, signed, now).await {
        Ok(verified) => Ok(verified.claims),
        Err(Unverified::NoKeys(error)) => {
            // That they cannot be fetched was logged where they are fetched, once.
            tracing::debug!(client = %client.id, %error, "there are no keys of the client");
            Err(EndpointError::new(
                EndpointErrorCode::TemporarilyUnavailable,
                "the keys of the client cannot be fetched",
            ))
        }
        Err(Unverified::Refused(error)) => {
            // Strangers come this far: they are told nothing, and must not fill the log.
            tracing::debug!(client = %client.id, reason = error.code(), "client assertion is refused");
            Err(unproved())
        }
    }
}

/// FAPI 2.0 Security Profile, section 5.4.1.
fn algorithms(security: Security) -> &'static [Algorithm] {
    match security {
        Security::Plain => &Algorithm::ALL,
        Security::Fapi => &Algorithm::FAPI,
    }
}

/// The names that stand for the provider in an assertion.
#[derive(Debug, Clone)]
struct Recipient {
    issuer: String,
    /// The token endpoint, and the endpoint that was called, on each of the hosts where they are.
    endpoints: Vec<String>,
}

impl Recipient {
    fn of(cx: &Provider, request: &EndpointRequest) -> Self {
        Self {
            issuer: cx.issuer_text.clone(),
            endpoints: ["/token", request.path.as_str()]
                .into_iter()
                // RFC 8705, section 5: an alias is the same endpoint.
                .flat_map(|path| {
                    let alias = cx.client_host.as_ref().map(|host| host.endpoint(path));
                    std::iter::once(cx.endpoint(path)).chain(alias)
                })
                .collect(),
        }
    }

    /// Whether this provider is meant, and nobody besides: whoever else is meant could use the assertion here.
    fn is_sole(&self, audience: &Audience, security: Security) -> bool {
        match (security, audience) {
            // FAPI 2.0 Security Profile, section 5.3.2.1: the issuer, as a text.
            (Security::Fapi, Audience::One(one)) => *one == self.issuer,
            (Security::Fapi, Audience::Many(_)) => false,
            // RFC 7523, section 3: the token endpoint may stand for the provider; RFC 9126, section 2: so may the
            // endpoint for pushed requests where it is called.
            (Security::Plain, audience) => audience.sole().is_some_and(|sole| {
                sole == self.issuer || self.endpoints.iter().any(|endpoint| endpoint == sole)
            }),
        }
    }
}

/// What makes an assertion count once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Once<'a> {
    jti: &'a str,
    /// From this moment on it counts no more.
    until: Timestamp,
}

/// Whether the claims say what they have to: RFC 7523, section 3, and OpenID Connect Core, section 9.
fn check<'a>(
    claims: &'a Claims,
    client: &ClientRecord,
    here: &Recipient,
    now: Timestamp,
) -> Result<Once<'a>, JoseError> {
    for name in ["iss", "sub"] {
        if claims.required(name)? != client.id.as_str() {
            return Err(JoseError::ClaimValue(name));
        }
    }
    if !here.is_sole(&claims.audience()?, client.security) {
        return Err(JoseError::ClaimValue("aud"));
    }
    let longest = match client.security {
        Security::Plain => LONGEST_LIFE,
        Security::Fapi => LONGEST_LIFE_OF_FAPI,
    };
    let until = Window::of_at_most(longest).check(claims, now)?;
    let jti = claims.required("jti")?;
    if jti.is_empty() || jti.chars().count() > LONGEST_ID {
        return Err(JoseError::ClaimValue("jti"));
    }
    Ok(Once { jti, until })
}

/// Whether the assertion was not used before. That it is used now is committed before anything else is done: a request
/// that fails later must not make it good again.
async fn spend(
    cx: &Provider,
    client: &ClientRecord,
    once: &Once<'_>,
    now: Timestamp,
) -> Result<bool, StorageError> {
    // The identifier of a client holds no blank, so that no two pairs make one text.
    let key = SecretHash::of(format!("client-assertion {} {}", client.id, once.jti).as_bytes());
    let mut work = cx.storage.begin().await?;
    // `now` may lie back a while: the keys were fetched, others were writing.
    let first = work.replays().claim(&key, once.until + SKEW, now).await?;
    work.commit().await?;
    Ok(first)
}

/// Whether a client exists is not told to who cannot prove to be it.
fn unproved() -> EndpointError {
    EndpointError::invalid_client("the client is unknown or its assertion is wrong")
}

/// The client itself has signed what is wrong: whoever runs it is told.
fn wrong(client: &ClientRecord, error: JoseError) -> EndpointError {
    tracing::info!(client = %client.id, reason = error.code(), "client assertion is refused");
    EndpointError::invalid_client(format!("the client assertion is refused: {error}"))
}

#[cfg(test)]
mod tests;
