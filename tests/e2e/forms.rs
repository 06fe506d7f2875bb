//! Forms: a form counts only from our own page in the browser it was given to, a password only so
//! many times, and a session only under its newest cookie.

use doorward_tests::{
    ANA, Arrival, BO, Browser, Installation, Page, RelyingParty, SESSION_COOKIE, WIKI,
};

use crate::journey::{provider, provider_in, sign_in};

const RIGHT: [(&str, &str); 2] = [("username", ANA.username), ("password", ANA.password)];

/// The page that asks this browser for a password.
async fn sign_in_page(client: &RelyingParty, browser: &mut Browser) -> Page {
    let page = browser.visit(client.begin().url.as_str()).await.page();
    assert!(page.has_form("/sign-in"), "{page}");
    page
}

#[tokio::test]
async fn a_password_is_taken_from_our_own_page_only() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let page = sign_in_page(&wiki, &mut browser).await;
    let other = sign_in_page(&wiki, &mut browser).await;
    let foreign_token = other.field("csrf").expect("a token");

    let fields: [&[(&str, &str)]; 3] = [
        &[("csrf", "")],
        &[("csrf", "AAAA")],
        &[("csrf", foreign_token.as_str())],
    ];
    for wrong in fields {
        let sent = [RIGHT.as_slice(), wrong].concat();
        let answer = browser.post_form(&page, "/sign-in", &sent, &[]).await;
        assert_refused(&browser, &answer);
    }
    for (name, value) in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("origin", "https://device.localhost"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = browser
            .post_form(&page, "/sign-in", &RIGHT, &[(name, value)])
            .await;
        assert_refused(&browser, &answer);
    }

    let answer = browser.post_form(&page, "/sign-in", &RIGHT, &[]).await;
    assert_eq!(answer.status, 303, "{answer}");
    assert!(browser.cookie(SESSION_COOKIE).is_some());
}

fn assert_refused(browser: &Browser, answer: &Page) {
    assert_eq!(answer.status, 403, "{answer}");
    assert_eq!(browser.cookie(SESSION_COOKIE), None);
}

#[tokio::test]
async fn a_form_is_worth_nothing_in_another_browser() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    // The page of an attacker, submitted by a victim: the attacker would be signed in there.
    let page = sign_in_page(&wiki, &mut provider.browser()).await;
    let mut victim = provider.browser();
    sign_in_page(&wiki, &mut victim).await;
    let answer = victim.post_form(&page, "/sign-in", &RIGHT, &[]).await;
    assert_eq!(answer.status, 400, "{answer}");
    assert_eq!(victim.cookie(SESSION_COOKIE), None);
}

#[tokio::test]
async fn a_refusal_is_reported_to_the_client_from_our_own_page_only() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("byod-ana");
    let page = browser.walk(wiki.begin().url.as_str(), ANA).await.denied();
    let path = "/authorize/return";
    let answer = browser
        .post_form(&page, path, &[], &[("origin", "https://evil.test")])
        .await;
    assert_eq!(answer.status, 403, "{answer}");
    let answer = browser
        .post_form(&page, path, &[("csrf", "AAAA")], &[])
        .await;
    assert_eq!(answer.status, 403, "{answer}");
    let answer = browser.submit(&page, path, &[]).await.answer();
    assert_eq!(answer.error(), "access_denied");
}

#[tokio::test]
async fn nobody_learns_which_users_exist() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let page = sign_in_page(&wiki, &mut browser).await;
    let mut answers = Vec::new();
    for username in [ANA.username, "nobody"] {
        let fields = [("username", username), ("password", "wrong")];
        let answer = browser.submit(&page, "/sign-in", &fields).await.page();
        assert_eq!(answer.status, 403, "{answer}");
        assert_eq!(answer.field("username").as_deref(), Some(username));
        answers.push(answer.text());
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].contains("do not match"), "{}", answers[0]);
    assert_eq!(browser.cookie(SESSION_COOKIE), None);
}

