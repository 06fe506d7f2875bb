//! What a client can ask of the provider on top of a sign-in: no page, a fresh password, a certain
//! person.

use doorward_tests::{ANA, Arrival, BO, Installation, JAPAN, PAYROLL, WIKI};

use crate::journey::{provider, provider_in, sign_in};

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");

    let nobody = wiki.begin().with("prompt", "none");
    let answer = browser.visit(nobody.url.as_str()).await.answer();
    wiki.check(&nobody, &answer);
    assert_eq!(answer.error(), "login_required");
    let line = provider.decision(&answer.reference()).await;
    assert_eq!(line["ending"], "interaction-required");

    sign_in(&wiki, &mut browser, ANA).await;
    let known = wiki.begin().with("prompt", "none");
    let answer = browser.visit(known.url.as_str()).await.answer();
    wiki.redeem(&known, &answer).await;

    browser.travel(JAPAN);
    let abroad = wiki.begin().with("prompt", "none");
    let answer = browser.visit(abroad.url.as_str()).await.answer();
    wiki.check(&abroad, &answer);
    assert_eq!(answer.error(), "access_denied");
    let line = provider.decision(&answer.reference()).await;
    assert_eq!(line["ending"], "denied");
}

#[tokio::test]
async fn prompt_none_says_that_the_device_would_have_to_be_checked() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let page = browser.sign_in(&page, ANA).await.page();
    assert!(page.says("Check this device"), "{page}");

    let quiet = wiki.begin().with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    wiki.check(&quiet, &answer);
    assert_eq!(answer.error(), "interaction_required");
}

#[tokio::test]
async fn prompt_login_asks_for_the_password_again() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = sign_in(&wiki, &mut browser, ANA).await;

    for (name, value) in [("prompt", "login"), ("max_age", "0")] {
        let attempt = wiki.begin().with(name, value);
        let page = browser.visit(attempt.url.as_str()).await.page();
        assert!(page.has_form("/sign-in"), "{name}: {page}");
        assert_eq!(page.field("username").as_deref(), Some(ANA.username));
        let answer = browser.sign_in(&page, ANA).await.answer();
        let tokens = wiki.redeem(&attempt, &answer).await;
        assert!(
            tokens.claims["auth_time"].as_i64() >= first.claims["auth_time"].as_i64(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_that_is_recent_enough_is_not_repeated() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let attempt = wiki.begin().with("max_age", "3600");
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    wiki.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn a_login_hint_fills_in_the_username_and_another_person_is_asked() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");

    let hinted = wiki.begin().with("login_hint", "ana@example.com");
    let page = browser.visit(hinted.url.as_str()).await.page();
    assert_eq!(page.field("username").as_deref(), Some("ana@example.com"));
    let page = browser.sign_in(&page, ANA).await.page();
    let answer = browser.follow(&page, "Check this device").await.answer();
    wiki.redeem(&hinted, &answer).await;

    let same = wiki.begin().with("login_hint", ANA.username);
    browser.visit(same.url.as_str()).await.answer();

    let other = wiki.begin().with("login_hint", BO.username);
    let page = browser.visit(other.url.as_str()).await.page();
    assert!(page.has_form("/sign-in"), "{page}");
    assert_eq!(page.field("username").as_deref(), Some(BO.username));
}

#[tokio::test]
async fn an_id_token_hint_names_the_only_person_who_will_do() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let ana = sign_in(&wiki, &mut browser, ANA).await;
    let begin = || wiki.begin().with("id_token_hint", &ana.id_token);
    let same = begin().with("prompt", "none");
    let answer = browser.visit(same.url.as_str()).await.answer();
    wiki.redeem(&same, &answer).await;

    let mut browser = provider.browser_on("mbp-bo");
    sign_in(&wiki, &mut browser, BO).await;
    let quiet = begin().with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    wiki.check(&quiet, &answer);
    assert_eq!(answer.error(), "login_required");

    let attempt = begin();
    let page = browser.visit(attempt.url.as_str()).await.page();
    assert!(page.says("expects somebody else"), "{page}");
    // The right password of the wrong person changes nothing.
    let page = browser.sign_in(&page, BO).await.page();
    assert!(page.says("expects somebody else"), "{page}");
    let mut arrival = browser.sign_in(&page, ANA).await;
    if let Arrival::Page(page) = &arrival {
        arrival = browser.follow(page, "Check this device").await;
    }
    let tokens = wiki.redeem(&attempt, &arrival.answer()).await;
    assert_eq!(tokens.claims["sub"], ANA.id);
}

#[tokio::test]
async fn an_id_token_hint_that_this_client_was_not_given_is_refused() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    let own = sign_in(&wiki, &mut browser, ANA).await.id_token;
    let foreign = sign_in(&payroll, &mut browser, ANA).await.id_token;

    let (signed, signature) = own.rsplit_once('.').expect("a signature");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let altered = format!("{signed}.{other}{}", &signature[1..]);
    let unsigned = format!("{signed}.");
    for hint in ["rubbish", "a.b.c", &altered, &unsigned, &foreign] {
        let attempt = wiki.begin().with("id_token_hint", hint);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        wiki.check(&attempt, &answer);
        assert_eq!(answer.error(), "invalid_request", "{hint}");
    }
}

#[tokio::test]
async fn a_username_is_found_whatever_its_case() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let fields = [("username", " Ana "), ("password", ANA.password)];
    let page = browser.submit(&page, "/sign-in", &fields).await.page();
    browser.follow(&page, "Check this device").await.answer();
}

const ACR_PASSWORD: &str = "urn:doorward:acr:password";
const ACR_DEVICE: &str = "urn:doorward:acr:password-and-device";

/// Anyone may open the wiki: nothing in the policies asks for a device.
fn open_wiki() -> Installation {
    let installation = Installation::new();
    installation.append(
        "policies/access.cedar",
        "\n@id(\"open-wiki\") permit (principal, action, resource == Application::\"wiki\");\n",
    );
    installation
}

#[tokio::test]
async fn a_client_that_prefers_to_know_the_device_has_it_checked() {
    let provider = provider_in(open_wiki()).await;
    let wiki = provider.relying_party(WIKI).await;

    let mut browser = provider.browser_on("mbp-ana");
    let attempt = wiki.begin();
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_PASSWORD);

    let both = format!("{ACR_DEVICE} {ACR_PASSWORD}");
    let attempt = wiki.begin().with("acr_values", &both);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_DEVICE);
}

#[tokio::test]
async fn a_wish_for_the_device_is_not_a_condition() {
    let provider = provider_in(open_wiki()).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let attempt = wiki.begin().with("acr_values", ACR_DEVICE);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_PASSWORD);
}

#[tokio::test]
async fn the_first_known_wish_counts_and_unknown_ones_are_passed_over() {
    let provider = provider_in(open_wiki()).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let wishes = format!("urn:example:gold {ACR_PASSWORD} {ACR_DEVICE}");
    let attempt = wiki.begin().with("acr_values", &wishes);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_PASSWORD);
}
