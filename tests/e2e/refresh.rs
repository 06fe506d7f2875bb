//! Refresh tokens: each use is a decision of its own, each token is good once, and what it was worth is taken back when it
//! turns up a second time. Who may use one, and for what, is left to `refresh_rights`.

use std::collections::BTreeMap;

use doorward_tests::{
    ANA, Browser, Installation, JAPAN, Page, SINGAPORE, TestClient, TestProvider, eventually, jwt,
};
use serde_json::Value;

use crate::journey::provider_in;

/// A public client whose tokens end with the session.
pub(crate) const NOTES: TestClient = TestClient {
    id: "notes-desktop",
    name: "Notes",
    redirect_uri: "https://notes.example.com/callback",
    confidential: false,
};
/// A client with a server, which goes on when the user is gone, and whose users are taken to be where they signed in.
pub(crate) const MAIL: TestClient = TestClient {
    id: "mail-web",
    name: "Mail",
    redirect_uri: "https://mail.example.com/callback",
    confidential: true,
};
/// Another one, of whose users nobody knows where they are.
const NEWS: TestClient = TestClient {
    id: "news-web",
    name: "News",
    redirect_uri: "https://news.example.com/callback",
    confidential: true,
};

pub(crate) const OFFLINE: &str = "openid email offline_access";

pub(crate) type Form = BTreeMap<String, String>;

/// A provider with the starter policies, and clients of the wiki that may refresh.
pub(crate) async fn provider() -> TestProvider {
    let files = Installation::new();
    let clients = files.read("clients.toml");
    let secret = clients
        .lines()
        .find(|line| line.starts_with("secret = "))
        .expect("a confidential client");
    let scopes = "scopes = ['openid', 'email', 'offline_access']\nrefresh = 'offline'";
    for (client, keys) in [
        (NOTES, "public = true\nrefresh = 'session'".to_owned()),
        (
            MAIL,
            format!("{secret}\n{scopes}\nrefresh_address = 'sign-in'"),
        ),
        (NEWS, format!("{secret}\n{scopes}")),
    ] {
        let entry = format!(
            "[[client]]\nid = '{}'\nname = '{}'\napplication = 'wiki'\nredirect_uris = ['{}']\n{keys}\n\n",
            client.id, client.name, client.redirect_uri
        );
        files.append("clients.toml", &entry);
    }
    provider_in(files).await
}

/// Signs Ana in, and gives what the code was exchanged for.
pub(crate) async fn tokens(
    provider: &TestProvider,
    client: TestClient,
    browser: &mut Browser,
    scope: &str,
) -> Value {
    let client = provider.relying_party(client).await;
    let attempt = client.begin().with("scope", scope);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    client.check(&attempt, &answer);
    let page = client
        .token_page(&client.redemption(&attempt, answer.code()))
        .await;
    assert_eq!(page.status, 200, "{page}");
    page.json()
}

/// The form with which this client uses the refresh token of these tokens.
pub(crate) fn form(client: TestClient, tokens: &Value) -> Form {
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let mut form = Form::from([
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), token.to_owned()),
        ("client_id".to_owned(), client.id.to_owned()),
    ]);
    if let Some(secret) = client.secret() {
        form.insert("client_secret".to_owned(), secret.to_owned());
    }
    form
}

/// Sends a form to the token endpoint from this address.
pub(crate) async fn send(provider: &TestProvider, form: &Form, address: &str) -> Page {
    let request = provider
        .http()
        .post(provider.url("/token"))
        .header("x-forwarded-for", address)
        .form(form);
    Page::read(request.send().await.expect("an answer")).await
}

/// Uses the refresh token at home.
pub(crate) async fn refresh(provider: &TestProvider, client: TestClient, tokens: &Value) -> Page {
    send(provider, &form(client, tokens), SINGAPORE).await
}

pub(crate) async fn refreshed(
    provider: &TestProvider,
    client: TestClient,
    tokens: &Value,
) -> Value {
    let page = refresh(provider, client, tokens).await;
    assert_eq!(page.status, 200, "{page}");
    page.json()
}

/// What userinfo says to the access token of these tokens.
async fn userinfo(provider: &TestProvider, tokens: &Value) -> u16 {
    let token = tokens["access_token"].as_str().expect("an access token");
    let url = provider.url("/userinfo");
    let request = provider.http().get(url).bearer_auth(token);
    request.send().await.expect("an answer").status().as_u16()
}

