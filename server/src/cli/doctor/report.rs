//! What checks came to: for a person, a machine, a pipeline. What was checked is left to the other files here.

use std::fmt::Write as _;

use clap::ValueEnum;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use super::check::{Check, Verdict};
use crate::cli::render::{self, Style, Tone, count, harmless_line};
use crate::cli::{Exit, Failure};

/// For whom the doctor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Form {
    /// A person
    #[default]
    Human,
    /// A machine, which gets JSON
    Json,
    /// A pipeline, which gets JUnit's XML
    Junit,
}

/// The checks of one command, in their order.
#[derive(Debug)]
pub(super) struct Report {
    /// The command.
    pub(super) command: &'static str,
    /// What it has checked.
    pub(super) checks: Vec<Check>,
}

impl Report {
    /// Prints the report, and says how the command ends.
    pub(super) fn tell(&self, form: Form) -> Result<Exit, Failure> {
        let text = match form {
            Form::Human => self.human(Style::stdout()),
            Form::Json => render::json(&self.document())?,
            Form::Junit => self.junit()?,
        };
        render::print(&text)?;
        Ok(self.exit())
    }

    /// No, as soon as anything is bad or doubtful.
    pub(super) fn exit(&self) -> Exit {
        let wrong = [Verdict::Bad, Verdict::Doubtful].map(|verdict| self.number(verdict));
        if wrong == [0, 0] { Exit::Yes } else { Exit::No }
    }

    /// A line for each check, and below it what else was found and what to do.
    fn human(&self, style: Style) -> String {
        let width = self.checks.iter().map(|check| check.id.len()).max();
        let width = width.unwrap_or_default();
        let mut text = String::new();
        for check in &self.checks {
            let (word, tone) = word(check.verdict);
            let mut lines = check.finding.lines().map(harmless_line);
            let first = lines.next().unwrap_or_default();
            // INVARIANT: writing into a string cannot fail.
            let _ = writeln!(
                text,
                "{}  {:width$}  {first}",
                style.paint(tone, &format!("{word:11}")),
                check.id,
            );
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
            for line in check.fix.iter().flat_map(|fix| fix.lines()) {
                let label = style.paint(Tone::Strong, "fix:");
                let _ = writeln!(text, "  {label} {}", harmless_line(line));
            }
        }
        let _ = writeln!(text, "\n{}", self.summary());
        text
    }

    fn summary(&self) -> String {
        let all = count(self.checks.len(), "check");
        let parts: Vec<String> = [Verdict::Bad, Verdict::Doubtful, Verdict::NotChecked]
            .into_iter()
            .map(|verdict| (self.number(verdict), word(verdict).0))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        let rest = parts.join(", ");
        match (self.exit(), rest.is_empty()) {
            (Exit::Yes, true) => format!("healthy: {all}"),
            (Exit::Yes, false) => format!("healthy: {all}, {rest}"),
            _ => format!("look here: of {all} {rest}"),
        }
    }

    fn number(&self, verdict: Verdict) -> usize {
        let checks = self.checks.iter();
        checks.filter(|check| check.verdict == verdict).count()
    }

    fn document(&self) -> Document<'_> {
        Document {
            ok: self.exit() == Exit::Yes,
            counts: Counts {
                good: self.number(Verdict::Good),
                bad: self.number(Verdict::Bad),
                doubtful: self.number(Verdict::Doubtful),
                not_checked: self.number(Verdict::NotChecked),
            },
            checks: &self.checks,
        }
    }

    /// A case for each check: what is bad or doubtful has failed, what was not checked was skipped.
    fn junit(&self) -> Result<String, Failure> {
        let mut suite = TestSuite::new(self.command);
        suite.add_test_cases(self.checks.iter().map(|check| {
            let mut case = TestCase::new(check.id, status(check));
            case.set_classname(self.command);
            case
        }));
        let mut report = quick_junit::Report::new(self.command);
        report.add_test_suite(suite);
        report.to_string().map_err(|error| Failure::of(&error))
    }
}

fn word(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Good => ("good", Tone::Good),
        Verdict::Bad => ("bad", Tone::Bad),
        Verdict::Doubtful => ("doubtful", Tone::Doubtful),
        Verdict::NotChecked => ("not checked", Tone::Quiet),
    }
}

fn status(check: &Check) -> TestCaseStatus {
    let mut status = match check.verdict {
        Verdict::Good => return TestCaseStatus::success(),
        Verdict::Bad | Verdict::Doubtful => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::NotChecked => TestCaseStatus::skipped(),
    };
    status.set_message(harmless_line(&check.finding));
    if check.verdict != Verdict::NotChecked {
        status.set_type(word(check.verdict).0);
        let fix = check.fix.as_deref().unwrap_or_default();
        status.set_description(format!("{}\n{fix}", check.finding).trim_end());
    }
    status
}

/// The answer for a machine.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// Whether nothing is bad or doubtful.
    ok: bool,
    counts: Counts,
    checks: &'a [Check],
}

#[derive(Debug, Serialize)]
struct Counts {
    good: usize,
    bad: usize,
    doubtful: usize,
    not_checked: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            command: "doorward doctor config",
            checks: vec![
                Check::good("config.file", "`doorward.toml` can be used"),
                Check::bad(
                    "config.users",
                    "users.toml:1:1: error: no\nusers.toml:2:1: \u{1b}[2J",
                )
                .with_fix("write it otherwise"),
                Check::doubtful("config.geoip", "no database is configured").with_fix("one\ntwo"),
                Check::not_checked("config.tls", "a proxy terminates TLS"),
            ],
        }
    }

    fn of(check: Check) -> Report {
        Report {
            command: "doorward doctor config",
            checks: vec![check],
        }
    }

    #[test]
    fn a_person_gets_a_line_for_each_check() {
        insta::assert_snapshot!(report().human(Style::plain()));
    }

    #[test]
    fn verdicts_have_colours() {
        let text = report().human(Style::coloured());
        assert!(text.contains("\u{1b}[31mbad"), "{text}");
        assert!(text.contains("\u{1b}[33mdoubtful"), "{text}");
        assert!(!text.contains("\u{1b}[2J"), "{text}");
    }

    #[test]
    fn a_machine_gets_all_of_it() {
        insta::assert_snapshot!(render::json(&report().document()).unwrap());
    }

    #[test]
    fn a_pipeline_gets_a_case_for_each_check() {
        insta::assert_snapshot!(report().junit().unwrap());
    }

    #[test]
    fn what_is_bad_or_doubtful_makes_it_a_no() {
        assert_eq!(of(Check::good("a", "")).exit(), Exit::Yes);
        assert_eq!(of(Check::not_checked("a", "")).exit(), Exit::Yes);
        assert_eq!(of(Check::bad("a", "")).exit(), Exit::No);
        assert_eq!(of(Check::doubtful("a", "")).exit(), Exit::No);
    }

    #[test]
    fn the_last_line_counts() {
        assert_eq!(of(Check::good("a", "")).summary(), "healthy: 1 check");
        let skipped = of(Check::not_checked("a", "")).summary();
        assert_eq!(skipped, "healthy: 1 check, 1 not checked");
        let all = report().summary();
        assert_eq!(
            all,
            "look here: of 4 checks 1 bad, 1 doubtful, 1 not checked"
        );
    }
}
