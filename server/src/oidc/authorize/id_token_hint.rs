//! `id_token_hint` (OpenID Connect Core 1.0, section 3.1.2.1): an ID token of ours that says whom the
//! client expects. What follows from that is left to `interaction`.

use std::str::FromStr as _;

use chrono::DateTime;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{ClientId, IssuerUrl, Nonce};

use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError};
use crate::domain::ids::UserId;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;

/// The user whom the hint names, where there is one. A hint that we did not issue to this client is
/// refused.
pub(super) fn user(
    cx: &Provider,
    parameters: &Parameters,
    target: &RedirectTarget,
) -> Result<Option<UserId>, RedirectError> {
    let Some(hint) = parameters.get("id_token_hint") else {
        return Ok(None);
    };
    verified(cx, target, hint).map(Some).ok_or_else(|| {
        RedirectError::new(
            ErrorCode::InvalidRequest,
            "id_token_hint is not an ID token that this client was given here",
        )
    })
}

fn verified(cx: &Provider, target: &RedirectTarget, hint: &str) -> Option<UserId> {
    let token = CoreIdToken::from_str(hint).ok()?;
    let issuer = IssuerUrl::new(cx.issuer_text.clone()).ok()?;
    let keys: CoreJsonWebKeySet = serde_json::from_slice(&cx.keys.published()).ok()?;
    let client = ClientId::new(target.client().id.to_string());
    let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, keys)
        .set_allowed_algs([
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::EdDsa,
        ])
        // A hint may have expired long ago: it proves who was meant, and no sign-in.
        .set_time_fn(|| DateTime::UNIX_EPOCH);
    let any_nonce = |_: Option<&Nonce>| -> Result<(), String> { Ok(()) };
    let claims = token.claims(&verifier, any_nonce).ok()?;
    Some(UserId::new(claims.subject().as_str()))
}
