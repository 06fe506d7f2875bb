//! Requests that clients send ahead (RFC 9126): what is taken, what the browser then brings, and for whom it counts.
//! What a signed request has to say stands in `request_objects.rs`.

use doorward_tests::{
    ANA, Attempt, Installation, PAYROLL, Page, RelyingParty, TestClient, TestKey, TestProvider,
    WIKI,
};
use serde_json::Value;

use crate::journey::{provider, provider_in, sign_in};
use crate::private_key_jwt::{APP, KIND, assertion, claims, provider_with};

/// How the name of a pushed request begins.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A client whose requests have to be pushed.
const PUSHES: TestClient = TestClient {
    id: "pushes-web",
    name: "Pushes",
    redirect_uri: "https://pushes.example.com/callback",
    confidential: false,
};

/// What the endpoint says to this form.
pub(crate) async fn push(provider: &TestProvider, form: &[(String, String)]) -> Page {
    let request = provider.http().post(provider.url("/par")).form(form);
    Page::read(request.send().await.expect("an answer")).await
}

/// What it says to the request of an attempt, with these fields besides.
pub(crate) async fn push_with(
    provider: &TestProvider,
    attempt: &Attempt,
    fields: &[(&str, &str)],
) -> Page {
    let mut form = attempt.parameters();
    let fields = fields.iter();
    form.extend(fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    push(provider, &form).await
}

/// The link for the browser, with the name of what was pushed.
pub(crate) fn link(provider: &TestProvider, client: TestClient, pushed: &Page) -> String {
    assert_eq!(pushed.status, 201, "{pushed}");
    let json = pushed.json();
    let name = json["request_uri"].as_str().expect("a name");
    assert!(name.starts_with(PREFIX), "{name}");
    let endpoint = provider.url("/authorize");
    format!("{endpoint}?client_id={}&request_uri={name}", client.id)
}

/// A link to a request of the wiki, and the attempt it belongs to.
async fn pushed(provider: &TestProvider, wiki: &RelyingParty) -> (Attempt, String) {
    let attempt = wiki.begin();
    let page = push_with(provider, &attempt, &[]).await;
    let link = link(provider, WIKI, &page);
    (attempt, link)
}

/// Asserts that the link leads nowhere any more.
fn assert_over(page: &Page) {
    assert_eq!(page.status, 400, "{page}");
    assert!(page.says("This sign-in link is over"), "{page}");
}

/// Asserts that nothing was stored.
pub(crate) fn assert_refused(page: &Page, status: u16, error: &str) {
    assert_eq!(page.status, status, "{error}: {page}");
    assert_eq!(page.json()["error"], error, "{page}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_request_is_pushed_and_the_browser_brings_its_name() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let attempt = wiki.begin();
    let page = push_with(&provider, &attempt, &[]).await;
    let link = link(&provider, WIKI, &page);
    assert_eq!(page.json()["expires_in"], 90);
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let mut browser = provider.browser_on("mbp-ana");
    let answer = browser.walk(&link, ANA).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["sub"], ANA.id);
}

#[tokio::test]
async fn a_page_may_be_loaded_again_until_there_is_a_code() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let (attempt, link) = pushed(&provider, &wiki).await;
    let mut browser = provider.browser_on("mbp-ana");
    for _ in 0..3 {
        let page = browser.visit(&link).await.page();
        assert!(page.has_form("/sign-in"), "{page}");
    }
    let answer = browser.walk(&link, ANA).await.answer();
    wiki.redeem(&attempt, &answer).await;
    let page = browser.visit(&link).await.page();
    assert_over(&page);
    let record = provider.decision(&page.reference()).await;
    assert_eq!(record["error"], "invalid_request_uri", "{record}");
    assert_eq!(record["client"], WIKI.id, "{record}");
}

#[tokio::test]
async fn a_pushed_request_belongs_to_the_first_browser_that_comes() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let (attempt, link) = pushed(&provider, &wiki).await;
    let mut first = provider.browser_on("mbp-ana");
    assert!(first.visit(&link).await.page().has_form("/sign-in"));
    let mut second = provider.browser_on("mbp-bo");
    assert_over(&second.visit(&link).await.page());
    let answer = first.walk(&link, ANA).await.answer();
    wiki.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn of_two_sign_ins_with_one_pushed_request_one_gets_a_code() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let attempt = wiki.begin().with("prompt", "login");
    let page = push_with(&provider, &attempt, &[]).await;
    let link = link(&provider, WIKI, &page);
    let left = browser.visit(&link).await.page();
    let right = browser.visit(&link).await.page();
    let answer = browser.sign_in(&left, ANA).await.answer();
    wiki.redeem(&attempt, &answer).await;
    assert_over(&browser.sign_in(&right, ANA).await.page());
}

