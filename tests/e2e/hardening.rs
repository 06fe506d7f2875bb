//! What anybody on the network may send, and what every answer carries: garbage is refused and never
//! an error of ours, pages have their headers, cookies their attributes, keys only public parts.

use doorward::storage::Storage as _;
use doorward::storage::sqlite::SqliteStorage;
use doorward_tests::{ANA, Page, TestProvider, WIKI};
use reqwest::Method;
use serde_json::Value;

use crate::journey::{provider, sign_in};

/// Sends a request that no browser would send.
async fn send(provider: &TestProvider, method: &str, path: &str, body: Option<String>) -> Page {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = provider.http().request(method, provider.url(path));
    if let Some(body) = body {
        request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
    }
    Page::read(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn garbage_is_refused_and_never_an_error_of_ours() {
    let provider = provider().await;
    let paths = [
        "/authorize",
        "/authorize?",
        "/authorize?=&=&&",
        "/authorize?client_id",
        "/authorize?client_id=%ff%fe",
        "/authorize?client_id=%00",
        "/authorize?client_id=%0d%0aset-cookie:a=b",
        "/authorize?%63lient_id=wiki-web&client_id=wiki-web",
        "/authorize?client_id=wiki-web&redirect_uri=%zz",
        "/authorize/resume",
        "/authorize/resume?transaction=%27%20or%201=1--",
        "/authorize/resume?transaction=x&device=x&account=x",
        "/authorize/device",
        "/authorize/device?transaction=../../etc/passwd",
        "/.well-known/openid-configuration/",
        "/..%2f..%2fetc/passwd",
        "/assets/../doorward.toml",
        "/status",
        "/health/ready",
        "/nothing",
    ];
    for path in paths {
        let page = send(&provider, "GET", path, None).await;
        assert!((400..500).contains(&page.status), "{path}: {page}");
        assert!(page.set_cookies().is_empty(), "{path}");
    }
    let forms = [
        "/authorize",
        "/authorize/return",
        "/sign-in",
        "/sign-out",
        "/token",
    ];
    let bodies = [
        "",
        "&&&===",
        "%",
        "%ff=%ff",
        "a=1&a=2",
        "transaction=&csrf=&username=&password=",
        "transaction=x&csrf=%00",
        "{\"json\": true}",
    ];
    for path in forms {
        for body in bodies {
            let mut page = send(&provider, "POST", path, Some(body.to_owned())).await;
            if let Some(location) = page.header("location").map(str::to_owned) {
                // A posted request is asked for again by `GET`, and refused then.
                assert!(
                    location.starts_with(&provider.url("/authorize?")),
                    "{path} {body}: {page}"
                );
                assert_eq!(page.header("cache-control"), Some("no-store"));
                page = provider.get(&location).await;
            }
            assert!((400..500).contains(&page.status), "{path} {body}: {page}");
        }
    }
    for (method, path) in [
        ("DELETE", "/token"),
        ("GET", "/token"),
        ("GET", "/sign-in"),
        ("PUT", "/authorize"),
        ("OPTIONS", "/userinfo"),
        ("TRACE", "/"),
        ("POST", "/jwks"),
        ("WHATEVER", "/"),
    ] {
        let page = send(&provider, method, path, None).await;
        assert_eq!(page.status, 405, "{method} {path}: {page}");
    }
    assert!(!provider.log().contains("panic"), "{}", provider.log());
}

#[tokio::test]
async fn what_is_no_request_for_access_leaves_no_record() {
    let provider = provider().await;
    let check = provider.get(&provider.device_url("/check?ticket=x")).await;
    let sign_out = send(&provider, "POST", "/sign-out", Some("csrf=x".to_owned())).await;
    let refused = provider.get(&provider.url("/authorize")).await;
    // Lines come in order: once this one is there, earlier ones would be.
    provider.decision(&refused.reference()).await;
    let decisions = provider.decisions();
    for page in [check, sign_out] {
        let reference = page.reference();
        let recorded = decisions.iter().any(|line| line["reference"] == *reference);
        assert!(!recorded, "{page}");
        assert!(provider.log().contains(&reference), "{page}");
    }
}

#[tokio::test]
async fn a_failure_is_recorded_with_the_client_it_happened_to() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    // Somebody else writes to the database, and does not come to an end.
    let file = provider.files().path("state/doorward.db");
    let database = SqliteStorage::open(&file).await.expect("a database");
    let writing = database.begin().await.expect("a turn");

    let page = provider.get(wiki.begin().url.as_str()).await;
    assert_eq!(page.status, 503, "{page}");
    drop(writing);
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["ending"], "refused");
    assert_eq!(line["error"], "temporarily_unavailable");
    assert_eq!(line["client"], WIKI.id);
    assert_eq!(line["application"], "wiki");
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let long = wiki.begin().with("state", &"s".repeat(10_000));
    let page = provider.get(long.url.as_str()).await;
    assert!((400..500).contains(&page.status), "{}", page.status);

    let mut many = wiki.begin();
    for number in 0..100 {
        many = many.with(&format!("p{number}"), "x");
    }
    let page = provider.get(many.url.as_str()).await;
    assert!((400..500).contains(&page.status), "{}", page.status);

    for path in ["/authorize", "/sign-in", "/token"] {
        let body = format!("a={}", "x".repeat(70_000));
        let page = send(&provider, "POST", path, Some(body)).await;
        assert_eq!(page.status, 413, "{path}");
    }
}

