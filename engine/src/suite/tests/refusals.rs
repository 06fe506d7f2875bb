//! What is refused in a suite, where, and in which words.

use super::super::{format, schema};
use super::{FIXTURES, parse};

fn refused(text: &str) -> String {
    parse(text).unwrap_err()
}

#[test]
fn a_suite_whose_shape_is_wrong_is_refused_at_the_place() {
    let shapes = [
        "now = '2026-11-24T09:00:00Z'\n[user.ana]\ngroup = ['employees']\n",
        "now = '2026-11-24T09:00:00Z'\n[device.x]\ndisk_encryption = 'onn'\n",
        "now = '2026-11-24T09:00:00Z'\n[[case]]\npassword = '8 fortnights'\n",
        "now = '2026-11-24T09:00:00Z'\n[[case]]\npassword = 8\n",
        "now = '2026-11-24'\n",
        "[user.ana]\n",
        "now = '2026-11-24T09:00:00Z'\n[place.x]\ncountry = 'XX'\n",
        "now = '2026-11-24T09:00:00Z'\n[user.x]\nattributes = { a = 1.5 }\n",
        "now = '2026-11-24T09:00:00Z'\n[[case]\n",
    ];
    insta::assert_snapshot!(shapes.map(refused).join("\n"));
}

#[test]
fn every_name_that_means_nothing_is_reported_at_once() {
    let cases = r#"
[[case]]
name = "one"
user = "anna"
device = "mbp-anna"
from = "ofice"
expect = "permit"

[[case]]
name = "one"
offers = ["mbp-bin"]
expect = "step-up"
step_up = { devices = ["mbp-an"] }

[[case]]
name = "what is expected is missing"

[[case]]
name = "no step-up"
expect = "deny"
step_up = { password = true }

[[case]]
expect = "deny"
"#;
    insta::assert_snapshot!(refused(&format!("{FIXTURES}{cases}")));
}

#[test]
fn rows_and_columns_that_do_not_fit_are_reported() {
    let tables = r#"
[[table]]
name = "columns"
columns = ["user", "usr", "user", "name"]
rows = []

[[table]]
name = "rows"
columns = ["user", "password", "expect"]
rows = [
    ["ana", "2h"],
    ["anna", "2h", "permit"],
    ["ana", "2 hourz", "permitt"],
]
"#;
    insta::assert_snapshot!(refused(&format!("{FIXTURES}{tables}")));
}

#[test]
fn fixtures_and_defaults_are_checked_too() {
    let text = r#"
now = 2026-11-24T09:00:00Z

[device.none]

[device.mbp-ana]
assigned_to = ["anna"]

[place.nowhere]

[user.ana]

[default]
name = "x"
expect = "permit"

[[case]]
name = "nobody, to nothing"
"#;
    insta::assert_snapshot!(refused(text));
}

#[test]
fn the_schema_of_the_file_names_every_key() {
    let text = serde_json::to_string(&schema()).unwrap();
    for key in format::CaseEntry::KEYS {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
}
