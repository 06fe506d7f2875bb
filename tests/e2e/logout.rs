//! OpenID Connect RP-Initiated Logout 1.0: a client ends the session at the provider and gets the browser back. What other
//! clients hear of it is left to `backchannel_logout`.

use doorward_tests::{
    ANA, Answer, BO, Browser, Installation, Page, RelyingParty, SESSION_COOKIE, TestProvider,
    Tokens, WIKI, jwt,
};
use reqwest::Url;

use crate::journey::{provider_in, sign_in};

/// Where the wiki wants the browser back.
const AFTERWARDS: &str = "https://wiki.example.com/signed-out";

/// A provider that knows where the wiki wants the browser back.
async fn provider() -> TestProvider {
    let files = Installation::new();
    let registered = format!("redirect_uris = ['{}']", WIKI.redirect_uri);
    let more = format!("{registered}\npost_logout_redirect_uris = ['{AFTERWARDS}']");
    files.edit("clients.toml", &registered, &more);
    provider_in(files).await
}

/// A wiki, and a browser in which Ana is signed in to it.
async fn signed_in(provider: &TestProvider) -> (RelyingParty, Browser, Tokens) {
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&wiki, &mut browser, ANA).await;
    (wiki, browser, tokens)
}

/// The address of a logout request with these parameters.
fn logout(provider: &TestProvider, parameters: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params(&provider.url("/logout"), parameters);
    url.expect("a URL").into()
}

/// What the client is told without anybody being asked.
async fn quietly(wiki: &RelyingParty, browser: &mut Browser) -> Answer {
    let quiet = wiki.begin().with("prompt", "none");
    browser.visit(quiet.url.as_str()).await.answer()
}

async fn assert_signed_in(wiki: &RelyingParty, browser: &mut Browser) {
    let answer = quietly(wiki, browser).await;
    assert!(!answer.code().is_empty());
}

/// Neither the browser nor a copy of its cookie opens anything.
async fn assert_signed_out(wiki: &RelyingParty, browser: &mut Browser, cookie: &str) {
    assert_eq!(browser.cookie(SESSION_COOKIE), None);
    browser.plant_cookie(SESSION_COOKIE, cookie);
    let answer = quietly(wiki, browser).await;
    assert_eq!(answer.error(), "login_required");
}

fn session_cookie(browser: &Browser) -> String {
    let cookie = browser.cookie(SESSION_COOKIE);
    cookie.expect("a session").to_owned()
}

fn assert_came_back(answer: &Answer, state: Option<&str>) {
    assert_eq!(answer.redirect_uri, AFTERWARDS, "{answer:?}");
    assert_eq!(answer.get("state"), state, "{answer:?}");
    let expected = usize::from(state.is_some());
    assert_eq!(answer.parameters.len(), expected, "{answer:?}");
}

/// The page that asks, of this request.
async fn asked(browser: &mut Browser, url: &str) -> Page {
    let page = browser.visit(url).await.page();
    assert_eq!(page.status, 200, "{page}");
    assert!(page.has_form("/sign-out"), "{page}");
    assert!(page.says("signed in as ana"), "{page}");
    page
}

#[tokio::test]
async fn an_id_token_of_the_session_ends_it_and_the_client_gets_the_browser_back() {
    let provider = provider().await;
    let (wiki, mut browser, tokens) = signed_in(&provider).await;
    let cookie = session_cookie(&browser);
    let url = logout(
        &provider,
        &[
            ("id_token_hint", tokens.id_token.as_str()),
            ("client_id", WIKI.id),
            ("post_logout_redirect_uri", AFTERWARDS),
            ("state", "a b&c"),
        ],
    );
    let answer = browser.visit(&url).await.answer();
    assert_came_back(&answer, Some("a b&c"));
    assert_signed_out(&wiki, &mut browser, &cookie).await;

    // Once more: there is nothing to end, and the browser goes back all the same.
    let again = browser.visit(&url).await.answer();
    assert_came_back(&again, Some("a b&c"));
}

#[tokio::test]
async fn a_code_that_was_on_its_way_signs_nobody_in_who_has_signed_out() {
    let provider = provider().await;
    let (wiki, mut browser, tokens) = signed_in(&provider).await;
    let attempt = wiki.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    let url = logout(&provider, &[("id_token_hint", tokens.id_token.as_str())]);
    browser.visit(&url).await;
    let page = wiki
        .token_page(&wiki.redemption(&attempt, answer.code()))
        .await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_grant", "{page}");
}

