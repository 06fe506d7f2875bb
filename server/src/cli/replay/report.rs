//! What came out, as data for machines, and for a person: how many answers are other ones, whose, by which policies,
//! and the first of them one by one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use doorward_engine::Revision;
use serde::Serialize;

use super::compare::{Answer, Flip, Kind};
use super::tally::{Counts, Tally, Turns};
use super::work::Task;
use crate::cli::Exit;
use crate::cli::render::record::outcome;
use crate::cli::render::{Style, Tone, count, harmless_line};

/// Most rows of a table for a person; a machine gets all of them.
const MOST_ROWS: usize = 20;
/// Columns that a name takes at least.
const NAME: usize = 24;
/// What stands for the groups of somebody who is in none.
const NO_GROUP: &str = "(no group)";

/// Everything that there is to say.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Where the policies were read.
    pub(super) policies: String,
    /// The commit that they were read from.
    pub(super) commit: Option<String>,
    pub(super) revision: Revision,
    /// Whether the answers had to be the same for the same reasons.
    pub(super) same: bool,
    pub(super) records: Counts,
    /// How many decisions have another answer.
    pub(super) flips: usize,
    pub(super) by_kind: BTreeMap<Kind, usize>,
    pub(super) by_application: BTreeMap<String, usize>,
    pub(super) by_group: BTreeMap<String, usize>,
    pub(super) by_policy: BTreeMap<String, Turns>,
    /// The first of the decisions with another answer.
    pub(super) listed: Vec<Flip>,
    /// The first lines that are no record.
    pub(super) broken: Vec<Broken>,
    /// The first decisions whose records hold no question.
    pub(super) unreplayable: Vec<String>,
}

/// A line that is no record.
#[derive(Debug, Serialize)]
pub(super) struct Broken {
    /// The log, and the line.
    pub(super) place: String,
    pub(super) problem: String,
}

impl Report {
    pub(super) fn of(
        tally: Tally,
        policies: String,
        commit: Option<String>,
        task: &Task<'_>,
    ) -> Self {
        let broken = tally.broken.into_values().into_iter();
        Self {
            policies,
            commit,
            revision: task.bundle.revision(),
            same: task.same,
            records: tally.counts,
            flips: tally.kinds.values().sum(),
            by_kind: tally.kinds,
            by_application: tally.applications,
            by_group: tally.groups,
            by_policy: tally.policies,
            listed: tally.flips.into_values(),
            broken: broken
                .map(|(place, problem)| Broken { place, problem })
                .collect(),
            unreplayable: tally.unreplayable.into_values(),
        }
    }

    /// Where nothing was replayed, there is no answer.
    pub(super) fn exit(&self) -> Exit {
        match self.records.replayed {
            0 => Exit::Unanswered,
            _ if self.is_fine() => Exit::Yes,
            _ => Exit::No,
        }
    }

    fn is_fine(&self) -> bool {
        let whole = !self.same || self.records.unreplayable == 0;
        self.flips == 0 && self.records.malformed == 0 && whole
    }

    /// What it came to, in one line.
    pub(super) fn summary(&self) -> String {
        let all = count(self.records.replayed, "decision");
        let what = match (self.records.replayed, self.flips, self.same) {
            (0, _, _) => "no decision was replayed".to_owned(),
            (_, 0, false) => format!("{all} replayed, none with another answer"),
            (_, 0, true) => format!("{all} replayed, each answered the same for the same reasons"),
            (_, flips, false) => format!("{flips} of {all} with another answer"),
            (_, flips, true) => format!("{flips} of {all} not answered the same"),
        };
        let broken = match self.records.malformed {
            0 => String::new(),
            lines => format!(", {} broken", count(lines, "line")),
        };
        what + &broken
    }

    /// The policies in words.
    pub(super) fn policies(&self) -> String {
        let commit = self.commit.as_deref().unwrap_or_default();
        let commit: String = commit.chars().take(12).collect();
        let at = if commit.is_empty() { "" } else { " " };
        let (place, revision) = (harmless_line(&self.policies), self.revision.short());
        format!("{place}{at}{commit}, revision {revision}")
    }

    /// What was not asked again, and why; and what was asked with less than there had been.
    pub(super) fn notes(&self) -> Vec<String> {
        let records = &self.records;
        let mut notes = Vec::new();
        if records.undecided > 0 {
            let requests = count(records.undecided, "request");
            notes.push(format!("{requests} that ended before a decision"));
        }
        if records.outside > 0 {
            notes.push(format!(
                "{} of another time",
                count(records.outside, "record")
            ));
        }
        if records.unreplayable > 0 {
            let decisions = count(records.unreplayable, "decision");
            let which = harmless_line(&self.unreplayable.join(", "));
            let more = records.unreplayable.saturating_sub(self.unreplayable.len());
            let which = match (self.unreplayable.len(), more) {
                (0, _) => String::new(),
                (_, 0) => format!(": {which}"),
                (_, more) => format!(": {which} and {more} more"),
            };
            notes.push(format!(
                "not replayable: {decisions} of an older version that recorded no question{which}"
            ));
        }
        if records.in_part > 0 {
            let decisions = count(records.in_part, "decision");
            notes.push(format!(
                "{decisions} with some of the devices that were on offer, not all"
            ));
        }
        notes
    }
}

/// The report for a person. It ends with a line break.
pub(super) fn human(report: &Report, style: Style) -> String {
    let mut page = Page {
        style,
        text: String::new(),
    };
    page.sums(report);
    page.list(report);
    page.broken(report);
    page.end(report);
    page.text
}

