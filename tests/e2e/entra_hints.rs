//! Hints of Microsoft Entra that do not count: what a person sees, what Entra is told, and what is written down.

use std::collections::BTreeSet;

use doorward_tests::entra::{
    self, APP_ID, Entra, OBJECT, REQUEST_ID, TENANT, answer_on, land, post,
};
use doorward_tests::{ANA, Page, TestKey, TestProvider, WIKI, jwt, now};
use serde_json::{Value, json};

use crate::entra::{provider, sent};
use crate::journey::sign_in;

const OTHER: &str = "11111111-2222-4333-8444-555566667777";

/// The page for a hint, which is refused under this name.
async fn refused(provider: &TestProvider, entra: &Entra, hint: &str, code: &str) -> Page {
    let form = entra.form(hint);
    let page = post(provider, &form).await;
    assert_eq!(page.status, 400, "{code}: {page}");
    assert!(page.says(code), "no `{code}` on {page}");
    assert!(page.says(REQUEST_ID), "{code}: {page}");
    let answer = answer_on(&page);
    assert_eq!(answer.error(), "access_denied", "{code}");
    assert_eq!(answer.get("state"), form.get("state").map(String::as_str));
    assert_eq!(answer.get("iss"), None, "{code}");
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["ending"], "refused", "{code}");
    assert_eq!(line["error"], code);
    assert_eq!(line["caller"]["client_request_id"], REQUEST_ID, "{code}");
    assert!(
        !provider.log().contains(hint),
        "{code}: the hint is in the log"
    );
    page
}

/// A hint that says this instead.
fn saying(entra: &Entra, name: &str, value: Value) -> String {
    let mut claims = entra.claims();
    claims[name] = value;
    entra.hint(&claims)
}

