//! The solver: which program, how long it may take for one question, and how it is started.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use cedar_policy_symcc::CedarSymCompiler;
use cedar_policy_symcc::solver::LocalSolver;
use tokio::process::Command;

use crate::asking::apart;

/// How the solver is run.
#[derive(Debug, Clone)]
pub struct Solver {
    /// The program, by its path or by a name that is looked for in `PATH`.
    pub program: PathBuf,
    /// How long it may take for one question; then the answer is "could not tell".
    pub limit: Duration,
}

impl Default for Solver {
    /// `cvc5`, 10 seconds a question.
    fn default() -> Self {
        Self {
            program: PathBuf::from("cvc5"),
            limit: Duration::from_secs(10),
        }
    }
}

/// The solver cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SolverError {
    /// It does not start.
    #[error("the solver `{program}` cannot be started: {why}")]
    Missing {
        /// The program.
        program: String,
        /// Why.
        why: String,
    },
    /// The policies cannot be told to it.
    #[error("the policies cannot be told to the solver: {0}")]
    Policies(String),
}

impl Solver {
    /// Whether it can be started at all.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn is_there(&self) -> Result<(), SolverError> {
        apart(vec![()], async |()| self.start().map(drop))?
            .into_iter()
            .collect()
    }

    /// A solver that waits for questions, and that ends with its owner.
    pub(crate) fn start(&self) -> Result<CedarSymCompiler<LocalSolver>, SolverError> {
        let missing = |why: String| SolverError::Missing {
            program: self.program.display().to_string(),
            why,
        };
        let mut command = Command::new(&self.program);
        // A limit for each question: one for the life of the process would count its idle time too.
        command
            .args(["--lang", "smt"])
            .arg(format!("--tlimit-per={}", self.limit.as_millis()))
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let solver =
            LocalSolver::from_command(&mut command).map_err(|error| missing(cause(&error)))?;
        CedarSymCompiler::new(solver).map_err(|error| missing(cause(&error)))
    }
}

/// What lies at the bottom of an error: those above it say nothing of the program.
fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}
