//! The other commands: what they answer, how they exit, and that what they print can be used.

use std::process::{Command, Stdio};

use doorward_tests::{Credentials, Finished, Installation, Operations, TestClient, run, run_in};
use serde_json::Value;

use crate::BINARY;
use crate::journey::{arrive, provider, provider_in};

/// A bundle with one mistake of each of several kinds.
const BROKEN: &str = "\
// Who gets in.
@id(\"staff\")
@reson(\"Staff opens everything.\")
permit (principal, action, resource);

@id(\"misspelt\")
permit (principal in Group::\"employes\", action, resource);

permit (principal, action, resource);

@id(\"unsafe\")
permit (principal, action, resource)
when { context.device.managed };
";

/// An installation whose policies are [`BROKEN`].
fn broken() -> Installation {
    let installation = Installation::new();
    installation.overwrite("policies/access.cedar", BROKEN);
    installation
}

async fn in_directory(installation: &Installation, arguments: &[&str]) -> Finished {
    run_in(installation.root(), BINARY, arguments, "").await
}

#[tokio::test]
async fn check_says_yes_to_the_starter_policies() {
    let installation = Installation::new();
    let human = in_directory(&installation, &["check"]).await;
    assert_eq!(
        (human.code, human.stderr.as_str()),
        (Some(0), ""),
        "{human:?}"
    );
    insta::with_settings!({ filters => vec![(r"revision [0-9a-f]{12}", "revision [REVISION]")] }, {
        insta::assert_snapshot!(human.stdout);
    });

    let machine = in_directory(&installation, &["check", "policies", "--format", "json"]).await;
    assert_eq!(machine.code, Some(0), "{machine:?}");
    let document: Value = serde_json::from_str(&machine.stdout).expect("JSON");
    assert_eq!(document["ok"], true);
    assert_eq!(document["counts"]["report_only"], 1);
    assert_eq!(document["diagnostics"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn check_says_no_with_every_mistake_and_its_place() {
    let installation = broken();
    let human = in_directory(&installation, &["check", "policies"]).await;
    assert_eq!(human.code, Some(1), "{human:?}");
    insta::assert_snapshot!(human.stdout);

    let machine = in_directory(&installation, &["check", "policies", "--format", "json"]).await;
    assert_eq!(machine.code, Some(1), "{machine:?}");
    let document: Value = serde_json::from_str(&machine.stdout).expect("JSON");
    assert_eq!(document["ok"], false);
    let found: Vec<(&Value, &Value)> = document["diagnostics"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| (&finding["code"], &finding["line"]))
        .collect();
    for (code, line) in [
        ("unknown-annotation", 3),
        ("unknown-entity", 7),
        ("missing-id", 9),
        ("validation", 13),
    ] {
        let expected = (&Value::from(code), &Value::from(line));
        assert!(
            found.contains(&expected),
            "no {code} at {line} in {found:?}"
        );
    }
}

#[tokio::test]
async fn check_has_no_answer_where_there_is_no_directory() {
    let installation = Installation::new();
    let human = in_directory(&installation, &["check", "elsewhere"]).await;
    assert_eq!(
        (human.code, human.stdout.as_str()),
        (Some(2), ""),
        "{human:?}"
    );
    assert!(human.stderr.contains("does not exist"), "{human:?}");

    let machine = in_directory(&installation, &["check", "elsewhere", "--format", "json"]).await;
    assert_eq!(machine.code, Some(2), "{machine:?}");
    let document: Value = serde_json::from_str(&machine.stdout).expect("JSON");
    assert_eq!(document["ok"], false);
}

#[tokio::test]
async fn check_and_the_server_name_a_bundle_alike() {
    let provider = provider().await;
    let directory = provider.files().text_path("policies");
    let checked = provider
        .command(&["check", &directory, "--format", "json"])
        .await;
    let document: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    let status = provider.operations().status().await;
    assert_eq!(document["revision"], status["policies"]["revision"]);
    assert_eq!(document["counts"], status["policies"]["counts"]);
}

#[tokio::test]
async fn check_and_the_server_refuse_a_bundle_for_the_same_reasons() {
    let provider = provider().await;
    provider.files().overwrite("policies/access.cedar", BROKEN);
    let refused = Operations::findings(&provider.operations().refused("policies").await);
    let checked = provider.command(&["check", "--format", "json"]).await;
    let document: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    for finding in document["diagnostics"].as_array().expect("findings") {
        let message = finding["message"].as_str().expect("a message");
        assert!(refused.contains(message), "no `{message}` in {refused}");
    }
}

#[tokio::test]
async fn what_the_commands_print_makes_an_installation_that_works() {
    const EVE: Credentials = Credentials {
        id: "u-eve",
        username: "eve",
        password: "tea for two",
    };
    const DESK: TestClient = TestClient {
        id: "desk",
        name: "desk",
        redirect_uri: "https://desk.example.com/callback",
        confidential: false,
    };
    let installation = Installation::new();

    let hash = [
        "user",
        "hash",
        "--username",
        EVE.username,
        "--id",
        EVE.id,
        "--stdin",
    ];
    let user = run_in(installation.root(), BINARY, &hash, "tea for two\n").await;
    assert_eq!((user.code, user.stderr.as_str()), (Some(0), ""), "{user:?}");
    assert!(!user.stdout.contains(EVE.password), "{user:?}");
    let entry = format!("{}groups = ['employees']\n", user.stdout);
    installation.append("users.toml", &entry);

    let secret = [
        "client",
        "secret",
        "--id",
        DESK.id,
        "--redirect-uri",
        DESK.redirect_uri,
    ];
    let client = in_directory(&installation, &secret).await;
    assert_eq!(client.code, Some(0), "{client:?}");
    let (told, entry) = client.stdout.split_once("[[client]]").expect("an entry");
    let secret = told
        .lines()
        .find(|line| line.len() == 43)
        .expect("a secret");
    assert!(!entry.contains(secret), "{entry}");
    installation.append(
        "clients.toml",
        &format!("[[client]]{entry}application = 'wiki'\n"),
    );

    let issue = [
        "device",
        "issue",
        "--ca",
        "pki/devices",
        "--id",
        "lab-7",
        "--name",
        "Lab 7",
        "--out",
        "lab",
    ];
    let device = in_directory(&installation, &issue).await;
    assert_eq!(device.code, Some(0), "{device:?}");
    let (_, entry) = device.stdout.split_once("[[device]]").expect("an entry");
    let entry = entry
        .replace("# What", "## What")
        .replace("\n# ", "\n")
        .replace("the id of a user", EVE.id);
    installation.append("devices.toml", &format!("[[device]]{entry}"));
    let certificate = installation.read("lab/lab-7-key.pem") + &installation.read("lab/lab-7.pem");

    let provider = provider_in(installation).await;
    let desk = provider.relying_party(DESK).await;
    let mut browser = provider.browser().with_certificate_in(&certificate);
    let attempt = desk.begin();
    let answer = browser.walk(attempt.url.as_str(), EVE).await.answer();
    desk.check(&attempt, &answer);
    let mut form = desk.redemption(&attempt, answer.code());
    assert_eq!(desk.token_page(&form).await.status, 401);
    form.insert("client_secret".to_owned(), secret.to_owned());
    let tokens = desk.token_page(&form).await;
    assert_eq!(tokens.status, 200, "{tokens}");

    // And nothing of it without the certificate.
    arrive(&desk, &mut provider.browser(), EVE).await.denied();
}

#[tokio::test]
async fn schemas_are_printed_for_policies_and_files() {
    let cedar = run(BINARY, &["schema"]).await;
    assert_eq!(cedar.code, Some(0), "{cedar:?}");
    assert!(cedar.stdout.contains("entity Device"), "{}", cedar.stdout);
    for of in ["config", "users", "clients", "devices"] {
        let schema = run(BINARY, &["schema", of]).await;
        assert_eq!(schema.code, Some(0), "{schema:?}");
        let schema: Value = serde_json::from_str(&schema.stdout).expect("JSON");
        assert!(schema["properties"].is_object(), "{of}");
    }
}

#[tokio::test]
async fn help_is_an_answer_and_a_command_that_nobody_knows_is_none() {
    let help = run(BINARY, &["--help"]).await;
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{help:?}");
    for command in [
        "serve", "check", "test", "explain", "demo", "user", "client", "device", "schema",
    ] {
        assert!(
            help.stdout.contains(command),
            "no `{command}` in {}",
            help.stdout
        );
    }
    let wrong: [&[&str]; 4] = [
        &[],
        &["chek"],
        &["serve", "--confg", "x"],
        &["explain", "nonsense"],
    ];
    for arguments in wrong {
        let finished = run(BINARY, arguments).await;
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (Some(2), ""),
            "{finished:?}"
        );
        assert!(!finished.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_is_success() {
    let mut child = Command::new(BINARY)
        .args(["schema", "config"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("finished");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"");
}
