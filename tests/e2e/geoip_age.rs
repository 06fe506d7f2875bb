//! A country database that is too old is believed no more: who needs a country is refused with the reason, operators
//! see it before anybody complains, and a fresh database is enough to end it.

use chrono::TimeDelta;
use doorward_tests::{
    ANA, Installation, Operations, WIKI, aged_country_database, country_database,
};
use serde_json::Value;

use crate::journey::{arrive, provider_in, sign_in};

const FILE: &str = "country.mmdb";
/// Where the tests' browsers are.
const SINGAPORE: [(&str, &str); 1] = [("203.0.113.0/24", "SG")];
/// What is said of a database that is a day older than it may be.
const STALE: &str = "stale: observed 3 d ago, older than 2 d";

/// Files with these databases, of which none may be older than two days.
fn installation(databases: &str) -> Installation {
    let installation = Installation::new();
    installation.edit(
        "doorward.toml",
        "databases = [\"country.mmdb\"]",
        &format!("databases = [{databases}]\nmax_age = \"2d\""),
    );
    installation
}

/// A database that is a day older than it may be.
fn old_database(places: &[(&str, &str)]) -> Vec<u8> {
    aged_country_database(places, TimeDelta::days(3))
}

/// Fails unless the status warns of this file, which is used all the same.
fn assert_warns(status: &Value, file: &str) {
    assert_eq!(status["healthy"], true, "{status}");
    let warnings = status["diagnostics"].as_array().expect("a list");
    assert_eq!(warnings.len(), 1, "{status}");
    assert_eq!(warnings[0]["severity"], "warning", "{status}");
    let findings = Operations::findings(status);
    assert!(findings.contains(file), "{findings}");
    assert!(
        findings.contains(&format!("no country is taken from this database: {STALE}")),
        "{findings}"
    );
}

#[tokio::test]
async fn a_database_that_is_too_old_tells_no_country_until_a_fresh_one_is_there() {
    let installation = installation("\"country.mmdb\"");
    installation.overwrite(FILE, old_database(&SINGAPORE));
    let provider = provider_in(installation).await;
    let operations = provider.operations();
    let status = operations.source("geoip").await;
    assert_warns(&status, FILE);
    assert!(provider.log().contains(STALE), "{}", provider.log());

    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = arrive(&wiki, &mut browser, ANA).await.denied();
    assert!(page.says("Not known: country is in region home"), "{page}");
    assert!(page.says(STALE), "{page}");

    let reference = page.reference();
    let line = provider.decision(&reference).await;
    let mut facts = line["facts"].as_array().expect("facts").iter();
    let country = facts.find(|fact| fact["name"] == "country");
    let country = country.unwrap_or_else(|| panic!("no country in {line}"));
    assert_eq!(country["value"], Value::Null, "{line}");
    assert_eq!(country["unknown"], STALE, "{line}");
    let explained = provider
        .command(&["explain", &reference, "--config", "doorward.toml"])
        .await;
    assert_eq!(explained.code, Some(0), "{explained:?}");
    assert!(explained.stdout.contains(STALE), "{}", explained.stdout);

    let digest = status["digest"].as_str().expect("a digest");
    provider.files().replace(FILE, country_database(&SINGAPORE));
    let status = operations.reloaded("geoip", digest).await;
    assert_eq!(Operations::findings(&status), "");
    arrive(&wiki, &mut browser, ANA).await.answer();
}

#[tokio::test]
async fn a_session_is_of_no_use_once_the_database_is_too_old() {
    let provider = provider_in(installation("\"country.mmdb\"")).await;
    let operations = provider.operations();
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let digest = operations.digest("geoip").await;
    provider.files().replace(FILE, old_database(&SINGAPORE));
    let status = operations.reloaded("geoip", &digest).await;
    assert_warns(&status, FILE);
    let page = browser.visit(wiki.begin().url.as_str()).await.denied();
    assert!(page.says(STALE), "{page}");
    // The files are in force, and another replica would say the same.
    let ready = operations.get("/health/ready").await;
    assert_eq!(ready.body.trim(), "ready");
}

#[tokio::test]
async fn of_two_databases_the_one_that_is_young_enough_is_believed() {
    let installation = installation("\"old.mmdb\", \"country.mmdb\"");
    installation.overwrite("old.mmdb", old_database(&[("203.0.113.0/24", "JP")]));
    let provider = provider_in(installation).await;
    assert_warns(&provider.operations().source("geoip").await, "old.mmdb");
    let wiki = provider.relying_party(WIKI).await;
    sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
}
