//! Microsoft Entra asks for a second factor: everything that it expects holds, whichever way it comes and whatever the
//! first factor was. Hints that do not count stand in `entra_hints.rs`.

use doorward_tests::entra::{
    self, CLIENT, Entra, Fields, OBJECT, REDIRECT_URI, TENANT, broken, exchange, land, post, rows,
};
use doorward_tests::{ANA, Browser, Installation, Page, TestProvider, WIKI, jwt};
use reqwest::Url;
use serde_json::{Value, json};

use crate::journey::provider_in;

/// A provider that knows Entra and Ana's account there.
pub(crate) async fn provider() -> (TestProvider, Entra) {
    let files = Installation::new();
    let entra = Entra::new(&files).await;
    entra.install(&files);
    (provider_in(files).await, entra)
}

/// The page at which a browser stands still that is sent with this form.
pub(crate) async fn sent(provider: &TestProvider, browser: &mut Browser, form: &Fields) -> Page {
    let first = post(provider, form).await;
    land(browser, &first).await
}

/// What the ID token says that comes of this form on Ana's laptop.
async fn told(provider: &TestProvider, form: &Fields) -> Value {
    let page = sent(provider, &mut provider.browser_on("mbp-ana"), form).await;
    let answer = entra::answer_on(&page);
    let (_, claims) = jwt::decoded(answer.get("id_token").expect("an ID token"));
    claims
}

/// The form, asking for these classes and methods.
fn asking(entra: &Entra, classes: &[&str], methods: &[&str]) -> Fields {
    let mut form = entra.fresh_form();
    let claims = json!({ "id_token": {
        "acr": { "essential": true, "values": classes },
        "amr": { "essential": true, "values": methods },
    }});
    form.insert("claims".to_owned(), claims.to_string());
    form
}

#[tokio::test]
async fn every_row_holds() {
    let (provider, entra) = provider().await;
    let exchange = exchange(&provider, &entra).await;
    assert_eq!(broken(&exchange), [""; 0], "{exchange:#?}");
}

#[tokio::test]
async fn every_row_notices_its_mutation() {
    let (provider, entra) = provider().await;
    let exchange = exchange(&provider, &entra).await;
    for row in rows() {
        let mut tampered = exchange.clone();
        (row.tamper)(&mut tampered);
        assert_eq!(broken(&tampered), [row.id]);
    }
}

#[tokio::test]
async fn a_request_by_get_is_answered_as_well() {
    let (provider, entra) = provider().await;
    let mut url = Url::parse(&provider.url("/authorize")).expect("a URL");
    url.query_pairs_mut().extend_pairs(entra.fresh_form());
    let mut browser = provider.browser_on("mbp-ana");
    let first = browser.get(url.as_str()).await;
    assert_eq!(first.status, 303, "{first}");
    let location = first.header("location").expect("a location");
    assert!(!location.contains("id_token_hint"), "{location}");
    let answer = entra::answer_on(&land(&mut browser, &first).await);
    assert!(answer.get("id_token").is_some(), "{answer:?}");
}

#[tokio::test]
async fn a_state_that_was_not_sent_is_not_returned_and_neither_is_a_nonce() {
    let (provider, entra) = provider().await;
    let mut form = entra.fresh_form();
    form.remove("state");
    form.remove("nonce");
    let page = sent(&provider, &mut provider.browser_on("mbp-ana"), &form).await;
    let answer = entra::answer_on(&page);
    assert_eq!(answer.get("state"), None, "{answer:?}");
    let (_, claims) = jwt::decoded(answer.get("id_token").expect("an ID token"));
    assert_eq!(claims.get("nonce"), None, "{claims}");
}

#[tokio::test]
async fn the_answer_is_one_class_and_one_method_of_those_asked_for() {
    let (provider, entra) = provider().await;
    for (classes, methods, class, method) in [
        (
            &["possession"][..],
            &["swk", "hwk"][..],
            "possession",
            "swk",
        ),
        (
            &["inherence", "knowledgeorpossession"][..],
            &["pop", "face"][..],
            "knowledgeorpossession",
            "pop",
        ),
    ] {
        let claims = told(&provider, &asking(&entra, classes, methods)).await;
        assert_eq!(claims["acr"], class);
        assert_eq!(claims["amr"], json!([method]));
    }
}

#[tokio::test]
async fn after_something_you_have_a_device_is_no_second_factor() {
    let (provider, entra) = provider().await;
    for (classes, methods) in [
        (&["knowledgeorinherence"][..], &["face", "fpt"][..]),
        (&["possessionorinherence"][..], &["face", "hwk"][..]),
    ] {
        let form = asking(&entra, classes, methods);
        let mut browser = provider.browser_on("mbp-ana");
        let page = sent(&provider, &mut browser, &form).await;
        assert_eq!(page.status, 403, "{page}");
        assert!(page.says("second factor"), "{page}");
        let line = provider.decision(&page.reference()).await;
        assert_eq!(line["ending"], "refused");
        assert_eq!(line["user"], ANA.id);
        let back = browser
            .post_form(&page, "/authorize/return", &[], &[])
            .await;
        let answer = entra::answer_on(&back);
        assert_eq!(answer.error(), "access_denied");
        assert_eq!(answer.get("state"), form.get("state").map(String::as_str));
    }
}

