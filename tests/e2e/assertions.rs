//! Assertions of clients that prove nobody: what they must not say, and who must not have signed them. Keys and good
//! assertions stand in `private_key_jwt.rs`.

use doorward_tests::{
    Consumer, Installation, PAYROLL, Page, Reply, TestKey, TestProvider, jwt, now,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::journey::provider_in;
use crate::private_key_jwt::{
    APP, KIND, assert_proved, assert_unproved, assertion, claims, entry, inline, present,
    present_with, provider_with,
};

/// Another client that signs.
const OTHER: &str = "other-web";

/// A provider whose client has this key.
async fn provider_of(key: &TestKey) -> TestProvider {
    provider_with(&[key.jwk()]).await
}

/// The header of a good assertion of this key, as text, with these members before it.
fn header(key: &TestKey, members: &str) -> String {
    let (algorithm, kid) = (key.algorithm(), key.kid());
    format!(r#"{{{members}"alg":"{algorithm}","kid":"{kid}"}}"#)
}

#[tokio::test]
async fn an_assertion_with_another_claim_proves_nobody() {
    let key = TestKey::es256();
    let provider = provider_of(&key).await;
    let (issuer, seconds) = (provider.issuer(), now().timestamp());
    let port = provider.files().ports.main;
    for (name, value) in [
        ("iss", json!(OTHER)),
        ("sub", json!(OTHER)),
        ("sub", json!([APP.id])),
        ("aud", json!("https://other.example.com")),
        ("aud", json!("https://other.example.com/token")),
        ("aud", json!(format!("https://127.0.0.1:{port}/token"))),
        ("aud", json!([issuer, "https://other.example.com"])),
        ("aud", json!([issuer, provider.url("/token")])),
        ("aud", json!([])),
        ("aud", json!(format!("{issuer}/"))),
        ("aud", json!(provider.url("/userinfo"))),
        ("exp", json!(seconds + 2 * 3600)),
        ("exp", json!(seconds - 60)),
        ("exp", json!((seconds + 60).to_string())),
        ("iat", json!(seconds + 120)),
        ("nbf", json!(seconds + 120)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(129))),
        ("jti", json!(1)),
    ] {
        let mut said = claims(&provider, APP.id);
        said[name] = value.clone();
        let page = present(&provider, &key.token(None, &said)).await;
        assert_unproved(&page, &format!("{name}: {value}"));
    }
}

#[tokio::test]
async fn an_assertion_that_lacks_a_claim_proves_nobody() {
    let key = TestKey::es256();
    let provider = provider_of(&key).await;
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        let mut said = claims(&provider, APP.id);
        said[name] = Value::Null;
        let page = present(&provider, &key.token(None, &said)).await;
        assert_unproved(&page, &format!("{name}: null"));
        said.as_object_mut().expect("an object").remove(name);
        let page = present(&provider, &key.token(None, &said)).await;
        assert_unproved(&page, &format!("no {name}"));
    }
}

#[tokio::test]
async fn an_assertion_with_an_odd_header_proves_nobody() {
    let key = TestKey::es256();
    let provider = provider_of(&key).await;
    let proper = header(&key, "");
    let genuine = key.sign(&proper, &claims(&provider, APP.id).to_string());
    assert_proved(&present(&provider, &genuine).await, "a proper header");
    for members in [
        r#""alg":"ES256","#,
        r#""b64":false,"#,
        r#""b64":false,"crit":["b64"],"#,
        r#""b64":true,"#,
        r#""crit":["exp"],"exp":1,"#,
        r#""crit":[],"#,
        r#""zip":"DEF","#,
        r#""typ":"at+jwt","#,
        r#""typ":"dpop+jwt","#,
        r#""typ":"logout+jwt","#,
        r#""typ":"","#,
    ] {
        let said = claims(&provider, APP.id).to_string();
        let page = present(&provider, &key.sign(&header(&key, members), &said)).await;
        assert_unproved(&page, members);
    }
}

