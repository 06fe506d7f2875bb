//! `DPoP` (RFC 9449): who asks for tokens, or uses one, signs each request with a key of its own, and the tokens are worth
//! nothing to whoever has no such key. What a proof has to say is left to `proof.rs`; when one is needed to
//! `token/sender.rs` and `userinfo.rs`.

mod proof;

use axum::http::HeaderMap;
use data_encoding::BASE64URL_NOPAD;

use self::proof::{Expected, Proof};
use super::discovery::{Members, Offer};
use super::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest};
use super::parameters::Parameters;
use super::provider::Provider;
use crate::directory::clients::{ClientRecord, Security};
use crate::domain::secret::Secret;
use crate::jose::{Algorithm, JoseError, SKEW};
use crate::storage::StorageError;

/// The header that holds a proof.
const HEADER: &str = "dpop";

/// Why a proof is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProofError {
    /// There is none, where one is needed.
    #[error("it is missing")]
    Missing,
    /// Which of two would count is nobody's to guess (RFC 9449, section 4.3, check 1).
    #[error("there is more than one")]
    Repeated,
    /// It does not say what it has to, or not by its key.
    #[error(transparent)]
    Wrong(#[from] JoseError),
    /// It was shown before (RFC 9449, section 11.1).
    #[error("it was used already")]
    Replayed,
}

impl ProofError {
    /// The word for logs.
    fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::Wrong(error) => error.code(),
            Self::Replayed => "replayed",
        }
    }
}

impl From<ProofError> for EndpointError {
    /// RFC 9449, section 5.
    fn from(error: ProofError) -> Self {
        // Whoever sent it may be anybody, and must not fill the log.
        tracing::debug!(reason = error.code(), "DPoP proof is refused");
        Self::new(
            EndpointErrorCode::InvalidDpopProof,
            format!("the DPoP proof is refused: {error}"),
        )
    }
}

/// Why a token that is bound to a key may not be used.
#[derive(Debug)]
pub(super) enum Unproven {
    /// The proof is wrong, or not there.
    Proof(ProofError),
    /// It is by another key.
    OtherKey,
    /// Storage failed.
    Storage(StorageError),
}

impl From<ProofError> for Unproven {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

impl From<StorageError> for Unproven {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// A request that uses a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use<'a> {
    /// The method of the request.
    pub(super) method: &'a str,
    /// The path of the endpoint.
    pub(super) path: &'a str,
    /// The headers of the request.
    pub(super) headers: &'a HeaderMap,
    /// The token.
    pub(super) token: &'a Secret,
    /// What its client is held to.
    pub(super) security: Security,
}

/// The thumbprint of the key that a posted request of this client proves; none where it sends no proof.
pub(super) async fn key(
    cx: &Provider,
    request: &EndpointRequest,
    client: &ClientRecord,
) -> Result<Option<[u8; 32]>, EndpointError> {
    let Some(text) = presented(&request.headers)? else {
        return Ok(None);
    };
    let expected = Expected {
        method: "POST",
        urls: &urls(cx, &request.path),
        token: None,
        algorithms: algorithms(client.security),
    };
    let proof = proof::check(text, &expected, cx.now()).map_err(ProofError::Wrong)?;
    if !spend(cx, &proof).await? {
        return Err(replayed(client));
    }
    Ok(Some(proof.key))
}

/// Whether a token may be used that is bound to the key of this thumbprint (RFC 9449, section 7.1).
pub(super) async fn check_use(
    cx: &Provider,
    used: &Use<'_>,
    bound: &[u8; 32],
) -> Result<(), Unproven> {
    let text = presented(used.headers)?.ok_or(ProofError::Missing)?;
    let expected = Expected {
        method: used.method,
        urls: &urls(cx, used.path),
        token: Some(used.token),
        algorithms: algorithms(used.security),
    };
    let proof = proof::check(text, &expected, cx.now()).map_err(ProofError::Wrong)?;
    // Section 4.3, check 12, the second half. Strangers write nothing down.
    if proof.key != *bound {
        return Err(Unproven::OtherKey);
    }
    if !spend(cx, &proof).await? {
        return Err(ProofError::Replayed.into());
    }
    Ok(())
}

/// The key that has to redeem the code, where the authorization request names one (RFC 9449, section 10).
pub(super) fn parameter(parameters: &Parameters) -> Result<Option<[u8; 32]>, &'static str> {
    let Some(text) = parameters.get("dpop_jkt") else {
        return Ok(None);
    };
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(Some)
        .ok_or("dpop_jkt is not the base64url of a SHA-256")
}

/// What a client that may not use a token is told to do (RFC 9449, section 7.1): the challenge, with the members that
/// say what is wrong.
pub(super) fn challenge(members: &str) -> String {
    let algorithms = Algorithm::names().collect::<Vec<_>>().join(" ");
    let separator = if members.is_empty() { "" } else { ", " };
    format!("DPoP {members}{separator}algs=\"{algorithms}\"")
}

