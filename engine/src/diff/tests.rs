//! Edits of the starter bundle that somebody could make: each that changes an answer is shown by a question that
//! both bundles confirm, and each that changes none is said to change none.

use super::*;
use crate::tests::{load, starter};
use crate::{Device, Fact, User, describe};

/// More than any of these edits needs.
const PLENTY: usize = 100_000;

const ACCESS: &str = include_str!("../../../policies/access.cedar");
const ENTITIES: &str = include_str!("../../../policies/entities.toml");

/// The starter bundle with one text for another.
fn edited(from: &str, to: &str) -> PolicyBundle {
    let change = |text: &str| text.replacen(from, to, 1);
    let (access, entities) = (change(ACCESS), change(ENTITIES));
    assert!(access != ACCESS || entities != ENTITIES, "{from}");
    bundle(&access, &entities)
}

fn bundle(access: &str, entities: &str) -> PolicyBundle {
    load(&[
        ("policies/access.cedar", access),
        ("policies/entities.toml", entities),
    ])
    .unwrap()
}

const MANAGED: &str = "when { context has device && context.device.managed }";
const ENCRYPTED: &str = "when { context.device.diskEncrypted }\n";
const OWN: &str = "unless { context has device && context.device.assignedTo.contains(principal) };";
const DAILY: &str = "context.session.passwordAge <= duration(\"12h\")";

/// What is edited, and what comes of it.
const CHANGES: [(&str, &str, &str, FlipKind); 12] = [
    (
        "a dropped condition",
        ENCRYPTED,
        "",
        FlipKind::NewlyPermitted,
    ),
    (
        "a way around the country",
        "context.country in Region::\"home\" }\n// The password",
        "context.country in Region::\"home\" || true }\n// The password",
        FlipKind::NewlyPermitted,
    ),
    (
        "a condition that anything meets",
        "when { context.device.diskEncrypted }",
        "when { context.device.diskEncrypted || context.device.managed }",
        FlipKind::NewlyPermitted,
    ),
    (
        "another country",
        "countries = [\"SG\"]",
        "countries = [\"DE\"]",
        FlipKind::NewlyDenied,
    ),
    (
        "one more country",
        "countries = [\"SG\"]",
        "countries = [\"AE\", \"SG\"]",
        FlipKind::NewlyPermitted,
    ),
    (
        "a wider group",
        "principal in Group::\"employees\",                  // a user of this group",
        "principal,",
        FlipKind::NewlyPermitted,
    ),
    (
        "a shorter interval",
        "passwordAge <= duration(\"7d\")",
        "passwordAge <= duration(\"1d\")",
        FlipKind::NewlyStepUp,
    ),
    (
        "a bound that moved by a millisecond",
        DAILY,
        "context.session.passwordAge < duration(\"12h\")",
        FlipKind::NewlyStepUp,
    ),
    (
        "`unless` that became `when`",
        OWN,
        "when { context has device && context.device.assignedTo.contains(principal) };",
        FlipKind::NewlyDenied,
    ),
    (
        "an application that left its group",
        "in = [\"workplace\", \"sensitive\"]",
        "in = [\"workplace\"]",
        FlipKind::NewlyPermitted,
    ),
    (
        "a trial that begins to decide",
        "@mode(\"report-only\")\n",
        "",
        FlipKind::NewlyDenied,
    ),
    (
        "another action",
        "action == Action::\"signIn\",  // only where somebody signs in",
        "action == Action::\"refresh\",",
        FlipKind::NewlyPermitted,
    ),
];

#[test]
fn each_change_is_shown_by_a_question_that_both_bundles_confirm() {
    let old = starter();
    for (what, from, to, kind) in CHANGES {
        let new = edited(from, to);
        assert!(structure(&old, &new).touches_behaviour(), "{what}");
        let data = representatives(&old, &new, PLENTY);
        assert!(data.every && !data.cut, "{what}: {data:?}");
        let found = data.flips.iter().find(|flip| flip.kind == kind);
        let kinds: Vec<FlipKind> = data.flips.iter().map(|flip| flip.kind).collect();
        assert!(found.is_some(), "{what}: {kinds:?}");
        for flip in &data.flips {
            let answer = |bundle: &PolicyBundle| {
                let decision = bundle.decide(&flip.request, Offers::none);
                decision.outcome == Outcome::Permit
            };
            assert_ne!(
                answer(&old),
                answer(&new),
                "{what}: {}",
                describe(&flip.request)
            );
        }
    }
}

