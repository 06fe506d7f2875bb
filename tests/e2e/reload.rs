//! Policies change while the provider serves: however the files are written, the change is noticed,
//! taken whole, or refused with the last good version still in force.

use std::fs;

use doorward::domain::clock::Timestamp;
use doorward_tests::{
    ANA, Arrival, Installation, JAPAN, Operations, TestProvider, WIKI, eventually,
};
use serde_json::Value;

use crate::journey::{arrive, provider, provider_in};
use crate::ways::{Way, commit, git, has_git};

const POLICY: &str = "policies/access.cedar";
pub(crate) const DATA: &str = "policies/entities.toml";

/// The bundle's data, with one country more at home.
pub(crate) fn with_japan(data: &str) -> String {
    let text = data.replace(r#"countries = ["SG"]"#, r#"countries = ["SG", "JP"]"#);
    assert_ne!(text, data);
    text
}

/// Whether somebody in Japan gets in.
pub(crate) async fn japan_gets_in(provider: &TestProvider) -> bool {
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    browser.travel(JAPAN);
    match arrive(&wiki, &mut browser, ANA).await {
        Arrival::Client(answer) => !answer.code().is_empty(),
        Arrival::Page(page) => {
            assert_eq!(page.status, 403, "{page}");
            false
        }
    }
}

async fn revision(operations: &Operations) -> Value {
    operations.status().await["policies"]["revision"].clone()
}

#[tokio::test]
async fn a_file_that_is_written_in_place_decides_the_next_request() {
    let provider = provider().await;
    let operations = provider.operations();
    assert!(!japan_gets_in(&provider).await);
    let (digest, old) = (
        operations.digest("policies").await,
        revision(&operations).await,
    );

    let files = provider.files();
    files.overwrite(DATA, with_japan(&files.read(DATA)));
    operations.reloaded("policies", &digest).await;

    assert_ne!(revision(&operations).await, old);
    assert!(japan_gets_in(&provider).await);
}

#[tokio::test]
async fn a_file_that_is_renamed_over_the_old_one_is_noticed_each_time() {
    let provider = provider().await;
    let operations = provider.operations();
    let files = provider.files();
    let text = files.read(POLICY);
    for number in 1..=3 {
        let digest = operations.digest("policies").await;
        files.replace(POLICY, format!("{text}\n// Change {number}.\n"));
        operations.reloaded("policies", &digest).await;
    }
    // Back to what it was: a digest says what is live, not how often it changed.
    let digest = operations.digest("policies").await;
    files.replace(POLICY, &text);
    let status = operations.reloaded("policies", &digest).await;
    assert_eq!(status["reloads"], 4, "{status}");
}

#[tokio::test]
async fn files_come_and_go_in_directories_below() {
    let provider = provider().await;
    let operations = provider.operations();
    let files = provider.files();
    let digest = operations.digest("policies").await;
    fs::create_dir(files.path("policies/more")).expect("a directory");
    files.overwrite(
        "policies/more/japan.cedar",
        "@id(\"japan\")\npermit (principal, action, resource) \
         when { context has country && context.country == Country::\"JP\" };\n",
    );
    let status = operations.reloaded("policies", &digest).await;
    assert!(japan_gets_in(&provider).await);

    fs::remove_dir_all(files.path("policies/more")).expect("removed");
    let grown = status["digest"].as_str().expect("a digest");
    operations.reloaded("policies", grown).await;
    assert_eq!(operations.digest("policies").await, digest);
    assert!(!japan_gets_in(&provider).await);
}

#[tokio::test]
async fn a_directory_that_is_deleted_and_made_again_is_followed() {
    let provider = provider().await;
    let operations = provider.operations();
    let files = provider.files();
    let digest = operations.digest("policies").await;
    let (policy, data) = (files.read(POLICY), files.read(DATA));

    fs::remove_dir_all(files.path("policies")).expect("removed");
    let status = operations.refused("policies").await;
    assert_eq!(status["digest"], digest.as_str());
    assert!(!japan_gets_in(&provider).await);

    fs::create_dir(files.path("policies")).expect("a directory");
    files.overwrite(POLICY, &policy);
    files.overwrite(DATA, with_japan(&data));
    operations.reloaded("policies", &digest).await;
    assert!(japan_gets_in(&provider).await);

    // The directory that is watched now is the new one.
    let digest = operations.digest("policies").await;
    files.overwrite(DATA, &data);
    operations.reloaded("policies", &digest).await;
}

#[tokio::test]
async fn a_mounted_config_map_is_swapped_whole() {
    let installation = Installation::new();
    let policies = installation.path("policies");
    let (policy, data) = (installation.read(POLICY), installation.read(DATA));
    let files = |data: String| [("access.cedar", policy.clone()), ("entities.toml", data)];
    fs::remove_dir_all(&policies).expect("removed");
    Way::ConfigMap.lay_out(&policies, &files(data.clone()));
    let provider = provider_in(installation).await;
    let operations = provider.operations();

    for text in [with_japan(&data), data] {
        let digest = operations.digest("policies").await;
        Way::ConfigMap.change(&policies, &files(text));
        operations.reloaded("policies", &digest).await;
    }
    assert_eq!(operations.source("policies").await["failures"], 0);
}

#[tokio::test]
async fn a_git_checkout_is_one_change() {
    if !has_git() {
        return;
    }
    let installation = Installation::new();
    let policies = installation.path("policies");
    git(&policies, &["init", "--quiet", "--initial-branch=main"]);
    commit(&policies, "Singapore");
    git(&policies, &["checkout", "--quiet", "-b", "japan"]);
    installation.overwrite(DATA, with_japan(&installation.read(DATA)));
    commit(&policies, "And Japan");
    git(&policies, &["checkout", "--quiet", "main"]);

    let provider = provider_in(installation).await;
    let operations = provider.operations();
    let main = operations.digest("policies").await;
    git(&policies, &["checkout", "--quiet", "japan"]);
    let japan = operations.reloaded("policies", &main).await;
    assert!(japan_gets_in(&provider).await);

    git(&policies, &["checkout", "--quiet", "main"]);
    let digest = japan["digest"].as_str().expect("a digest");
    operations.reloaded("policies", digest).await;
    assert_eq!(operations.digest("policies").await, main);
    assert!(!japan_gets_in(&provider).await);
}

#[tokio::test]
async fn a_bad_bundle_keeps_the_last_good_one_in_force_and_taking_it_back_recovers() {
    let provider = provider().await;
    let operations = provider.operations();
    let files = provider.files();
    let good = files.read(POLICY);
    let (digest, old) = (
        operations.digest("policies").await,
        revision(&operations).await,
    );

    files.overwrite(
        POLICY,
        good.replace("@id(\"workplace\")", "@idd(\"workplace\")"),
    );
    let status = operations.refused("policies").await;
    assert_eq!(status["digest"], digest.as_str());
    assert!(status["failing_since"].is_string(), "{status}");
    let findings = Operations::findings(&status);
    assert!(findings.contains("access.cedar"), "{findings}");
    assert!(findings.contains("`@idd`"), "{findings}");
    assert_eq!(revision(&operations).await, old);
    let ready = operations.get("/health/ready").await;
    assert_eq!(ready.status, 200, "{ready}");
    assert!(ready.body.contains("policies"), "{ready}");
    assert!(
        provider.log().contains("access.cedar"),
        "{}",
        provider.log()
    );

    // People go on signing in, by the rules that were good.
    let wiki = provider.relying_party(WIKI).await;
    arrive(&wiki, &mut provider.browser_on("mbp-ana"), ANA)
        .await
        .answer();
    arrive(&wiki, &mut provider.browser_on("byod-ana"), ANA)
        .await
        .denied();

    files.overwrite(POLICY, &good);
    let status = operations.healthy("policies").await;
    assert_eq!(status["failing_since"], Value::Null, "{status}");
    assert_eq!(status["digest"], digest.as_str());
    let ready = operations.get("/health/ready").await;
    assert_eq!(ready.body.trim(), "ready");
}

#[tokio::test]
async fn a_bundle_that_has_lost_its_policies_is_refused() {
    let provider = provider().await;
    let operations = provider.operations();
    fs::remove_file(provider.files().path(POLICY)).expect("removed");
    let status = operations.refused("policies").await;
    let findings = Operations::findings(&status);
    assert!(findings.contains("no policy file"), "{findings}");
    let wiki = provider.relying_party(WIKI).await;
    arrive(&wiki, &mut provider.browser_on("mbp-ana"), ANA)
        .await
        .answer();
}

#[tokio::test]
async fn a_hang_up_reads_every_source_again_and_opens_the_decision_log_anew() {
    let provider = provider().await;
    let operations = provider.operations();
    // Only what comes then is the hang-up's.
    let before = read_again(&operations).await;
    let log = provider.files().path("decisions.jsonl");
    fs::rename(&log, provider.files().path("decisions.1")).expect("renamed");

    provider.hang_up();

    eventually("third reading of every source", async || {
        let read = moments(&operations.status().await, "last_attempt");
        all_later(&read, &before).then_some(())
    })
    .await;
    let page = provider.get(&provider.url("/authorize")).await;
    provider.decision(&page.reference()).await;
}

/// Waits until every source was read once more, as happens soon after the start. Says when.
pub(crate) async fn read_again(operations: &Operations) -> Vec<Timestamp> {
    eventually("second reading of every source", async || {
        let status = operations.status().await;
        let (read, loaded) = (moments(&status, "last_attempt"), moments(&status, "since"));
        all_later(&read, &loaded).then_some(read)
    })
    .await
}

/// When something happened to each source.
fn moments(status: &Value, what: &str) -> Vec<Timestamp> {
    let sources = status["sources"].as_array().expect("sources");
    sources
        .iter()
        .map(|source| source[what].as_str().expect("a moment"))
        .map(|moment| moment.parse().expect("a moment"))
        .collect()
}

fn all_later(later: &[Timestamp], earlier: &[Timestamp]) -> bool {
    later.iter().zip(earlier).all(|(this, that)| this > that)
}
