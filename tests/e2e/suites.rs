//! `doorward test`: what suites beside policies come to, in every form, and again after each change.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use doorward_tests::{Finished, country_database, eventually, run_in};
use quick_junit::Report;
use serde_json::Value;
use tempfile::TempDir;

use crate::BINARY;

const FIXTURES: &str = "\
now = '2026-11-24T09:00:00Z'

[user.ana]
groups = ['employees']

[device.mbp-ana]
managed = true
disk_encryption = 'on'
assigned_to = ['ana']

[place.singapore]
address = '203.0.113.9'

[place.home]
country = 'SG'

[default]
user = 'ana'
application = 'wiki'
device = 'mbp-ana'
from = 'home'
password = '2h'
";

const PASSING: &str = "
[[case]]
name = 'the wiki opens at home'
expect = 'permit'
policies = ['workplace']

[[case]]
name = 'a stale password is asked for again'
password = '8d'
expect = 'step-up'
step_up = { password = true, devices = [] }
";

const FAILING: &str = "
[[case]]
name = 'payroll opens with a password of yesterday'
application = 'payroll'
password = '20h'
expect = 'permit'
";

/// A directory with the starter policies, and suites beside them.
struct Place {
    directory: TempDir,
}

impl Place {
    fn with(suites: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Self { directory };
        fs::create_dir(place.root().join("policies")).expect("a directory");
        for name in ["access.cedar", "entities.toml"] {
            let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
            let text = fs::read_to_string(starter.join(name)).expect(name);
            place.write(&format!("policies/{name}"), &text);
        }
        for (name, cases) in suites {
            place.suite(name, cases);
        }
        place
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.root().join(name), contents).expect(name);
    }

    fn suite(&self, name: &str, cases: &str) {
        self.write(name, format!("{FIXTURES}{cases}"));
    }

    async fn test(&self, arguments: &[&str]) -> Finished {
        let arguments: Vec<&str> = ["test"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        run_in(self.root(), BINARY, &arguments, "").await
    }
}

fn passing() -> Place {
    Place::with(&[("policies/wiki.suite.toml", PASSING)])
}

fn failing() -> Place {
    Place::with(&[
        ("policies/wiki.suite.toml", PASSING),
        ("policies/payroll.suite.toml", FAILING),
    ])
}

#[track_caller]
fn assert_code(finished: &Finished, code: i32) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
}

#[tokio::test]
async fn policies_that_answer_as_expected_are_a_yes() {
    let finished = passing().test(&[]).await;
    assert_code(&finished, 0);
    assert_eq!(finished.stderr, "");
    insta::assert_snapshot!(finished.stdout);
}

#[tokio::test]
async fn a_case_that_is_not_as_expected_is_a_no_with_its_reasons() {
    let finished = failing().test(&["policies"]).await;
    assert_code(&finished, 1);
    assert_eq!(finished.stderr, "");
    insta::assert_snapshot!(finished.stdout);
}

#[tokio::test]
async fn a_broken_suite_is_a_no_with_its_mistakes() {
    let broken = "[[case]]\nname = 'x'\nuser = 'anna'\nexpect = 'permit'\n";
    let place = Place::with(&[("policies/wiki.suite.toml", broken)]);
    let human = place.test(&[]).await;
    assert_code(&human, 1);
    insta::assert_snapshot!(human.stdout);

    let machine = place.test(&["--format", "json"]).await;
    assert_code(&machine, 1);
    let document: Value = serde_json::from_str(&machine.stdout).expect("JSON");
    assert_eq!(document["ok"], false);
    assert_eq!(
        document["diagnostics"][0]["file"],
        "policies/wiki.suite.toml"
    );
}

