//! `doorward diff`: what a change of policies changes, in the text and in the answers. Both sides are read by
//! `sides`, asked in `comparison`, told to a solver by `proof`, and what came of it is put into words by `report`.

mod answers;
mod comparison;
mod entries;
mod human;
mod json;
mod markdown;
mod proof;
mod records;
mod report;
mod sides;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, ValueEnum};

use self::comparison::Comparison;
use self::report::Report;
use super::render::{self, Form, Style};
use super::{Exit, Failure};
use crate::domain::clock::SystemClock;

const EXAMPLES: &str = "\
Examples:
  doorward diff main policies                  what does my change do?
  doorward diff v1.4 v1.5                      between two revisions of this repository
  doorward diff old/policies new/policies      between two directories
  doorward diff main policies --users users.toml --devices devices.toml --names
  doorward diff main policies --log decisions.jsonl
  doorward diff main HEAD --format markdown    for a comment on a pull request
  doorward diff main HEAD --proof always       no answer, unless a solver can be asked

Exit code: 0 no change in behaviour was found, 1 there is one, 2 they cannot be compared";

/// Whose suites are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Suites {
    /// Those of both sides
    #[default]
    Both,
    /// Those of NEW
    New,
    /// None
    None,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("whom").args(["users", "log"]).multiple(true)))]
pub(super) struct Args {
    /// The policies as they were: a directory, or a revision of the git repository
    #[arg(value_name = "OLD")]
    old: String,

    /// The policies as they are to be: a directory, or a revision of the git repository
    #[arg(value_name = "NEW")]
    new: String,

    /// The directory with the policies, for revisions
    #[arg(long, value_name = "DIR", default_value = "policies")]
    policies: PathBuf,

    /// Whose suites are asked as well
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t)]
    suites: Suites,

    /// A users file: the change is tried out on everybody in it
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,

    /// An inventory with the devices of these users
    #[arg(long, value_name = "FILE", requires = "users")]
    devices: Option<PathBuf>,

    /// A decision log, whose questions are asked again; may be given several times
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,

    /// Names the people of the users file and of the logs for whom an answer changes
    #[arg(long, requires = "whom")]
    names: bool,

    /// Most questions that are made up, and most that are asked about people
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000)]
    most: usize,

    /// Whether a solver is asked to prove what changes and what does not
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    proof: proof::Wanted,

    /// The solver: the program cvc5
    #[arg(long, value_name = "PROGRAM", env = "CVC5", default_value = "cvc5")]
    solver: PathBuf,

    /// How long the solver may take for one question
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    limit: Duration,

    /// How long the solver may be asked in all
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    within: Duration,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let comparison = Comparison::of(args, &SystemClock)?;
    let report = Report::of(&comparison);
    let text = match args.format {
        Form::Human => human::text(&report, Style::stdout()),
        Form::Json => render::json(&json::document(&comparison, &report))?,
        Form::Markdown => markdown::comment(&report),
    };
    render::print(&text)?;
    Ok(comparison.exit())
}
