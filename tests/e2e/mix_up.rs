//! Answers of the authorization endpoint can be told apart: by provider (RFC 9207; RFC 9700, section 4.4), and by the
//! request that they answer. What they say is left to the tests of each ending.

use doorward_tests::{ANA, Answer, Attempt, CY, Mode, PAYROLL, RelyingParty, TestKey, WIKI};

use crate::journey::{provider, sign_in};
use crate::par::{link, push_with};
use crate::request_objects::{self, SIGNS, signed};

/// The ways in which answers come.
const MODES: [(&str, Mode); 2] = [("query", Mode::Query), ("form_post", Mode::FormPost)];

/// Asserts that the answer is for this attempt, says from whom it is, and comes as it was asked for.
fn assert_ours(client: &RelyingParty, attempt: &Attempt, answer: &Answer, mode: Mode) {
    client.check(attempt, answer);
    assert_eq!(answer.mode, mode, "{answer:?}");
}

/// What is wrong with requests, one of each kind: parameter, value, and the error.
const WRONG: [(&str, &str, &str); 8] = [
    ("response_type", "token", "unsupported_response_type"),
    ("scope", "profile", "invalid_scope"),
    ("code_challenge_method", "plain", "invalid_request"),
    ("claims", "claims", "invalid_request"),
    ("id_token_hint", "a.b.c", "invalid_request"),
    ("resource", "https://api.example.com", "invalid_target"),
    ("request", "e30.e30.", "request_not_supported"),
    ("registration", "{}", "registration_not_supported"),
];

#[tokio::test]
async fn every_error_about_a_request_names_the_issuer() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    for (mode, expected) in MODES {
        for (name, value, error) in WRONG {
            let attempt = wiki.begin().with("response_mode", mode).with(name, value);
            let answer = browser.visit(attempt.url.as_str()).await.answer();
            assert_ours(&wiki, &attempt, &answer, expected);
            assert_eq!(answer.error(), error, "{name}={value}");
        }
    }
}

#[tokio::test]
async fn every_refusal_of_a_person_names_the_issuer() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for (mode, expected) in MODES {
        let begin = || wiki.begin().with("response_mode", mode);
        let mut browser = provider.browser_on("mbp-ana");
        // Nobody is signed in.
        let attempt = begin().with("prompt", "none");
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_ours(&wiki, &attempt, &answer, expected);
        assert_eq!(answer.error(), "login_required");

        // The person comes back from the page of a denial.
        let attempt = begin();
        let page = browser.walk(attempt.url.as_str(), CY).await.denied();
        let answer = browser.submit(&page, "/authorize/return", &[]).await;
        let answer = answer.answer();
        assert_ours(&wiki, &attempt, &answer, expected);
        assert_eq!(answer.error(), "access_denied");

        // The same where no page may be shown.
        let attempt = begin().with("prompt", "none");
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_ours(&wiki, &attempt, &answer, expected);
        assert_eq!(answer.error(), "access_denied");
    }
}

#[tokio::test]
async fn answers_to_requests_that_came_in_other_ways_name_the_issuer() {
    let key = TestKey::es256();
    let provider = request_objects::provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&client, &mut browser, ANA).await;
    for (mode, expected) in MODES {
        let attempt = client.begin().with("response_mode", mode);
        let pushed = push_with(&provider, &attempt, &[]).await;
        let link = link(&provider, SIGNS, &pushed);
        let answer = browser.visit(&link).await.answer();
        assert_ours(&client, &attempt, &answer, expected);
        assert!(!answer.code().is_empty());

        let attempt = client.begin().with("response_mode", mode);
        let said = request_objects::claims(&provider, SIGNS, &attempt);
        let url = signed(&provider, &key.token(None, &said), "");
        let answer = browser.visit(&url).await.answer();
        assert_ours(&client, &attempt, &answer, expected);
        assert!(!answer.code().is_empty());

        // And an error: the way in which it goes back is one of those that were signed.
        let attempt = client.begin().with("response_mode", mode);
        let mut said = request_objects::claims(&provider, SIGNS, &attempt);
        said["scope"] = "profile".into();
        let other = MODES.iter().find(|(other, _)| *other != mode);
        let (other, _) = other.expect("another mode");
        let beside = format!("&response_mode={other}&state=other");
        let url = signed(&provider, &key.token(None, &said), &beside);
        let answer = browser.visit(&url).await.answer();
        assert_ours(&client, &attempt, &answer, expected);
        assert_eq!(answer.error(), "invalid_scope");
    }
}

#[tokio::test]
async fn a_client_cannot_choose_what_its_answer_says_of_the_issuer() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let attempt = wiki
        .begin()
        .with("iss", "https://evil.test")
        .with("error", "none")
        .with("code", "invented")
        .with("prompt", "none");
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    // That nothing stands twice was checked when the answer was read.
    assert_ours(&wiki, &attempt, &answer, Mode::Query);
    assert_eq!(answer.error(), "login_required");
}

/// RFC 9700, section 4.4: a browser that visits two clients at once brings each its own answer.
#[tokio::test]
async fn two_requests_of_one_browser_are_answered_each_at_its_own_client() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let again = |client: &RelyingParty| client.begin().with("prompt", "login");
    let (of_wiki, of_payroll) = (again(&wiki), again(&payroll));
    let wiki_page = browser.visit(of_wiki.url.as_str()).await.page();
    let payroll_page = browser.visit(of_payroll.url.as_str()).await.page();

    // The one that was asked first is answered last.
    let second = browser.sign_in(&payroll_page, ANA).await.answer();
    let first = browser.sign_in(&wiki_page, ANA).await.answer();
    payroll.check(&of_payroll, &second);
    wiki.check(&of_wiki, &first);
    assert_ne!(first.code(), second.code());
    wiki.redeem(&of_wiki, &first).await;
    payroll.redeem(&of_payroll, &second).await;
}

/// Pages of two requests in one browser: the form of one does not end the other.
#[tokio::test]
async fn a_form_is_worth_nothing_for_another_request_of_the_same_browser() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let mut browser = provider.browser_on("mbp-ana");
    let wiki_page = browser.walk(wiki.begin().url.as_str(), CY).await.denied();
    let url = payroll.begin().url;
    let payroll_page = browser.walk(url.as_str(), CY).await.denied();
    let path = "/authorize/return";
    let other = wiki_page.field("transaction").expect("a request");
    let mixed = [("transaction", other.as_str())];
    let answer = browser.post_form(&payroll_page, path, &mixed, &[]).await;
    assert_eq!(answer.status, 403, "{answer}");
    assert_eq!(answer.header("location"), None, "{answer}");
    for (page, client) in [(wiki_page, WIKI), (payroll_page, PAYROLL)] {
        let answer = browser.submit(&page, path, &[]).await.answer();
        assert_eq!(answer.redirect_uri, client.redirect_uri);
        assert_eq!(answer.error(), "access_denied");
    }
}
