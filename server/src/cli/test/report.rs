//! The answer for a person: a line for each suite, each failure with its place and its explanation, what
//! no case has tried, and one line that says it all.

use doorward_engine::suite::{CaseResult, PolicyCoverage, Seen};
use doorward_engine::{Diagnostic, Severity};

use super::trial::{Measured, Trial, Tried, Verdict};
use crate::cli::render::record::{outcome, place};
use crate::cli::render::{self, Style, Tone, count, finding, request};

/// Columns of the labels on the left.
const LABEL: usize = 15;

/// Everything, ending with a line break.
pub(super) fn verdict(verdict: &Verdict, style: Style) -> String {
    match verdict {
        Verdict::Broken(findings) => broken(findings, style),
        Verdict::Tried(trial) => tried(trial, style),
    }
}

fn broken(findings: &[Diagnostic], style: Style) -> String {
    let mut text = String::new();
    for found in findings {
        text.push_str(&finding::policy(found, style));
        text.push('\n');
    }
    let word = style.paint(Tone::Bad, "not tested");
    text + &format!("{word}: {}\n", errors(findings))
}

/// How many errors there are among the findings.
pub(super) fn errors(findings: &[Diagnostic]) -> String {
    let errors = findings
        .iter()
        .filter(|found| found.severity == Severity::Error);
    count(errors.count(), "error")
}

fn tried(trial: &Trial, style: Style) -> String {
    let mut page = Page::new(style);
    for suite in &trial.suites {
        page.suite(suite);
    }
    for case in trial.failures() {
        page.line("");
        page.failure(case);
    }
    if let Some(measured) = &trial.coverage {
        page.line("");
        page.coverage(measured);
    }
    page.line("");
    page.summary(trial);
    page.text
}

/// A failed case on its own, without colours: for reports of other forms.
pub(super) fn failure(case: &CaseResult) -> String {
    let mut page = Page::new(Style::plain());
    page.details(&harmless(case));
    page.text
}

/// What was tried of each policy, without colours: for reports of other forms.
pub(super) fn coverage(measured: &Measured) -> String {
    let mut page = Page::new(Style::plain());
    page.policies(measured);
    page.text
}

/// The last line: what it came to.
pub(super) fn summary(trial: &Trial) -> String {
    let cases = count(trial.cases(), "case");
    let suites = count(trial.suites.len(), "suite");
    let tried = match trial.failed() {
        0 => format!("{cases} in {suites}"),
        failed => format!("{failed} of {cases} in {suites}"),
    };
    match &trial.coverage {
        None => tried,
        Some(measured) => format!("{tried}, {}", percent(measured)),
    }
}

/// The coverage in words, with the minimum where that is not reached.
pub(super) fn percent(measured: &Measured) -> String {
    let reached = format!("coverage {} %", measured.percent);
    match measured.minimum {
        Some(minimum) if !measured.is_enough() => {
            format!("{reached}, below the minimum of {minimum} %")
        }
        _ => reached,
    }
}

/// The text as it grows.
struct Page {
    style: Style,
    text: String,
}

impl Page {
    fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn entry(&mut self, label: &str, value: &str) {
        let label = self.style.paint(Tone::Quiet, &format!("{label:<LABEL$}"));
        self.line(&format!("  {label}{value}"));
    }

    fn word(&self, passed: bool) -> String {
        if passed {
            self.style.paint(Tone::Good, "passed")
        } else {
            self.style.paint(Tone::Bad, "failed")
        }
    }

    fn suite(&mut self, suite: &Tried) {
        let (all, failed) = (count(suite.cases.len(), "case"), suite.failed());
        let counts = if failed == 0 {
            all
        } else {
            format!("{failed} of {all}")
        };
        let word = self.word(failed == 0);
        let name = render::harmless_line(&suite.name);
        self.line(&format!("{word}  {name}  {counts}"));
    }

    fn failure(&mut self, case: &CaseResult) {
        let case = harmless(case);
        let name = self.style.paint(Tone::Strong, &case.name);
        self.line(&format!("{}  {name}", self.word(false)));
        self.details(&case);
    }

    fn details(&mut self, case: &CaseResult) {
        let origin = &case.origin;
        self.line(&format!("  {}:{}", origin.file, origin.line));
        for wrong in &case.failures {
            let wrong = self.style.paint(Tone::Bad, wrong);
            self.line(&format!("  {wrong}"));
        }
        for (label, value) in request::words(&case.request) {
            self.entry(label, &value);
        }
        let (words, tone) = outcome(&case.decision.outcome);
        let words = self.style.paint(tone, &words);
        self.entry("answer", &words);
        for policy in &case.decision.determining {
            self.entry("decided by", &format!("{}  {}", policy.id, place(policy)));
        }
        if let Some(explanation) = &case.explanation {
            for line in render::explanation(explanation, self.style) {
                self.line(&format!("  {line}"));
            }
        }
    }

    fn coverage(&mut self, measured: &Measured) {
        let title = self.style.paint(Tone::Strong, "Coverage");
        self.line(&title);
        self.policies(measured);
    }

    fn policies(&mut self, measured: &Measured) {
        for policy in &measured.coverage.policies {
            self.policy(policy);
        }
    }

    fn policy(&mut self, covered: &PolicyCoverage) {
        let covered = render::harmless(covered);
        let gaps = gaps(&covered);
        let (word, tone) = match (gaps.is_empty(), covered.scope.yes) {
            (true, _) => ("covered", Tone::Good),
            (false, 0) => ("untried", Tone::Bad),
            (false, _) => ("partly ", Tone::Doubtful),
        };
        let word = self.style.paint(tone, word);
        let policy = &covered.policy;
        self.line(&format!("  {word}  {}  {}", policy.id, place(policy)));
        for (what, words) in gaps {
            let what = self.style.paint(Tone::Quiet, &format!("{what:<11}"));
            self.line(&format!("    {what}  {words}"));
        }
    }

    fn summary(&mut self, trial: &Trial) {
        let word = self.word(trial.is_fine());
        self.line(&format!("{word}: {}", summary(trial)));
    }
}

/// What of a policy was not seen both ways, in words.
fn gaps(covered: &PolicyCoverage) -> Vec<(&'static str, String)> {
    // Where the head is open to everything, no request can be outside of it.
    let head = missing(covered.scope).filter(|_| !covered.open || covered.scope.yes == 0);
    let head = head.map(|what| (what, "its head: principal, action and resource".to_owned()));
    let conditions = covered
        .conditions
        .iter()
        .filter_map(|condition| Some((missing(condition.seen)?, condition.words.clone())));
    head.into_iter().chain(conditions).collect()
}

/// How something was never seen.
fn missing(seen: Seen) -> Option<&'static str> {
    match (seen.yes, seen.no) {
        (0, 0) => Some("never seen"),
        (0, _) => Some("never true"),
        (_, 0) => Some("never false"),
        (_, _) => None,
    }
}

/// The case with each of its texts on one line.
fn harmless(case: &CaseResult) -> CaseResult {
    let mut case = case.clone();
    case.suite = render::harmless_line(&case.suite);
    case.name = render::harmless_line(&case.name);
    case.origin = render::harmless(&case.origin);
    case.request = render::harmless(&case.request);
    case.decision = render::harmless(&case.decision);
    case.failures = render::harmless(&case.failures);
    case.explanation = render::harmless(&case.explanation);
    case
}
