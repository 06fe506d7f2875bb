//! Guardrails of the starter bundle, proved by the real solver; and what breaks them, found.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use doorward_analysis::{Proof, Solver, SolverError, prove};
use doorward_engine::{Guardrails, Offers, Outcome, PolicyBundle, SourceFile};

const ACCESS: &str = include_str!("../../policies/access.cedar");
const ENTITIES: &str = include_str!("../../policies/entities.toml");
const GUARDRAILS: &str = include_str!("../../policies/guardrails.cedar");

fn proofs(access: &str, entities: &str, guardrails: &str) -> Vec<(String, Proof)> {
    let files = [
        SourceFile::new("access.cedar", access),
        SourceFile::new("entities.toml", entities),
        SourceFile::new("guardrails.cedar", guardrails),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    let guardrails = Guardrails::load(&files).unwrap().unwrap();
    let proofs = prove(&bundle, &guardrails, &Solver::default()).unwrap();
    for proof in &proofs {
        if let Proof::Broken { example } = &proof.proof {
            // An example that the policies themselves confirm.
            assert!(guardrails.matching(example).contains(&proof.guardrail.id));
            let permitted = bundle.decide(example, Offers::none).outcome == Outcome::Permit;
            assert_eq!(
                permitted,
                proof.guardrail.effect == doorward_engine::PolicyEffect::Forbid
            );
        }
    }
    proofs
        .into_iter()
        .map(|proof| (proof.guardrail.id, proof.proof))
        .collect()
}

fn broken(proofs: &[(String, Proof)]) -> Vec<&str> {
    proofs
        .iter()
        .filter(|(_, proof)| matches!(proof, Proof::Broken { .. }))
        .map(|(id, _)| id.as_str())
        .collect()
}

fn unknown(proofs: &[(String, Proof)]) -> Vec<String> {
    proofs
        .iter()
        .filter_map(|(id, proof)| match proof {
            Proof::Unknown { why } => Some(format!("{id}: {why}")),
            _ => None,
        })
        .collect()
}

#[test]
fn the_starter_bundle_keeps_its_guardrails() {
    let proofs = proofs(ACCESS, ENTITIES, GUARDRAILS);
    assert_eq!(proofs.len(), 4);
    assert_eq!(broken(&proofs), [""; 0], "{proofs:?}");
    assert_eq!(unknown(&proofs), [""; 0]);
}

#[test]
fn a_dropped_condition_breaks_the_guardrail_that_names_it() {
    let access = ACCESS.replace(
        "when { context has device && context.device.managed }",
        "when { context has device }",
    );
    let proofs = proofs(&access, ENTITIES, GUARDRAILS);
    assert_eq!(
        broken(&proofs),
        ["nobody-from-an-unmanaged-device"],
        "{proofs:?}"
    );
    assert_eq!(unknown(&proofs), [""; 0]);
}

#[test]
fn a_wider_interval_and_a_new_forbid_break_theirs() {
    let access = ACCESS.replace("duration(\"7d\")", "duration(\"60d\")")
        + "@id(\"closed\") forbid (principal, action, resource == Application::\"wiki\") when { context.session.methods.contains(\"otp\") };";
    let proofs = proofs(&access, ENTITIES, GUARDRAILS);
    assert_eq!(
        broken(&proofs),
        [
            "a-password-within-thirty-days",
            "employees-are-not-locked-out-of-the-wiki"
        ],
        "{proofs:?}"
    );
}

#[test]
fn the_solver_is_told_what_is_in_which_region() {
    let guardrail = "@id(\"sg\") forbid (principal, action, resource) unless { context has country && context.country == Country::\"SG\" };";
    let holds = proofs(ACCESS, ENTITIES, guardrail);
    assert!(matches!(holds[0].1, Proof::Holds), "{holds:?}");
    let wider = ENTITIES.replace("countries = [\"SG\"]", "countries = [\"SG\", \"JP\"]");
    let broken = proofs(ACCESS, &wider, guardrail);
    let Proof::Broken { example } = &broken[0].1 else {
        panic!("{broken:?}");
    };
    assert_eq!(example.country.value().unwrap().as_str(), "JP");
}

#[test]
fn what_can_fail_is_not_said_to_hold() {
    let guardrail = "@id(\"since\") forbid (principal, action, resource) when { context.now.durationSince(datetime(\"1970-01-01\")) < duration(\"0ms\") };";
    let proofs = proofs(ACCESS, ENTITIES, guardrail);
    assert!(!matches!(proofs[0].1, Proof::Holds), "{proofs:?}");
}

#[test]
fn a_solver_that_is_not_there_is_said_to_be_missing() {
    let files = [
        SourceFile::new("access.cedar", ACCESS),
        SourceFile::new("entities.toml", ENTITIES),
        SourceFile::new("guardrails.cedar", GUARDRAILS),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    let guardrails = Guardrails::load(&files).unwrap().unwrap();
    let solver = Solver {
        program: PathBuf::from("/nonexistent/cvc5"),
        limit: Duration::from_secs(1),
    };
    let error = prove(&bundle, &guardrails, &solver).unwrap_err();
    assert!(matches!(error, SolverError::Missing { .. }), "{error}");
}
