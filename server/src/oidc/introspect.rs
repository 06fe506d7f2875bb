//! `POST /introspect` (RFC 7662): what a token stands for, told to those whom it was made for. Everybody else learns
//! that it is not active, and nothing more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::client_authentication::authenticate;
use super::discovery::{Members, Offer};
use super::endpoint::{EndpointError, EndpointRequest, no_store};
use super::provider::Provider;
use super::resource;
use crate::directory::clients::ClientRecord;
use crate::directory::users::UserRecord;
use crate::domain::code::AccessToken;
use crate::domain::grant::Grant;
use crate::domain::refresh::{PresentedRefresh, StoredRefresh};
use crate::domain::secret::Secret;
use crate::tokens::AccessTokenContent;

/// `POST /introspect`.
pub async fn post(State(cx): State<Provider>, request: EndpointRequest) -> Response {
    match answer(&cx, &request).await {
        Ok(members) => no_store(Json(members).into_response()),
        Err(error) => error.into_response(),
    }
}

async fn answer(cx: &Provider, request: &EndpointRequest) -> Result<Members, EndpointError> {
    let client = authenticate(cx, request).await?.record;
    // Whoever only names itself could go through tokens until one is active (RFC 7662, section 2.1).
    if client.is_public() {
        return Err(EndpointError::invalid_client(
            "only a client that proves itself may introspect tokens",
        ));
    }
    let presented = request
        .form
        .get("token")
        .ok_or_else(|| EndpointError::invalid_request("token is missing"))?;
    let hash = Secret::from_untrusted(presented).digest();
    let now = cx.now();
    let mut work = cx.storage.read().await?;
    // `token_type_hint` would only say where to look first (RFC 7662, section 2.1).
    let described = if let Some(token) = work.access_tokens().find(&hash, now).await? {
        access_token(cx, &client, &token)
    } else if let PresentedRefresh::Live(token) = work.refresh_tokens().find(&hash, now).await? {
        refresh_token(cx, &client, &token)
    } else {
        None
    };
    Ok(described.unwrap_or_else(inactive))
}

/// RFC 7662, section 2.2: no other member, so that nobody learns why.
fn inactive() -> Members {
    let mut members = Members::new();
    members.insert("active".to_owned(), json!(false));
    members
}

/// What the client is told of an access token, if it may be told anything.
fn access_token(cx: &Provider, client: &ClientRecord, token: &AccessToken) -> Option<Members> {
    if !may_see(client, &token.grant) {
        return None;
    }
    let user = holder(cx, &token.grant)?;
    let content = AccessTokenContent::of(&cx.issuer_text, token);
    let mut members = active(&user, &token.grant);
    members.insert("token_type".to_owned(), json!(content.token_type()));
    let about_user = resource::about_user(&cx.clients.current().value, &token.grant, &user);
    members.extend(content.claims(&about_user));
    Some(members)
}

/// What the client is told of a refresh token: its own, if any.
fn refresh_token(cx: &Provider, client: &ClientRecord, token: &StoredRefresh) -> Option<Members> {
    let grant = &token.grant;
    if grant.client != client.id {
        return None;
    }
    let user = holder(cx, grant)?;
    let mut members = active(&user, grant);
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("iss", json!(cx.issuer_text));
    put("sub", json!(grant.subject));
    put("client_id", json!(grant.client.as_str()));
    put("scope", json!(grant.scope));
    put("iat", json!(token.issued_at.timestamp()));
    put("exp", json!(token.expires_at.timestamp()));
    if let Some(bound) = grant.confirmation {
        put("cnf", json!(bound));
    }
    Some(members)
}

fn active(user: &UserRecord, grant: &Grant) -> Members {
    let mut members = Members::new();
    members.insert("active".to_owned(), json!(true));
    // Whoever is told another `sub` than the user's own is not told the name either.
    if grant.subject == user.id.as_str() {
        members.insert("username".to_owned(), json!(user.username));
    }
    members
}

