//! The token endpoint and userinfo: codes are good once and for whoever asked for them, clients
//! prove themselves in one way, and errors are JSON that nobody keeps.

use std::collections::BTreeMap;

use doorward_tests::{ANA, PAYROLL, Page, TestProvider, WIKI};

use crate::journey::{code, provider, sign_in};

type Form = BTreeMap<String, String>;

/// The form with another field.
fn with(form: &Form, name: &str, value: &str) -> Form {
    let mut form = form.clone();
    form.insert(name.to_owned(), value.to_owned());
    form
}

/// The form without a field.
fn without(form: &Form, name: &str) -> Form {
    let mut form = form.clone();
    form.remove(name);
    form
}

/// Asserts that an answer is this error, as RFC 6749 section 5.2 wants it.
fn assert_error(page: &Page, status: u16, error: &str) {
    assert_eq!(page.status, status, "{page}");
    assert_eq!(page.json()["error"], error, "{page}");
    assert!(page.json()["error_description"].is_string(), "{page}");
    assert!(page.json().get("access_token").is_none(), "{page}");
    assert_eq!(page.header("content-type"), Some("application/json"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let challenged = page.header("www-authenticate").is_some();
    assert_eq!(challenged, status == 401, "{page}");
}

/// Posts a form with an `Authorization` header made of these two.
async fn post_basic(provider: &TestProvider, form: &Form, id: &str, secret: &str) -> Page {
    let request = provider
        .http()
        .post(provider.url("/token"))
        .basic_auth(id, Some(secret))
        .form(form);
    Page::read(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn a_code_is_good_once_and_its_replay_revokes_the_access_token() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let (attempt, code) = code(&wiki, &mut browser).await;
    let form = wiki.redemption(&attempt, &code);
    let tokens = wiki.token_page(&form).await;
    assert_eq!(tokens.status, 200, "{tokens}");
    assert_eq!(tokens.header("cache-control"), Some("no-store"));
    assert_eq!(tokens.json()["token_type"], "Bearer");
    assert_eq!(tokens.json()["expires_in"], 600);
    let access_token = tokens.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    assert_eq!(wiki.userinfo_page(&access_token).await.status, 200);

    assert_error(&wiki.token_page(&form).await, 400, "invalid_grant");
    let refused = wiki.userinfo_page(&access_token).await;
    assert_eq!(refused.status, 401, "{refused}");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("invalid_token"), "{challenge}");
}

#[tokio::test]
async fn a_code_is_for_whoever_asked_for_it() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let wrong: [fn(Form) -> Form; 5] = [
        |form| with(&form, "code_verifier", &"a".repeat(43)),
        |form| without(&form, "code_verifier"),
        |form| with(&form, "redirect_uri", "https://wiki.example.com/callback/"),
        |form| without(&form, "redirect_uri"),
        |form| with(&form, "code", "invented"),
    ];
    for change in wrong {
        let (attempt, code) = code(&wiki, &mut browser).await;
        let form = change(wiki.redemption(&attempt, &code));
        assert_error(&wiki.token_page(&form).await, 400, "invalid_grant");
    }

    // Another client, which proves who it is.
    let (attempt, code) = code(&wiki, &mut browser).await;
    let theirs = payroll.redemption(&attempt, &code);
    let form = with(&theirs, "redirect_uri", WIKI.redirect_uri);
    assert_error(&payroll.token_page(&form).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_spent_by_whoever_tries_it_first() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let (attempt, code) = code(&wiki, &mut browser).await;
    let form = wiki.redemption(&attempt, &code);
    let guess = with(&form, "code_verifier", &"b".repeat(43));
    assert_error(&wiki.token_page(&guess).await, 400, "invalid_grant");
    assert_error(&wiki.token_page(&form).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_confidential_client_proves_itself_in_one_of_two_ways() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let secret = PAYROLL.secret().expect("a secret");
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&payroll, &mut browser, ANA).await;

    let (attempt, posted) = code(&payroll, &mut browser).await;
    let form = payroll.redemption(&attempt, &posted);
    assert_eq!(payroll.token_page(&form).await.status, 200);

    let (attempt, basic) = code(&payroll, &mut browser).await;
    let form = payroll.redemption(&attempt, &basic);
    let bare = without(&without(&form, "client_secret"), "client_id");
    let page = post_basic(&provider, &bare, PAYROLL.id, secret).await;
    assert_eq!(page.status, 200, "{page}");

    // None of these gets as far as the code.
    let (attempt, code) = code(&payroll, &mut browser).await;
    let form = payroll.redemption(&attempt, &code);
    let bare = without(&form, "client_secret");
    for (page, status, error) in [
        (payroll.token_page(&bare).await, 401, "invalid_client"),
        (
            payroll
                .token_page(&with(&form, "client_secret", "wrong"))
                .await,
            401,
            "invalid_client",
        ),
        (
            payroll
                .token_page(&with(&form, "client_id", "nobody"))
                .await,
            401,
            "invalid_client",
        ),
        (
            payroll.token_page(&without(&bare, "client_id")).await,
            401,
            "invalid_client",
        ),
        (
            post_basic(&provider, &bare, PAYROLL.id, "wrong").await,
            401,
            "invalid_client",
        ),
        (
            post_basic(&provider, &bare, WIKI.id, secret).await,
            400,
            "invalid_request",
        ),
        (
            post_basic(&provider, &form, PAYROLL.id, secret).await,
            400,
            "invalid_request",
        ),
    ] {
        assert_error(&page, status, error);
    }
    assert_eq!(payroll.token_page(&form).await.status, 200);
}

#[tokio::test]
async fn a_public_client_cannot_pretend_to_have_a_secret() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let (attempt, code) = code(&wiki, &mut browser).await;
    let form = wiki.redemption(&attempt, &code);
    let pretending = with(&form, "client_secret", "anything");
    assert_error(&wiki.token_page(&pretending).await, 401, "invalid_client");
}

#[tokio::test]
async fn a_request_that_is_none_is_answered_in_json() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let attempt = wiki.begin();
    let form = wiki.redemption(&attempt, "invented");
    for (form, error) in [
        (without(&form, "grant_type"), "invalid_request"),
        (
            with(&form, "grant_type", "password"),
            "unsupported_grant_type",
        ),
        // Where the token should be there is none.
        (
            with(&form, "grant_type", "refresh_token"),
            "invalid_request",
        ),
        (
            with(&form, "grant_type", "client_credentials"),
            "unsupported_grant_type",
        ),
        (without(&form, "code"), "invalid_request"),
        (with(&form, "code", "a\u{7}b"), "invalid_request"),
    ] {
        assert_error(&wiki.token_page(&form).await, 400, error);
    }

    let bodies = [
        ("application/json", r#"{"grant_type":"authorization_code"}"#),
        ("text/plain", "grant_type=authorization_code"),
        (
            "application/x-www-form-urlencoded",
            "client_id=wiki-web&grant_type=authorization_code&code=a&code=b",
        ),
        ("application/x-www-form-urlencoded", "%ff=%ff&&&=&"),
    ];
    for (kind, body) in bodies {
        let request = provider
            .http()
            .post(provider.url("/token"))
            .header("content-type", kind)
            .body(body);
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_error(&page, 400, "invalid_request");
    }
}

#[tokio::test]
async fn userinfo_is_for_the_bearer_of_an_access_token() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let url = provider.url("/userinfo");

    let bare = provider.get(&url).await;
    assert_eq!(bare.status, 401, "{bare}");
    let challenge = bare.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer, "), "{challenge}");
    let invented = wiki.userinfo_page("invented").await;
    assert_eq!(invented.status, 401, "{invented}");

    // OpenID Connect Core 1.0, section 5.3.1: both methods are supported.
    let request = provider.http().post(&url).bearer_auth(&tokens.access_token);
    let posted = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(posted.json()["sub"], ANA.id, "{posted}");
    assert_eq!(posted.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn many_who_redeem_one_code_at_once_get_tokens_at_most_once() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let (attempt, code) = code(&wiki, &mut browser).await;
    let form = wiki.redemption(&attempt, &code);

    let racers: Vec<_> = (0..10)
        .map(|_| {
            let request = provider.http().post(provider.url("/token")).form(&form);
            tokio::spawn(request.send())
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        let answer = racer.await.expect("finished").expect("an answer");
        match answer.status().as_u16() {
            200 => winners += 1,
            status => assert_eq!(status, 400),
        }
    }
    assert_eq!(winners, 1);
}
