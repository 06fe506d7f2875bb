//! The ID token (OpenID Connect Core 1.0, section 2).

use chrono::TimeDelta;
use openidconnect::core::{
    CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AdditionalClaims, Audience, AuthenticationContextClass,
    AuthenticationMethodReference, IdToken, IdTokenClaims, IssuerUrl, JsonWebTokenError, Nonce,
};
use serde::{Deserialize, Serialize};

use super::claims::{Profile, user_claims};
use super::key_set::KeySet;
use crate::domain::clock::Timestamp;
use crate::domain::code::Grant;
use crate::domain::secret::Secret;

/// What an ID token is made of.
#[derive(Debug)]
pub struct IdTokenContent<'a> {
    /// The issuer, exactly as in the discovery document.
    pub issuer: &'a str,
    /// What the user gave the client.
    pub grant: &'a Grant,
    /// The user.
    pub profile: &'a Profile,
    /// The access token that goes with it, for `at_hash`.
    pub access_token: &'a Secret,
    /// How long the ID token is valid.
    pub lifetime: TimeDelta,
    /// When it is issued.
    pub now: Timestamp,
}

/// An ID token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The issuer is no URL.
    #[error("the issuer is not a URL")]
    Issuer,
    /// Signing failed.
    #[error("the ID token cannot be signed: {0}")]
    Signing(#[from] JsonWebTokenError),
}

/// Claims of ours: the session, for front-channel and back-channel logout.
#[derive(Debug, Serialize, Deserialize)]
struct SessionClaims {
    sid: String,
}

impl AdditionalClaims for SessionClaims {}

type SignedToken = IdToken<
    SessionClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

impl IdTokenContent<'_> {
    /// The signed token in its compact form.
    pub fn sign(&self, keys: &KeySet) -> Result<String, TokenError> {
        let grant = self.grant;
        let issuer = IssuerUrl::new(self.issuer.to_owned()).map_err(|_| TokenError::Issuer)?;
        let methods = grant
            .methods
            .iter()
            .cloned()
            .map(AuthenticationMethodReference::new);
        let claims = IdTokenClaims::new(
            issuer,
            vec![Audience::new(grant.client.to_string())],
            self.now + self.lifetime,
            self.now,
            user_claims(self.profile, &grant.scope),
            SessionClaims {
                sid: grant.session.to_string(),
            },
        )
        .set_auth_time(grant.auth_time)
        .set_nonce(grant.nonce.clone().map(Nonce::new))
        .set_auth_context_ref(grant.acr.clone().map(AuthenticationContextClass::new))
        .set_auth_method_refs(Some(methods.collect()));
        let access_token = AccessToken::new(self.access_token.expose().to_owned());
        let key = keys.active();
        let token = SignedToken::new(claims, key, key.algorithm(), Some(&access_token), None)?;
        Ok(token.to_string())
    }
}
