//! Limits on what strangers can have written down: sign-ins that nobody finishes, and records of requests about which
//! nothing was decided. Whoever is known, and whoever is somewhere else, notices nothing of them.

use doorward_tests::{ANA, Finished, Installation, JAPAN, Page, SINGAPORE, TestProvider, WIKI};

use crate::journey::{arrive, provider_in, sign_in};

/// A provider that lets two sign-ins from one address wait, and stores as many records.
async fn provider() -> TestProvider {
    let files = Installation::new();
    files.edit(
        "doorward.toml",
        "per_address = 50\n",
        "per_address = 50\nunfinished_per_address = 2\n",
    );
    provider_in(files).await
}

/// What somebody without any cookie gets at this address.
async fn stranger(provider: &TestProvider, address: &str, url: &str) -> Page {
    let mut browser = provider.browser();
    browser.travel(address);
    browser.visit(url).await.page()
}

/// Begins as many sign-ins in Singapore as may wait there.
async fn fill(provider: &TestProvider) {
    let wiki = provider.relying_party(WIKI).await;
    for _ in 0..2 {
        let page = stranger(provider, SINGAPORE, wiki.begin().url.as_str()).await;
        assert_eq!(page.status, 200, "{page}");
        assert!(page.has_form("/sign-in"), "{page}");
    }
}

/// What the operator is told about this reference.
async fn explain(provider: &TestProvider, reference: &str) -> Finished {
    provider
        .command(&["explain", reference, "--config", "doorward.toml"])
        .await
}

#[tokio::test]
async fn a_stranger_too_many_has_to_wait_and_can_ask_why() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    fill(&provider).await;

    let page = stranger(&provider, SINGAPORE, wiki.begin().url.as_str()).await;
    assert_eq!(page.status, 429, "{page}");
    assert!(page.says("Too many sign-ins at a time"), "{page}");
    let wait: u64 = page
        .header("retry-after")
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds to wait");
    assert!((1..=15 * 60).contains(&wait), "{wait}");

    let reference = page.reference();
    let line = provider.decision(&reference).await;
    assert_eq!(line["ending"], "refused", "{line}");
    assert_eq!(line["error"], "too_many_requests", "{line}");
    assert_eq!(line["client"], WIKI.id, "{line}");
    let explained = explain(&provider, &reference).await;
    assert_eq!(explained.code, Some(0), "{explained:?}");
    assert!(explained.stdout.contains(&reference), "{explained:?}");
}

#[tokio::test]
async fn another_address_is_served() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    fill(&provider).await;
    let here = stranger(&provider, SINGAPORE, wiki.begin().url.as_str()).await;
    assert_eq!(here.status, 429, "{here}");
    let elsewhere = stranger(&provider, JAPAN, wiki.begin().url.as_str()).await;
    assert_eq!(elsewhere.status, 200, "{elsewhere}");
    assert!(elsewhere.has_form("/sign-in"), "{elsewhere}");
}

#[tokio::test]
async fn a_page_that_waits_leads_to_a_sign_in_however_many_wait() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = wiki.begin();
    let waiting = browser.visit(attempt.url.as_str()).await.page();
    let other = stranger(&provider, SINGAPORE, wiki.begin().url.as_str()).await;
    assert_eq!(other.status, 200, "{other}");
    let refused = stranger(&provider, SINGAPORE, wiki.begin().url.as_str()).await;
    assert_eq!(refused.status, 429, "{refused}");

    let page = browser.sign_in(&waiting, ANA).await.page();
    let answer = browser.follow(&page, "Check this device").await.answer();
    wiki.redeem(&attempt, &answer).await;
    // It has made room for another one.
    let next = stranger(&provider, SINGAPORE, wiki.begin().url.as_str()).await;
    assert_eq!(next.status, 200, "{next}");
}

#[tokio::test]
async fn a_session_and_a_request_for_no_page_are_answered_beyond_the_limit() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    fill(&provider).await;
    let refused = stranger(&provider, SINGAPORE, wiki.begin().url.as_str()).await;
    assert_eq!(refused.status, 429, "{refused}");

    let quiet = wiki.begin().with("prompt", "none");
    let answer = provider.browser().visit(quiet.url.as_str()).await.answer();
    wiki.check(&quiet, &answer);
    assert_eq!(answer.error(), "login_required");

    let known = wiki.begin();
    let answer = browser.visit(known.url.as_str()).await.answer();
    wiki.redeem(&known, &answer).await;

    let again = wiki.begin().with("prompt", "login");
    let page = browser.visit(again.url.as_str()).await.page();
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.field("username").as_deref(), Some(ANA.username));
    let answer = browser.sign_in(&page, ANA).await.answer();
    wiki.redeem(&again, &answer).await;
}

#[tokio::test]
async fn sign_ins_that_succeed_never_use_the_limit_up() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for _ in 0..4 {
        sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    }
    fill(&provider).await;
}

#[tokio::test]
async fn beyond_the_limit_an_unknown_client_has_its_page_and_its_line_and_no_record() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let unknown = wiki.begin().with("client_id", "nobody");
    for (address, stored) in [
        (SINGAPORE, true),
        (SINGAPORE, true),
        (SINGAPORE, false),
        (SINGAPORE, false),
        (JAPAN, true),
    ] {
        let page = stranger(&provider, address, unknown.url.as_str()).await;
        assert_eq!(page.status, 400, "{page}");
        assert!(page.says("is not known here"), "{page}");
        let reference = page.reference();
        let line = provider.decision(&reference).await;
        assert_eq!(line["ending"], "refused", "{line}");
        assert_eq!(line["client"], "nobody", "{line}");

        let explained = explain(&provider, &reference).await;
        if stored {
            assert_eq!(explained.code, Some(0), "{explained:?}");
            assert!(explained.stdout.contains(&reference), "{explained:?}");
        } else {
            assert_eq!(explained.code, Some(1), "{explained:?}");
            let complaint = format!("there is no record with the reference `{reference}`");
            assert!(explained.stderr.contains(&complaint), "{explained:?}");
        }
    }
}

#[tokio::test]
async fn a_decision_is_stored_however_many_records_there_are() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let unknown = wiki.begin().with("client_id", "nobody");
    for _ in 0..3 {
        stranger(&provider, SINGAPORE, unknown.url.as_str()).await;
    }
    let mut browser = provider.browser_on("byod-ana");
    let page = arrive(&wiki, &mut browser, ANA).await.denied();
    let reference = page.reference();
    let explained = explain(&provider, &reference).await;
    assert_eq!(explained.code, Some(0), "{explained:?}");
}
