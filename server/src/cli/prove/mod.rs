//! `doorward prove`: whether guardrails hold for all requests, and where one does not, a request that breaks
//! it. The proof is the analysis'; here is what the command is told, and how it answers.

mod report;

use std::path::PathBuf;
use std::time::Duration;

use doorward_analysis::{GuardrailProof, Proof, Solver, SolverError};
use doorward_engine::{BundleError, Guardrails, PolicyBundle, is_bundle_file, is_guardrail_file};

use super::render::{self, Form, Style, finding};
use super::revision::Place;
use super::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  doorward prove                               every guardrail below ./policies
  doorward prove --rev main                    as it was on another branch
  doorward prove --format markdown             for a comment on a pull request
  doorward prove --solver /opt/cvc5/bin/cvc5   another solver than the `cvc5` in PATH

Exit code: 0 every guardrail holds, 1 one is broken, or files are, 2 it could not be told";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory with policies, entity data and guardrails; it is read whole
    #[arg(value_name = "DIR", default_value = "policies")]
    directory: PathBuf,

    /// The revision of the directory's git repository; the files as they are, if it is left out
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,

    /// The solver: the program cvc5
    #[arg(long, value_name = "PROGRAM", env = "CVC5", default_value = "cvc5")]
    solver: PathBuf,

    /// How long the solver may take for one question
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    limit: Duration,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let place = Place::new(&args.directory, args.rev.clone());
    let files = place.read(|name| is_bundle_file(name) || is_guardrail_file(name))?;
    let loaded = PolicyBundle::load(&files.texts, None)
        .and_then(|bundle| Ok((bundle, Guardrails::load(&files.texts)?)));
    let (bundle, guardrails) = match loaded {
        Ok((bundle, Some(guardrails))) => (bundle, guardrails),
        Ok((_, None)) => return Err(no_guardrails(&place)),
        Err(error) => return broken(&error),
    };
    let solver = Solver {
        program: args.solver.clone(),
        limit: args.limit,
    };
    let proofs = doorward_analysis::prove(&bundle, &guardrails, &solver)
        .map_err(|error| no_solver(&error))?;
    let verdict = Verdict { bundle, proofs };
    let text = match args.format {
        Form::Human => report::human(&verdict, Style::stdout()),
        Form::Json => render::json(&report::document(&verdict))?,
        Form::Markdown => report::markdown(&verdict),
    };
    render::print(&text)?;
    Ok(verdict.exit())
}

/// What became of the guardrails of a bundle.
#[derive(Debug)]
struct Verdict {
    bundle: PolicyBundle,
    proofs: Vec<GuardrailProof>,
}

impl Verdict {
    fn exit(&self) -> Exit {
        let any = |wanted: fn(&Proof) -> bool| self.proofs.iter().any(|it| wanted(&it.proof));
        if any(|proof| matches!(proof, Proof::Broken { .. })) {
            Exit::No
        } else if any(|proof| matches!(proof, Proof::Unknown { .. })) {
            Exit::Unanswered
        } else {
            Exit::Yes
        }
    }
}

fn broken(error: &BundleError) -> Result<Exit, Failure> {
    let style = Style::stdout();
    let shown: Vec<String> = error
        .diagnostics
        .iter()
        .map(|found| finding::policy(found, style))
        .collect();
    render::print(&format!("{}\n", shown.join("\n")))?;
    Ok(Exit::No)
}

fn no_guardrails(place: &Place) -> Failure {
    Failure::new(format!("there are no guardrails in {}", place.shown())).with_help(
        "write them into `guardrails.cedar` beside the policies: what must never be permitted as `forbid`, what must never be refused as `permit`",
    )
}

fn no_solver(error: &SolverError) -> Failure {
    Failure::of(error).with_help(help(error))
}

/// What to do about a solver that cannot be used.
pub(super) fn help(error: &SolverError) -> &'static str {
    match error {
        SolverError::Missing { .. } => {
            "install cvc5 (`apt-get install cvc5` on Debian), or name the program with `--solver`"
        }
        SolverError::Policies(_) => "see whether `doorward check` finds anything",
    }
}

#[cfg(test)]
mod tests;
