//! Requests that clients sign (RFC 9101): only what is signed counts, and only for whom, by whom and as long as it was
//! signed.

use doorward_tests::{
    ANA, Attempt, Browser, Installation, Page, RelyingParty, TestClient, TestKey, TestProvider,
    WIKI, jwt, now,
};
use serde_json::{Map, Value, json};

use crate::journey::provider_in;
use crate::par::{assert_refused, link, push, push_with};
use crate::private_key_jwt::inline;

/// A client that may sign its requests.
pub(crate) const SIGNS: TestClient = TestClient {
    id: "signs-web",
    name: "Signs",
    redirect_uri: "https://signs.example.com/callback",
    confidential: false,
};

/// Another one.
const OTHER: TestClient = TestClient {
    id: "other-web",
    name: "Other",
    redirect_uri: "https://other.example.com/callback",
    confidential: false,
};

/// The entry of a client with these keys, and these lines besides.
fn entry(client: TestClient, keys: &[Value], more: &str) -> String {
    let TestClient {
        id, redirect_uri, ..
    } = client;
    let keys = inline(keys);
    format!(
        "[[client]]\nid = '{id}'\napplication = 'wiki'\npublic = true\n\
         redirect_uris = ['{redirect_uri}']\n{keys}\n{more}\n\n"
    )
}

/// A provider that knows these keys of the client.
pub(crate) async fn provider_with(keys: &[&TestKey], more: &str) -> TestProvider {
    let files = Installation::new();
    let jwks: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    files.append("clients.toml", &entry(SIGNS, &jwks, more));
    provider_in(files).await
}

/// What a good object of this attempt says.
pub(crate) fn claims(provider: &TestProvider, client: TestClient, attempt: &Attempt) -> Value {
    let mut claims = Map::new();
    for (name, value) in attempt.parameters() {
        claims.insert(name, json!(value));
    }
    let seconds = now().timestamp();
    claims.insert("iss".to_owned(), json!(client.id));
    claims.insert("aud".to_owned(), json!(provider.issuer()));
    claims.insert("exp".to_owned(), json!(seconds + 300));
    claims.insert("nbf".to_owned(), json!(seconds));
    Value::Object(claims)
}

/// The link with this object, and with these parameters beside it.
pub(crate) fn signed(provider: &TestProvider, object: &str, more: &str) -> String {
    let endpoint = provider.url("/authorize");
    let id = SIGNS.id;
    format!("{endpoint}?client_id={id}&request={object}{more}")
}

/// An attempt of the client, and a good object that says the same.
fn object(provider: &TestProvider, client: &RelyingParty, key: &TestKey) -> (Attempt, String) {
    let attempt = client.begin();
    let object = key.token(None, &claims(provider, SIGNS, &attempt));
    (attempt, object)
}

/// Asserts that the object is refused, on a page.
async fn assert_no_request(provider: &TestProvider, object: &str, what: &str) {
    let mut browser = provider.browser();
    let page = browser.visit(&signed(provider, object, "")).await.page();
    assert_eq!(page.status, 400, "{what}: {page}");
    assert!(page.says("signed request"), "{what}: {page}");
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["error"], "invalid_request_object", "{what}: {line}");
}

/// Goes to the end with this link, and redeems the code.
async fn assert_signs_in(
    client: &RelyingParty,
    browser: &mut Browser,
    attempt: &Attempt,
    url: &str,
) {
    let answer = browser.walk(url, ANA).await.answer();
    let tokens = client.redeem(attempt, &answer).await;
    assert_eq!(tokens.claims["sub"], ANA.id);
}

#[tokio::test]
async fn a_signed_request_is_taken_by_every_kind_of_key_and_type() {
    let keys = [TestKey::es256(), TestKey::ps256(), TestKey::ed25519()];
    let provider = provider_with(&[&keys[0], &keys[1], &keys[2]], "").await;
    let client = provider.relying_party(SIGNS).await;
    for (key, typ) in [
        (&keys[0], None),
        (&keys[1], Some("JWT")),
        (&keys[2], Some("oauth-authz-req+jwt")),
    ] {
        let attempt = client.begin();
        let object = key.token(typ, &claims(&provider, SIGNS, &attempt));
        let mut browser = provider.browser_on("mbp-ana");
        let url = signed(&provider, &object, "");
        assert_signs_in(&client, &mut browser, &attempt, &url).await;
    }
    let url = provider.url("/.well-known/openid-configuration");
    let document = provider.get(&url).await.json();
    assert_eq!(document["request_parameter_supported"], true);
    let algorithms = &document["request_object_signing_alg_values_supported"];
    let algorithms = algorithms.as_array().expect("algorithms");
    assert!(algorithms.contains(&json!("ES256")) && !algorithms.contains(&json!("none")));
}

