//! Starting and stopping: nothing listens before everything was found right, and what is wrong is
//! told at once, each with its place and what to do.

use std::fs;

use doorward_tests::{Finished, Installation, eventually, run, run_in};

use crate::BINARY;
use crate::journey::{provider, provider_in};

const CONFIG: &str = "doorward.toml";

/// What the server of this installation complains of instead of starting.
pub(crate) async fn complaint(installation: &Installation) -> String {
    let config = installation.text_path(CONFIG);
    told(&run(BINARY, &["serve", "--config", &config]).await)
}

fn told(finished: &Finished) -> String {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "");
    plain(&finished.stderr)
}

/// The words of a report, without its frame and its line breaks.
fn plain(report: &str) -> String {
    let drawn = |c: char| ('\u{2500}'..='\u{27bf}').contains(&c) || "×·☞".contains(c);
    let words: String = report
        .chars()
        .map(|c| if drawn(c) { ' ' } else { c })
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn each_mistake_in_the_configuration_is_told_with_what_to_do() {
    let installation = Installation::new();
    let good = installation.read(CONFIG);
    let ports = installation.ports;
    let main = format!("127.0.0.1:{}", ports.main);
    let operations = format!("127.0.0.1:{}", ports.operations);
    let cases: [(&str, &str, &[&str]); 8] = [
        (
            "header = \"x-forwarded-for\"",
            "heder = \"x-forwarded-for\"",
            &["unknown key `heder`", "did you mean `header`?"],
        ),
        (
            "[operations]",
            "[operation]",
            &["unknown key `operation`", "did you mean `operations`?"],
        ),
        (
            "127.0.0.1/32",
            "0.0.0.0/0",
            &["trusts every address there is", "name only the networks"],
        ),
        (
            "issuer = \"https://localhost",
            "issuer = \"http://id.example.com",
            &["is not an https URL"],
        ),
        (
            operations.as_str(),
            main.as_str(),
            &["is the address of `[listen]` already"],
        ),
        (
            "url = \"https://device.localhost",
            "url = \"http://device.localhost",
            &["is not the origin of a device host"],
        ),
        (
            "quiet = \"50ms\"",
            "quiet = \"50\"",
            &["expected a duration, found the string `50`", "`15m`"],
        ),
        (
            "[reload]",
            "[tokens]\ncode_lifetime = \"1h\"\n[reload]",
            &["`1h` is not accepted here", "from `1s` to `1m`"],
        ),
    ];
    for (from, to, expected) in cases {
        installation.overwrite(CONFIG, &good);
        installation.edit(CONFIG, from, to);
        let complaint = complaint(&installation).await;
        for words in expected {
            assert!(
                complaint.contains(*words),
                "{to}: no `{words}` in {complaint}"
            );
        }
        assert!(complaint.contains(CONFIG), "{complaint}");
    }
}

#[tokio::test]
async fn without_tls_only_this_machine_is_served() {
    let installation = Installation::new();
    let port = installation.ports.main;
    installation.edit(
        CONFIG,
        &format!(
            "address = \"127.0.0.1:{port}\"\ncertificate = \"pki/main.pem\"\n\
             key = \"pki/main-key.pem\""
        ),
        &format!("address = \"0.0.0.0:{port}\""),
    );
    let complaint = complaint(&installation).await;
    assert!(
        complaint.contains("would be served without TLS"),
        "{complaint}"
    );
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_files_is_told_at_once() {
    let installation = Installation::new();
    installation.edit("users.toml", "username = 'bo'", "username = 'ANA'");
    installation.edit("clients.toml", "public = true", "");
    installation.edit("devices.toml", "platform = 'macos'", "platform = 'beos'");
    installation.edit("policies/access.cedar", "@id(\"workplace\")", "");
    installation.overwrite("country.mmdb", "not a database");
    installation.overwrite("pki/revoked.crl", "not a list");
    fs::copy(
        installation.path("pki/device-key.pem"),
        installation.path("pki/main-key.pem"),
    )
    .expect("copied");

    let complaint = complaint(&installation).await;
    for words in [
        "the username `ANA` is used twice",
        "`wiki-web` has no secret",
        "`beos`",
        "the policy has no `@id`",
        "not a database in the MaxMind format",
        "revoked.crl",
        "does not belong to the certificate",
    ] {
        assert!(complaint.contains(words), "no `{words}` in {complaint}");
    }
    // No secret of a file is repeated.
    assert!(!complaint.contains("$argon2id$"), "{complaint}");
    assert!(!complaint.contains("sha256:"), "{complaint}");
}

#[tokio::test]
async fn a_bundle_that_cannot_be_used_is_no_start() {
    let installation = Installation::new();
    installation.edit(
        "policies/entities.toml",
        "[region.home]",
        "[region.elsewhere]",
    );
    let complaint = complaint(&installation).await;
    assert!(
        complaint.contains("no region `home` is declared"),
        "{complaint}"
    );
    assert!(complaint.contains("access.cedar"), "{complaint}");
    assert!(!installation.path("state/doorward.db").exists());
}

#[tokio::test]
async fn a_configuration_that_is_not_there_is_told() {
    let installation = Installation::new();
    fs::remove_file(installation.path(CONFIG)).expect("removed");
    let finished = run_in(installation.root(), BINARY, &["serve"], "").await;
    assert!(
        told(&finished).contains("doorward.toml: does not exist"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_advice() {
    let provider = provider().await;
    let complaint = complaint(provider.files()).await;
    assert!(complaint.contains("already in use"), "{complaint}");
    assert!(complaint.contains("choose another port"), "{complaint}");
    // The one that was there is not disturbed.
    assert_eq!(provider.get(&provider.url("/jwks")).await.status, 200);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_well() {
    let mut provider = provider().await;
    assert_eq!(provider.get(&provider.url("/")).await.status, 200);
    assert_eq!(provider.terminate().await, Some(0));
    assert!(provider.log().contains("stopped"), "{}", provider.log());
}

#[tokio::test]
async fn the_decision_log_can_be_standard_output_and_nothing_else_is_there() {
    let installation = Installation::new();
    installation.edit(CONFIG, "log = \"decisions.jsonl\"", "log = \"-\"");
    let provider = provider_in(installation).await;
    let page = provider.get(&provider.url("/authorize")).await;
    let line: serde_json::Value = eventually("a line", async || {
        serde_json::from_str(&provider.printed()).ok()
    })
    .await;
    assert_eq!(line["reference"], page.reference().as_str());
}

#[tokio::test]
async fn the_database_is_for_the_server_s_own_eyes() {
    use std::os::unix::fs::PermissionsExt as _;

    let provider = provider().await;
    let state = provider.files().path("state/doorward.db");
    let mode = fs::metadata(state)
        .expect("a database")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
