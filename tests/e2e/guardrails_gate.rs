//! Guardrails beside the policies of a server: a bundle that breaks one is kept out, with a request that shows
//! it, at the start and while the server runs.

use std::fs;

use doorward_tests::{Installation, Operations};

use crate::journey::provider_in;
use crate::reload::{DATA, japan_gets_in, with_japan};
use crate::start::complaint;

const GUARDRAIL: &str = "\
@id(\"singapore-only\")
@reason(\"Nobody gets in from elsewhere.\")
forbid (principal, action, resource)
unless { context has country && context.country == Country::\"SG\" };
";

fn guarded() -> Installation {
    let installation = Installation::new();
    installation.overwrite("policies/guardrails.cedar", GUARDRAIL);
    installation
}

#[tokio::test]
async fn policies_that_break_a_guardrail_are_kept_out() {
    let provider = provider_in(guarded()).await;
    let (operations, files) = (provider.operations(), provider.files());
    let digest = operations.digest("policies").await;

    files.replace(DATA, with_japan(&files.read(DATA)));
    let status = operations.refused("policies").await;
    let findings = Operations::findings(&status);
    assert!(
        findings.contains("break the guardrail `singapore-only`"),
        "{findings}"
    );
    assert!(findings.contains("from Japan"), "{findings}");
    assert_eq!(
        status["diagnostics"][0]["code"], "broken-guardrail",
        "{status}"
    );
    assert_eq!(status["digest"], digest.as_str());
    assert!(!japan_gets_in(&provider).await);

    fs::remove_file(files.path("policies/guardrails.cedar")).expect("removed");
    operations.reloaded("policies", &digest).await;
    assert!(japan_gets_in(&provider).await);
}

#[tokio::test]
async fn without_a_solver_the_policies_go_live_and_the_status_says_what_is_not_proved() {
    let files = guarded();
    files.edit(
        "doorward.toml",
        "directory = \"policies\"",
        "directory = \"policies\"\nsolver = '/nonexistent/cvc5'",
    );
    let provider = provider_in(files).await;
    let findings = Operations::findings(&provider.operations().source("policies").await);
    assert!(
        findings.contains("the guardrails are not proved"),
        "{findings}"
    );
}

#[tokio::test]
async fn a_server_does_not_start_with_policies_that_break_a_guardrail() {
    let files = guarded();
    files.overwrite(DATA, with_japan(&files.read(DATA)));
    let complaint = complaint(&files).await;
    assert!(complaint.contains("singapore-only"), "{complaint}");
}