#[track_caller]
pub(crate) fn assert_error(page: &Page, error: &str) {
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], error, "{page}");
    assert!(page.json().get("access_token").is_none(), "{page}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

/// The record that the description of the error names.
pub(crate) async fn record_of(provider: &TestProvider, page: &Page) -> Value {
    let document = page.json();
    let description = document["error_description"].as_str().expect("a text");
    let (_, after) = description.split_once("(reference ").expect("a reference");
    provider.decision(after.trim_end_matches(')')).await
}

fn fact<'a>(record: &'a Value, name: &str) -> &'a Value {
    let mut facts = record["facts"].as_array().expect("facts").iter();
    facts.find(|fact| fact["name"] == name).expect("the fact")
}

/// Changes a file that this source reads, and waits until the change counts.
pub(crate) async fn change(
    provider: &TestProvider,
    source: &str,
    file: &str,
    from: &str,
    to: &str,
) {
    let operations = provider.operations();
    let digest = operations.digest(source).await;
    provider.files().edit(file, from, to);
    operations.reloaded(source, &digest).await;
}

#[tokio::test]
async fn each_refresh_gives_the_next_token_and_tells_of_the_same_sign_in() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = tokens(&provider, NOTES, &mut browser, "openid email").await;
    let second = refreshed(&provider, NOTES, &first).await;
    let third = refreshed(&provider, NOTES, &second).await;
    for tokens in [&second, &third] {
        assert_ne!(tokens["access_token"], first["access_token"]);
        assert_ne!(tokens["refresh_token"], first["refresh_token"]);
        assert_eq!(tokens["scope"], "openid email");
        assert_eq!(userinfo(&provider, tokens).await, 200);
        // OpenID Connect Core 1.0, section 12.2.
        let claims = |tokens: &Value| jwt::decoded(tokens["id_token"].as_str().unwrap()).1;
        let (old, new) = (claims(&first), claims(tokens));
        for name in ["iss", "sub", "aud", "auth_time", "sid", "acr", "amr"] {
            assert_eq!(old[name], new[name], "{name}");
        }
        assert!(old["nonce"].is_string() && new["nonce"].is_null(), "{new}");
    }
}

#[tokio::test]
async fn a_token_that_comes_twice_takes_everything_back() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = tokens(&provider, NOTES, &mut browser, "openid").await;
    let second = refreshed(&provider, NOTES, &first).await;
    let other = tokens(&provider, NOTES, &mut browser, "openid").await;

    let again = refresh(&provider, NOTES, &first).await;
    assert_error(&again, "invalid_grant");
    let record = record_of(&provider, &again).await;
    assert_eq!(record["ending"], "refused", "{record}");
    assert_eq!(record["error"], "refresh_reused", "{record}");
    assert_eq!(record["action"], "refresh", "{record}");
    assert_eq!(record["user"], ANA.id, "{record}");
    assert!(provider.log().contains("refresh token was used twice"));

    for revoked in [&first, &second] {
        assert_error(&refresh(&provider, NOTES, revoked).await, "invalid_grant");
        assert_eq!(userinfo(&provider, revoked).await, 401);
    }
    // Another sign-in is another grant.
    refreshed(&provider, NOTES, &other).await;
}

#[tokio::test]
async fn of_many_who_use_one_refresh_token_at_once_one_is_answered() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = tokens(&provider, NOTES, &mut browser, "openid").await;
    let form = form(NOTES, &first);
    let racers: Vec<_> = (0..100)
        .map(|_| {
            let request = provider
                .http()
                .post(provider.url("/token"))
                .header("x-forwarded-for", SINGAPORE)
                .form(&form);
            tokio::spawn(request.send())
        })
        .collect();
    let mut winners = Vec::new();
    for racer in racers {
        let page = Page::read(racer.await.expect("finished").expect("an answer")).await;
        if page.status == 200 {
            winners.push(page.json());
        } else {
            assert_error(&page, "invalid_grant");
        }
    }
    assert_eq!(winners.len(), 1);
    // The others had the token as well, so what the one was given is worth nothing.
    assert_error(
        &refresh(&provider, NOTES, &winners[0]).await,
        "invalid_grant",
    );
    assert_eq!(userinfo(&provider, &winners[0]).await, 401);
}

