//! What entries of the clients file have always been checked for, and what is refused because it is not available yet.
//! Contradictions between keys of the protocol stand in the files below.

mod contradictions;
mod profiles;

use schemars::schema_for;
use serde_json::Value;

use super::super::clients::{Certificates, Clients, Means, schema};
use super::ClientsFile;
use super::protocol::NOT_YET;
use crate::domain::diagnostic::Diagnostic;

pub(in crate::directory) const SECRET: &str =
    "secret = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'";
pub(in crate::directory) const URIS: &str = "redirect_uris = ['https://app.example/callback']";

/// Every key of the protocol with a value, as a file writes it.
const LINES: &[&str] = &[
    "profile = 'oidc-rp'",
    "auth = 'secret'",
    "jwks = { keys = [] }",
    "jwks_uri = 'https://app.example/keys'",
    "tls_subject_dn = 'CN=app'",
    "tls_san_dns = 'app.example'",
    "tls_san_uri = 'urn:app'",
    "tls_san_email = 'app@app.example'",
    "tls_san_ip = '192.0.2.1'",
    "par_required = true",
    "request_object = 'required'",
    "request_object_algorithm = 'ps256'",
    "id_token_algorithm = 'rs256'",
    "acr_required = true",
    "subject = 'pairwise'",
    "sector = 'https://app.example/'",
    "bound = 'none'",
    "refresh = 'never'",
    "refresh_address = 'sign-in'",
    "audiences = []",
    "introspects = []",
    "origins = []",
    "post_logout_redirect_uris = []",
    "backchannel_logout_uri = 'https://app.example/logout'",
    "fapi = true",
    "applications = { a = 'b' }",
    "application_context = 'signed'",
    "entra = { app_id = '', tenants = [] }",
];

pub(in crate::directory) fn client(fields: &[&str]) -> String {
    format!("[[client]]\nid = 'wiki'\n{}\n", fields.join("\n"))
}

/// What the file holds, as if everything were available.
pub(in crate::directory) fn read_everything(text: &str) -> Result<Clients, Vec<Diagnostic>> {
    Clients::parse_everything(text, "clients.toml").map(|built| built.value)
}

/// What is wrong with the file, as if everything were available.
pub(in crate::directory) fn messages(text: &str) -> Vec<String> {
    match read_everything(text) {
        Ok(_) => panic!("accepted"),
        Err(found) => found.into_iter().map(|finding| finding.message).collect(),
    }
}

/// The same with places and help, to be looked at.
fn findings(text: &str) -> String {
    let found = read_everything(text).err().unwrap_or_default();
    found
        .iter()
        .map(|finding| {
            let help = finding.help.as_deref().unwrap_or("-");
            format!("{finding}\n  help: {help}\n")
        })
        .collect()
}

fn refused(text: &str) -> Vec<Diagnostic> {
    match Clients::parse(text, "clients.toml") {
        Ok(_) => panic!("accepted"),
        Err(diagnostics) => diagnostics,
    }
}

fn refused_without(text: &str, not_yet: &[&str]) -> Vec<String> {
    let means = Means {
        not_yet,
        pairwise: true,
        certificates: Certificates::ByNameAndKey,
    };
    read_with(text, means)
}

fn read_with(text: &str, means: Means<'_>) -> Vec<String> {
    match Clients::read(text, "clients.toml", means) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|finding| finding.message).collect(),
    }
}

#[test]
fn a_client_without_secret_is_not_silently_public() {
    let found = refused(&client(&[URIS]));
    assert_eq!(found[0].message, "the client `wiki` has no secret");
}

#[test]
fn a_public_client_has_no_secret() {
    let found = refused(&client(&[URIS, "public = true", SECRET]));
    assert_eq!(
        found[0].message,
        "the client `wiki` is public and has a secret"
    );
}

#[test]
fn only_a_confidential_client_goes_without_pkce() {
    let without = "pkce_required = false";
    let confidential = client(&[URIS, SECRET, without]);
    assert!(Clients::parse(&confidential, "clients.toml").is_ok());
    let found = refused(&client(&[URIS, "public = true", without]));
    assert_eq!(
        found[0].message,
        "the public client `wiki` goes without PKCE"
    );
}

