//! Changes of the starter bundle, compared by the real solver.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use doorward_analysis::{Change, Comparison, KindComparison, Solver, Verdict, compare};
use doorward_engine::{Offers, Outcome, PolicyBundle, SourceFile, describe};

const ACCESS: &str = include_str!("../../policies/access.cedar");
const ENTITIES: &str = include_str!("../../policies/entities.toml");

fn bundle(access: &str, entities: &str, schema: Option<&str>) -> PolicyBundle {
    let mut files = vec![
        SourceFile::new("access.cedar", access),
        SourceFile::new("entities.toml", entities),
    ];
    files.extend(schema.map(|text| SourceFile::new("own.cedarschema", text)));
    PolicyBundle::load(&files, None).unwrap()
}

fn compared(old: &PolicyBundle, new: &PolicyBundle) -> Comparison {
    let comparison = compare(old, new, &Solver::default(), Duration::from_mins(2)).unwrap();
    let permits = |bundle: &PolicyBundle, request| {
        bundle.decide(request, Offers::none).outcome == Outcome::Permit
    };
    for kind in &comparison.kinds {
        if let Change::Example(request) = &kind.wider {
            assert!(!permits(old, request) && permits(new, request));
        }
        if let Change::Example(request) = &kind.stricter {
            assert!(permits(old, request) && !permits(new, request));
        }
    }
    comparison
}

/// The verdicts about the three actions, and the examples of the first.
fn told(old: &PolicyBundle, new: &PolicyBundle) -> (Vec<Verdict>, [String; 2]) {
    let comparison = compared(old, new);
    let verdicts = comparison
        .kinds
        .iter()
        .map(KindComparison::verdict)
        .collect();
    let words = |change: &Change| match change {
        Change::Never => "never".to_owned(),
        Change::Example(request) => describe(request),
        Change::Unknown(why) => format!("unknown: {why}"),
    };
    let first = &comparison.kinds[0];
    (verdicts, [words(&first.wider), words(&first.stricter)])
}

fn edited(from: &str, to: &str) -> (Vec<Verdict>, [String; 2]) {
    assert!(ACCESS.contains(from), "{from}");
    let old = bundle(ACCESS, ENTITIES, None);
    told(&old, &bundle(&ACCESS.replace(from, to), ENTITIES, None))
}

fn with_entities(from: &str, to: &str) -> (Vec<Verdict>, [String; 2]) {
    assert!(ENTITIES.contains(from), "{from}");
    let old = bundle(ACCESS, ENTITIES, None);
    told(&old, &bundle(ACCESS, &ENTITIES.replace(from, to), None))
}

/// The starter bundle says nothing about posture.
const fn signing_in(verdict: Verdict) -> [Verdict; 3] {
    [verdict, verdict, Verdict::Equivalent]
}

#[test]
fn what_permits_the_same_is_proved_to() {
    let (verdicts, _) = edited(
        "when { context has device && context.device.managed }",
        "when { context has device } when { !(!context.device.managed) }",
    );
    assert_eq!(verdicts, [Verdict::Equivalent; 3]);
}

#[test]
fn a_dropped_condition_is_wider_with_an_example_of_what_matters() {
    let (verdicts, examples) = edited(
        "when { context has device && context.device.managed }",
        "when { context has device }",
    );
    assert_eq!(verdicts, signing_in(Verdict::Wider), "{examples:?}");
    insta::assert_snapshot!(examples.join("\n"));
}

#[test]
fn a_shorter_interval_is_stricter() {
    let (verdicts, examples) = edited("duration(\"7d\")", "duration(\"3d\")");
    assert_eq!(verdicts, signing_in(Verdict::Stricter), "{examples:?}");
    insta::assert_snapshot!(examples.join("\n"));
}

#[test]
fn another_country_is_both() {
    let (verdicts, examples) = with_entities("countries = [\"SG\"]", "countries = [\"JP\"]");
    assert_eq!(verdicts, signing_in(Verdict::Both), "{examples:?}");
    insta::assert_snapshot!(examples.join("\n"));
}

