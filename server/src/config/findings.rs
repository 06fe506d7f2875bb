//! What checks across a parsed file find, each finding at the key it is about.
//! Which checks there are is decided by the sections.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::duration;
use crate::domain::diagnostic::Diagnostic;

/// What the checks across a parsed file found, each finding at the key it is about.
#[derive(Debug)]
pub struct Findings<'a> {
    text: &'a str,
    file: &'a str,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    /// No findings yet about `file`, whose content is `text`.
    #[must_use]
    pub fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            text,
            file,
            diagnostics: Vec::new(),
        }
    }

    /// An error at the key or element that `path` names, for [`locate`].
    #[must_use]
    pub fn at(&self, path: &str, message: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.file, message.into());
        match locate(self.text, path) {
            Some(offset) => diagnostic.with_position(self.text, offset),
            None => diagnostic,
        }
    }

    /// Keeps a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Keeps an error at `path`, together with what to do about it.
    pub fn error(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        let diagnostic = self.at(path, message).with_help(help.into());
        self.push(diagnostic);
    }

    /// Keeps an error where the duration at `path` is not one of those `allowed`.
    pub fn check_duration(
        &mut self,
        path: &str,
        value: Duration,
        allowed: &RangeInclusive<Duration>,
    ) {
        if !allowed.contains(&value) {
            self.error(
                path,
                format!("`{}` is not accepted here", duration::shown(value)),
                format!(
                    "choose a duration from `{}` to `{}`",
                    duration::shown(*allowed.start()),
                    duration::shown(*allowed.end())
                ),
            );
        }
    }

    /// The value that was checked, if nothing was found.
    pub fn verdict<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        if self.diagnostics.is_empty() {
            Ok(value)
        } else {
            Err(self.diagnostics)
        }
    }
}

/// The byte offset of a key, or of an element of an array, given as a dotted path: `network.trusted_proxies.1`.
///
/// Where the end of the path is not written in the text, the nearest key above it is meant.
#[must_use]
pub fn locate(text: &str, path: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut steps = path.split('.');
    let (key, mut value) = document.get_ref().get_key_value(steps.next()?)?;
    let mut offset = key.span().start;
    for step in steps {
        let found = match value.get_ref() {
            DeValue::Table(table) => table
                .get_key_value(step)
                .map(|(key, inner)| (key.span().start, inner)),
            DeValue::Array(array) => step
                .parse::<usize>()
                .ok()
                .and_then(|index| array.get(index))
                .map(|inner| (inner.span().start, inner)),
            _ => None,
        };
        let Some((start, inner)) = found else {
            break;
        };
        offset = start;
        value = inner;
    }
    Some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[network]\ntrusted = ['a', 'b']\n";

    #[test]
    fn keys_and_elements_are_located_by_their_path() {
        assert_eq!(locate(TEXT, "network"), Some(1));
        assert_eq!(locate(TEXT, "network.trusted"), Some(10));
        assert_eq!(locate(TEXT, "network.trusted.1"), Some(26));
        assert_eq!(locate(TEXT, "network.absent"), Some(1));
        assert_eq!(locate(TEXT, "absent"), None);
    }

    #[test]
    fn a_finding_has_the_place_of_its_key() {
        let mut findings = Findings::new(TEXT, "a.toml");
        findings.error("network.trusted.1", "no", "choose another");
        let found = findings.verdict(()).unwrap_err();
        assert_eq!(found[0].to_string(), "a.toml:2:17: error: no");
        assert_eq!(found[0].help.as_deref(), Some("choose another"));
    }

    #[test]
    fn a_finding_about_a_key_that_is_not_written_has_no_place() {
        let finding = Findings::new(TEXT, "a.toml").at("absent.key", "no");
        assert_eq!(finding.to_string(), "a.toml: error: no");
    }

    #[test]
    fn without_findings_the_verdict_is_the_value() {
        let mut findings = Findings::new(TEXT, "a.toml");
        findings.check_duration(
            "network",
            duration::HOUR,
            &(duration::SECOND..=duration::DAY),
        );
        assert_eq!(findings.verdict(5), Ok(5));
    }

    #[test]
    fn a_duration_out_of_range_is_answered_with_the_range() {
        let mut findings = Findings::new(TEXT, "a.toml");
        findings.check_duration(
            "network",
            duration::YEAR,
            &(duration::SECOND..=duration::DAY),
        );
        let found = findings.verdict(()).unwrap_err();
        assert_eq!(found[0].message, "`365d` is not accepted here");
        assert_eq!(
            found[0].help.as_deref(),
            Some("choose a duration from `1s` to `1d`")
        );
    }
}