#[test]
fn the_contrary_change_is_shown_as_well() {
    let new = starter();
    for (what, from, to, _) in CHANGES {
        let data = representatives(&edited(from, to), &new, PLENTY);
        assert!(!data.flips.is_empty(), "{what}");
    }
}

#[test]
fn a_forbid_that_was_removed_permits() {
    let at = ACCESS
        .find("// Sensitive applications open only on a device")
        .unwrap();
    let end = ACCESS
        .find("// Sensitive applications ask for the password")
        .unwrap();
    let without = format!("{}{}", &ACCESS[..at], &ACCESS[end..]);
    let data = representatives(&starter(), &bundle(&without, ENTITIES), PLENTY);
    assert!(
        data.flips
            .iter()
            .all(|flip| flip.kind == FlipKind::NewlyPermitted)
    );
    assert!(
        data.flips
            .iter()
            .all(|flip| flip.request.application.id == "payroll")
    );
    assert!(!data.flips.is_empty());
}

/// Edits that change no answer.
fn refactorings() -> Vec<(&'static str, PolicyBundle)> {
    let laid_out = crate::format(&crate::SourceFile::new("a.cedar", ACCESS)).unwrap();
    let policies: Vec<&str> = ACCESS.split("\n\n").collect();
    let reordered: Vec<&str> = policies.iter().rev().copied().collect();
    let joined = format!("{MANAGED}\n// Its disk is encrypted.\n{ENCRYPTED}");
    vec![
        ("comments", edited("// Its disk is encrypted.\n", "")),
        ("layout", bundle(&laid_out.replace("    ", "  "), ENTITIES)),
        ("order", bundle(&reordered.join("\n\n"), ENTITIES)),
        (
            "names",
            edited("@id(\"workplace\")", "@id(\"employees-at-work\")"),
        ),
        (
            "texts",
            edited("Enter your password again.", "Sign in again."),
        ),
        (
            "joined conditions",
            edited(
                &joined,
                "when { context has device && context.device.managed && context.device.diskEncrypted }\n",
            ),
        ),
        (
            "a trial",
            edited("Network::\"offices\" };", "Network::\"headquarters\" };"),
        ),
        (
            "an application that nobody speaks of",
            edited(
                "[application.payroll]",
                "[application.desk]\n[application.payroll]",
            ),
        ),
    ]
}

#[test]
fn refactorings_touch_nothing() {
    let old = starter();
    for (what, new) in refactorings() {
        assert_ne!(old.revision(), new.revision(), "{what}");
        assert!(!structure(&old, &new).touches_behaviour(), "{what}");
        let data = representatives(&old, &new, PLENTY);
        assert_eq!(
            (data.asked, data.flips.len(), data.every),
            (0, 0, true),
            "{what}"
        );
    }
}

#[test]
fn conditions_that_were_extracted_are_asked_for_and_found_alike() {
    let old = starter();
    let edits = [
        // What an application's group says, as a condition.
        (
            "    resource in ApplicationGroup::\"workplace\"         // to an application of this group\n)",
            "    resource\n)\nwhen { resource in ApplicationGroup::\"workplace\" }",
        ),
        (DAILY, "!(context.session.passwordAge > duration(\"720m\"))"),
        (
            "context.device.assignedTo.contains(principal) };",
            "(context.device.assignedTo.contains(principal) || false) };",
        ),
    ];
    for (from, to) in edits {
        let new = edited(from, to);
        assert!(structure(&old, &new).touches_behaviour(), "{to}");
        let data = representatives(&old, &new, PLENTY);
        assert!(data.asked > 0 && data.every, "{to}: {}", data.asked);
        assert!(data.flips.is_empty(), "{to}: {}", data.flips.len());
    }
}