#[tokio::test]
async fn without_an_address_the_provider_says_that_it_is_done() {
    let provider = provider().await;
    let (wiki, mut browser, tokens) = signed_in(&provider).await;
    let cookie = session_cookie(&browser);
    let url = logout(&provider, &[("id_token_hint", tokens.id_token.as_str())]);
    let page = browser.visit(&url).await.page();
    assert!(page.says("You are signed out"), "{page}");
    assert_signed_out(&wiki, &mut browser, &cookie).await;
}

#[tokio::test]
async fn without_a_hint_the_person_is_asked_and_can_stay() {
    let provider = provider().await;
    let (wiki, mut browser, _) = signed_in(&provider).await;
    let cookie = session_cookie(&browser);
    let url = logout(
        &provider,
        &[
            ("client_id", WIKI.id),
            ("post_logout_redirect_uri", AFTERWARDS),
            ("state", "s1"),
        ],
    );
    let page = asked(&mut browser, &url).await;
    assert!(page.says("Wiki asks to sign you out"), "{page}");
    assert_signed_in(&wiki, &mut browser).await;

    // The form counts from our own page in this browser only.
    for (fields, headers) in [
        ([("csrf", "")], vec![]),
        ([("csrf", "AAAA")], vec![]),
        ([("state", "s1")], vec![("origin", "https://evil.test")]),
        ([("state", "s1")], vec![("sec-fetch-site", "cross-site")]),
    ] {
        let answer = browser
            .post_form(&page, "/sign-out", &fields, &headers)
            .await;
        assert_eq!(answer.status, 403, "{answer}");
    }
    assert_signed_in(&wiki, &mut browser).await;

    let answer = browser.submit(&page, "/sign-out", &[]).await.answer();
    assert_came_back(&answer, Some("s1"));
    assert_signed_out(&wiki, &mut browser, &cookie).await;
}

#[tokio::test]
async fn what_the_form_carries_is_looked_at_again() {
    let provider = provider().await;
    let (wiki, mut browser, _) = signed_in(&provider).await;
    let parameters = [
        ("client_id", WIKI.id),
        ("post_logout_redirect_uri", AFTERWARDS),
    ];
    let page = asked(&mut browser, &logout(&provider, &parameters)).await;
    for changed in [
        ("post_logout_redirect_uri", "https://evil.test/"),
        ("client_id", "payroll-web"),
        ("client_id", ""),
    ] {
        let answer = browser.post_form(&page, "/sign-out", &[changed], &[]).await;
        assert_eq!(answer.status, 400, "{changed:?}: {answer}");
    }
    assert_signed_in(&wiki, &mut browser).await;
    let answer = browser.submit(&page, "/sign-out", &[]).await.answer();
    assert_came_back(&answer, None);
}

#[tokio::test]
async fn a_hint_that_does_not_belong_to_the_session_ends_nothing_unasked() {
    let provider = provider().await;
    let (wiki, mut browser, tokens) = signed_in(&provider).await;
    let mut of_bo = provider.browser_on("mbp-bo");
    let bos = sign_in(&wiki, &mut of_bo, BO).await;
    // A session of the same person in another browser is another session.
    let mut elsewhere = provider.browser_on("mbp-ana");
    let others = sign_in(&wiki, &mut elsewhere, ANA).await;

    let forged = jwt::forged(&tokens.id_token);
    let unsigned = jwt::unsigned(&tokens.header.to_string(), &tokens.claims.to_string());
    let mut claims = tokens.claims.clone();
    claims["sub"] = "u-bo".into();
    let changed = jwt::with_claims(&tokens.id_token, &claims.to_string());
    for (what, hint) in [
        ("another person", bos.id_token.as_str()),
        ("another session", others.id_token.as_str()),
        ("a forged one", forged.as_str()),
        ("an unsigned one", unsigned.as_str()),
        ("a changed one", changed.as_str()),
        ("an access token", tokens.access_token.as_str()),
        ("no token", "x"),
    ] {
        let parameters = [
            ("id_token_hint", hint),
            ("client_id", WIKI.id),
            ("post_logout_redirect_uri", AFTERWARDS),
        ];
        let page = browser.visit(&logout(&provider, &parameters)).await.page();
        assert!(page.has_form("/sign-out"), "{what}: {page}");
    }
    assert_signed_in(&wiki, &mut browser).await;
    assert_signed_in(&wiki, &mut of_bo).await;
}

