//! Too much of something, or the same thing twice, at every endpoint: parameters, bodies, headers, and the depth of JSON.
//! What single endpoints make of a repeated parameter that they know is left to their own tests.

use doorward_tests::{Page, TestKey, TestProvider, WIKI};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::dpop;
use crate::journey::provider;
use crate::private_key_jwt::{
    APP, KIND, assert_unproved, assertion, claims, present, provider_with,
};
use crate::request_objects;

/// What people visit by a link.
const BY_LINK: [&str; 4] = [
    "/authorize",
    "/authorize/device",
    "/authorize/resume",
    "/logout",
];
/// What a browser posts a form to.
const BY_FORM: [&str; 5] = [
    "/authorize",
    "/authorize/return",
    "/logout",
    "/sign-in",
    "/sign-out",
];
/// What clients post a form to.
const CALLED: [&str; 4] = ["/introspect", "/par", "/revoke", "/token"];

/// Every parameter that means something anywhere, and one that nobody knows.
const PARAMETERS: [&str; 37] = [
    "account",
    "acr_values",
    "claims",
    "client-request-id",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "csrf",
    "device",
    "dpop_jkt",
    "grant_type",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nobody_knows",
    "nonce",
    "password",
    "post_logout_redirect_uri",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "registration",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
    "transaction",
    "username",
];

/// Longest value and most parameters that are taken.
const LONGEST: usize = 8 * 1024;
const MOST: usize = 64;
/// Longest body.
const LONGEST_BODY: usize = 64 * 1024;

async fn answer(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("an answer")).await
}

/// Posts this text as a form.
fn posted(provider: &TestProvider, path: &str, body: String) -> RequestBuilder {
    let request = provider.http().post(provider.url(path));
    let kind = "application/x-www-form-urlencoded";
    request.header("content-type", kind).body(body)
}

/// Asserts that a person is told so on a page, and that the browser is sent nowhere.
fn assert_page(page: &Page, what: &str) {
    assert_eq!(page.status, 400, "{what}: {page}");
    assert_eq!(page.header("location"), None, "{what}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{what}");
    let policy = page.header("content-security-policy");
    assert!(policy.is_some(), "{what}: {page}");
    assert!(page.set_cookies().is_empty(), "{what}: {page}");
}

/// Asserts that a client is told so in JSON.
fn assert_json(page: &Page, what: &str) {
    assert_eq!(page.status, 400, "{what}: {page}");
    assert_eq!(page.json()["error"], "invalid_request", "{what}: {page}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{what}");
}

/// Asserts that every endpoint refuses these parameters.
async fn assert_refused_everywhere(provider: &TestProvider, encoded: &str, what: &str) {
    for path in BY_LINK {
        let page = provider
            .get(&provider.url(&format!("{path}?{encoded}")))
            .await;
        assert_page(&page, &format!("{path}, {what}"));
    }
    for path in BY_FORM {
        let page = answer(posted(provider, path, encoded.to_owned())).await;
        assert_page(&page, &format!("POST {path}, {what}"));
    }
    for path in CALLED {
        let page = answer(posted(provider, path, encoded.to_owned())).await;
        assert_json(&page, &format!("POST {path}, {what}"));
    }
}

/// RFC 6749, sections 3.1 and 3.2.
#[tokio::test]
async fn no_parameter_stands_twice_at_any_endpoint() {
    let provider = provider().await;
    for name in PARAMETERS {
        let encoded = format!("{name}=a&other=x&{name}=b");
        assert_refused_everywhere(&provider, &encoded, name).await;
    }
    for (what, encoded) in [
        ("the same value", "state=a&state=a"),
        ("no value", "state=&state="),
        ("one without a value", "state=a&state="),
        ("another spelling", "state=a&%73tate=b"),
        ("no name", "=a&=b"),
    ] {
        assert_refused_everywhere(&provider, encoded, what).await;
    }
}

