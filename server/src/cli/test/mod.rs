//! `doorward test`: whether the policies in a directory answer as its suites expect, and what no case
//! has tried. Cases are run by the engine; here is what the command is told, and in which form it answers.

mod json;
mod junit;
mod markdown;
mod report;
mod trial;
mod watch;

use std::path::PathBuf;

use clap::ValueEnum;

use self::trial::Verdict;
use super::render::{self, Style};
use super::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  doorward test                                every suite below ./policies
  doorward test --watch                        again after each change, while you write
  doorward test --filter payroll               cases and suites with `payroll` in their name
  doorward test --min-coverage 90              what no case has tried counts as well
  doorward test --format junit > tests.xml     for the pipeline of a policy repository

Exit code: 0 all is as expected, 1 it is not, or files are broken, 2 nothing was tested";

/// For whom the command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// A person
    #[default]
    Human,
    /// A machine, which gets JSON
    Json,
    /// A pipeline, which gets JUnit's XML
    Junit,
    /// A comment on a pull request
    Markdown,
}

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory with policies, entity data and suites; it is read whole
    #[arg(value_name = "DIR", default_value = "policies")]
    directory: PathBuf,

    /// A suite to run instead of every `*.suite.toml` below DIR; may be given several times
    #[arg(long = "suite", value_name = "FILE")]
    suites: Vec<PathBuf>,

    /// Run only cases with this text in their name, or in that of their suite
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Tell as well which conditions no case has seen hold, or fail
    #[arg(long)]
    coverage: bool,

    /// The coverage below which the answer is no; it is told as well
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    min_coverage: Option<u32>,

    /// A GeoIP database for places that give an address and no country; may be given several times
    #[arg(long, value_name = "FILE")]
    geoip: Vec<PathBuf>,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// Run again after each change of a file, until it is interrupted
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.watch {
        return once(args);
    }
    if args.format != Form::Human {
        return Err(
            Failure::new("`--watch` is for people, who get no other format than `human`")
                .with_help("leave out `--watch` or `--format`"),
        );
    }
    watch::run(args)
}

/// Reads, runs and answers.
fn once(args: &Args) -> Result<Exit, Failure> {
    let verdict = trial::examine(args)?;
    render::print(&shown(&verdict, args.format)?)?;
    Ok(verdict.exit())
}

fn shown(verdict: &Verdict, form: Form) -> Result<String, Failure> {
    match form {
        Form::Human => Ok(report::verdict(verdict, Style::stdout())),
        Form::Json => render::json(&json::document(verdict)),
        Form::Junit => junit::xml(verdict),
        Form::Markdown => Ok(markdown::comment(verdict)),
    }
}

#[cfg(test)]
mod tests;
