//! The use of tokens that are bound to a key (RFC 9449): whoever has stolen one has nothing. How they come to be bound is
//! tried in `dpop.rs`.

use doorward_tests::{ANA, Page, TestKey, TestProvider, WIKI, jwt};
use reqwest::Method;
use serde_json::{Value, json};

use crate::dpop::{App, Form, NOTES, assert_error, claims, proof};
use crate::journey::sign_in;

/// What userinfo answers to this `Authorization`, with these proofs.
async fn asked(
    provider: &TestProvider,
    method: Method,
    authorization: &str,
    proofs: &[&str],
) -> Page {
    let mut request = provider
        .http()
        .request(method, provider.url("/userinfo"))
        .header("authorization", authorization);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    Page::read(request.send().await.expect("an answer")).await
}

/// What a good proof says for a request to userinfo with this token.
fn use_of(provider: &TestProvider, method: &str, token: &str) -> Value {
    let mut said = claims(method, &provider.url("/userinfo"));
    said["ath"] = json!(jwt::sha256(token));
    said
}

fn access_token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().expect("an access token")
}

/// The form that uses the refresh token of these tokens.
fn refresh(tokens: &Value) -> Form {
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    Form::from([
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), token.to_owned()),
        ("client_id".to_owned(), NOTES.id.to_owned()),
    ])
}

/// Asserts that nothing is told, and how the client is to do better.
#[track_caller]
fn assert_refused(page: &Page, challenge: &str, what: &str) {
    assert_eq!(page.status, 401, "{what}: {page}");
    let shown = page.header("www-authenticate").expect("a challenge");
    assert!(shown.starts_with(challenge), "{what}: {shown}");
    // RFC 9449, section 7.1.
    assert!(shown.contains("DPoP ") && shown.contains("algs=\"RS256 "));
    assert!(!page.body.contains(ANA.id), "{what}: {page}");
}

const INVALID_TOKEN: &str = "DPoP error=\"invalid_token\"";
const INVALID_PROOF: &str = "DPoP error=\"invalid_dpop_proof\"";

#[tokio::test]
async fn whoever_has_the_key_uses_the_token() {
    let mut app = App::start(NOTES).await;
    for key in [TestKey::es256(), TestKey::ed25519()] {
        let tokens = app.tokens(&key).await;
        let token = access_token(&tokens);
        for method in [Method::GET, Method::POST] {
            for scheme in ["DPoP", "dpop"] {
                let said = use_of(&app.provider, method.as_str(), token);
                let authorization = format!("{scheme} {token}");
                let proof = proof(&key, &said);
                let page = asked(&app.provider, method.clone(), &authorization, &[&proof]).await;
                assert_eq!(page.status, 200, "{page}");
                assert_eq!(page.json()["sub"], ANA.id);
            }
        }
    }
}

#[tokio::test]
async fn a_stolen_token_is_worth_nothing_without_its_key() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let tokens = app.tokens(&key).await;
    let token = access_token(&tokens);
    let provider = &app.provider;
    let sent = async |proofs: &[&str]| {
        asked(provider, Method::GET, &format!("DPoP {token}"), proofs).await
    };
    let thief = proof(&TestKey::es256(), &use_of(provider, "GET", token));
    assert_refused(&sent(&[&thief]).await, INVALID_TOKEN, "another key");
    assert_refused(&sent(&[]).await, INVALID_PROOF, "no proof");

    let good = proof(&key, &use_of(provider, "GET", token));
    assert_eq!(sent(&[&good]).await.status, 200);
    assert_refused(&sent(&[&good]).await, INVALID_PROOF, "a second time");
    let other = proof(&key, &use_of(provider, "GET", token));
    assert_refused(&sent(&[&good, &other]).await, INVALID_PROOF, "two");
    assert_eq!(sent(&[&other]).await.status, 200);
}

#[tokio::test]
async fn a_proof_is_for_the_token_the_method_and_the_endpoint() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let tokens = app.tokens(&key).await;
    let token = access_token(&tokens);
    let provider = &app.provider;
    let id_token = tokens["id_token"].as_str().expect("an ID token");
    for (name, value) in [
        ("ath", json!(jwt::sha256(id_token))),
        ("ath", json!(token)),
        ("ath", Value::Null),
        ("htm", json!("POST")),
        ("htu", json!(provider.url("/token"))),
        ("htu", json!("https://api.example.com/userinfo")),
    ] {
        let what = format!("{name} {value}");
        let mut said = use_of(provider, "GET", token);
        said[name] = value;
        let wrong = proof(&key, &said);
        let page = asked(provider, Method::GET, &format!("DPoP {token}"), &[&wrong]).await;
        assert_refused(&page, INVALID_PROOF, &what);
    }
    // One for the token endpoint has no `ath`, and is for that endpoint.
    let said = claims("GET", &provider.url("/userinfo"));
    let wrong = proof(&key, &said);
    let page = asked(provider, Method::GET, &format!("DPoP {token}"), &[&wrong]).await;
    assert_refused(&page, INVALID_PROOF, "no ath");
}

#[tokio::test]
async fn a_bound_token_is_none_of_a_bearer_and_the_other_way_round() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let tokens = app.tokens(&key).await;
    let token = access_token(&tokens);
    let provider = &app.provider;
    let good = proof(&key, &use_of(provider, "GET", token));
    for proofs in [&[][..], &[&*good]] {
        let page = asked(provider, Method::GET, &format!("Bearer {token}"), proofs).await;
        assert_refused(&page, "Bearer error=\"invalid_token\"", "as a bearer");
    }

    let wiki = provider.relying_party(WIKI).await;
    let free = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let free = free.access_token.as_str();
    let good = proof(&key, &use_of(provider, "GET", free));
    let page = asked(provider, Method::GET, &format!("DPoP {free}"), &[&good]).await;
    assert_refused(&page, INVALID_TOKEN, "bound to nothing");
    assert_eq!(wiki.userinfo_page(free).await.status, 200);
}

#[tokio::test]
async fn the_refresh_token_of_a_public_client_is_bound_to_the_key() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::ed25519();
    let tokens = app.tokens(&key).await;
    let form = refresh(&tokens);

    let thief = proof(&TestKey::ed25519(), &app.claims());
    let page = app.post(&form, &[&thief]).await;
    assert_error(&page, "invalid_grant", "another key");
    let page = app.post(&form, &[]).await;
    assert_error(&page, "invalid_dpop_proof", "no proof");

    // Neither has used it up.
    let page = app.post(&form, &[&proof(&key, &app.claims())]).await;
    assert_eq!(page.status, 200, "{page}");
    let renewed = page.json();
    assert_eq!(renewed["token_type"], "DPoP");
    let token = access_token(&renewed);
    let good = proof(&key, &use_of(&app.provider, "GET", token));
    let provider = &app.provider;
    let page = asked(provider, Method::GET, &format!("DPoP {token}"), &[&good]).await;
    assert_eq!(page.status, 200, "{page}");

    // The next one is bound to the same.
    let form = refresh(&renewed);
    let thief = proof(&TestKey::ed25519(), &app.claims());
    assert_error(&app.post(&form, &[&thief]).await, "invalid_grant", "next");
    let page = app.post(&form, &[&proof(&key, &app.claims())]).await;
    assert_eq!(page.status, 200, "{page}");
}
