//! `doorward doctor` beside a running server, and what it says once files are broken.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use chrono::TimeDelta;
use doorward_tests::{Finished, Installation, aged_country_database, run_in};
use serde_json::Value;

use crate::BINARY;
use crate::journey::provider_in;

/// The authority of both hosts.
const CA: &str = "pki/servers/ca.pem";

/// An installation about which nothing is to be found.
fn healthy() -> Installation {
    let installation = Installation::new();
    for key in ["pki/main-key.pem", "pki/device-key.pem"] {
        let closed = Permissions::from_mode(0o600);
        fs::set_permissions(installation.path(key), closed).expect("changed");
    }
    installation.edit("users.toml", "['contractors']", "['employees']");
    installation
}

pub(crate) async fn doctor(installation: &Installation, arguments: &[&str]) -> Finished {
    let mut all = vec!["doctor"];
    all.extend(arguments);
    run_in(installation.root(), BINARY, &all, "").await
}

pub(crate) fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// The checks that came to this.
pub(crate) fn of_verdict(answer: &Value, verdict: &str) -> Vec<String> {
    let checks = answer["checks"].as_array().expect("checks").iter();
    checks
        .filter(|check| check["verdict"] == verdict)
        .map(|check| check["id"].as_str().expect("a name").to_owned())
        .collect()
}

/// Fails unless exactly this is bad, and this doubtful.
pub(crate) fn assert_found(finished: &Finished, bad: &[&str], doubtful: &[&str]) {
    let answer = json(finished);
    assert_eq!(of_verdict(&answer, "bad"), bad, "{finished:?}");
    assert_eq!(of_verdict(&answer, "doubtful"), doubtful, "{finished:?}");
    let good = bad.is_empty() && doubtful.is_empty();
    assert_eq!(answer["ok"], good, "{finished:?}");
    assert_eq!(finished.code, Some(i32::from(!good)), "{finished:?}");
}

#[tokio::test]
async fn all_is_good_of_a_healthy_server() {
    let provider = provider_in(healthy()).await;
    let files = provider.files();
    let config = doctor(files, &["config", "--format", "json"]).await;
    assert_found(&config, &[], &[]);
    // There is no host for clients with certificates.
    let skipped = ["config.client-tls", "config.client-trust"];
    assert_eq!(of_verdict(&json(&config), "not-checked"), skipped);

    let mtls = doctor(files, &["mtls", "--ca", CA, "--format", "json"]).await;
    assert_found(&mtls, &[], &[]);
    assert!(
        of_verdict(&json(&mtls), "not-checked").is_empty(),
        "{mtls:?}"
    );

    let (main, device) = (provider.issuer(), provider.device_url(""));
    let urls = ["mtls", "--url", &main, "--device-url", &device, "--ca", CA];
    let human = doctor(files, &urls).await;
    assert_eq!(human.code, Some(0), "{human:?}");
    assert!(human.stdout.ends_with("healthy: 14 checks\n"), "{human:?}");
}

#[tokio::test]
async fn a_server_with_certificates_of_another_authority_is_found() {
    let provider = provider_in(healthy()).await;
    let wrong = ["mtls", "--ca", "pki/devices/ca.pem", "--format", "json"];
    let found = doctor(provider.files(), &wrong).await;
    assert_found(&found, &["mtls.main-chain", "mtls.device-chain"], &[]);
}

#[tokio::test]
async fn a_server_that_believes_others_than_its_configuration_is_found() {
    let provider = provider_in(healthy()).await;
    // The server has read its configuration already.
    let files = provider.files();
    files.edit("doorward.toml", "pki/devices/ca.pem", CA);
    let found = doctor(files, &["mtls", "--ca", CA, "--format", "json"]).await;
    assert_found(&found, &["mtls.device-asks"], &[]);
}

#[tokio::test]
async fn where_no_server_runs_it_is_said() {
    let installation = healthy();
    let found = doctor(&installation, &["mtls", "--ca", CA, "--format", "json"]).await;
    assert_found(&found, &["mtls.main-reached", "mtls.device-reached"], &[]);
}

#[tokio::test]
async fn a_country_database_that_is_too_old_is_doubtful() {
    let installation = healthy();
    let old = aged_country_database(&[("203.0.113.0/24", "SG")], TimeDelta::days(90));
    installation.overwrite("country.mmdb", old);
    let found = doctor(&installation, &["config", "--format", "json"]).await;
    assert_found(&found, &[], &["config.geoip"]);
    let junit = doctor(&installation, &["config", "--format", "junit"]).await;
    assert_eq!(junit.code, Some(1), "{junit:?}");
    assert!(junit.stdout.contains("failures=\"1\""), "{junit:?}");
}

#[tokio::test]
async fn proxies_that_are_everybody_are_bad() {
    let installation = healthy();
    installation.edit("doorward.toml", "127.0.0.1/32", "0.0.0.0/0");
    let found = doctor(&installation, &["config", "--format", "json"]).await;
    assert_found(&found, &["config.file", "config.proxies"], &[]);
    let human = doctor(&installation, &["config"]).await;
    assert!(
        human.stdout.contains("fix: anybody could claim"),
        "{human:?}"
    );
}

#[tokio::test]
async fn without_a_configuration_there_is_no_answer() {
    let installation = healthy();
    for command in ["config", "mtls"] {
        let absent = doctor(&installation, &[command, "--config", "absent.toml"]).await;
        assert_eq!(
            (absent.code, absent.stdout.as_str()),
            (Some(2), ""),
            "{absent:?}"
        );
    }
}

#[tokio::test]
async fn the_way_back_to_the_client_is_told_hop_by_hop() {
    let installation = healthy();
    let header = "x-forwarded-for: 192.0.2.1, 203.0.113.9";
    let told = doctor(
        &installation,
        &["proxy", "--peer", "127.0.0.1", "--header", header],
    )
    .await;
    assert_eq!(told.code, Some(0), "{told:?}");
    insta::assert_snapshot!("doctor_proxy", told.stdout);
    let silent = ["proxy", "--peer", "127.0.0.1", "--format", "json"];
    let found = doctor(&installation, &silent).await;
    let bad = ["proxy.header", "proxy.chain", "proxy.client"];
    assert_found(&found, &bad, &[]);
}
