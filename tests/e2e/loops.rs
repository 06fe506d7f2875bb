//! Clients that do not take the answer and send the browser back for it: where that ends, whom it concerns, and who
//! is told.

use doorward_tests::{
    ANA, Arrival, Browser, CY, Installation, PAYROLL, Page, RelyingParty, TestProvider, WIKI,
};
use serde_json::Value;

use crate::journey::{arrive, code, provider_in, sign_in};

/// How often the same answer goes to the same client here.
const LIMIT: usize = 3;

/// A provider with that limit, and a window in which no test ends.
async fn provider() -> TestProvider {
    let files = Installation::new();
    let loops = format!("limit = {LIMIT}\nwindow = \"1h\"");
    files.edit("doorward.toml", "limit = 1000", &loops);
    provider_in(files).await
}

/// A broker that begins anew at each answer, until a page stops it. Says how many answers it was given, and the page.
async fn loop_until_stopped(broker: &RelyingParty, browser: &mut Browser) -> (usize, Page) {
    for passed in 0..10 * LIMIT {
        match browser.visit(broker.begin().url.as_str()).await {
            Arrival::Client(answer) => assert_eq!(answer.get("error"), None, "{answer:?}"),
            Arrival::Page(page) => return (passed, page),
        }
    }
    panic!("nothing has stopped the loop");
}

/// The alerts in the server's log.
fn alerts(provider: &TestProvider) -> Vec<Value> {
    let log = provider.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["event"] == "loop")
        .collect()
}

#[tokio::test]
async fn a_loop_ends_at_a_page_that_says_why_and_alerts_once() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let (passed, page) = loop_until_stopped(&wiki, &mut browser).await;
    assert_eq!(passed + 1, LIMIT);
    assert_eq!(page.status, 403, "{page}");
    for words in [
        "sent round in circles",
        "more than 3 times within 1 h",
        "you may sign in",
    ] {
        assert!(page.says(words), "no `{words}` on {page}");
    }
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["ending"], "loop-stopped");
    assert_eq!(line["outcome"], "permitted");
    assert_eq!(line["client"], WIKI.id);
    assert_eq!(line["user"], ANA.id);
    assert_eq!(line["decision"]["outcome"], "permit");

    for _ in 0..LIMIT {
        let (passed, _) = loop_until_stopped(&wiki, &mut browser).await;
        assert_eq!(passed, 0);
    }
    let alerts = alerts(&provider);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["level"], "ERROR");
    assert_eq!(alerts[0]["reference"], page.reference());
    assert_eq!(alerts[0]["client"], WIKI.id);
}

#[tokio::test]
async fn a_loop_concerns_one_browser_and_one_application() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    loop_until_stopped(&wiki, &mut browser).await;

    code(&payroll, &mut browser).await;
    let mut other = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut other, ANA).await;
    code(&wiki, &mut other).await;
}

#[tokio::test]
async fn a_client_that_wants_no_page_gets_an_error() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let quiet = || wiki.begin().with("prompt", "none");
    for _ in 1..LIMIT {
        let attempt = quiet();
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        wiki.redeem(&attempt, &answer).await;
    }
    let attempt = quiet();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    wiki.check(&attempt, &answer);
    assert_eq!(answer.error(), "interaction_required");
    let line = provider.decision(&answer.reference()).await;
    assert_eq!(line["ending"], "loop-stopped");
    assert_eq!(alerts(&provider).len(), 1);
}

#[tokio::test]
async fn a_browser_without_cookies_is_known_from_its_second_time_on() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    for _ in 0..=LIMIT {
        let attempt = wiki.begin().with("prompt", "none");
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.error(), "login_required");
    }
    let attempt = wiki.begin().with("prompt", "none");
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    assert_eq!(answer.error(), "interaction_required");
    let line = provider.decision(&answer.reference()).await;
    assert_eq!(line["ending"], "loop-stopped");
    assert_eq!(line["outcome"], "login_required");

    // Many browsers at one address are no loop.
    for _ in 0..2 * LIMIT {
        let mut other = provider.browser();
        let answer = other.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.error(), "login_required");
    }
}

#[tokio::test]
async fn whoever_takes_a_denial_back_again_and_again_is_stopped_too() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    for _ in 0..LIMIT {
        let page = arrive(&wiki, &mut browser, CY).await.denied();
        let back = browser.submit(&page, "/authorize/return", &[]).await;
        assert_eq!(back.answer().error(), "access_denied");
    }
    let page = arrive(&wiki, &mut browser, CY).await.denied();
    let page = browser.submit(&page, "/authorize/return", &[]).await.page();
    assert_eq!(page.status, 403, "{page}");
    assert!(page.says("you may not sign in"), "{page}");
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_so_each_time() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    for _ in 0..2 * LIMIT {
        let attempt = wiki.begin().with("scope", "email");
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.error(), "invalid_scope");
    }
}

#[tokio::test]
async fn the_record_says_what_the_other_side_calls_the_request() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let attempt = wiki
        .begin()
        .with("prompt", "none")
        .with("client-request-id", "8b1f0b1e-2d3c-4c5d-9e8f-0a1b2c3d4e5f")
        .with("OktaAppName", "Payroll")
        .with("okta_app_instance_id", "0oa1");
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    let reference = answer.reference();
    let caller = provider.decision(&reference).await["caller"].clone();
    assert_eq!(caller["state"], attempt.state.as_str());
    assert_eq!(
        caller["client_request_id"],
        "8b1f0b1e-2d3c-4c5d-9e8f-0a1b2c3d4e5f"
    );
    assert_eq!(caller["app_name"], "Payroll");
    assert_eq!(caller["app_instance_id"], "0oa1");

    let explained = provider.command(&["explain", &reference]).await;
    assert!(
        explained.stdout.contains("In the log of the other side"),
        "{explained:?}"
    );
}
