//! `doorward replay`: recorded decisions, asked again of a bundle. Lines come from `stream`, several threads answer
//! them in `work`, `compare` tells how an answer differs, `tally` counts, and the rest says what there was.

mod compare;
#[cfg(test)]
pub(super) mod fixtures;
mod line;
mod markdown;
mod report;
mod stream;
mod tally;
mod work;

use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use doorward_engine::is_bundle_file;

use self::line::Line;
pub(super) use self::line::Recorded;
use self::report::Report;
use self::stream::Log;
use self::work::Task;
use super::render::progress::Progress;
use super::render::{self, Form, Style};
use super::revision::Place;
use super::whatif::instant;
use super::{Exit, Failure};
use crate::access;
use crate::domain::clock::Timestamp;

const EXAMPLES: &str = "\
Examples:
  doorward replay /var/log/doorward/decisions.jsonl    whose answer would be another one?
  doorward replay decisions.jsonl --rev main           with the policies of a branch
  zcat decisions.*.gz | doorward replay --since 2026-11-01T00:00:00Z
  doorward replay decisions.jsonl --list 0 --format markdown
  doorward replay decisions.jsonl --same               do the records hold all that decided?

Exit code: 0 no answer is another one, 1 some are, or lines are broken, 2 nothing was replayed";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Decision logs; standard input where `-` is given, or nothing
    #[arg(value_name = "LOG", default_value = "-")]
    logs: Vec<PathBuf>,

    /// The directory with the policies
    #[arg(long, value_name = "DIR", default_value = "policies")]
    policies: PathBuf,

    /// The revision of the git repository at which the policies are read: a branch, a tag, a commit
    #[arg(long, value_name = "REV")]
    rev: Option<String>,

    /// Replay only what was decided at this time or later, as in `2026-11-24T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = instant)]
    since: Option<Timestamp>,

    /// Replay only what was decided before this time
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,

    /// How many of the decisions with another answer are listed
    #[arg(long, value_name = "N", default_value_t = 20)]
    list: usize,

    /// Take the policies for those that decided, and expect the same answer for the same reasons
    #[arg(long)]
    same: bool,

    /// How many threads decide; as many as there are cores, where it is left out
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let report = replayed(args)?;
    let text = match args.format {
        Form::Human => report::human(&report, Style::stdout()),
        Form::Json => render::json(&report)?,
        Form::Markdown => markdown::comment(&report),
    };
    render::print(&text)?;
    Ok(report.exit())
}

/// What a log holds besides decisions that can be asked for again.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    /// Decisions without their questions.
    pub(super) unreplayable: usize,
    /// Lines that are no records.
    pub(super) broken: usize,
}

/// Reads each decision of a log that can be asked for again, in the order of the lines.
pub(super) fn decisions(log: &Path, mut each: impl FnMut(Recorded)) -> Result<Skipped, Failure> {
    let mut skipped = Skipped::default();
    let mut log = Log::open(log)?;
    let progress = Progress::of_bytes(stream::size(std::slice::from_ref(&log)));
    log.read(0, |batch| {
        for (_, text) in batch.lines() {
            match text.map(|text| Line::read(text, None, None)) {
                Some(Line::Decided(recorded)) => each(*recorded),
                Some(Line::Unreplayable(_)) => skipped.unreplayable += 1,
                Some(Line::Undecided | Line::Outside | Line::Blank) => {}
                Some(Line::Malformed(_)) | None => skipped.broken += 1,
            }
        }
        progress.advance(batch.read);
        true
    })?;
    progress.finish();
    Ok(skipped)
}

fn replayed(args: &Args) -> Result<Report, Failure> {
    let place = Place::new(&args.policies, args.rev.clone());
    let files = place.read(is_bundle_file)?;
    let bundle = access::bundle(&files.texts).map_err(Failure::Files)?;
    let mut logs = args
        .logs
        .iter()
        .map(|path| Log::open(path))
        .collect::<Result<Vec<Log>, Failure>>()?;
    if logs.iter().any(Log::is_standard_input) && io::stdin().is_terminal() {
        let failure = Failure::new("there is no decision log to replay");
        return Err(failure.with_help("name the file, or send its lines to standard input"));
    }
    let threads = args
        .threads
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let progress = Progress::of_bytes(stream::size(&logs));
    let task = Task {
        bundle: &bundle,
        since: args.since,
        until: args.until,
        same: args.same,
        most: args.list,
    };
    let tally = work::run(&task, &mut logs, threads, &progress);
    progress.finish();
    Ok(Report::of(tally?, place.shown(), files.commit, &task))
}

#[cfg(test)]
mod tests;
