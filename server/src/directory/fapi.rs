//! What the FAPI 2.0 Security Profile wants of a client's entry.
//! Leaves to others what it wants of requests and tokens (`oidc`), and where a lack is shown (`client_entry`).

use std::collections::BTreeMap;

use super::audience_entry::{AudienceRecord, TokenFormat};
use super::client_record::{Binding, ClientAuthentication, ClientRecord, RequestObjects};
use crate::config::Algorithm;
use crate::jose;

/// Something that a client held to the profile lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lack {
    /// What is wrong, to follow upon the client.
    pub(super) what: &'static str,
    /// What to do about it.
    pub(super) help: &'static str,
}

/// Everything that the client lacks.
pub(super) fn lacks(
    client: &ClientRecord,
    audiences: &BTreeMap<String, AudienceRecord>,
) -> Vec<Lack> {
    let lack = |holds: bool, what, help| (!holds).then_some(Lack { what, help });
    [
        // Section 5.3.2.1: confidential clients only, authenticated by key or certificate.
        lack(
            proves_a_key(&client.authentication),
            "does not prove itself by a key",
            "write `auth = \"private_key_jwt\"`, `auth = \"tls\"` or `auth = \"self_signed_tls\"`, with what belongs to it",
        ),
        // Section 5.3.2.1: sender-constrained access tokens only.
        lack(
            client.binding != Binding::None,
            "has tokens that are not bound to it",
            "write `bound = \"dpop\"`, `bound = \"certificate\"` or `bound = \"any\"`",
        ),
        // Section 5.3.2.2: PKCE in every request.
        lack(
            client.pkce_required,
            "goes without PKCE",
            "remove `pkce_required = false`",
        ),
        // Section 5.3.2.2: no answer travels without encryption.
        lack(
            client.redirect_uris.iter().all(|uri| is_https(uri)),
            "has a redirect URI that is not `https`",
            "remove it, or give a client on the user's own machine an entry of its own",
        ),
        // Section 5.4.1: PS256, ES256 or EdDSA.
        lack(
            client.id_token_algorithm != Some(Algorithm::Rs256),
            "is given ID tokens signed with RS256",
            "write `id_token_algorithm = \"es256\"` or `id_token_algorithm = \"eddsa\"`",
        ),
        lack(
            !client
                .audiences
                .iter()
                .filter_map(|id| audiences.get(id))
                .any(|audience| audience.format == TokenFormat::Jwt(Algorithm::Rs256)),
            "may ask for access tokens signed with RS256",
            "write `algorithm = \"es256\"` or `algorithm = \"eddsa\"` for its audiences, or `format = \"opaque\"`",
        ),
        lack(
            signs_well(&client.request_objects),
            "signs its requests with an algorithm that is not allowed",
            "write `request_object_algorithm` as `ps256`, `es256` or `eddsa`, or remove it",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn proves_a_key(authentication: &ClientAuthentication) -> bool {
    match authentication {
        ClientAuthentication::PrivateKeyJwt(_)
        | ClientAuthentication::Tls(_)
        | ClientAuthentication::SelfSignedTls(_) => true,
        ClientAuthentication::None | ClientAuthentication::Secret(_) => false,
    }
}

fn is_https(uri: &str) -> bool {
    uri.starts_with("https://")
}

fn signs_well(requests: &RequestObjects) -> bool {
    match requests {
        RequestObjects::Refused => true,
        RequestObjects::Optional(signed) | RequestObjects::Required(signed) => signed
            .algorithm
            .is_none_or(|algorithm| jose::Algorithm::FAPI.contains(&algorithm)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_entry::tests::{SECRET, URIS, client, messages, read_everything};
    use super::super::client_record::Security;
    use super::Algorithm;

    const TLS: &str =
        "fapi = true\nauth = 'tls'\ntls_san_dns = 'app.example'\nbound = 'certificate'";

    fn said(fields: &[&str]) -> Vec<String> {
        let prefix = "the client `wiki` is held to FAPI 2.0 and ";
        let lines = messages(&client(fields)).into_iter();
        lines.map(|line| line.replace(prefix, "")).collect()
    }

    #[test]
    fn a_client_with_a_certificate_and_bound_tokens_lacks_nothing() {
        let clients = read_everything(&client(&[URIS, TLS])).unwrap();
        let client = clients.by_id("wiki").unwrap();
        assert_eq!(client.security, Security::Fapi);
        assert!(client.par_required && client.pkce_required);
        // Whatever the configuration says.
        assert_eq!(client.id_token_algorithm, Some(Algorithm::Es256));
    }

    #[test]
    fn a_secret_and_tokens_for_everybody_are_not_enough() {
        assert_eq!(
            said(&[URIS, SECRET, "fapi = true"]),
            [
                "does not prove itself by a key",
                "has tokens that are not bound to it"
            ]
        );
    }

    #[test]
    fn pkce_https_and_better_signatures_are_wanted() {
        let uris = "redirect_uris = ['http://localhost:3000/']";
        let rest = "pkce_required = false\nid_token_algorithm = 'rs256'";
        assert_eq!(
            said(&[uris, TLS, rest]),
            [
                "goes without PKCE",
                "has a redirect URI that is not `https`",
                "is given ID tokens signed with RS256"
            ]
        );
    }

    #[test]
    fn access_tokens_of_an_api_are_signed_well_or_not_at_all() {
        let text = |api: &str| {
            let entry = client(&[URIS, TLS, "audiences = ['urn:example:api']"]);
            format!("[[audience]]\nid = 'urn:example:api'\n{api}\n{entry}")
        };
        assert_eq!(
            messages(&text("")),
            [
                "the client `wiki` is held to FAPI 2.0 and may ask for access tokens signed with RS256"
            ]
        );
        for good in ["algorithm = 'es256'", "format = 'opaque'"] {
            assert!(read_everything(&text(good)).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_client_that_says_no_is_as_any_other() {
        let clients = read_everything(&client(&[URIS, SECRET, "fapi = false"])).unwrap();
        let client = clients.by_id("wiki").unwrap();
        assert_eq!(client.security, Security::Plain);
        assert!(!client.par_required);
    }
}
