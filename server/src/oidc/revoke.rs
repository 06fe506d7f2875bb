//! `POST /revoke` (RFC 7009): a client gives back a token that it does not need any more.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::client_authentication::authenticate;
use super::discovery::{Members, Offer};
use super::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest, no_store};
use super::provider::Provider;
use crate::directory::clients::ClientRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::refresh::PresentedRefresh;
use crate::domain::secret::{Secret, SecretHash};
use crate::storage::StorageError;

/// `POST /revoke`.
pub async fn post(State(cx): State<Provider>, request: EndpointRequest) -> Response {
    match revoke(&cx, &request).await {
        Ok(()) => no_store(StatusCode::OK.into_response()),
        Err(error) => {
            let unavailable = error.code == EndpointErrorCode::TemporarilyUnavailable;
            let mut response = error.into_response();
            if unavailable {
                // RFC 7009, section 2.2.1: the token is still there, and the client tries again.
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            response
        }
    }
}

/// What a token turns out to be.
enum Presented {
    /// An access token with this grant.
    Access(Box<Grant>),
    /// A refresh token with this grant, used already or not.
    Refresh(Box<Grant>),
    /// Nothing that is worth anything.
    Unknown,
}

async fn revoke(cx: &Provider, request: &EndpointRequest) -> Result<(), EndpointError> {
    let client = authenticate(cx, request).await?.record;
    let presented = request
        .form
        .get("token")
        .ok_or_else(|| EndpointError::invalid_request("token is missing"))?;
    let hash = Secret::from_untrusted(presented).digest();
    match find(cx, &hash, cx.now()).await? {
        // RFC 7009, section 2.2: what cannot be used is what the client wanted.
        Presented::Unknown => {}
        Presented::Access(grant) => {
            own(&client, &grant)?;
            let mut work = cx.storage.begin().await?;
            work.access_tokens().revoke(&hash).await?;
            work.commit().await?;
            tracing::info!(client = %client.id, "a client revoked an access token");
        }
        Presented::Refresh(grant) => {
            own(&client, &grant)?;
            let mut work = cx.storage.begin().await?;
            // RFC 7009, section 2.1: with it goes all that was made from the same grant, its successors included.
            work.refresh_tokens().revoke_grant(&grant.id).await?;
            work.access_tokens().revoke_grant(&grant.id).await?;
            work.commit().await?;
            tracing::info!(client = %client.id, "a client revoked a grant");
        }
    }
    Ok(())
}

/// Looks for the token. Only who has one may make writers wait; `token_type_hint` would only say where to look first
/// (RFC 7009, section 2.1).
async fn find(cx: &Provider, hash: &SecretHash, now: Timestamp) -> Result<Presented, StorageError> {
    let mut work = cx.storage.read().await?;
    if let Some(token) = work.access_tokens().find(hash, now).await? {
        return Ok(Presented::Access(Box::new(token.grant)));
    }
    Ok(match work.refresh_tokens().find(hash, now).await? {
        PresentedRefresh::Live(token) | PresentedRefresh::Used(token) => {
            Presented::Refresh(Box::new(token.grant))
        }
        PresentedRefresh::Unknown => Presented::Unknown,
    })
}

/// A client gives back what it was given, and nothing else (RFC 7009, section 2.1).
fn own(client: &ClientRecord, grant: &Grant) -> Result<(), EndpointError> {
    if grant.client == client.id {
        Ok(())
    } else {
        tracing::warn!(client = %client.id, owner = %grant.client, "a client tried to revoke the token of another");
        Err(EndpointError::invalid_grant(
            "the token was issued to another client",
        ))
    }
}

/// What the discovery document says of it (RFC 8414, section 2). Clients prove themselves as at the token endpoint.
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let endpoint = json!(format!("{}/revoke", offer.issuer));
    members.insert("revocation_endpoint".to_owned(), endpoint);
    proofs(members);
}

/// How clients prove themselves here.
fn proofs(members: &mut Members) {
    for (there, here) in [
        (
            "token_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_methods_supported",
        ),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            "revocation_endpoint_auth_signing_alg_values_supported",
        ),
    ] {
        if let Some(same) = members.get(there).cloned() {
            members.insert(here.to_owned(), same);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::Clients;

    fn grant_of(client: &str) -> Grant {
        let grant = json!({
            "id": "g1", "client": client, "user": "u-ana", "subject": "u-ana",
            "scope": "openid", "reference": "7F3K-29QD", "application": "shop",
        });
        serde_json::from_value(grant).unwrap()
    }

    #[test]
    fn a_client_gives_back_its_own_tokens_only() {
        let text = "[[client]]\nid = 'shop'\npublic = true\n\
                    redirect_uris = ['https://shop.example.com/']\n";
        let clients = Clients::parse(text, "clients.toml").unwrap();
        let shop = clients.value.by_id("shop").unwrap();
        assert_eq!(own(shop, &grant_of("shop")), Ok(()));
        let refused = own(shop, &grant_of("Shop")).unwrap_err();
        assert_eq!(refused.code, EndpointErrorCode::InvalidGrant);
    }

    #[test]
    fn clients_prove_themselves_as_at_the_token_endpoint() {
        let mut members = Members::new();
        let methods = json!(["client_secret_basic", "none"]);
        members.insert(
            "token_endpoint_auth_methods_supported".to_owned(),
            methods.clone(),
        );
        proofs(&mut members);
        assert_eq!(
            members["revocation_endpoint_auth_methods_supported"],
            methods
        );
        assert_eq!(members.len(), 2);
    }
}