#[tokio::test]
async fn what_is_longer_than_anybody_needs_is_refused_at_every_endpoint() {
    let provider = provider().await;
    let value = "x".repeat(LONGEST + 1);
    let many: Vec<String> = (0..=MOST).map(|number| format!("p{number}=x")).collect();
    for (what, encoded) in [
        ("a long value", format!("state={value}")),
        ("a long name", format!("{value}=x")),
        ("many parameters", many.join("&")),
    ] {
        assert_refused_everywhere(&provider, &encoded, what).await;
    }

    // What just fits is looked at.
    let value = "x".repeat(LONGEST);
    let many: Vec<String> = (1..MOST).map(|number| format!("p{number}=x")).collect();
    for fits in [format!("state={value}"), many.join("&")] {
        let body = format!("client_id={}&{fits}", WIKI.id);
        let page = answer(posted(&provider, "/token", body)).await;
        assert_json(&page, "what fits");
        assert!(page.body.contains("grant_type is missing"), "{page}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_at_every_endpoint() {
    let provider = provider().await;
    for path in BY_FORM.into_iter().chain(CALLED) {
        for (accept, kind) in [
            ("text/html", "text/html; charset=utf-8"),
            ("application/json", "application/json"),
        ] {
            let body = "x".repeat(LONGEST_BODY + 1);
            let request = posted(&provider, path, body).header("accept", accept);
            let page = answer(request).await;
            assert_eq!(page.status, 413, "{path}: {page}");
            assert_eq!(page.header("content-type"), Some(kind), "{path}");
            assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
            let sniffing = page.header("x-content-type-options");
            assert_eq!(sniffing, Some("nosniff"), "{path}");
            let policy = page.header("content-security-policy");
            assert!(policy.is_some(), "{path}: {page}");
        }
        let page = answer(posted(&provider, path, "x".repeat(LONGEST_BODY))).await;
        assert_eq!(page.status, 400, "{path}: {page}");
    }
}

#[tokio::test]
async fn long_headers_prove_nothing() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let long = "x".repeat(9 * 1024);
    let page = wiki.userinfo_page(&long).await;
    assert_eq!(page.status, 401, "{page}");

    let form = wiki.redemption(&wiki.begin(), "invented");
    let request = provider.http().post(provider.url("/token"));
    let page = answer(request.basic_auth(WIKI.id, Some(&long)).form(&form)).await;
    assert_eq!(page.status, 401, "{page}");
    assert_eq!(page.json()["error"], "invalid_client");

    let key = TestKey::es256();
    let mut said = dpop::claims("POST", &provider.url("/token"));
    said["more"] = json!(long);
    let proof = dpop::proof(&key, &said);
    let request = provider.http().post(provider.url("/token"));
    let page = answer(request.header("dpop", proof).form(&form)).await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_dpop_proof");
}

/// The text of an object with a member that nests this deep.
fn nesting(said: &Value, depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    let member = format!(r#"{{"deep":{open}{close},"#);
    said.to_string().replacen('{', &member, 1)
}

#[tokio::test]
async fn json_that_nests_too_deep_is_refused_wherever_it_is_signed() {
    let key = TestKey::es256();
    let provider = provider_with(&[key.jwk()]).await;
    let app = provider.relying_party(APP).await;
    let header = json!({"alg": key.algorithm(), "kid": key.kid()});
    let bearing = json!({"typ": "dpop+jwt", "alg": key.algorithm(), "jwk": key.bare_jwk()});
    let token = provider.url("/token");
    for depth in [17, 1500] {
        let what = format!("{depth} levels");
        let said = claims(&provider, APP.id);
        let in_claims = key.sign(&header.to_string(), &nesting(&said, depth));
        let in_header = key.sign(&nesting(&header, depth), &said.to_string());
        for text in [in_claims, in_header] {
            assert_unproved(&present(&provider, &text).await, &what);
        }

        let said = request_objects::claims(&provider, APP, &app.begin());
        let object = key.sign(&header.to_string(), &nesting(&said, depth));
        let endpoint = provider.url("/authorize");
        let url = format!("{endpoint}?client_id={}&request={object}", APP.id);
        let page = provider.get(&url).await;
        assert_page(&page, &what);
        assert!(page.says("signed request"), "{what}: {page}");

        let said = nesting(&dpop::claims("POST", &token), depth);
        let proof = key.sign(&bearing.to_string(), &said);
        let mut form = app.redemption(&app.begin(), "invented");
        let kind = KIND.to_owned();
        form.insert("client_assertion_type".to_owned(), kind);
        form.insert("client_assertion".to_owned(), assertion(&provider, &key));
        let request = provider.http().post(&token).header("dpop", proof);
        let page = answer(request.form(&form)).await;
        assert_eq!(page.status, 400, "{what}: {page}");
        assert_eq!(page.json()["error"], "invalid_dpop_proof", "{what}");
    }
    assert!(!provider.log().contains("panic"), "{}", provider.log());
}
