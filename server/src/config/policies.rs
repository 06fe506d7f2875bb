//! `[policies]`: where the policy bundle lies.
//! What is in it is read by `reload` and judged by the engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, MINUTE, SECOND};
use super::findings::Findings;

/// The policy bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// The directory with policies, their data and their suites; it is read whole.
    pub directory: PathBuf,
    /// Whether the suites in the directory are run when policies are loaded: a case that is answered otherwise
    /// than expected keeps them out.
    pub run_suites: bool,
    /// Whether the guardrails in the directory are proved when policies are loaded: policies that break one are
    /// kept out. Without a solver they are not proved, which is a warning.
    pub prove_guardrails: bool,
    /// The solver: the program cvc5, by its path or by a name that is looked for in `PATH`.
    pub solver: PathBuf,
    /// How long the solver may take for one question. Of what takes longer it cannot be told whether it holds.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub solver_limit: Duration,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("policies"),
            run_suites: true,
            prove_guardrails: true,
            solver: PathBuf::from("cvc5"),
            solver_limit: Duration::from_secs(10),
        }
    }
}

impl Policies {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(&mut self.directory, base);
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        let limit = self.solver_limit;
        findings.check_duration("policies.solver_limit", limit, &(SECOND..=10 * MINUTE));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::accepted;

    #[test]
    fn suites_are_run_unless_the_operator_says_otherwise() {
        let run = |section: &str| accepted(section).policies.run_suites;
        assert!(run(""));
        assert!(run("[policies]\ndirectory = 'p'\n"));
        assert!(!run("[policies]\nrun_suites = false\n"));
    }
}
