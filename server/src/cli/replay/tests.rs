//! Logs of the starter policies, replayed with them, with policies that were edited, and in part.

use std::collections::BTreeSet;

use serde_json::Value;

use super::compare::Kind;
use super::fixtures::{Place, STARTER, line, lines, questions, record};
use super::line::Line;
use super::*;

fn human(place: &Place, options: &[&str]) -> String {
    let report = place.replay(options).unwrap();
    place.short(&report::human(&report, Style::plain()), &report)
}

#[test]
fn a_record_holds_all_that_decided() {
    let mut endings = BTreeSet::new();
    for (number, question) in questions().iter().enumerate() {
        let record = record(number, question);
        endings.insert(record.ending.word());
        let Line::Decided(read) = Line::read(line(&record).as_bytes(), None, None) else {
            panic!("{record:?}");
        };
        assert_eq!(read.request, *question);
        let again = STARTER.decide(&read.request, || read.offers());
        assert_eq!(Kind::of(&read.decision, &again, true), None, "{question:?}");
    }
    assert_eq!(Vec::from_iter(endings), ["denied", "permitted", "step-up"]);
}

#[test]
fn the_policies_that_decided_change_nothing() {
    let all = questions();
    let numbered = all.iter().enumerate();
    let lines: Vec<_> = numbered.map(|(n, it)| line(&record(n, it))).collect();
    let place = Place::with(&lines);
    let report = place.replay(&["--same"]).unwrap();
    assert_eq!(report.exit(), Exit::Yes);
    assert_eq!(report.records.replayed, all.len());
}

#[test]
fn policies_that_say_the_same_are_not_the_ones_that_decided() {
    let place = Place::with(&lines()[..4]);
    place.edit("access.cedar", "// Who gets in", "// Who comes in");
    assert_eq!(place.replay(&[]).unwrap().exit(), Exit::Yes);
    let report = place.replay(&["--same"]).unwrap();
    assert_eq!(report.exit(), Exit::No);
    assert_eq!(report.by_kind.get(&Kind::OtherPolicies), Some(&4));
}

#[test]
fn a_record_without_its_question_proves_nothing() {
    let place = Place::with(&lines());
    assert_eq!(place.replay(&[]).unwrap().exit(), Exit::Yes);
    let report = place.replay(&["--same"]).unwrap();
    assert_eq!(report.exit(), Exit::No);
    assert_eq!(report.unreplayable, ["0000-0006"]);
}

#[test]
fn every_answer_that_is_another_one_is_told() {
    let place = Place::with(&lines());
    place.edit("entities.toml", "\"SG\"", "\"JP\"");
    let report = place.replay(&[]).unwrap();
    assert_eq!(report.exit(), Exit::No);
    insta::assert_snapshot!(place.short(&report::human(&report, Style::plain()), &report));
}

#[test]
fn a_comment_on_a_pull_request_has_tables() {
    let place = Place::with(&lines());
    place.edit("entities.toml", "\"SG\"", "\"JP\"");
    let report = place.replay(&["--list", "2"]).unwrap();
    insta::assert_snapshot!(place.short(&markdown::comment(&report), &report));
}

#[test]
fn without_another_answer_there_is_one_line_and_what_was_left_out() {
    insta::assert_snapshot!(human(&Place::with(&lines()), &[]));
}

#[test]
fn lines_that_are_no_records_are_told_with_their_places() {
    let mut broken = lines();
    broken.insert(1, "{\"reference\": \"7F3K-29QD\", \n".to_owned());
    broken.insert(3, "{\"level\":\"info\"}\n \n".to_owned());
    let place = Place::with(&broken);
    let report = place.replay(&[]).unwrap();
    assert_eq!(report.exit(), Exit::No);
    assert_eq!(report.records.malformed, 2);
    insta::assert_snapshot!(human(&place, &[]));
}

#[test]
fn a_step_up_that_asks_for_something_else_is_another_answer() {
    let place = Place::with(&lines()[1..2]);
    let condition = "context.device.managed }";
    place.edit(
        "access.cedar",
        condition,
        "context.device.managed && context.device.assignedTo.contains(principal) }",
    );
    let report = place.replay(&[]).unwrap();
    assert_eq!(report.by_kind.get(&Kind::OtherStepUp), Some(&1));
}

#[test]
fn a_permit_can_become_a_step_up() {
    let place = Place::with(&lines()[..1]);
    place.edit("access.cedar", "duration(\"7d\")", "duration(\"1h\")");
    let report = place.replay(&[]).unwrap();
    assert_eq!(report.by_kind.get(&Kind::NewlyStepUp), Some(&1));
}

#[test]
fn only_the_time_that_was_asked_for_counts() {
    let place = Place::with(&lines());
    let since = ["--since", "2026-11-24T09:02:00Z"];
    let until = ["--until", "2026-11-24T10:03:00+01:00"];
    let report = place.replay(&[since, until].concat()).unwrap();
    assert_eq!((report.records.replayed, report.records.outside), (1, 5));
}

#[test]
fn where_nothing_is_replayed_there_is_no_answer() {
    let report = Place::with(&[]).replay(&[]).unwrap();
    assert_eq!(report.exit(), Exit::Unanswered);
    assert!(report.summary().contains("no decision was replayed"));
}

#[test]
fn it_does_not_matter_which_thread_has_which_line() {
    let (each, mut many) = (lines(), Vec::new());
    for number in 0..200 {
        many.extend(each.clone());
        if number % 20 == 0 {
            many.push("broken\n".to_owned());
        }
    }
    let place = Place::with(&many);
    place.edit("entities.toml", "\"SG\"", "\"JP\"");
    let told = |threads: &str| {
        let report = place.replay(&["--threads", threads]).unwrap();
        serde_json::to_value(&report).unwrap()
    };
    let one = told("1");
    assert_eq!(one, told("4"));
    assert_eq!(one["records"]["replayed"], 800);
    assert_eq!(one["listed"].as_array().map(Vec::len), Some(20));
    assert_eq!(
        one["broken"][0]["place"]
            .as_str()
            .map(|it| it.ends_with("log:7")),
        Some(true)
    );
}

#[test]
fn a_machine_gets_both_answers() {
    let place = Place::with(&lines()[..1]);
    place.edit("entities.toml", "\"SG\"", "\"JP\"");
    let report = place.replay(&[]).unwrap();
    let document: Value = serde_json::to_value(&report).unwrap();
    assert_eq!(document["by_kind"]["newly-denied"], 1);
    let flip = &document["listed"][0];
    assert_eq!(flip["reference"], "0000-0001");
    assert_eq!(flip["recorded"]["outcome"], "permit");
    assert_eq!(flip["recorded"]["determining"][0], "workplace");
    assert_eq!(flip["now"]["because"], "no-permit");
    assert_eq!(document["by_policy"]["workplace"]["before"], 1);
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    let place = Place::with(&lines());
    place.write("policies/access.cedar", "nonsense");
    assert_eq!(place.replay(&[]).unwrap_err().exit(), Exit::Unanswered);
    let place = Place::with(&lines());
    let failure = place.replay(&["no/such/log"]).unwrap_err();
    assert_eq!(failure.exit(), Exit::Unanswered);
}