#[tokio::test]
async fn pages_carry_their_security_headers() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("byod-ana");
    let sign_in = browser.visit(wiki.begin().url.as_str()).await.page();
    let check = browser.sign_in(&sign_in, ANA).await.page();
    let denied = browser.follow(&check, "Check this device").await.denied();
    let error = browser.get(&provider.url("/authorize")).await;
    let home = browser.get(&provider.url("/")).await;
    for page in [&sign_in, &check, &denied, &error, &home] {
        let policy = page.header("content-security-policy").expect("a policy");
        for directive in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.header("server"), None);
    }

    let posting = wiki
        .begin()
        .with("response_mode", "form_post")
        .with("prompt", "none");
    let page = browser.get(posting.url.as_str()).await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
}

#[tokio::test]
async fn redirects_with_codes_and_tickets_are_kept_by_nobody() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let page = browser.get(wiki.begin().url.as_str()).await;
    assert_eq!(page.status, 303, "{page}");
    assert!(
        page.header("location")
            .is_some_and(|to| to.starts_with(WIKI.redirect_uri))
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn cookies_are_bound_to_the_host_and_hidden_from_scripts() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let fields = [("username", ANA.username), ("password", ANA.password)];
    let signed_in = browser.post_form(&page, "/sign-in", &fields, &[]).await;
    let set = [page.set_cookies(), signed_in.set_cookies()].concat();
    assert_eq!(set.len(), 2, "{set:?}");
    for cookie in set {
        assert!(cookie.starts_with("__Host-doorward-"), "{cookie}");
        for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn the_discovery_document_advertises_what_works() {
    let provider = provider().await;
    let page = provider
        .get(&provider.url("/.well-known/openid-configuration"))
        .await;
    assert_eq!(page.header("content-type"), Some("application/json"));
    let document = page.json();
    assert_eq!(document["issuer"], provider.issuer());
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    ] {
        let url = document[endpoint].as_str().expect("a URL");
        assert!(url.starts_with(&provider.issuer()), "{endpoint}: {url}");
        let page = provider.get(url).await;
        assert_ne!(page.status, 404, "{endpoint}: {page}");
    }
    insta::with_settings!({ filters => vec![(r"localhost:\d+", "localhost:[PORT]")] }, {
        insta::assert_json_snapshot!(document);
    });
}

#[tokio::test]
async fn keys_are_published_with_their_public_parts_only() {
    let provider = provider().await;
    let page = provider.get(&provider.url("/jwks")).await;
    assert_eq!(page.header("content-type"), Some("application/json"));
    let document = page.json();
    let keys = document["keys"].as_array().expect("keys");
    assert!(!keys.is_empty());
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(key.get(private), None, "{private}");
        }
        for public in ["kty", "kid", "use"] {
            assert!(key[public].is_string(), "{public}: {key}");
        }
    }
    let kinds: Vec<&Value> = keys.iter().map(|key| &key["kty"]).collect();
    assert!(kinds.contains(&&Value::from("EC")), "{kinds:?}");
}

#[tokio::test]
async fn operators_see_health_and_status() {
    let provider = provider().await;
    let operations = provider.operations();
    assert_eq!(operations.get("/health/live").await.status, 200);
    let ready = operations.get("/health/ready").await;
    assert_eq!((ready.status, ready.body.trim()), (200, "ready"));
    let status = operations.status().await;
    assert_eq!(status["issuer"], provider.issuer());
    assert_eq!(status["ready"], true);
    assert_eq!(status["policies"]["counts"]["permits"], 1);
    for source in [
        "policies",
        "users",
        "clients",
        "inventory",
        "geoip",
        "device-trust",
    ] {
        let source = operations.source(source).await;
        assert_eq!(source["healthy"], true, "{source}");
        assert_eq!(source["diagnostics"], Value::Array(Vec::new()), "{source}");
    }
    // It is an address of its own, without the routes of the provider.
    assert_eq!(operations.get("/jwks").await.status, 404);
}
