//! `doorward doctor okta` and `doorward doctor entra` beside a running server, and what they say once something does not
//! fit.

use doorward_tests::entra::{Entra, TENANT};
use doorward_tests::jwt::TestKey;
use doorward_tests::okta::{CUSTOM, ORG, Okta};
use doorward_tests::{Consumer, Finished, Installation, Reply};
use serde_json::json;

use crate::doctor::{assert_found, doctor, json as answer, of_verdict};
use crate::journey::provider_in;

/// A tenant that nobody answers.
const OTHER_TENANT: &str = "22222222-2222-4333-8444-555566667777";

/// What makes a device compliant. The starter policies say nothing of posture.
const POSTURE: &str = r#"
@id("compliant")
@reason("A device is compliant when its disk is encrypted.")
permit (principal, action == Action::"posture", resource == Application::"wiki")
when { context has device && context.device.diskEncrypted };
"#;

/// The users of the org, as it exports them.
const EXPORT: &str = "login,firstName,email\n\
                      ana,Ana,ana@example.com\n\
                      bo,Bo,bo@example.com\n\
                      cy,Cy,cy@example.com\n";

/// The files of a provider that an org of Okta gets along with. The factor proves itself as `proof` says.
fn okta_files(files: Installation, proof: &str) -> Installation {
    let entry = |id: &str, profile: &str, proof: &str| {
        format!(
            "[[client]]\nid = '{id}'\nprofile = '{profile}'\napplication = 'wiki'\n\
             redirect_uris = ['{ORG}', '{CUSTOM}']\n{proof}\n\n"
        )
    };
    let secret = format!("secret = '{}'", Okta::new().stored);
    files.append("clients.toml", &entry("okta", "okta-factor", proof));
    files.append("clients.toml", &entry("posture", "okta-posture", &secret));
    files.append("policies/access.cedar", POSTURE);
    files.append("doorward.toml", Consumer::CONFIGURATION);
    // It is said where the devices keep their keys.
    files.edit(
        "doorward.toml",
        "authorities = [\"pki/devices/ca.pem\"]\n",
        "",
    );
    files.edit(
        "doorward.toml",
        "inventory = \"devices.toml\"\n",
        "inventory = \"devices.toml\"\n\n[[device.authority]]\nfile = \"pki/devices/ca.pem\"\nkeys = \"software\"\n",
    );
    files.overwrite("okta.csv", EXPORT);
    files
}

fn with_secret() -> Installation {
    let secret = format!("secret = '{}'", Okta::new().stored);
    okta_files(Installation::new(), &secret)
}

async fn doctor_okta(files: &Installation, more: &[&str]) -> Finished {
    let mut arguments = vec!["okta", "--org", "example.okta.com"];
    arguments.extend(["--custom-domain", "login.example.com", "--format", "json"]);
    arguments.extend(more);
    doctor(files, &arguments).await
}

async fn doctor_entra(files: &Installation, tenant: &str, more: &[&str]) -> Finished {
    let mut arguments = vec!["entra", "--tenant", tenant, "--format", "json"];
    arguments.extend(more);
    doctor(files, &arguments).await
}

/// Files of a provider that a tenant gets along with, in which everybody has an account.
async fn entra_files() -> (Installation, Entra) {
    let files = Installation::new();
    let entra = Entra::new(&files).await;
    entra.install(&files);
    for (name, object) in [
        ("bo", "9d3a6c40-1111-4222-8333-000000000001"),
        ("cy", "9d3a6c40-1111-4222-8333-000000000002"),
    ] {
        let line = format!("username = '{name}'\n");
        let account = format!("entra = [{{ tid = '{TENANT}', oid = '{object}' }}]\n");
        files.edit("users.toml", &line, &format!("{line}{account}"));
    }
    (files, entra)
}

#[tokio::test]
async fn all_is_good_of_a_server_that_okta_gets_along_with() {
    let provider = provider_in(with_secret()).await;
    let found = doctor_okta(provider.files(), &["--users", "okta.csv"]).await;
    assert_found(&found, &[], &[]);
    let skipped = of_verdict(&answer(&found), "not-checked");
    // No keys of Okta's are fetched.
    assert_eq!(skipped, ["okta.client-keys"], "{found:?}");
    let human = ["okta", "--org", "example.okta.com", "--users", "okta.csv"];
    let human = doctor(provider.files(), &human).await;
    assert_eq!(human.code, Some(0), "{human:?}");
    let last = "healthy: 15 checks, 1 not checked\n";
    assert!(human.stdout.ends_with(last), "{human:?}");
}

