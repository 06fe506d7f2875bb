//! The authorization endpoint and what is wrong with requests: what is told to the person, what is
//! told to the client, and that nothing is ever sent to an address that is not the client's.

use doorward_tests::{Arrival, Attempt, PAYROLL, WIKI};

use crate::journey::provider;

#[tokio::test]
async fn what_is_wrong_with_client_or_redirect_uri_is_a_page_and_never_a_redirect() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let mut cases = vec![
        ("client_id", wiki.begin().without("client_id")),
        ("client_id", wiki.begin().with("client_id", "nobody")),
        ("client_id", wiki.begin().with("client_id", "WIKI-WEB")),
        ("redirect_uri", wiki.begin().without("redirect_uri")),
        ("redirect_uri", wiki.begin().with("redirect_uri", "")),
    ];
    for near_miss in [
        "https://wiki.example.com/callback/",
        "https://wiki.example.com/callback?a=b",
        "https://wiki.example.com/callback#a",
        "https://wiki.example.com/callback/../callback",
        "https://wiki.example.com/%63allback",
        "https://wiki.example.com/CALLBACK",
        "https://wiki.example.com/",
        "https://wiki.example.com:443/callback",
        "https://WIKI.example.com/callback",
        "https://wiki.example.com@evil.test/callback",
        "https://wiki.example.com.evil.test/callback",
        "http://wiki.example.com/callback",
        "//wiki.example.com/callback",
        "/callback",
        "javascript:alert(1)",
        PAYROLL.redirect_uri,
    ] {
        cases.push(("redirect_uri", wiki.begin().with("redirect_uri", near_miss)));
    }
    for (parameter, attempt) in cases {
        let page = browser.get(attempt.url.as_str()).await;
        assert_eq!(page.status, 400, "{}: {page}", attempt.url);
        assert_eq!(page.header("location"), None, "{}", attempt.url);
        assert!(
            page.says(&format!("Parameter {parameter}")),
            "{}: {page}",
            attempt.url
        );
        assert_eq!(page.reference().len(), 9);
    }
}

#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    for (name, value) in [
        ("client_id", WIKI.id),
        ("redirect_uri", WIKI.redirect_uri),
        ("redirect_uri", "https://evil.test/"),
        ("scope", "openid"),
        ("state", "another"),
        ("code_challenge_method", "plain"),
        ("prompt", "none"),
    ] {
        let attempt = wiki.begin().with("prompt", "login").with_again(name, value);
        let page = browser.get(attempt.url.as_str()).await;
        assert_eq!(page.status, 400, "{name}: {page}");
        assert!(page.says(&format!("`{name}` is repeated")), "{page}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_rest_is_told_to_the_client() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let begin = || wiki.begin();
    let cases: Vec<(&str, Attempt)> = vec![
        ("invalid_request", begin().without("response_type")),
        (
            "unsupported_response_type",
            begin().with("response_type", "token"),
        ),
        (
            "unsupported_response_type",
            begin().with("response_type", "code id_token"),
        ),
        ("invalid_scope", begin().without("scope")),
        ("invalid_scope", begin().with("scope", "profile email")),
        ("invalid_request", begin().with("prompt", "none login")),
        ("invalid_request", begin().with("prompt", "create")),
        ("invalid_request", begin().with("max_age", "soon")),
        ("invalid_request", begin().with("max_age", "-1")),
        (
            "request_not_supported",
            begin().with("request", "eyJhbGciOiJub25lIn0.e30."),
        ),
        (
            "request_uri_not_supported",
            begin().with("request_uri", "https://evil.test/r"),
        ),
        (
            "registration_not_supported",
            begin().with("registration", "{}"),
        ),
    ];
    for (error, attempt) in cases {
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        wiki.check(&attempt, &answer);
        assert_eq!(answer.error(), error, "{}", attempt.url);
        let line = provider.decision(&answer.reference()).await;
        assert_eq!(line["error"], error, "{line}");
    }
}

#[tokio::test]
async fn pkce_with_s256_is_required() {
    let provider = provider().await;
    for client in [WIKI, PAYROLL] {
        let client = provider.relying_party(client).await;
        let mut browser = provider.browser();
        let begin = || client.begin();
        for attempt in [
            begin()
                .without("code_challenge")
                .without("code_challenge_method"),
            begin().without("code_challenge"),
            begin().without("code_challenge_method"),
            begin().with("code_challenge_method", "plain"),
            begin().with("code_challenge_method", "s256"),
            begin().with("code_challenge", "too-short"),
        ] {
            let answer = browser.visit(attempt.url.as_str()).await.answer();
            client.check(&attempt, &answer);
            assert_eq!(answer.error(), "invalid_request", "{}", attempt.url);
        }
    }
}

#[tokio::test]
async fn an_error_goes_back_in_the_way_the_client_asked_for() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let attempt = wiki
        .begin()
        .with("response_mode", "form_post")
        .with("prompt", "none")
        .with("state", "<script>'\"&");
    let page = browser.get(attempt.url.as_str()).await;
    assert_eq!(page.status, 200, "{page}");
    assert!(!page.body.contains("<script>'"), "{}", page.body);
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    assert_eq!(answer.error(), "login_required");
    assert_eq!(answer.get("state"), Some("<script>'\"&"));

    let plain = wiki.begin().without("state").with("prompt", "none");
    let answer = browser.visit(plain.url.as_str()).await.answer();
    assert_eq!(answer.get("state"), None, "{answer:?}");
}

#[tokio::test]
async fn parameters_that_nobody_knows_are_ignored() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let attempt = wiki
        .begin()
        .with("display", "popup")
        .with("ui_locales", "en-SG")
        .with("colour", "x")
        .with("claims_locales", "");
    match provider.browser().visit(attempt.url.as_str()).await {
        Arrival::Page(page) => assert!(page.has_form("/sign-in"), "{page}"),
        Arrival::Client(answer) => panic!("{answer:?}"),
    }
}
