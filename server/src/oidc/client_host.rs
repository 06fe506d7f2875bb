//! The host that asks clients for their certificates (RFC 8705): where it is, which authorities it believes, and what the
//! discovery document says of it. Browsers have no business there, so the main host never asks them for a certificate.

use serde_json::{Map, Value, json};
use url::Url;

use super::discovery::{Members, Offer};
use crate::reload::Live;
use crate::signals::certificate::CertificateTrust;

/// The endpoints that are there as well as at the issuer (RFC 8705, section 5).
const ENDPOINTS: [&str; 5] = [
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "userinfo_endpoint",
    "pushed_authorization_request_endpoint",
];

/// The host, for whoever has to know of it.
#[derive(Debug)]
pub struct ClientHost {
    /// Its origin, without a slash at the end.
    pub origin: String,
    /// Who may vouch for clients; nothing where clients are known by their keys alone.
    pub trust: Option<Live<CertificateTrust>>,
}

impl ClientHost {
    /// The host at this URL.
    #[must_use]
    pub fn new(url: &Url, trust: Option<Live<CertificateTrust>>) -> Self {
        Self {
            origin: url.origin().ascii_serialization(),
            trust,
        }
    }

    /// The URL of an endpoint there.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// How clients can prove themselves there, by the names of RFC 8705, sections 2.1.1 and 2.2.1.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        let by_name = self.trust.as_ref().map(|_| "tls_client_auth");
        let by_key = Some("self_signed_tls_client_auth");
        by_name.into_iter().chain(by_key).collect()
    }
}

/// What the discovery document says of it: nothing where there is none.
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let Some(host) = offer.client_host else {
        return;
    };
    let mut aliases = Map::new();
    for name in ENDPOINTS {
        let path = members
            .get(name)
            .and_then(Value::as_str)
            .and_then(|url| url.strip_prefix(offer.issuer));
        if let Some(path) = path {
            aliases.insert(name.to_owned(), json!(host.endpoint(path)));
        }
    }
    // RFC 8705, section 3.3.
    let bound = "tls_client_certificate_bound_access_tokens";
    members.insert(bound.to_owned(), json!(true));
    members.insert("mtls_endpoint_aliases".to_owned(), Value::Object(aliases));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::Clients;

    const ISSUER: &str = "https://id.example.com";

    fn host(trust: bool) -> ClientHost {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let trust = trust.then(|| Live::fixed("client-trust", CertificateTrust::nobody(), now));
        let url = Url::parse("https://mtls.id.example.com:8445/").unwrap();
        ClientHost::new(&url, trust)
    }

    fn document(host: Option<&ClientHost>) -> Members {
        let offer = Offer {
            issuer: ISSUER,
            clients: &Clients::default(),
            algorithms: vec![json!("ES256")],
            client_host: host,
        };
        offer.document()
    }

    #[test]
    fn without_the_host_nothing_is_said_of_certificates() {
        let document = Value::Object(document(None)).to_string();
        for word in ["mtls", "tls_client"] {
            assert!(!document.contains(word), "{document}");
        }
    }

    #[test]
    fn every_alias_is_the_endpoint_of_the_same_path() {
        let document = document(Some(&host(true)));
        let aliases = document["mtls_endpoint_aliases"].as_object().unwrap();
        assert!(aliases.contains_key("token_endpoint"));
        for (name, alias) in aliases {
            let path = document[name].as_str().unwrap().strip_prefix(ISSUER);
            let expected = host(true).endpoint(path.unwrap());
            assert_eq!(alias, &json!(expected), "{name}");
        }
        assert_eq!(
            aliases["token_endpoint"],
            "https://mtls.id.example.com:8445/token"
        );
        assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
    }

    #[test]
    fn names_are_offered_only_where_somebody_vouches_for_them() {
        for (trust, expected) in [(true, true), (false, false)] {
            let document = document(Some(&host(trust)));
            for member in [
                "token_endpoint_auth_methods_supported",
                "introspection_endpoint_auth_methods_supported",
            ] {
                let methods = document[member].as_array().unwrap();
                let has = |method: &str| methods.iter().any(|known| known == method);
                assert_eq!(has("tls_client_auth"), expected, "{member}");
                assert!(has("self_signed_tls_client_auth"), "{member}");
            }
        }
    }
}
