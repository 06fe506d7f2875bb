//! Names that the clients and users files use and the policies' entity data does not declare: operators are warned of
//! them, until either side is put right.

use doorward_tests::{Operations, TestProvider, eventually};
use serde_json::Value;

use crate::journey::provider;
use crate::reload::DATA;

/// The clients file's entry of an application that nobody has declared.
const WIKKI: &str = "[[client]]\nid = 'wikki-web'\nname = 'Wikki'\napplication = 'wikki'\n\
                     redirect_uris = ['https://wikki.example.com/callback']\npublic = true\n";

/// The undeclared names, each with the file that uses it and with its message.
async fn warnings(operations: &Operations) -> Vec<(String, String, String)> {
    let status = operations.status().await;
    let text = |warning: &Value, field: &str| warning[field].as_str().expect("a text").to_owned();
    let warnings = status["warnings"].as_array().expect("a list");
    warnings
        .iter()
        .map(|warning| {
            let file = text(warning, "file");
            (file, text(warning, "name"), text(warning, "message"))
        })
        .collect()
}

/// Fails unless exactly this is warned of, in the status and in the log.
async fn assert_warns(provider: &TestProvider, file: &str, name: &str, message: &str) {
    let warnings = warnings(&provider.operations()).await;
    let [(in_file, found, said)] = warnings.as_slice() else {
        panic!("not one warning: {warnings:?}");
    };
    assert!(in_file.ends_with(file), "{warnings:?}");
    assert_eq!((found.as_str(), said.as_str()), (name, message));
    eventually("warning in the log", async || {
        provider.log().contains(message).then_some(())
    })
    .await;
}

/// A way to put a name right: the source to change, and the change.
type Remedy = (&'static str, fn(&TestProvider));

/// Fails unless each remedy ends all warnings of a provider that `starts`.
async fn assert_remedied(starts: impl AsyncFn() -> TestProvider, remedies: &[Remedy]) {
    for (source, apply) in remedies {
        let provider = starts().await;
        let operations = provider.operations();
        let digest = operations.digest(source).await;
        apply(&provider);
        operations.reloaded(source, &digest).await;
        let left = warnings(&operations).await;
        assert!(left.is_empty(), "{source}: {left:?}");
    }
}

/// A provider whose users file has a group that nobody has declared.
async fn with_group() -> TestProvider {
    let provider = provider().await;
    let message =
        "the group `contractors` of user `u-cy` is not declared in the policies' entity data";
    assert_warns(&provider, "users.toml", "contractors", message).await;
    provider
}

/// A provider whose clients file has got an application that nobody has declared.
async fn with_application() -> TestProvider {
    let provider = provider().await;
    let operations = provider.operations();
    let policies = operations.digest("policies").await;
    declare_group(&provider);
    operations.reloaded("policies", &policies).await;

    let clients = operations.digest("clients").await;
    provider.files().append("clients.toml", WIKKI);
    operations.reloaded("clients", &clients).await;
    let message = "the application `wikki` of client `wikki-web` is not declared in the policies' entity data";
    assert_warns(&provider, "clients.toml", "wikki", message).await;
    provider
}

fn declare_group(provider: &TestProvider) {
    provider.files().append(DATA, "\n[group.contractors]\n");
}

#[tokio::test]
async fn an_undeclared_group_is_warned_of_until_either_side_is_reloaded() {
    let remedies: [Remedy; 2] = [
        ("policies", declare_group),
        ("users", |provider| {
            let files = provider.files();
            files.edit("users.toml", "['contractors']", "['employees']");
        }),
    ];
    assert_remedied(with_group, &remedies).await;
}

#[tokio::test]
async fn an_undeclared_application_is_warned_of_until_either_side_is_reloaded() {
    let remedies: [Remedy; 2] = [
        ("policies", |provider| {
            provider.files().append(DATA, "\n[application.wikki]\n");
        }),
        ("clients", |provider| {
            provider.files().edit("clients.toml", "'wikki'", "'wiki'");
        }),
    ];
    assert_remedied(with_application, &remedies).await;
}

#[tokio::test]
async fn a_name_that_is_not_declared_any_more_is_warned_of() {
    let provider = provider().await;
    let operations = provider.operations();
    for (was, is, expected) in [
        (
            "[group.employees]",
            "[group.contractors]\n[group.employees]",
            0,
        ),
        ("[group.contractors]\n", "", 1),
    ] {
        let digest = operations.digest("policies").await;
        provider.files().edit(DATA, was, is);
        operations.reloaded("policies", &digest).await;
        let warnings = warnings(&operations).await;
        assert_eq!(warnings.len(), expected, "{warnings:?}");
    }
}
