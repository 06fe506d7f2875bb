//! Which answers the scripts of other sites may read: what is public is for everybody, what clients call is for the
//! pages of public clients, and what people visit is for nobody.

use doorward_tests::{PAYROLL, Page, TestProvider, WIKI, eventually};
use reqwest::{Method, Url};

use crate::journey::provider;

/// The origin of a client's redirect URI.
fn origin(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).expect("a URL");
    url.origin().ascii_serialization()
}

/// What is answered to a script of this origin.
async fn from(provider: &TestProvider, origin: &str, method: Method, path: &str) -> Page {
    let request = provider
        .http()
        .request(method, provider.url(path))
        .header("origin", origin);
    Page::read(request.send().await.expect("an answer")).await
}

/// What is answered to a browser that asks whether it may post.
async fn preflight(provider: &TestProvider, origin: &str, path: &str) -> Page {
    let request = provider
        .http()
        .request(Method::OPTIONS, provider.url(path))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization");
    Page::read(request.send().await.expect("an answer")).await
}

fn readable_by(page: &Page) -> Option<&str> {
    assert_eq!(page.header("access-control-allow-credentials"), None);
    page.header("access-control-allow-origin")
}

#[tokio::test]
async fn discovery_and_keys_are_for_pages_from_anywhere() {
    let provider = provider().await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/jwks",
    ] {
        let page = from(&provider, "https://evil.test", Method::GET, path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(readable_by(&page), Some("*"), "{path}");
        let asked = preflight(&provider, "https://evil.test", path).await;
        assert_eq!(asked.status, 204, "{path}");
    }
}

#[tokio::test]
async fn a_page_of_a_public_client_may_call_what_clients_call() {
    let provider = provider().await;
    let wiki = origin(WIKI.redirect_uri);
    for (path, status) in [("/par", 400), ("/token", 400), ("/userinfo", 401)] {
        let asked = preflight(&provider, &wiki, path).await;
        assert_eq!(asked.status, 204, "{path}: {asked}");
        assert_eq!(readable_by(&asked), Some(&*wiki), "{path}");
        assert_eq!(asked.header("access-control-max-age"), Some("600"));
        let headers = asked.header("access-control-allow-headers");
        assert!(headers.is_some_and(|named| named.contains("authorization")));

        // Errors can be read as well, or nobody could tell what is wrong.
        let page = from(&provider, &wiki, Method::POST, path).await;
        assert_eq!(page.status, status, "{path}: {page}");
        assert_eq!(readable_by(&page), Some(&*wiki), "{path}");
        assert_eq!(page.header("vary"), Some("origin"), "{path}");
        let exposed = page.header("access-control-expose-headers");
        assert_eq!(exposed, Some("www-authenticate"), "{path}");
    }
}

#[tokio::test]
async fn pages_of_anybody_else_may_not() {
    let provider = provider().await;
    let payroll = origin(PAYROLL.redirect_uri);
    for origin in [
        &*payroll,
        "null",
        "https://evil.test",
        "http://wiki.example.com",
    ] {
        for path in ["/token", "/userinfo"] {
            let page = from(&provider, origin, Method::POST, path).await;
            assert_eq!(readable_by(&page), None, "{origin} {path}");
            let asked = preflight(&provider, origin, path).await;
            assert_eq!(asked.status, 405, "{origin} {path}");
            assert_eq!(readable_by(&asked), None, "{origin} {path}");
        }
    }
}

#[tokio::test]
async fn what_people_visit_is_for_no_script() {
    let provider = provider().await;
    let wiki = origin(WIKI.redirect_uri);
    for path in [
        "/",
        "/authorize",
        "/authorize/resume",
        "/authorize/return",
        "/logout",
        "/sign-in",
        "/sign-out",
        "/nothing",
    ] {
        for method in [Method::GET, Method::POST] {
            let page = from(&provider, &wiki, method, path).await;
            assert_eq!(readable_by(&page), None, "{path}");
        }
        let asked = preflight(&provider, &wiki, path).await;
        assert!(matches!(asked.status, 404 | 405), "{path}: {asked}");
        assert_eq!(readable_by(&asked), None, "{path}");
    }
}

#[tokio::test]
async fn the_origin_of_a_client_that_was_just_added_counts() {
    let provider = provider().await;
    let notes = "https://notes.example.com";
    let before = preflight(&provider, notes, "/token").await;
    assert_eq!(before.status, 405, "{before}");
    provider.files().append(
        "clients.toml",
        "[[client]]\nid = 'notes'\napplication = 'wiki'\npublic = true\n\
         redirect_uris = ['https://notes.example.com/callback']\n",
    );
    eventually("the new origin", async || {
        let asked = preflight(&provider, notes, "/token").await;
        (asked.status == 204).then_some(())
    })
    .await;
}