#[tokio::test]
async fn broken_policies_are_a_no_with_their_mistakes() {
    let place = passing();
    place.write(
        "policies/more.cedar",
        "permit (principal, action, resource);",
    );
    let finished = place.test(&[]).await;
    assert_code(&finished, 1);
    assert!(
        finished.stdout.contains("policies/more.cedar:1:1"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn where_nothing_can_be_tested_there_is_no_answer() {
    let place = Place::with(&[]);
    let arguments: [&[&str]; 5] = [
        &[],
        &["elsewhere"],
        &["--suite", "absent.suite.toml"],
        &["--min-coverage", "101"],
        &["--watch", "--format", "json"],
    ];
    for arguments in arguments {
        let finished = place.test(arguments).await;
        assert_code(&finished, 2);
        assert_eq!(finished.stdout, "", "{arguments:?}");
        assert!(!finished.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_filter_chooses_cases_and_one_that_finds_none_is_no_answer() {
    let place = failing();
    for filter in ["wiki", "stale password"] {
        let finished = place.test(&["--filter", filter]).await;
        assert_code(&finished, 0);
        assert!(!finished.stdout.contains("payroll"), "{finished:?}");
    }
    let finished = place.test(&["--filter", "wikki"]).await;
    assert_code(&finished, 2);
    assert!(finished.stderr.contains("wikki"), "{finished:?}");
}

#[tokio::test]
async fn a_suite_from_elsewhere_is_tested_in_place_of_those_beside_the_policies() {
    let place = failing();
    place.suite("mine.toml", PASSING);
    let finished = place.test(&["--suite", "mine.toml"]).await;
    assert_code(&finished, 0);
    assert!(finished.stdout.contains("mine.toml"), "{finished:?}");
}

#[tokio::test]
async fn coverage_below_the_minimum_is_a_no() {
    let place = passing();
    let told = place.test(&["--coverage"]).await;
    assert_code(&told, 0);
    assert!(told.stdout.contains("own-device-only"), "{told:?}");
    assert!(told.stdout.contains("never"), "{told:?}");
    assert_code(&place.test(&["--min-coverage", "1"]).await, 0);
    let below = place.test(&["--min-coverage", "100"]).await;
    assert_code(&below, 1);
    assert!(
        below.stdout.contains("below the minimum of 100 %"),
        "{below:?}"
    );
}

#[tokio::test]
async fn a_pipeline_and_a_comment_get_the_same_answer() {
    let place = failing();
    let junit = place.test(&["--format", "junit"]).await;
    assert_code(&junit, 1);
    let report = Report::deserialize_from_str(&junit.stdout).expect("JUnit");
    assert_eq!((report.tests, report.failures, report.errors), (3, 1, 0));
    let names: Vec<&str> = report
        .test_suites
        .iter()
        .map(|suite| suite.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["policies/payroll.suite.toml", "policies/wiki.suite.toml"]
    );

    let comment = place.test(&["--format", "markdown"]).await;
    assert_code(&comment, 1);
    let first = comment.stdout.lines().next().expect("a line");
    assert!(first.contains("1 of 3 cases"), "{first}");

    let machine = place.test(&["--format", "json"]).await;
    assert_code(&machine, 1);
    let document: Value = serde_json::from_str(&machine.stdout).expect("JSON");
    assert_eq!(document["counts"]["failed"], 1);
}

#[tokio::test]
async fn a_database_tells_where_an_address_is() {
    let case = "[[case]]\nname = 'by address'\nfrom = 'singapore'\nexpect = 'permit'\n";
    let place = Place::with(&[("policies/geo.suite.toml", case)]);
    assert_code(&place.test(&[]).await, 1);
    place.write(
        "country.mmdb",
        country_database(&[("203.0.113.0/24", "SG")]),
    );
    assert_code(&place.test(&["--geoip", "country.mmdb"]).await, 0);
}

const STDOUT: &str = "test.out";
const STDERR: &str = "test.err";
/// What stands below each answer.
const WAITING: &str = "waiting for a change";

/// A watch that runs, and is killed when the test is over.
struct Watch<'a> {
    process: Child,
    place: &'a Place,
}

impl<'a> Watch<'a> {
    fn start(place: &'a Place) -> Self {
        let output = |name: &str| File::create(place.root().join(name)).expect("a file");
        let process = Command::new(BINARY)
            .args(["test", "--watch"])
            .current_dir(place.root())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(output(STDOUT))
            .stderr(output(STDERR))
            .spawn()
            .expect("started");
        Self { process, place }
    }

    fn printed(&self, name: &str) -> String {
        fs::read_to_string(self.place.root().join(name)).unwrap_or_default()
    }

    /// Waits until the last answer that is complete has these words.
    async fn answers(&self, words: &str) {
        eventually(&format!("answer with `{words}`"), async || {
            let printed = self.printed(STDOUT);
            let (complete, _) = printed.rsplit_once(WAITING)?;
            let last = complete.rsplit(WAITING).next()?;
            last.contains(words).then_some(())
        })
        .await;
    }

    /// Interrupts it as Ctrl-C does, and waits for its end. Says the exit code.
    async fn interrupt(&mut self) -> Option<i32> {
        let status = Command::new("kill")
            .args(["-INT", &self.process.id().to_string()])
            .status()
            .expect("kill exists");
        assert!(status.success());
        let process = &mut self.process;
        eventually("end of the watch", async || {
            process.try_wait().expect("a child")
        })
        .await
        .code()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_watch_answers_again_after_each_change_until_it_is_interrupted() {
    let place = passing();
    let mut watch = Watch::start(&place);
    watch.answers("passed: 2 cases").await;

    place.suite("policies/wiki.suite.toml", FAILING);
    watch.answers("failed: 1 of 1 case").await;

    place.write("policies/more.cedar", "permit (");
    watch.answers("policies/more.cedar").await;

    fs::remove_file(place.root().join("policies/more.cedar")).expect("removed");
    place.suite("policies/wiki.suite.toml", PASSING);
    watch.answers("passed: 2 cases").await;

    assert_eq!(watch.interrupt().await, Some(0));
    assert_eq!(watch.printed(STDERR), "");
}

#[tokio::test]
async fn a_watch_waits_for_the_first_suite() {
    let place = Place::with(&[]);
    let mut watch = Watch::start(&place);
    eventually("complaint", async || {
        watch.printed(STDERR).contains("no suite").then_some(())
    })
    .await;

    place.suite("policies/wiki.suite.toml", FAILING);
    watch.answers("failed: 1 of 1 case").await;
    assert_eq!(watch.interrupt().await, Some(1));
}
