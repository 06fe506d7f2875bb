//! What stands in the discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2): whatever is
//! advertised works, and nothing else is accepted. What belongs to one endpoint is said in that endpoint's file.

use serde_json::{Map, Value, json};

use crate::directory::clients::Clients;
use crate::oidc::authorize::{ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE};
use crate::oidc::{client_authentication, token};

/// What the provider has to offer at this moment.
#[derive(Debug)]
pub struct Offer<'a> {
    /// The issuer, exactly as clients compare it.
    pub issuer: &'a str,
    /// The clients that are live.
    pub clients: &'a Clients,
    /// What ID tokens are signed with, by the names of RFC 7518.
    pub algorithms: Vec<Value>,
}

/// The members of the document, in the order in which they are written.
pub type Members = Map<String, Value>;

/// One part of the document.
type Part = fn(&Offer<'_>, &mut Members);

/// All parts, in order.
const PARTS: [Part; 8] = [
    endpoints,
    answers,
    token::advertise,
    subjects,
    signatures,
    client_authentication::advertise,
    claims,
    requests,
];

impl Offer<'_> {
    /// The whole document.
    #[must_use]
    pub fn document(&self) -> Members {
        let mut members = Members::new();
        for part in PARTS {
            part(self, &mut members);
        }
        members
    }
}

fn endpoints(offer: &Offer<'_>, members: &mut Members) {
    let issuer = offer.issuer;
    put(members, "issuer", json!(issuer));
    for (name, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/jwks"),
    ] {
        put(members, name, json!(format!("{issuer}{path}")));
    }
}

fn answers(_: &Offer<'_>, members: &mut Members) {
    let scopes = json!(["openid", "profile", "email"]);
    put(members, "scopes_supported", scopes);
    put(members, "response_types_supported", json!(["code"]));
    let modes = json!(["query", "form_post"]);
    put(members, "response_modes_supported", modes);
}

fn subjects(_: &Offer<'_>, members: &mut Members) {
    let classes = json!([ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE]);
    put(members, "acr_values_supported", classes);
    put(members, "subject_types_supported", json!(["public"]));
}

fn signatures(offer: &Offer<'_>, members: &mut Members) {
    let algorithms = json!(offer.algorithms);
    put(members, "id_token_signing_alg_values_supported", algorithms);
}

fn claims(_: &Offer<'_>, members: &mut Members) {
    put(members, "claim_types_supported", json!(["normal"]));
    let names = json!([
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
        "name",
        "preferred_username",
        "email",
        "email_verified",
    ]);
    put(members, "claims_supported", names);
}

fn requests(_: &Offer<'_>, members: &mut Members) {
    put(members, "claims_parameter_supported", json!(false));
    put(members, "request_parameter_supported", json!(false));
    put(members, "request_uri_parameter_supported", json!(false));
    // RFC 9207, section 3.
    let issuer = "authorization_response_iss_parameter_supported";
    put(members, issuer, json!(true));
    put(members, "code_challenge_methods_supported", json!(["S256"]));
    // OpenID Connect Prompt Create 1.0, section 4.
    let prompts = json!(["none", "login", "select_account"]);
    put(members, "prompt_values_supported", prompts);
}

fn put(members: &mut Members, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example.com";

    fn made() -> Members {
        let offer = Offer {
            issuer: ISSUER,
            clients: &Clients::default(),
            algorithms: vec![json!("ES256")],
        };
        offer.document()
    }

    #[test]
    fn every_url_begins_with_the_issuer() {
        let members = made();
        assert_eq!(members["issuer"], ISSUER);
        for (name, value) in &members {
            if name.ends_with("_endpoint") || name.ends_with("_uri") {
                let url = value.as_str().unwrap();
                assert!(url.starts_with(&format!("{ISSUER}/")), "{name}: {url}");
            }
        }
    }

    #[test]
    fn what_is_required_stands_in_it() {
        // OpenID Connect Discovery 1.0, section 3.
        for name in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        ] {
            assert!(made().contains_key(name), "{name}");
        }
    }
}
