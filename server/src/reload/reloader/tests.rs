//! The reloader on real directories: every way in which files are replaced, and every way to fail.
//! The tests wait for the status to change, never for time to pass.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use chrono::DateTime;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::domain::clock::{ManualClock, Timestamp};

/// Far more than any of this takes: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The interval is out of reach, so that whatever is noticed was heard or asked for.
const SETTINGS: ReloadSettings = ReloadSettings {
    interval: Duration::from_hours(1),
    quiet: Duration::from_millis(20),
    longest_wait: Duration::from_secs(1),
};

/// Joins all files to a text; some words make it fail.
struct Words(Watched);

impl Source for Words {
    type Value = String;

    fn name(&self) -> &'static str {
        "words"
    }

    fn watched(&self) -> Watched {
        self.0.clone()
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&String>,
        _now: Timestamp,
    ) -> Result<Built<String>, Vec<Diagnostic>> {
        let mut words = Vec::new();
        for (file, bytes) in &snapshot.files {
            let word = std::str::from_utf8(bytes).unwrap();
            assert!(word != "panic", "it panicked");
            if word == "broken" {
                return Err(vec![Diagnostic::error(file, "is broken")]);
            }
            words.push(word);
        }
        Ok(Built::new(words.join(" ")))
    }
}

struct Running {
    live: Live<String>,
    trigger: Trigger,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn until(&self, what: impl Fn(&SourceStatus) -> bool) -> SourceStatus {
        let mut changes = self.live.changed();
        let changed = timeout(PATIENCE, changes.wait_for(what))
            .await
            .expect("the status changes in time")
            .expect("the live value is there");
        changed.clone()
    }

    async fn until_words(&self, words: &str) {
        self.until(|status| status.healthy && self.live.current().value == words)
            .await;
    }

    async fn until_failing(&self) -> SourceStatus {
        self.until(|status| !status.healthy).await
    }
}

fn load_words(watched: Watched) -> (Live<String>, Reloader) {
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    load(Words(watched), clock).unwrap()
}

async fn start(watched: Watched) -> Running {
    let (live, reloader) = load_words(watched);
    let trigger = reloader.trigger();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(reloader.run(SETTINGS, shutdown.clone()));
    // Once it has answered, it listens.
    trigger.reload_now().await;
    Running {
        live,
        trigger,
        shutdown,
        task,
    }
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, word) in files {
        write(&root.path().join(name), word);
    }
    root
}

fn whole(path: &Path) -> Watched {
    Watched::Directory(path.to_path_buf())
}

fn write(path: &Path, word: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, word).unwrap();
}

/// Replaces a file in one step, so that no reader ever sees a part of it.
fn replace(path: &Path, word: &str) {
    let new = path.with_file_name(".new");
    write(&new, word);
    fs::rename(new, path).unwrap();
}

/// Points a link elsewhere in one step, as the kubelet does.
fn repoint(link: &Path, target: &str) {
    let new = link.with_file_name("..data_tmp");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

#[tokio::test]
async fn a_file_written_in_place_is_loaded() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    fs::write(root.path().join("a"), "two").unwrap();
    running.until_words("two").await;
}

#[tokio::test]
async fn a_file_replaced_by_renaming_is_loaded() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    replace(&root.path().join("a"), "two");
    running.until_words("two").await;
}

#[tokio::test]
async fn an_editor_that_moves_the_old_file_away_is_followed() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    fs::rename(root.path().join("a"), root.path().join("a~")).unwrap();
    write(&root.path().join("a"), "two");
    running.until_words("two").await;
}

#[tokio::test]
async fn files_added_moved_and_removed_as_by_a_checkout_are_one_change() {
    let root = directory(&[("a", "one"), ("sub/b", "two")]);
    let running = start(whole(root.path())).await;
    fs::remove_dir_all(root.path().join("sub")).unwrap();
    fs::remove_file(root.path().join("a")).unwrap();
    write(&root.path().join("new/deep/c"), "three");
    write(&root.path().join("new/d"), "four");
    running.until_words("four three").await;
    // A directory that appeared is listened at from then on.
    fs::write(root.path().join("new/deep/c"), "five").unwrap();
    running.until_words("four five").await;
}

#[tokio::test]
async fn a_directory_deleted_and_made_again_is_a_failure_in_between() {
    let root = directory(&[("policies/a", "one")]);
    let policies = root.path().join("policies");
    let running = start(whole(&policies)).await;

    fs::remove_dir_all(&policies).unwrap();
    let status = running.until_failing().await;
    assert_eq!(status.diagnostics[0].message, "does not exist");
    assert_eq!(running.live.current().value, "one");

    write(&policies.join("a"), "two");
    running.until_words("two").await;
    fs::write(policies.join("a"), "three").unwrap();
    running.until_words("three").await;
}

#[tokio::test]
async fn a_directory_moved_away_and_replaced_is_loaded() {
    let root = directory(&[("policies/a", "one"), ("next/a", "two")]);
    let policies = root.path().join("policies");
    let running = start(whole(&policies)).await;
    fs::rename(&policies, root.path().join("old")).unwrap();
    fs::rename(root.path().join("next"), &policies).unwrap();
    running.until_words("two").await;
    fs::write(policies.join("a"), "three").unwrap();
    running.until_words("three").await;
}

