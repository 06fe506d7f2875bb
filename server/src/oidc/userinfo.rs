//! `GET` and `POST /userinfo` (OpenID Connect Core 1.0, section 5.3): claims for whoever presents an access token: its
//! bearer (RFC 6750) or, where it is bound, whoever has what it is bound to.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::browser::Browser;
use super::claims::{self, Destination};
use super::client_authentication::tls;
use super::dpop::{self, ProofError, Unproven};
use super::endpoint::{EndpointError, no_store};
use super::provider::Provider;
use crate::domain::grant::{Confirmation, Grant};
use crate::domain::peer::Peer;
use crate::domain::secret::Secret;
use crate::storage::StorageError;

/// The path of the endpoint.
const PATH: &str = "/userinfo";

/// How an access token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// RFC 6750, section 2.1.
    Bearer,
    /// With a proof that the sender has the key (RFC 9449, section 7.1).
    Dpop,
}

/// Why nothing is told.
enum Refusal {
    /// Nobody said who asks.
    NoToken,
    /// The token opens nothing here, for whatever reason.
    InvalidToken(Scheme),
    /// The sender does not prove to have the key of the token.
    InvalidProof(ProofError),
    /// The token is good for other things (RFC 6750, section 3.1).
    InsufficientScope(Scheme),
    /// Storage failed.
    Storage(StorageError),
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<Unproven> for Refusal {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Proof(error) => Self::InvalidProof(error),
            Unproven::OtherKey => Self::InvalidToken(Scheme::Dpop),
            Unproven::Storage(error) => Self::Storage(error),
        }
    }
}

/// `GET` and `POST /userinfo`.
pub async fn get(State(cx): State<Provider>, method: Method, caller: Browser) -> Response {
    if caller.headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return repeated();
    }
    match claims(&cx, &method, &caller).await {
        Ok(response) => no_store(response),
        Err(refusal) => refusal.into_response(),
    }
}

async fn claims(cx: &Provider, method: &Method, caller: &Browser) -> Result<Response, Refusal> {
    let Browser { headers, peer } = caller;
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(Refusal::NoToken);
    }
    let (scheme, secret) = presented(headers).ok_or(Refusal::InvalidToken(Scheme::Bearer))?;
    let invalid = || Refusal::InvalidToken(scheme);
    let mut work = cx.storage.read().await?;
    let token = work
        .access_tokens()
        .find(&secret.digest(), cx.now())
        .await?
        .filter(|token| is_for_us(&token.grant, &cx.issuer_text))
        .ok_or_else(invalid)?;
    drop(work);
    // Where the client or the user is there no more, the token is worth nothing.
    let clients = cx.clients.current();
    let client = clients.value.by_id(token.client().as_str());
    let request = dpop::Use {
        method: method.as_str(),
        path: PATH,
        headers,
        token: &secret,
        security: client.ok_or_else(invalid)?.security,
    };
    prove(cx, scheme, &request, peer, token.grant.confirmation).await?;
    let users = cx.users.current();
    let user = users
        .value
        .by_id(token.user())
        .filter(|user| !user.disabled)
        .ok_or_else(invalid)?;
    // OpenID Connect Core 1.0, section 5.3: the token is one of an OpenID Connect authentication.
    if !token.scope().split(' ').any(|scope| scope == "openid") {
        return Err(Refusal::InsufficientScope(scheme));
    }
    let claims = claims::of(&clients.value, &token.grant, user, Destination::Userinfo);
    Ok(Json(claims).into_response())
}

/// Whether the token was made for us, and not for an API that could now ask us as if it were the client
/// (RFC 9068, section 5).
fn is_for_us(grant: &Grant, issuer: &str) -> bool {
    grant.audience.is_empty() || grant.audience.iter().any(|audience| audience == issuer)
}

/// Whether whoever has the token proves what it is bound to: one that is bound is worth nothing by itself (RFC 9449,
/// section 7.2; RFC 8705, section 3), and a proof makes none of one that is not (RFC 9449, section 7.1).
async fn prove(
    cx: &Provider,
    scheme: Scheme,
    request: &dpop::Use<'_>,
    peer: &Peer,
    bound: Option<Confirmation>,
) -> Result<(), Refusal> {
    match (scheme, bound) {
        (Scheme::Bearer, None) => Ok(()),
        (Scheme::Bearer, Some(Confirmation::Certificate(_)))
            if tls::confirmation(peer) == bound =>
        {
            Ok(())
        }
        (Scheme::Dpop, Some(Confirmation::Key(key))) => {
            let checked = dpop::check_use(cx, request, &key).await;
            checked.map_err(Refusal::from)
        }
        (Scheme::Bearer | Scheme::Dpop, _) => Err(Refusal::InvalidToken(scheme)),
    }
}

