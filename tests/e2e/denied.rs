//! Being refused: the page says why and what to do, the client hears of it when the person wants,
//! and the operator finds all of it by the reference.

use chrono::TimeDelta;
use doorward::storage::Storage as _;
use doorward::storage::sqlite::SqliteStorage;
use doorward_tests::{
    ANA, Arrival, BO, CY, Credentials, Installation, JAPAN, PAYROLL, Page, SINGAPORE, TestClient,
    TestProvider, WIKI, eventually, now,
};

use crate::journey::{arrive, code, provider, provider_in};

/// The refusal that this person gets in a browser on this device.
async fn refusal(
    provider: &TestProvider,
    client: TestClient,
    device: &str,
    person: Credentials,
) -> Page {
    let client = provider.relying_party(client).await;
    let mut browser = provider.browser_on(device);
    arrive(&client, &mut browser, person).await.denied()
}

#[tokio::test]
async fn each_missing_condition_is_named_with_what_was_found() {
    let provider = provider().await;
    let cases = [
        ("byod-ana", ANA, "device is managed", "not managed"),
        ("old-ana", ANA, "disk is encrypted", "not encrypted"),
        (
            "stranger",
            ANA,
            "device is managed",
            "no inventory record matches",
        ),
    ];
    for (device, person, condition, found) in cases {
        let page = refusal(&provider, WIKI, device, person).await;
        for words in [
            condition,
            found,
            "Not met",
            "managed, encrypted device in Singapore",
            "let it finish enrolling",
            "Check again",
            "Return to Wiki",
        ] {
            // What is not known is not met either, and is called by its name.
            let said = page.says(words) || (words == "Not met" && page.says("Not known"));
            assert!(
                said,
                "{device}, {}: no `{words}` on {page}",
                person.username
            );
        }
        assert_eq!(page.reference().len(), "7F3K-29QD".len());
    }
}

#[tokio::test]
async fn values_are_shown_as_they_are_written_and_words_begin_with_a_capital_letter() {
    let installation = Installation::new();
    installation.edit(
        "policies/access.cedar",
        "when { context.device.diskEncrypted }\n",
        "when { context.device.diskEncrypted }\n\
         when { context.device has platform && context.device.platform == Platform::\"macos\" }\n",
    );
    let provider = provider_in(installation).await;
    let text = refusal(&provider, WIKI, "old-ana", ANA).await.text();
    for shown in [
        // The condition, and what was found.
        "User is in group employees employees",
        "Platform is macOS macOS, ",
        "Disk is encrypted Not encrypted, ",
    ] {
        assert!(text.contains(shown), "no `{shown}` in {text}");
    }
}

#[tokio::test]
async fn a_rule_for_other_people_is_not_told() {
    let provider = provider().await;
    let page = refusal(&provider, WIKI, "mbp-ana", CY).await;
    for words in [
        "employees",
        "What we checked",
        "What you can do",
        "managed, encrypted device in Singapore",
    ] {
        assert!(!page.says(words), "`{words}` on {page}");
    }
    // The operator still finds it.
    let line = provider.decision(&page.reference()).await;
    assert!(line.to_string().contains("employees"), "{line}");
}

#[tokio::test]
async fn what_speaks_against_a_person_is_never_shown_as_met() {
    let installation = Installation::new();
    installation.append(
        "policies/access.cedar",
        r#"
@id("not-from-japan")
@reason("Work applications stay closed in Japan.")
forbid (principal, action, resource in ApplicationGroup::"workplace")
when { context has country && context.country == Country::"JP" };
"#,
    );
    let provider = provider_in(installation).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    browser.travel(JAPAN);
    let page = arrive(&wiki, &mut browser, ANA).await.denied();
    assert!(page.says("stay closed in Japan"), "{page}");
    assert!(page.says("Not met: Applies because: country"), "{page}");
    assert!(!page.text().contains(" Met: "), "{page}");
}