#[test]
fn other_members_of_groups_networks_and_application_groups_are_other_answers() {
    let nested = ENTITIES.replace(
        "[group.employees]",
        "[group.employees]\n[group.interns]\nin = [\"employees\"]",
    );
    let old = bundle(ACCESS, ENTITIES, None);
    let (verdicts, examples) = told(&old, &bundle(ACCESS, &nested, None));
    assert_eq!(verdicts, signing_in(Verdict::Wider), "{examples:?}");
    let mut all = examples.to_vec();

    let access = ACCESS.replace("@mode(\"report-only\")", "");
    let old = bundle(&access, ENTITIES, None);
    let entities = ENTITIES.replace("203.0.113.0/26", "203.0.113.64/32");
    let (verdicts, examples) = told(&old, &bundle(&access, &entities, None));
    let only_sign_in = [Verdict::Both, Verdict::Equivalent, Verdict::Equivalent];
    assert_eq!(verdicts, only_sign_in, "{examples:?}");
    let [permitted, refused] = examples;
    assert!(refused.contains(", address 203.0.113."), "{refused}");
    all.push(permitted);

    let (verdicts, examples) = with_entities(
        "in = [\"workplace\", \"sensitive\"]",
        "in = [\"workplace\"]",
    );
    assert_eq!(verdicts, signing_in(Verdict::Wider), "{examples:?}");
    all.extend(examples);
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_range_in_halves_is_the_same_range() {
    let access = ACCESS.replace("@mode(\"report-only\")", "");
    let entities = ENTITIES.replace(
        "\"203.0.113.0/26\"",
        "\"203.0.113.0/27\", \"203.0.113.32/28\", \"203.0.113.48/28\"",
    );
    assert_ne!(entities, ENTITIES);
    let old = bundle(&access, ENTITIES, None);
    let (verdicts, examples) = told(&old, &bundle(&access, &entities, None));
    assert_eq!(verdicts, [Verdict::Equivalent; 3], "{examples:?}");
}

#[test]
fn a_policy_that_another_covers_makes_no_difference() {
    let narrow = "@id(\"narrow\") permit (principal in Group::\"employees\", action == Action::\"signIn\", resource == Application::\"wiki\")
        when { context has device && context.device.managed && context.device.diskEncrypted }
        when { context has country && context.country == Country::\"SG\" }
        when { context.session has passwordAge && context.session.passwordAge <= duration(\"1d\") };";
    let old = bundle(ACCESS, ENTITIES, None);
    let (verdicts, examples) = told(&old, &bundle(&format!("{ACCESS}{narrow}"), ENTITIES, None));
    assert_eq!(verdicts, [Verdict::Equivalent; 3], "{examples:?}");
}

#[test]
fn examples_have_the_attributes_that_the_organisation_added() {
    let schema = doorward_engine::BUILT_IN_SCHEMA.replace(
        "entity User in [Group] = {",
        "entity User in [Group] = {\n  level: Long,\n  tags: Set<String>,",
    );
    let policy = |level: u8| {
        let text = format!(
            "@id(\"level\") permit (principal, action, resource) when {{ principal.level >= {level} && principal.tags.contains(\"vip\") }};"
        );
        bundle(&text, "", Some(&schema))
    };
    let comparison = compared(&policy(3), &policy(2));
    let Change::Example(request) = &comparison.kinds[0].wider else {
        panic!("{comparison:?}");
    };
    assert_eq!(comparison.kinds[0].verdict(), Verdict::Wider);
    assert_eq!(
        request.user.attributes["level"],
        doorward_engine::AttributeValue::Long(2)
    );
}

#[test]
fn what_cannot_be_told_says_why() {
    let old = bundle(ACCESS, ENTITIES, None);
    let other = doorward_engine::BUILT_IN_SCHEMA
        .replace("email?: String,", "email?: String, level?: Long,");
    let (verdicts, examples) = told(&old, &bundle(ACCESS, ENTITIES, Some(&other)));
    assert_eq!(verdicts, [Verdict::Unknown; 3]);
    assert_eq!(
        examples,
        ["unknown: the schemas differ in what they mean"; 2]
    );

    // Cedar skips a forbid that fails, and we deny: what is proved of one is not true of the other.
    let failing = |bound: u8| {
        format!(
            "{ACCESS}@id(\"fails\") forbid (principal, action, resource) when {{ context has device && context.device has osVersion && context.device.osVersion * 2 > {bound} && false }};"
        )
    };
    let old = bundle(&failing(1), ENTITIES, None);
    let (verdicts, examples) = told(&old, &bundle(&failing(2), ENTITIES, None));
    assert_eq!(verdicts[0], Verdict::Unknown, "{examples:?}");
    assert_eq!(
        examples[0],
        "unknown: `fails` can fail where it is evaluated"
    );
}

#[test]
fn no_time_is_no_answer_and_no_solver_is_said() {
    let old = bundle(ACCESS, ENTITIES, None);
    let new = bundle(&ACCESS.replace("\"7d\"", "\"8d\""), ENTITIES, None);
    let comparison = compare(&old, &new, &Solver::default(), Duration::ZERO).unwrap();
    assert_eq!(comparison.kinds[0].verdict(), Verdict::Unknown);
    assert!(!comparison.proved());
    let absent = Solver {
        program: "no-such-solver".into(),
        ..Solver::default()
    };
    let error = compare(&old, &new, &absent, Duration::from_mins(1)).unwrap_err();
    assert!(error.to_string().contains("no-such-solver"), "{error}");
}
