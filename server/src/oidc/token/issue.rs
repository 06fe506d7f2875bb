//! The tokens that a grant is worth: an access token, stored as a hash whatever it looks like, and an ID token. Whether
//! somebody may have them, and for which API, is decided before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::directory::clients::{self, AudienceRecord, Clients};
use crate::directory::users::UserRecord;
use crate::domain::clock::Timestamp;
use crate::domain::code::{AccessToken, TokenFormat};
use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::domain::secret::Secret;
use crate::oidc::claims::{self, Destination};
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode};
use crate::oidc::provider::Provider;
use crate::oidc::resource;
use crate::storage::UnitOfWork;
use crate::tokens::{AccessTokenContent, IdTokenContent};

/// The tokens, as the client is told of them (RFC 6749, section 5.1). They count once the unit of work is committed.
///
/// The access token is for the audience of the grant, bound to what the grant says.
pub(super) async fn tokens(
    cx: &Provider,
    work: &mut dyn UnitOfWork,
    grant: &Grant,
    user: &UserRecord,
    now: Timestamp,
) -> Result<Value, EndpointError> {
    let clients = cx.clients.current();
    let api = api(&grant.audience, &cx.issuer_text, clients.value.audiences())?;
    let (secret, token) = access_token(cx, &clients.value, grant, api, user, now)?;
    work.access_tokens().insert(&token).await?;
    let about_user = claims::of(&clients.value, grant, user, Destination::IdToken);
    let client = clients.value.by_id(grant.client.as_str());
    let id_token = IdTokenContent {
        issuer: &cx.issuer_text,
        grant,
        about_user: &about_user,
        access_token: &secret,
        lifetime: cx.lifetimes.id_token,
        now,
    }
    .sign(
        &cx.keys,
        client.and_then(|client| client.id_token_algorithm),
    )?;
    let mut answer = Map::new();
    let mut put = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    put("access_token", json!(secret.expose()));
    let content = AccessTokenContent::of(&cx.issuer_text, &token);
    put("token_type", json!(content.token_type()));
    let lifetime = cx.lifetimes.access_token.num_seconds();
    put("expires_in", json!(lifetime));
    // Less than was asked for is said (RFC 6749, section 5.1). None at all cannot be written.
    if !token.scope().is_empty() {
        put("scope", json!(token.scope()));
    }
    put("id_token", json!(id_token));
    Ok(Value::Object(answer))
}

/// The API that the token is for; none where it is for us.
fn api<'a>(
    audience: &[String],
    issuer: &str,
    declared: &'a BTreeMap<String, AudienceRecord>,
) -> Result<Option<&'a AudienceRecord>, EndpointError> {
    let known = match audience {
        [] => return Ok(None),
        [us] if us == issuer => return Ok(None),
        [id] => declared.get(id),
        _ => None,
    };
    known.map(Some).ok_or_else(|| {
        EndpointError::new(
            EndpointErrorCode::InvalidTarget,
            "there are no tokens for that resource any more",
        )
    })
}

/// A new access token, and what storage keeps of it.
fn access_token(
    cx: &Provider,
    clients: &Clients,
    grant: &Grant,
    api: Option<&AudienceRecord>,
    user: &UserRecord,
    now: Timestamp,
) -> Result<(Secret, AccessToken), EndpointError> {
    let grant = Grant {
        scope: api.map_or_else(
            || grant.scope.clone(),
            |api| scope_at(&grant.scope, &api.scopes),
        ),
        // Only a refresh asks for it again.
        device: None,
        ..grant.clone()
    };
    let expires_at = now + cx.lifetimes.access_token;
    let (secret, format) = match api.map(|api| api.format) {
        None | Some(clients::TokenFormat::Opaque) => {
            (Secret::generate(cx.entropy.as_ref()), TokenFormat::Opaque)
        }
        Some(clients::TokenFormat::Jwt(algorithm)) => {
            let format = TokenFormat::Jwt {
                // Random like a grant's identifier: it says nothing, and never comes twice.
                jti: GrantId::generate(cx.entropy.as_ref()).to_string(),
            };
            let content = AccessTokenContent {
                issuer: &cx.issuer_text,
                grant: &grant,
                format: &format,
                issued_at: now,
                expires_at,
            };
            let key = cx.keys.wanted(Some(algorithm))?;
            let about_user = resource::about_user(clients, &grant, user);
            (
                Secret::from_untrusted(content.sign(&key, &about_user)?),
                format,
            )
        }
    };
    let token = AccessToken {
        hash: secret.digest(),
        grant,
        format,
        issued_at: now,
        expires_at,
    };
    Ok((secret, token))
}

/// What of the scope means something to the API (RFC 9068, section 2.2.3).
fn scope_at(granted: &str, known: &BTreeSet<String>) -> String {
    let kept: Vec<&str> = granted
        .split(' ')
        .filter(|scope| known.contains(*scope))
        .collect();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example.com";
    const ORDERS: &str = "https://orders.example.com";

    fn api_of(audience: &[&str]) -> Result<Option<String>, EndpointErrorCode> {
        let text = format!("[[audience]]\nid = '{ORDERS}'\n");
        let clients = Clients::parse_everything(&text, "clients.toml").unwrap();
        let audience: Vec<String> = audience.iter().copied().map(str::to_owned).collect();
        api(&audience, ISSUER, clients.value.audiences())
            .map(|api| api.map(|api| api.id.clone()))
            .map_err(|error| error.code)
    }

    #[test]
    fn a_token_is_for_us_or_for_one_declared_api() {
        assert_eq!(api_of(&[]), Ok(None));
        assert_eq!(api_of(&[ISSUER]), Ok(None));
        assert_eq!(api_of(&[ORDERS]), Ok(Some(ORDERS.to_owned())));
        let refused = Err(EndpointErrorCode::InvalidTarget);
        assert_eq!(api_of(&["https://gone.example.com"]), refused);
        assert_eq!(api_of(&[ORDERS, ISSUER]), refused);
    }

    #[test]
    fn an_api_is_told_of_its_own_scopes() {
        let known: BTreeSet<String> = ["orders.read", "orders.write"].map(str::to_owned).into();
        let scope = |granted| scope_at(granted, &known);
        assert_eq!(scope("openid email orders.read"), "orders.read");
        assert_eq!(
            scope("orders.write openid orders.read"),
            "orders.write orders.read"
        );
        assert_eq!(scope("openid"), "");
    }
}
