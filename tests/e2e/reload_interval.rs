//! Changes that the system does not tell of, as on network file systems, are found at the next interval. Here they
//! are writes through a second name of a file, in a directory at which nobody listens.

use std::fs;

use doorward::domain::clock::Timestamp;
use doorward_tests::{Installation, Operations, TestProvider, eventually, user_entry};
use serde_json::Value;

use crate::journey::provider_in;
use crate::reload::{DATA, japan_gets_in, read_again, with_japan};
use crate::reload_ways::{DEE, dee_gets_in};

const CONFIG: &str = "doorward.toml";
const USERS: &str = "users.toml";

/// The second names.
const SAME_USERS: &str = "elsewhere/users.toml";
const SAME_DATA: &str = "elsewhere/entities.toml";

/// Files that have second names, and are read this often although nobody tells of a change.
fn read_every(interval: &str) -> Installation {
    let installation = Installation::new();
    let setting = format!("interval = \"{interval}\"");
    installation.edit(CONFIG, "interval = \"1h\"", &setting);
    fs::create_dir(installation.path("elsewhere")).expect("a directory");
    for (file, second) in [(USERS, SAME_USERS), (DATA, SAME_DATA)] {
        fs::hard_link(installation.path(file), installation.path(second)).expect("linked");
    }
    installation
}

/// A provider that has begun to listen: what was read at the start was read again.
async fn listening(installation: Installation) -> TestProvider {
    let provider = provider_in(installation).await;
    read_again(&provider.operations()).await;
    provider
}

/// Lets Dee sign in, and everybody from Japan, without a word of it to those who listen.
fn change_unheard(files: &Installation) {
    let users = files.read(USERS) + &user_entry(DEE, "employees");
    files.overwrite(SAME_USERS, users);
    files.overwrite(SAME_DATA, with_japan(&files.read(DATA)));
}

/// When a source was read last.
fn last_attempt(status: &Value) -> Timestamp {
    let moment = status["last_attempt"].as_str().expect("a moment");
    moment.parse().expect("a moment")
}

/// Waits until a source was read once more.
async fn once_more(operations: &Operations, source: &str, before: &Value) -> Value {
    let before = last_attempt(before);
    eventually("another reading", async || {
        let status = operations.source(source).await;
        (last_attempt(&status) > before).then_some(status)
    })
    .await
}

#[tokio::test]
async fn a_write_through_another_name_is_not_heard_and_a_hang_up_finds_it() {
    let provider = listening(read_every("1h")).await;
    let (operations, files) = (provider.operations(), provider.files());
    let users = operations.digest("users").await;
    let policies = operations.digest("policies").await;

    change_unheard(files);
    // What is written later and heard is long in force.
    for number in 1..=3 {
        let clients = operations.digest("clients").await;
        files.append("clients.toml", &format!("# Change {number}.\n"));
        operations.reloaded("clients", &clients).await;
    }
    // Should this ever fail, the tests below need changes of another kind.
    assert_eq!(operations.digest("users").await, users);
    assert_eq!(operations.digest("policies").await, policies);

    provider.hang_up();
    operations.reloaded("users", &users).await;
    operations.reloaded("policies", &policies).await;
}

#[tokio::test]
async fn what_nobody_told_of_decides_after_the_interval() {
    let provider = listening(read_every("1s")).await;
    let operations = provider.operations();
    let users = operations.digest("users").await;
    let policies = operations.digest("policies").await;
    assert!(!dee_gets_in(&provider).await);
    assert!(!japan_gets_in(&provider).await);

    change_unheard(provider.files());
    operations.reloaded("users", &users).await;
    operations.reloaded("policies", &policies).await;
    assert!(dee_gets_in(&provider).await);
    assert!(japan_gets_in(&provider).await);
}

#[tokio::test]
async fn a_directory_exchanged_far_above_a_file_is_found_at_the_interval_at_the_latest() {
    let installation = read_every("1s");
    let users = installation.read(USERS);
    installation.edit(
        CONFIG,
        "users = \"users.toml\"",
        "users = \"site/current/conf/users.toml\"",
    );
    let with_dee = users.clone() + &user_entry(DEE, "employees");
    for (release, text) in [("current", users), ("next", with_dee)] {
        let conf = format!("site/{release}/conf");
        fs::create_dir_all(installation.path(&conf)).expect("a directory");
        installation.overwrite(&format!("{conf}/users.toml"), text);
    }
    let provider = listening(installation).await;
    let (operations, files) = (provider.operations(), provider.files());
    let digest = operations.digest("users").await;

    let current = files.path("site/current");
    fs::rename(&current, files.path("site/previous")).expect("renamed");
    fs::rename(files.path("site/next"), &current).expect("renamed");
    operations.reloaded("users", &digest).await;
    assert!(dee_gets_in(&provider).await);
}

#[tokio::test]
async fn a_file_that_is_refused_at_each_interval_is_told_of_once() {
    let provider = listening(read_every("1s")).await;
    let (operations, files) = (provider.operations(), provider.files());
    let good = files.read(USERS);
    files.overwrite(SAME_USERS, "[[user]]\nid = 'u-ana'\n");
    let refused = operations.refused("users").await;
    let later = once_more(&operations, "users", &refused).await;
    let later = once_more(&operations, "users", &later).await;
    assert_eq!(later["healthy"], false, "{later}");
    assert_eq!(later["failures"], 1, "{later}");
    assert_eq!(later["failing_since"], refused["failing_since"]);
    let log = provider.log();
    assert_eq!(log.matches("not reloaded").count(), 1, "{log}");

    files.overwrite(SAME_USERS, good);
    let status = operations.healthy("users").await;
    assert_eq!(status["reloads"], 0, "{status}");
}