#[tokio::test]
async fn a_hint_that_entra_has_not_signed_is_refused() {
    let (provider, entra) = provider().await;
    let claims = entra.claims();
    let good = entra.hint(&claims);
    let text = claims.to_string();
    let header =
        |alg: &str| json!({ "alg": alg, "kid": entra.key.kid(), "typ": "JWT" }).to_string();
    let stranger = TestKey::rs256();
    let impostor = TestKey::rs256().named(entra.key.kid());
    let public = entra.key.jwk().to_string();
    for hint in [
        jwt::forged(&good),
        jwt::with_claims(&good, &text.replace(OBJECT, OTHER)),
        jwt::unsigned(&header("none"), &text),
        jwt::hs256(public.as_bytes(), &header("HS256"), &text),
        stranger.token(Some("JWT"), &claims),
        impostor.token(Some("JWT"), &claims),
        TestKey::es256().named(entra.key.kid()).token(None, &claims),
        TestKey::ps256().named(entra.key.kid()).token(None, &claims),
        // Which key is meant has to be said.
        entra.key.sign(r#"{"alg":"RS256"}"#, &text),
    ] {
        refused(&provider, &entra, &hint, "hint_signature").await;
    }
}

#[tokio::test]
async fn what_is_no_token_of_this_kind_is_refused() {
    let (provider, entra) = provider().await;
    let claims = entra.claims();
    let good = entra.hint(&claims);
    let header = json!({ "alg": "RS256", "kid": entra.key.kid() }).to_string();
    let twice = claims.to_string().replacen('{', r#"{"oid":"x","#, 1);
    for hint in [
        "no-token-at-all".to_owned(),
        jwt::padded(&good),
        entra.key.token(Some("at+jwt"), &claims),
        entra.key.token(Some("logout+jwt"), &claims),
        entra.key.sign(&header, &twice),
        entra.key.sign(&header, "[]"),
    ] {
        refused(&provider, &entra, &hint, "hint_malformed").await;
    }
}

#[tokio::test]
async fn a_hint_for_somebody_else_or_from_elsewhere_is_refused() {
    let (provider, entra) = provider().await;
    for audience in [
        json!(OTHER),
        json!([APP_ID, OTHER]),
        json!([APP_ID]),
        json!(""),
    ] {
        let hint = saying(&entra, "aud", audience);
        refused(&provider, &entra, &hint, "hint_audience").await;
    }
    for (name, value) in [
        ("iss", entra.issuer(OTHER)),
        ("iss", entra.issuer("{tenantid}")),
        ("iss", format!("{}/", entra.issuer(TENANT))),
        ("tid", OTHER.to_owned()),
    ] {
        let hint = saying(&entra, name, json!(value));
        refused(&provider, &entra, &hint, "hint_issuer").await;
    }
    let mut claims = entra.claims();
    claims["tid"] = json!(OTHER);
    claims["iss"] = json!(entra.issuer(OTHER));
    refused(&provider, &entra, &entra.hint(&claims), "hint_tenant").await;
}

#[tokio::test]
async fn a_key_of_another_tenant_signs_for_that_tenant_only() {
    let (provider, entra) = provider().await;
    let theirs = TestKey::rs256();
    let mut jwk = theirs.jwk();
    jwk["issuer"] = json!(entra.issuer(OTHER));
    entra.publish(&[entra.key.jwk(), jwk]);
    let hint = theirs.token(Some("JWT"), &entra.claims());
    refused(&provider, &entra, &hint, "hint_issuer").await;
}

#[tokio::test]
async fn a_hint_is_bound_in_time_by_when_it_was_made() {
    let (provider, entra) = provider().await;
    let now = now().timestamp();
    for issued in [now - 3600, now - 660, now + 120] {
        let hint = saying(&entra, "iat", json!(issued));
        refused(&provider, &entra, &hint, "hint_time").await;
    }
    // Long expired, and made nine minutes ago: that counts.
    let mut claims = entra.claims();
    claims["iat"] = json!(now - 540);
    claims["exp"] = json!(now - 539);
    let form = entra.form(&entra.hint(&claims));
    let page = sent(&provider, &mut provider.browser_on("mbp-ana"), &form).await;
    assert!(answer_on(&page).get("id_token").is_some(), "{page}");
}

#[tokio::test]
async fn a_hint_that_does_not_say_enough_is_refused() {
    let (provider, entra) = provider().await;
    for name in ["iss", "aud", "iat", "tid", "oid", "sub"] {
        let mut claims = entra.claims();
        claims.as_object_mut().expect("an object").remove(name);
        refused(&provider, &entra, &entra.hint(&claims), "hint_claim").await;
    }
    for (name, value) in [
        ("oid", json!("")),
        ("sub", json!("")),
        ("oid", json!("ana")),
    ] {
        let hint = saying(&entra, name, value);
        refused(&provider, &entra, &hint, "hint_claim").await;
    }
}

#[tokio::test]
async fn a_request_without_a_hint_is_refused_whichever_way_it_comes() {
    let (provider, entra) = provider().await;
    let mut form = entra.fresh_form();
    form.remove("id_token_hint");
    let first = post(&provider, &form).await;
    let page = land(&mut provider.browser(), &first).await;
    assert_eq!(page.status, 400, "{page}");
    assert!(page.says("hint_missing"), "{page}");
    assert_eq!(answer_on(&page).error(), "access_denied");
}

#[tokio::test]
async fn a_hint_counts_once_however_many_show_it_at_once() {
    let (provider, entra) = provider().await;
    let form = entra.fresh_form();
    let mut statuses = Vec::new();
    let (one, two, three, four) = (
        post(&provider, &form),
        post(&provider, &form),
        post(&provider, &form),
        post(&provider, &form),
    );
    let answers = tokio::join!(one, two, three, four);
    for page in [answers.0, answers.1, answers.2, answers.3] {
        statuses.push(page.status);
        if page.status == 400 {
            assert!(page.says("hint_used"), "{page}");
        }
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400]);
}

#[tokio::test]
async fn a_stored_request_belongs_to_the_first_browser_and_is_answered_once() {
    let (provider, entra) = provider().await;
    let first = post(&provider, &entra.fresh_form()).await;
    let location = first.header("location").expect("a location").to_owned();
    let mut owner = provider.browser_on("mbp-ana");
    let waiting = owner.get(&location).await;
    let mut thief = provider.browser_on("mbp-ana");
    let page = thief.get(&location).await;
    assert_eq!(page.status, 400, "{page}");
    let page = land(&mut owner, &waiting).await;
    assert!(answer_on(&page).get("id_token").is_some(), "{page}");
    let again = owner.get(&location).await;
    assert_eq!(again.status, 400, "{again}");
}

#[tokio::test]
async fn an_account_that_is_not_known_here_is_named_in_the_record() {
    let (provider, entra) = provider().await;
    let hint = saying(&entra, "oid", json!(OTHER));
    let page = refused(&provider, &entra, &hint, "hint_account").await;
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["caller"]["tenant"], TENANT);
    assert_eq!(line["caller"]["object_id"], OTHER);
    assert!(!page.says(OTHER), "{page}");
}

