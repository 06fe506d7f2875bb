//! Addresses that look like a registered one and lead elsewhere: to a reader, to a parser that mends them, or to
//! software further on (RFC 9700, section 4.1). Each is refused in every way in which a request can name it. What a
//! right address gets is left to the other tests.

use doorward_tests::{ANA, Installation, PAYROLL, TestKey, TestProvider, WIKI};
use reqwest::Url;
use serde_json::json;

use crate::journey::{provider, provider_in, sign_in};
use crate::par::{assert_refused, push, push_with};
use crate::request_objects::{self, SIGNS, signed};

/// Where the wiki wants the browser back after signing out.
const AFTERWARDS: &str = "https://wiki.example.com/signed-out";

/// Addresses that are nearly this one, which is `https://host/path`.
fn smuggled(registered: &str) -> Vec<String> {
    let (host, path) = registered
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .expect("a URL with a path");
    let lookalike = host.replacen('a', "\u{430}", 1);
    let wide = host.replacen('.', "\u{3002}", 1);
    let upper = path.to_ascii_uppercase();
    let mut found = vec![
        // Somebody before the host, who is the host for one reader or the other.
        format!("https://{host}@evil.test/{path}"),
        format!("https://evil.test@{host}/{path}"),
        format!("https://user:password@{host}/{path}"),
        format!("https://@{host}/{path}"),
        format!("https://{host}%40evil.test/{path}"),
        // Slashes that lean the other way, that are too many or too few.
        format!("https://evil.test\\@{host}/{path}"),
        format!("https://{host}\\{path}"),
        format!("https:\\\\{host}\\{path}"),
        format!("https:/{host}/{path}"),
        format!("https:{host}/{path}"),
        format!("https:///{host}/{path}"),
        format!("https://{host}//{path}"),
        format!("//{host}/{path}"),
        format!("/\\{host}/{path}"),
        // Hosts that are written, or end, in another way.
        format!("https://{host}./{path}"),
        format!("https://{host}.evil.test/{path}"),
        format!("https://www.{host}/{path}"),
        format!("https://{}/{path}", host.to_ascii_uppercase()),
        format!("https://{lookalike}/{path}"),
        format!("https://{wide}/{path}"),
        format!("https://xn--{host}/{path}"),
        // Ports.
        format!("https://{host}:443/{path}"),
        format!("https://{host}:/{path}"),
        format!("https://{host}:0443/{path}"),
        format!("https://{host}:8443/{path}"),
        // Schemes.
        format!("http://{host}/{path}"),
        format!("HTTPS://{host}/{path}"),
        format!("javascript://{host}/{path}"),
        format!("data:text/html,https://{host}/{path}"),
        // Paths.
        format!("https://{host}/{upper}"),
        format!("https://{host}/./{path}"),
        format!("https://{host}/x/../{path}"),
        format!("https://{host}/%2e/{path}"),
        format!("https://{host}%2f{path}"),
        format!("https://{host}/%2f{path}"),
        format!("https://{host}/%{:02x}{}", path.as_bytes()[0], &path[1..]),
    ];
    // More behind it.
    for more in [
        "/",
        "//",
        "/..",
        "/%2e%2e",
        "%2f",
        "%2f..%2f",
        "\\",
        ";a=b",
        ".evil",
        "?",
        "?a=b",
        "?redirect_uri=https://evil.test/",
        "&redirect_uri=https://evil.test/",
        "#",
        "#a",
        "#https://evil.test/",
        "%23",
        "%00",
        "%0d%0aLocation:%20https://evil.test/",
        "\r\nLocation: https://evil.test/",
        "\n",
        "\t",
        " ",
        " https://evil.test/",
        ",https://evil.test/",
    ] {
        found.push(format!("{registered}{more}"));
    }
    found.push(format!(" {registered}"));
    found.push(format!("\t{registered}"));
    found.push(format!("\"{registered}\""));
    found.push("https://evil.test/".to_owned());
    found.push(PAYROLL.redirect_uri.to_owned());
    found
}

/// A provider that knows where the wiki wants the browser back.
async fn provider_with_logout() -> TestProvider {
    let files = Installation::new();
    let registered = format!("redirect_uris = ['{}']", WIKI.redirect_uri);
    let more = format!("{registered}\npost_logout_redirect_uris = ['{AFTERWARDS}']");
    files.edit("clients.toml", &registered, &more);
    provider_in(files).await
}

#[test]
fn every_address_is_another_and_none_is_there_twice() {
    let mut all = smuggled(WIKI.redirect_uri);
    assert!(all.iter().all(|address| address != WIKI.redirect_uri));
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[tokio::test]
async fn no_authorization_request_leads_to_an_address_that_only_looks_right() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    // Whoever is signed in would be sent on at once.
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    for address in smuggled(WIKI.redirect_uri) {
        for quiet in [false, true] {
            let mut attempt = wiki.begin().with("redirect_uri", &address);
            if quiet {
                attempt = attempt.with("prompt", "none");
            }
            let page = browser.get(attempt.url.as_str()).await;
            assert_eq!(page.status, 400, "{address:?}: {page}");
            assert_eq!(page.header("location"), None, "{address:?}");
            assert!(!page.body.contains("evil.test"), "{address:?}: {page}");
            assert!(!page.has_form("/sign-in"), "{address:?}: {page}");
        }
    }
}

