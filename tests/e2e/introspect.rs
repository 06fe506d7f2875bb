//! Introspection: an API is told what the tokens stand for that are made for it, a client what its own stand for, and
//! everybody else nothing.

use doorward_tests::{ANA, PAYROLL, Page, TestProvider, WIKI, eventually};
use serde_json::{Value, json};

use crate::access_tokens::{
    DEPOT, ORDERS, SHOP, STOCK, access_token, confidential, redeemed, with_apis,
};
use crate::journey::{provider_in, sign_in};

/// The API of the orders, as a client.
pub(crate) const ORDERS_API: &str = "orders-api";
/// The API of the stock, as a client.
const STOCK_API: &str = "stock-api";

/// A provider with the two APIs, which introspect.
pub(crate) async fn provider() -> TestProvider {
    let introspects = |id: &str, api: &str| confidential(id, &format!("introspects = ['{api}']"));
    let apis = introspects(ORDERS_API, ORDERS) + &introspects(STOCK_API, STOCK);
    provider_in(with_apis(&apis)).await
}

/// What the introspection endpoint answers to this form of a client with the secret.
async fn posted(provider: &TestProvider, client: &str, form: &[(&str, &str)]) -> Page {
    let request = provider
        .http()
        .post(provider.url("/introspect"))
        .basic_auth(client, PAYROLL.secret())
        .form(form);
    Page::read(request.send().await.expect("an answer")).await
}

/// What a client is told of a token.
pub(crate) async fn introspected(provider: &TestProvider, client: &str, token: &str) -> Value {
    let page = posted(provider, client, &[("token", token)]).await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("content-type"), Some("application/json"));
    page.json()
}

/// All that is said of a token that is not active, or not theirs.
pub(crate) fn inactive() -> Value {
    json!({ "active": false })
}

#[tokio::test]
async fn an_api_is_told_what_its_tokens_stand_for() {
    let provider = provider().await;
    let depot = provider.relying_party(DEPOT).await;
    let mut browser = provider.browser_on("mbp-ana");
    for (api, resource, identified) in [(ORDERS_API, ORDERS, true), (STOCK_API, STOCK, false)] {
        let page = redeemed(
            &depot,
            &mut browser,
            |attempt| attempt.with("scope", "openid orders.read"),
            &[("resource", resource)],
        )
        .await;
        let told = introspected(&provider, api, &access_token(&page)).await;
        assert_eq!(told["active"], true, "{told}");
        assert_eq!(told["token_type"], "Bearer");
        assert_eq!(told["iss"], provider.issuer());
        assert_eq!(told["aud"], resource);
        assert_eq!(told["sub"], ANA.id);
        assert_eq!(told["username"], ANA.username);
        assert_eq!(told["client_id"], DEPOT.id);
        let expires = told["exp"].as_i64().expect("a time");
        assert_eq!(told["iat"], json!(expires - 600));
        // RFC 9470, section 6.2.
        assert_eq!(told["acr"], "urn:doorward:acr:password-and-device");
        assert!(told["auth_time"].is_i64(), "{told}");
        assert_eq!(told.get("jti").is_some(), identified, "{told}");
        let scope = told.get("scope").and_then(Value::as_str);
        assert_eq!(scope, identified.then_some("orders.read"));
    }
}

#[tokio::test]
async fn everybody_else_is_told_nothing() {
    let provider = provider().await;
    let depot = provider.relying_party(DEPOT).await;
    let mut browser = provider.browser_on("mbp-ana");
    let for_orders = redeemed(&depot, &mut browser, |it| it, &[("resource", ORDERS)]).await;
    let for_orders = access_token(&for_orders);
    let for_us = redeemed(&depot, &mut browser, |it| it, &[]).await;
    let for_us = access_token(&for_us);
    for (client, token) in [
        (STOCK_API, &*for_orders),
        (PAYROLL.id, &*for_orders),
        (ORDERS_API, &*for_us),
        (PAYROLL.id, &*for_us),
    ] {
        let told = introspected(&provider, client, token).await;
        assert_eq!(told, inactive(), "{client}");
    }
}

