//! What proofs look like.

use doorward_engine::SourceFile;

use super::*;

const ACCESS: &str = include_str!("../../../../policies/access.cedar");
const ENTITIES: &str = include_str!("../../../../policies/entities.toml");
const GUARDRAILS: &str = include_str!("../../../../policies/guardrails.cedar");

/// What the real solver says of the starter bundle with `access` for its policies.
fn verdict(access: &str) -> Verdict {
    let files = [
        SourceFile::new("policies/access.cedar", access),
        SourceFile::new("policies/entities.toml", ENTITIES),
        SourceFile::new("policies/guardrails.cedar", GUARDRAILS),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    let guardrails = Guardrails::load(&files).unwrap().unwrap();
    let proofs = doorward_analysis::prove(&bundle, &guardrails, &Solver::default()).unwrap();
    Verdict { bundle, proofs }
}

/// Examples differ from solver to solver; what does not is that there is one.
fn without_example(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.starts_with("    "));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_holds_is_one_line_each() {
    let verdict = verdict(ACCESS);
    assert_eq!(verdict.exit(), Exit::Yes);
    let text = report::human(&verdict, Style::plain());
    let revision = verdict.bundle.revision().short();
    insta::assert_snapshot!(text.replace(&revision, "[REVISION]"));
}

#[test]
fn what_is_broken_is_shown_with_a_request_that_breaks_it() {
    let verdict = verdict(&ACCESS.replace("\"7d\"", "\"60d\""));
    assert_eq!(verdict.exit(), Exit::No);
    let text = report::human(&verdict, Style::plain());
    assert!(text.contains("    password       entered "), "{text}");
    insta::assert_snapshot!(without_example(&text));
    let document = render::json(&report::document(&verdict)).unwrap();
    assert!(document.contains("\"answer\": \"permit\""), "{document}");
    let comment = report::markdown(&verdict);
    assert!(
        comment.contains("<summary>broken: a-password-within-thirty-days</summary>"),
        "{comment}"
    );
}

#[test]
fn a_proof_that_could_not_be_made_is_no_proof() {
    let mut verdict = verdict(ACCESS);
    verdict.proofs[0].proof = Proof::Unknown {
        why: "the solver gave up".to_owned(),
        found: false,
    };
    assert_eq!(verdict.exit(), Exit::Unanswered);
    let revision = verdict.bundle.revision().short();
    insta::assert_snapshot!(report::markdown(&verdict).replace(&revision, "[REVISION]"));
}
