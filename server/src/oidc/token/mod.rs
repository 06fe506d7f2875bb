//! `POST /token` (RFC 6749, section 3.2): what was granted becomes tokens. Each grant type has a file of its own; the
//! tokens of all of them are made in `issue.rs`.

mod code;
mod issue;
mod record;
mod refresh;
mod scope;
mod sender;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::client_authentication::authenticate;
use super::discovery::{Members, Offer};
use super::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest, no_store};
use super::provider::Provider;
use crate::directory::clients::RefreshPolicy;

/// `POST /token`.
pub async fn post(State(cx): State<Provider>, request: EndpointRequest) -> Response {
    match tokens(&cx, &request).await {
        Ok(tokens) => no_store(Json(tokens).into_response()),
        Err(error) => error.into_response(),
    }
}

async fn tokens(cx: &Provider, request: &EndpointRequest) -> Result<Value, EndpointError> {
    let client = authenticate(cx, request).await?;
    match request.form.get("grant_type") {
        Some("authorization_code") => code::redeem(cx, request, &client).await,
        Some("refresh_token") => refresh::refresh(cx, request, &client).await,
        Some(_) => Err(EndpointError::new(
            EndpointErrorCode::UnsupportedGrantType,
            "grant_type must be authorization_code or refresh_token",
        )),
        None => Err(EndpointError::invalid_request("grant_type is missing")),
    }
}

/// What the discovery document says of it.
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    members.insert(
        "grant_types_supported".to_owned(),
        json!(["authorization_code", "refresh_token"]),
    );
    let mut clients = offer.clients.all();
    let offline = clients.any(|client| matches!(client.refresh, RefreshPolicy::Offline(_)));
    let scope = json!(refresh::OFFLINE_ACCESS);
    if let Some(Value::Array(scopes)) = members.get_mut("scopes_supported")
        && offline
        && !scopes.contains(&scope)
    {
        scopes.push(scope);
    }
}