/// The access token, and how it comes.
fn presented(headers: &HeaderMap) -> Option<(Scheme, Secret)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (name, token) = text.split_once(' ')?;
    let scheme = if name.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if name.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return None;
    };
    Some((scheme, Secret::from_untrusted(token.trim())))
}

impl Scheme {
    /// The challenge of this scheme. Whoever tries as a bearer is told of the other one as well.
    fn challenge(self, members: &str) -> String {
        match self {
            Self::Bearer => format!("Bearer {members}, {}", dpop::challenge("")),
            Self::Dpop => dpop::challenge(members),
        }
    }
}

impl Refusal {
    /// RFC 6750, section 3: without credentials no error code is given.
    fn into_response(self) -> Response {
        let (status, challenge) = match self {
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                format!("Bearer, {}", dpop::challenge("")),
            ),
            Self::InvalidToken(scheme) => (
                StatusCode::UNAUTHORIZED,
                scheme.challenge(
                    "error=\"invalid_token\", error_description=\"the access token is unknown, too old, revoked, \
                     bound to what was not proved, or for somebody else\"",
                ),
            ),
            Self::InvalidProof(error) => (
                StatusCode::UNAUTHORIZED,
                dpop::challenge(&format!(
                    "error=\"invalid_dpop_proof\", error_description=\"the DPoP proof is refused: {error}\""
                )),
            ),
            Self::InsufficientScope(scheme) => (
                StatusCode::FORBIDDEN,
                scheme.challenge("error=\"insufficient_scope\", scope=\"openid\""),
            ),
            Self::Storage(error) => return EndpointError::from(error).into_response(),
        };
        no_store(challenged(status.into_response(), &challenge))
    }
}

/// An access token comes in one way only (RFC 6750, section 2), and which of two would count is nobody's to guess.
fn repeated() -> Response {
    let error = EndpointError::invalid_request("the Authorization header is repeated");
    challenged(error.into_response(), "Bearer error=\"invalid_request\"")
}

fn challenged(mut response: Response, challenge: &str) -> Response {
    // INVARIANT: whatever a challenge is made of is visible ASCII.
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::JoseError;

    const ISSUER: &str = "https://id.example.com";
    const ORDERS: &str = "https://orders.example.com";

    fn grant(audience: &[&str]) -> Grant {
        let grant = json!({
            "id": "g1", "client": "shop", "user": "u-ana", "subject": "u-ana", "scope": "openid",
            "reference": "7F3K-29QD", "application": "shop", "audience": audience,
        });
        serde_json::from_value(grant).unwrap()
    }

    #[test]
    fn a_token_for_an_api_opens_nothing_here() {
        assert!(is_for_us(&grant(&[]), ISSUER));
        assert!(is_for_us(&grant(&[ISSUER]), ISSUER));
        assert!(is_for_us(&grant(&[ORDERS, ISSUER]), ISSUER));
        assert!(!is_for_us(&grant(&[ORDERS]), ISSUER));
        assert!(!is_for_us(&grant(&["https://id.example.com/"]), ISSUER));
    }

    #[test]
    fn every_refusal_says_what_to_do_next() {
        let wrong = ProofError::Wrong(JoseError::ClaimValue("htu"));
        for (refusal, status, challenge) in [
            (Refusal::NoToken, 401, "Bearer, DPoP algs=\""),
            (
                Refusal::InvalidToken(Scheme::Bearer),
                401,
                "Bearer error=\"invalid_token\",",
            ),
            (
                Refusal::InvalidToken(Scheme::Dpop),
                401,
                "DPoP error=\"invalid_token\",",
            ),
            (
                Refusal::InvalidProof(wrong),
                401,
                "DPoP error=\"invalid_dpop_proof\", error_description=\"the DPoP proof is refused: \
                 the claim `htu` says something else than it has to\", algs=\"",
            ),
            (
                Refusal::InsufficientScope(Scheme::Bearer),
                403,
                "Bearer error=\"insufficient_scope\",",
            ),
            (
                Refusal::InsufficientScope(Scheme::Dpop),
                403,
                "DPoP error=\"insufficient_scope\",",
            ),
        ] {
            let response = refusal.into_response();
            assert_eq!(response.status().as_u16(), status);
            let shown = response.headers()["www-authenticate"].to_str().unwrap();
            assert!(shown.starts_with(challenge), "{shown}");
            assert!(shown.contains("algs=\"RS256 "), "{shown}");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }

    #[test]
    fn a_token_is_presented_by_one_of_two_schemes() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(text));
            presented(&headers)
        };
        for (text, scheme) in [
            ("Bearer abc", Scheme::Bearer),
            ("bearer  abc", Scheme::Bearer),
            ("DPoP abc", Scheme::Dpop),
            ("dpop abc", Scheme::Dpop),
        ] {
            let token = Secret::from_untrusted("abc");
            assert_eq!(read(text), Some((scheme, token)), "{text}");
        }
        for text in ["Basic abc", "abc", "DPoPabc", "Bearer"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
