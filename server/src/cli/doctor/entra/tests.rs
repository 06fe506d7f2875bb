//! What is told once a tenant and a provider do not fit together.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use serde_json::{Value, json};

use super::fixtures::{CLOUD, CONFIG, OTHER, World, discovery, hint_key, key, set};
use super::*;
use crate::cli::doctor::check::Verdict;
use crate::cli::doctor::door::Met;
use crate::cli::doctor::door::tests::{answered, changed};
use crate::jose::fixtures::TestKey;

/// The world with another document.
fn saying(name: &str, value: Value) -> World {
    let mut document = discovery();
    document[name] = value;
    let text = document.to_string();
    let mut world = World::healthy();
    world.documents.discovery = answered(&text);
    world.documents.head = answered(&text);
    world
}

#[test]
fn a_tenant_and_a_provider_that_fit_are_good_in_every_check() {
    let checks = World::healthy().checks();
    let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CHECKS);
    let told: Vec<String> = checks
        .iter()
        .map(|it| format!("{:?} {}: {}", it.verdict, it.id, it.finding))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_tenant_that_nobody_answers_is_bad_and_its_users_are_doubtful() {
    let mut world = World::healthy();
    world.tenant = OTHER;
    let wrong = world.wrong();
    assert_eq!(wrong, [(TENANT, Verdict::Bad), (USERS, Verdict::Doubtful)]);
}

#[test]
fn without_a_client_there_is_little_to_look_at() {
    let mut world = World::healthy();
    world.hints.clear();
    world.write("clients.toml", "");
    let wrong = world.wrong();
    assert_eq!(
        wrong,
        [(CLIENTS, Verdict::Bad), (ACCOUNTS, Verdict::Doubtful)]
    );
}

#[test]
fn answers_go_to_the_cloud_that_asks() {
    let world = World::healthy();
    world.edit(
        "clients.toml",
        "login.microsoftonline.com",
        "login.microsoftonline.us",
    );
    assert_eq!(world.wrong(), [(REDIRECTS, Verdict::Bad)]);
}

#[test]
fn the_application_is_declared_and_there_is_a_device_host() {
    let world = World::healthy();
    world.edit("clients.toml", "'wiki'", "'entra'");
    let text = CONFIG.split("[device]").next().unwrap();
    world.write("doorward.toml", text);
    let bad = Verdict::Bad;
    assert_eq!(world.wrong(), [(APPLICATION, bad), (DEVICE_HOST, bad)]);
}

#[test]
fn everybody_has_one_account_in_a_tenant_that_is_answered() {
    let world = World::healthy();
    let more = format!("}}, {{ tid = '{OTHER}', oid = '9d3a6c40-1111-4222-8333-444455556666' }}]");
    world.edit("users.toml", "}]", &more);
    assert_eq!(world.wrong(), [(ACCOUNTS, Verdict::Doubtful)]);
    let world = World::healthy();
    world.edit("users.toml", "entra = [", "entra = []\nattributes = {} # ");
    assert_eq!(world.wrong(), [(USERS, Verdict::Doubtful)]);
}

#[test]
fn keys_are_announced_for_two_days_and_people_have_two_minutes() {
    let world = World::healthy();
    let more = "[keys]\nannounce = '47h'\n\n[sessions]\ntransaction_lifetime = '90s'\n";
    world.write("doorward.toml", &format!("{CONFIG}\n{more}"));
    let wrong = world.wrong();
    assert_eq!(
        wrong,
        [(ANNOUNCE, Verdict::Bad), (DEADLINE, Verdict::Doubtful)]
    );
}

#[test]
fn an_answer_says_how_long_it_is_whichever_way_it_is_asked_for() {
    let mut chunked = World::healthy();
    changed(&mut chunked.documents.discovery, |seen| {
        seen.looked.headers.remove(CONTENT_LENGTH);
        let how = "chunked".parse().unwrap();
        seen.looked.headers.insert(TRANSFER_ENCODING, how);
    });
    assert_eq!(chunked.wrong(), [(LENGTH, Verdict::Bad)]);
    let mut empty = World::healthy();
    changed(&mut empty.documents.head, |seen| {
        seen.looked.headers.insert(CONTENT_LENGTH, 0_u64.into());
    });
    assert_eq!(empty.wrong(), [(LENGTH, Verdict::Bad)]);
    let mut silent = World::healthy();
    silent.documents.head = Met::Silent("broke off: gone".to_owned());
    assert_eq!(silent.wrong(), [(LENGTH, Verdict::Bad)]);
}

