//! Answers that no handler writes, and requests that are bent on purpose: they look like ours, and nothing in them
//! follows what a stranger has written.

use doorward_tests::{Installation, Page, TestProvider, WIKI};
use reqwest::{Method, RequestBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::journey::{provider, provider_in};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";

/// A provider behind a proxy that terminates TLS, so that no handshake says which host is meant.
async fn behind_a_proxy() -> TestProvider {
    let files = Installation::new();
    files.edit(
        "doorward.toml",
        "certificate = \"pki/main.pem\"\nkey = \"pki/main-key.pem\"\n",
        "",
    );
    provider_in(files).await
}

/// The URL of a path as the proxy asks for it.
fn inside(provider: &TestProvider, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", provider.files().ports.main)
}

async fn answer(request: RequestBuilder, accept: &str) -> Page {
    let request = request.header("accept", accept);
    Page::read(request.send().await.expect("an answer")).await
}

fn assert_headers_of_a_page(page: &Page) {
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_no_handler_answers_is_a_page_for_people_and_json_for_programs() {
    let provider = provider().await;
    let http = provider.http();
    let long = format!("a={}", "x".repeat(70_000));
    let requests = [
        (404, http.get(provider.url("/nothing"))),
        (404, http.get(provider.device_url("/nothing"))),
        (405, http.get(provider.url("/sign-in"))),
        (405, http.put(provider.url("/token"))),
        (405, http.post(provider.device_url("/check"))),
        (
            413,
            http.post(provider.url("/token"))
                .header("content-type", FORM)
                .body(long),
        ),
        (
            421,
            http.get(provider.url("/jwks")).header("host", "evil.test"),
        ),
    ];
    for (status, request) in requests {
        let again = request.try_clone().expect("a body that is text");
        let page = answer(request, BROWSER).await;
        assert_eq!(page.status, status, "{page}");
        let kind = page.header("content-type");
        assert_eq!(kind, Some("text/html; charset=utf-8"), "{page}");
        assert!(page.says(&format!("Error {status}")), "{page}");
        assert_headers_of_a_page(&page);

        let json = answer(again, "*/*").await;
        assert_eq!(json.status, status, "{json}");
        assert_eq!(json.header("content-type"), Some("application/json"));
        assert!(json.json()["error"].is_string(), "{json}");
        assert_headers_of_a_page(&json);
    }
    let page = answer(http.get(provider.url("/sign-in")), BROWSER).await;
    assert_eq!(page.header("allow"), Some("POST"), "{page}");
}

#[tokio::test]
async fn operators_get_json_and_the_words_of_health_checks() {
    let provider = provider().await;
    let port = provider.files().ports.operations;
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let http = provider.http();
    let nothing = answer(http.get(url("/nothing")), BROWSER).await;
    assert_eq!(nothing.status, 404, "{nothing}");
    assert_eq!(nothing.json()["error"], "not_found", "{nothing}");
    assert_headers_of_a_page(&nothing);
    let ready = answer(http.get(url("/health/ready")), BROWSER).await;
    assert_eq!(ready.body, "ready\n");
}

#[tokio::test]
async fn a_state_that_is_not_utf_8_is_refused_and_never_altered() {
    let provider = behind_a_proxy().await;
    let head = format!(
        "/authorize?client_id={}&redirect_uri={}&response_type=code&scope=openid&state=a",
        WIKI.id, WIKI.redirect_uri
    );
    // A byte as it is, which no client library would send.
    let mut request = b"GET ".to_vec();
    request.extend(head.as_bytes());
    request.extend(b"\xffb HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let address = ("127.0.0.1", provider.files().ports.main);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(&request).await.expect("sent");
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.expect("an answer");
    let received = String::from_utf8_lossy(&received).to_lowercase();
    assert!(received.starts_with("http/1.1 400 "), "{received}");
    assert!(!received.contains("\r\nlocation:"), "{received}");

    // The same byte in a form, and escaped in a query.
    let mut body = head.split_once('?').expect("a query").1.as_bytes().to_vec();
    body.extend(b"\xffb");
    let posted = provider
        .http()
        .post(inside(&provider, "/authorize"))
        .header("content-type", FORM)
        .body(body);
    let escaped = provider
        .http()
        .get(inside(&provider, &format!("{head}%FFb")));
    for request in [posted, escaped] {
        let page = answer(request, BROWSER).await;
        assert_eq!(page.status, 400, "{page}");
        assert_eq!(page.header("location"), None, "{page}");
        assert!(page.says("`state` is not plain text"), "{page}");
    }
}

#[tokio::test]
async fn endpoints_never_follow_the_host_header() {
    let provider = behind_a_proxy().await;
    let foreign = |method: Method, path: &str| {
        provider
            .http()
            .request(method, inside(&provider, path))
            .header("host", "evil.test")
            .header("x-forwarded-host", "evil.test")
            .header("forwarded", "host=evil.test;proto=http")
    };
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ] {
        let page = answer(foreign(Method::GET, path), "*/*").await;
        assert_eq!(page.status, 200, "{page}");
        assert_eq!(page.json()["issuer"], provider.issuer(), "{page}");
        assert!(!page.body.contains("evil.test"), "{page}");
    }

    let parameters = [("client_id", WIKI.id), ("redirect_uri", WIKI.redirect_uri)];
    let posted = foreign(Method::POST, "/authorize").form(&parameters);
    let again = answer(posted, BROWSER).await;
    assert_eq!(again.status, 303, "{again}");
    let location = again.header("location").expect("a location");
    let ours = provider.url("/authorize?");
    assert!(location.starts_with(&ours), "{location}");

    let path = format!(
        "/authorize?client_id={}&redirect_uri={}",
        WIKI.id, WIKI.redirect_uri
    );
    let refused = answer(foreign(Method::GET, &path), BROWSER).await;
    let location = refused.header("location").expect("a location");
    assert!(location.starts_with(WIKI.redirect_uri), "{location}");
    assert!(!location.contains("evil.test"), "{location}");
}

#[tokio::test]
async fn both_discovery_documents_are_the_same() {
    let provider = provider().await;
    let document = async |path: &str| provider.get(&provider.url(path)).await;
    let openid = document("/.well-known/openid-configuration").await;
    let oauth = document("/.well-known/oauth-authorization-server").await;
    assert_eq!(oauth.status, 200, "{oauth}");
    assert_eq!(oauth.header("content-type"), Some("application/json"));
    assert_eq!(openid.body, oauth.body);
}
