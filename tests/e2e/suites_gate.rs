//! Suites beside the policies of a server: a bundle that does not answer as they expect is refused like any
//! other broken one, at the start and while the server runs.

use doorward_tests::{Installation, Operations, eventually};
use serde_json::Value;

use crate::journey::provider_in;
use crate::reload::{DATA, japan_gets_in, with_japan};
use crate::start::complaint;

const FILE: &str = "policies/japan.suite.toml";

/// What the starter policies answer.
const JAPAN_IS_OUT: &str = "\
now = '2026-11-24T09:00:00Z'

[user.ana]
groups = ['employees']

[device.mbp-ana]
managed = true
disk_encryption = 'on'

[place.tokyo]
country = 'JP'

[[case]]
name = 'Japan stays out'
user = 'ana'
application = 'wiki'
device = 'mbp-ana'
from = 'tokyo'
password = '2h'
expect = 'deny'
";

/// What they answer once Japan is at home.
fn japan_is_in() -> String {
    JAPAN_IS_OUT
        .replace("'Japan stays out'", "'Japan gets in'")
        .replace("expect = 'deny'", "expect = 'permit'")
}

/// An installation with a suite.
fn with(suite: &str) -> Installation {
    let installation = Installation::new();
    installation.overwrite(FILE, suite);
    installation
}

/// The line of a suite with the name of its only case.
fn place(suite: &str) -> String {
    let above = suite.lines().take_while(|line| !line.starts_with("name"));
    format!("japan.suite.toml:{}:", above.count() + 1)
}

async fn revision(operations: &Operations) -> Value {
    operations.status().await["policies"]["revision"].clone()
}

#[tokio::test]
async fn policies_that_a_suite_expects_otherwise_are_kept_out_until_both_agree() {
    let provider = provider_in(with(JAPAN_IS_OUT)).await;
    let (operations, files) = (provider.operations(), provider.files());
    let (digest, old) = (
        operations.digest("policies").await,
        revision(&operations).await,
    );

    files.replace(DATA, with_japan(&files.read(DATA)));
    let status = operations.refused("policies").await;
    let findings = Operations::findings(&status);
    let expected = format!(
        "{} case `Japan stays out`: expected deny, got permit, by `workplace`",
        place(JAPAN_IS_OUT)
    );
    assert!(findings.contains(&expected), "{findings}");
    assert_eq!(status["diagnostics"][0]["code"], "failed-case", "{status}");
    assert_eq!(status["digest"], digest.as_str());
    assert!(status["failing_since"].is_string(), "{status}");
    let ready = operations.get("/health/ready").await;
    assert_eq!(ready.status, 200, "{ready}");
    assert!(ready.body.contains("policies"), "{ready}");
    let log = provider.log();
    assert!(log.contains("Japan stays out"), "{log}");
    assert_eq!(revision(&operations).await, old);
    assert!(!japan_gets_in(&provider).await);

    files.replace(FILE, japan_is_in());
    operations.reloaded("policies", &digest).await;
    assert_ne!(revision(&operations).await, old);
    assert!(japan_gets_in(&provider).await);
}

#[tokio::test]
async fn a_suite_that_changes_alone_is_run_and_changes_no_revision() {
    let provider = provider_in(with(JAPAN_IS_OUT)).await;
    let (operations, files) = (provider.operations(), provider.files());
    let (digest, old) = (
        operations.digest("policies").await,
        revision(&operations).await,
    );

    files.append(FILE, "\n# Another word.\n");
    let status = operations.reloaded("policies", &digest).await;
    assert_eq!(status["reloads"], 1, "{status}");
    assert_eq!(revision(&operations).await, old);

    files.replace(FILE, japan_is_in());
    let findings = Operations::findings(&operations.refused("policies").await);
    assert!(
        findings.contains("expected permit, got deny, since nothing permits it"),
        "{findings}"
    );
    assert_eq!(revision(&operations).await, old);

    files.replace(FILE, "[[case]]\nnam = 'Japan'\n");
    let findings = eventually("refusal of the broken suite", async || {
        let source = operations.source("policies").await;
        let findings = Operations::findings(&source);
        (source["healthy"] == false && !findings.contains("got deny")).then_some(findings)
    })
    .await;
    assert!(findings.contains("japan.suite.toml:"), "{findings}");
    assert!(!japan_gets_in(&provider).await);
}

#[tokio::test]
async fn policies_that_fail_their_suite_are_no_start() {
    let installation = with(&japan_is_in());
    let complaint = complaint(&installation).await;
    for words in [
        "Japan gets in",
        "expected permit, got deny",
        "japan.suite.toml",
    ] {
        assert!(complaint.contains(words), "no `{words}` in {complaint}");
    }
    assert!(!installation.path("state/doorward.db").exists());
}

#[tokio::test]
async fn suites_that_are_not_to_be_run_keep_nothing_out() {
    let installation = with(&japan_is_in());
    installation.edit(
        "doorward.toml",
        "directory = \"policies\"",
        "directory = \"policies\"\nrun_suites = false",
    );
    let provider = provider_in(installation).await;
    assert!(!japan_gets_in(&provider).await);
    assert_eq!(
        provider.operations().source("policies").await["healthy"],
        true
    );
}