#[test]
fn fewer_questions_than_there_are_prove_nothing() {
    let new = edited(DAILY, "!(context.session.passwordAge > duration(\"720m\"))");
    let data = representatives(&starter(), &new, 20);
    assert!(data.cut && !data.every);
    assert!(data.asked <= 20, "{}", data.asked);
}

#[test]
fn what_is_more_than_a_comparison_proves_nothing() {
    let new = edited(
        "when { context.device.diskEncrypted }",
        "when { context.device.diskEncrypted || context.now < datetime(\"2020-01-01\") }",
    );
    assert!(!representatives(&starter(), &new, PLENTY).every);
}

#[test]
fn the_parts_that_changed_are_told_in_words() {
    let old = starter();
    let mut lines: Vec<String> = Vec::new();
    for (what, from, to, _) in CHANGES {
        let structure = structure(&old, &edited(from, to));
        lines.push(what.to_owned());
        for changed in &structure.changed {
            let id = &changed.new.id;
            let parts = changed.parts.iter();
            lines.extend(parts.map(|part| format!("  {id}: {}", part.words)));
        }
        lines.extend(structure.entities.iter().map(|words| format!("  {words}")));
    }
    let text = lines.join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn what_moved_or_was_renamed_is_not_new() {
    let old = starter();
    let all = refactorings();
    let (what, renamed) = &all[3];
    assert_eq!(*what, "names");
    let structure = structure(&old, renamed);
    assert!(structure.added.is_empty() && structure.removed.is_empty());
    let names: Vec<(&str, &str)> = structure
        .renamed
        .iter()
        .map(|it| (it.old.id.as_str(), it.new.id.as_str()))
        .collect();
    assert_eq!(names, [("workplace", "employees-at-work")]);

    let elsewhere = load(&[
        ("policies/b.cedar", ACCESS),
        ("policies/entities.toml", ENTITIES),
    ]);
    let structure = super::structure(&old, &elsewhere.unwrap());
    assert_eq!(structure.moved.len(), 4);
    assert!(structure.changed.is_empty() && !structure.touches_behaviour());
}

#[test]
fn the_same_bundle_has_no_difference() {
    assert!(structure(&starter(), &starter()).is_empty());
}

/// Somebody with one good laptop.
fn person(name: &str, groups: &[&str]) -> Person {
    let laptop = crate::tests::laptop();
    Person {
        name: name.to_owned(),
        user: User {
            id: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            email: None,
            attributes: std::collections::BTreeMap::new(),
        },
        devices: vec![Device {
            id: format!("laptop of {name}"),
            disk_encryption: Fact::unknown("never reported", "inventory"),
            assigned_to: [name.to_owned()].into(),
            ..laptop
        }],
    }
}

#[test]
fn people_whom_no_policy_tells_apart_are_asked_for_together() {
    let new = edited(ENCRYPTED, "");
    let all = [
        person("ana", &["employees"]),
        person("bo", &["employees"]),
        person("cem", &[]),
    ];
    let data = people(&starter(), &new, all.into_iter(), PLENTY);
    assert!(!data.every && !data.cut);
    assert!(!data.flips.is_empty());
    for flip in &data.flips {
        assert_eq!(flip.kind, FlipKind::NewlyPermitted);
        assert_eq!(&flip.people[..], ["ana", "bo"]);
        assert_eq!(flip.request.user.id, "ana");
    }
}

#[test]
fn whatever_is_asked_keeps_its_name() {
    let request = crate::tests::ana_to("wiki");
    let new = edited("countries = [\"SG\"]", "countries = [\"DE\"]");
    let question = (Some("Ana at home".to_owned()), request, Offers::none());
    let data = ask(&starter(), &new, std::iter::once(question));
    assert_eq!(data.asked, 1);
    assert_eq!(data.flips[0].kind, FlipKind::NewlyDenied);
    assert_eq!(data.flips[0].name.as_deref(), Some("Ana at home"));
}
