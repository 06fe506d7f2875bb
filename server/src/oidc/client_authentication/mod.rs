//! Who a client is that calls an endpoint itself: it proves itself in exactly one way (RFC 6749, section 2.3). What it
//! may do then is left to the endpoint.

mod assertion;
mod basic;
pub(super) mod keys;
pub(super) mod tls;

use std::sync::Arc;

use serde_json::json;

use super::client_host::ClientHost;
use super::discovery::{Members, Offer};
use super::endpoint::{EndpointError, EndpointRequest};
use super::provider::Provider;
use crate::directory::clients::{ClientAuthentication, ClientRecord};
use crate::domain::secret::Secret;
use crate::jose::Algorithm;

/// A client that has proved itself; or a public one, which has named itself and can do no more.
#[derive(Debug, Clone)]
pub(super) struct AuthenticatedClient {
    /// The client as it is registered.
    pub(super) record: Arc<ClientRecord>,
}

/// The client that this request comes from.
pub(super) async fn authenticate(
    cx: &Provider,
    request: &EndpointRequest,
) -> Result<AuthenticatedClient, EndpointError> {
    let basic = basic::credentials(&request.headers)?;
    let posted = request
        .form
        .get("client_secret")
        .map(Secret::from_untrusted);
    let asserted = assertion::is_presented(&request.form);
    let ways = [basic.is_some(), posted.is_some(), asserted];
    if ways.into_iter().filter(|presented| *presented).count() > 1 {
        return Err(EndpointError::invalid_request(
            "the client proves itself in two ways",
        ));
    }
    if asserted {
        return assertion::authenticate(cx, request).await;
    }
    let named = request.form.get("client_id");
    let (id, secret) = if let Some((id, secret)) = basic {
        if named.is_some_and(|named| named != id) {
            return Err(EndpointError::invalid_request(
                "client_id differs from the authenticated client",
            ));
        }
        (id, Some(secret))
    } else {
        let id = named.ok_or_else(|| EndpointError::invalid_client("the client is not named"))?;
        (id.to_owned(), posted)
    };
    let clients = cx.clients.current();
    let refused = || refused(request, secret.as_ref());
    let record = clients.value.by_id(&id).ok_or_else(refused)?;
    let proved = match (&record.authentication, &secret) {
        (ClientAuthentication::Secret(stored), Some(presented)) => stored.matches(presented),
        (ClientAuthentication::None, None) => true,
        (_, None) => tls::proves(cx, request, record).await?,
        (_, Some(_)) => false,
    };
    if !proved {
        return Err(refused());
    }
    Ok(AuthenticatedClient {
        record: Arc::clone(record),
    })
}

/// Whether a client exists is not told to who cannot prove to be it.
fn refused(request: &EndpointRequest, secret: Option<&Secret>) -> EndpointError {
    EndpointError::invalid_client(match (secret, tls::client_certificate(&request.peer)) {
        (Some(_), _) => "the client is unknown or its secret is wrong",
        (None, Some(_)) => "the client is unknown or its certificate is wrong",
        (None, None) => "the client is unknown or has to prove itself",
    })
}

/// What the discovery document says of it.
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let mut methods = vec![
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none",
    ];
    methods.extend(offer.client_host.into_iter().flat_map(ClientHost::methods));
    members.insert(
        "token_endpoint_auth_methods_supported".to_owned(),
        json!(methods),
    );
    members.insert(
        "token_endpoint_auth_signing_alg_values_supported".to_owned(),
        Algorithm::names().collect(),
    );
}
