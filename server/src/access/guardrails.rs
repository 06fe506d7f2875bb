//! The guardrails beside the policies, which a bundle has to keep before it goes live: read with it, and
//! proved for all requests where there is a solver. Without one they are not proved, and that is said.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_analysis::{GuardrailProof, Proof, Solver, SolverError};
use doorward_engine::{Guardrails, PolicyBundle, describe, is_bundle_file, is_guardrail_file};

use super::policies::{plain, texts};
use crate::domain::diagnostic::{Diagnostic, Severity};

/// The names of the findings, for machines.
const BROKEN: &str = "broken-guardrail";
const UNPROVED: &str = "unproved-guardrail";

/// Reads the guardrails among these files, none if there are none, or says all that is wrong with them.
pub(super) fn read(
    files: &BTreeMap<String, Arc<[u8]>>,
) -> Result<Option<Guardrails>, Vec<Diagnostic>> {
    if !files.keys().any(|name| is_guardrail_file(name)) {
        return Ok(None);
    }
    let files = texts(files, |name| {
        is_bundle_file(name) || is_guardrail_file(name)
    })?;
    Guardrails::load(&files).map_err(|error| error.diagnostics.iter().map(plain).collect())
}

/// Whether the bundle keeps them: warnings about those of which it cannot be told, or an error for each that
/// it breaks.
pub(super) fn keep(
    guardrails: &Guardrails,
    bundle: &PolicyBundle,
    solver: &Solver,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let proofs = match doorward_analysis::prove(bundle, guardrails, solver) {
        Ok(proofs) => proofs,
        Err(error) => return Ok(vec![unproved(guardrails, &error)]),
    };
    let mut broken: Vec<Diagnostic> = proofs.iter().filter_map(broken).collect();
    // What the solver found counts, even where it could not be shown: a time-out does not.
    let suspect = proofs
        .iter()
        .filter(|it| matches!(it.proof, Proof::Unknown { found: true, .. }));
    broken.extend(suspect.filter_map(untold).map(|finding| Diagnostic {
        severity: Severity::Error,
        ..finding
    }));
    if broken.is_empty() {
        Ok(proofs.iter().filter_map(untold).collect())
    } else {
        Err(broken)
    }
}

fn broken(proof: &GuardrailProof) -> Option<Diagnostic> {
    let Proof::Broken { example } = &proof.proof else {
        return None;
    };
    let message = format!(
        "the policies break the guardrail `{}`: {}",
        proof.guardrail.id,
        describe(example)
    );
    let help = "mend the policies or the guardrail: `doorward prove` shows how the policies answer that request";
    Some(
        at(
            proof,
            Diagnostic::error(&*proof.guardrail.origin.file, message),
        )
        .with_code(BROKEN)
        .with_help(help),
    )
}

fn untold(proof: &GuardrailProof) -> Option<Diagnostic> {
    let Proof::Unknown { why, .. } = &proof.proof else {
        return None;
    };
    let message = format!(
        "the guardrail `{}` is not proved: {why}",
        proof.guardrail.id
    );
    Some(
        at(
            proof,
            Diagnostic::warning(&*proof.guardrail.origin.file, message),
        )
        .with_code(UNPROVED),
    )
}

fn at(proof: &GuardrailProof, finding: Diagnostic) -> Diagnostic {
    Diagnostic {
        line: Some(proof.guardrail.origin.line),
        column: Some(proof.guardrail.origin.column),
        ..finding
    }
}

fn unproved(guardrails: &Guardrails, error: &SolverError) -> Diagnostic {
    let all = guardrails.all();
    let file = all
        .first()
        .map_or("guardrails.cedar", |(first, _)| first.origin.file.as_str());
    Diagnostic::warning(file, format!("the guardrails are not proved: {error}"))
        .with_code(UNPROVED)
        .with_help("install cvc5, name it with `solver` in `[policies]`, or say `prove_guardrails = false`")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;
    use crate::access::PolicySource;
    use crate::domain::clock::Timestamp;
    use crate::reload::{Built, Snapshot, Source as _};

    const NOW: Timestamp = DateTime::UNIX_EPOCH;

    const GUARDRAIL: &str = "@id(\"home\") @reason(\"Only from Singapore.\") forbid (principal, action, resource)\n\
                             unless { context has country && context.country == Country::\"SG\" };\n";

    fn build(solver: &str, country: &str) -> Result<Built<PolicyBundle>, Vec<Diagnostic>> {
        let source = PolicySource {
            directory: PathBuf::from("policies"),
            run_suites: true,
            solver: Some(Solver {
                program: PathBuf::from(solver),
                limit: Duration::from_secs(10),
            }),
        };
        let policies = format!(
            "@id(\"in\") @reason(\"From there.\") permit (principal, action, resource)\n\
             when {{ context has country && context.country == Country::\"{country}\" }};\n"
        );
        let files = [
            ("access.cedar", policies.as_str()),
            ("guardrails.cedar", GUARDRAIL),
        ];
        source.build(&Snapshot::of(files), None, NOW)
    }

    #[test]
    fn policies_that_keep_the_guardrails_are_taken() {
        let built = build("cvc5", "SG").unwrap();
        assert!(built.warnings.is_empty(), "{:?}", built.warnings);
        assert_eq!(built.value.policies().len(), 1);
    }

    #[test]
    fn policies_that_break_one_are_kept_out_with_a_request_that_shows_it() {
        let wrong = build("cvc5", "JP").unwrap_err();
        let [finding] = wrong.as_slice() else {
            panic!("{wrong:?}");
        };
        assert_eq!(
            (finding.file.as_str(), finding.line),
            ("guardrails.cedar", Some(1))
        );
        assert_eq!(finding.code.as_deref(), Some(BROKEN));
        let message = &finding.message;
        assert!(
            message.starts_with("the policies break the guardrail `home`: "),
            "{message}"
        );
        assert!(message.contains("from Japan"), "{message}");
    }

    #[test]
    fn without_a_solver_the_policies_are_taken_and_the_lack_of_proof_is_said() {
        let built = build("/nonexistent/cvc5", "JP").unwrap();
        let [warning] = built.warnings.as_slice() else {
            panic!("{:?}", built.warnings);
        };
        assert_eq!(warning.code.as_deref(), Some(UNPROVED));
        assert!(
            warning.message.contains("are not proved"),
            "{}",
            warning.message
        );
    }

    #[test]
    fn a_guardrail_with_a_mistake_keeps_the_policies_out() {
        let source = PolicySource {
            directory: PathBuf::from("policies"),
            run_suites: true,
            solver: None,
        };
        let files = [
            (
                "access.cedar",
                "@id(\"a\") permit (principal, action, resource);",
            ),
            (
                "guardrails.cedar",
                "@id(\"b\") forbid (principal, action, resource) when { context.nothing };",
            ),
        ];
        let wrong = source.build(&Snapshot::of(files), None, NOW).unwrap_err();
        assert_eq!(wrong[0].file, "guardrails.cedar");
    }
}
