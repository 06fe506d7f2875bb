//! Clients that prove themselves by the certificate of their connection (RFC 8705, section 2). None is registered by a
//! certificate, so none is proved by one.

use crate::directory::clients::ClientRecord;
use crate::oidc::endpoint::EndpointRequest;

/// Whether the certificate of this connection is that of the client.
pub(super) fn proves(request: &EndpointRequest, client: &ClientRecord) -> bool {
    if !request.peer.certificates.is_empty() {
        tracing::debug!(client = %client.id, "a certificate proves no client here");
    }
    false
}
