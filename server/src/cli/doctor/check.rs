//! One check: its name, what it came to, what was found, and what to do about it. What is checked is left to the
//! other files here.

use serde::Serialize;

use crate::domain::diagnostic::{Diagnostic, Severity};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// It does not work.
    Bad,
    /// It works, and somebody should look at it.
    Doubtful,
    /// It could not be told, or there is nothing to tell.
    NotChecked,
}

/// One check that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// Its name, which has a row in the documents.
    pub(super) id: &'static str,
    /// What it came to.
    pub(super) verdict: Verdict,
    /// What was found; a line for each thing.
    pub(super) finding: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Check {
    /// Nothing to do.
    pub(super) fn good(id: &'static str, finding: impl Into<String>) -> Self {
        Self::new(id, Verdict::Good, finding.into())
    }

    /// Something that does not work.
    pub(super) fn bad(id: &'static str, finding: impl Into<String>) -> Self {
        Self::new(id, Verdict::Bad, finding.into())
    }

    /// Something to look at.
    pub(super) fn doubtful(id: &'static str, finding: impl Into<String>) -> Self {
        Self::new(id, Verdict::Doubtful, finding.into())
    }

    /// Nothing is known, for this reason.
    pub(super) fn not_checked(id: &'static str, why: impl Into<String>) -> Self {
        Self::new(id, Verdict::NotChecked, why.into())
    }

    /// What files have to say: without a word, all is as in `good`.
    pub(super) fn of(id: &'static str, said: &[Diagnostic], good: impl Into<String>) -> Self {
        let broken = said.iter().any(|it| it.severity == Severity::Error);
        let verdict = match (said.is_empty(), broken) {
            (true, _) => return Self::good(id, good),
            (false, true) => Verdict::Bad,
            (false, false) => Verdict::Doubtful,
        };
        let lines: Vec<String> = said.iter().map(ToString::to_string).collect();
        let mut fixes: Vec<&str> = said.iter().filter_map(|it| it.help.as_deref()).collect();
        fixes.dedup();
        let check = Self::new(id, verdict, lines.join("\n"));
        if fixes.is_empty() {
            check
        } else {
            check.with_fix(fixes.join("\n"))
        }
    }

    /// With what to do about it.
    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    fn new(id: &'static str, verdict: Verdict, finding: String) -> Self {
        Self {
            id,
            verdict,
            finding,
            fix: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_say_nothing_are_good() {
        let check = Check::of("config.users", &[], "2 users");
        assert_eq!(check, Check::good("config.users", "2 users"));
    }

    #[test]
    fn warnings_are_doubtful_and_an_error_is_bad() {
        let warning = Diagnostic::warning("users.toml", "look").with_help("do");
        let error = Diagnostic::error("users.toml", "no").with_help("do");
        let doubtful = Check::of("config.users", std::slice::from_ref(&warning), "");
        assert_eq!(doubtful.verdict, Verdict::Doubtful);
        let bad = Check::of("config.users", &[warning, error], "");
        assert_eq!(bad.verdict, Verdict::Bad);
        assert_eq!(
            bad.finding,
            "users.toml: warning: look\nusers.toml: error: no"
        );
        assert_eq!(bad.fix.as_deref(), Some("do"));
    }
}
