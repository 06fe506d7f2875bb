//! What the tokens of a request are bound to, and whether whoever presents a refresh token proves what it is bound to. How
//! a key or a certificate is proved is left to others.

use crate::directory::clients::{Binding, ClientRecord};
use crate::domain::grant::{Confirmation, Grant};
use crate::oidc::client_authentication::tls;
use crate::oidc::dpop::{self, ProofError};
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest};
use crate::oidc::provider::Provider;

/// What the request proves of what the tokens of this client can be bound to.
pub(super) async fn proven(
    cx: &Provider,
    request: &EndpointRequest,
    client: &ClientRecord,
) -> Result<Option<Confirmation>, EndpointError> {
    let key = dpop::key(cx, request, client).await?;
    let certificate = tls::confirmation(&request.peer);
    binding(client.binding, key.map(Confirmation::Key), certificate)
}

/// What tokens are bound to, of what was proved. A key binds though the entry does not ask for one (RFC 9449, section 5),
/// a certificate only where it does: the connection may have one for another reason.
fn binding(
    asked: Binding,
    key: Option<Confirmation>,
    certificate: Option<Confirmation>,
) -> Result<Option<Confirmation>, EndpointError> {
    match asked {
        // A token says one of the two only.
        Binding::Certificate if key.is_some() => Err(EndpointError::invalid_request(
            "the tokens of this client are bound to its certificate, and not to a key",
        )),
        // RFC 8705, section 3: a certificate that others could do without would bind nothing.
        Binding::Certificate if certificate.is_none() => Err(EndpointError::invalid_request(
            "the tokens of this client are bound to its certificate, and this connection has none",
        )),
        Binding::Certificate => Ok(certificate),
        Binding::Dpop if key.is_none() => Err(ProofError::Missing.into()),
        Binding::Any if key.or(certificate).is_none() => Err(EndpointError::invalid_request(
            "the tokens of this client are bound to a key or a certificate, and neither is proved",
        )),
        Binding::Any => Ok(key.or(certificate)),
        Binding::Dpop | Binding::None => Ok(key),
    }
}

/// Whether a code goes to the key that the authorization request has named (RFC 9449, section 10).
pub(super) fn redeems(
    named: Option<[u8; 32]>,
    proven: Option<Confirmation>,
) -> Result<(), EndpointError> {
    match (named.map(Confirmation::Key), proven) {
        (Some(_), None) => Err(ProofError::Missing.into()),
        (Some(named), Some(proven)) if proven != named => Err(EndpointError::new(
            EndpointErrorCode::InvalidDpopProof,
            "the DPoP proof is by another key than the one of the authorization request",
        )),
        _ => Ok(()),
    }
}