#[tokio::test]
async fn a_client_is_told_what_its_own_token_stands_for() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let tokens = sign_in(&payroll, &mut provider.browser_on("mbp-ana"), ANA).await;
    let told = introspected(&provider, PAYROLL.id, &tokens.access_token).await;
    assert_eq!(told["active"], true, "{told}");
    assert_eq!(told["aud"], provider.issuer());
    assert_eq!(told["client_id"], PAYROLL.id);
    assert_eq!(told["scope"], "openid profile email");
}

#[tokio::test]
async fn what_is_no_token_is_not_active() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let tokens = sign_in(&payroll, &mut provider.browser_on("mbp-ana"), ANA).await;
    let altered = format!("{}x", tokens.access_token);
    for token in ["invented", "a.b.c", &tokens.id_token, &altered] {
        let told = introspected(&provider, PAYROLL.id, token).await;
        assert_eq!(told, inactive(), "{token}");
    }
}

#[tokio::test]
async fn a_hint_of_another_kind_changes_nothing() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let tokens = sign_in(&payroll, &mut provider.browser_on("mbp-ana"), ANA).await;
    for hint in ["access_token", "refresh_token", "something"] {
        let form = [
            ("token", tokens.access_token.as_str()),
            ("token_type_hint", hint),
        ];
        let page = posted(&provider, PAYROLL.id, &form).await;
        assert_eq!(page.json()["active"], true, "{page}");
    }
}

#[tokio::test]
async fn the_token_of_a_user_who_was_disabled_is_not_active() {
    let provider = provider().await;
    let shop = provider.relying_party(SHOP).await;
    let tokens = sign_in(&shop, &mut provider.browser_on("mbp-ana"), ANA).await;
    let before = introspected(&provider, ORDERS_API, &tokens.access_token).await;
    assert_eq!(before["active"], true, "{before}");
    provider.files().edit(
        "users.toml",
        "id = 'u-ana'\n",
        "id = 'u-ana'\ndisabled = true\n",
    );
    eventually("the user is gone", async || {
        let told = introspected(&provider, ORDERS_API, &tokens.access_token).await;
        (told == inactive()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_a_client_that_proves_itself_may_ask() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let url = provider.url("/introspect");
    let token = ("token", tokens.access_token.as_str());
    for form in [
        vec![token],
        vec![token, ("client_id", WIKI.id)],
        vec![token, ("client_id", ORDERS_API)],
        vec![token, ("client_id", ORDERS_API), ("client_secret", "wrong")],
    ] {
        let request = provider.http().post(&url).form(&form);
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_eq!(page.status, 401, "{page}");
        assert_eq!(page.json()["error"], "invalid_client");
        assert_eq!(page.json().get("active"), None);
        assert!(page.header("www-authenticate").is_some(), "{page}");
    }
    let missing = posted(&provider, ORDERS_API, &[]).await;
    assert_eq!(missing.status, 400, "{missing}");
    assert_eq!(missing.json()["error"], "invalid_request");
    // A token in a URL is a token in a log (RFC 7662, section 4).
    let by_query = provider.get(&format!("{url}?token=a")).await;
    assert_eq!(by_query.status, 405, "{by_query}");
}

#[tokio::test]
async fn it_is_advertised_and_no_script_may_call_it() {
    let provider = provider().await;
    let document = provider
        .get(&provider.url("/.well-known/openid-configuration"))
        .await
        .json();
    let url = provider.url("/introspect");
    assert_eq!(document["introspection_endpoint"], url);
    let methods = document["introspection_endpoint_auth_methods_supported"]
        .as_array()
        .expect("methods");
    assert!(methods.contains(&json!("client_secret_basic")));
    assert!(!methods.contains(&json!("none")));

    let request = provider
        .http()
        .post(&url)
        .header("origin", "https://shop.example.com")
        .basic_auth(ORDERS_API, PAYROLL.secret())
        .form(&[("token", "invented")]);
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.header("access-control-allow-origin"), None);
}
