//! How clients prove themselves, and how they prove that a code is theirs: in one way, to the letter of the
//! specifications. An invented code tells one from the other: it is looked at only once the client is known.

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use doorward::domain::secret::SecretHash;
use doorward_tests::{ANA, Attempt, Installation, PAYROLL, Page, TestClient, TestProvider, WIKI};

use crate::journey::{code, provider, provider_in, sign_in};

/// A client whose secret a person chose, with what means something in forms.
const ODD: &str = "odd-web";
const ODD_SECRET: &str = "a=b&c:d é";

/// A client that goes without PKCE.
const LEGACY: TestClient = TestClient {
    id: "legacy-web",
    name: "Legacy",
    redirect_uri: "https://legacy.example.com/callback",
    confidential: true,
};

/// The entry of a confidential client with this secret.
fn entry(id: &str, redirect_uri: &str, secret: &str, more: &str) -> String {
    let hash = HEXLOWER.encode(SecretHash::of(secret.as_bytes()).as_bytes());
    format!(
        "[[client]]\nid = '{id}'\napplication = 'wiki'\nredirect_uris = ['{redirect_uri}']\n\
         secret = 'sha256:{hash}'\n{more}\n"
    )
}

fn basic(credentials: &[u8]) -> String {
    format!("Basic {}", BASE64.encode(credentials))
}

/// What comes of an invented code with these headers and fields.
async fn present(provider: &TestProvider, headers: &[&str], fields: &[(&str, &str)]) -> Page {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", "invented"),
        ("redirect_uri", PAYROLL.redirect_uri),
    ];
    form.extend(fields);
    let mut request = provider.http().post(provider.url("/token")).form(&form);
    for header in headers {
        request = request.header("authorization", *header);
    }
    Page::read(request.send().await.expect("an answer")).await
}

fn assert_error(page: &Page, status: u16, error: &str) {
    assert_eq!(page.status, status, "{page}");
    assert_eq!(page.json()["error"], error, "{page}");
}

#[tokio::test]
async fn basic_credentials_count_encoded_or_not() {
    let files = Installation::new();
    let redirect_uri = "https://odd.example.com/callback";
    files.append("clients.toml", &entry(ODD, redirect_uri, ODD_SECRET, ""));
    let provider = provider_in(files).await;
    for credentials in [
        "odd-web:a=b&c:d é",
        "odd-web:a%3Db%26c%3Ad+%C3%A9",
        "odd%2Dweb:a=b&c:d%20%c3%a9",
    ] {
        let page = present(&provider, &[&basic(credentials.as_bytes())], &[]).await;
        assert_error(&page, 400, "invalid_grant");
    }
    let wrong: [&[u8]; 5] = [
        b"odd-web:a=b",
        b"odd-web:a",
        b"odd-web:a=b&c:d \xe9",
        b"odd-web:a=b&c:d %e9",
        b"odd-web:a=b&c:d %",
    ];
    for credentials in wrong {
        let page = present(&provider, &[&basic(credentials)], &[]).await;
        assert_error(&page, 401, "invalid_client");
        assert!(page.header("www-authenticate").is_some(), "{page}");
    }
}

#[tokio::test]
async fn a_repeated_authorization_header_is_refused() {
    let provider = provider().await;
    let secret = PAYROLL.secret().expect("a secret");
    let good = basic(format!("{}:{secret}", PAYROLL.id).as_bytes());
    let once = present(&provider, &[&good], &[]).await;
    assert_error(&once, 400, "invalid_grant");
    for second in [&*good, "Basic eDp5", "Bearer x"] {
        let page = present(&provider, &[&good, second], &[]).await;
        assert_error(&page, 400, "invalid_request");
        let page = present(&provider, &[second, &good], &[]).await;
        assert_error(&page, 400, "invalid_request");
    }
}

#[tokio::test]
async fn userinfo_takes_one_access_token() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    let request = provider
        .http()
        .get(provider.url("/userinfo"))
        .bearer_auth(&tokens.access_token)
        .header("authorization", "Bearer invented");
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_error(&page, 400, "invalid_request");
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("invalid_request"), "{challenge}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn an_assertion_is_another_proof_and_proves_nobody_here() {
    let provider = provider().await;
    let secret = PAYROLL.secret().expect("a secret");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let assertion = [
        ("client_id", PAYROLL.id),
        ("client_assertion_type", kind),
        ("client_assertion", "e30.e30.e30"),
    ];
    let alone = present(&provider, &[], &assertion).await;
    assert_error(&alone, 401, "invalid_client");

    let good = basic(format!("{}:{secret}", PAYROLL.id).as_bytes());
    let with_basic = present(&provider, &[&good], &assertion).await;
    assert_error(&with_basic, 400, "invalid_request");
    let mut posted = assertion.to_vec();
    posted.push(("client_secret", secret));
    let with_posted = present(&provider, &[], &posted).await;
    assert_error(&with_posted, 400, "invalid_request");
    // Half an assertion is none the less one.
    let half = [("client_assertion_type", kind)];
    let with_half = present(&provider, &[&good], &half).await;
    assert_error(&with_half, 400, "invalid_request");
}

#[tokio::test]
async fn without_pkce_a_nonce_is_required() {
    let files = Installation::new();
    let secret = LEGACY.secret().expect("a secret");
    let more = "pkce_required = false";
    let legacy = entry(LEGACY.id, LEGACY.redirect_uri, secret, more);
    files.append("clients.toml", &legacy);
    let provider = provider_in(files).await;
    let legacy = provider.relying_party(LEGACY).await;
    let bare = |attempt: Attempt| {
        attempt
            .without("code_challenge")
            .without("code_challenge_method")
    };
    let mut browser = provider.browser();

    let neither = bare(legacy.begin()).without("nonce");
    let answer = browser.visit(neither.url.as_str()).await.answer();
    legacy.check(&neither, &answer);
    assert_eq!(answer.error(), "invalid_request");

    for attempt in [bare(legacy.begin()), legacy.begin().without("nonce")] {
        let page = browser.visit(attempt.url.as_str()).await.page();
        assert!(page.has_form("/sign-in"), "{page}");
    }
}

#[tokio::test]
async fn a_verifier_that_could_be_guessed_redeems_nothing() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    for verifier in ["a".repeat(42), "a".repeat(129), "a b".repeat(20)] {
        // The challenge fits: it is the verifier itself that is refused (RFC 7636, section 4.1).
        let hash = SecretHash::of(verifier.as_bytes());
        let challenge = BASE64URL_NOPAD.encode(hash.as_bytes());
        let attempt = wiki.begin().with("code_challenge", &challenge);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        let mut form = wiki.redemption(&attempt, answer.code());
        form.insert("code_verifier".to_owned(), verifier);
        assert_error(&wiki.token_page(&form).await, 400, "invalid_grant");
    }
    let (attempt, code) = code(&wiki, &mut browser).await;
    let tokens = wiki.token_page(&wiki.redemption(&attempt, &code)).await;
    assert_eq!(tokens.status, 200, "{tokens}");
}

#[tokio::test]
async fn a_challenge_has_43_characters() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let good = BASE64URL_NOPAD.encode(&[7; 32]);
    for challenge in [
        format!("{good}="),
        format!("{good}A"),
        good[..42].to_owned(),
        good.replace('B', "+"),
        // The last character has bits that no SHA-256 fills.
        format!("{}d", &good[..42]),
    ] {
        let attempt = wiki.begin().with("code_challenge", &challenge);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.error(), "invalid_request", "{challenge}");
    }
}
