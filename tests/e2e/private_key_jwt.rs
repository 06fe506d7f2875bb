//! Clients that prove themselves by signing (RFC 7523; OpenID Connect Core, section 9): with keys in the clients file, and
//! with keys that they publish and change. What an assertion must not say stands in `assertions.rs`.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_tests::{
    ANA, Consumer, Installation, Page, Reply, TestClient, TestKey, TestProvider, jwt, now,
};
use serde_json::{Value, json};

use crate::journey::{arrive, code, provider_in};
use crate::start::complaint;

/// A client with a key and without a secret.
pub(crate) const APP: TestClient = TestClient {
    id: "app-web",
    name: "App",
    redirect_uri: "https://app.example.com/callback",
    confidential: false,
};

/// What says that an assertion is a signed text.
pub(crate) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The entry of a client that signs, with its keys as the file writes them.
pub(crate) fn entry(id: &str, keys: &str) -> String {
    let TestClient { redirect_uri, .. } = APP;
    format!(
        "[[client]]\nid = '{id}'\nname = 'App'\napplication = 'wiki'\n\
         redirect_uris = ['{redirect_uri}']\nauth = 'private_key_jwt'\n{keys}\n\n"
    )
}

/// Keys in the clients file: what a JWK may hold is written the same in JSON and in TOML, but for the colons.
pub(crate) fn inline(keys: &[Value]) -> String {
    let written = |jwk: &Value| {
        let members = jwk.as_object().expect("an object").iter();
        let members: Vec<String> = members
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        format!("{{ {} }}", members.join(", "))
    };
    let keys: Vec<String> = keys.iter().map(written).collect();
    format!("jwks = {{ keys = [{}] }}", keys.join(", "))
}

/// A provider that knows these keys of the client from its file.
pub(crate) async fn provider_with(keys: &[Value]) -> TestProvider {
    let files = Installation::new();
    files.append("clients.toml", &entry(APP.id, &inline(keys)));
    provider_in(files).await
}

/// What a good assertion of this client says. Each says something else.
pub(crate) fn claims(provider: &TestProvider, id: &str) -> Value {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let (now, made) = (now().timestamp(), MADE.fetch_add(1, Ordering::Relaxed));
    json!({
        "iss": id,
        "sub": id,
        "aud": provider.issuer(),
        "iat": now,
        "exp": now + 60,
        "jti": format!("assertion-{made}"),
    })
}

/// A good assertion of the client.
pub(crate) fn assertion(provider: &TestProvider, key: &TestKey) -> String {
    key.token(None, &claims(provider, APP.id))
}

/// What comes of an invented code with this assertion: it is looked at only once the client is known.
pub(crate) async fn present(provider: &TestProvider, assertion: &str) -> Page {
    present_with(provider, assertion, &[("client_id", APP.id)]).await
}

/// The same with these fields besides.
pub(crate) async fn present_with(
    provider: &TestProvider,
    assertion: &str,
    fields: &[(&str, &str)],
) -> Page {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", "invented"),
        ("redirect_uri", APP.redirect_uri),
        ("client_assertion_type", KIND),
        ("client_assertion", assertion),
    ];
    form.extend(fields);
    let request = provider.http().post(provider.url("/token")).form(&form);
    Page::read(request.send().await.expect("an answer")).await
}

/// Asserts that the client is known, and that its code is not.
pub(crate) fn assert_proved(page: &Page, what: &str) {
    assert_eq!(page.status, 400, "{what}: {page}");
    assert_eq!(page.json()["error"], "invalid_grant", "{what}: {page}");
}

/// Asserts that nobody is proved.
pub(crate) fn assert_unproved(page: &Page, what: &str) {
    assert_eq!(page.status, 401, "{what}: {page}");
    assert_eq!(page.json()["error"], "invalid_client", "{what}: {page}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{what}");
}

/// A provider that fetches the keys of the client from a server of the client.
async fn provider_with_published(keys: &Value) -> (TestProvider, Consumer) {
    let files = Installation::new();
    let consumer = Consumer::https(&files).await;
    consumer.answer("/keys", Reply::json(keys));
    let uri = format!("jwks_uri = '{}'", consumer.url("/keys"));
    files.append("clients.toml", &entry(APP.id, &uri));
    files.append("doorward.toml", Consumer::CONFIGURATION);
    (provider_in(files).await, consumer)
}

/// What `/status` says about the keys of the client.
async fn status(provider: &TestProvider) -> Value {
    provider.operations().status().await["remote"][0].clone()
}

#[tokio::test]
async fn a_code_is_redeemed_with_an_assertion() {
    let key = TestKey::es256();
    let provider = provider_with(&[key.jwk()]).await;
    let app = provider.relying_party(APP).await;
    let mut browser = provider.browser_on("mbp-ana");
    arrive(&app, &mut browser, ANA).await.answer();

    for with_id in [true, false] {
        let (attempt, code) = code(&app, &mut browser).await;
        let mut form = app.redemption(&attempt, &code);
        form.insert("client_assertion_type".to_owned(), KIND.to_owned());
        form.insert("client_assertion".to_owned(), assertion(&provider, &key));
        if !with_id {
            // RFC 7521, section 4.2: the assertion names the client as well.
            form.remove("client_id");
        }
        let tokens = app.token_page(&form).await;
        assert_eq!(tokens.status, 200, "{tokens}");
        let (_, claims) = jwt::decoded(tokens.json()["id_token"].as_str().expect("a token"));
        assert_eq!(claims["aud"], json!([APP.id]));
        assert_eq!(claims["sub"], ANA.id);
    }
}

