//! `POST /par` (RFC 9126): a client sends its authorization request ahead, and the browser then carries nothing but its
//! name. What becomes of the request when the browser comes is left to `authorize::arrival`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::authorize::{Carried, PUSHED, examine, open_request_object};
use super::browser::Browser;
use super::client_authentication::authenticate;
use super::discovery::{Members, Offer};
use super::dpop;
use super::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest, no_store};
use super::origin::Origin;
use super::parameters::Parameters;
use super::provider::Provider;
use crate::directory::profile::ResponseType;
use crate::domain::clock::Timestamp;
use crate::domain::pushed::{PushedRequest, RequestOrigin};
use crate::domain::secret::Secret;
use crate::jose::Algorithm;
use crate::storage::StorageError;

/// What proves the client, and is no part of its request.
const PROOFS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Why a request is not stored.
#[derive(Debug)]
enum Refused {
    /// Something is wrong with it.
    Wrong(EndpointError),
    /// Too many wait already: RFC 9126, section 2.3.
    TooMany { seconds: i64 },
}

impl From<EndpointError> for Refused {
    fn from(error: EndpointError) -> Self {
        Self::Wrong(error)
    }
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Wrong(error.into())
    }
}

/// `POST /par`.
pub async fn post(State(cx): State<Provider>, request: EndpointRequest) -> Response {
    match push(&cx, &request).await {
        Ok(named) => no_store((StatusCode::CREATED, Json(named)).into_response()),
        Err(Refused::Wrong(error)) => error.into_response(),
        Err(Refused::TooMany { seconds }) => too_many(seconds),
    }
}

async fn push(cx: &Provider, request: &EndpointRequest) -> Result<Value, Refused> {
    let now = cx.now();
    let client = authenticate(cx, request).await?.record;
    if request.form.get("request_uri").is_some() {
        // RFC 9126, section 2.1.
        let error = "request_uri is what this endpoint gives: it cannot be sent to it";
        return Err(EndpointError::invalid_request(error).into());
    }
    let rules = client.profile.rules();
    if !rules.response_types.contains(&ResponseType::Code) {
        let error = "requests of this client are not pushed";
        return Err(EndpointError::new(EndpointErrorCode::UnauthorizedClient, error).into());
    }
    let key = dpop::key(cx, request, &client).await?;
    // RFC 9126, section 2.1: the request is of the client that has proved itself, named or not.
    let sent = request.form.clone().with("client_id", client.id.as_str());
    let signed = open_request_object(cx, &sent, now)
        .await
        .map_err(EndpointError::from)?;
    // Whoever has proved itself is no stranger; and the address of its server is that of all its users.
    let stranger = client.is_public();
    let carried = Carried::pushed(signed.is_some(), stranger);
    let (parameters, once) = match signed {
        // Section 3: what stands beside the request object does not count.
        Some(signed) => (signed.parameters, signed.once),
        None => (sent, None),
    };
    let parameters = with_key(parameters.without(&PROOFS), key)?;
    examine(cx, &parameters, &carried)?;
    if stranger {
        admit(cx, request, now)?;
    }

    let secret = Secret::generate(cx.entropy.as_ref());
    let mut work = cx.storage.begin().await?;
    if let Some(once) = once
        && !once.spend(&client.id, work.as_mut(), now).await?
    {
        let error = "the request object was used already";
        return Err(EndpointError::new(EndpointErrorCode::InvalidRequestObject, error).into());
    }
    let pushed = PushedRequest {
        parameters: parameters.to_stored(),
        client: client.id.clone(),
        origin: RequestOrigin::Pushed,
        carried: carried.to_stored(),
        expires_at: now + cx.lifetimes.pushed,
    };
    work.pushed_requests()
        .insert(&secret.digest(), &pushed)
        .await?;
    work.commit().await?;
    Ok(json!({
        "request_uri": format!("{PUSHED}{}", secret.expose()),
        "expires_in": cx.lifetimes.pushed.num_seconds(),
    }))
}

/// The request with the key that was proved with it, which then has to redeem the code: RFC 9449, section 10.1.
fn with_key(parameters: Parameters, key: Option<[u8; 32]>) -> Result<Parameters, EndpointError> {
    let Some(key) = key else {
        return Ok(parameters);
    };
    let proved = BASE64URL_NOPAD.encode(&key);
    if parameters
        .get("dpop_jkt")
        .is_some_and(|named| named != proved)
    {
        return Err(EndpointError::new(
            EndpointErrorCode::InvalidDpopProof,
            "dpop_jkt is another key than that of the DPoP proof",
        ));
    }
    Ok(parameters.with("dpop_jkt", &proved))
}

/// Lets in what will be stored, unless too much of its origin waits already. It is given back where a code is issued.
fn admit(cx: &Provider, request: &EndpointRequest, now: Timestamp) -> Result<(), Refused> {
    let caller = Browser {
        peer: request.peer.clone(),
        headers: request.headers.clone(),
    };
    let begun = cx.intake.begin(Origin::of(cx, &caller, now), now);
    begun.map_err(|until| Refused::TooMany {
        seconds: (until - now).num_seconds().max(1),
    })
}

fn too_many(seconds: i64) -> Response {
    let error = EndpointError::new(
        EndpointErrorCode::TemporarilyUnavailable,
        "too many requests of this address were pushed and not used",
    );
    let mut response = error.into_response();
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// What the discovery document says of it (RFC 9126, section 5), and of requests that are signed (RFC 9101, section 10.5;
/// OpenID Connect Discovery 1.0, section 3).
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let mut put = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    let endpoint = json!(format!("{}/par", offer.issuer));
    put("pushed_authorization_request_endpoint", endpoint);
    put("require_pushed_authorization_requests", json!(false));
    put("request_parameter_supported", json!(true));
    // Only names that were given here: none leads to another server.
    put("request_uri_parameter_supported", json!(false));
    let algorithms: Value = Algorithm::names().collect();
    put("request_object_signing_alg_values_supported", algorithms);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(key: &str) -> Parameters {
        Parameters::stored(vec![("dpop_jkt".to_owned(), key.to_owned())])
    }

    #[test]
    fn a_proved_key_is_the_one_that_the_request_names() {
        let proved = BASE64URL_NOPAD.encode(&[7; 32]);
        for parameters in [Parameters::stored(Vec::new()), named(&proved)] {
            let bound = with_key(parameters, Some([7; 32])).unwrap();
            assert_eq!(bound.get("dpop_jkt"), Some(proved.as_str()));
        }
        let other = with_key(named(&proved), Some([8; 32])).unwrap_err();
        assert_eq!(other.code, EndpointErrorCode::InvalidDpopProof);
    }

    #[test]
    fn without_a_proof_the_named_key_is_left_to_the_token_endpoint() {
        let parameters = with_key(named("abc"), None).unwrap();
        assert_eq!(parameters.get("dpop_jkt"), Some("abc"));
    }

    #[test]
    fn who_has_to_wait_is_told_for_how_long() {
        let response = too_many(90);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "90");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