#[tokio::test]
async fn an_assertion_that_is_written_in_two_ways_proves_nobody() {
    let key = TestKey::es256();
    let provider = provider_of(&key).await;
    let good = || assertion(&provider, &key);
    let said = claims(&provider, APP.id).to_string();
    let proper = header(&key, "");
    let issuer = provider.issuer();
    let repeated = said.replacen('{', &format!(r#"{{"aud":"{issuer}","#), 1);
    for (what, text) in [
        ("padded signature", jwt::padded(&good())),
        (
            "padded header",
            key.sign_encoded(&format!("{}=", jwt::encoded(&proper)), &jwt::encoded(&said)),
        ),
        (
            "padded claims",
            key.sign_encoded(&jwt::encoded(&proper), &format!("{}=", jwt::encoded(&said))),
        ),
        ("repeated aud", key.sign(&proper, &repeated)),
        (
            "more after the claims",
            key.sign(&proper, &format!("{said}{{}}")),
        ),
        ("a fourth part", format!("{}.AAAA", good())),
        ("two parts", "e30.e30".to_owned()),
        ("no JSON", key.sign(&proper, "claims")),
    ] {
        assert_unproved(&present(&provider, &text).await, what);
    }
}

#[tokio::test]
async fn an_assertion_that_the_client_has_not_signed_proves_nobody() {
    let (key, stranger) = (TestKey::es256(), TestKey::es256());
    let provider = provider_of(&key).await;
    let said = || claims(&provider, APP.id).to_string();
    let kid = key.kid();
    let public = key.jwk().to_string();
    let point = key.jwk()["x"].as_str().expect("x").to_owned();
    let hs256 = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
    let none = format!(r#"{{"alg":"none","kid":"{kid}"}}"#);
    let own = format!(r#""jwk":{},"#, stranger.bare_jwk());
    let good = assertion(&provider, &key);
    for (what, text) in [
        ("nobody", jwt::unsigned(&none, &said())),
        (
            "alg None",
            jwt::unsigned(&none.replace("none", "None"), &said()),
        ),
        ("cut off", jwt::unsigned(&header(&key, ""), &said())),
        (
            "a public key as secret",
            jwt::hs256(public.as_bytes(), &hs256, &said()),
        ),
        (
            "its point as secret",
            jwt::hs256(point.as_bytes(), &hs256, &said()),
        ),
        (
            "alg of P-384",
            key.sign(&header(&key, "").replace("ES256", "ES384"), &said()),
        ),
        (
            "alg of RSA",
            key.sign(&header(&key, "").replace("ES256", "RS256"), &said()),
        ),
        (
            "a stranger",
            stranger.token(None, &claims(&provider, APP.id)),
        ),
        (
            "a stranger as the client",
            stranger.sign(&header(&key, ""), &said()),
        ),
        (
            "a stranger without kid",
            stranger.sign(r#"{"alg":"ES256"}"#, &said()),
        ),
        (
            "a stranger by its own key",
            stranger.sign(&header(&key, &own), &said()),
        ),
        ("another bit", jwt::forged(&good)),
        ("other claims", jwt::with_claims(&good, &said())),
        (
            "another header",
            jwt::with_header(&good, r#"{"alg":"ES256"}"#),
        ),
    ] {
        assert_unproved(&present(&provider, &text).await, what);
    }
    // Nothing of it has used up the good one.
    assert_proved(&present(&provider, &good).await, "the client");
}

#[tokio::test]
async fn a_key_for_one_algorithm_verifies_no_other() {
    let key = TestKey::ps256();
    let provider = provider_of(&key).await;
    let header = header(&key, "").replace("PS256", "RS256");
    let said = claims(&provider, APP.id).to_string();
    let page = present(&provider, &key.sign(&header, &said)).await;
    assert_unproved(&page, "RS256");
}

#[tokio::test]
async fn an_assertion_counts_once() {
    let key = TestKey::es256();
    let mut provider = provider_of(&key).await;
    let signed = assertion(&provider, &key);
    // The code that goes with it is refused: the assertion is used up all the same.
    assert_proved(&present(&provider, &signed).await, "the first time");
    let again = present(&provider, &signed).await;
    assert_unproved(&again, "the second time");
    assert!(again.body.contains("was used already"), "{again}");

    // It is the identifier that counts once, whatever else is said.
    let (_, mut said) = jwt::decoded(&signed);
    said["exp"] = json!(now().timestamp() + 120);
    let other = key.token(None, &said);
    assert_unproved(&present(&provider, &other).await, "the same identifier");

    provider.restart().await;
    assert_unproved(&present(&provider, &signed).await, "after a power cut");
}

#[tokio::test]
async fn of_fifty_who_show_one_assertion_at_once_one_passes() {
    let key = TestKey::es256();
    let provider = provider_of(&key).await;
    let signed = assertion(&provider, &key);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "invented"),
        ("client_id", APP.id),
        ("client_assertion_type", KIND),
        ("client_assertion", signed.as_str()),
    ];
    let mut waiting = JoinSet::new();
    for _ in 0..50 {
        let request = provider.http().post(provider.url("/token")).form(&form);
        waiting.spawn(async move { request.send().await.expect("an answer").status().as_u16() });
    }
    let mut statuses = waiting.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 400);
    assert_eq!(statuses[1..], [401; 49]);
}

#[tokio::test]
async fn where_an_assertion_points_to_keys_nobody_goes() {
    let (key, stranger) = (TestKey::es256(), TestKey::es256());
    let files = Installation::new();
    let consumer = Consumer::https(&files).await;
    consumer.answer("/keys", Reply::json(&jwt::jwks([&stranger])));
    files.append("clients.toml", &entry(APP.id, &inline(&[key.jwk()])));
    files.append("doorward.toml", Consumer::CONFIGURATION);
    let provider = provider_in(files).await;
    let url = consumer.url("/keys");
    for member in ["jku", "x5u"] {
        let header = header(&stranger, &format!(r#""{member}":"{url}","#));
        let said = claims(&provider, APP.id).to_string();
        let page = present(&provider, &stranger.sign(&header, &said)).await;
        assert_unproved(&page, member);
    }
    assert_eq!(consumer.count("/keys"), 0);
}

#[tokio::test]
async fn an_assertion_proves_the_client_that_signed_it() {
    let (key, other) = (TestKey::es256(), TestKey::es256());
    let files = Installation::new();
    files.append("clients.toml", &entry(APP.id, &inline(&[key.jwk()])));
    files.append("clients.toml", &entry(OTHER, &inline(&[other.jwk()])));
    let provider = provider_in(files).await;
    let named = |id: &'static str| [("client_id", id)];

    let theirs = other.token(None, &claims(&provider, OTHER));
    let page = present_with(&provider, &theirs, &named(APP.id)).await;
    assert_unproved(&page, "of one client for the other");
    let claimed = other.token(None, &claims(&provider, APP.id));
    for fields in [&named(APP.id)[..], &named(OTHER), &[]] {
        let page = present_with(&provider, &claimed, fields).await;
        assert_unproved(&page, "by one client about the other");
    }
    for id in ["nobody", PAYROLL.id] {
        let about = key.token(None, &claims(&provider, id));
        for fields in [&named(APP.id)[..], &[("client_id", id)], &[]] {
            let page = present_with(&provider, &about, fields).await;
            assert_unproved(&page, id);
        }
    }
    let page = present_with(&provider, &theirs, &named(OTHER)).await;
    assert_proved(&page, "of the client for itself");
}

#[tokio::test]
async fn an_assertion_is_the_only_proof_and_says_what_kind_it_is() {
    let key = TestKey::es256();
    let provider = provider_of(&key).await;
    let good = || assertion(&provider, &key);
    let secret = PAYROLL.secret().expect("a secret");
    let fields = [("client_id", APP.id), ("client_secret", secret)];
    let page = present_with(&provider, &good(), &fields).await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_request");

    let with = async |kind: Option<&str>| {
        let signed = good();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", "invented"),
            ("client_assertion", signed.as_str()),
        ];
        form.extend(kind.map(|kind| ("client_assertion_type", kind)));
        let request = provider.http().post(provider.url("/token")).form(&form);
        Page::read(request.send().await.expect("an answer")).await
    };
    assert_proved(&with(Some(KIND)).await, KIND);
    for kind in [
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer ",
        "jwt-bearer",
    ] {
        assert_unproved(&with(Some(kind)).await, kind);
    }
    let page = with(None).await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_request");
}