#[tokio::test]
async fn a_client_that_signs_does_not_get_by_without() {
    let provider = provider_with(&[TestKey::es256().jwk()]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", "invented"),
        ("client_id", APP.id),
    ];
    for secret in [None, Some(("client_secret", "guessed"))] {
        let form: Vec<_> = fields.into_iter().chain(secret).collect();
        let request = provider.http().post(provider.url("/token")).form(&form);
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_unproved(&page, "no assertion");
    }
}

#[tokio::test]
async fn every_kind_of_key_and_every_name_of_the_provider_is_good() {
    let keys = [
        TestKey::es256(),
        TestKey::rs256(),
        TestKey::ps256(),
        TestKey::ed25519(),
    ];
    let jwks: Vec<Value> = keys.iter().map(TestKey::jwk).collect();
    let provider = provider_with(&jwks).await;
    for key in &keys {
        let page = present(&provider, &assertion(&provider, key)).await;
        assert_proved(&page, key.algorithm());
    }
    let token = provider.url("/token");
    for audience in [json!(token), json!([token]), json!([provider.issuer()])] {
        let mut said = claims(&provider, APP.id);
        said["aud"] = audience.clone();
        let page = present(&provider, &keys[0].token(None, &said)).await;
        assert_proved(&page, &audience.to_string());
    }
    for typ in ["JWT", "jwt", "client-authentication+jwt"] {
        let signed = keys[0].token(Some(typ), &claims(&provider, APP.id));
        assert_proved(&present(&provider, &signed).await, typ);
    }
}

#[tokio::test]
async fn the_keys_of_a_client_may_be_published_by_it() {
    let key = TestKey::es256();
    let mut keys = jwt::jwks([&key]);
    // What is of no use for signatures is passed over: the set is for everybody.
    let others = [json!({ "kty": "oct", "k": "AA" }), json!({ "kty": "AKP" })];
    keys["keys"].as_array_mut().expect("keys").extend(others);
    let (provider, consumer) = provider_with_published(&keys).await;
    let before = status(&provider).await;
    assert_eq!(before["url"], consumer.url("/keys"));
    assert_eq!(before["fetched_at"], Value::Null);

    for _ in 0..3 {
        let page = present(&provider, &assertion(&provider, &key)).await;
        assert_proved(&page, "published");
    }
    assert_eq!(consumer.count("/keys"), 1);
    let after = status(&provider).await;
    assert_eq!(after["name"], "client-keys");
    assert!(after["fetched_at"].is_string(), "{after}");
    assert_eq!(after["last_error"], Value::Null);
}

#[tokio::test]
async fn a_client_changes_its_key_without_asking_anybody() {
    let (old, new) = (TestKey::es256(), TestKey::es256());
    let (provider, consumer) = provider_with_published(&jwt::jwks([&old])).await;
    let page = present(&provider, &assertion(&provider, &old)).await;
    assert_proved(&page, "the old key");

    consumer.answer("/keys", Reply::json(&jwt::jwks([&new])));
    let page = present(&provider, &assertion(&provider, &new)).await;
    assert_proved(&page, "the new key");
    assert_eq!(consumer.count("/keys"), 2);

    // The old one is no key any more, and strangers cannot have the set fetched again and again.
    for key in [&old, &TestKey::es256()] {
        let page = present(&provider, &assertion(&provider, key)).await;
        assert_unproved(&page, "no key of the client");
    }
    assert_eq!(consumer.count("/keys"), 2);
    let page = present(&provider, &assertion(&provider, &new)).await;
    assert_proved(&page, "the new key again");
}

#[tokio::test]
async fn without_its_keys_a_client_is_told_to_come_back() {
    let key = TestKey::es256();
    let (provider, consumer) = provider_with_published(&json!({ "keys": [] })).await;
    let page = present(&provider, &assertion(&provider, &key)).await;
    assert_eq!(page.status, 503, "{page}");
    assert_eq!(page.json()["error"], "temporarily_unavailable");
    assert_eq!(consumer.count("/keys"), 1);
    let status = status(&provider).await;
    let told = status["last_error"].as_str().expect("an error");
    assert!(told.contains("there is no key in it"), "{told}");
}

#[tokio::test]
async fn keys_that_prove_nothing_keep_the_server_from_starting() {
    let with = |name: &str, value: Value| {
        let mut jwk = TestKey::es256().jwk();
        jwk[name] = value;
        jwk
    };
    let short = json!({ "kty": "RSA", "n": jwt::encoded([0xff; 128]), "e": "AQAB" });
    for (jwk, told) in [
        (short, "its modulus does not have 2048 to 8192 bits"),
        (with("use", json!("enc")), "its `use` is not `sig`"),
        (
            with("key_ops", json!(["sign"])),
            "its `key_ops` are not those of a key that verifies",
        ),
        (
            with("d", json!("hunter2")),
            "it has members of a private or symmetric key",
        ),
    ] {
        let files = Installation::new();
        let keys = inline(&[TestKey::es256().jwk(), jwk]);
        files.append("clients.toml", &entry(APP.id, &keys));
        let complaint = complaint(&files).await;
        let expected = format!("cannot be used: key 2: {told}");
        assert!(complaint.contains(&expected), "{complaint}");
        assert!(!complaint.contains("hunter2"), "{complaint}");
    }
}
