//! One question to the policies, without a server: the answers and exit codes of the real binary, at any revision.

use std::process::Command;

use doorward_tests::{Finished, Installation, JAPAN, SINGAPORE, run_in};
use serde_json::Value;

use crate::BINARY;

/// What is answered with the configuration of the installation.
async fn ask(installation: &Installation, question: &[&str]) -> Finished {
    let whole = [&["whatif", "--config", "doorward.toml"][..], question].concat();
    run_in(installation.root(), BINARY, &whole, "").await
}

/// What is answered to Ana, who entered her password two hours ago, about the wiki.
async fn ask_for_ana(installation: &Installation, address: &str, rest: &[&str]) -> Finished {
    let question = [
        "--user",
        "ana",
        "--client",
        "wiki-web",
        "--password-age",
        "2h",
        "--address",
        address,
    ];
    ask(installation, &[&question[..], rest].concat()).await
}

#[track_caller]
fn assert_answer(finished: &Finished, code: i32, outcome: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert_eq!(finished.stderr, "", "{finished:?}");
    assert!(finished.stdout.starts_with(outcome), "{}", finished.stdout);
}

/// There is no answer, and what is said instead has each of these parts.
#[track_caller]
fn assert_unanswered(finished: &Finished, parts: &[&str]) {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    for part in parts {
        assert!(
            finished.stderr.contains(part),
            "no `{part}` in {finished:?}"
        );
    }
}