#[tokio::test]
async fn what_okta_would_stumble_over_is_found() {
    let provider = provider_in(with_secret()).await;
    let files = provider.files();
    files.edit("clients.toml", &format!(", '{CUSTOM}'"), "");
    files.overwrite("okta.csv", EXPORT.replace("ana@", "Ana@"));
    let found = doctor_okta(files, &["--users", "okta.csv"]).await;
    assert_found(&found, &["okta.callback-hosts", "okta.emails"], &[]);
    let junit = ["okta", "--org", "other.okta.com", "--format", "junit"];
    let junit = doctor(files, &junit).await;
    assert_eq!(junit.code, Some(1), "{junit:?}");
    assert!(junit.stdout.contains("failures=\"1\""), "{junit:?}");
}

#[tokio::test]
async fn keys_that_okta_publishes_are_fetched() {
    let files = Installation::new();
    let consumer = Consumer::https(&files).await;
    consumer.answer(
        "/keys",
        Reply::json(&json!({ "keys": [TestKey::rs256().jwk()] })),
    );
    let keys = format!(
        "auth = 'private_key_jwt'\njwks_uri = '{}'",
        consumer.url("/keys")
    );
    let provider = provider_in(okta_files(files, &keys)).await;
    let files = provider.files();
    // It is no host of Okta's.
    let doubtful = ["okta.authentication"];
    assert_found(&doctor_okta(files, &[]).await, &[], &doubtful);
    consumer.answer("/keys", Reply::status(500));
    let found = doctor_okta(files, &[]).await;
    assert_found(&found, &["okta.client-keys"], &doubtful);
}

#[tokio::test]
async fn all_is_good_of_a_server_that_entra_gets_along_with() {
    let (files, _entra) = entra_files().await;
    let provider = provider_in(files).await;
    let found = doctor_entra(provider.files(), TENANT, &[]).await;
    assert_found(&found, &[], &[]);
    let skipped = of_verdict(&answer(&found), "not-checked");
    assert!(skipped.is_empty(), "{found:?}");
    let human = doctor(provider.files(), &["entra", "--tenant", TENANT]).await;
    assert_eq!(human.code, Some(0), "{human:?}");
    assert!(human.stdout.ends_with("healthy: 21 checks\n"), "{human:?}");
}

#[tokio::test]
async fn what_entra_would_stumble_over_is_found() {
    let (files, entra) = entra_files().await;
    let provider = provider_in(files).await;
    let files = provider.files();
    entra.publish(&[]);
    // The server has read its configuration already.
    files.append("doorward.toml", "\n[keys]\nannounce = \"47h\"\n");
    let found = doctor_entra(files, TENANT, &[]).await;
    assert_found(&found, &["entra.announce", "entra.hint-keys"], &[]);
    let other = doctor_entra(files, OTHER_TENANT, &["--offline"]).await;
    assert_found(
        &other,
        &["entra.tenant", "entra.announce"],
        &["entra.users"],
    );
}

#[tokio::test]
async fn a_server_without_the_client_offers_entra_nothing() {
    let (files, _entra) = entra_files().await;
    let clients = files.read("clients.toml");
    files.overwrite("clients.toml", Installation::new().read("clients.toml"));
    let provider = provider_in(files).await;
    // It is written beside the server, which goes on with what it has read.
    let other = "clients-to-come.toml";
    provider.files().overwrite(other, clients);
    let from = "clients = \"clients.toml\"";
    let to = format!("clients = \"{other}\"");
    provider.files().edit("doorward.toml", from, &to);
    let found = doctor_entra(provider.files(), TENANT, &[]).await;
    let checks = of_verdict(&answer(&found), "bad");
    assert!(
        checks.contains(&"entra.response-types".to_owned()),
        "{found:?}"
    );
}

#[tokio::test]
async fn where_no_server_runs_files_are_looked_at_all_the_same() {
    let (files, _entra) = entra_files().await;
    let found = doctor_entra(&files, TENANT, &[]).await;
    let bad = ["entra.discovery-reached", "entra.keys-reached"];
    assert_found(&found, &bad, &[]);
    let offline = doctor_entra(&files, TENANT, &["--offline"]).await;
    assert_found(&offline, &[], &[]);
    let okta = with_secret();
    assert_found(
        &doctor_okta(&okta, &[]).await,
        &["okta.issuer-reached"],
        &[],
    );
    let offline = doctor_okta(&okta, &["--offline"]).await;
    assert_found(&offline, &[], &[]);
}

#[tokio::test]
async fn without_something_to_look_at_there_is_no_answer() {
    let files = with_secret();
    for arguments in [
        &["okta", "--org", "example-admin.okta.com"][..],
        &["okta", "--org", "example.okta.com", "--client", "absent"],
        &["okta", "--org", "example.okta.com", "--users", "absent.csv"],
        &["okta", "--org", "example.okta.com", "--config", "absent"],
        &["entra", "--tenant", "contoso.com"],
        &["entra", "--tenant", TENANT, "--ca", "absent.pem"],
    ] {
        let failed = doctor(&files, arguments).await;
        assert_eq!(
            (failed.code, failed.stdout.as_str()),
            (Some(2), ""),
            "{failed:?}"
        );
    }
}
