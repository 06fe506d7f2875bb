//! Signing keys come and go while the server runs: clients are told before a key signs, and long enough afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use doorward_tests::{
    ANA, Browser, Installation, RelyingParty, TestClient, TestProvider, Tokens, WIKI, eventually,
};
use serde_json::Value;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::journey::{provider, provider_in, sign_in};

/// A public client that wants ID tokens signed with RSA.
const OLD_FASHIONED: TestClient = TestClient {
    id: "old-fashioned",
    name: "Old-fashioned",
    redirect_uri: "https://old.example.com/callback",
    confidential: false,
};

fn entry() -> String {
    let TestClient {
        id, redirect_uri, ..
    } = OLD_FASHIONED;
    format!(
        "[[client]]\nid = '{id}'\napplication = 'wiki'\nredirect_uris = ['{redirect_uri}']\n\
         public = true\nid_token_algorithm = 'rs256'\n\n"
    )
}

/// The published keys.
async fn published(provider: &TestProvider) -> Vec<Value> {
    let page = provider.get(&provider.url("/jwks")).await;
    page.json()["keys"].as_array().expect("keys").clone()
}

/// Waits until so many keys are published.
async fn published_are(provider: &TestProvider, number: usize) -> Vec<Value> {
    eventually(&format!("{number} keys"), async || {
        let keys = published(provider).await;
        (keys.len() == number).then_some(keys)
    })
    .await
}

/// What the server says of a key.
async fn state(provider: &TestProvider, kid: &str) -> Value {
    let status = provider.operations().status().await;
    let keys = status["keys"].as_array().expect("keys").iter();
    let mut meant = keys.filter(|key| key["id"] == kid).map(|key| &key["state"]);
    meant.next().cloned().unwrap_or_default()
}

/// Runs a command on the keys and gives what it says as JSON.
async fn told(provider: &TestProvider, arguments: &[&str]) -> Value {
    let mut command = vec!["keys"];
    command.extend(arguments);
    command.extend(["--format", "json"]);
    let finished = provider.command(&command).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

async fn retire(provider: &TestProvider, kid: &str) -> (Option<i32>, String) {
    let finished = provider.command(&["keys", "retire", kid]).await;
    (finished.code, finished.stderr)
}

fn kid(tokens: &Tokens) -> String {
    tokens.header["kid"].as_str().expect("a kid").to_owned()
}

/// What comes of an ID token as a hint: none is the right one, or an error.
async fn hint(wiki: &RelyingParty, browser: &mut Browser, token: &str) -> Option<String> {
    let attempt = wiki
        .begin()
        .with("id_token_hint", token)
        .with("prompt", "none");
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    answer.get("error").map(ToOwned::to_owned)
}

#[tokio::test]
async fn a_successor_is_announced_before_it_signs_and_the_old_key_goes_last() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let before = sign_in(&wiki, &mut browser, ANA).await;
    let old = kid(&before);

    let made = told(&provider, &["rotate", "--announce", "8s"]).await;
    assert_eq!(made[0]["state"], "announced");
    let new = made[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(new.len(), 32);
    // Asking twice is asking once.
    let again = told(&provider, &["rotate", "--announce", "8s"]).await;
    assert_eq!(again[0]["id"], made[0]["id"]);

    // A client that looks now knows the key before anything is signed with it.
    let keys = published_are(&provider, 2).await;
    assert!(
        keys.iter().any(|key| key["kid"] == new.as_str()),
        "{keys:?}"
    );
    assert_eq!(state(&provider, &old).await, "signing");
    assert_eq!(state(&provider, &new).await, "announced");
    let wiki = provider.relying_party(WIKI).await;
    eventually("signing by the new key", async || {
        (state(&provider, &new).await == "signing").then_some(())
    })
    .await;
    let verified = sign_in(&wiki, &mut browser, ANA).await;
    assert_eq!(kid(&verified), new);

    // What the old key has signed still counts, until it is retired.
    assert_eq!(hint(&wiki, &mut browser, &before.id_token).await, None);
    let (refused, why) = retire(&provider, &new).await;
    assert_eq!(refused, Some(1), "{why}");
    assert_eq!(retire(&provider, &old).await.0, Some(0));
    published_are(&provider, 1).await;
    let error = hint(&wiki, &mut browser, &before.id_token).await;
    assert_eq!(error.as_deref(), Some("invalid_request"));
    let current = &verified.id_token;
    assert_eq!(hint(&wiki, &mut browser, current).await, None);
}

#[tokio::test]
async fn after_a_leak_a_successor_signs_at_once() {
    let mut provider = provider().await;
    let leaked = published(&provider).await[0]["kid"].clone();
    let leaked = leaked.as_str().expect("a kid");
    told(&provider, &["rotate", "--announce", "0s"]).await;
    assert_eq!(retire(&provider, leaked).await.0, Some(0));
    eventually("another key", async || {
        let keys = published(&provider).await;
        (keys.len() == 1 && keys[0]["kid"] != leaked).then_some(())
    })
    .await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let new = kid(&tokens);
    assert_ne!(new, leaked);

    let keys = told(&provider, &["list"]).await;
    let retired = keys.as_array().expect("keys").iter();
    let retired: Vec<&Value> = retired.filter(|key| key["state"] == "retired").collect();
    assert_eq!(retired.len(), 1);
    assert_eq!(retired[0]["id"], leaked);
    // It does not come back.
    provider.restart().await;
    assert_eq!(published(&provider).await[0]["kid"], new.as_str());
}

#[tokio::test]
async fn a_client_that_wants_another_algorithm_gets_its_key_by_reload() {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let algorithms = async || {
        let discovery = provider.url("/.well-known/openid-configuration");
        provider.get(&discovery).await.json()["id_token_signing_alg_values_supported"].clone()
    };
    assert_eq!(algorithms().await, serde_json::json!(["ES256"]));

    let digest = operations.digest("clients").await;
    files.append("clients.toml", &entry());
    operations.reloaded("clients", &digest).await;
    let keys = published_are(&provider, 2).await;
    assert_eq!(algorithms().await, serde_json::json!(["RS256", "ES256"]));

    let client = provider.relying_party(OLD_FASHIONED).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&client, &mut browser, ANA).await;
    assert_eq!(tokens.header["alg"], "RS256");
    let key = keys.iter().find(|key| key["kid"] == tokens.header["kid"]);
    assert_eq!(key.expect("published")["kty"], "RSA");
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut browser, ANA).await;
    assert_eq!(tokens.header["alg"], "ES256");
}