#[tokio::test]
async fn a_name_or_an_address_finds_nobody() {
    let (provider, entra) = provider().await;
    let mut claims = entra.claims();
    claims["oid"] = json!(OTHER);
    claims["preferred_username"] = json!("ana");
    claims["upn"] = json!("ana@example.com");
    claims["email"] = json!("ana@example.com");
    refused(&provider, &entra, &entra.hint(&claims), "hint_account").await;
}

#[tokio::test]
async fn whoever_may_not_sign_in_here_has_no_account() {
    let (provider, entra) = provider().await;
    provider.files().edit(
        "users.toml",
        &format!("oid = '{OBJECT}' }}]\n"),
        &format!("oid = '{OBJECT}' }}]\ndisabled = true\n"),
    );
    doorward_tests::eventually("that Ana is disabled", async || {
        let page = post(&provider, &entra.fresh_form()).await;
        page.says("hint_account").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_that_entra_has_just_published_is_fetched_at_once_and_no_more_than_once_a_minute() {
    let (provider, entra) = provider().await;
    let page = sent(
        &provider,
        &mut provider.browser_on("mbp-ana"),
        &entra.fresh_form(),
    )
    .await;
    assert!(answer_on(&page).get("id_token").is_some(), "{page}");
    assert_eq!(entra.fetches(), 1);
    let new = TestKey::rs256();
    entra.publish(&[entra.key.jwk(), new.jwk()]);
    let form = entra.form(&new.token(Some("JWT"), &entra.claims()));
    let page = sent(&provider, &mut provider.browser_on("mbp-ana"), &form).await;
    assert!(answer_on(&page).get("id_token").is_some(), "{page}");
    assert_eq!(entra.fetches(), 2);
    // During the rollover both count.
    let page = sent(
        &provider,
        &mut provider.browser_on("mbp-ana"),
        &entra.fresh_form(),
    )
    .await;
    assert!(answer_on(&page).get("id_token").is_some(), "{page}");
    let unknown = TestKey::rs256().token(Some("JWT"), &entra.claims());
    refused(&provider, &entra, &unknown, "hint_signature").await;
    assert_eq!(entra.fetches(), 2);
}

#[tokio::test]
async fn tokens_of_ours_are_no_hints_of_entra() {
    let (provider, entra) = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    refused(&provider, &entra, &tokens.id_token, "hint_signature").await;
    let page = sent(
        &provider,
        &mut provider.browser_on("mbp-ana"),
        &entra.fresh_form(),
    )
    .await;
    let token = answer_on(&page)
        .get("id_token")
        .expect("a token")
        .to_owned();
    refused(&provider, &entra, &token, "hint_signature").await;
}

#[tokio::test]
async fn what_is_too_long_for_a_link_keeps_its_session_for_other_clients_too() {
    let (provider, _entra) = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&wiki, &mut browser, ANA).await;
    for (name, value) in [
        ("id_token_hint", tokens.id_token),
        ("padding", "x".repeat(6000)),
    ] {
        let attempt = wiki.begin();
        let mut form: entra::Fields = attempt.url.query_pairs().into_owned().collect();
        form.insert(name.to_owned(), value);
        let first = post(&provider, &form).await;
        assert_eq!(first.status, 303, "{name}: {first}");
        let location = first.header("location").expect("a location").to_owned();
        assert!(location.len() < 300, "{name}: {location}");
        let answer = browser.visit(&location).await.answer();
        wiki.redeem(&attempt, &answer).await;
    }
    let names: BTreeSet<String> = provider
        .decisions()
        .iter()
        .filter_map(|line| line["ending"].as_str().map(str::to_owned))
        .collect();
    assert!(!names.contains("refused"), "{names:?}");
}
