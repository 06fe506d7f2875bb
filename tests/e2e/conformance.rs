//! What specifications demand and no other test shows: a requirement each, as `docs/src/conformance.md` names them.
//! Most requirements are shown by the tests of the feature that they belong to.

use std::collections::BTreeMap;

use doorward_tests::{
    ANA, Attempt, Mode, Operations, PAYROLL, Page, RelyingParty, TestProvider, WIKI,
};
use openidconnect::Nonce;
use serde_json::Value;

use crate::journey::{code, provider, sign_in};

/// What means something in URLs, in forms and in HTML, and is no ASCII.
const ODD: &str = "n-0S6_Wz+A2Mj=&%20 é\"<'>`/?#\\";

/// The discovery document.
async fn discovery(provider: &TestProvider) -> Value {
    let url = provider.url("/.well-known/openid-configuration");
    provider.get(&url).await.json()
}

/// What the token endpoint says to a form that is sent as it stands.
async fn posted(provider: &TestProvider, body: &str) -> Page {
    let request = provider
        .http()
        .post(provider.url("/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    Page::read(request.send().await.expect("an answer")).await
}

/// Asserts that a text has only the characters that a description of an error may have.
fn assert_plain(description: &str) {
    let plain = |symbol: char| matches!(symbol, ' '..='~') && !matches!(symbol, '"' | '\\');
    assert!(!description.is_empty());
    assert!(description.chars().all(plain), "{description:?}");
}

/// What the token endpoint says to a client that redeems a code, with fields on top of the usual ones.
async fn redeemed(
    client: &RelyingParty,
    (attempt, code): (&Attempt, &str),
    more: &[(&str, &str)],
) -> Page {
    let mut form: BTreeMap<String, String> = client.redemption(attempt, code);
    for (name, value) in more {
        form.insert((*name).to_owned(), (*value).to_owned());
    }
    client.token_page(&form).await
}

/// RFC 9207, section 2: success or error, query or form.
#[tokio::test]
async fn every_answer_names_the_issuer_that_discovery_names() {
    let provider = provider().await;
    let document = discovery(&provider).await;
    let supported = "authorization_response_iss_parameter_supported";
    assert_eq!(document[supported], true, "{document}");
    let issuer = document["issuer"].as_str().expect("an issuer");

    let wiki = provider.relying_party(WIKI).await;
    let mut known = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut known, ANA).await;
    let mut nobody = provider.browser();
    for (mode, expected) in [("query", Mode::Query), ("form_post", Mode::FormPost)] {
        let attempt = wiki.begin().with("response_mode", mode);
        let answer = known.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.mode, expected, "{answer:?}");
        assert!(!answer.code().is_empty());
        assert_eq!(answer.get("iss"), Some(issuer), "{answer:?}");

        let attempt = attempt.with("prompt", "none");
        let answer = nobody.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.mode, expected, "{answer:?}");
        assert_eq!(answer.error(), "login_required");
        assert_eq!(answer.get("iss"), Some(issuer), "{answer:?}");
    }
}

/// RFC 6749, section 4.1.2; OpenID Connect Core 1.0, section 2.
#[tokio::test]
async fn state_and_nonce_come_back_as_they_were_sent() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    for mode in ["query", "form_post"] {
        let begun = wiki.begin().with("response_mode", mode);
        let mut attempt = begun.with("state", ODD).with("nonce", ODD);
        ODD.clone_into(&mut attempt.state);
        attempt.nonce = Nonce::new(ODD.to_owned());
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        let tokens = wiki.redeem(&attempt, &answer).await;
        assert_eq!(tokens.claims["nonce"], ODD);
    }
}

/// RFC 6749, sections 3.3 and 5.1.
#[tokio::test]
async fn less_scope_than_was_asked_for_is_said() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let attempt = wiki.begin().with("scope", "openid phone email address");
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    let page = redeemed(&wiki, (&attempt, answer.code()), &[]).await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.json()["scope"], "openid email");
}

/// RFC 6749, section 3.2.
#[tokio::test]
async fn what_the_token_endpoint_does_not_know_is_ignored() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let (attempt, code) = code(&wiki, &mut browser).await;
    let more = [("foo", "bar"), ("empty", "")];
    let page = redeemed(&wiki, (&attempt, &code), &more).await;
    assert_eq!(page.status, 200, "{page}");
}

/// RFC 6749, sections 4.1.2.1 and 5.2.
#[tokio::test]
async fn descriptions_of_errors_have_the_characters_of_the_specification() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    for name in ["response_type", "prompt"] {
        let attempt = wiki.begin().with(name, ODD);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_plain(answer.get("error_description").expect("a description"));
        assert_plain(answer.error());
    }
    for body in [
        "a%22%5C%C3%A9=1&a%22%5C%C3%A9=2",
        "a%22%5C%C3%A9=%ff",
        "client_id=a%22%5C%C3%A9",
        "client_id=wiki-web&grant_type=a%22%5C%C3%A9",
    ] {
        let page = posted(&provider, body).await;
        let error = page.json();
        assert_plain(error["error"].as_str().expect("an error"));
        let description = error["error_description"].as_str();
        assert_plain(description.expect("a description"));
    }
}

