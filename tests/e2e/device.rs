//! The device check: which certificates count, what is said about the others, and that nothing of it
//! can be carried over to another browser.

use doorward_tests::{ANA, Browser, Page, RelyingParty, WIKI};

use crate::journey::{arrive, provider, sign_in};

/// A browser that has entered the password and stands before the device check.
async fn before_the_check(client: &RelyingParty, browser: &mut Browser) -> Page {
    let page = browser.visit(client.begin().url.as_str()).await.page();
    let page = browser.sign_in(&page, ANA).await.page();
    assert!(page.link("Check this device").is_some(), "{page}");
    page
}

/// The URL at the device host, with a ticket for this browser's request.
async fn ticket(browser: &mut Browser, page: &Page) -> String {
    let link = page.link("Check this device").expect("a link");
    redirect(&browser.get(link.as_str()).await)
}

fn redirect(page: &Page) -> String {
    assert_eq!(page.status, 303, "{page}");
    page.header("location").expect("a location").to_owned()
}

#[tokio::test]
async fn a_certificate_that_does_not_count_is_refused_in_words() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let pki = &provider.files().pki;
    let cases = [
        (
            pki.foreign_device("mbp-ana"),
            "comes from an authority that is not accepted here",
        ),
        (pki.expired_device("mbp-ana"), "the certificate has expired"),
    ];
    for (certificate, words) in cases {
        let mut browser = provider.browser().with_certificate(&certificate);
        let page = arrive(&wiki, &mut browser, ANA).await.denied();
        assert!(page.says(words), "no `{words}` on {page}");
        assert!(page.says("Not known: device is managed"), "{page}");
        let line = provider.decision(&page.reference()).await;
        let trail = line["trail"]["certificate"].as_str().unwrap_or_default();
        assert!(trail.contains(words), "{line}");
    }
}

#[tokio::test]
async fn a_revoked_certificate_stops_counting_although_its_session_goes_on() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let pki = &provider.files().pki;
    let certificate = pki.device("mbp-ana");
    let mut browser = provider.browser().with_certificate(&certificate);
    sign_in(&wiki, &mut browser, ANA).await;

    let operations = provider.operations();
    let digest = operations.digest("device-trust").await;
    let list = pki.revocation_list(std::slice::from_ref(&certificate.serial));
    provider.files().replace("pki/revoked.crl", list);
    operations.reloaded("device-trust", &digest).await;

    let page = arrive(&wiki, &mut browser, ANA).await.denied();
    assert!(page.says("the certificate was revoked"), "{page}");

    // The other certificates of the authority still count.
    let fresh = pki.device("mbp-ana");
    let mut browser = browser.with_certificate(&fresh);
    arrive(&wiki, &mut browser, ANA).await.answer();
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = before_the_check(&wiki, &mut browser).await;
    let url = ticket(&mut browser, &page).await;
    assert!(
        url.starts_with(&provider.device_url("/check?ticket=")),
        "{url}"
    );

    let back = redirect(&browser.get(&url).await);
    assert!(
        back.starts_with(&provider.url("/authorize/resume?")),
        "{back}"
    );
    let again = browser.get(&url).await;
    assert_eq!(again.status, 400, "{again}");
    assert!(again.says("ticket was used already"), "{again}");

    let invented = browser
        .get(&provider.device_url("/check?ticket=invented"))
        .await;
    assert_eq!(invented.status, 400, "{invented}");

    browser.visit(&back).await.answer();
}

#[tokio::test]
async fn a_result_proves_nothing_in_another_browser() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut victim = provider.browser_on("mbp-ana");
    let page = before_the_check(&wiki, &mut victim).await;
    let url = ticket(&mut victim, &page).await;
    let back = redirect(&victim.get(&url).await);

    // Not in a request of the thief's.
    let mut thief = provider.browser();
    let theirs = before_the_check(&wiki, &mut thief).await;
    let transaction = theirs.link("Continue without the check").expect("a link");
    let (_, result) = back.split_once("device=").expect("a result");
    let stolen = transaction
        .as_str()
        .replace("device=skip", &format!("device={result}"));
    let page = thief.visit(&stolen).await.page();
    assert!(page.link("Check this device").is_some(), "{page}");

    // Nor in the victim's, for the thief or a stranger.
    let page = thief.visit(&back).await.page();
    assert_eq!(page.status, 400, "{page}");
    let stranger = provider.browser().visit(&back).await.page();
    assert_eq!(stranger.status, 400, "{stranger}");
    assert!(stranger.says("begun in another browser"), "{stranger}");
}

#[tokio::test]
async fn a_result_is_spent_by_whoever_shows_it() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = before_the_check(&wiki, &mut browser).await;
    let url = ticket(&mut browser, &page).await;
    let back = redirect(&browser.get(&url).await);
    provider.browser().visit(&back).await.page();

    // The browser that it was made for has to be checked again.
    let page = browser.visit(&back).await.page();
    assert!(page.link("Check this device").is_some(), "{page}");
    browser.follow(&page, "Check this device").await.answer();
}

#[tokio::test]
async fn a_ticket_opened_on_another_machine_does_not_lend_its_device() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    // The thief, without a device, sends the URL to somebody with one.
    let mut thief = provider.browser();
    let page = before_the_check(&wiki, &mut thief).await;
    let url = ticket(&mut thief, &page).await;

    let mut victim = provider.browser_on("mbp-ana");
    let stranded = victim.visit(&url).await.page();
    assert_eq!(stranded.status, 400, "{stranded}");

    // The result went to the victim's browser; the thief has nothing to show.
    let refused = thief.follow(&page, "Check this device").await.denied();
    assert!(
        refused.says("no device certificate was presented"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_host_does_not_answer_for_the_other_one() {
    let provider = provider().await;
    let ports = provider.files().ports;
    for (url, host) in [
        (
            provider.device_url("/check"),
            format!("localhost:{}", ports.device),
        ),
        (
            provider.url("/jwks"),
            format!("device.localhost:{}", ports.main),
        ),
    ] {
        let request = provider.http().get(&url).header("host", &host);
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_eq!(page.status, 421, "{host}: {page}");
    }
}

#[tokio::test]
async fn the_device_host_has_the_check_and_nothing_else() {
    let provider = provider().await;
    // No certificate is no obstacle.
    let style = provider
        .get(&provider.device_url("/assets/doorward.css"))
        .await;
    assert_eq!(style.status, 200, "{}", style.url);
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    let check = provider.get(&provider.device_url("/check")).await;
    assert_eq!(check.status, 400, "{check}");
    for path in ["/authorize", "/sign-in", "/token", "/jwks", "/status", "/"] {
        let page = provider.get(&provider.device_url(path)).await;
        assert_eq!(page.status, 404, "{path}: {page}");
    }
}

#[tokio::test]
async fn the_certificate_presented_last_is_the_one_that_counts() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("byod-ana");
    arrive(&wiki, &mut browser, ANA).await.denied();

    let mut browser = browser.with_certificate(&provider.files().pki.device("mbp-ana"));
    // This browser has shown a device before: no page in between.
    let answer = browser.visit(wiki.begin().url.as_str()).await.answer();
    assert!(!answer.code().is_empty());
}