#[tokio::test]
async fn only_what_was_signed_counts() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = client.begin().with("scope", "openid");
    let object = key.token(None, &claims(&provider, SIGNS, &attempt));
    let more = "&redirect_uri=https://evil.test/&state=other&prompt=none&scope=openid%20email";
    let url = signed(&provider, &object, more);
    let answer = browser.walk(&url, ANA).await.answer();
    let tokens = client.redeem(&attempt, &answer).await;
    let userinfo = client.userinfo_page(&tokens.access_token).await.json();
    assert_eq!(userinfo["sub"], ANA.id);
    assert_eq!(userinfo["email"], Value::Null, "{userinfo}");

    // What is not signed is not there, even if it would be right.
    let attempt = client.begin().without("redirect_uri");
    let object = key.token(None, &claims(&provider, SIGNS, &attempt));
    let more = format!("&redirect_uri={}", SIGNS.redirect_uri);
    let page = browser.visit(&signed(&provider, &object, &more)).await;
    let page = page.page();
    assert_eq!(page.status, 400, "{page}");
    assert!(page.says("redirect_uri"), "{page}");

    let attempt = client.begin().without("code_challenge");
    let mut parameters = client.begin().parameters().into_iter();
    let challenge = parameters.find(|(name, _)| name == "code_challenge");
    let (name, value) = challenge.expect("a challenge");
    let more = format!("&{name}={value}");
    let object = key.token(None, &claims(&provider, SIGNS, &attempt));
    let answer = browser.visit(&signed(&provider, &object, &more)).await;
    assert_eq!(answer.answer().error(), "invalid_request");
}

#[tokio::test]
async fn an_object_that_says_something_else_is_refused() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let (issuer, seconds) = (provider.issuer(), now().timestamp());
    for (name, value) in [
        ("iss", json!(OTHER.id)),
        ("iss", Value::Null),
        ("client_id", json!(OTHER.id)),
        ("client_id", json!(WIKI.id)),
        ("client_id", Value::Null),
        ("aud", json!("https://other.example.com")),
        ("aud", json!([issuer, "https://other.example.com"])),
        ("aud", json!(provider.url("/token"))),
        ("aud", Value::Null),
        ("sub", json!(SIGNS.id)),
        ("exp", json!(seconds - 60)),
        ("exp", json!(seconds + 3600)),
        ("exp", Value::Null),
        ("nbf", json!(seconds + 120)),
        ("nbf", json!(seconds - 3600)),
        ("jti", json!("")),
        ("request", json!("e30.e30.")),
        ("request_uri", json!("https://signs.example.com/r")),
        ("scope", json!(["openid"])),
        ("state", json!({ "a": 1 })),
    ] {
        let mut said = claims(&provider, SIGNS, &client.begin());
        said[name] = value.clone();
        let object = key.token(None, &said);
        assert_no_request(&provider, &object, &format!("{name}: {value}")).await;
    }
}

#[tokio::test]
async fn an_object_that_the_client_has_not_signed_is_refused() {
    let (key, stranger) = (TestKey::ps256(), TestKey::es256());
    let provider = provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let said = claims(&provider, SIGNS, &client.begin()).to_string();
    let kid = key.kid();
    let header = |algorithm: &str| format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#);
    let typed = |typ: &str| format!(r#"{{"alg":"PS256","kid":"{kid}","typ":"{typ}"}}"#);
    let public = key.jwk().to_string();
    let good = key.sign(&header("PS256"), &said);
    let repeated = said.replacen('{', r#"{"scope":"openid email","#, 1);
    for (what, object) in [
        ("nobody", jwt::unsigned(&header("none"), &said)),
        ("cut off", jwt::unsigned(&header("PS256"), &said)),
        (
            "a public key as secret",
            jwt::hs256(public.as_bytes(), &header("HS256"), &said),
        ),
        ("another algorithm", key.sign(&header("RS256"), &said)),
        ("a stranger", stranger.sign(&header("ES256"), &said)),
        (
            "a stranger without kid",
            stranger.sign(r#"{"alg":"ES256"}"#, &said),
        ),
        ("another bit", jwt::forged(&good)),
        ("other claims", jwt::with_claims(&good, &repeated)),
        ("a repeated member", key.sign(&header("PS256"), &repeated)),
        ("an access token", key.sign(&typed("at+jwt"), &said)),
        ("a proof", key.sign(&typed("dpop+jwt"), &said)),
        (
            "a client assertion",
            key.sign(&typed("client-authentication+jwt"), &said),
        ),
        ("no token", "request".to_owned()),
    ] {
        assert_no_request(&provider, &object, what).await;
    }
}

#[tokio::test]
async fn an_object_is_of_the_client_that_signed_it() {
    let (key, other) = (TestKey::es256(), TestKey::es256());
    let files = Installation::new();
    files.append("clients.toml", &entry(SIGNS, &[key.jwk()], ""));
    files.append("clients.toml", &entry(OTHER, &[other.jwk()], ""));
    let provider = provider_in(files).await;
    let client = provider.relying_party(OTHER).await;
    let attempt = client.begin();
    let theirs = claims(&provider, OTHER, &attempt);
    let claimed = claims(&provider, SIGNS, &attempt.with("client_id", SIGNS.id));
    for (what, object) in [
        ("of the other", other.token(None, &theirs)),
        ("by the other", other.token(None, &claimed)),
        ("about the other", key.token(None, &theirs)),
    ] {
        assert_no_request(&provider, &object, what).await;
    }
}

#[tokio::test]
async fn a_client_that_has_to_sign_gets_no_further_without() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "request_object = 'required'").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = client.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    client.check(&attempt, &answer);
    assert_eq!(answer.error(), "invalid_request");
    let page = push_with(&provider, &attempt, &[]).await;
    assert_refused(&page, 400, "invalid_request");

    let (attempt, object) = object(&provider, &client, &key);
    let url = signed(&provider, &object, "");
    assert_signs_in(&client, &mut browser, &attempt, &url).await;
}

#[tokio::test]
async fn a_client_with_one_algorithm_signs_with_no_other() {
    let keys = [TestKey::es256(), TestKey::ps256()];
    let more = "request_object_algorithm = 'ps256'";
    let provider = provider_with(&[&keys[0], &keys[1]], more).await;
    let client = provider.relying_party(SIGNS).await;
    let (_, other) = object(&provider, &client, &keys[0]);
    assert_no_request(&provider, &other, "ES256").await;
    let (attempt, object) = object(&provider, &client, &keys[1]);
    let mut browser = provider.browser_on("mbp-ana");
    let url = signed(&provider, &object, "");
    assert_signs_in(&client, &mut browser, &attempt, &url).await;
}

#[tokio::test]
async fn an_object_with_an_identifier_gets_one_code() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = client.begin();
    let mut said = claims(&provider, SIGNS, &attempt);
    said["jti"] = json!("request-1");
    let object = key.token(None, &said);
    let url = signed(&provider, &object, "");
    for _ in 0..2 {
        // Loading the page again uses nothing up.
        assert!(browser.visit(&url).await.page().has_form("/sign-in"));
    }
    assert_signs_in(&client, &mut browser, &attempt, &url).await;
    let page = browser.visit(&url).await.page();
    assert_eq!(page.status, 400, "{page}");
    assert!(page.says("This sign-in link is over"), "{page}");
    // Neither can it be pushed now.
    let page = push(&provider, &form(&object)).await;
    assert_refused(&page, 400, "invalid_request_object");
}