/// RFC 6749, section 5.2.
#[tokio::test]
async fn a_client_that_fails_by_basic_is_challenged_by_basic() {
    let provider = provider().await;
    let request = provider
        .http()
        .post(provider.url("/token"))
        .basic_auth(PAYROLL.id, Some("wrong"))
        .form(&[("grant_type", "authorization_code"), ("code", "invented")]);
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(page.status, 401, "{page}");
    assert_eq!(page.json()["error"], "invalid_client");
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Basic "), "{challenge}");
}

/// RFC 6749, section 5.1: answers that hold tokens, and answers about them.
#[tokio::test]
async fn nobody_keeps_what_clients_are_told() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&payroll, &mut browser, ANA).await;
    let (attempt, code) = code(&payroll, &mut browser).await;
    let tokens = redeemed(&payroll, (&attempt, &code), &[]).await;
    let told = tokens.json();
    let token = told["access_token"].as_str().expect("a token");
    let userinfo = payroll.userinfo_page(token).await;
    let mut form = attempt.parameters();
    let secret = PAYROLL.secret().expect("a secret");
    for (name, value) in [("client_secret", secret), ("token", token)] {
        form.push((name.to_owned(), value.to_owned()));
    }
    let mut pages = vec![(200, tokens), (200, userinfo)];
    for (path, status) in [("/par", 201), ("/introspect", 200), ("/revoke", 200)] {
        let request = provider.http().post(provider.url(path)).form(&form);
        let page = Page::read(request.send().await.expect("an answer")).await;
        pages.push((status, page));
    }
    let replayed = redeemed(&payroll, (&attempt, &code), &[]).await;
    pages.push((400, replayed));
    for (status, page) in pages {
        assert_eq!(page.status, status, "{}: {page}", page.url);
        let kept = page.header("cache-control");
        assert_eq!(kept, Some("no-store"), "{}", page.url);
        assert_eq!(page.header("pragma"), Some("no-cache"), "{}", page.url);
    }
}

/// RFC 6750, section 2: of the three ways, the two that leave tokens in logs and forms are not offered.
#[tokio::test]
async fn an_access_token_counts_in_the_header_only() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let token = [("access_token", tokens.access_token.as_str())];
    let url = provider.url("/userinfo");

    let in_query = format!("{url}?access_token={}", tokens.access_token);
    let in_form = provider.http().post(&url).form(&token);
    let in_form = Page::read(in_form.send().await.expect("an answer")).await;
    for page in [provider.get(&in_query).await, in_form] {
        assert_eq!(page.status, 401, "{page}");
        let challenge = page.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Bearer"), "{challenge}");
    }
}

/// OpenID Connect Core 1.0, section 5.3: userinfo is opened by access tokens.
#[tokio::test]
async fn an_id_token_opens_nothing() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let page = wiki.userinfo_page(&tokens.id_token).await;
    assert_eq!(page.status, 401, "{page}");
}

/// OpenID Connect Core 1.0, section 5.3.2.
#[tokio::test]
async fn userinfo_names_the_subject_of_the_id_token_in_json() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let page = wiki.userinfo_page(&tokens.access_token).await;
    assert_eq!(page.status, 200, "{page}");
    let kind = page.header("content-type").expect("a type");
    assert_eq!(kind.split(';').next(), Some("application/json"));
    assert_eq!(page.json()["sub"], tokens.claims["sub"]);
}

/// OpenID Connect Core 1.0, section 8: subjects are public, unless a client asks for others.
#[tokio::test]
async fn a_person_is_the_same_subject_for_every_client() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let mut subjects = Vec::new();
    for client in [WIKI, PAYROLL] {
        let client = provider.relying_party(client).await;
        let tokens = sign_in(&client, &mut browser, ANA).await;
        subjects.push(tokens.claims["sub"].clone());
    }
    assert_eq!(subjects, [ANA.id, ANA.id]);
}

/// OpenID Connect Core 1.0, section 2.
#[tokio::test]
async fn a_subject_has_255_ascii_characters_at_most() {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    for id in ["u".repeat(256), "u-cé".to_owned()] {
        files.edit("users.toml", "id = 'u-cy'", &format!("id = '{id}'"));
        let refused = operations.refused("users").await;
        let findings = Operations::findings(&refused);
        assert!(findings.contains("255 visible ASCII"), "{findings}");
        files.edit("users.toml", &format!("id = '{id}'"), "id = 'u-cy'");
        operations.healthy("users").await;
    }
}

/// OpenID Connect Core 1.0, section 10.1.
#[tokio::test]
async fn a_token_names_the_one_published_key_that_has_signed_it() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let published = provider.get(&provider.url("/jwks")).await.json();
    let keys = published["keys"].as_array().expect("keys");
    let named = keys.iter().filter(|key| key["kid"] == tokens.header["kid"]);
    let named: Vec<&Value> = named.collect();
    assert_eq!(named.len(), 1, "{published}");
    assert_eq!(named[0]["use"], "sig", "{published}");
    assert_eq!(named[0]["alg"], tokens.header["alg"], "{published}");
}

/// RFC 6749, sections 3.1 and 3.2; OpenID Connect Discovery 1.0, section 3.
#[tokio::test]
async fn endpoints_are_secure_and_have_no_fragment() {
    let provider = provider().await;
    let document = discovery(&provider).await;
    let members = document.as_object().expect("an object");
    let mut seen = 0;
    for (name, value) in members {
        if name.ends_with("_endpoint") || name.ends_with("_uri") {
            let url = value.as_str().expect("a URL");
            assert!(url.starts_with("https://"), "{name}: {url}");
            assert!(!url.contains('#'), "{name}: {url}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "{document}");
}