#[tokio::test]
async fn an_address_that_is_not_registered_is_a_page_and_never_a_redirect() {
    let provider = provider().await;
    let (wiki, mut browser, tokens) = signed_in(&provider).await;
    let hint = tokens.id_token.as_str();
    let smuggled = [
        "https://evil.test/",
        "https://wiki.example.com/signed-out/",
        "https://wiki.example.com/signed-out?x",
        "https://wiki.example.com/signed-out#",
        "https://wiki.example.com/Signed-out",
        "https://wiki.example.com:443/signed-out",
        "https://wiki.example.com.evil.test/signed-out",
        "https://wiki.example.com@evil.test/signed-out",
        "https://wiki.example.com\\@evil.test/signed-out",
        "//wiki.example.com/signed-out",
        WIKI.redirect_uri,
    ];
    let mut requests: Vec<Vec<(&str, &str)>> = Vec::new();
    for uri in smuggled {
        requests.push(vec![
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", uri),
        ]);
    }
    let address = ("post_logout_redirect_uri", AFTERWARDS);
    // Of no client, of another client, and of one that is not the hint's.
    requests.push(vec![address]);
    requests.push(vec![("id_token_hint", "x"), address]);
    requests.push(vec![("client_id", "nobody"), address]);
    requests.push(vec![("client_id", "payroll-web"), address]);
    requests.push(vec![
        ("client_id", "payroll-web"),
        ("id_token_hint", hint),
        address,
    ]);
    requests.push(vec![("client_id", "payroll-web"), ("id_token_hint", hint)]);
    // Twice the same parameter, RFC 6749, section 3.1.
    requests.push(vec![("client_id", WIKI.id), address, address]);
    for parameters in requests {
        let url = logout(&provider, &parameters);
        let page = browser.visit(&url).await.page();
        assert_eq!(page.status, 400, "{parameters:?}: {page}");
        assert!(page.says("sign-out link does not work"), "{page}");
        let policy = page.header("content-security-policy");
        assert!(policy.is_some_and(|policy| policy.contains("form-action 'self'")));
    }
    assert_signed_in(&wiki, &mut browser).await;
}

#[tokio::test]
async fn a_form_of_a_client_does_what_a_link_does() {
    let provider = provider().await;
    let (wiki, mut browser, tokens) = signed_in(&provider).await;
    let cookie = session_cookie(&browser);
    let parameters = [
        ("id_token_hint", tokens.id_token.as_str()),
        ("post_logout_redirect_uri", AFTERWARDS),
        ("state", "s1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    // It comes from another site, without our cookies.
    let answer = browser.post(&provider.url("/logout"), &parameters).await;
    assert_came_back(&answer.answer(), Some("s1"));
    assert_signed_out(&wiki, &mut browser, &cookie).await;
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_out_unasked() {
    let provider = provider().await;
    let (wiki, mut browser, _) = signed_in(&provider).await;
    let url = provider.url("/logout");
    let page = browser.post(&url, &[]).await.page();
    assert!(page.has_form("/sign-out"), "{page}");
    // Nor where it claims to be our own.
    let parameters = [("csrf".to_owned(), "AAAA".to_owned())];
    let page = browser.post(&url, &parameters).await.page();
    assert!(page.has_form("/sign-out"), "{page}");
    assert_signed_in(&wiki, &mut browser).await;
}

#[tokio::test]
async fn a_form_that_no_link_can_hold_is_refused() {
    let provider = provider().await;
    let mut browser = provider.browser();
    let long = |name: &str| (name.to_owned(), "x".repeat(6000));
    let parameters = [long("id_token_hint"), long("state")];
    let page = browser
        .post(&provider.url("/logout"), &parameters)
        .await
        .page();
    assert_eq!(page.status, 400, "{page}");
}

#[tokio::test]
async fn the_discovery_document_names_the_endpoint() {
    let provider = provider().await;
    let page = provider
        .get(&provider.url("/.well-known/openid-configuration"))
        .await;
    let document = page.json();
    assert_eq!(document["end_session_endpoint"], provider.url("/logout"));
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
}
