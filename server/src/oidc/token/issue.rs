//! The tokens that a grant is worth: an access token, stored as a hash, and an ID token. Whether somebody may have them
//! is decided before.

use serde_json::{Value, json};

use crate::directory::users::UserRecord;
use crate::domain::clock::Timestamp;
use crate::domain::code::{AccessToken, TokenFormat};
use crate::domain::grant::Grant;
use crate::domain::secret::Secret;
use crate::oidc::endpoint::EndpointError;
use crate::oidc::provider::Provider;
use crate::oidc::userinfo::profile;
use crate::storage::UnitOfWork;
use crate::tokens::IdTokenContent;

/// The tokens, as the client is told of them (RFC 6749, section 5.1). They count once the unit of work is committed.
pub(super) async fn tokens(
    cx: &Provider,
    work: &mut dyn UnitOfWork,
    grant: &Grant,
    user: &UserRecord,
    now: Timestamp,
) -> Result<Value, EndpointError> {
    let secret = Secret::generate(cx.entropy.as_ref());
    let token = AccessToken {
        hash: secret.digest(),
        grant: grant.clone(),
        format: TokenFormat::Opaque,
        issued_at: now,
        expires_at: now + cx.lifetimes.access_token,
    };
    work.access_tokens().insert(&token).await?;
    let profile = profile(user);
    let id_token = IdTokenContent {
        issuer: &cx.issuer_text,
        grant,
        profile: &profile,
        access_token: &secret,
        lifetime: cx.lifetimes.id_token,
        now,
    }
    .sign(&cx.keys)?;
    Ok(json!({
        "access_token": secret.expose(),
        "token_type": "Bearer",
        "expires_in": cx.lifetimes.access_token.num_seconds(),
        "scope": grant.scope,
        "id_token": id_token,
    }))
}