#[test]
fn a_secret_in_the_clear_is_refused_and_not_repeated() {
    let found = refused(&client(&[URIS, "secret = 'hunter2'"]));
    assert!(found[0].message.contains("not a hashed secret"));
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[test]
fn a_refused_redirect_uri_is_named_with_its_client_at_its_place() {
    let found = refused(&client(&[
        SECRET,
        "redirect_uris = ['https://a.example', 'x']",
    ]));
    assert_eq!(
        found[0].message,
        "the redirect URI `x` of client `wiki` is not an absolute URL"
    );
    assert_eq!((found[0].line, found[0].column), (Some(4), Some(39)));
}

#[test]
fn a_client_without_redirect_uri_is_refused() {
    assert!(!refused(&client(&[SECRET, "redirect_uris = []"])).is_empty());
}

#[test]
fn scopes_contain_openid() {
    let found = refused(&client(&[URIS, SECRET, "scopes = ['profile']"]));
    assert_eq!(
        found[0].message,
        "the scopes of client `wiki` lack `openid`"
    );
    assert!(!refused(&client(&[URIS, SECRET, "scopes = ['openid', 'a b']"])).is_empty());
}

#[test]
fn an_id_belongs_to_one_client() {
    let one = client(&[URIS, SECRET]);
    let found = refused(&[one.clone(), one].concat());
    assert_eq!(found[0].message, "the id `wiki` is used twice");
    assert_eq!(
        found[0].help.as_deref(),
        Some("it is used first at clients.toml:2:6")
    );
}

#[test]
fn the_schema_names_every_key() {
    let schema = serde_json::to_string(&schema()).unwrap();
    for key in [
        "redirect_uris",
        "secret",
        "public",
        "pkce_required",
        "scopes",
    ] {
        assert!(schema.contains(key), "{key}");
    }
}

#[test]
fn what_is_not_available_is_answered_at_its_place() {
    for line in LINES {
        let key = line.split(' ').next().unwrap();
        if NOT_YET.contains(&key) {
            let found = refused(&client(&[URIS, SECRET, line]));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].message, format!("`{key}` is not available yet"));
            assert_eq!(found[0].line, Some(5), "{key}");
        }
    }
}

#[test]
fn a_value_may_be_available_later_than_its_key() {
    let text = client(&[URIS, SECRET, "refresh = 'session'"]);
    let message = r#"`refresh = "session"` is not available yet"#;
    assert_eq!(
        refused_without(&text, &[r#"refresh = "session""#]),
        [message]
    );
    assert!(refused_without(&text, &[r#"refresh = "offline""#]).is_empty());
}

#[test]
fn pairwise_subjects_need_a_key() {
    let text = client(&[URIS, SECRET, "subject = 'pairwise'"]);
    let said = |pairwise| {
        let means = Means {
            not_yet: &[],
            pairwise,
            certificates: Certificates::ByNameAndKey,
        };
        read_with(&text, means)
    };
    let message = "the client `wiki` has pairwise subjects, and there is no key to make them with";
    assert_eq!(said(false), [message]);
    assert!(said(true).is_empty());
}

#[test]
fn certificates_need_a_host_that_asks_for_them_and_names_somebody_who_vouches() {
    let said = |certificates, fields: &str| {
        let means = Means {
            not_yet: &[],
            pairwise: true,
            certificates,
        };
        read_with(&client(&[URIS, fields]), means)
    };
    let named = "auth = 'tls'\ntls_san_dns = 'app.example'";
    let known = "auth = 'self_signed_tls'\njwks_uri = 'https://app.example/keys'";
    let bound = "public = true\nbound = 'certificate'";
    for fields in [named, known, bound] {
        let found = said(Certificates::NotAskedFor, fields);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("no host that asks for certificates"));
        assert!(said(Certificates::ByNameAndKey, fields).is_empty());
    }
    assert!(said(Certificates::ByKey, known).is_empty());
    assert!(said(Certificates::ByKey, bound).is_empty());
    let message = "no authority vouches for the certificate of client `wiki`";
    assert_eq!(said(Certificates::ByKey, named), [message]);
}

#[test]
fn tables_that_are_not_available_are_answered_once() {
    let text = "[[scope]]\nid = 'a'\n[[scope]]\nid = 'b'\n[[audience]]\nid = 'urn:a'\n";
    let not_yet = ["[[scope]]", "[[audience]]"];
    assert_eq!(
        refused_without(text, &not_yet),
        [
            "`[[scope]]` is not available yet",
            "`[[audience]]` is not available yet"
        ]
    );
    assert!(refused_without(text, &[]).is_empty());
}

#[test]
fn before_scopes_can_be_declared_any_word_is_one() {
    let text = client(&[
        URIS,
        SECRET,
        "scopes = ['openid', 'groups', 'offline_access']",
    ]);
    assert!(refused_without(&text, &["[[scope]]", "refresh"]).is_empty());
    assert_eq!(
        messages(&text),
        [
            "the scope `groups` of client `wiki` is not declared",
            "the client `wiki` may ask for `offline_access` and is not given it"
        ]
    );
}

#[test]
fn words_that_are_not_available_are_words_of_the_file() {
    let everything = schema_for!(ClientsFile).to_value();
    for word in NOT_YET {
        let key = word.split(' ').next().unwrap();
        let place = match key
            .strip_prefix("[[")
            .and_then(|key| key.strip_suffix("]]"))
        {
            Some(table) => format!("/properties/{table}"),
            None => format!("/$defs/ClientEntry/properties/{key}"),
        };
        assert!(everything.pointer(&place).is_some(), "{word}");
    }
}

#[test]
fn the_schema_offers_only_what_is_available() {
    let offered = schema().to_value();
    let text = offered.to_string();
    let properties = offered.pointer("/$defs/ClientEntry/properties");
    let names: Vec<&String> = properties
        .and_then(Value::as_object)
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names[..3], ["id", "name", "application"]);
    for word in NOT_YET {
        assert!(!names.iter().any(|name| name == word), "{word}");
    }
    let definitions = offered["$defs"].as_object().unwrap();
    for name in definitions.keys() {
        assert!(text.contains(&format!("#/$defs/{name}")), "{name}");
    }
}