#[tokio::test]
async fn a_permit_without_a_device_is_worth_nothing_to_entra() {
    let files = Installation::new();
    let entra = Entra::new(&files).await;
    entra.install(&files);
    let anybody = "@id(\"anybody\")\n@reason(\"Anybody.\")\n\
                   permit (principal, action, resource == Application::\"entra\");\n";
    files.overwrite("policies/entra.cedar", anybody);
    let provider = provider_in(files).await;
    let page = sent(&provider, &mut provider.browser(), &entra.fresh_form()).await;
    assert_eq!(page.status, 403, "{page}");
    assert!(page.says("this device is not known"), "{page}");
    // A certificate that no record knows is nobody's, and the device of another is no factor of Ana's.
    for device in ["mbp-bo", "unheard-of"] {
        let page = sent(
            &provider,
            &mut provider.browser_on(device),
            &entra.fresh_form(),
        )
        .await;
        assert_eq!(page.status, 403, "{device}: {page}");
        assert!(page.says("this device is not known"), "{device}: {page}");
    }
    let claims = told(&provider, &entra.fresh_form()).await;
    assert_eq!(claims["amr"], json!(["swk"]));
}

#[tokio::test]
async fn no_session_begins_and_none_counts() {
    let (provider, entra) = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    sent(&provider, &mut browser, &entra.fresh_form()).await;
    assert_eq!(browser.cookie(doorward_tests::SESSION_COOKIE), None);
    // Bo is signed in here; Entra asks about Ana all the same.
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let url = wiki.begin().url;
    browser.walk(url.as_str(), doorward_tests::BO).await;
    let page = sent(&provider, &mut browser, &entra.fresh_form()).await;
    let (_, claims) = jwt::decoded(entra::answer_on(&page).get("id_token").expect("a token"));
    assert_eq!(claims["sub"], entra::SUBJECT);
}

#[tokio::test]
async fn a_password_is_asked_for_where_the_policies_want_one_and_is_that_of_the_account() {
    let files = Installation::new();
    let entra = Entra::new(&files).await;
    entra.install(&files);
    let more = "when { context.session has passwordAge };\n";
    let policy = files.read("policies/entra.cedar");
    let policy = policy.trim_end().trim_end_matches(';').to_owned();
    files.overwrite("policies/entra.cedar", format!("{policy}\n{more}"));
    let provider = provider_in(files).await;
    let mut browser = provider.browser_on("mbp-ana");
    let mut page = sent(&provider, &mut browser, &entra.fresh_form()).await;
    assert!(page.has_form("/sign-in"), "{page}");
    let wrong = [
        ("username", "bo"),
        ("password", doorward_tests::BO.password),
    ];
    let again = browser.post_form(&page, "/sign-in", &wrong, &[]).await;
    assert_eq!(again.status, 403, "{again}");
    let right = [("username", ANA.username), ("password", ANA.password)];
    page = browser.post_form(&page, "/sign-in", &right, &[]).await;
    let page = land(&mut browser, &page).await;
    let (_, claims) = jwt::decoded(entra::answer_on(&page).get("id_token").expect("a token"));
    // What was proved here is no matter of Entra's.
    assert_eq!(claims["amr"], json!(["swk"]));
    assert_eq!(browser.cookie(doorward_tests::SESSION_COOKIE), None);
}

#[tokio::test]
async fn other_ways_of_asking_and_other_places_are_refused() {
    let (provider, entra) = provider().await;
    for (name, value) in [
        ("response_type", "code"),
        ("response_type", "id_token token"),
        ("scope", "profile"),
    ] {
        let mut form = entra.fresh_form();
        form.insert(name.to_owned(), value.to_owned());
        let page = sent(&provider, &mut provider.browser_on("mbp-ana"), &form).await;
        let answer = entra::answer_on(&page);
        assert!(answer.get("error").is_some(), "{name}={value}: {answer:?}");
        assert_eq!(answer.get("id_token"), None, "{name}={value}");
    }
    for (name, value) in [
        ("response_mode", "query"),
        ("response_mode", "fragment"),
        (
            "redirect_uri",
            "https://login.microsoftonline.us/common/federation/externalauthprovider",
        ),
        (
            "redirect_uri",
            "https://login.microsoftonline.com/common/federation/other",
        ),
        ("client_id", "another"),
    ] {
        let mut form = entra.fresh_form();
        form.insert(name.to_owned(), value.to_owned());
        let page = post(&provider, &form).await;
        assert_eq!(page.status, 400, "{name}={value}: {page}");
        assert!(!page.body.contains(REDIRECT_URI), "{name}={value}");
    }
}

#[tokio::test]
async fn without_an_entra_client_nothing_of_it_is_advertised() {
    let files = Installation::new();
    let entra = Entra::new(&files).await;
    let provider = provider_in(files).await;
    let url = provider.url("/.well-known/openid-configuration");
    let before = provider.get(&url).await.json();
    assert_eq!(before["response_types_supported"], json!(["code"]));
    entra.install(provider.files());
    doorward_tests::eventually("another document", async || {
        let now = provider.get(&url).await.json();
        (now["response_types_supported"] == json!(["code", "id_token"])).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_keys_of_entra_stand_in_the_status() {
    let (provider, entra) = provider().await;
    told(&provider, &entra.fresh_form()).await;
    let status = provider.operations().status().await;
    let remote = status["remote"].as_array().expect("documents").iter();
    let fetched: Vec<&str> = remote
        .filter(|document| document["fetched_at"].is_string())
        .filter_map(|document| document["name"].as_str())
        .collect();
    assert_eq!(fetched, ["entra-discovery", "entra-keys"]);
    let line = provider.decisions().pop().expect("a line");
    assert_eq!(line["client"], CLIENT);
    assert_eq!(line["caller"]["tenant"], TENANT);
    assert_eq!(line["caller"]["object_id"], OBJECT);
}