#[tokio::test]
async fn no_request_in_a_form_leads_there_either() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let long = "x".repeat(5000);
    for address in smuggled(WIKI.redirect_uri) {
        // One that becomes a link, and one that is too long for that.
        for nonce in ["n", long.as_str()] {
            let attempt = wiki.begin().with("redirect_uri", &address);
            let form = attempt.with("nonce", nonce).parameters();
            let arrival = browser.post(&provider.url("/authorize"), &form).await;
            let page = arrival.page();
            assert_eq!(page.status, 400, "{address:?}: {page}");
        }
    }
}

#[tokio::test]
async fn no_pushed_request_leads_there_either() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for address in smuggled(WIKI.redirect_uri) {
        let attempt = wiki.begin().with("redirect_uri", &address);
        let page = push_with(&provider, &attempt, &[]).await;
        assert_refused(&page, 400, "invalid_request");
        assert!(!page.body.contains("request_uri\""), "{address:?}: {page}");
    }
}

#[tokio::test]
async fn no_signed_request_leads_there_either() {
    let key = TestKey::es256();
    let provider = request_objects::provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser();
    let good = request_objects::claims(&provider, SIGNS, &client.begin());
    for address in smuggled(SIGNS.redirect_uri) {
        let mut said = good.clone();
        said["redirect_uri"] = json!(address);
        let object = key.token(None, &said);
        // What stands beside the object, right as it is, does not count.
        let beside = format!("&redirect_uri={}", SIGNS.redirect_uri);
        let page = browser.get(&signed(&provider, &object, &beside)).await;
        assert_eq!(page.status, 400, "{address:?}: {page}");
        assert_eq!(page.header("location"), None, "{address:?}");
        let form = [("client_id", SIGNS.id), ("request", object.as_str())];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let page = push(&provider, &form).await;
        assert_eq!(page.status, 400, "{address:?}: {page}");
        assert_eq!(page.json().get("request_uri"), None, "{address:?}");
    }
}

#[tokio::test]
async fn no_signed_request_has_two_addresses() {
    let key = TestKey::es256();
    let provider = request_objects::provider_with(&[&key], "").await;
    let client = provider.relying_party(SIGNS).await;
    let mut browser = provider.browser();
    let good = request_objects::claims(&provider, SIGNS, &client.begin());
    let header = json!({"alg": key.algorithm(), "kid": key.kid()}).to_string();
    let evil = r#"{"redirect_uri":"https://evil.test/","#;
    let before = good.to_string().replacen('{', evil, 1);
    let behind = good.to_string();
    let behind = behind.strip_suffix('}').expect("an object");
    let behind = format!(r#"{behind},"redirect_uri":"https://evil.test/"}}"#);
    let mut list = good.clone();
    list["redirect_uri"] = json!([SIGNS.redirect_uri, "https://evil.test/"]);
    for said in [before, behind, list.to_string()] {
        let url = signed(&provider, &key.sign(&header, &said), "");
        let page = browser.get(&url).await;
        assert_eq!(page.status, 400, "{said}: {page}");
        assert_eq!(page.header("location"), None, "{said}");
    }
}

#[tokio::test]
async fn parameters_with_names_that_look_right_change_nothing() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let mut attempt = wiki.begin().with("prompt", "none");
    for name in [
        "redirect_uri[]",
        "redirect_uri[0]",
        "REDIRECT_URI",
        "redirect_url",
        "redirect-uri",
        " redirect_uri",
        "redirect_uri ",
        "redirect_uri#",
        "r\u{435}direct_uri",
        "post_logout_redirect_uri",
    ] {
        attempt = attempt.with(name, "https://evil.test/");
    }
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    wiki.check(&attempt, &answer);
    assert_eq!(answer.error(), "login_required");
}

#[tokio::test]
async fn no_sign_out_leads_to_an_address_that_only_looks_right() {
    let provider = provider_with_logout().await;
    let endpoint = provider.url("/logout");
    let mut browser = provider.browser();
    for address in smuggled(AFTERWARDS) {
        let parameters = [
            ("client_id", WIKI.id),
            ("post_logout_redirect_uri", address.as_str()),
        ];
        let url = Url::parse_with_params(&endpoint, parameters).expect("a URL");
        let page = browser.get(url.as_str()).await;
        assert_eq!(page.status, 400, "{address:?}: {page}");
        assert_eq!(page.header("location"), None, "{address:?}");
        assert!(!page.body.contains("evil.test"), "{address:?}: {page}");

        let form = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let page = browser.post(&endpoint, &form).await.page();
        assert_eq!(page.status, 400, "{address:?}: {page}");
    }
    let right = [
        ("client_id", WIKI.id),
        ("post_logout_redirect_uri", AFTERWARDS),
    ];
    let url = Url::parse_with_params(&endpoint, right).expect("a URL");
    let answer = browser.visit(url.as_str()).await.answer();
    assert_eq!(answer.redirect_uri, AFTERWARDS);
}

#[tokio::test]
async fn the_form_that_signs_out_leads_nowhere_else() {
    let provider = provider_with_logout().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let right = [
        ("client_id", WIKI.id),
        ("post_logout_redirect_uri", AFTERWARDS),
    ];
    let url = Url::parse_with_params(&provider.url("/logout"), right).expect("a URL");
    let page = browser.visit(url.as_str()).await.page();
    for address in smuggled(AFTERWARDS) {
        let changed = [("post_logout_redirect_uri", address.as_str())];
        let answer = browser.post_form(&page, "/sign-out", &changed, &[]).await;
        assert_eq!(answer.status, 400, "{address:?}: {answer}");
        assert_eq!(answer.header("location"), None, "{address:?}");
    }
    // Nothing of it has ended the session.
    let answer = browser.submit(&page, "/sign-out", &[]).await.answer();
    assert_eq!(answer.redirect_uri, AFTERWARDS);
}
