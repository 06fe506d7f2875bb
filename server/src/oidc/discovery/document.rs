//! What stands in the discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2): whatever is
//! advertised works, and nothing else is accepted. What belongs to one endpoint is said in that endpoint's file.

use serde_json::{Map, Value, json};

use crate::directory::clients::{Clients, SubjectType};
use crate::oidc::authorize::{self, ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE};
use crate::oidc::client_host::{self, ClientHost};
use crate::oidc::{client_authentication, dpop, introspect, logout, pushed, revoke, token};

/// What the provider has to offer at this moment.
#[derive(Debug)]
pub struct Offer<'a> {
    /// The issuer, exactly as clients compare it.
    pub issuer: &'a str,
    /// The clients that are live.
    pub clients: &'a Clients,
    /// What ID tokens are signed with, by the names of RFC 7518.
    pub algorithms: Vec<Value>,
    /// The host that asks clients for their certificates, where there is one.
    pub client_host: Option<&'a ClientHost>,
}

/// The members of the document, in the order in which they are written.
pub type Members = Map<String, Value>;

/// One part of the document.
type Part = fn(&Offer<'_>, &mut Members);

/// All parts, in order.
const PARTS: [Part; 15] = [
    endpoints,
    answers,
    token::advertise,
    subjects,
    signatures,
    client_authentication::advertise,
    claims,
    requests,
    logout::advertise,
    introspect::advertise,
    revoke::advertise,
    dpop::advertise,
    pushed::advertise,
    authorize::advertise,
    // The last one: it says again where endpoints are that others have named.
    client_host::advertise,
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

fn answers(offer: &Offer<'_>, members: &mut Members) {
    let mut scopes = vec!["openid", "profile", "email"];
    add_new(&mut scopes, offer.clients.scopes().keys());
    let apis = offer.clients.audiences().values();
    add_new(&mut scopes, apis.flat_map(|api| &api.scopes));
    put(members, "scopes_supported", json!(scopes));
    put(members, "response_types_supported", json!(["code"]));
    let modes = json!(["query", "form_post"]);
    put(members, "response_modes_supported", modes);
}

fn subjects(offer: &Offer<'_>, members: &mut Members) {
    let classes = json!([ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE]);
    put(members, "acr_values_supported", classes);
    let mut types = vec!["public"];
    let mut clients = offer.clients.all();
    if clients.any(|client| client.subject != SubjectType::Public) {
        types.push("pairwise");
    }
    put(members, "subject_types_supported", json!(types));
}

fn signatures(offer: &Offer<'_>, members: &mut Members) {
    let algorithms = json!(offer.algorithms);
    put(members, "id_token_signing_alg_values_supported", algorithms);
}

fn claims(offer: &Offer<'_>, members: &mut Members) {
    put(members, "claim_types_supported", json!(["normal"]));
    let mut names = vec![
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
    ];
    let scopes = offer.clients.scopes().values();
    add_new(&mut names, scopes.flat_map(|scope| scope.claims.keys()));
    put(members, "claims_supported", json!(names));
}

fn requests(_: &Offer<'_>, members: &mut Members) {
    put(members, "claims_parameter_supported", json!(true));
    // RFC 9207, section 3.
    let issuer = "authorization_response_iss_parameter_supported";
    put(members, issuer, json!(true));
    put(members, "code_challenge_methods_supported", json!(["S256"]));
    // OpenID Connect Prompt Create 1.0, section 4.
    let prompts = json!(["none", "login", "select_account"]);
    put(members, "prompt_values_supported", prompts);
}

/// Adds the names that are not there yet.
fn add_new<'a>(names: &mut Vec<&'a str>, more: impl Iterator<Item = &'a String>) {
    for name in more {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
}

fn put(members: &mut Members, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example.com";

    fn made() -> Members {
        made_for(&Clients::default())
    }

    fn made_for(clients: &Clients) -> Members {
        let offer = Offer {
            issuer: ISSUER,
            clients,
            algorithms: vec![json!("ES256")],
            client_host: None,
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
    fn what_the_clients_file_declares_stands_in_it() {
        let text = "[[scope]]\nid = 'staff'\nclaims = { groups = 'groups', email = 'email' }\n\
            [[client]]\nid = 'wiki-web'\npublic = true\nsubject = 'pairwise'\n\
            redirect_uris = ['https://wiki.example.com/callback']\n";
        let clients = Clients::parse_everything(text, "clients.toml").unwrap();
        let members = made_for(&clients.value);
        let has = |member: &str, name: &str| {
            let values = members[member].as_array().unwrap();
            let count = values.iter().filter(|value| **value == name).count();
            assert!(count < 2, "{member}: {name}");
            count == 1
        };
        assert!(has("scopes_supported", "staff") && has("scopes_supported", "profile"));
        assert!(has("claims_supported", "groups") && has("claims_supported", "email"));
        assert!(has("subject_types_supported", "pairwise"));
        let bare = made();
        assert_eq!(bare["subject_types_supported"], json!(["public"]));
        assert_eq!(bare["scopes_supported"].as_array().unwrap()[0], "openid");
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