#[tokio::test]
async fn a_directory_exchanged_far_above_is_heard() {
    let file = |etc: &Path| Watched::Files(vec![etc.join("doorward/users.toml")]);
    let directory_of = |etc: &Path| whole(&etc.join("doorward"));
    let kinds: [&dyn Fn(&Path) -> Watched; 2] = [&file, &directory_of];
    for watched in kinds {
        let root = directory(&[
            ("site/current/etc/doorward/users.toml", "one"),
            ("site/next/etc/doorward/users.toml", "two"),
        ]);
        let site = root.path().join("site");
        let current = site.join("current");
        let running = start(watched(&current.join("etc"))).await;
        fs::rename(&current, site.join("old")).unwrap();
        fs::rename(site.join("next"), &current).unwrap();
        running.until_words("two").await;
    }
}

#[tokio::test]
async fn the_swap_of_a_config_map_is_loaded_again_and_again() {
    let root = directory(&[("..v1/a.cedar", "one")]);
    symlink("..v1", root.path().join("..data")).unwrap();
    symlink("..data/a.cedar", root.path().join("a.cedar")).unwrap();
    let running = start(whole(root.path())).await;
    for (old, new, word) in [("..v1", "..v2", "two"), ("..v2", "..v3", "three")] {
        write(&root.path().join(new).join("a.cedar"), word);
        repoint(&root.path().join("..data"), new);
        fs::remove_dir_all(root.path().join(old)).unwrap();
        running.until_words(word).await;
    }
}

#[tokio::test]
async fn a_watched_file_that_is_a_link_into_a_config_map_is_loaded() {
    let root = directory(&[("..v1/users.toml", "one"), ("..v2/users.toml", "two")]);
    symlink("..v1", root.path().join("..data")).unwrap();
    symlink("..data/users.toml", root.path().join("users.toml")).unwrap();
    let file = root.path().join("users.toml");
    let running = start(Watched::Files(vec![file])).await;
    repoint(&root.path().join("..data"), "..v2");
    running.until_words("two").await;
}

#[tokio::test]
async fn a_directory_that_is_a_link_is_followed_when_it_is_repointed() {
    let root = directory(&[("v1/a", "one"), ("v2/a", "two")]);
    let current = root.path().join("current");
    symlink("v1", &current).unwrap();
    let running = start(whole(&current)).await;
    repoint(&current, "v2");
    running.until_words("two").await;
    fs::write(root.path().join("v2/a"), "three").unwrap();
    running.until_words("three").await;
}

#[tokio::test]
async fn a_single_file_is_followed_through_removal_and_return() {
    let root = directory(&[("users.toml", "one")]);
    let file = root.path().join("users.toml");
    let running = start(Watched::Files(vec![file.clone()])).await;
    fs::remove_file(&file).unwrap();
    running.until_failing().await;
    write(&file, "two");
    running.until_words("two").await;
}

#[tokio::test]
async fn a_refused_change_keeps_the_last_good_value_and_says_why() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    replace(&root.path().join("a"), "broken");
    let status = running.until_failing().await;
    assert_eq!(running.live.current().value, "one");
    assert_eq!(status.diagnostics[0].message, "is broken");
    assert_eq!(status.failing_since, Some(DateTime::UNIX_EPOCH));
    assert_eq!((status.reloads, status.failures), (0, 1));
}

#[tokio::test]
async fn putting_the_old_files_back_ends_a_failure_without_a_reload() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    replace(&root.path().join("a"), "broken");
    running.until_failing().await;
    replace(&root.path().join("a"), "one");
    let status = running.until(|status| status.healthy).await;
    assert_eq!(status.reloads, 0);
    assert!(status.diagnostics.is_empty());
}

#[tokio::test]
async fn a_panic_while_building_is_a_failure_and_not_the_end() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    replace(&root.path().join("a"), "panic");
    let status = running.until_failing().await;
    assert!(status.diagnostics[0].message.contains("it panicked"));
    replace(&root.path().join("a"), "two");
    running.until_words("two").await;
}

#[tokio::test]
async fn whoever_asks_for_a_reload_gets_its_verdict() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    replace(&root.path().join("a"), "broken");
    assert!(!running.trigger.reload_now().await.healthy);
    replace(&root.path().join("a"), "two");
    assert!(running.trigger.reload_now().await.healthy);
    assert_eq!(running.live.current().value, "two");
}

#[tokio::test]
async fn after_the_end_a_trigger_answers_with_the_last_status() {
    let root = directory(&[("a", "one")]);
    let running = start(whole(root.path())).await;
    running.shutdown.cancel();
    running.task.await.unwrap();
    write(&root.path().join("a"), "two");
    assert_eq!(running.trigger.reload_now().await.reloads, 0);
}

#[tokio::test]
async fn what_was_not_heard_is_found_at_the_next_interval() {
    let root = directory(&[("a", "one")]);
    let (live, reloader) = load_words(whole(root.path()));
    write(&root.path().join("a"), "two");
    let attempts = &reloader.attempts;
    attempts.attempt(Cause::Interval, Duration::ZERO).await;
    assert_eq!(live.current().value, "two");
}

#[tokio::test]
async fn the_same_failure_at_each_interval_is_counted_once() {
    let root = directory(&[("a", "one")]);
    let (live, reloader) = load_words(whole(root.path()));
    write(&root.path().join("a"), "broken");
    for (cause, failures) in [
        (Cause::Interval, 1),
        (Cause::Interval, 1),
        (Cause::Asked, 2),
    ] {
        reloader.attempts.attempt(cause, Duration::ZERO).await;
        assert_eq!(live.status().failures, failures);
    }
}

#[test]
fn a_start_with_broken_files_is_refused() {
    let root = directory(&[("a", "broken")]);
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let problems = load(Words(whole(root.path())), clock).unwrap_err();
    assert_eq!(problems[0].message, "is broken");
}
