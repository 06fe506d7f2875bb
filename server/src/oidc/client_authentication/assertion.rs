//! `private_key_jwt` (RFC 7523, section 2.2): a client would prove itself by signing with a key of its own. None is
//! registered with keys, so an assertion is told from other proofs and refused.

use super::AuthenticatedClient;
use crate::oidc::endpoint::{EndpointError, EndpointRequest};
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;

/// Whether the form holds an assertion, or half of one.
pub(super) fn is_presented(form: &Parameters) -> bool {
    ["client_assertion", "client_assertion_type"]
        .into_iter()
        .any(|name| form.get(name).is_some())
}

/// The client that the assertion proves.
#[expect(
    clippy::unused_async,
    reason = "whether an assertion was used already is for storage to say"
)]
pub(super) async fn authenticate(
    _cx: &Provider,
    _request: &EndpointRequest,
) -> Result<AuthenticatedClient, EndpointError> {
    Err(EndpointError::invalid_client(
        "the client is not registered with keys for assertions",
    ))
}