fn git(installation: &Installation, arguments: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(installation.root())
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com"])
        .args(["-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git");
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_good_device_in_the_right_country_is_a_permit() {
    let installation = Installation::new();
    let device = ["--device", "mbp-ana"];
    let answer = ask_for_ana(&installation, SINGAPORE, &device).await;
    assert_answer(&answer, 0, "permit\n");
    assert!(answer.stdout.contains("Singapore (SG)"), "{answer:?}");
}

#[tokio::test]
async fn another_country_is_a_denial_that_names_it() {
    let installation = Installation::new();
    let device = ["--device", "mbp-ana"];
    let answer = ask_for_ana(&installation, JAPAN, &device).await;
    assert_answer(&answer, 1, "deny: no policy permits it\n");
    assert!(answer.stdout.contains("Japan (JP)"), "{answer:?}");

    let elsewhere = ["--device", "mbp-ana", "--country", "SG"];
    let answer = ask_for_ana(&installation, JAPAN, &elsewhere).await;
    assert_answer(&answer, 0, "permit\n");
}

#[tokio::test]
async fn without_a_device_the_answer_is_a_step_up_that_names_those_that_would_do() {
    let installation = Installation::new();
    let answer = ask_for_ana(&installation, SINGAPORE, &[]).await;
    assert_answer(&answer, 1, "step up: present the certificate of mbp-ana");

    let json = ask_for_ana(&installation, SINGAPORE, &["--format", "json"]).await;
    assert_eq!(json.code, Some(1), "{json:?}");
    let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(document["decision"]["outcome"], "step-up");
    let devices = document["decision"]["demand"]["devices"].as_array();
    assert!(devices.expect("devices").contains(&Value::from("mbp-ana")));

    let markdown = ask_for_ana(&installation, SINGAPORE, &["--format", "markdown"]).await;
    assert_answer(&markdown, 1, "### step up: ");
}

#[tokio::test]
async fn a_certificate_counts_as_it_would_on_the_device_host() {
    let installation = Installation::new();
    let own = installation.pki.device("mbp-ana");
    installation.overwrite("own.pem", &own.chain_pem);
    let foreign = installation.pki.foreign_device("mbp-ana");
    installation.overwrite("foreign.pem", &foreign.chain_pem);
    let expired = installation.pki.expired_device("mbp-ana");
    installation.overwrite("expired.pem", &expired.chain_pem);

    let answer = ask_for_ana(&installation, SINGAPORE, &["--certificate", "own.pem"]).await;
    assert_answer(&answer, 0, "permit\n");
    for (file, reason) in [
        ("foreign.pem", "an authority that is not accepted here"),
        ("expired.pem", "the certificate has expired"),
    ] {
        let answer = ask_for_ana(&installation, SINGAPORE, &["--certificate", file]).await;
        assert_answer(&answer, 1, "deny: no policy permits it\n");
        assert!(answer.stdout.contains(reason), "{answer:?}");
    }

    let revoked = installation.pki.revocation_list(&[own.serial]);
    installation.overwrite("pki/revoked.crl", revoked);
    let answer = ask_for_ana(&installation, SINGAPORE, &["--certificate", "own.pem"]).await;
    assert_answer(&answer, 1, "deny: no policy permits it\n");
    assert!(answer.stdout.contains("was revoked"), "{answer:?}");
}

#[tokio::test]
async fn a_change_that_lets_nobody_in_is_seen_between_two_commits() {
    let installation = Installation::new();
    git(
        &installation,
        &["init", "--quiet", "--initial-branch", "main"],
    );
    git(&installation, &["add", "policies"]);
    git(
        &installation,
        &["commit", "--quiet", "--message", "starter"],
    );
    installation.edit("policies/entities.toml", "\"SG\"", "\"DE\"");
    git(
        &installation,
        &["commit", "--quiet", "--all", "--message", "moved"],
    );
    // What lies in the directory does not count.
    installation.overwrite("policies/access.cedar", "nonsense");

    let at = |revision: &'static str| {
        let rest = ["--device", "mbp-ana", "--rev", revision];
        let installation = &installation;
        async move { ask_for_ana(installation, SINGAPORE, &rest).await }
    };
    assert_answer(&at("main~1").await, 0, "permit\n");
    assert_answer(&at("main").await, 1, "deny: no policy permits it\n");
    let unknown = at("mian").await;
    assert_unanswered(&unknown, &["there is no revision `mian`", "git tag"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_with_what_to_do() {
    let installation = Installation::new();
    let question = |words: &'static [&'static str]| ask(&installation, words);

    let answer = question(&["--user", "anna", "--client", "wiki-web"]).await;
    assert_unanswered(&answer, &["there is no user `anna`", "did you mean `ana`?"]);
    let answer = question(&["--user", "ana", "--application", "payrol"]).await;
    assert_unanswered(
        &answer,
        &["no application `payrol`", "did you mean `payroll`?"],
    );
    let answer = question(&[
        "--user", "ana", "--client", "wiki-web", "--device", "mbp-an",
    ])
    .await;
    assert_unanswered(
        &answer,
        &["there is no device `mbp-an`", "did you mean `mbp-ana`?"],
    );
    let answer = question(&["--user", "ana", "--client", "wiki-web", "--rev", "HEAD"]).await;
    assert_unanswered(&answer, &["is in no git repository"]);
    let answer = question(&[
        "--user",
        "ana",
        "--client",
        "wiki-web",
        "--password-age",
        "20",
    ])
    .await;
    assert_unanswered(&answer, &["expected a duration such as `20h`"]);
    let answer = question(&["--user", "ana"]).await;
    assert_unanswered(&answer, &["--application"]);
}

#[tokio::test]
async fn policies_alone_can_be_asked() {
    let installation = Installation::new();
    let question = [
        "whatif",
        "--user",
        "somebody",
        "--group",
        "employees",
        "--application",
        "wiki",
        "--country",
        "SG",
    ];
    let answer = run_in(installation.root(), BINARY, &question, "").await;
    assert_answer(&answer, 1, "deny: no policy permits it\n");
    let certificate = [&question[..], &["--certificate", "own.pem"]].concat();
    let answer = run_in(installation.root(), BINARY, &certificate, "").await;
    assert_unanswered(&answer, &["no certificate can be verified", "`--config`"]);
}