/// What the discovery document says of it (RFC 9449, section 5.1).
pub(super) fn advertise(_: &Offer<'_>, members: &mut Members) {
    members.insert(
        "dpop_signing_alg_values_supported".to_owned(),
        Algorithm::names().collect(),
    );
}

/// Our own names for an endpoint, by which a proof has to name it. `Host` is whatever the sender likes.
fn urls(cx: &Provider, path: &str) -> Vec<String> {
    // RFC 8705, section 5: an alias is the same endpoint.
    let alias = cx.client_host.as_ref().map(|host| host.endpoint(path));
    std::iter::once(cx.endpoint(path)).chain(alias).collect()
}

/// The text of the proof, where there is one: RFC 9449, section 4.3, check 1.
fn presented(headers: &HeaderMap) -> Result<Option<&str>, ProofError> {
    let mut sent = headers.get_all(HEADER).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(ProofError::Repeated),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(ProofError::Wrong(JoseError::Encoding)),
        },
    }
}

/// FAPI 2.0 Security Profile, section 5.4.1.
fn algorithms(security: Security) -> &'static [Algorithm] {
    match security {
        Security::Plain => &Algorithm::ALL,
        Security::Fapi => &Algorithm::FAPI,
    }
}

/// Whether the proof was not shown before. That it is shown now is committed before anything else is done: a request
/// that fails later must not make it good again.
async fn spend(cx: &Provider, proof: &Proof) -> Result<bool, StorageError> {
    let mut work = cx.storage.begin().await?;
    // Others were writing: another request may take the time of an earlier moment.
    let first = work
        .replays()
        .claim(&proof.once, proof.until + SKEW, cx.now())
        .await?;
    work.commit().await?;
    Ok(first)
}

/// The client, or whoever listens to it, sends everything twice.
fn replayed(client: &ClientRecord) -> EndpointError {
    tracing::warn!(client = %client.id, "DPoP proof was used twice");
    ProofError::Replayed.into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(proofs: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for proof in proofs {
            headers.append(HEADER, HeaderValue::from_static(proof));
        }
        headers
    }

    fn named(text: &str) -> Result<Option<[u8; 32]>, &'static str> {
        let named = vec![("dpop_jkt".to_owned(), text.to_owned())];
        parameter(&Parameters::stored(named))
    }

    #[test]
    fn there_is_one_proof_or_none() {
        assert_eq!(presented(&headers(&[])), Ok(None));
        assert_eq!(presented(&headers(&["a.b.c"])), Ok(Some("a.b.c")));
        for twice in [["a.b.c", "a.b.c"], ["a.b.c", ""], ["", "a.b.c"]] {
            assert_eq!(presented(&headers(&twice)), Err(ProofError::Repeated));
        }
        let mut odd = HeaderMap::new();
        odd.insert(HEADER, HeaderValue::from_bytes(b"a.b.\xff").unwrap());
        let error = ProofError::Wrong(JoseError::Encoding);
        assert_eq!(presented(&odd), Err(error));
    }

    #[test]
    fn an_empty_proof_is_a_wrong_one_and_not_none() {
        assert_eq!(presented(&headers(&[""])), Ok(Some("")));
    }

    #[test]
    fn a_thumbprint_has_43_characters_of_base64url() {
        assert_eq!(named(&"A".repeat(43)), Ok(Some([0; 32])));
        assert_eq!(named(""), Ok(None));
        for wrong in ["A".repeat(42), "A".repeat(44), "=".repeat(43)] {
            assert!(named(&wrong).is_err(), "{wrong}");
        }
        // Bits that belong to no byte.
        assert!(named(&format!("{}B", "A".repeat(42))).is_err());
        assert!(named(&format!("{}=", "A".repeat(43))).is_err());
    }

    #[test]
    fn a_refused_proof_says_why() {
        let error = EndpointError::from(ProofError::Wrong(JoseError::ClaimValue("htu")));
        assert_eq!(error.code, EndpointErrorCode::InvalidDpopProof);
        assert_eq!(
            error.description,
            "the DPoP proof is refused: the claim `htu` says something else than it has to"
        );
    }

    #[test]
    fn a_challenge_names_the_algorithms() {
        let algorithms = "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519\"";
        assert_eq!(challenge(""), format!("DPoP {algorithms}"));
        assert_eq!(
            challenge("error=\"invalid_token\""),
            format!("DPoP error=\"invalid_token\", {algorithms}")
        );
    }

    #[test]
    fn for_fapi_fewer_algorithms_sign_proofs() {
        assert_eq!(super::algorithms(Security::Plain), Algorithm::ALL);
        assert_eq!(super::algorithms(Security::Fapi), Algorithm::FAPI);
    }
}
