//! What the decision log says about a decision, and that a decision which goes wrong shuts the door.

use doorward_tests::{ANA, Installation, PAYROLL, TestClient, TestProvider, WIKI, eventually};
use serde_json::Value;

use crate::journey::{arrive, provider, provider_in, sign_in};

/// A rule that Cedar accepts and cannot evaluate: the moment lies beyond what it can count.
const OVERFLOWING: &str = r#"
@id("overflowing")
forbid (principal, action, resource)
when {
    context.now.offset(duration("106751991166d")).offset(duration("106751991166d")) > context.now
};
"#;

/// The line about the permit for this client.
async fn permit(provider: &TestProvider, client: TestClient) -> Value {
    eventually("permit in the decision log", async || {
        provider
            .decisions()
            .into_iter()
            .find(|line| line["client"] == client.id && line["decision"]["outcome"] == "permit")
    })
    .await
}

#[tokio::test]
async fn a_forbid_that_cannot_be_evaluated_denies_and_the_log_says_so() {
    let provider = provider().await;
    let operations = provider.operations();
    let wiki = provider.relying_party(WIKI).await;
    let digest = operations.digest("policies").await;
    provider
        .files()
        .append("policies/access.cedar", OVERFLOWING);
    operations.reloaded("policies", &digest).await;

    let page = arrive(&wiki, &mut provider.browser_on("mbp-ana"), ANA)
        .await
        .denied();
    let line = provider.decision(&page.reference()).await;
    let decision = &line["decision"];
    assert_eq!(decision["outcome"], "deny", "{line}");
    assert_eq!(decision["because"], "policy-error", "{line}");
    assert_eq!(
        decision["errors"][0]["policy"]["id"], "overflowing",
        "{line}"
    );
}

#[tokio::test]
async fn what_a_report_only_policy_would_have_done_is_in_the_log() {
    let provider = provider().await;
    let payroll = provider.relying_party(PAYROLL).await;
    sign_in(&payroll, &mut provider.browser_on("mbp-ana"), ANA).await;

    let line = permit(&provider, PAYROLL).await;
    let reported = line["decision"]["report_only"].as_array().expect("a list");
    assert!(
        reported
            .iter()
            .any(|report| report["policy"]["id"] == "office-network-trial"),
        "{line}"
    );
}

#[tokio::test]
async fn the_log_names_the_identity_by_which_the_device_was_known() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;

    let line = permit(&provider, WIKI).await;
    let trail = line["trail"]["certificate"].as_str().unwrap_or_default();
    assert!(trail.contains("`urn:doorward:device:mbp-ana`"), "{line}");
}

/// A whole sign-in at a provider that signs by this algorithm: the relying party verifies the token.
async fn signed_by(configured: &str, named: &str) {
    let installation = Installation::new();
    let configuration = installation.read("doorward.toml");
    let tokens = format!("\n[tokens]\nalgorithm = \"{configured}\"\n");
    installation.overwrite("doorward.toml", configuration + &tokens);
    let provider = provider_in(installation).await;
    let wiki = provider.relying_party(WIKI).await;
    let tokens = sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    assert_eq!(tokens.header["alg"], named);
    assert_eq!(tokens.claims["sub"], ANA.id);
}

#[tokio::test]
async fn a_client_can_verify_what_is_signed_with_es256() {
    signed_by("es256", "ES256").await;
}

#[tokio::test]
async fn a_client_can_verify_what_is_signed_with_rs256() {
    signed_by("rs256", "RS256").await;
}

#[tokio::test]
async fn a_client_can_verify_what_is_signed_with_eddsa() {
    signed_by("eddsa", "EdDSA").await;
}