#[tokio::test]
async fn after_too_many_attempts_even_the_right_password_waits() {
    let installation = Installation::new();
    installation.edit("doorward.toml", "per_account = 10", "per_account = 3");
    let provider = provider_in(installation).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let page = sign_in_page(&wiki, &mut browser).await;
    for _ in 0..3 {
        let fields = [("username", "ANA"), ("password", "wrong")];
        let answer = browser.submit(&page, "/sign-in", &fields).await.page();
        assert_eq!(answer.status, 403, "{answer}");
    }

    let blocked = browser.submit(&page, "/sign-in", &RIGHT).await.page();
    assert_eq!(blocked.status, 429, "{blocked}");
    assert!(blocked.says("too many attempts"), "{blocked}");
    let wait: u32 = blocked
        .header("retry-after")
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds");
    assert!((1..=900).contains(&wait), "{wait}");
    assert_eq!(browser.cookie(SESSION_COOKIE), None);

    // Other accounts go on, from the same place too.
    match browser.sign_in(&page, BO).await {
        Arrival::Page(page) => assert!(page.says("Check this device"), "{page}"),
        Arrival::Client(answer) => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn one_address_cannot_try_every_account() {
    let installation = Installation::new();
    installation.edit("doorward.toml", "per_address = 50", "per_address = 3");
    let provider = provider_in(installation).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let page = sign_in_page(&wiki, &mut browser).await;
    for username in ["a", "b", "c"] {
        let fields = [("username", username), ("password", "wrong")];
        let answer = browser.submit(&page, "/sign-in", &fields).await.page();
        assert_eq!(answer.status, 403, "{answer}");
    }
    let blocked = browser.submit(&page, "/sign-in", &RIGHT).await.page();
    assert_eq!(blocked.status, 429, "{blocked}");

    browser.travel("203.0.113.10");
    let page = browser.submit(&page, "/sign-in", &RIGHT).await.page();
    assert!(page.says("Check this device"), "{page}");
}

#[tokio::test]
async fn each_login_changes_the_cookie_and_the_old_one_opens_nothing() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    // Session fixation: a cookie that somebody else has chosen.
    browser.plant_cookie(SESSION_COOKIE, "chosen-by-somebody-else");
    let first = sign_in(&wiki, &mut browser, ANA).await;
    let old = browser
        .cookie(SESSION_COOKIE)
        .expect("a session")
        .to_owned();
    assert_ne!(old, "chosen-by-somebody-else");

    let again = wiki.begin().with("prompt", "login");
    let answer = browser.walk(again.url.as_str(), ANA).await.answer();
    let second = wiki.redeem(&again, &answer).await;
    assert_ne!(browser.cookie(SESSION_COOKIE), Some(old.as_str()));
    assert_eq!(second.claims["sid"], first.claims["sid"]);

    let mut thief = provider.browser_on("mbp-ana");
    thief.plant_cookie(SESSION_COOKIE, &old);
    let quiet = wiki.begin().with("prompt", "none");
    let answer = thief.visit(quiet.url.as_str()).await.answer();
    assert_eq!(answer.error(), "login_required");
}

#[tokio::test]
async fn signing_out_ends_the_session_after_asking() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let cookie = browser
        .cookie(SESSION_COOKIE)
        .expect("a session")
        .to_owned();

    let url = provider.url("/sign-out");
    let page = browser.visit(&url).await.page();
    assert!(page.says("signed in as ana"), "{page}");
    let answer = browser
        .post_form(&page, "/sign-out", &[], &[("origin", "https://evil.test")])
        .await;
    assert_eq!(answer.status, 403, "{answer}");
    let answer = browser.submit(&page, "/sign-out", &[]).await.page();
    assert!(answer.says("You are signed out"), "{answer}");
    assert_eq!(browser.cookie(SESSION_COOKIE), None);

    // A copy of the cookie is worth nothing either.
    browser.plant_cookie(SESSION_COOKIE, &cookie);
    let quiet = wiki.begin().with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    assert_eq!(answer.error(), "login_required");
}
