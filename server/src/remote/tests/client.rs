//! One request: what is sent, and which answers are taken.

use std::fs;
use std::time::Duration;

use url::Url;

use crate::remote::fixtures::{Authority, Origin, answer, document, remote, settings};
use crate::remote::{Remote, RemoteError, RemoteSettings};

const LIMIT: usize = 1000;

async fn failure(url: &Url) -> RemoteError {
    remote().fetch(url, LIMIT).await.unwrap_err()
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_document_is_fetched_with_the_time_it_may_be_kept() {
    let origin = Origin::start(|_| document(600, "{}")).await;
    let fetched = remote().fetch(&origin.url, LIMIT).await.unwrap();
    assert_eq!(fetched.bytes, "{}");
    assert_eq!(fetched.max_age, Some(Duration::from_mins(10)));
    let request = &origin.requests()[0];
    assert!(
        request.starts_with("GET /document HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(!request.contains("cookie"), "{request}");
}

#[tokio::test]
async fn a_document_may_have_as_many_bytes_as_the_limit_and_no_more() {
    let exact = Origin::start(|_| document(600, &"x".repeat(LIMIT))).await;
    let fetched = remote().fetch(&exact.url, LIMIT).await.unwrap();
    assert_eq!(fetched.bytes.len(), LIMIT);
    let large = Origin::start(|_| document(600, &"x".repeat(LIMIT + 1))).await;
    assert_eq!(failure(&large.url).await, RemoteError::TooLarge(LIMIT));
}

#[tokio::test]
async fn an_answer_without_a_length_is_bounded_too() {
    let endless = |_| {
        let body = "x".repeat(LIMIT * 2);
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}")
    };
    let origin = Origin::start(endless).await;
    assert_eq!(failure(&origin.url).await, RemoteError::TooLarge(LIMIT));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Origin::start(|_| document(600, "{}")).await;
    let location = format!("location: {}", target.url);
    let origin = Origin::start(move |_| answer("302 Found", &[&location], "")).await;
    assert_eq!(failure(&origin.url).await, RemoteError::Redirects(302));
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn a_cookie_is_not_sent_back() {
    let origin = Origin::start(|_| answer("200 OK", &["set-cookie: a=b"], "{}")).await;
    let remote = remote();
    for _ in 0..2 {
        remote.fetch(&origin.url, LIMIT).await.unwrap();
    }
    assert!(!origin.requests()[1].contains("cookie"));
}

#[tokio::test]
async fn only_status_200_is_a_document() {
    for (line, status) in [("404 Not Found", 404), ("204 No Content", 204)] {
        let origin = Origin::start(move |_| answer(line, &[], "")).await;
        assert_eq!(failure(&origin.url).await, RemoteError::Status(status));
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_waited_for_as_long_as_configured() {
    let origin = Origin::start(|_| String::new()).await;
    let timeout = Duration::from_millis(50);
    let remote = Remote::new(&RemoteSettings {
        timeout,
        ..settings()
    });
    let error = remote.unwrap().fetch(&origin.url, LIMIT).await.unwrap_err();
    assert_eq!(error, RemoteError::TimedOut(timeout));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let half = |_| "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_owned();
    let origin = Origin::start(half).await;
    let error = failure(&origin.url).await;
    assert!(matches!(error, RemoteError::BrokeOff(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_reached() {
    let error = failure(&url("http://127.0.0.1:1/")).await;
    let RemoteError::Unreachable(why) = &error else {
        panic!("{error:?}");
    };
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn http_is_for_this_machine_only() {
    for text in [
        "http://login.example.com/keys",
        "http://localhost.example.com/keys",
        "http://192.0.2.1/keys",
        "ftp://localhost/keys",
    ] {
        assert_eq!(failure(&url(text)).await, RemoteError::Insecure, "{text}");
    }
    let posted = remote()
        .post_form(&url("http://app.example.com/"), &[])
        .await;
    assert_eq!(posted, Err(RemoteError::Insecure));
}

#[tokio::test]
async fn a_url_with_a_password_is_not_asked() {
    let url = url("https://me:secret@login.example.com/keys");
    let error = failure(&url).await;
    assert_eq!(error, RemoteError::Credentials);
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test]
async fn a_form_is_posted_and_its_status_told_whatever_it_is() {
    let lines = ["200 OK", "400 Bad Request", "302 Found"];
    let origin = Origin::start(move |n| answer(lines[n], &["location: /other"], "")).await;
    let remote = remote();
    for expected in [200, 400, 302] {
        let form = [("logout_token", "a.b&c"), ("x", "")];
        let status = remote.post_form(&origin.url, &form).await.unwrap();
        assert_eq!(status.as_u16(), expected);
    }
    let requests = origin.requests();
    assert_eq!(requests.len(), 3, "redirects are not followed");
    assert!(requests[0].starts_with("POST /document HTTP/1.1\r\n"));
    assert!(requests[0].contains("application/x-www-form-urlencoded"));
    assert!(requests[0].ends_with("\r\n\r\nlogout_token=a.b%26c&x="));
}

#[tokio::test]
async fn a_server_is_believed_by_an_authority_of_the_configuration_only() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let file = directory.path().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    let origin = Origin::with_tls(&authority, |_| document(600, "{}")).await;
    let believing = Remote::new(&RemoteSettings {
        authorities: vec![file],
        ..settings()
    });
    let fetched = believing.unwrap().fetch(&origin.url, LIMIT).await;
    assert_eq!(fetched.unwrap().bytes, "{}");

    let file = directory.path().join("other.pem");
    fs::write(&file, Authority::new().pem()).unwrap();
    let doubting = Remote::new(&RemoteSettings {
        authorities: vec![file],
        ..settings()
    });
    let error = doubting.unwrap().fetch(&origin.url, LIMIT).await;
    assert!(
        matches!(error, Err(RemoteError::Unreachable(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_proxy_is_asked_for_other_machines_and_not_for_this_one() {
    let proxy = Origin::start(|_| answer("403 Forbidden", &[], "")).await;
    let origin = Origin::start(|_| document(600, "{}")).await;
    let authority = tempfile::NamedTempFile::new().unwrap();
    fs::write(authority.path(), Authority::new().pem()).unwrap();
    let remote = Remote::new(&RemoteSettings {
        authorities: vec![authority.path().to_owned()],
        proxy: Some(proxy.url.join("/").unwrap()),
        ..settings()
    })
    .unwrap();
    remote.fetch(&origin.url, LIMIT).await.unwrap();
    assert!(proxy.requests().is_empty());

    let elsewhere = url("https://login.example.com/keys");
    let error = remote.fetch(&elsewhere, LIMIT).await.unwrap_err();
    assert!(matches!(error, RemoteError::Unreachable(_)), "{error:?}");
    assert!(proxy.requests()[0].starts_with("CONNECT login.example.com:443 "));
}

#[test]
fn an_authority_that_cannot_be_read_is_told_at_the_start() {
    let wrong = Remote::new(&RemoteSettings {
        authorities: vec!["absent.pem".into()],
        ..settings()
    });
    assert_eq!(wrong.unwrap_err()[0].file, "absent.pem");
}
