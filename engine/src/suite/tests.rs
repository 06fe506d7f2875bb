//! Tests of suites: what requests are made of them, how cases are decided, what failures say, what is
//! covered.

mod refusals;

use super::*;
use crate::tests::{load, render, starter};
use crate::{DenyReason, DiskEncryption, Outcome, PolicyBundle};
use std::fmt::Write as _;

const FIXTURES: &str = r#"
now = "2026-11-24T09:00:00Z"

[user.ana]
groups = ["employees"]

[user.ben]
groups = ["employees"]

[device.mbp-ana]
managed = true
disk_encryption = "on"
assigned_to = ["ana"]
observed = "2h"

[device.mbp-ben]
managed = true
disk_encryption = "on"
assigned_to = ["ben"]

[device.a-shared]
managed = true

[place.office]
address = "203.0.113.9"
country = "SG"

[place.somewhere]
address = "198.51.100.7"

[default]
user = "ana"
application = "wiki"
device = "mbp-ana"
from = "office"
password = "2h"
"#;

fn parse(text: &str) -> Result<Suite, String> {
    Suite::parse(&SourceFile::new("policies/a.suite.toml", text)).map_err(|found| render(&found))
}

/// A suite of these cases, with the fixtures above.
fn suite(cases: &str) -> Suite {
    parse(&format!("{FIXTURES}{cases}")).unwrap_or_else(|found| panic!("{found}"))
}

fn unlocated(_: IpAddr) -> Fact<CountryCode> {
    Fact::unknown("no GeoIP database is given", "GeoIP")
}

fn decided(bundle: &PolicyBundle, cases: &str) -> Vec<CaseResult> {
    run(bundle, &[suite(cases)], &unlocated, &|_| true)
}

/// The request of the only case.
fn request(case: &str) -> AccessRequest {
    let suite = suite(&format!("[[case]]\nname = 'x'\nexpect = 'permit'\n{case}"));
    suite.cases[0].request(&unlocated)
}

/// Every failure, below the case that failed.
fn failures(results: &[CaseResult]) -> String {
    results
        .iter()
        .filter(|result| !result.failures.is_empty())
        .map(|result| {
            let lines = result.failures.iter().map(|line| format!("  {line}\n"));
            format!("{} {}\n", result.origin, result.name) + &lines.collect::<String>()
        })
        .collect()
}

fn covered(bundle: &PolicyBundle, results: &[CaseResult]) -> Coverage {
    let requests: Vec<&AccessRequest> = results.iter().map(|result| &result.request).collect();
    coverage(bundle, &requests)
}

/// A line for each scope and condition.
fn table(coverage: &Coverage) -> String {
    let seen = |seen: Seen| format!("yes {} no {}", seen.yes, seen.no);
    let mut text = format!("{} %\n", coverage.percent());
    for policy in &coverage.policies {
        let open = if policy.open { " (open)" } else { "" };
        let scope = seen(policy.scope);
        let _ = writeln!(text, "{}: {scope}{open}", policy.policy.id);
        for condition in &policy.conditions {
            let _ = writeln!(text, "  {}: {}", condition.words, seen(condition.seen));
        }
    }
    text
}

#[test]
fn suites_are_known_by_their_name_and_are_no_part_of_the_bundle() {
    assert!(is_suite_file("policies/access.suite.toml"));
    for name in ["policies/entities.toml", "suite.toml", "a.suite.toml.orig"] {
        assert!(!is_suite_file(name), "{name}");
    }
    assert!(!crate::is_bundle_file("policies/access.suite.toml"));
}

#[test]
fn the_starter_bundle_answers_as_its_suite_says_and_all_of_it_is_tried() {
    let text = include_str!("../../../policies/access.suite.toml");
    let suite = Suite::parse(&SourceFile::new("access.suite.toml", text)).unwrap();
    let bundle = starter();
    let results = run(&bundle, &[suite], &unlocated, &|_| true);
    assert_eq!(failures(&results), "");
    let coverage = covered(&bundle, &results);
    assert!(coverage.policies.iter().all(PolicyCoverage::is_full));
    assert_eq!(coverage.percent(), 100, "{}", table(&coverage));
}