#[tokio::test]
async fn the_certificate_of_a_key_is_of_that_key() {
    let installation = Installation::new();
    installation.append("clients.toml", &entry());
    let provider = provider_in(installation).await;
    let keys = published(&provider).await;
    let rsa = keys.iter().find(|key| key["alg"] == "RS256");
    let rsa = rsa.expect("a key of RSA");
    let chain = rsa["x5c"].as_array().expect("a chain");
    assert_eq!(chain.len(), 1);
    let der = BASE64.decode(chain[0].as_str().expect("text").as_bytes());
    let der = der.expect("base64");

    let (rest, certificate) = X509Certificate::from_der(&der).expect("a certificate");
    assert!(rest.is_empty());
    let PublicKey::RSA(certified) = certificate.public_key().parsed().expect("a key") else {
        panic!("no key of RSA");
    };
    // A number in DER begins with a zero where its first bit is set.
    let modulus = certified.modulus.strip_prefix(&[0]).expect("a long number");
    assert_eq!(rsa["n"], BASE64URL_NOPAD.encode(modulus));
    assert_eq!(rsa["e"], BASE64URL_NOPAD.encode(certified.exponent));
    assert_eq!(certificate.subject().to_string(), "CN=localhost");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    assert_eq!(rsa["x5t#S256"], BASE64URL_NOPAD.encode(digest.as_ref()));
    let mut others = keys.iter().filter(|key| key["alg"] != "RS256");
    assert!(others.all(|key| key.get("x5c").is_none()));
}

#[tokio::test]
async fn keys_survive_a_restart_and_are_readable_by_their_owner_only() {
    let mut provider = provider().await;
    let before = published(&provider).await;
    provider.restart().await;
    assert_eq!(published(&provider).await, before);
    let database = provider.files().path("state/doorward.db");
    let mode = fs::metadata(database)
        .expect("a database")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_not_retired() {
    let provider = provider().await;
    let (exit, why) = retire(&provider, "no-such-key").await;
    assert_eq!(exit, Some(1));
    assert!(why.contains("there is no key `no-such-key`"), "{why}");
    let finished = provider
        .command(&["keys", "rotate", "--algorithm", "rs256"])
        .await;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
}
