//! OpenID Connect Back-Channel Logout 1.0: clients hear that a session has ended, each by itself, once it has ended and
//! until it has heard. Who ends sessions, and how, is left to `logout` and `forms`.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use doorward_tests::{
    ANA, BO, Browser, Consumer, Installation, PAYROLL, Received, Reply, TestClient, TestProvider,
    Tokens, WIKI, eventually, jwt, now,
};
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};

use crate::journey::{provider_in, sign_in};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Where the wiki and the payroll want to hear of logouts.
const OF_WIKI: &str = "/wiki/logout";
const OF_PAYROLL: &str = "/payroll/logout";

/// A server of both clients, and a provider that knows of it.
async fn both() -> (Consumer, TestProvider) {
    let files = Installation::new();
    let server = Consumer::https(&files).await;
    for path in [OF_WIKI, OF_PAYROLL] {
        server.answer(path, Reply::status(200));
    }
    for (client, path) in [(WIKI, OF_WIKI), (PAYROLL, OF_PAYROLL)] {
        let registered = format!("redirect_uris = ['{}']", client.redirect_uri);
        let url = server.url(path);
        let more = format!("{registered}\nbackchannel_logout_uri = '{url}'");
        files.edit("clients.toml", &registered, &more);
    }
    files.append("doorward.toml", Consumer::CONFIGURATION);
    (server, provider_in(files).await)
}

async fn sign_in_to(provider: &TestProvider, client: TestClient, browser: &mut Browser) -> Tokens {
    let client = provider.relying_party(client).await;
    sign_in(&client, browser, ANA).await
}

/// Signs out as people do.
async fn sign_out(provider: &TestProvider, browser: &mut Browser) {
    let page = browser.visit(&provider.url("/sign-out")).await.page();
    let page = browser.submit(&page, "/sign-out", &[]).await.page();
    assert!(page.says("You are signed out"), "{page}");
}

