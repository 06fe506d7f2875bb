//! Apache with `mod_auth_openidc`, in front of a page that only colleagues read.

use doorward_tests::{ANA, Browser, Consumer, Installation, Page, TestProvider, eventually};
use reqwest::Url;

use super::apache::{Apache, Proof};
use crate::journey::provider_in;

/// A provider that believes in Apache's certificate.
async fn provider() -> TestProvider {
    let files = Installation::new();
    files.append("doorward.toml", Consumer::CONFIGURATION);
    provider_in(files).await
}

fn assert_shown_to_ana(shown: &Page, provider: &TestProvider) {
    assert_eq!(shown.status, 200, "{shown}");
    assert!(shown.says("what only colleagues read"), "{shown}");
    assert_eq!(shown.header("x-remote-user"), Some(ANA.username));
    assert_eq!(shown.header("x-subject"), Some(ANA.id));
    assert_eq!(shown.header("x-email"), Some("ana@example.com"));
    assert_eq!(shown.header("x-issuer"), Some(&*provider.issuer()));
}

/// A browser in which Ana reads the page.
async fn reader(provider: &TestProvider, apache: &Apache) -> Browser {
    let mut browser = provider.browser_on("mbp-ana");
    let first = browser.walk(&apache.url("/"), ANA).await.page();
    assert_shown_to_ana(&first, provider);
    browser
}

/// Asserts that the page wants to know who comes, and that the provider does not know either.
async fn assert_asked_again(browser: &mut Browser, apache: &Apache) {
    let page = browser.visit(&apache.url("/")).await.page();
    assert!(page.has_form("/sign-in"), "{page}");
}

#[tokio::test]
async fn real_client_mod_auth_openidc_signs_people_in() {
    let provider = provider().await;
    let apache = Apache::start(&provider, Proof::Secret).await;
    let page = apache.url("/");

    // A stranger is sent to the provider, and sees nothing.
    let stranger = provider.get(&page).await;
    assert_eq!(stranger.status, 302, "{stranger}");
    let location = stranger.header("location").expect("a location");
    assert!(
        location.starts_with(&provider.url("/authorize?")),
        "{location}"
    );

    let mut browser = reader(&provider, &apache).await;
    let again = browser.get(&page).await;
    assert_shown_to_ana(&again, &provider);
}

#[tokio::test]
async fn real_client_mod_auth_openidc_proves_itself_by_a_key_that_it_publishes() {
    let provider = provider().await;
    let apache = Apache::start(&provider, Proof::Key).await;
    reader(&provider, &apache).await;
}

#[tokio::test]
async fn real_client_mod_auth_openidc_hears_that_a_session_has_ended() {
    let provider = provider().await;
    let apache = Apache::start(&provider, Proof::Secret).await;
    let page = apache.url("/");
    let mut browser = reader(&provider, &apache).await;
    let mut elsewhere = reader(&provider, &apache).await;

    let form = browser.visit(&provider.url("/sign-out")).await.page();
    let done = browser.submit(&form, "/sign-out", &[]).await.page();
    assert!(done.says("You are signed out"), "{done}");
    // The browser still has Apache's cookie: what has ended is the session behind it.
    eventually("end of the session at Apache", async || {
        let shown = browser.get(&page).await;
        (shown.status == 302).then_some(())
    })
    .await;
    assert_asked_again(&mut browser, &apache).await;

    // The same person's session in another browser is another session.
    let shown = elsewhere.get(&page).await;
    assert_shown_to_ana(&shown, &provider);
}

#[tokio::test]
async fn real_client_mod_auth_openidc_signs_people_out() {
    let provider = provider().await;
    let apache = Apache::start(&provider, Proof::Secret).await;
    let mut browser = reader(&provider, &apache).await;
    let url = Url::parse_with_params(&apache.url("/callback"), [("logout", apache.url("/"))]);
    // From Apache to the provider, from there back to Apache, and since nobody is signed in any more to the form.
    let page = browser.visit(url.expect("a URL").as_str()).await.page();
    assert!(page.has_form("/sign-in"), "{page}");
    assert_asked_again(&mut browser, &apache).await;
}
