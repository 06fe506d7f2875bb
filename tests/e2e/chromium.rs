//! A real browser signs in: its cookies, redirects, certificates and content security policy are those
//! that people have. Whatever a browser need not be real for is tested elsewhere.

use doorward_tests::{
    ANA, Chromium, Installation, Landing, Mode, RelyingParty, TestClient, TestProvider, WIKI,
};

use crate::journey::provider_in;

/// A provider, and a client of it on this machine.
struct Surroundings {
    provider: TestProvider,
    wiki: RelyingParty,
    landing: Landing,
}

/// A browser cannot be told to come from Singapore: it comes from this machine, which has no country. So
/// the policies go by the network here, and the rest of them is as it always is.
async fn surroundings() -> Surroundings {
    let landing = Landing::open().await;
    let files = Installation::new();
    files.edit(
        "policies/access.cedar",
        "context has country && context.country in Region::\"home\"",
        "context has network && context.network in Network::\"this-machine\"",
    );
    files.append(
        "policies/entities.toml",
        "\n[network.this-machine]\nranges = [\"127.0.0.0/8\"]\n",
    );
    files.edit("doorward.toml", "[\"127.0.0.1/32\"]", "[]");
    files.edit("clients.toml", WIKI.redirect_uri, landing.redirect_uri());
    let provider = provider_in(files).await;
    let client = TestClient {
        redirect_uri: landing.redirect_uri(),
        ..WIKI
    };
    Surroundings {
        wiki: provider.relying_party(client).await,
        provider,
        landing,
    }
}

impl Surroundings {
    /// A browser on Ana's laptop.
    async fn browser_on_a_laptop(&self) -> Chromium {
        let files = self.provider.files();
        Chromium::launch(files, Some(&files.pki.device("mbp-ana"))).await
    }

    /// A browser without a certificate.
    async fn browser(&self) -> Chromium {
        Chromium::launch(self.provider.files(), None).await
    }
}

/// A browser that complains of a page shows it in another way than it was meant.
async fn quit_without_complaint(browser: Chromium) {
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.quit().await;
}

#[tokio::test]
async fn a_person_signs_in_with_a_real_browser_and_stays_signed_in() {
    let mut here = surroundings().await;
    let browser = here.browser_on_a_laptop().await;

    let first = here.wiki.begin();
    browser.visit(first.url.as_str()).await;
    browser.shows(&["Sign in", "to continue to Wiki"]).await;
    browser.picture("sign-in").await;
    browser.sign_in(ANA).await;
    browser.shows(&["Check this device", "MBP-ANA"]).await;
    browser.picture("device-check").await;
    browser.follow("Check this device").await;
    let answer = browser.answer(&mut here.landing).await;
    let tokens = here.wiki.redeem(&first, &answer).await;
    assert_eq!(tokens.claims["sub"], ANA.id);

    // Neither password nor click.
    let second = here.wiki.begin();
    browser.visit(second.url.as_str()).await;
    let answer = browser.answer(&mut here.landing).await;
    let again = here.wiki.redeem(&second, &answer).await;
    assert_eq!(again.claims["sid"], tokens.claims["sid"]);
    assert_eq!(again.claims["auth_time"], tokens.claims["auth_time"]);
    quit_without_complaint(browser).await;
}

#[tokio::test]
async fn the_form_of_an_answer_posts_itself_in_a_real_browser() {
    let mut here = surroundings().await;
    let browser = here.browser_on_a_laptop().await;

    let attempt = here.wiki.begin().with("response_mode", "form_post");
    browser.visit(attempt.url.as_str()).await;
    browser.sign_in(ANA).await;
    browser.follow("Check this device").await;
    let answer = browser.answer(&mut here.landing).await;
    assert_eq!(answer.mode, Mode::FormPost);
    here.wiki.redeem(&attempt, &answer).await;
    quit_without_complaint(browser).await;
}

#[tokio::test]
async fn without_a_certificate_a_real_browser_shows_why_and_leads_back() {
    let mut here = surroundings().await;
    let browser = here.browser().await;

    let attempt = here.wiki.begin();
    browser.visit(attempt.url.as_str()).await;
    browser.sign_in(ANA).await;
    browser.follow("Check this device").await;
    browser
        .shows(&[
            "No device certificate was presented",
            "Not known: Device is managed",
            "Met: Network is in network this-machine",
            "Use your company laptop",
            "Check again",
        ])
        .await;
    let reference = browser.reference().await;
    browser.picture("denied").await;

    browser
        .click("form[action='/authorize/return'] button")
        .await;
    let answer = browser.answer(&mut here.landing).await;
    here.wiki.check(&attempt, &answer);
    assert_eq!(answer.error(), "access_denied");
    assert_eq!(answer.reference(), reference);
    let line = here.provider.decision(&reference).await;
    assert_eq!(line["ending"], "denied");
    quit_without_complaint(browser).await;
}

#[tokio::test]
async fn signing_out_ends_the_session_of_a_real_browser() {
    let here = surroundings().await;
    let browser = here.browser().await;
    let url = here.wiki.begin().url;
    browser.visit(url.as_str()).await;
    browser.sign_in(ANA).await;
    browser.shows(&["Check this device"]).await;

    browser.visit(&here.provider.url("/sign-out")).await;
    browser.shows(&["You are signed in as ana"]).await;
    browser.picture("sign-out").await;
    browser.click("form[action='/sign-out'] button").await;
    browser.shows(&["You are signed out"]).await;
    browser.picture("signed-out").await;

    browser.visit(url.as_str()).await;
    browser.shows(&["Username", "Password"]).await;
    quit_without_complaint(browser).await;
}

#[tokio::test]
async fn a_link_that_does_not_work_is_explained_in_a_real_browser() {
    let here = surroundings().await;
    let browser = here.browser().await;
    let stranger = here.wiki.begin().with("client_id", "nobody");
    browser.visit(stranger.url.as_str()).await;
    browser.shows(&["Error 400", "client_id"]).await;
    browser.picture("error").await;
    assert_eq!(browser.reference().await.len(), "7F3K-29QD".len());
    quit_without_complaint(browser).await;
}