#[tokio::test]
async fn what_stands_beside_the_name_does_not_count() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let (attempt, link) = pushed(&provider, &wiki).await;
    let more = "&redirect_uri=https://evil.test/&state=other&prompt=none&scope=openid";
    let mut browser = provider.browser_on("mbp-ana");
    let answer = browser.walk(&format!("{link}{more}"), ANA).await.answer();
    wiki.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn a_name_is_worth_nothing_for_another_client_or_without_one() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let (_, link) = pushed(&provider, &wiki).await;
    let mut browser = provider.browser();
    let other = link.replace(WIKI.id, PAYROLL.id);
    assert_over(&browser.visit(&other).await.page());
    assert_over(&browser.visit(&format!("{link}x")).await.page());
    let elsewhere = link.replace(PREFIX, "urn:doorward:arrival:");
    assert_over(&browser.visit(&elsewhere).await.page());
    let nobody = link.replace("client_id=", "client=");
    let page = browser.visit(&nobody).await.page();
    assert_eq!(page.status, 400, "{page}");
    assert!(page.says("client_id"), "{page}");
    let twice = format!("{link}&request=e30.e30.");
    let page = browser.visit(&twice).await.page();
    assert_eq!(page.status, 400, "{page}");
    // None of that has taken it away from whoever it is for.
    assert!(browser.visit(&link).await.page().has_form("/sign-in"));
}

#[tokio::test]
async fn what_is_wrong_with_a_pushed_request_is_told_in_json() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let begin = || wiki.begin();
    let cases: Vec<(u16, &str, Attempt)> = vec![
        (400, "invalid_request", begin().without("redirect_uri")),
        (
            400,
            "invalid_request",
            begin().with("redirect_uri", "https://evil.test/"),
        ),
        (
            400,
            "invalid_request",
            begin().with("response_mode", "web_message"),
        ),
        (400, "invalid_request", begin().without("code_challenge")),
        (400, "invalid_request", begin().with("prompt", "none login")),
        (
            400,
            "invalid_request",
            begin().with("request_uri", "https://evil.test/r"),
        ),
        (
            400,
            "invalid_request",
            begin().with("request_uri", "urn:ietf:params:oauth:request_uri:a"),
        ),
        (
            400,
            "unsupported_response_type",
            begin().with("response_type", "token"),
        ),
        (400, "invalid_scope", begin().with("scope", "profile")),
        (
            400,
            "invalid_target",
            begin().with("resource", "https://api.example.com"),
        ),
        (
            400,
            "registration_not_supported",
            begin().with("registration", "{}"),
        ),
        (
            400,
            "request_not_supported",
            begin().with("request", "eyJhbGciOiJub25lIn0.e30."),
        ),
        (401, "invalid_client", begin().with("client_id", "nobody")),
        (401, "invalid_client", begin().without("client_id")),
        (401, "invalid_client", begin().with("client_id", PAYROLL.id)),
        (
            400,
            "invalid_request",
            begin().with_again("scope", "openid"),
        ),
    ];
    for (status, error, attempt) in cases {
        let page = push_with(&provider, &attempt, &[]).await;
        assert_refused(&page, status, error);
    }
}

#[tokio::test]
async fn a_client_with_a_secret_proves_itself_where_it_pushes() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    let secret = PAYROLL.secret().expect("a secret");
    let attempt = payroll.begin();
    let guessed = [("client_secret", "guessed")];
    for wrong in [&guessed[..0], &guessed] {
        let page = push_with(&provider, &attempt, wrong).await;
        assert_refused(&page, 401, "invalid_client");
    }
    let request = provider.http().post(provider.url("/par"));
    let request = request.basic_auth(PAYROLL.id, Some(secret));
    let mut form = attempt.parameters();
    form.retain(|(name, _)| name != "client_id");
    let page = Page::read(request.form(&form).send().await.expect("an answer")).await;
    assert_eq!(page.status, 201, "{page}");

    let page = push_with(&provider, &attempt, &[("client_secret", secret)]).await;
    let link = link(&provider, PAYROLL, &page);
    let mut browser = provider.browser_on("mbp-ana");
    let answer = browser.walk(&link, ANA).await.answer();
    payroll.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn a_client_that_signs_proves_itself_where_it_pushes() {
    let key = TestKey::es256();
    let provider = provider_with(&[key.jwk()]).await;
    let app = provider.relying_party(APP).await;
    let attempt = app.begin();
    let page = push_with(&provider, &attempt, &[]).await;
    assert_refused(&page, 401, "invalid_client");
    // RFC 9126, section 2: the issuer, the token endpoint, and the endpoint itself.
    let (issuer, here) = (provider.issuer(), provider.url("/par"));
    for audience in [issuer, provider.url("/token"), here] {
        let mut said = claims(&provider, APP.id);
        said["aud"] = Value::String(audience);
        let signed = key.token(None, &said);
        let proof = [
            ("client_assertion_type", KIND),
            ("client_assertion", signed.as_str()),
        ];
        let page = push_with(&provider, &attempt, &proof).await;
        assert_eq!(page.status, 201, "{page}");
        let again = push_with(&provider, &attempt, &proof).await;
        assert_refused(&again, 401, "invalid_client");
    }

    let signed = assertion(&provider, &key);
    let proof = [
        ("client_assertion_type", KIND),
        ("client_assertion", signed.as_str()),
    ];
    let page = push_with(&provider, &attempt, &proof).await;
    let link = link(&provider, APP, &page);
    let mut browser = provider.browser_on("mbp-ana");
    let answer = browser.walk(&link, ANA).await.answer();
    app.check(&attempt, &answer);
    let mut form = app.redemption(&attempt, answer.code());
    form.insert("client_assertion_type".to_owned(), KIND.to_owned());
    form.insert("client_assertion".to_owned(), assertion(&provider, &key));
    let tokens = app.token_page(&form).await;
    assert_eq!(tokens.status, 200, "{tokens}");
}

