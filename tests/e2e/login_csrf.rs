//! Other sites, and whoever can put a cookie into a browser: neither signs anybody in or out, nor sends an answer (OpenID
//! Connect Core 1.0, section 3.1.2.3; RFC 6749, section 10.12). The form of the password is tried in `forms`.

use doorward_tests::{ANA, Browser, CY, Page, RelyingParty, SESSION_COOKIE, TestProvider, WIKI};

use crate::journey::{provider, sign_in};

/// The cookie that a form belongs to.
const BROWSER_COOKIE: &str = "__Host-doorward-browser";

/// What browsers say of a form that is not on a page of ours.
const FOREIGN: [(&str, &str); 6] = [
    ("origin", "https://evil.test"),
    ("origin", "null"),
    ("origin", "https://device.localhost"),
    ("origin", "http://localhost"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
];

/// A wiki, and a browser in which Ana is signed in, at the page that asks whether to sign out.
async fn at_sign_out(provider: &TestProvider) -> (RelyingParty, Browser, Page) {
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let page = browser.visit(&provider.url("/sign-out")).await.page();
    assert!(page.has_form("/sign-out"), "{page}");
    (wiki, browser, page)
}

/// The fields of the page's form that make it count.
fn fields(page: &Page, names: &[&str]) -> Vec<(String, String)> {
    let value = |name: &&str| ((*name).to_owned(), page.field(name).expect("a field"));
    names.iter().map(value).collect()
}

#[tokio::test]
async fn nobody_is_signed_out_from_another_site() {
    let provider = provider().await;
    let (wiki, mut browser, page) = at_sign_out(&provider).await;
    for header in FOREIGN {
        let answer = browser.post_form(&page, "/sign-out", &[], &[header]).await;
        assert_eq!(answer.status, 403, "{header:?}: {answer}");
    }
    let (_, _, elsewhere) = at_sign_out(&provider).await;
    let asked = wiki.begin().with("prompt", "login");
    let other = browser.visit(asked.url.as_str()).await.page();
    // The token of another browser, and that of another form.
    for token in [elsewhere.field("csrf"), other.field("csrf")] {
        let token = token.expect("a token");
        let wrong = [("csrf", token.as_str())];
        let answer = browser.post_form(&page, "/sign-out", &wrong, &[]).await;
        assert_eq!(answer.status, 403, "{answer}");
    }
    // A form of another site, with all that stands on the page: our cookies stay at home.
    let form = fields(&page, &["csrf"]);
    let arrival = browser.post(&provider.url("/sign-out"), &form).await;
    assert_eq!(arrival.page().status, 403);

    let quiet = wiki.begin().with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    assert!(!answer.code().is_empty());
    let answer = browser.submit(&page, "/sign-out", &[]).await.page();
    assert!(answer.says("You are signed out"), "{answer}");
}

#[tokio::test]
async fn no_answer_is_sent_from_another_site() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = wiki.begin();
    let page = browser.walk(attempt.url.as_str(), CY).await.denied();
    let path = "/authorize/return";
    for header in FOREIGN {
        let answer = browser.post_form(&page, path, &[], &[header]).await;
        assert_eq!(answer.status, 403, "{header:?}: {answer}");
    }
    let sign_out = browser.visit(&provider.url("/sign-out")).await.page();
    let token = sign_out.field("csrf").expect("a token");
    let wrong = [("csrf", token.as_str())];
    let answer = browser.post_form(&page, path, &wrong, &[]).await;
    assert_eq!(answer.status, 403, "{answer}");

    // Without our cookies, and in another browser, there is no such request.
    let form = fields(&page, &["transaction", "csrf"]);
    let foreign = browser.post(&provider.url(path), &form).await.page();
    assert_eq!(foreign.status, 400, "{foreign}");
    let mut other = provider.browser_on("mbp-ana");
    other.visit(wiki.begin().url.as_str()).await.page();
    let answer = other.post_form(&page, path, &[], &[]).await;
    assert_eq!(answer.status, 400, "{answer}");

    let answer = browser.submit(&page, path, &[]).await.answer();
    wiki.check(&attempt, &answer);
    assert_eq!(answer.error(), "access_denied");
}

#[tokio::test]
async fn nobody_is_signed_in_from_another_site() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let mut form = fields(&page, &["transaction", "csrf"]);
    for (name, value) in [("username", ANA.username), ("password", ANA.password)] {
        form.push((name.to_owned(), value.to_owned()));
    }
    // All of it is right, but our cookies have stayed at home.
    let answer = browser.post(&provider.url("/sign-in"), &form).await.page();
    assert_eq!(answer.status, 400, "{answer}");
    assert_eq!(browser.cookie(SESSION_COOKIE), None);
}

/// Whoever has put a cookie into a browser knows which request somebody signs in for, and is not signed in by that.
#[tokio::test]
async fn a_planted_cookie_of_the_browser_shares_no_session() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut attacker = provider.browser_on("mbp-ana");
    let page = attacker.visit(wiki.begin().url.as_str()).await.page();
    let chosen = attacker
        .cookie(BROWSER_COOKIE)
        .expect("a cookie")
        .to_owned();
    let transaction = page.field("transaction").expect("a request");

    let mut victim = provider.browser_on("mbp-ana");
    victim.plant_cookie(BROWSER_COOKIE, &chosen);
    let check = victim.sign_in(&page, ANA).await.page();
    assert!(check.says("Check this device"), "{check}");
    assert!(victim.cookie(SESSION_COOKIE).is_some());

    let resume = format!("/authorize/resume?transaction={transaction}");
    let back = attacker.visit(&provider.url(&resume)).await.page();
    assert!(back.has_form("/sign-in"), "{back}");
    assert_eq!(attacker.cookie(SESSION_COOKIE), None);
    let quiet = wiki.begin().with("prompt", "none");
    let answer = attacker.visit(quiet.url.as_str()).await.answer();
    assert_eq!(answer.error(), "login_required");
}
