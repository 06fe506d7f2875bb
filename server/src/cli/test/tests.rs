//! The command on the starter bundle: what it reads, what it answers, and in which forms.

use std::fs;

use tempfile::TempDir;

use super::*;

const FIXTURES: &str = "\
now = '2026-11-24T09:00:00Z'

[user.ana]
groups = ['employees']

[user.bo]
groups = ['employees']

[device.mbp-ana]
managed = true
disk_encryption = 'on'
platform = 'macos'
os_version = '15.3.1'
assigned_to = ['ana']
observed = '2h'

[place.singapore]
address = '203.0.113.9'
country = 'SG'

[place.japan]
country = 'JP'

[place.somewhere]
address = '198.51.100.7'

[default]
user = 'ana'
application = 'wiki'
device = 'mbp-ana'
from = 'singapore'
password = '2h'
";

const FINE: &str = "
[[case]]
name = 'at home'
expect = 'permit'
policies = ['workplace']

[[case]]
name = 'a stale password is asked for again'
password = '8d'
expect = 'step-up'
";

const WRONG: &str = "
[[case]]
name = 'from Japan'
from = 'japan'
expect = 'permit'

[[table]]
name = 'who gets into payroll'
columns = ['user', 'expect']
application = 'payroll'
rows = [['ana', 'permit'], ['bo', 'permit'], ['ana', 'deny']]
";

/// The starter policies with these suites beside them.
fn directory(suites: &[(&str, &str)]) -> (TempDir, Args) {
    let root = tempfile::tempdir().unwrap();
    let files = [
        (
            "access.cedar",
            include_str!("../../../../policies/access.cedar"),
        ),
        (
            "entities.toml",
            include_str!("../../../../policies/entities.toml"),
        ),
    ];
    for (name, text) in files {
        fs::write(root.path().join(name), text).unwrap();
    }
    for (name, cases) in suites {
        fs::write(root.path().join(name), format!("{FIXTURES}{cases}")).unwrap();
    }
    let args = Args {
        directory: root.path().to_path_buf(),
        suites: Vec::new(),
        filter: None,
        coverage: false,
        min_coverage: None,
        geoip: Vec::new(),
        format: Form::Human,
        watch: false,
    };
    (root, args)
}

fn both() -> (TempDir, Args) {
    directory(&[("a.suite.toml", FINE), ("b.suite.toml", WRONG)])
}

/// The answer in a form, with the temporary directory named as an author would name it.
fn answer(args: &Args, form: Form) -> (Exit, String) {
    let verdict = trial::examine(args).unwrap();
    let text = match form {
        // Whatever the terminal of the tests is.
        Form::Human => report::verdict(&verdict, Style::plain()),
        other => shown(&verdict, other).unwrap(),
    };
    let directory = args.directory.display().to_string();
    (verdict.exit(), text.replace(&directory, "policies"))
}

fn human(args: &Args) -> (Exit, String) {
    answer(args, Form::Human)
}

fn refused(args: &Args) -> String {
    let failure = trial::examine(args).unwrap_err();
    assert_eq!(failure.exit(), Exit::Unanswered);
    failure.to_string()
}

#[test]
fn cases_that_are_as_expected_are_counted() {
    let (_root, args) = directory(&[("a.suite.toml", FINE)]);
    let (exit, text) = human(&args);
    assert_eq!(exit, Exit::Yes);
    insta::assert_snapshot!(text);
}

#[test]
fn a_case_that_is_not_is_shown_with_its_request_and_explanation() {
    let (_root, args) = both();
    let (exit, text) = human(&args);
    assert_eq!(exit, Exit::No);
    insta::assert_snapshot!(text);
}

#[test]
fn what_no_case_has_tried_is_shown_policy_by_policy() {
    let (_root, mut args) = directory(&[("a.suite.toml", FINE)]);
    args.coverage = true;
    let (exit, text) = human(&args);
    assert_eq!(exit, Exit::Yes);
    insta::assert_snapshot!(text);
}

#[test]
fn too_little_coverage_is_a_no() {
    let (_root, mut args) = directory(&[("a.suite.toml", FINE)]);
    args.min_coverage = Some(100);
    let (exit, text) = human(&args);
    assert_eq!(exit, Exit::No);
    assert!(text.contains("below the minimum of 100 %"), "{text}");
    args.min_coverage = Some(1);
    assert_eq!(human(&args).0, Exit::Yes);
}

