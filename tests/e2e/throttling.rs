//! Limits on guessing passwords: what is counted together, what is counted apart, and what a sign-in
//! that succeeds gives back.

use doorward_tests::{ANA, Browser, Installation, Page, TestProvider, WIKI};

use crate::journey::provider_in;

/// A provider with these limits.
async fn provider(per_account: u32, per_address: u32) -> TestProvider {
    let files = Installation::new();
    for (name, default, limit) in [
        ("per_account", 10, per_account),
        ("per_address", 50, per_address),
    ] {
        files.edit(
            "doorward.toml",
            &format!("{name} = {default}"),
            &format!("{name} = {limit}"),
        );
    }
    provider_in(files).await
}

/// A browser at this address, before the sign-in page.
async fn at(provider: &TestProvider, address: &str) -> (Browser, Page) {
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    browser.travel(address);
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    assert!(page.has_form("/sign-in"), "{page}");
    (browser, page)
}

/// The status of the answer to this attempt: 303 is a sign-in.
async fn attempt(browser: &mut Browser, page: &Page, username: &str, password: &str) -> u16 {
    let fields = [("username", username), ("password", password)];
    let answer = browser.post_form(page, "/sign-in", &fields, &[]).await;
    answer.status
}

#[tokio::test]
async fn an_address_that_is_blocked_locks_no_account() {
    let provider = provider(4, 2).await;
    let (mut stranger, page) = at(&provider, "203.0.113.66").await;
    for expected in [403, 403, 429, 429, 429, 429, 429] {
        let status = attempt(&mut stranger, &page, ANA.username, "wrong").await;
        assert_eq!(status, expected);
    }
    let (mut browser, page) = at(&provider, "203.0.113.9").await;
    let status = attempt(&mut browser, &page, ANA.username, ANA.password).await;
    assert_eq!(status, 303);
}

#[tokio::test]
async fn username_and_e_mail_address_are_one_account() {
    let provider = provider(2, 50).await;
    let (mut browser, page) = at(&provider, "203.0.113.9").await;
    for username in [ANA.username, "Ana@Example.com"] {
        assert_eq!(attempt(&mut browser, &page, username, "wrong").await, 403);
    }
    for username in [ANA.username, "ana@example.com"] {
        let status = attempt(&mut browser, &page, username, ANA.password).await;
        assert_eq!(status, 429, "{username}");
    }
}

#[tokio::test]
async fn all_addresses_of_one_ipv6_network_are_counted_together() {
    let provider = provider(50, 2).await;
    let (mut browser, page) = at(&provider, "2001:db8:1:1::1").await;
    for (address, expected) in [
        ("2001:db8:1:1::1", 403),
        ("2001:db8:1:1:a::2", 403),
        ("2001:db8:1:1:b::3", 429),
        ("2001:db8:1:2::1", 403),
    ] {
        browser.travel(address);
        let status = attempt(&mut browser, &page, address, "wrong").await;
        assert_eq!(status, expected, "{address}");
    }
}

#[tokio::test]
async fn an_office_is_not_blocked_by_people_who_sign_in() {
    let provider = provider(50, 2).await;
    for _ in 0..4 {
        let (mut browser, page) = at(&provider, "203.0.113.9").await;
        let status = attempt(&mut browser, &page, ANA.username, ANA.password).await;
        assert_eq!(status, 303);
    }
}

#[tokio::test]
async fn a_known_password_does_not_buy_an_address_more_guesses() {
    let provider = provider(50, 2).await;
    let (mut browser, page) = at(&provider, "203.0.113.9").await;
    assert_eq!(attempt(&mut browser, &page, "bo", "wrong").await, 403);
    let status = attempt(&mut browser, &page, ANA.username, ANA.password).await;
    assert_eq!(status, 303);
    let (mut browser, page) = at(&provider, "203.0.113.9").await;
    assert_eq!(attempt(&mut browser, &page, "bo", "wrong").await, 403);
    assert_eq!(attempt(&mut browser, &page, "bo", "wrong").await, 429);
}
