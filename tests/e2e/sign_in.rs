//! Signing in where the policies permit it: what the client receives, and what a session is worth.

use doorward_tests::{ANA, BO, JAPAN, Mode, PAYROLL, SINGAPORE, WIKI, now};
use serde_json::Value;

use crate::journey::{arrive, code, provider, sign_in};

#[tokio::test]
async fn a_person_on_a_managed_device_signs_in_and_the_client_can_verify_it() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let before = now().timestamp();
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = wiki.begin();
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    assert_eq!(answer.mode, Mode::Query);
    let tokens = wiki.redeem(&attempt, &answer).await;

    let claims = &tokens.claims;
    assert_eq!(claims["iss"], provider.issuer());
    assert_eq!(claims["sub"], ANA.id);
    assert!(
        claims["aud"] == WIKI.id || claims["aud"][0] == WIKI.id,
        "{claims}"
    );
    assert_eq!(claims["nonce"], attempt.nonce.secret().as_str());
    assert_eq!(claims["preferred_username"], ANA.username);
    assert_eq!(claims["email"], "ana@example.com");
    assert_eq!(claims["email_verified"], true);
    assert_eq!(claims["name"], "The ana of the tests");
    let authenticated = seconds(&claims["auth_time"]);
    assert!(
        (before..=now().timestamp()).contains(&authenticated),
        "{claims}"
    );
    let methods: Vec<&str> = claims["amr"]
        .as_array()
        .expect("methods")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(methods.contains(&"pwd"), "{claims}");
    for name in ["acr", "sid"] {
        assert!(
            claims[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name}: {claims}"
        );
    }
    assert!(seconds(&claims["exp"]) > now().timestamp(), "{claims}");
    assert_eq!(tokens.header["alg"], "ES256");
    assert!(tokens.header["kid"].is_string(), "{}", tokens.header);
}

#[tokio::test]
async fn userinfo_tells_the_client_what_its_scopes_allow() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&wiki, &mut browser, ANA).await;

    let known = wiki.userinfo(&tokens).await;
    assert_eq!(known.subject().as_str(), ANA.id);
    assert_eq!(
        known.preferred_username().expect("a username").as_str(),
        ANA.username
    );
    assert_eq!(
        known.email().expect("an address").as_str(),
        "ana@example.com"
    );

    let narrow = wiki.begin().with("scope", "openid");
    let answer = browser.visit(narrow.url.as_str()).await.answer();
    let tokens = wiki.redeem(&narrow, &answer).await;
    let claims = wiki.userinfo_page(&tokens.access_token).await.json();
    assert_eq!(claims["sub"], ANA.id);
    assert_eq!(claims["email"], Value::Null);
    assert_eq!(claims["preferred_username"], Value::Null);
    assert_eq!(tokens.claims["email"], Value::Null);
}

#[tokio::test]
async fn a_confidential_client_signs_people_in_too() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let tokens = sign_in(&payroll, &mut provider.browser_on("mbp-ana"), ANA).await;
    assert_eq!(tokens.claims["sub"], ANA.id);
}

#[tokio::test]
async fn request_and_answer_can_be_forms() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let attempt = wiki.begin().with("response_mode", "form_post");
    let url = provider.url("/authorize");
    // The client's page posts the request, without our cookies: the browser brings them when it is
    // asked to come again.
    let answer = browser.post(&url, &attempt.parameters()).await.answer();
    assert_eq!(answer.mode, Mode::FormPost);
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["sub"], ANA.id);

    // What is too long for a URL is kept meanwhile.
    let state = "s".repeat(5_000);
    let long = wiki.begin().with("state", &state);
    let answer = browser.post(&url, &long.parameters()).await.answer();
    assert_eq!(answer.get("state"), Some(state.as_str()));
}

#[tokio::test]
async fn a_second_application_opens_without_another_password() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = sign_in(&wiki, &mut browser, ANA).await;

    let attempt = payroll.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    let second = payroll.redeem(&attempt, &answer).await;
    assert_eq!(second.claims["auth_time"], first.claims["auth_time"]);
    assert_eq!(second.claims["sid"], first.claims["sid"]);
    assert_ne!(second.access_token, first.access_token);
}

#[tokio::test]
async fn policies_are_asked_at_each_request_although_there_is_a_session() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    browser.travel(JAPAN);
    let refused = browser.visit(wiki.begin().url.as_str()).await.denied();
    assert!(refused.says("Japan"), "{refused}");

    browser.travel(SINGAPORE);
    code(&wiki, &mut browser).await;
}

#[tokio::test]
async fn two_people_share_a_browser_and_each_gets_a_session_of_their_own() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let ana = sign_in(&wiki, &mut browser, ANA).await;

    // `prompt=login` names Ana and offers another account.
    let attempt = wiki.begin().with("prompt", "login");
    let page = browser.visit(attempt.url.as_str()).await.page();
    let page = browser.follow(&page, "Use another account").await.page();
    assert_eq!(page.field("username").as_deref(), Some(""), "{page}");
    let mut browser = browser.with_certificate(&provider.files().pki.device("mbp-bo"));
    browser.sign_in(&page, BO).await;

    let bo = sign_in(&wiki, &mut browser, BO).await;
    assert_eq!(bo.claims["sub"], BO.id);
    assert_ne!(bo.claims["sid"], ana.claims["sid"]);
}

#[tokio::test]
async fn a_restart_keeps_sessions_and_signing_keys() {
    let mut provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    provider.restart().await;

    // Verified with the keys that the client has read before.
    let attempt = wiki.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    wiki.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn a_sign_in_survives_a_restart_in_the_middle() {
    let mut provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let attempt = wiki.begin();
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(attempt.url.as_str()).await.page();

    provider.restart().await;

    let page = browser.sign_in(&page, ANA).await.page();
    let answer = browser.follow(&page, "Check this device").await.answer();
    wiki.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn the_address_that_a_stranger_writes_into_the_header_is_not_believed() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    // What stands left of the first hop that is no proxy of ours was written by that hop.
    browser.travel(&format!("{SINGAPORE}, {JAPAN}"));
    let refused = arrive(&wiki, &mut browser, ANA).await.denied();
    assert!(refused.says("Japan"), "{refused}");
}

fn seconds(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("not whole seconds: {value}"))
}
