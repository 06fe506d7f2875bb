//! What clients are told about a user: by scopes that the organisation declares, by name, under names of their own; and
//! what becomes of a demand for a certain way of signing in.

use doorward_tests::{ANA, Attempt, BO, Installation, RelyingParty, TestClient, WIKI};
use serde_json::{Value, json};

use crate::journey::{provider, provider_in, sign_in};
use crate::start::complaint;

const ACR_PASSWORD: &str = "urn:doorward:acr:password";
const ACR_DEVICE: &str = "urn:doorward:acr:password-and-device";

/// A client that is told more than others.
const STAFF: TestClient = client("staff-web", "https://staff.example.com/callback");
/// A client in a sector of its own.
const FORUM: TestClient = client("forum-web", "https://forum.example.com/callback");
/// Another.
const CHAT: TestClient = client("chat-web", "https://chat.example.com/callback");
/// One that belongs to the sector of the forum.
const BOARD: TestClient = client("board-web", "https://board.example.com/callback");

/// Two scopes: one for ID tokens too, one for userinfo only.
const SCOPES: &str = "[[scope]]\nid = 'staff'\nclaims = { groups = 'groups' }\nid_token = true\n\
                      [[scope]]\nid = 'account'\nclaims = { login = 'username' }\n";

const PAIRWISE: &str = "subject = 'pairwise'";

const fn client(id: &'static str, redirect_uri: &'static str) -> TestClient {
    TestClient {
        id,
        name: "A client of the tests",
        redirect_uri,
        confidential: false,
    }
}

/// The entry of a public client of the wiki.
fn entry(client: TestClient, more: &str) -> String {
    format!(
        "[[client]]\nid = '{}'\napplication = 'wiki'\nredirect_uris = ['{}']\npublic = true\n{more}\n",
        client.id, client.redirect_uri
    )
}

/// An installation with the two scopes and a client that may ask for them.
fn with_scopes() -> Installation {
    let files = Installation::new();
    let scopes = "scopes = ['openid', 'profile', 'email', 'staff', 'account']";
    files.append("clients.toml", &(SCOPES.to_owned() + &entry(STAFF, scopes)));
    files
}

/// An installation with a key of pairwise subjects and with these clients.
fn with_key(clients: &str) -> Installation {
    let files = Installation::new();
    files.overwrite(
        "pairwise.key",
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
    );
    files.append(
        "doorward.toml",
        "\n[tokens]\npairwise_key = \"pairwise.key\"\n",
    );
    files.append("clients.toml", clients);
    files
}

/// An installation in which anyone may open the wiki, with a client whose wishes are demands.
fn with_demands() -> Installation {
    let files = Installation::new();
    files.append(
        "policies/access.cedar",
        "\n@id(\"open-wiki\") permit (principal, action, resource == Application::\"wiki\");\n",
    );
    files.append("clients.toml", &entry(STAFF, "acr_required = true"));
    files
}

/// What userinfo says for this access token.
async fn userinfo(client: &RelyingParty, access_token: &str) -> Value {
    let page = client.userinfo_page(access_token).await;
    assert_eq!(page.status, 200, "{page}");
    page.json()
}

fn asking_for(attempt: Attempt, claims: &Value) -> Attempt {
    attempt.with("claims", &claims.to_string())
}

#[tokio::test]
async fn declared_scopes_add_claims_from_the_users_file() {
    let provider = provider_in(with_scopes()).await;
    let staff = provider.relying_party(STAFF).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = staff.begin().with("scope", "openid staff account");
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = staff.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["groups"], json!(["employees"]));
    assert_eq!(tokens.claims.get("login"), None);
    assert_eq!(tokens.claims.get("email"), None);
    assert_eq!(
        userinfo(&staff, &tokens.access_token).await,
        json!({"sub": ANA.id, "groups": ["employees"], "login": ANA.username})
    );

    let page = provider
        .get(&provider.url("/.well-known/openid-configuration"))
        .await;
    let document = page.json();
    let lists = |member: &str, name: &str| {
        let values = document[member].as_array().expect("a list");
        values.contains(&json!(name))
    };
    assert!(lists("scopes_supported", "staff") && lists("claims_supported", "login"));
    assert!(!lists("subject_types_supported", "pairwise"));
}