#[test]
fn what_a_case_does_not_say_is_the_default_and_what_neither_says_is_unknown() {
    let request = request("device = 'none'\nfrom = 'nowhere'\npassword = 'never'\n");
    assert_eq!(request.user.id, "ana");
    assert_eq!(request.action, Action::SignIn);
    assert_eq!(
        request.device.reason(),
        Some("no device certificate was presented")
    );
    for reason in [request.address.reason(), request.country.reason()] {
        assert_eq!(reason, Some("the address is not known"));
    }
    assert_eq!(
        request.session.password.reason(),
        Some("no password was entered in this session")
    );
    assert!(request.session.methods.is_empty());
}

#[test]
fn ages_count_back_from_the_moment_of_the_case() {
    let request = request("now = 2026-12-01T09:00:00Z\npassword = '1h 30m'\n");
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    assert_eq!(request.now, at("2026-12-01T09:00:00Z"));
    assert_eq!(
        request.session.password.value(),
        Some(&at("2026-12-01T07:30:00Z"))
    );
    assert!(request.session.methods.contains("pwd"));
    let device = request.device.value().unwrap();
    assert_eq!(
        device.managed.observed_at(),
        Some(at("2026-12-01T07:00:00Z"))
    );
    assert_eq!(device.proved_at, request.now);
}

#[test]
fn a_country_that_is_not_said_is_looked_up() {
    let suite = suite("[[case]]\nname = 'x'\nexpect = 'permit'\nfrom = 'somewhere'\n");
    let japan = |address: IpAddr| {
        assert_eq!(address.to_string(), "198.51.100.7");
        Fact::known(
            "JP".parse::<CountryCode>().unwrap(),
            "GeoIP",
            DateTime::UNIX_EPOCH,
        )
    };
    let request = suite.cases[0].request(&japan);
    assert_eq!(request.country.value().unwrap().as_str(), "JP");
    let request = suite.cases[0].request(&unlocated);
    assert_eq!(request.country.reason(), Some("no GeoIP database is given"));
}

#[test]
fn old_observations_and_old_certificates_do_not_count() {
    let old = format!("evidence_lifetime = '1h'\n{FIXTURES}");
    let case = "[[case]]\nname = 'x'\nexpect = 'permit'\n";
    let device = |text: &str| {
        let suite = parse(&format!("{text}{case}")).unwrap();
        suite.cases[0].request(&unlocated).device
    };
    let fresh = device(FIXTURES);
    let encryption = &fresh.value().unwrap().disk_encryption;
    assert_eq!(encryption.value(), Some(&DiskEncryption::On));
    let stale = device(&old);
    let reason = stale.value().unwrap().managed.reason();
    assert_eq!(reason, Some("stale: observed 2 h ago, older than 1 h"));
    let unproved = device(&FIXTURES.replace("observed = \"2h\"", "proved = \"16m\""));
    assert_eq!(
        unproved.reason(),
        Some("the device was last checked 16 min ago, and that counts for 15 min")
    );
}

#[test]
fn devices_are_offered_as_the_server_offers_them_unless_the_case_says_which() {
    let offered = |case: &str| -> Vec<String> {
        let suite = suite(&format!(
            "[[case]]\nname = 'x'\nexpect = 'deny'\nuser = 'ben'\n{case}"
        ));
        let offers = suite.cases[0].situation.offers.iter();
        offers.map(|device| device.id.clone()).collect()
    };
    let all = ["mbp-ben", "a-shared", "mbp-ana", facts::STRANGER];
    assert_eq!(offered(""), all);
    assert_eq!(offered("offers = ['mbp-ana']"), ["mbp-ana"]);
    assert!(offered("offers = []").is_empty());
}

#[test]
fn a_table_is_a_case_a_row() {
    let table = r#"
[[table]]
name = "who gets into payroll"
columns = ["user", "device", "expect"]
application = "payroll"
rows = [
    ["ana", "mbp-ana", "permit"],
    ["ana", "mbp-ben", "step-up"],
]
"#;
    let results = decided(&starter(), table);
    assert_eq!(failures(&results), "");
    let names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
    let rows = [
        "who gets into payroll, row 1",
        "who gets into payroll, row 2",
    ];
    assert_eq!(names, rows);
    assert_eq!(results[1].request.application.id, "payroll");
    assert_eq!(results[1].origin.line, results[0].origin.line + 1);
}

#[test]
fn only_the_wanted_cases_run() {
    let cases = "[[case]]\nname = 'a'\nexpect = 'permit'\n[[case]]\nname = 'b'\nexpect = 'deny'\n";
    let results = run(&starter(), &[suite(cases)], &unlocated, &|name| name == "b");
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].suite, "policies/a.suite.toml");
    assert!(results[0].explanation.is_some());
}

