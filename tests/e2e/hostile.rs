//! What is made to bring the server down: policies that are too deep or too long, and requests with
//! nonsense where cookies, credentials, tickets and addresses belong.

use doorward_tests::{ANA, Installation, Operations, Page, WIKI, run_in};
use reqwest::RequestBuilder;

use crate::BINARY;
use crate::journey::{arrive, provider};

/// The file that the hostile policy is in, and the place of what is wrong with it.
const FILE: &str = "policies/hostile.cedar";
const PLACE: &str = "hostile.cedar:2: ";

/// A policy on the second line of its file.
fn policy(condition: &str) -> String {
    format!(
        "// Hostile.\n@id(\"hostile\") forbid (principal, action, resource) when {{ {condition} }};\n"
    )
}

fn deep() -> String {
    policy(&format!("{}true{}", "(".repeat(1_000), ")".repeat(1_000)))
}

fn long() -> String {
    policy(&format!("true{}", " || true".repeat(2_000)))
}

/// The file is refused with its place, and people go on signing in by the rules that were good.
async fn changes_nothing(text: String) {
    let provider = provider().await;
    let operations = provider.operations();
    let digest = operations.digest("policies").await;
    provider.files().replace(FILE, text);
    let status = operations.refused("policies").await;
    let findings = Operations::findings(&status);
    assert!(findings.contains(PLACE), "{findings}");
    assert_eq!(status["digest"], digest.as_str());

    let wiki = provider.relying_party(WIKI).await;
    arrive(&wiki, &mut provider.browser_on("mbp-ana"), ANA)
        .await
        .answer();
}

/// `doorward check` says no, and where.
async fn is_refused_by_check(text: String) {
    let installation = Installation::new();
    installation.overwrite(FILE, text);
    let checked = run_in(installation.root(), BINARY, &["check", "policies"], "").await;
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.stdout.contains("hostile.cedar"), "{checked:?}");
}

/// What is answered to a request, whatever it is.
async fn answer(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn a_policy_that_nests_too_deep_leaves_the_last_good_ones_in_force() {
    changes_nothing(deep()).await;
}

#[tokio::test]
async fn a_policy_with_too_many_operators_leaves_the_last_good_ones_in_force() {
    changes_nothing(long()).await;
}

#[tokio::test]
async fn check_says_no_to_a_policy_that_nests_too_deep() {
    is_refused_by_check(deep()).await;
}

#[tokio::test]
async fn check_says_no_to_a_policy_with_too_many_operators() {
    is_refused_by_check(long()).await;
}

#[tokio::test]
async fn garbage_at_the_device_host_is_refused_and_never_an_error_of_ours() {
    let provider = provider().await;
    let long = format!("/check?ticket={}", "x".repeat(5_000));
    for path in [
        "/check?",
        "/check?ticket",
        "/check?ticket=",
        "/check?ticket=%00",
        "/check?ticket=%ff%fe",
        "/check?ticket=%zz",
        "/check?ticket=%0d%0aset-cookie:a=b",
        "/check?ticket=a&ticket=b",
        "/check?ticket=../../etc/passwd",
        "/check?=&=&&",
        "/check/",
        "/check/check",
        long.as_str(),
    ] {
        let page = provider.get(&provider.device_url(path)).await;
        assert!((400..500).contains(&page.status), "{path}: {page}");
        let post = provider.http().post(provider.device_url(path)).body("%");
        let page = answer(post).await;
        assert!((400..500).contains(&page.status), "POST {path}: {page}");
    }
}

#[tokio::test]
async fn a_broken_cookie_is_never_an_error_of_ours() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let long = "x".repeat(5_000);
    let values: [&[u8]; 8] = [
        b"",
        b"x",
        b"=",
        b"\"quoted\"",
        b"%00%ff",
        b"../../etc/passwd",
        b"\xff\xfe",
        long.as_bytes(),
    ];
    for name in ["__Host-doorward-session", "__Host-doorward-browser"] {
        for value in values {
            let cookie = [name.as_bytes(), b"=", value].concat();
            for url in [wiki.begin().url.as_str(), &provider.url("/")] {
                let request = provider.http().get(url).header("cookie", cookie.as_slice());
                let page = answer(request).await;
                let sent = String::from_utf8_lossy(value);
                assert!(page.status < 500, "{name}={sent}: {page}");
            }
        }
    }
}

#[tokio::test]
async fn odd_credentials_are_refused_and_never_an_error_of_ours() {
    let provider = provider().await;
    let values: [&[u8]; 14] = [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic %%%",
        b"Basic ====",
        b"Basic Og==",
        b"Basic bm8tY29sb24=",
        b"Basic //79/A==",
        b"Basic JTAwOiVmZg==",
        b"Bearer",
        b"Bearer a b c",
        b"Bearer ../../etc/passwd",
        b"Digest username=\"ana\"",
        b"\xff\xfe",
    ];
    for value in values {
        let sent = String::from_utf8_lossy(value);
        let token = provider
            .http()
            .post(provider.url("/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", value)
            .body("grant_type=authorization_code&code=x");
        let page = answer(token).await;
        assert!((400..500).contains(&page.status), "token, {sent}: {page}");
        let userinfo = provider
            .http()
            .get(provider.url("/userinfo"))
            .header("authorization", value);
        let page = answer(userinfo).await;
        assert!(
            (400..500).contains(&page.status),
            "userinfo, {sent}: {page}"
        );
    }
}

#[tokio::test]
async fn a_garbage_address_is_never_an_error_of_ours() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let many = "203.0.113.9, ".repeat(300);
    let values: [&[u8]; 9] = [
        b"",
        b",,,",
        b"999.999.999.999",
        b"203.0.113.9:99999",
        b"[::1",
        b"::ffff:203.0.113.9%eth0",
        b"for=unknown;by=\"_x\"",
        b"\xff\xfe",
        many.as_bytes(),
    ];
    for value in values {
        let request = provider
            .http()
            .get(wiki.begin().url.as_str())
            .header("x-forwarded-for", value);
        let page = answer(request).await;
        let sent = String::from_utf8_lossy(value);
        assert!(page.status < 500, "{sent}: {page}");
    }
}

#[tokio::test]
async fn a_decision_about_a_garbage_address_is_a_refusal() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for address in ["999.999.999.999", "[::1", "203.0.113.9, unknown"] {
        let mut browser = provider.browser_on("mbp-ana");
        browser.travel(address);
        arrive(&wiki, &mut browser, ANA).await.denied();
    }
}