/// Whether the client holds the token, or is an API that the token is for (RFC 7662, section 4).
fn may_see(client: &ClientRecord, grant: &Grant) -> bool {
    let mut audience = grant.audience.iter();
    grant.client == client.id || audience.any(|api| client.introspects.contains(api))
}

/// The user whom the token speaks for. Where the user or the client is there no more, it is worth nothing.
fn holder(cx: &Provider, grant: &Grant) -> Option<Arc<UserRecord>> {
    cx.clients.current().value.by_id(grant.client.as_str())?;
    let users = cx.users.current();
    let user = users.value.by_id(&grant.user);
    user.filter(|user| !user.disabled).cloned()
}

/// What the discovery document says of it (RFC 8414, section 2). Clients prove themselves as at the token endpoint.
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let endpoint = json!(format!("{}/introspect", offer.issuer));
    members.insert("introspection_endpoint".to_owned(), endpoint);
    proofs(members);
}

/// How clients prove themselves here: as at the token endpoint, and never by their name alone.
fn proofs(members: &mut Members) {
    if let Some(Value::Array(methods)) = members.get("token_endpoint_auth_methods_supported") {
        let proofs: Vec<Value> = methods
            .iter()
            .filter(|method| method.as_str() != Some("none"))
            .cloned()
            .collect();
        let name = "introspection_endpoint_auth_methods_supported";
        members.insert(name.to_owned(), Value::Array(proofs));
    }
    let algorithms = "token_endpoint_auth_signing_alg_values_supported";
    if let Some(algorithms) = members.get(algorithms).cloned() {
        let name = "introspection_endpoint_auth_signing_alg_values_supported";
        members.insert(name.to_owned(), algorithms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::Clients;

    const ORDERS: &str = "https://orders.example.com";
    const STOCK: &str = "https://stock.example.com";

    /// Whether the client of this identifier may see a token of `shop` for these.
    fn is_seen(client: &str, audience: &[&str]) -> bool {
        let secret = format!("secret = 'sha256:{}'", "0".repeat(64));
        let entry = |id: &str, more: &str| {
            format!(
                "[[client]]\nid = '{id}'\nredirect_uris = ['https://{id}.example.com/']\n{secret}\n{more}\n"
            )
        };
        let text = format!("[[audience]]\nid = '{ORDERS}'\n[[audience]]\nid = '{STOCK}'\n")
            + &entry("shop", "")
            + &entry("other", "")
            + &entry("orders", &format!("introspects = ['{ORDERS}']"));
        let clients = Clients::parse_everything(&text, "clients.toml").unwrap();
        let grant = json!({
            "id": "g1", "client": "shop", "user": "u-ana", "subject": "u-ana", "scope": "openid",
            "reference": "7F3K-29QD", "application": "shop", "audience": audience,
        });
        let grant: Grant = serde_json::from_value(grant).unwrap();
        may_see(clients.value.by_id(client).unwrap(), &grant)
    }

    #[test]
    fn a_token_is_seen_by_its_client_and_by_its_api() {
        const AUDIENCES: [&[&str]; 4] = [&[], &[ORDERS], &[STOCK], &[STOCK, ORDERS]];
        for audience in AUDIENCES {
            assert!(is_seen("shop", audience));
            assert!(!is_seen("other", audience));
            assert_eq!(is_seen("orders", audience), audience.contains(&ORDERS));
        }
    }

    #[test]
    fn whoever_introspects_proves_itself_as_at_the_token_endpoint() {
        let mut members = Members::new();
        let methods = json!(["client_secret_basic", "private_key_jwt", "none"]);
        members.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
        proofs(&mut members);
        assert_eq!(
            members["introspection_endpoint_auth_methods_supported"],
            json!(["client_secret_basic", "private_key_jwt"])
        );
        let algorithms = "introspection_endpoint_auth_signing_alg_values_supported";
        assert!(!members.contains_key(algorithms));
    }

    #[test]
    fn of_a_token_that_is_not_active_nothing_else_is_said() {
        assert_eq!(Value::Object(inactive()), json!({"active": false}));
    }
}
