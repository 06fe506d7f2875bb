//! The example of a policy repository keeps its own rules: what its pipeline asks of a change holds for it, and
//! a server starts with it.

use std::fs;
use std::path::{Path, PathBuf};

use doorward_tests::{Finished, Installation, run_in};

use crate::BINARY;
use crate::journey::provider_in;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policy-repo")
}

async fn doorward(arguments: &[&str]) -> Finished {
    run_in(&repository(), BINARY, arguments, "").await
}

#[tokio::test]
async fn nothing_is_found_about_its_policies() {
    let checked = doorward(&["check", "policies"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("9 policies"), "{checked:?}");
    assert_eq!(checked.stderr, "");
}

#[tokio::test]
async fn its_policies_are_laid_out() {
    let laid = doorward(&["fmt", "policies", "--check"]).await;
    assert_eq!(laid.code, Some(0), "{laid:?}");
}

#[tokio::test]
async fn its_cases_are_answered_as_expected_and_try_every_condition() {
    let tested = doorward(&["test", "policies", "--coverage", "--min-coverage", "100"]).await;
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.stdout.contains("coverage 100 %"), "{tested:?}");
}

#[tokio::test]
async fn its_guardrails_hold() {
    let proved = doorward(&["prove", "policies"]).await;
    assert_eq!(proved.code, Some(0), "{proved:?}");
    assert!(proved.stdout.contains("proved: 5 guardrails"), "{proved:?}");
}

#[tokio::test]
async fn a_server_starts_with_its_policies_suites_and_guardrails() {
    let installation = Installation::new();
    let policies = installation.path("policies");
    fs::remove_dir_all(&policies).expect("removed");
    fs::create_dir(&policies).expect("a directory");
    for entry in fs::read_dir(repository().join("policies")).expect("a directory") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), policies.join(entry.file_name())).expect("copied");
    }
    let provider = provider_in(installation).await;
    let status = provider.operations().status().await;
    assert_eq!(status["policies"]["counts"]["permits"], 6, "{status}");
    assert_eq!(
        provider.operations().source("policies").await["healthy"],
        true
    );
}