#[tokio::test]
async fn claims_that_are_asked_for_by_name_stand_where_they_were_asked_for() {
    let provider = provider_in(with_scopes()).await;
    let staff = provider.relying_party(STAFF).await;
    let mut browser = provider.browser_on("mbp-ana");
    let wanted = json!({
        "id_token": {"login": null, "email": {"essential": true}, "address": {"essential": true}},
        "userinfo": {"groups": null, "login": {"values": ["bo", "cy"]}, "name": {"value": "Bo"}},
    });
    let attempt = asking_for(staff.begin().with("scope", "openid"), &wanted);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = staff.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["login"], ANA.username);
    assert_eq!(tokens.claims["email"], "ana@example.com");
    assert_eq!(tokens.claims.get("groups"), None);
    assert_eq!(tokens.claims.get("address"), None);
    assert_eq!(
        userinfo(&staff, &tokens.access_token).await,
        json!({"sub": ANA.id, "groups": ["employees"]})
    );
}

#[tokio::test]
async fn a_client_gets_by_name_only_what_its_scopes_could_give() {
    let provider = provider_in(with_scopes()).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let wanted = json!({"id_token": {"groups": {"essential": true}, "login": null}});
    let attempt = asking_for(wiki.begin(), &wanted);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims.get("groups"), None);
    assert_eq!(tokens.claims.get("login"), None);
}

#[tokio::test]
async fn claims_that_cannot_be_read_are_refused() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser();
    let deep = format!(
        "{{\"id_token\":{{\"a\":{}{}}}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    let long = format!("{{\"elsewhere\":\"{}\"}}", "x".repeat(4096));
    for claims in [
        "claims",
        "[]",
        r#"{"id_token": []}"#,
        r#"{"id_token": {"sub": {"value": "u-ana"}, "sub": {"value": "u-bo"}}}"#,
        &deep,
        &long,
    ] {
        let attempt = wiki.begin().with("claims", claims);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        wiki.check(&attempt, &answer);
        assert_eq!(answer.error(), "invalid_request", "{claims}");
    }
}

#[tokio::test]
async fn a_subject_that_is_asked_for_is_the_only_one_who_will_do() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let ana = sign_in(&wiki, &mut browser, ANA).await;
    let named = |id: &str| {
        let claims = json!({"id_token": {"sub": {"value": id}}});
        asking_for(wiki.begin(), &claims)
    };
    let same = named(ANA.id).with("prompt", "none");
    let answer = browser.visit(same.url.as_str()).await.answer();
    wiki.redeem(&same, &answer).await;

    let quiet = named(BO.id).with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    wiki.check(&quiet, &answer);
    assert_eq!(answer.error(), "login_required");

    let page = browser.visit(named(BO.id).url.as_str()).await.page();
    assert!(page.says("expects somebody else"), "{page}");

    let nobody = named(BO.id).with("id_token_hint", &ana.id_token);
    let answer = browser.visit(nobody.url.as_str()).await.answer();
    assert_eq!(answer.error(), "invalid_request");
}