/// What the new tokens are bound to. A public client has to prove what its refresh token is bound to (RFC 9449,
/// section 5; RFC 8705, section 4); a confidential one has proved itself, and may have another key by now.
pub(super) fn confirmation(
    client: &ClientRecord,
    grant: &Grant,
    proven: Option<Confirmation>,
) -> Result<Option<Confirmation>, EndpointError> {
    match grant.confirmation {
        Some(bound) if client.is_public() && proven != Some(bound) => Err(
            EndpointError::invalid_grant("the refresh token is bound to another key"),
        ),
        Some(_) if proven.is_none() => Err(EndpointError::invalid_grant(
            "the refresh token is bound to a key, and none was proved",
        )),
        _ => Ok(proven),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::clients::Clients;

    const OURS: Confirmation = Confirmation::Key([7; 32]);
    const THEIRS: Confirmation = Confirmation::Key([8; 32]);

    /// What the tokens are bound to; an error is nothing more than an error here.
    fn bound(
        public: bool,
        bound: Option<Confirmation>,
        proven: Option<Confirmation>,
    ) -> Result<Option<Confirmation>, ()> {
        let proof = if public {
            "public = true".to_owned()
        } else {
            format!("secret = 'sha256:{}'", "0".repeat(64))
        };
        let text = format!(
            "[[client]]\nid = 'wiki'\nredirect_uris = ['https://app.example/callback']\n{proof}\n"
        );
        let clients = Clients::parse(&text, "clients.toml").unwrap().value;
        let grant = json!({
            "id": "g1", "client": "wiki", "user": "u-ana", "subject": "u-ana",
            "scope": "openid", "reference": "7F3K-29QD", "application": "wiki",
        });
        let grant = Grant {
            confirmation: bound,
            ..serde_json::from_value(grant).unwrap()
        };
        confirmation(clients.by_id("wiki").unwrap(), &grant, proven).map_err(|_| ())
    }

    const CERTIFICATE: Confirmation = Confirmation::Certificate([7; 32]);

    fn chosen(
        asked: Binding,
        key: Option<Confirmation>,
        certificate: Option<Confirmation>,
    ) -> Result<Option<Confirmation>, EndpointErrorCode> {
        binding(asked, key, certificate).map_err(|error| error.code)
    }

    #[test]
    fn a_key_binds_though_nobody_asks_for_it() {
        for asked in [Binding::None, Binding::Dpop, Binding::Any] {
            for certificate in [None, Some(CERTIFICATE)] {
                let chosen = chosen(asked, Some(OURS), certificate);
                assert_eq!(chosen, Ok(Some(OURS)), "{asked:?}");
            }
        }
    }

    #[test]
    fn a_certificate_binds_where_the_entry_says_so() {
        for asked in [Binding::Certificate, Binding::Any] {
            let chosen = chosen(asked, None, Some(CERTIFICATE));
            assert_eq!(chosen, Ok(Some(CERTIFICATE)), "{asked:?}");
        }
        assert_eq!(chosen(Binding::None, None, Some(CERTIFICATE)), Ok(None));
    }

    #[test]
    fn a_client_whose_tokens_are_bound_gets_none_without_a_proof() {
        let invalid = Err(EndpointErrorCode::InvalidRequest);
        assert_eq!(chosen(Binding::Any, None, None), invalid);
        assert_eq!(chosen(Binding::Certificate, None, None), invalid);
        for certificate in [None, Some(CERTIFICATE)] {
            let by_key = chosen(Binding::Certificate, Some(OURS), certificate);
            assert_eq!(by_key, invalid);
            let missing = Err(EndpointErrorCode::InvalidDpopProof);
            assert_eq!(chosen(Binding::Dpop, None, certificate), missing);
        }
        assert_eq!(chosen(Binding::None, None, None), Ok(None));
    }

    #[test]
    fn a_code_goes_to_the_key_that_was_named() {
        for (named, proven, redeemed) in [
            (None, None, true),
            (None, Some(OURS), true),
            (Some([7; 32]), Some(OURS), true),
            (Some([7; 32]), None, false),
            (Some([7; 32]), Some(THEIRS), false),
            (Some([7; 32]), Some(CERTIFICATE), false),
        ] {
            let answered = redeems(named, proven).map_err(|error| error.code);
            let refused = Err(EndpointErrorCode::InvalidDpopProof);
            let expected = if redeemed { Ok(()) } else { refused };
            assert_eq!(answered, expected, "{proven:?}");
        }
    }

    #[test]
    fn what_is_bound_to_nothing_can_be_bound_now() {
        for public in [true, false] {
            assert_eq!(bound(public, None, None), Ok(None));
            assert_eq!(bound(public, None, Some(OURS)), Ok(Some(OURS)));
        }
    }

    #[test]
    fn a_public_client_proves_the_same_key() {
        assert_eq!(bound(true, Some(OURS), Some(OURS)), Ok(Some(OURS)));
        assert_eq!(bound(true, Some(OURS), Some(THEIRS)), Err(()));
        assert_eq!(bound(true, Some(OURS), None), Err(()));
    }

    #[test]
    fn a_confidential_client_may_have_another_key_and_never_none() {
        assert_eq!(bound(false, Some(OURS), Some(THEIRS)), Ok(Some(THEIRS)));
        assert_eq!(bound(false, Some(OURS), None), Err(()));
    }
}