#[tokio::test]
async fn what_changed_since_the_sign_in_counts_at_the_next_refresh() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let mut held = tokens(&provider, NOTES, &mut browser, "openid").await;
    let changes = [
        ("users", "users.toml", "['employees']", "['leavers']"),
        (
            "inventory",
            "devices.toml",
            "managed = true",
            "managed = false",
        ),
        ("inventory", "devices.toml", "'on'", "'off'"),
        (
            "policies",
            "policies/access.cedar",
            "action in [Action::\"signIn\", Action::\"refresh\"],",
            "action in [Action::\"signIn\"],",
        ),
    ];
    for (source, file, from, to) in changes {
        let before = provider.files().read(file);
        change(&provider, source, file, from, to).await;
        let page = refresh(&provider, NOTES, &held).await;
        assert_error(&page, "invalid_grant");
        let record = record_of(&provider, &page).await;
        assert_eq!(record["ending"], "denied", "{file}: {record}");
        assert_eq!(record["action"], "refresh", "{file}: {record}");
        assert_eq!(record["client"], NOTES.id, "{file}: {record}");
        // What was denied is not used up.
        let operations = provider.operations();
        let digest = operations.digest(source).await;
        provider.files().replace(file, before);
        operations.reloaded(source, &digest).await;
        held = refreshed(&provider, NOTES, &held).await;
    }
}

#[tokio::test]
async fn a_certificate_that_was_revoked_since_does_not_count() {
    let provider = provider().await;
    let pki = &provider.files().pki;
    let certificate = pki.device("mbp-ana");
    let mut browser = provider.browser().with_certificate(&certificate);
    let held = tokens(&provider, NOTES, &mut browser, "openid").await;

    let operations = provider.operations();
    let digest = operations.digest("device-trust").await;
    let list = pki.revocation_list(std::slice::from_ref(&certificate.serial));
    provider.files().replace("pki/revoked.crl", list);
    operations.reloaded("device-trust", &digest).await;

    let page = refresh(&provider, NOTES, &held).await;
    assert_error(&page, "invalid_grant");
    let record = record_of(&provider, &page).await;
    let trail = record["trail"]["certificate"].as_str().unwrap_or_default();
    assert!(trail.contains("revoked"), "{record}");
}

#[tokio::test]
async fn the_place_is_that_of_the_device_of_nobody_or_of_the_sign_in() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let notes = tokens(&provider, NOTES, &mut browser, "openid").await;
    let mail = tokens(&provider, MAIL, &mut browser, OFFLINE).await;
    let news = tokens(&provider, NEWS, &mut browser, OFFLINE).await;

    let abroad = send(&provider, &form(NOTES, &notes), JAPAN).await;
    assert_error(&abroad, "invalid_grant");
    let record = record_of(&provider, &abroad).await;
    assert_eq!(fact(&record, "country")["value"], "Japan (JP)", "{record}");
    refreshed(&provider, NOTES, &notes).await;

    let cases = [
        (MAIL, &mail, "sign-in", 200, "permitted"),
        (NEWS, &news, "connection", 400, "denied"),
    ];
    for (client, held, source, status, ending) in cases {
        let page = send(&provider, &form(client, held), JAPAN).await;
        assert_eq!(page.status, status, "{page}");
        let record = eventually("the record", async || {
            let mut lines = provider.decisions().into_iter();
            lines.rfind(|line| line["client"] == client.id && line["action"] == "refresh")
        })
        .await;
        assert_eq!(record["ending"], ending, "{record}");
        let address = fact(&record, "address");
        assert_eq!(address["source"], source, "{record}");
        let known = client.id == MAIL.id;
        assert_eq!(address["value"] == SINGAPORE, known, "{record}");
        assert_eq!(address["unknown"].is_null(), known, "{record}");
    }
}

#[tokio::test]
async fn a_token_of_a_session_ends_with_it_and_an_offline_one_goes_on() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let notes = tokens(&provider, NOTES, &mut browser, "openid").await;
    let mail = tokens(&provider, MAIL, &mut browser, OFFLINE).await;

    let page = browser.visit(&provider.url("/sign-out")).await.page();
    browser.submit(&page, "/sign-out", &[]).await;

    assert_error(&refresh(&provider, NOTES, &notes).await, "invalid_grant");
    refreshed(&provider, MAIL, &mail).await;
}