#[tokio::test]
async fn pairwise_subjects_differ_by_sector_and_stay() {
    let sector = format!("{PAIRWISE}\nsector = 'https://forum.example.com'");
    let clients = entry(FORUM, PAIRWISE) + &entry(CHAT, PAIRWISE) + &entry(BOARD, &sector);
    let mut provider = provider_in(with_key(&clients)).await;
    let mut browser = provider.browser_on("mbp-ana");
    let mut told = Vec::new();
    for client in [FORUM, CHAT, BOARD] {
        let client = provider.relying_party(client).await;
        let tokens = sign_in(&client, &mut browser, ANA).await;
        let said = userinfo(&client, &tokens.access_token).await;
        assert_eq!(said["sub"], tokens.claims["sub"]);
        assert_ne!(said["sub"], ANA.id);
        told.push(said["sub"].clone());
    }
    assert_ne!(told[0], told[1]);
    assert_eq!(told[0], told[2]);

    provider.restart().await;
    let forum = provider.relying_party(FORUM).await;
    let tokens = sign_in(&forum, &mut browser, ANA).await;
    assert_eq!(tokens.claims["sub"], told[0]);

    // Whoever names the user by that name means the same one.
    let hinted = forum
        .begin()
        .with("id_token_hint", &tokens.id_token)
        .with("prompt", "none");
    let answer = browser.visit(hinted.url.as_str()).await.answer();
    forum.redeem(&hinted, &answer).await;
    let claims = json!({"id_token": {"sub": {"value": ANA.id}}});
    let by_id = asking_for(forum.begin(), &claims).with("prompt", "none");
    let answer = browser.visit(by_id.url.as_str()).await.answer();
    assert_eq!(answer.error(), "login_required");
}

#[tokio::test]
async fn pairwise_subjects_need_a_key_that_is_one() {
    let files = Installation::new();
    files.append("clients.toml", &entry(FORUM, PAIRWISE));
    let said = complaint(&files).await;
    assert!(said.contains("there is no key to make them with"), "{said}");
    assert!(said.contains("`pairwise_key`"), "{said}");

    let files = with_key(&entry(FORUM, PAIRWISE));
    files.overwrite("pairwise.key", "hunter2\n");
    let said = complaint(&files).await;
    assert!(said.contains("is not a key"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_demand_for_the_device_is_met_by_the_device_and_by_nothing_less() {
    let provider = provider_in(with_demands()).await;
    let staff = provider.relying_party(STAFF).await;
    let begin = || staff.begin().with("acr_values", ACR_DEVICE);

    let attempt = begin();
    let mut browser = provider.browser_on("mbp-ana");
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = staff.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_DEVICE);

    let attempt = begin();
    let mut browser = provider.browser();
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    staff.check(&attempt, &answer);
    assert_eq!(answer.error(), "unmet_authentication_requirements");
    let line = provider.decision(&answer.reference()).await;
    assert_eq!(line["ending"], "refused");
    assert_eq!(line["user"], ANA.id);

    // A page might still bring it.
    let quiet = begin().with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    assert_eq!(answer.error(), "interaction_required");
}

#[tokio::test]
async fn a_demand_that_nobody_can_meet_ends_at_the_client() {
    let provider = provider_in(with_demands()).await;
    let staff = provider.relying_party(STAFF).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = staff.begin().with("acr_values", "urn:example:gold");
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    staff.check(&attempt, &answer);
    assert_eq!(answer.error(), "unmet_authentication_requirements");

    let attempt = staff.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    staff.redeem(&attempt, &answer).await;
}

#[tokio::test]
async fn an_essential_acr_is_a_demand_of_any_client() {
    let provider = provider_in(with_demands()).await;
    let wiki = provider.relying_party(WIKI).await;
    let demanding = |acr: &str| {
        let claims = json!({"id_token": {"acr": {"essential": true, "values": [acr]}}});
        asking_for(wiki.begin(), &claims)
    };
    let mut browser = provider.browser();
    let attempt = demanding(ACR_DEVICE);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    wiki.check(&attempt, &answer);
    assert_eq!(answer.error(), "unmet_authentication_requirements");

    let attempt = demanding(ACR_PASSWORD);
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    let tokens = wiki.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_PASSWORD);
}

#[tokio::test]
async fn whoever_demands_less_than_was_reached_is_told_what_it_demands() {
    let files = Installation::new();
    files.append("clients.toml", &entry(STAFF, "acr_required = true"));
    let provider = provider_in(files).await;
    let staff = provider.relying_party(STAFF).await;
    let mut browser = provider.browser_on("mbp-ana");
    let attempt = staff.begin().with("acr_values", ACR_PASSWORD);
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    let tokens = staff.redeem(&attempt, &answer).await;
    assert_eq!(tokens.claims["acr"], ACR_PASSWORD);
}