#[tokio::test]
async fn a_client_that_has_to_push_gets_no_further_without() {
    let files = Installation::new();
    let TestClient {
        id, redirect_uri, ..
    } = PUSHES;
    let entry = format!(
        "[[client]]\nid = '{id}'\napplication = 'wiki'\npublic = true\n\
         redirect_uris = ['{redirect_uri}']\npar_required = true\n\n"
    );
    files.append("clients.toml", &entry);
    let provider = provider_in(files).await;
    let client = provider.relying_party(PUSHES).await;
    let mut browser = provider.browser_on("mbp-ana");

    let attempt = client.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    client.check(&attempt, &answer);
    assert_eq!(answer.error(), "invalid_request");

    let page = push_with(&provider, &attempt, &[]).await;
    let link = link(&provider, PUSHES, &page);
    let answer = browser.walk(&link, ANA).await.answer();
    client.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn only_forms_of_some_length_are_pushed() {
    let provider = provider().await;
    let (http, url) = (provider.http(), provider.url("/par"));
    let kind = "application/x-www-form-urlencoded";
    let long = http.post(&url).header("content-type", kind);
    for (status, request) in [
        (405, http.get(&url)),
        (405, http.put(&url)),
        (413, long.body("a".repeat(64 * 1024 + 1))),
        (400, http.post(&url).body("{}")),
    ] {
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_eq!(page.status, status, "{page}");
    }
}

#[tokio::test]
async fn a_page_of_a_public_client_may_push() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let form = wiki.begin().parameters();
    for (origin, readable) in [
        ("https://wiki.example.com", Some("https://wiki.example.com")),
        ("https://evil.test", None),
    ] {
        let request = provider.http().post(provider.url("/par"));
        let request = request.header("origin", origin).form(&form);
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_eq!(page.status, 201, "{page}");
        assert_eq!(page.header("access-control-allow-origin"), readable);
    }
}

#[tokio::test]
async fn what_strangers_push_is_bounded() {
    let files = Installation::new();
    let limit = "per_address = 50\nunfinished_per_address = 2\n";
    files.edit("doorward.toml", "per_address = 50\n", limit);
    let provider = provider_in(files).await;
    let wiki = provider.relying_party(WIKI).await;
    for _ in 0..2 {
        pushed(&provider, &wiki).await;
    }
    let page = push_with(&provider, &wiki.begin(), &[]).await;
    assert_refused(&page, 429, "temporarily_unavailable");
    assert!(page.header("retry-after").is_some(), "{page}");

    // Whoever has proved itself is no stranger.
    let payroll = provider.relying_party(PAYROLL).await;
    let secret = PAYROLL.secret().expect("a secret");
    for _ in 0..3 {
        let page = push_with(&provider, &payroll.begin(), &[("client_secret", secret)]).await;
        assert_eq!(page.status, 201, "{page}");
    }
}

#[tokio::test]
async fn discovery_says_where_requests_are_pushed() {
    let provider = provider().await;
    let url = provider.url("/.well-known/openid-configuration");
    let document = provider.get(&url).await.json();
    let endpoint = &document["pushed_authorization_request_endpoint"];
    assert_eq!(*endpoint, provider.url("/par"));
    assert_eq!(document["require_pushed_authorization_requests"], false);
    assert_eq!(document["request_uri_parameter_supported"], false);
}