#[test]
fn a_machine_gets_every_case() {
    let (_root, mut args) = both();
    args.coverage = true;
    let (_, text) = answer(&args, Form::Json);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["ok"], false);
    assert_eq!(document["counts"]["cases"], 6);
    let passed = &document["suites"][0]["cases"][0];
    insta::assert_json_snapshot!("a_case_that_passed", passed);
    let failed = &document["suites"][1]["cases"][0];
    assert_eq!(failed["ok"], false);
    assert_eq!(failed["request"]["user"]["id"], "ana");
    assert!(failed["explanation"].is_object(), "{failed}");
    assert!(document["coverage"]["percent"].is_u64(), "{document}");
}

#[test]
fn a_pipeline_gets_every_case() {
    let (_root, args) = both();
    let (_, text) = answer(&args, Form::Junit);
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.errors), (6, 0));
    assert_eq!(report.failures, trial_failures(&args));
    insta::assert_snapshot!(text);
}

fn trial_failures(args: &Args) -> usize {
    match trial::examine(args).unwrap() {
        Verdict::Tried(trial) => trial.failed(),
        Verdict::Broken(findings) => panic!("{findings:?}"),
    }
}

#[test]
fn a_comment_says_the_result_first() {
    let (_root, mut args) = both();
    args.coverage = true;
    insta::assert_snapshot!(answer(&args, Form::Markdown).1);
}

#[test]
fn broken_policies_and_suites_are_shown_together() {
    let (root, args) = directory(&[("a.suite.toml", "[[case]]\nnam = 'x'\n")]);
    fs::write(
        root.path().join("more.cedar"),
        "permit (principal, action, resource);",
    )
    .unwrap();
    let (exit, text) = human(&args);
    assert_eq!(exit, Exit::No);
    insta::assert_snapshot!(text);

    let (_, text) = answer(&args, Form::Json);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["ok"], false);
    assert!(document["diagnostics"].as_array().unwrap().len() > 1);
    let (_, text) = answer(&args, Form::Junit);
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert!(report.failures > 1, "{text}");
    let (_, text) = answer(&args, Form::Markdown);
    assert!(text.contains("Policies not tested"), "{text}");
}

#[test]
fn the_filter_finds_cases_and_suites_by_name() {
    let (_root, mut args) = both();
    for (filter, cases) in [("Japan", "1 case"), ("a.suite", "2 cases")] {
        args.filter = Some(filter.to_owned());
        let (_, text) = human(&args);
        assert!(text.contains(&format!("{cases} in 1 suite")), "{text}");
    }
    args.filter = Some("payrol1".to_owned());
    assert!(refused(&args).contains("`payrol1`"));
}

#[test]
fn a_suite_that_is_named_is_the_only_one() {
    let (root, mut args) = both();
    args.suites = vec![root.path().join("a.suite.toml")];
    assert_eq!(human(&args).0, Exit::Yes);
    args.suites = vec![root.path().join("c.suite.toml")];
    assert!(refused(&args).contains("does not exist"));
}

#[test]
fn without_a_suite_nothing_is_tested() {
    let (_root, args) = directory(&[]);
    assert!(refused(&args).contains("no suite"));
}

#[test]
fn a_suite_without_cases_tests_nothing() {
    let (_root, args) = directory(&[("a.suite.toml", "")]);
    assert!(refused(&args).contains("no cases"));
}

#[test]
fn a_directory_that_is_not_there_is_no_answer() {
    let (_root, mut args) = directory(&[]);
    args.directory = args.directory.join("absent");
    assert!(refused(&args).contains("does not exist"));
}

#[test]
fn a_file_that_is_no_database_is_no_answer() {
    let (root, mut args) = directory(&[("a.suite.toml", FINE)]);
    args.geoip = vec![root.path().join("access.cedar")];
    assert!(refused(&args).contains("MaxMind"));
}

#[test]
fn without_a_database_an_address_has_no_country() {
    let case = "[[case]]\nname = 'x'\nfrom = 'somewhere'\nexpect = 'permit'\n";
    let (_root, args) = directory(&[("a.suite.toml", case)]);
    let (exit, text) = human(&args);
    assert_eq!(exit, Exit::No);
    let place = "198.51.100.7, country unknown: no GeoIP database was given";
    assert!(text.contains(place), "{text}");
}

#[test]
fn escapes_in_names_do_not_reach_the_terminal() {
    let case = "[[case]]\nname = \"x\\u001b[2J\"\nexpect = 'deny'\n";
    let (_root, args) = directory(&[("a.suite.toml", case)]);
    let (_, text) = human(&args);
    assert!(text.contains("x\u{fffd}[2J"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn only_people_watch() {
    let (_root, mut args) = both();
    args.watch = true;
    args.format = Form::Json;
    let failure = run(&args).unwrap_err();
    assert_eq!(failure.exit(), Exit::Unanswered);
    assert!(failure.to_string().contains("`--watch`"));
}