/// The claims of the logout token in a message, by the rules of section 2.6, with a library that is not ours.
async fn verified(provider: &TestProvider, message: &Received, client: TestClient) -> Value {
    assert_eq!(message.method, "POST");
    let form = message.form();
    assert_eq!(form.len(), 1, "{message:?}");
    let token = &form["logout_token"];
    let (header, claims) = jwt::decoded(token);
    assert_eq!(header["typ"], "logout+jwt");

    let published = provider.get(&provider.url("/jwks")).await.json();
    let keys: CoreJsonWebKeySet = serde_json::from_value(published).unwrap();
    let kid = header["kid"].as_str().expect("a kid");
    let key = keys
        .keys()
        .iter()
        .find(|key| key.key_id().is_some_and(|id| id.as_str() == kid))
        .expect("a published key");
    let algorithm: CoreJwsSigningAlgorithm = serde_json::from_value(header["alg"].clone()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    key.verify_signature(&algorithm, signed.as_bytes(), &signature)
        .expect("a genuine token");

    assert_eq!(claims["iss"], provider.issuer());
    assert_eq!(claims["aud"], json!([client.id]));
    assert_eq!(claims["events"], json!({ EVENT: {} }));
    assert_eq!(claims.get("nonce"), None);
    let at = |name: &str| claims[name].as_i64().expect("seconds");
    assert!((now().timestamp() - at("iat")).abs() <= 30, "{claims}");
    assert_eq!(at("exp") - at("iat"), 120);
    claims
}

#[tokio::test]
async fn every_client_of_a_session_hears_of_its_end() {
    let (server, provider) = both().await;
    let mut browser = provider.browser_on("mbp-ana");
    let wiki = sign_in_to(&provider, WIKI, &mut browser).await;
    let payroll = sign_in_to(&provider, PAYROLL, &mut browser).await;
    // A client is told once, however often its user came by.
    sign_in_to(&provider, WIKI, &mut browser).await;
    assert_eq!(server.count(OF_WIKI) + server.count(OF_PAYROLL), 0);

    sign_out(&provider, &mut browser).await;
    let mut identifiers = BTreeSet::new();
    for (client, path, tokens) in [(WIKI, OF_WIKI, wiki), (PAYROLL, OF_PAYROLL, payroll)] {
        let messages = server.receives(path, 1).await;
        assert_eq!(messages.len(), 1);
        let claims = verified(&provider, &messages[0], client).await;
        assert_eq!(claims["sub"], tokens.claims["sub"]);
        assert_eq!(claims["sid"], tokens.claims["sid"]);
        identifiers.insert(claims["jti"].to_string());
    }
    assert_eq!(identifiers.len(), 2);
}

#[tokio::test]
async fn a_client_that_the_session_never_reached_hears_nothing() {
    let (server, provider) = both().await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in_to(&provider, PAYROLL, &mut browser).await;
    // Another session of the same person goes on.
    let mut elsewhere = provider.browser_on("mbp-ana");
    sign_in_to(&provider, WIKI, &mut elsewhere).await;

    // The client that asks for it hears of it as the others do.
    let url = format!(
        "{}?id_token_hint={}",
        provider.url("/logout"),
        tokens.id_token
    );
    let page = browser.visit(&url).await.page();
    assert!(page.says("You are signed out"), "{page}");
    server.receives(OF_PAYROLL, 1).await;
    assert_eq!(server.count(OF_WIKI), 0);
}

#[tokio::test]
async fn a_message_that_fails_is_sent_again_as_the_same_message() {
    let (server, provider) = both().await;
    server.answer_in_turn(OF_WIKI, [Reply::status(500), Reply::status(200)]);
    let mut browser = provider.browser_on("mbp-ana");
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    let messages = server.receives(OF_WIKI, 2).await;
    let first = verified(&provider, &messages[0], WIKI).await;
    let second = verified(&provider, &messages[1], WIKI).await;
    assert_eq!(first["jti"], second["jti"]);
    assert!(provider.log().contains("answers with status 500"));
}

#[tokio::test]
async fn a_message_survives_a_restart() {
    let (server, mut provider) = both().await;
    server.answer_in_turn(OF_WIKI, [Reply::status(503), Reply::status(204)]);
    let mut browser = provider.browser_on("mbp-ana");
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    // Once the failure is stored, somebody else can send it.
    eventually("a failure", async || {
        provider
            .log()
            .contains("answers with status 503")
            .then_some(())
    })
    .await;
    provider.restart().await;
    let messages = server.receives(OF_WIKI, 2).await;
    verified(&provider, &messages[1], WIKI).await;
}

#[tokio::test]
async fn a_client_that_refuses_is_not_asked_again() {
    let (server, provider) = both().await;
    server.answer(OF_WIKI, Reply::status(400));
    let mut browser = provider.browser_on("mbp-ana");
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    eventually("a refusal in the log", async || {
        let log = provider.log();
        log.contains("refuses to act upon a logout").then_some(())
    })
    .await;
    // The next session of the client is told of, and nothing of this one any more.
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    let messages = server.receives(OF_WIKI, 2).await;
    let first = verified(&provider, &messages[0], WIKI).await;
    let second = verified(&provider, &messages[1], WIKI).await;
    assert_ne!(first["sid"], second["sid"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, provider) = both().await;
    let elsewhere = Reply::status(302).with_header("location", &server.url("/elsewhere"));
    server.answer_in_turn(OF_WIKI, [elsewhere, Reply::status(200)]);
    let mut browser = provider.browser_on("mbp-ana");
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    server.receives(OF_WIKI, 2).await;
    assert_eq!(server.count("/elsewhere"), 0);
}

#[tokio::test]
async fn a_client_that_never_answers_holds_up_nobody() {
    let (server, provider) = both().await;
    server.answer(OF_PAYROLL, Reply::never());
    let mut browser = provider.browser_on("mbp-ana");
    sign_in_to(&provider, PAYROLL, &mut browser).await;
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    server.receives(OF_PAYROLL, 1).await;
    server.receives(OF_WIKI, 1).await;
}

#[tokio::test]
async fn when_somebody_else_signs_in_the_former_session_has_ended() {
    let (server, provider) = both().await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in_to(&provider, WIKI, &mut browser).await;
    let wiki = provider.relying_party(WIKI).await;
    let attempt = wiki.begin().with("prompt", "login");
    let page = browser.visit(attempt.url.as_str()).await.page();
    browser.sign_in(&page, BO).await;
    let messages = server.receives(OF_WIKI, 1).await;
    let claims = verified(&provider, &messages[0], WIKI).await;
    assert_eq!(claims["sub"], ANA.id);
    assert_eq!(claims["sid"], tokens.claims["sid"]);
}

#[tokio::test]
async fn whoever_enters_the_password_again_stays_in_the_same_session() {
    let (server, provider) = both().await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in_to(&provider, WIKI, &mut browser).await;
    let wiki = provider.relying_party(WIKI).await;
    let attempt = wiki.begin().with("prompt", "login");
    let page = browser.visit(attempt.url.as_str()).await.page();
    browser.sign_in(&page, ANA).await.answer();
    sign_out(&provider, &mut browser).await;
    // One message, by the name that the session had from its beginning.
    let messages = server.receives(OF_WIKI, 1).await;
    assert_eq!(messages.len(), 1);
    let claims = verified(&provider, &messages[0], WIKI).await;
    assert_eq!(claims["sid"], tokens.claims["sid"]);
}

#[tokio::test]
async fn a_logout_token_is_no_id_token() {
    let (server, provider) = both().await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in_to(&provider, WIKI, &mut browser).await;
    sign_out(&provider, &mut browser).await;
    let messages = server.receives(OF_WIKI, 1).await;
    let token = messages[0].form()["logout_token"].clone();

    let wiki = provider.relying_party(WIKI).await;
    let hinted = wiki.begin().with("id_token_hint", &token);
    let answer = browser.visit(hinted.url.as_str()).await.answer();
    assert_eq!(answer.error(), "invalid_request");
    let page = wiki.userinfo_page(&token).await;
    assert_eq!(page.status, 401, "{page}");
}
