//! The answer as a comment on a pull request: what it came to first, and the details folded.

use doorward_engine::Diagnostic;
use doorward_engine::suite::CaseResult;

use super::report::{self, errors};
use super::trial::{Measured, Trial, Verdict};
use crate::cli::render;
use crate::cli::render::machine::{self, Finding, cell};

/// A comment holds no more than 65 536 characters, and nobody reads as many: failures beyond these are counted.
const MOST: usize = 20;

pub(super) fn comment(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Broken(findings) => broken(findings),
        Verdict::Tried(trial) => tried(trial),
    }
}

fn broken(findings: &[Diagnostic]) -> String {
    let heading = format!("❌ Policies not tested: {}", errors(findings));
    let findings: Vec<Finding> = findings.iter().map(Finding::of_policies).collect();
    machine::markdown(&heading, &findings)
}

fn tried(trial: &Trial) -> String {
    let (mark, word) = if trial.is_fine() {
        ("✅", "passed")
    } else {
        ("❌", "failed")
    };
    let summary = report::summary(trial);
    let mut text = format!("### {mark} Policy tests {word}: {summary}\n");
    for case in trial.failures().take(MOST) {
        text += &failure(case);
    }
    text += &beyond(trial.failed(), "failure");
    text += &suites(trial);
    if let Some(measured) = &trial.coverage {
        text += &coverage(measured);
    }
    text
}

fn failure(case: &CaseResult) -> String {
    let summary = format!("{}: {}", case.name, case.failures.join("; "));
    folded(&format!("❌ {summary}"), &report::failure(case))
}

/// The suites line by line, folded: their sum stands in the heading.
fn suites(trial: &Trial) -> String {
    let lines: String = trial
        .suites
        .iter()
        .map(|suite| {
            let (cases, failed) = (suite.cases.len(), suite.failed());
            let name = cell(&format!("`{}`", suite.name.replace('`', "'")));
            format!("| {name} | {} | {failed} |\n", cases - failed)
        })
        .collect();
    format!(
        "\n<details>\n<summary>{}</summary>\n\n| suite | passed | failed |\n|---|---:|---:|\n{lines}\n</details>\n",
        render::count(trial.suites.len(), "suite"),
    )
}

fn coverage(measured: &Measured) -> String {
    folded(&report::percent(measured), &report::coverage(measured))
}

/// How many of something are not shown.
fn beyond(all: usize, thing: &str) -> String {
    match all.saturating_sub(MOST) {
        0 => String::new(),
        more => format!("\nand {}\n", render::count(more, &format!("more {thing}"))),
    }
}

/// A text as it stands, behind its summary.
fn folded(summary: &str, text: &str) -> String {
    let summary = html(&render::harmless_line(summary));
    let fence = fence(text);
    let text = text.trim_end();
    format!(
        "\n<details>\n<summary>{summary}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n"
    )
}

/// Backticks, more of them than stand together anywhere in the text.
fn fence(text: &str) -> String {
    let longest = text
        .split(|symbol| symbol != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    "`".repeat(3.max(longest + 1))
}

/// Text within a line of HTML, in which no Markdown begins.
fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_block() {
        let text = folded("a case", "before\n```\nafter");
        assert!(text.contains("\n````text\n"), "{text}");
        assert!(text.ends_with("\n````\n\n</details>\n"), "{text}");
    }

    #[test]
    fn a_name_makes_no_markup() {
        assert_eq!(html("<b> & *x*"), "&lt;b&gt; &amp; *x*");
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        assert_eq!(beyond(MOST, "failure"), "");
        assert_eq!(beyond(MOST + 2, "failure"), "\nand 2 more failures\n");
    }
}
