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
            Proof::Unknown { why, .. } => Some(format!("{id}: {why}")),
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
fn an_action_of_the_organisations_own_hides_no_break() {
    let schema = doorward_engine::BUILT_IN_SCHEMA.to_owned()
        + "\naction approve appliesTo { principal: User, resource: Application, context: Request };\n";
    let files = [
        SourceFile::new("access.cedar", ACCESS.replace("\"7d\"", "\"60d\"")),
        SourceFile::new("entities.toml", ENTITIES),
        SourceFile::new("guardrails.cedar", GUARDRAILS),
        SourceFile::new("own.cedarschema", schema),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    let guardrails = Guardrails::load(&files).unwrap().unwrap();
    let proofs = prove(&bundle, &guardrails, &Solver::default()).unwrap();
    let broken = proofs
        .iter()
        .filter(|it| matches!(it.proof, Proof::Broken { .. }));
    assert_eq!(broken.count(), 1, "{proofs:?}");
    let held = proofs.iter().filter(|it| matches!(it.proof, Proof::Holds));
    assert_eq!(held.count(), 3, "{proofs:?}");
}

#[test]
fn where_the_schema_requires_an_attribute_nobody_is_promised_entry() {
    let proofs = |access: String, level: &str| {
        let schema = doorward_engine::BUILT_IN_SCHEMA.replace(
            "entity Application in [ApplicationGroup];",
            &format!("entity Application in [ApplicationGroup] = {{ level: {level} }};"),
        );
        let files = [
            SourceFile::new("access.cedar", access),
            SourceFile::new("entities.toml", ENTITIES),
            SourceFile::new("guardrails.cedar", GUARDRAILS),
            SourceFile::new("own.cedarschema", schema),
        ];
        let bundle = PolicyBundle::load(&files, None).unwrap();
        let guardrails = Guardrails::load(&files).unwrap().unwrap();
        prove(&bundle, &guardrails, &Solver::default()).unwrap()
    };
    let kept = proofs(ACCESS.to_owned(), "Long");
    let Proof::Unknown { found: false, why } = &kept[3].proof else {
        panic!("{kept:?}");
    };
    assert!(why.contains("`level`"), "{why}");
    let wide = ACCESS.replace("\"7d\"", "\"60d\"");
    let shown = proofs(wide.clone(), "Long");
    let Proof::Broken { example } = &shown[2].proof else {
        panic!("{shown:?}");
    };
    assert!(example.application.attributes.contains_key("level"));
    // What the solver finds counts, although no request of ours shows it: files have no values of this type.
    let wide = proofs(wide, "{ at: Long }");
    assert!(
        matches!(wide[2].proof, Proof::Unknown { found: true, .. }),
        "{wide:?}"
    );
}

#[test]
fn networks_of_many_ranges_and_of_mapped_ones_are_told_to_the_solver() {
    use std::fmt::Write as _;
    let mut entities = ENTITIES.to_owned() + "[network.cloud]\nranges = [\"::ffff:10.0.0.0/104\"";
    for number in 0..300 {
        let _ = write!(entities, ", \"10.{}.{}.0/25\"", number / 200, number % 200);
    }
    entities.push_str("]\n");
    let guardrail = "@id(\"cloud\") forbid (principal, action, resource) when { context has network && context.network in Network::\"cloud\" } unless { context has device };";
    let proofs = proofs(ACCESS, &entities, guardrail);
    assert!(matches!(proofs[0].1, Proof::Holds), "{proofs:?}");
}

#[test]
fn a_guardrail_has_no_mode() {
    let files = [
        SourceFile::new("access.cedar", ACCESS),
        SourceFile::new("entities.toml", ENTITIES),
        SourceFile::new(
            "guardrails.cedar",
            "@id(\"a\") @mode(\"report-only\") forbid (principal, action, resource);",
        ),
    ];
    let error = Guardrails::load(&files).unwrap_err();
    assert!(
        error.diagnostics[0].message.contains("has no mode"),
        "{error:?}"
    );
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