/// The text as it grows.
struct Page {
    style: Style,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        let title = self.style.paint(Tone::Strong, title);
        if !self.text.is_empty() {
            self.line("");
        }
        self.line(&title);
    }

    fn sums(&mut self, report: &Report) {
        if report.flips == 0 {
            return;
        }
        self.heading("Another answer, by kind");
        for (kind, number) in &report.by_kind {
            self.line(&format!("  {:<NAME$}  {number}", kind.words()));
        }
        self.table("By application", &report.by_application);
        self.table("By group of the user", &report.by_group);
        if report.by_policy.is_empty() {
            return;
        }
        self.heading("By policy, which causes only one of the two answers");
        let (rows, more) = by_policy(report);
        for (id, turns) in rows {
            self.line(&format!(
                "  {id:<NAME$}  {} before, {} now",
                turns.before, turns.now
            ));
        }
        self.more(more);
    }

    fn table(&mut self, title: &str, numbers: &BTreeMap<String, usize>) {
        self.heading(title);
        let (rows, more) = most(numbers);
        for (name, number) in rows {
            self.line(&format!("  {name:<NAME$}  {number}"));
        }
        self.more(more);
    }

    fn more(&mut self, more: usize) {
        if more > 0 {
            self.line(&format!("  and {more} more"));
        }
    }

    fn list(&mut self, report: &Report) {
        if report.listed.is_empty() {
            return;
        }
        self.heading("Decisions");
        for flip in &report.listed {
            self.flip(flip);
        }
        self.more(report.flips - report.listed.len());
    }

    fn flip(&mut self, flip: &Flip) {
        let line = format!(
            "  {}  {}  {}  {}  {}",
            self.style.paint(Tone::Strong, &flip.reference.to_string()),
            self.style.paint(tone(flip.kind), flip.kind.words()),
            flip.at.format("%Y-%m-%d %H:%M:%S UTC"),
            who(flip),
            self.style.paint(Tone::Quiet, &harmless_line(&flip.place)),
        );
        self.line(&line);
        for (label, answer) in [("recorded", &flip.recorded), ("now", &flip.now)] {
            let label = self.style.paint(Tone::Quiet, &format!("{label:<10}"));
            self.line(&format!("    {label}{}", answered(answer)));
        }
    }

    fn broken(&mut self, report: &Report) {
        if report.broken.is_empty() {
            return;
        }
        self.heading("Broken lines");
        for broken in &report.broken {
            let (place, problem) = (harmless_line(&broken.place), harmless_line(&broken.problem));
            self.line(&format!("  {place}  {problem}"));
        }
        self.more(report.records.malformed - report.broken.len());
    }

    fn end(&mut self, report: &Report) {
        if !self.text.is_empty() {
            self.line("");
        }
        for note in report.notes() {
            let note = self.style.paint(Tone::Quiet, &note);
            self.line(&note);
        }
        let (word, tone) = match report.exit() {
            Exit::Yes => ("same", Tone::Good),
            Exit::No if report.flips > 0 => ("changed", Tone::Bad),
            Exit::No => ("incomplete", Tone::Bad),
            Exit::Unanswered => ("nothing", Tone::Doubtful),
        };
        let word = self.style.paint(tone, word);
        // INVARIANT: writing into a string cannot fail.
        let _ = writeln!(
            self.text,
            "{word}: {} ({})",
            report.summary(),
            report.policies()
        );
    }
}

/// The rows that count most, made harmless, and how many there are besides.
pub(super) fn most(numbers: &BTreeMap<String, usize>) -> (Vec<(String, usize)>, usize) {
    let mut rows: Vec<(&str, usize)> = numbers
        .iter()
        .map(|(name, number)| (name.as_str(), *number))
        .collect();
    rows.sort_by_key(|(name, number)| (usize::MAX - number, *name));
    let more = rows.len().saturating_sub(MOST_ROWS);
    let shown = rows.into_iter().take(MOST_ROWS).map(|(name, number)| {
        let name = if name.is_empty() { NO_GROUP } else { name };
        (harmless_line(name), number)
    });
    (shown.collect(), more)
}

/// The same of policies.
pub(super) fn by_policy(report: &Report) -> (Vec<(String, Turns)>, usize) {
    let mut rows: Vec<(&str, Turns)> = report
        .by_policy
        .iter()
        .map(|(id, turns)| (id.as_str(), *turns))
        .collect();
    rows.sort_by_key(|(id, turns)| (usize::MAX - turns.before.max(turns.now), *id));
    let more = rows.len().saturating_sub(MOST_ROWS);
    let shown = rows.into_iter().take(MOST_ROWS);
    (
        shown
            .map(|(id, turns)| (harmless_line(id), turns))
            .collect(),
        more,
    )
}

/// Who asked for what.
pub(super) fn who(flip: &Flip) -> String {
    let user = flip.username.as_deref().unwrap_or(&flip.user);
    harmless_line(&format!("{user} → {}", flip.application))
}

/// An answer in words, with the policies that caused it.
pub(super) fn answered(answer: &Answer) -> String {
    let (words, _) = outcome(&answer.outcome);
    let policies = if answer.determining.is_empty() {
        String::new()
    } else {
        format!(" ({})", answer.determining.join(", "))
    };
    harmless_line(&(words + &policies))
}

fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::NewlyPermitted | Kind::NewlyDenied => Tone::Bad,
        Kind::NewlyStepUp | Kind::OtherStepUp | Kind::OtherReason | Kind::OtherPolicies => {
            Tone::Doubtful
        }
    }
}
