//! `doorward diff`: what a change of policies changes, between commits and between directories.

use std::fs;
use std::path::Path;
use std::process::Command;

use doorward_tests::{Finished, run_in};
use serde_json::Value;
use tempfile::TempDir;

use crate::BINARY;

const ENCRYPTED: &str = "when { context.device.diskEncrypted }\n";

/// A repository with the starter policies in its first commit.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Self { directory };
        fs::create_dir(place.root().join("policies")).expect("a directory");
        for name in ["access.cedar", "entities.toml", "access.suite.toml"] {
            let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
            let text = fs::read_to_string(starter.join(name)).expect(name);
            fs::write(place.root().join("policies").join(name), text).expect(name);
        }
        place.git(&["init", "--quiet", "--initial-branch", "main"]);
        place.commit("starter");
        place
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.root().join(name);
        let text = fs::read_to_string(&path).expect(name);
        assert!(text.contains(from), "`{from}` is not in {name}");
        fs::write(path, text.replacen(from, to, 1)).expect(name);
    }

    fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.root())
            .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git");
        assert!(output.status.success(), "{output:?}");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    async fn diff(&self, arguments: &[&str]) -> Finished {
        let whole = [&["diff"][..], arguments].concat();
        run_in(self.root(), BINARY, &whole, "").await
    }
}

#[track_caller]
fn assert_answer(finished: &Finished, code: i32, verdict: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert_eq!(finished.stderr, "", "{finished:?}");
    let first = finished.stdout.lines().next().unwrap_or_default();
    assert!(first.contains(verdict), "{}", finished.stdout);
}

#[tokio::test]
async fn a_change_is_found_between_two_commits_and_before_it_is_committed() {
    let place = Place::new();
    place.edit("policies/access.cedar", ENCRYPTED, "");
    let working = place.diff(&["main", "policies"]).await;
    assert_answer(&working, 1, "newly permits");
    assert!(
        working
            .stdout
            .contains("no longer requires: disk is encrypted"),
        "{working:?}"
    );
    let proved = "wider  signIn, refresh: permits more, and all that it permitted";
    assert!(working.stdout.contains(proved), "{working:?}");
    let alone = place
        .diff(&["main", "policies", "--solver", "no-such-solver"])
        .await;
    assert!(alone.stdout.contains("not proved, "), "{alone:?}");

    place.commit("no encryption");
    // What lies in the directory does not count between revisions.
    fs::remove_dir_all(place.root().join("policies")).expect("removed");
    let committed = place.diff(&["main~1", "main"]).await;
    assert_answer(&committed, 1, "newly permits");
    let back = place.diff(&["main", "main~1"]).await;
    assert_answer(&back, 1, "newly denies");
}

#[tokio::test]
async fn layout_and_texts_are_no_change_in_behaviour() {
    let place = Place::new();
    place.edit("policies/access.cedar", "// Its disk is encrypted.\n", "");
    let layout = place.diff(&["main", "policies"]).await;
    assert_answer(&layout, 0, "no change in behaviour: only layout");
    place.edit(
        "policies/access.cedar",
        "Enter your password again.",
        "Sign in again.",
    );
    let texts = place.diff(&["main", "policies"]).await;
    assert_answer(&texts, 0, "no change in behaviour: only texts for people");
    let same = place.diff(&["main", "main"]).await;
    assert_answer(&same, 0, "no change");
}

#[tokio::test]
async fn directories_are_compared_in_every_form() {
    let place = Place::new();
    place.edit(
        "policies/entities.toml",
        "countries = [\"SG\"]",
        "countries = [\"DE\"]",
    );
    fs::rename(place.root().join("policies"), place.root().join("changed")).expect("renamed");
    place.git(&["checkout", "--quiet", "--", "policies"]);
    let human = place.diff(&["policies", "changed"]).await;
    assert_answer(&human, 1, "newly denies");
    let markdown = place
        .diff(&["policies", "changed", "--format", "markdown"])
        .await;
    assert_answer(&markdown, 1, "### Policies: ");
    assert!(markdown.stdout.contains("<details>"), "{markdown:?}");

    let json = place
        .diff(&["policies", "changed", "--format", "json"])
        .await;
    assert_eq!(json.code, Some(1), "{json:?}");
    let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(document["changes"], true);
    assert_eq!(document["proved"], false);
    assert_eq!(document["structure"]["moved"], Value::Array(Vec::new()));
    // The suite that lies beside both is asked once.
    let flips = document["cases"]["flips"].as_array().expect("flips");
    assert!(!flips.is_empty(), "{document}");
}

#[tokio::test]
async fn what_cannot_be_compared_is_told_with_its_side() {
    let place = Place::new();
    let unknown = place.diff(&["mian", "policies"]).await;
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert_eq!(unknown.stdout, "", "{unknown:?}");
    assert!(
        unknown.stderr.contains("`mian` is no directory"),
        "{unknown:?}"
    );

    place.edit("policies/access.cedar", "permit (", "permit");
    let broken = place.diff(&["main", "policies"]).await;
    assert_eq!(broken.code, Some(2), "{broken:?}");
    assert!(
        broken.stderr.contains("policies/access.cedar:"),
        "{broken:?}"
    );
    place.commit("broken");
    let broken = place.diff(&["main~1", "main"]).await;
    assert_eq!(broken.code, Some(2), "{broken:?}");
    assert!(
        broken.stderr.contains("main/policies/access.cedar:"),
        "{broken:?}"
    );
}