/// The form that pushes an object.
fn form(object: &str) -> Vec<(String, String)> {
    let fields = [("client_id", SIGNS.id), ("request", object)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    fields.into()
}

#[tokio::test]
async fn a_signed_request_may_be_pushed() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "request_object = 'required'").await;
    let client = provider.relying_party(SIGNS).await;
    let attempt = client.begin();
    let mut said = claims(&provider, SIGNS, &attempt);
    said["jti"] = json!("request-1");
    let object = key.token(None, &said);
    let mut sent = form(&object);
    // RFC 9126, section 3: what stands beside the object does not count.
    for (name, value) in [("redirect_uri", "https://evil.test/"), ("state", "other")] {
        sent.push((name.to_owned(), value.to_owned()));
    }
    let page = push(&provider, &sent).await;
    let link = link(&provider, SIGNS, &page);
    let again = push(&provider, &sent).await;
    assert_refused(&again, 400, "invalid_request_object");
    let mut browser = provider.browser_on("mbp-ana");
    assert_signs_in(&client, &mut browser, &attempt, &link).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_pushed_object_is_told_in_json() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let seconds = now().timestamp();
    for (name, value, error) in [
        ("exp", json!(seconds - 60), "invalid_request_object"),
        ("client_id", json!(WIKI.id), "invalid_request_object"),
        ("aud", json!(provider.url("/par")), "invalid_request_object"),
        ("scope", json!("profile"), "invalid_scope"),
        (
            "redirect_uri",
            json!("https://evil.test/"),
            "invalid_request",
        ),
        ("response_type", json!("token"), "unsupported_response_type"),
    ] {
        let mut said = claims(&provider, SIGNS, &client.begin());
        said[name] = value;
        let object = key.token(None, &said);
        let page: Page = push(&provider, &form(&object)).await;
        assert_refused(&page, 400, error);
    }
}

#[tokio::test]
async fn numbers_and_the_claims_object_become_parameters() {
    let key = TestKey::es256();
    let provider = provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = client.begin();
    let mut said = claims(&provider, SIGNS, &attempt);
    said["max_age"] = json!(3600);
    said["claims"] = json!({ "id_token": { "email": null } });
    let url = signed(&provider, &key.token(None, &said), "");
    let answer = browser.walk(&url, ANA).await.answer();
    let tokens = client.redeem(&attempt, &answer).await;
    assert!(tokens.claims["email"].is_string(), "{:?}", tokens.claims);
    assert!(tokens.claims["auth_time"].is_i64());

    let (attempt, _) = object(&provider, &client, &key);
    let mut said = claims(&provider, SIGNS, &attempt);
    said["max_age"] = json!(1.5);
    let url = signed(&provider, &key.token(None, &said), "");
    let answer = browser.visit(&url).await.answer();
    assert_eq!(answer.error(), "invalid_request");
}
