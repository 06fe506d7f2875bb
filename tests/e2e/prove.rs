//! `doorward prove` as people run it: what holds, what is broken, what cannot be told.

use std::fs;

use doorward_tests::{Finished, Installation, run_in};
use serde_json::Value;

use crate::BINARY;

const GUARDRAILS: &str = include_str!("../../policies/guardrails.cedar");

fn guarded() -> Installation {
    let installation = Installation::new();
    let file = installation.root().join("policies/guardrails.cedar");
    fs::write(file, GUARDRAILS).expect("guardrails");
    installation
}

async fn prove(installation: &Installation, more: &[&str]) -> Finished {
    let arguments: Vec<&str> = ["prove"].iter().chain(more).copied().collect();
    run_in(installation.root(), BINARY, &arguments, "").await
}

#[tokio::test]
async fn guardrails_that_hold_are_a_yes() {
    let finished = prove(&guarded(), &[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished
            .stdout
            .contains("proved: 4 guardrails for all requests"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_guardrail_that_the_policies_break_is_a_no_with_an_example() {
    let installation = guarded();
    installation.edit(
        "policies/access.cedar",
        "duration(\"7d\")",
        "duration(\"60d\")",
    );
    let finished = prove(&installation, &["--format", "json"]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let document: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let broken: Vec<&Value> = document["guardrails"]
        .as_array()
        .expect("guardrails")
        .iter()
        .filter(|entry| entry["result"] == "broken")
        .collect();
    assert_eq!(broken.len(), 1, "{document}");
    assert_eq!(
        broken[0]["guardrail"]["id"],
        "a-password-within-thirty-days"
    );
    assert_eq!(broken[0]["answer"], "permit", "{document}");
}

#[tokio::test]
async fn without_a_solver_nothing_is_proved() {
    let finished = prove(&guarded(), &["--solver", "/nonexistent/cvc5"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(
        finished.stderr.contains("apt-get install cvc5"),
        "{finished:?}"
    );
    assert!(!finished.stdout.contains("holds"), "{finished:?}");
}

#[tokio::test]
async fn without_guardrails_there_is_no_answer() {
    let finished = prove(&Installation::new(), &[]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("guardrails.cedar"), "{finished:?}");
}

#[tokio::test]
async fn a_guardrail_with_a_mistake_is_shown_at_its_place() {
    let installation = guarded();
    installation.edit(
        "policies/guardrails.cedar",
        "Region::\"home\"",
        "Region::\"hom\"",
    );
    let finished = prove(&installation, &[]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stdout.contains("guardrails.cedar:"),
        "{finished:?}"
    );
    assert!(finished.stdout.contains("did you mean"), "{finished:?}");
}