#[tokio::test]
async fn a_person_abroad_is_refused_without_being_asked_for_the_device() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    browser.travel(JAPAN);
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    // No certificate could help, so nobody asks for one.
    let page = browser.sign_in(&page, ANA).await.denied();
    assert!(page.says("country is in region home"), "{page}");
    assert!(page.says("Japan"), "{page}");
}

#[tokio::test]
async fn without_a_certificate_the_page_says_how_to_present_one() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let page = arrive(&wiki, &mut provider.browser(), ANA).await.denied();
    assert!(page.says("no device certificate was presented"), "{page}");
    assert!(page.says("open it again"), "{page}");
    assert!(page.says("Not known: device is managed"), "{page}");
}

#[tokio::test]
async fn who_skips_the_device_check_is_refused_where_a_device_is_needed() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let page = browser.sign_in(&page, ANA).await.page();
    let arrival = browser.follow(&page, "Continue without the check").await;
    assert!(arrival.denied().says("device is managed"));
}

#[tokio::test]
async fn a_colleague_s_device_does_not_open_a_sensitive_application() {
    let provider = provider().await;
    let page = refusal(&provider, PAYROLL, "mbp-bo", ANA).await;
    assert!(
        page.says("open only on a device that is assigned to you"),
        "{page}"
    );
    assert!(page.says("not from a colleague's"), "{page}");

    // For what is not sensitive it is as good as any.
    let wiki = provider.relying_party(WIKI).await;
    arrive(&wiki, &mut provider.browser_on("mbp-bo"), ANA)
        .await
        .answer();
}

#[tokio::test]
async fn the_client_hears_of_it_when_the_person_goes_back() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("byod-ana");
    let attempt = wiki.begin();
    let page = browser.walk(attempt.url.as_str(), ANA).await.denied();

    let answer = browser
        .submit(&page, "/authorize/return", &[])
        .await
        .answer();
    wiki.check(&attempt, &answer);
    assert_eq!(answer.error(), "access_denied");
    assert_eq!(answer.reference(), page.reference());

    // It is over then.
    let again = browser.submit(&page, "/authorize/return", &[]).await.page();
    assert_eq!(again.status, 400, "{again}");
}

#[tokio::test]
async fn check_again_decides_again() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let attempt = wiki.begin();
    let page = browser.walk(attempt.url.as_str(), ANA).await.denied();

    // The browser was quit and opened again, and now has the certificate.
    let certificate = provider.files().pki.device("mbp-ana");
    let mut browser = browser.with_certificate(&certificate);
    let again = page.link("Check again").expect("a link");
    let answer = browser.walk(again.as_str(), ANA).await.answer();
    wiki.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn another_account_can_be_tried_from_the_page_of_a_refusal() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-bo");
    let attempt = wiki.begin();
    let page = browser.walk(attempt.url.as_str(), CY).await.denied();
    assert!(page.says("Signed in as cy"), "{page}");

    let page = browser.follow(&page, "Use another account").await.page();
    let mut arrival = browser.sign_in(&page, BO).await;
    if let Arrival::Page(page) = &arrival {
        arrival = browser.follow(page, "Check this device").await;
    }
    let tokens = wiki.redeem(&attempt, &arrival.answer()).await;
    assert_eq!(tokens.claims["sub"], BO.id);
}

#[tokio::test]
async fn a_request_that_goes_on_leaves_its_reference_to_the_refusal() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("byod-ana");
    let refused = arrive(&wiki, &mut browser, ANA).await.denied();
    let page = browser.follow(&refused, "Use another account").await.page();
    assert!(page.has_form("/sign-in"), "{page}");

    // What would be recorded if nobody came back.
    let file = provider.files().path("state/doorward.db");
    let database = SqliteStorage::open(&file).await.expect("a database");
    let mut work = database.begin().await.expect("a turn");
    let later = now() + TimeDelta::hours(2);
    let waiting = work.transactions().take_expired(later, 10).await;
    let references: Vec<String> = waiting
        .expect("transactions")
        .iter()
        .map(|transaction| transaction.reference.to_string())
        .collect();
    assert_eq!(references.len(), 1);
    assert_ne!(references, [refused.reference()]);
}

