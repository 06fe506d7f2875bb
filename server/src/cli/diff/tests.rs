//! Two directories or revisions, compared as they would be on the command line.

use std::fs;
use std::path::Path;

use clap::Parser;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::cli::replay::fixtures::lines;
use crate::cli::revision::fixtures::Repository;
use crate::domain::clock::{ManualClock, Timestamp};

const ACCESS: &str = include_str!("../../../../policies/access.cedar");
const ENTITIES: &str = include_str!("../../../../policies/entities.toml");
const ENCRYPTED: &str = "when { context.device.diskEncrypted }\n";
const CASES: &str = "\
now = '2026-11-24T09:00:00Z'

[user.ana]
groups = ['employees']

[device.old-laptop]
managed = true
disk_encryption = 'off'
assigned_to = ['ana']

[[case]]
name = 'an old laptop opens nothing'
user = 'ana'
application = 'wiki'
device = 'old-laptop'
from = 'home'
password = '2h'
offers = []
expect = 'deny'

[place.home]
country = 'SG'
";

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// Two directories: the starter policies, and what somebody made of them.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new(access: &str, entities: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Self { directory };
        place.write("old/access.cedar", ACCESS);
        place.write("old/entities.toml", ENTITIES);
        place.write("new/access.cedar", access);
        place.write("new/entities.toml", entities);
        place
    }

    fn edited(from: &str, to: &str) -> Self {
        assert!(ACCESS.contains(from) || ENTITIES.contains(from), "{from}");
        Self::new(
            &ACCESS.replacen(from, to, 1),
            &ENTITIES.replacen(from, to, 1),
        )
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn compare(&self, rest: &[&str]) -> Result<Comparison, Failure> {
        let (old, new) = (self.path("old"), self.path("new"));
        compare(&[&[old.as_str(), new.as_str()][..], rest].concat())
    }

    /// A text without what differs from run to run.
    fn short(&self, text: &str) -> String {
        let root = format!("{}/", self.directory.path().display());
        text.replace(&root, "")
    }

    fn human(&self, rest: &[&str]) -> String {
        let comparison = self.compare(rest).unwrap();
        self.short(&human::text(&Report::of(&comparison), Style::plain()))
    }

    fn json(&self, rest: &[&str]) -> Value {
        let comparison = self.compare(rest).unwrap();
        let report = Report::of(&comparison);
        let text = render::json(&json::document(&comparison, &report)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn markdown(&self, rest: &[&str]) -> String {
        let comparison = self.compare(rest).unwrap();
        self.short(&markdown::comment(&Report::of(&comparison)))
    }
}

fn compare(words: &[&str]) -> Result<Comparison, Failure> {
    let words = std::iter::once("diff").chain(words.iter().copied());
    let now: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    Comparison::of(
        &Cli::try_parse_from(words).unwrap().args,
        &ManualClock::new(now),
    )
}

fn verdict(comparison: &Comparison) -> String {
    Report::of(comparison).verdict
}

/// Two employees with laptops that are alike, and one who is disabled.
fn people() -> (String, String) {
    let user = |name: &str, rest: &str| {
        format!(
            "[[user]]\nid = 'u-{name}'\nusername = '{name}'\n{rest}\n\
             password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"
        )
    };
    let device = |name: &str| {
        format!(
            "[[device]]\nid = 'mbp-{name}'\nidentities = ['urn:doorward:device:mbp-{name}']\n\
             managed = true\ndisk_encryption = 'off'\nassigned_to = ['u-{name}']\n\
             observed_at = 2026-11-24T07:00:00Z\n"
        )
    };
    let users = user("zoe", "groups = ['employees']")
        + &user("ulf", "groups = ['employees']")
        + &user("cy", "groups = ['employees']\ndisabled = true");
    (users, device("zoe") + &device("ulf"))
}

fn told(compared: Result<Comparison, Failure>) -> String {
    let failure = compared.unwrap_err();
    assert_eq!(failure.exit(), Exit::Unanswered);
    failure.to_string()
}

macro_rules! assert_told {
    ($text:expr) => {
        insta::with_settings!(
            { filters => vec![(r"revision [0-9a-f]{12}", "revision [REVISION]")] },
            { insta::assert_snapshot!($text) }
        )
    };
}

#[test]
fn a_change_is_told_with_the_answers_that_change() {
    let place = Place::edited(ENCRYPTED, "");
    place.write("old/devices.suite.toml", CASES);
    place.write("new/devices.suite.toml", CASES);
    assert_eq!(place.compare(&[]).unwrap().exit(), Exit::No);
    assert_told!(place.human(&[]));
}

#[test]
fn a_pull_request_gets_the_verdict_first_and_the_details_folded() {
    let place = Place::edited("duration(\"7d\")", "duration(\"1d\")");
    assert_told!(place.markdown(&[]));
}

#[test]
fn a_change_of_entity_data_is_told_in_words() {
    let place = Place::edited("countries = [\"SG\"]", "countries = [\"DE\"]");
    assert_told!(place.human(&[]));
}

#[test]
fn layout_is_no_change_in_behaviour() {
    let place = Place::edited("// Its disk is encrypted.\n", "");
    let comparison = place.compare(&[]).unwrap();
    assert_eq!(comparison.exit(), Exit::Yes);
    assert_told!(place.human(&[]));
    let said = verdict(&comparison);
    assert_eq!(said, "no change in behaviour: only layout");
}

#[test]
fn the_same_policies_are_no_change() {
    let comparison = Place::new(ACCESS, ENTITIES).compare(&[]).unwrap();
    assert_eq!(comparison.exit(), Exit::Yes);
    assert_eq!(verdict(&comparison), "no change: both are the same");
}

/// The starter policies, and the same said in another way.
fn refactored() -> Place {
    Place::edited(
        "context.session.passwordAge <= duration(\"12h\")",
        "!(context.session.passwordAge > duration(\"720m\"))",
    )
}

#[test]
fn a_refactoring_is_proved_to_be_one() {
    let place = refactored();
    let comparison = place.compare(&["--proof", "always"]).unwrap();
    assert_eq!(comparison.exit(), Exit::Yes);
    assert_told!(place.human(&[]));
}

#[test]
fn without_a_solver_nothing_is_said_to_be_proved() {
    let place = refactored();
    let absent = ["--solver", "no-such-solver"];
    assert_told!(place.human(&absent));
    let wanted = place.compare(&[&absent[..], &["--proof", "always"]].concat());
    assert!(told(wanted).contains("no-such-solver"));
    let document = place.json(&absent);
    assert_eq!(document["proved"], false);
    assert_eq!(document["proof"]["ran"], false);
}

#[test]
fn where_the_solver_cannot_tell_there_is_an_answer_only_if_no_proof_is_asked_for() {
    let place = refactored();
    let late = ["--within", "0s"];
    let comparison = place.compare(&late).unwrap();
    assert_eq!(comparison.exit(), Exit::Yes);
    assert_told!(place.human(&late));
    let must = place.compare(&[&late[..], &["--proof", "always"]].concat());
    assert_eq!(must.unwrap().exit(), Exit::Unanswered);
}

#[test]
fn what_no_question_shows_the_solver_does() {
    let place = Place::edited("duration(\"7d\")", "duration(\"8d\")");
    let few = ["--most", "1", "--suites", "none"];
    let comparison = place.compare(&few).unwrap();
    assert_eq!(comparison.questions.flips.len(), 0);
    assert_eq!(comparison.exit(), Exit::No);
    assert_told!(place.human(&few));
}

#[test]
fn a_refactoring_is_asked_for_and_says_how_far_that_goes() {
    let place = refactored();
    let all = place.compare(&["--proof", "never"]).unwrap();
    assert_eq!(all.exit(), Exit::Yes);
    let said = verdict(&all);
    assert!(
        said.ends_with("which are all that these policies tell apart"),
        "{said}"
    );
    let few = place
        .compare(&["--most", "10", "--proof", "never"])
        .unwrap();
    assert_eq!(few.exit(), Exit::Yes);
    let said = verdict(&few);
    assert!(said.ends_with("which are examples, no proof"), "{said}");
    for comparison in [all, few] {
        let (proof, told) = Report::of(&comparison).proof;
        assert!(proof.starts_with("not proved"), "{proof}");
        assert!(told.is_empty(), "{told:?}");
    }
}

#[test]
fn real_people_are_counted_and_named_only_where_that_is_wanted() {
    let place = Place::edited(ENCRYPTED, "");
    let (users, devices) = people();
    place.write("users.toml", &users);
    place.write("devices.toml", &devices);
    let (users, devices) = (place.path("users.toml"), place.path("devices.toml"));
    let given = ["--users", users.as_str(), "--devices", devices.as_str()];
    let comparison = place.compare(&given).unwrap();
    assert_eq!(comparison.people.as_ref().unwrap().number, 2);
    let report = Report::of(&comparison);
    let document = render::json(&json::document(&comparison, &report)).unwrap();
    let human = place.human(&given);
    for text in [&document, &human, &place.markdown(&given)] {
        assert!(!text.contains("zoe") && !text.contains("ulf"), "{text}");
    }
    assert!(human.contains("2 people"), "{human}");
    let named = place.human(&[&given[..], &["--names"]].concat());
    assert!(named.contains("    ulf, zoe\n"), "{named}");
}

#[test]
fn recorded_decisions_are_asked_again_of_both_sides() {
    let place = Place::edited("countries = [\"SG\"]", "countries = [\"DE\"]");
    let mut lines = lines();
    lines.push("no record".to_owned());
    place.write("decisions.jsonl", &lines.join("\n"));
    let log = place.path("decisions.jsonl");
    let given = [
        "--log",
        log.as_str(),
        "--suites",
        "none",
        "--proof",
        "never",
    ];
    let document = place.json(&given);
    assert_eq!(document["records"]["asked"], 4);
    let flips = document["records"]["flips"].as_array().unwrap();
    assert!(!flips.is_empty() && flips.iter().all(|flip| flip["names"].is_null()));
    let human = place.human(&given);
    assert!(
        !human.contains("u-ana") && !human.contains("  ana\n"),
        "{human}"
    );
    assert!(human.contains("1 line could not be read"), "{human}");
    let old = "1 decision not asked: the record lacks the question";
    assert!(human.contains(old), "{human}");
    let named = place.human(&[&given[..], &["--names"]].concat());
    assert!(named.contains("    ana\n"), "{named}");
    let few = place.json(&[&given[..], &["--most", "1"]].concat());
    assert_eq!(few["records"]["flips"].as_array().unwrap().len(), 1);
    assert_eq!(few["records"]["cut"], true);
}

#[test]
fn a_machine_gets_the_questions() {
    let place = Place::edited("countries = [\"SG\"]", "countries = [\"DE\"]");
    let document = place.json(&[]);
    assert_eq!(document["changes"], true);
    assert_eq!(document["proved"], false);
    let sign_in = &document["proof"]["kinds"][0];
    assert_eq!(sign_in["action"], "signIn");
    assert_eq!(sign_in["verdict"], "both");
    let refused = &sign_in["newly_refused"];
    assert_eq!(refused["request"]["country"]["value"], "SG");
    assert_eq!(refused["old"]["outcome"], "permit");
    assert_eq!(document["proof"]["kinds"][2]["verdict"], "equivalent");
    assert_eq!(document["questions"]["every"], true);
    let flips = document["questions"]["flips"].as_array().unwrap();
    let denied = flips.iter().find(|flip| flip["kind"] == "newly-denied");
    assert_eq!(denied.unwrap()["old"]["outcome"], "permit");
    assert_eq!(denied.unwrap()["request"]["country"]["value"], "SG");
}

#[test]
fn revisions_of_a_repository_are_compared() {
    let repository = Repository::new();
    repository.write("policies/access.cedar", ACCESS);
    repository.write("policies/entities.toml", ENTITIES);
    repository.commit("starter");
    repository.write("policies/access.cedar", &ACCESS.replacen(ENCRYPTED, "", 1));
    let policies = repository.path("policies").display().to_string();
    let at = ["--policies", policies.as_str()];
    let changed = compare(&[&["main", policies.as_str()][..], &at].concat()).unwrap();
    assert_eq!(changed.exit(), Exit::No);
    assert!(
        changed.structure.moved.is_empty(),
        "{:?}",
        changed.structure
    );
    assert!(changed.old.commit.is_some() && changed.new.commit.is_none());
    let commit = repository.commit("no encryption");
    let changed = compare(&[&["main~1", commit.as_str()][..], &at].concat()).unwrap();
    assert_eq!(changed.exit(), Exit::No);

    let unknown = told(compare(&[&["mian", "main"][..], &at].concat()));
    assert!(
        unknown.contains("`mian` is no directory, and there is no revision"),
        "{unknown}"
    );
}

#[test]
fn broken_policies_and_suites_are_no_answer_and_name_their_side() {
    let broken = told(Place::new("permit (principal);", ENTITIES).compare(&[]));
    assert!(broken.contains("/new/access.cedar:1:"), "{broken}");

    let place = Place::edited(ENCRYPTED, "");
    place.write("new/a.suite.toml", "nonsense");
    let failed = told(place.compare(&[]));
    assert!(failed.contains("/new/a.suite.toml:1:"), "{failed}");
    place.write("old/a.suite.toml", "nonsense");
    fs::remove_file(Path::new(&place.path("new/a.suite.toml"))).unwrap();
    let noted = place.compare(&[]).unwrap();
    assert_eq!(noted.notes.len(), 1, "{:?}", noted.notes);
    let silent = place.compare(&["--suites", "none"]).unwrap();
    assert!(silent.notes.is_empty() && silent.cases.is_none());
}
