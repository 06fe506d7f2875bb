//! Recorded decisions, asked again by the real binary: of the policies that decided, and of others.

use doorward_tests::{ANA, Finished, Installation, JAPAN, TestProvider, WIKI, eventually, run_in};
use serde_json::Value;

use crate::BINARY;
use crate::journey::{arrive, provider, sign_in};

const LOG: &str = "decisions.jsonl";

/// What is said about the log of the provider by the policies as they are by now.
async fn replay(provider: &TestProvider, options: &[&str]) -> Finished {
    let words = [&["replay", LOG][..], options].concat();
    provider.command(&words).await
}

#[track_caller]
fn assert_said(finished: &Finished, code: i32, parts: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert_eq!(finished.stderr, "", "{finished:?}");
    for part in parts {
        assert!(
            finished.stdout.contains(part),
            "no `{part}` in {finished:?}"
        );
    }
}

/// A permit, a denial abroad, step-ups on the way to both, and requests that came to no decision.
async fn provider_with_a_past() -> TestProvider {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut at_home = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut at_home, ANA).await;
    // Signed in, and nothing to ask for.
    at_home.visit(wiki.begin().url.as_str()).await.answer();

    let mut abroad = provider.browser_on("mbp-ana");
    abroad.travel(JAPAN);
    let refusal = arrive(&wiki, &mut abroad, ANA).await.denied();

    let quiet = wiki.begin().with("prompt", "none");
    provider.browser().visit(quiet.url.as_str()).await.answer();
    let wrong = wiki.begin().with("prompt", "none login");
    let refused = provider.browser().visit(wrong.url.as_str()).await.answer();

    provider.decision(&refusal.reference()).await;
    provider.decision(&refused.reference()).await;
    provider
}

fn outcomes(provider: &TestProvider) -> Vec<String> {
    let lines = provider.decisions().into_iter();
    let mut outcomes: Vec<String> = lines
        .map(|line| {
            line["decision"]["outcome"]
                .as_str()
                .unwrap_or("none")
                .to_owned()
        })
        .collect();
    outcomes.sort();
    outcomes.dedup();
    outcomes
}

#[tokio::test]
async fn the_policies_that_decided_answer_the_same_again() {
    let provider = provider_with_a_past().await;
    assert_eq!(outcomes(&provider), ["deny", "none", "permit", "step-up"]);

    let same = replay(&provider, &["--same"]).await;
    let parts = ["same: ", "each answered the same for the same reasons"];
    assert_said(&same, 0, &parts);
    assert!(
        same.stdout.contains("that ended before a decision"),
        "{same:?}"
    );

    let document = replay(&provider, &["--same", "--format", "json"]).await;
    let document: Value = serde_json::from_str(&document.stdout).expect("JSON");
    let status = provider.operations().status().await;
    assert_eq!(document["revision"], status["policies"]["revision"]);
    let decided = provider.decisions();
    let decided = decided.iter().filter(|line| !line["decision"].is_null());
    assert_eq!(document["records"]["replayed"], decided.count());
}

#[tokio::test]
async fn the_record_of_a_decision_holds_its_question_and_what_was_on_offer() {
    let provider = provider_with_a_past().await;
    let lines = provider.decisions();
    let decided = lines.iter().filter(|line| !line["decision"].is_null());
    for line in decided {
        assert_eq!(line["request"]["user"]["id"], ANA.id, "{line}");
        if line["ending"] == "step-up" {
            let devices = line["offers"]["devices"].as_array().expect("devices");
            assert!(devices.iter().any(|it| it["id"] == "mbp-ana"), "{line}");
        }
    }
}

#[tokio::test]
async fn other_policies_answer_otherwise_and_each_change_is_told() {
    let provider = provider_with_a_past().await;
    let files = provider.files();
    files.edit("policies/entities.toml", "\"SG\"", "\"JP\"");

    let changed = replay(&provider, &[]).await;
    let permit = eventually("permit in the decision log", async || {
        let mut lines = provider.decisions().into_iter();
        lines.find(|line| line["ending"] == "permitted")
    })
    .await;
    let reference = permit["reference"].as_str().expect("a reference");
    let parts = ["newly denied", "newly step-up", "workplace", reference];
    assert_said(&changed, 1, &parts);

    let json = replay(&provider, &["--format", "json", "--list", "1"]).await;
    assert_eq!(json.code, Some(1), "{json:?}");
    let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(document["by_application"]["wiki"], document["flips"]);
    assert_eq!(document["listed"].as_array().map(Vec::len), Some(1));

    let markdown = replay(&provider, &["--format", "markdown"]).await;
    assert_said(&markdown, 1, &["### ", "| newly denied | "]);
    let proof = replay(&provider, &["--same"]).await;
    assert_said(&proof, 1, &["not answered the same", reference]);
}

#[tokio::test]
async fn a_broken_line_is_told_with_its_place_and_is_no_good_answer() {
    let provider = provider_with_a_past().await;
    let lines = provider.decisions().len();
    let log = provider.files().read(LOG) + "{\"reference\": \"7F3K-29QD\"\n";
    provider.files().overwrite("copy.jsonl", &log);

    let place = format!("copy.jsonl:{}", lines + 1);
    let broken = provider.command(&["replay", "copy.jsonl"]).await;
    assert_said(&broken, 1, &["incomplete: ", "1 line broken", &place]);

    let root = provider.files().root();
    let piped = run_in(root, BINARY, &["replay"], &log).await;
    assert_said(&piped, 1, &[&format!("-:{}", lines + 1)]);
}

#[tokio::test]
async fn what_cannot_be_replayed_has_no_answer() {
    let installation = Installation::new();
    let run = |words: &'static [&'static str]| run_in(installation.root(), BINARY, words, "");
    let nothing = run(&["replay"]).await;
    assert_said(&nothing, 2, &["nothing: no decision was replayed"]);
    let missing = run(&["replay", "missing.jsonl"]).await;
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("missing.jsonl"), "{missing:?}");
    let elsewhere = run(&["replay", "--policies", "elsewhere"]).await;
    assert_eq!(elsewhere.code, Some(2), "{elsewhere:?}");
    let directory = run(&["replay", "policies"]).await;
    assert_eq!(directory.code, Some(2), "{directory:?}");
}