#[tokio::test]
async fn that_more_was_asked_for_is_recorded_although_nobody_comes_back() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let page = browser.sign_in(&page, ANA).await.page();
    assert!(page.link("Check this device").is_some(), "{page}");

    let line = eventually("a step-up in the decision log", async || {
        let mut decisions = provider.decisions().into_iter();
        decisions.find(|line| line["ending"] == "step-up")
    })
    .await;
    assert_eq!(line["client"], WIKI.id);
    assert_eq!(line["user"], ANA.id);
    assert_eq!(line["device"], true);
    assert_eq!(line["password"], false);
}

#[tokio::test]
async fn the_operator_explains_a_refusal_by_its_reference() {
    let provider = provider().await;
    let page = refusal(&provider, WIKI, "old-ana", ANA).await;
    let reference = page.reference();

    let human = provider
        .command(&["explain", &reference, "--config", "doorward.toml"])
        .await;
    assert_eq!(human.code, Some(0), "{human:?}");
    for words in [
        reference.as_str(),
        "workplace",
        "old-ana",
        "not encrypted",
        "Singapore",
    ] {
        assert!(
            human.stdout.contains(words),
            "no `{words}` in {}",
            human.stdout
        );
    }

    // As it may be read out on the telephone.
    let typed = reference.replace('-', "").to_lowercase();
    let config = provider.files().text_path("doorward.toml");
    let machine = provider
        .command(&["explain", &typed, "--format", "json", "--config", &config])
        .await;
    let record: serde_json::Value = serde_json::from_str(&machine.stdout).expect("JSON");
    assert_eq!(record["reference"], reference.as_str());
    assert_eq!(record["ending"], "denied");

    let unknown = provider
        .command(&["explain", "0000-0000", "--config", "doorward.toml"])
        .await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}

#[tokio::test]
async fn the_decision_log_tells_the_facts_and_what_they_were_decided_by() {
    let provider = provider().await;
    let page = refusal(&provider, WIKI, "byod-ana", ANA).await;
    let line = provider.decision(&page.reference()).await;

    assert_eq!(line["ending"], "denied");
    assert_eq!(line["client"], WIKI.id);
    assert_eq!(line["application"], "wiki");
    assert_eq!(line["user"], ANA.id);
    assert_eq!(line["decision"]["outcome"], "deny");
    let status = provider.operations().status().await;
    assert_eq!(line["inputs"]["policies"], status["policies"]["revision"]);
    let fact = |name: &str| {
        let facts = line["facts"].as_array().expect("facts");
        facts
            .iter()
            .find(|fact| fact["name"] == name)
            .unwrap_or_else(|| panic!("no fact `{name}` in {line}"))
            .clone()
    };
    assert_eq!(fact("country")["value"], "Singapore (SG)");
    assert_eq!(fact("address")["value"], SINGAPORE);
    assert_eq!(fact("device")["value"], "byod-ana");
    assert_eq!(fact("device.managed")["value"], "not managed");
}

#[tokio::test]
async fn every_ending_has_its_line_in_the_decision_log() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");

    let stranger = wiki.begin().with("client_id", "nobody");
    let page = browser.visit(stranger.url.as_str()).await.page();
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["ending"], "refused");
    assert_eq!(line["client"], "nobody");

    let elsewhere = wiki.begin().with("redirect_uri", "https://evil.test/");
    let page = browser.visit(elsewhere.url.as_str()).await.page();
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["ending"], "refused");
    assert_eq!(line["client"], WIKI.id);

    let broken = wiki.begin().with("response_type", "token");
    let answer = browser.visit(broken.url.as_str()).await.answer();
    let line = provider.decision(&answer.reference()).await;
    assert_eq!(line["ending"], "refused");
    assert_eq!(line["error"], "unsupported_response_type");

    arrive(&wiki, &mut browser, ANA).await.answer();
    code(&wiki, &mut browser).await;
    eventually("two permits in the log", async || {
        let permitted = provider
            .decisions()
            .into_iter()
            .filter(|line| line["ending"] == "permitted");
        (permitted.count() == 2).then_some(())
    })
    .await;
}
