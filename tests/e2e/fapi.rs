//! A client that is held to the FAPI 2.0 Security Profile: the one way it can go, and what is closed to it beside. What
//! its entry has to say is told by unit tests.

use doorward_tests::{ANA, Attempt, Installation, Page, RelyingParty, TestKey, TestProvider, jwt};
use serde_json::{Value, json};

use crate::dpop::{self, proof};
use crate::journey::provider_in;
use crate::par::{assert_refused, link};
use crate::private_key_jwt::{APP, KIND, claims, entry, inline};

/// A provider that knows the client by this key, and would sign ID tokens with RS256 for others.
async fn provider(key: &TestKey) -> TestProvider {
    let files = Installation::new();
    let keys = inline(&[key.jwk()]);
    let more = "fapi = true\nbound = 'dpop'\nrefresh = 'session'\nrefresh_address = 'sign-in'";
    files.append("clients.toml", &entry(APP.id, &format!("{keys}\n{more}")));
    files.append("doorward.toml", "\n[tokens]\nalgorithm = \"rs256\"\n");
    provider_in(files).await
}

/// What an endpoint says to a form of the client, with a proof of this key.
async fn post(
    provider: &TestProvider,
    path: &str,
    form: &[(String, String)],
    keys: (&TestKey, &TestKey),
) -> Page {
    let (client_key, dpop_key) = keys;
    let url = provider.url(path);
    let assertion = client_key.token(None, &claims(provider, APP.id));
    let mut form = form.to_vec();
    form.push(("client_assertion_type".to_owned(), KIND.to_owned()));
    form.push(("client_assertion".to_owned(), assertion));
    let proof = proof(dpop_key, &dpop::claims("POST", &url));
    let request = provider.http().post(&url).header("dpop", proof).form(&form);
    Page::read(request.send().await.expect("an answer")).await
}

/// The form that redeems a code.
fn redemption(client: &RelyingParty, attempt: &Attempt, code: &str) -> Vec<(String, String)> {
    client.redemption(attempt, code).into_iter().collect()
}

#[tokio::test]
async fn a_client_of_fapi_pushes_proves_its_keys_and_keeps_its_refresh_token() {
    let (key, dpop_key) = (TestKey::ps256(), TestKey::es256());
    let keys = (&key, &dpop_key);
    let provider = provider(&key).await;
    let client = provider.relying_party(APP).await;
    let mut browser = provider.browser_on("mbp-ana");

    let attempt = client.begin();
    let page = post(&provider, "/par", &attempt.parameters(), keys).await;
    let answer = browser
        .walk(&link(&provider, APP, &page), ANA)
        .await
        .answer();
    client.check(&attempt, &answer);
    let form = redemption(&client, &attempt, answer.code());
    let page = post(&provider, "/token", &form, keys).await;
    assert_eq!(page.status, 200, "{page}");
    let tokens = page.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let (header, said) = jwt::decoded(tokens["id_token"].as_str().expect("a token"));
    assert_eq!(header["alg"], "ES256");
    assert_eq!(said["sub"], ANA.id);

    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let form: Vec<(String, String)> = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", APP.id),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for _ in 0..2 {
        let page = post(&provider, "/token", &form, keys).await;
        assert_eq!(page.status, 200, "{page}");
        let renewed = page.json();
        let again = renewed.get("refresh_token").and_then(Value::as_str);
        assert!(again.is_none_or(|again| again == refresh), "{renewed}");
    }
}

#[tokio::test]
async fn the_key_that_was_proved_when_pushing_has_to_redeem_the_code() {
    let (key, dpop_key, other) = (TestKey::ps256(), TestKey::es256(), TestKey::es256());
    let provider = provider(&key).await;
    let client = provider.relying_party(APP).await;
    let mut browser = provider.browser_on("mbp-ana");

    let thumbprint = jwt::thumbprint(&other.bare_jwk());
    let attempt = client.begin().with("dpop_jkt", &thumbprint);
    let page = post(&provider, "/par", &attempt.parameters(), (&key, &dpop_key)).await;
    assert_refused(&page, 400, "invalid_dpop_proof");

    let attempt = client.begin();
    let page = post(&provider, "/par", &attempt.parameters(), (&key, &dpop_key)).await;
    let answer = browser
        .walk(&link(&provider, APP, &page), ANA)
        .await
        .answer();
    let form = redemption(&client, &attempt, answer.code());
    let page = post(&provider, "/token", &form, (&key, &other)).await;
    assert_ne!(page.status, 200, "{page}");
}

#[tokio::test]
async fn other_ways_are_closed_to_a_client_of_fapi() {
    let key = TestKey::ps256();
    let keys = (&key, &key);
    let provider = provider(&key).await;
    let client = provider.relying_party(APP).await;
    let mut browser = provider.browser_on("mbp-ana");

    // Not pushed.
    let attempt = client.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    assert_eq!(answer.error(), "invalid_request");
    // Without PKCE.
    let bare = attempt
        .without("code_challenge")
        .without("code_challenge_method");
    let page = post(&provider, "/par", &bare.parameters(), keys).await;
    assert_refused(&page, 400, "invalid_request");
    // For another recipient than the issuer (section 5.3.2.1).
    let url = provider.url("/par");
    let mut said = claims(&provider, APP.id);
    said["aud"] = json!(url);
    let mut form = client.begin().parameters();
    form.push(("client_assertion_type".to_owned(), KIND.to_owned()));
    form.push(("client_assertion".to_owned(), key.token(None, &said)));
    let request = provider.http().post(&url).form(&form);
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_refused(&page, 401, "invalid_client");
}
