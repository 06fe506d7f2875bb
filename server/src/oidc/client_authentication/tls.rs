//! Clients that prove themselves by the certificate of their connection (RFC 8705, section 2), and tokens that are bound
//! to it (section 3). That the key of the certificate is held was proved in the handshake; on which host it is asked
//! for is told by `client_host`.

use super::keys;
use crate::directory::clients::{ClientAuthentication, ClientKeys, ClientRecord, TlsName};
use crate::domain::clock::Timestamp;
use crate::domain::grant::Confirmation;
use crate::domain::peer::Peer;
use crate::jose::certified_key;
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest};
use crate::oidc::provider::Provider;
use crate::signals::certificate::{CertificateNames, names};

/// Whether the certificate of this connection is that of the client.
pub(super) async fn proves(
    cx: &Provider,
    request: &EndpointRequest,
    client: &ClientRecord,
) -> Result<bool, EndpointError> {
    let now = cx.now();
    let Some(leaf) = client_certificate(&request.peer) else {
        return Ok(false);
    };
    match &client.authentication {
        ClientAuthentication::Tls(name) => Ok(is_vouched_for(cx, &request.peer, client, name, now)),
        ClientAuthentication::SelfSignedTls(keys) => {
            has_known_key(cx, leaf, client, keys, now).await
        }
        ClientAuthentication::None
        | ClientAuthentication::Secret(_)
        | ClientAuthentication::PrivateKeyJwt(_) => Ok(false),
    }
}

/// The certificate whose key the other end of the connection holds, in DER. Nobody has vouched for it yet.
///
/// Only the listener is believed. Where something in between ends TLS, there is none: a header could be anybody's.
pub(in crate::oidc) fn client_certificate(peer: &Peer) -> Option<&[u8]> {
    peer.certificates.first().map(Vec::as_slice)
}

/// What a token is bound to that is bound to the certificate of this connection (RFC 8705, section 3.1).
pub(in crate::oidc) fn confirmation(peer: &Peer) -> Option<Confirmation> {
    let leaf = client_certificate(peer)?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, leaf);
    <[u8; 32]>::try_from(digest.as_ref())
        .ok()
        .map(Confirmation::Certificate)
}

/// RFC 8705, section 2.1: an authority vouches for the certificate, and it has the one name that is registered.
fn is_vouched_for(
    cx: &Provider,
    peer: &Peer,
    client: &ClientRecord,
    expected: &TlsName,
    now: Timestamp,
) -> bool {
    let trust = cx.client_host.as_ref().and_then(|host| host.trust.as_ref());
    let Some(trust) = trust else {
        return false;
    };
    let verified = match trust.current().value.verify(&peer.certificates, now) {
        Ok(verified) => verified,
        Err(refused) => {
            // Strangers come this far: they are told nothing, and must not fill the log.
            tracing::debug!(client = %client.id, reason = %refused, "certificate of a client is refused");
            return false;
        }
    };
    let is_client = names(&verified.leaf).is_some_and(|names| is_among(expected, &names));
    if !is_client {
        tracing::info!(client = %client.id, subject = %verified.subject, "certificate has another name than the client");
    }
    is_client
}

/// RFC 8705, section 2.1.2.
fn is_among(expected: &TlsName, names: &CertificateNames) -> bool {
    match expected {
        TlsName::SubjectDn(subject) => names.subject.as_ref() == Some(subject),
        // RFC 4343: names compare without case. One with an asterisk stands for no client in particular.
        TlsName::Dns(host) => names.dns.iter().any(|dns| dns.eq_ignore_ascii_case(host)),
        TlsName::Uri(expected) => names.uris.contains(expected),
        TlsName::Email(expected) => names.emails.contains(expected),
        TlsName::Ip(expected) => names.addresses.contains(expected),
    }
}

/// RFC 8705, section 2.2: the key counts, and nothing that the certificate says about itself.
async fn has_known_key(
    cx: &Provider,
    leaf: &[u8],
    client: &ClientRecord,
    registered: &ClientKeys,
    now: Timestamp,
) -> Result<bool, EndpointError> {
    let key = match certified_key(leaf) {
        Ok(key) => key,
        Err(refused) => {
            tracing::debug!(client = %client.id, reason = refused.code(), "key of a certificate is refused");
            return Ok(false);
        }
    };
    let known = keys::include(cx, registered, key.thumbprint(), now).await;
    known.map_err(|error| {
        // That they cannot be fetched was logged where they are fetched, once.
        tracing::debug!(client = %client.id, %error, "there are no keys of the client");
        EndpointError::new(
            EndpointErrorCode::TemporarilyUnavailable,
            "the keys of the client cannot be fetched",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use serde_json::json;

    use super::*;

    fn names() -> CertificateNames {
        CertificateNames {
            subject: "CN=app,O=Example".parse().ok(),
            dns: vec!["App.example".to_owned(), "*.apps.example".to_owned()],
            uris: vec!["urn:app".to_owned()],
            emails: vec!["app@app.example".to_owned()],
            addresses: vec!["192.0.2.1".parse().unwrap()],
        }
    }

    fn found(expected: &TlsName) -> bool {
        is_among(expected, &names())
    }

    #[test]
    fn the_registered_name_is_one_of_the_certificate() {
        assert!(found(&TlsName::SubjectDn(
            "cn=app, o=Example".parse().unwrap()
        )));
        assert!(found(&TlsName::Dns("app.EXAMPLE".to_owned())));
        assert!(found(&TlsName::Uri("urn:app".to_owned())));
        assert!(found(&TlsName::Email("app@app.example".to_owned())));
        assert!(found(&TlsName::Ip("192.0.2.1".parse().unwrap())));
    }

    #[test]
    fn a_name_of_another_kind_or_another_value_is_another_name() {
        for other in [
            TlsName::SubjectDn("CN=app".parse().unwrap()),
            TlsName::SubjectDn("O=Example,CN=app".parse().unwrap()),
            TlsName::Dns("one.apps.example".to_owned()),
            TlsName::Dns("app.example.evil".to_owned()),
            TlsName::Dns("urn:app".to_owned()),
            TlsName::Uri("urn:APP".to_owned()),
            TlsName::Email("App@app.example".to_owned()),
            TlsName::Ip("::ffff:192.0.2.1".parse().unwrap()),
        ] {
            assert!(!found(&other), "{other:?}");
        }
    }

    #[test]
    fn a_certificate_without_names_is_nobodys() {
        let bare = CertificateNames::default();
        let expected = TlsName::Dns(String::new());
        assert!(!is_among(&expected, &bare));
        let subject = TlsName::SubjectDn("CN=app".parse().unwrap());
        assert!(!is_among(&subject, &bare));
    }

    #[test]
    fn a_token_is_bound_to_the_digest_of_the_certificate() {
        let mut peer = Peer::plain(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
        assert_eq!(confirmation(&peer), None);
        peer.certificates = vec![b"abc".to_vec(), b"issuer".to_vec()];
        // The SHA-256 of `abc` is that of FIPS 180-2, appendix B.1.
        let expected = json!({"x5t#S256": "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"});
        assert_eq!(serde_json::to_value(confirmation(&peer)).unwrap(), expected);
    }
}