#[test]
fn each_thing_that_entra_reads_in_the_document_is_looked_at() {
    for (name, value, id) in [
        ("issuer", json!("https://other.example.com"), ISSUER),
        ("jwks_uri", json!("https://other.example.com/jwks"), ISSUER),
        ("response_types_supported", json!(["code"]), RESPONSES),
        ("response_modes_supported", json!(["query"]), RESPONSES),
        ("scopes_supported", json!([]), METADATA),
        ("subject_types_supported", json!(["pairwise"]), METADATA),
        ("claim_types_supported", json!(["aggregated"]), METADATA),
        (
            "id_token_signing_alg_values_supported",
            json!(["ES256"]),
            RS256,
        ),
    ] {
        assert_eq!(saying(name, value).wrong(), [(id, Verdict::Bad)], "{name}");
    }
}

#[test]
fn every_rsa_key_has_its_own_certificate() {
    let (good, other) = (key(), key());
    let mut without = good.clone();
    without["x5c"] = json!([]);
    let mut foreign = good.clone();
    foreign["x5c"] = other["x5c"].clone();
    let mut broken = good.clone();
    broken["x5c"] = json!(["____"]);
    for bad in [without, foreign, broken] {
        let mut world = World::healthy();
        world.documents.keys = set(&[bad]);
        assert_eq!(world.wrong(), [(CERTIFICATES, Verdict::Bad)]);
    }
    // Keys of other kinds need none.
    let mut elliptic = TestKey::p256().jwk();
    elliptic.insert("kid".to_owned(), json!("not base64!"));
    let mut world = World::healthy();
    world.documents.keys = set(&[good, Value::Object(elliptic)]);
    assert!(world.wrong().is_empty());
}

#[test]
fn the_name_of_a_key_is_base64() {
    for name in ["key one", "abc", ""] {
        let mut named = key();
        named["kid"] = json!(name);
        let mut world = World::healthy();
        world.documents.keys = set(&[named]);
        assert_eq!(world.wrong(), [(KEY_IDS, Verdict::Bad)], "{name}");
    }
}

#[test]
fn keys_that_cannot_be_had_are_bad_once() {
    let mut world = World::healthy();
    changed(&mut world.documents.keys, |seen| {
        seen.looked.status = StatusCode::NOT_FOUND;
    });
    assert_eq!(world.wrong(), [(KEYS_REACHED, Verdict::Bad)]);
}

#[test]
fn who_signs_the_hints_has_to_be_known() {
    let mut silent = World::healthy();
    silent.hints[0].discovery = Met::Silent("cannot be reached: refused".to_owned());
    silent.hints[0].keys = None;
    assert_eq!(silent.wrong(), [(HINT_ISSUER, Verdict::Bad)]);
    let mut other = World::healthy();
    let keys = format!("{CLOUD}/common/discovery/v2.0/keys");
    let issuer = format!("{CLOUD}/{OTHER}/v2.0");
    let document = json!({ "issuer": issuer, "jwks_uri": keys });
    other.hints[0].discovery = answered(&document.to_string());
    other.hints[0].keys = Some((keys.parse().unwrap(), set(&[hint_key(&issuer)])));
    assert_eq!(other.wrong(), [(HINT_ISSUER, Verdict::Bad)]);
}

#[test]
fn a_key_has_to_be_for_the_tenant() {
    let issuer = format!("{CLOUD}/{OTHER}/v2.0");
    for keys in [
        set(&[hint_key(&issuer)]),
        set(&[]),
        Met::Silent("answers with status 500".to_owned()),
    ] {
        let mut world = World::healthy();
        let known = world.hints[0].keys.take();
        world.hints[0].keys = known.map(|(url, _)| (url, keys));
        assert_eq!(world.wrong(), [(HINT_KEYS, Verdict::Bad)]);
    }
}

#[test]
fn both_clocks_tell_the_same_time() {
    let mut world = World::healthy();
    changed(&mut world.hints[0].discovery, |seen| {
        seen.at -= chrono::TimeDelta::seconds(45);
    });
    assert_eq!(world.wrong(), [(CLOCK, Verdict::Bad)]);
}
