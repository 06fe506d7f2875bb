//! Revocation: a client gives back what it was given, an access token by itself and a refresh token with its whole
//! grant. What others were given stays.

use doorward_tests::{ANA, Installation, PAYROLL, Page, TestClient, TestProvider, WIKI};
use reqwest::Method;
use serde_json::json;

use crate::access_tokens::{SHOP, confidential};
use crate::introspect::{ORDERS_API, inactive, introspected, provider};
use crate::journey::{code, provider_in, sign_in};

/// A confidential client that may refresh.
const NOTES: TestClient = TestClient {
    id: "notes-web",
    name: "Notes",
    redirect_uri: "https://notes-web.example.com/callback",
    confidential: true,
};

/// What the revocation endpoint answers to this form of this client.
async fn revoked(provider: &TestProvider, client: TestClient, form: &[(&str, &str)]) -> Page {
    let mut fields = form.to_vec();
    fields.push(("client_id", client.id));
    if let Some(secret) = client.secret() {
        fields.push(("client_secret", secret));
    }
    let request = provider.http().post(provider.url("/revoke")).form(&fields);
    Page::read(request.send().await.expect("an answer")).await
}

fn assert_done(page: &Page) {
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.body, "");
}

#[tokio::test]
async fn an_access_token_that_was_given_back_opens_nothing() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&wiki, &mut browser, ANA).await;
    let others = sign_in(&wiki, &mut browser, ANA).await;
    let token = tokens.access_token.as_str();
    assert_eq!(wiki.userinfo_page(token).await.status, 200);

    assert_done(&revoked(&provider, WIKI, &[("token", token)]).await);
    assert_eq!(wiki.userinfo_page(token).await.status, 401);
    // Once more is no error: the client has what it wanted (RFC 7009, section 2.2).
    assert_done(&revoked(&provider, WIKI, &[("token", token)]).await);
    // What was made from another code stays.
    let page = wiki.userinfo_page(&others.access_token).await;
    assert_eq!(page.status, 200, "{page}");
}

#[tokio::test]
async fn a_jwt_that_was_given_back_is_not_active() {
    let provider = provider().await;
    let shop = provider.relying_party(SHOP).await;
    let tokens = sign_in(&shop, &mut provider.browser_on("mbp-ana"), ANA).await;
    let token = tokens.access_token.as_str();
    let before = introspected(&provider, ORDERS_API, token).await;
    assert_eq!(before["active"], true, "{before}");
    assert_done(&revoked(&provider, SHOP, &[("token", token)]).await);
    let after = introspected(&provider, ORDERS_API, token).await;
    assert_eq!(after, inactive());
}

#[tokio::test]
async fn the_token_of_another_client_is_refused_and_stays() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let token = tokens.access_token.as_str();
    for thief in [PAYROLL, SHOP] {
        let page = revoked(&provider, thief, &[("token", token)]).await;
        assert_eq!(page.status, 400, "{page}");
        assert_eq!(page.json()["error"], "invalid_grant");
    }
    assert_eq!(wiki.userinfo_page(token).await.status, 200);
}

#[tokio::test]
async fn what_is_no_token_is_given_back_without_a_word() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    for token in ["invented", "a.b.c", &tokens.id_token] {
        assert_done(&revoked(&provider, WIKI, &[("token", token)]).await);
    }
    // Nothing was taken for the access token that goes with the ID token.
    let page = wiki.userinfo_page(&tokens.access_token).await;
    assert_eq!(page.status, 200, "{page}");
}

#[tokio::test]
async fn a_hint_does_not_keep_a_token_alive() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    for hint in ["access_token", "refresh_token", "something"] {
        let tokens = sign_in(&wiki, &mut browser, ANA).await;
        let token = tokens.access_token.as_str();
        let form = [("token", token), ("token_type_hint", hint)];
        assert_done(&revoked(&provider, WIKI, &form).await);
        assert_eq!(wiki.userinfo_page(token).await.status, 401, "{hint}");
    }
}

#[tokio::test]
async fn a_client_says_who_it_is_and_what_it_gives_back() {
    let provider = provider().await;
    let request = provider
        .http()
        .post(provider.url("/revoke"))
        .form(&[("token", "a"), ("client_id", PAYROLL.id)]);
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(page.status, 401, "{page}");
    assert_eq!(page.json()["error"], "invalid_client");
    let page = revoked(&provider, WIKI, &[]).await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_request");
    let page = provider.get(&provider.url("/revoke?token=a")).await;
    assert_eq!(page.status, 405, "{page}");
}

#[tokio::test]
async fn with_a_refresh_token_goes_all_that_was_made_from_its_grant() {
    let files = Installation::new();
    let entry = confidential(NOTES.id, "refresh = 'session'");
    files.append("clients.toml", &entry);
    let provider = provider_in(files).await;
    let notes = provider.relying_party(NOTES).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&notes, &mut browser, ANA).await;
    let (attempt, code) = code(&notes, &mut browser).await;
    let page = notes.token_page(&notes.redemption(&attempt, &code)).await;
    let tokens = page.json();
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));

    // RFC 7662: a refresh token is known to its own client only.
    let told = introspected(&provider, NOTES.id, &refresh).await;
    assert_eq!(told["active"], true, "{told}");
    assert_eq!(told["client_id"], NOTES.id);
    assert_eq!(told["sub"], ANA.id);
    assert_eq!(told.get("token_type"), None);
    let told = introspected(&provider, PAYROLL.id, &refresh).await;
    assert_eq!(told, inactive());

    // Neither may another client give it back.
    let page = revoked(&provider, PAYROLL, &[("token", refresh.as_str())]).await;
    assert_eq!(page.json()["error"], "invalid_grant", "{page}");
    assert_eq!(notes.userinfo_page(&access).await.status, 200);

    assert_done(&revoked(&provider, NOTES, &[("token", refresh.as_str())]).await);
    assert_eq!(notes.userinfo_page(&access).await.status, 401);
    let told = introspected(&provider, NOTES.id, &refresh).await;
    assert_eq!(told, inactive());
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", NOTES.id),
        ("client_secret", NOTES.secret().expect("a secret")),
    ];
    let request = provider.http().post(provider.url("/token")).form(&form);
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(page.json()["error"], "invalid_grant", "{page}");
}

#[tokio::test]
async fn it_is_advertised_and_for_the_pages_of_public_clients() {
    let provider = provider().await;
    let document = provider
        .get(&provider.url("/.well-known/openid-configuration"))
        .await
        .json();
    assert_eq!(document["revocation_endpoint"], provider.url("/revoke"));
    let methods = document["revocation_endpoint_auth_methods_supported"]
        .as_array()
        .expect("methods");
    for method in ["client_secret_basic", "none"] {
        assert!(methods.contains(&json!(method)), "{method}");
    }
    for (origin, readable) in [
        ("https://wiki.example.com", true),
        ("https://payroll.example.com", false),
    ] {
        let request = provider
            .http()
            .request(Method::OPTIONS, provider.url("/revoke"))
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let page = Page::read(request.send().await.expect("an answer")).await;
        let allowed = page.header("access-control-allow-origin");
        assert_eq!(allowed, readable.then_some(origin), "{page}");
    }
}