#[test]
fn a_failure_says_what_was_expected_and_what_came_of_it() {
    let cases = r#"
[[case]]
name = "permitted"
expect = "deny"
policies = ["own-device-only"]

[[case]]
name = "without a permit"
from = "nowhere"
expect = "permit"
policies = ["workplce"]

[[case]]
name = "forbidden"
application = "payroll"
device = "mbp-ben"
password = "13h"
offers = []
expect = "step-up"

[[case]]
name = "another step-up"
device = "none"
password = "8d"
expect = "step-up"
step_up = { password = false, devices = ["mbp-ben"] }

[[case]]
name = "not the trial"
application = "payroll"
expect = "step-up"
report_only = ["office-network-trial", "own-device-only"]
"#;
    insta::assert_snapshot!(failures(&decided(&starter(), cases)));
}

#[test]
fn a_case_does_not_pass_because_a_policy_or_the_request_is_broken() {
    let broken = load(&[(
        "a.cedar",
        r#"@id("all") permit (principal, action, resource);
           @id("overflow") forbid (principal, action, resource)
           when { context.now.offset(duration("106751991166d")).offset(duration("106751991166d")) > context.now };"#,
    )])
    .unwrap();
    let cases = "[[case]]\nname = 'x'\nexpect = 'deny'\n";
    let results = decided(&broken, cases);
    assert_eq!(
        results[0].decision.outcome,
        Outcome::Deny {
            because: DenyReason::PolicyError
        }
    );
    assert_eq!(results[0].failures.len(), 1, "{:?}", results[0].failures);
    assert!(results[0].failures[0].starts_with("`overflow` cannot be evaluated: "));

    let schema = crate::BUILT_IN_SCHEMA.replace("email?: String,", "email?: String,\nlevel: Long,");
    let leveled = load(&[
        (
            "a.cedar",
            r#"@id("all") permit (principal, action, resource) when { principal.level > 1 };"#,
        ),
        ("own.cedarschema", &schema),
    ])
    .unwrap();
    let results = decided(&leveled, cases);
    assert!(
        results[0].failures[0].contains("`level` of the User is missing"),
        "{:?}",
        results[0].failures
    );
}

#[test]
fn attributes_of_fixtures_reach_the_policies() {
    let schema = crate::BUILT_IN_SCHEMA
        .replace("email?: String,", "email?: String,\nlevel: Long,")
        .replace(
            "entity Application in [ApplicationGroup];",
            "entity Application in [ApplicationGroup] = { level: Long };",
        );
    let bundle = load(&[
        (
            "a.cedar",
            r#"@id("level") permit (principal, action, resource)
               when { principal.level >= resource.level };"#,
        ),
        ("own.cedarschema", &schema),
    ])
    .unwrap();
    let text = r#"
now = "2026-11-24T09:00:00Z"
user.ana.attributes.level = 2
user.ben.attributes.level = 1
application.vault.attributes.level = 2

[[table]]
name = "levels"
columns = ["user", "expect"]
application = "vault"
rows = [["ana", "permit"], ["ben", "deny"]]
"#;
    let results = run(&bundle, &[parse(text).unwrap()], &unlocated, &|_| true);
    assert_eq!(failures(&results), "");
}

#[test]
fn what_no_case_has_tried_both_ways_is_told() {
    let cases = r#"
[[table]]
name = "wiki"
columns = ["device", "password", "expect"]
rows = [
    ["mbp-ana", "2h", "permit"],
    ["none", "2h", "step-up"],
    ["mbp-ana", "8d", "step-up"],
]
"#;
    let bundle = starter();
    insta::assert_snapshot!(table(&covered(&bundle, &decided(&bundle, cases))));
}

#[test]
fn a_scope_that_excludes_nothing_need_not_be_missed() {
    let bundle = load(&[(
        "a.cedar",
        r#"@id("all") permit (principal, action, resource)
           unless { context has country && context.country == Country::"SG" };"#,
    )])
    .unwrap();
    let cases = r#"
[[case]]
name = "from Singapore"
expect = "deny"
"#;
    let half = covered(&bundle, &decided(&bundle, cases));
    assert_eq!(half.percent(), 66, "{}", table(&half));
    let elsewhere = "[[case]]\nname = 'from nowhere'\nfrom = 'nowhere'\nexpect = 'permit'\n";
    let all = covered(&bundle, &decided(&bundle, &format!("{cases}{elsewhere}")));
    assert_eq!(all.percent(), 100, "{}", table(&all));
}
