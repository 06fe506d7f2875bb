//! The suites beside the policies, which a bundle has to pass before it goes live: read with it, run against
//! it, and each case that is answered otherwise reported like any other fault of the files.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use doorward_engine::suite::{self, CaseResult, Suite, is_suite_file};
use doorward_engine::{CountryCode, Fact, Origin, PolicyBundle, SourceFile};

use super::policies::{plain, texts};
use crate::domain::diagnostic::Diagnostic;

/// Most cases that are reported one by one; of the others there is only the number.
const MOST_NAMED: usize = 20;

/// The name of the finding, for machines.
const CODE: &str = "failed-case";

const HELP: &str = "mend the policies or the case: `doorward test` shows which conditions held; \
                    `run_suites = false` in `[policies]` has policies go live untested";

/// The suites of a directory; by default none, which every bundle passes.
#[derive(Debug, Default)]
pub(super) struct Suites {
    files: Vec<SourceFile>,
    parsed: Vec<Suite>,
}

impl Suites {
    /// Reads the suites among these files, or says everything that is wrong with any of them.
    pub(super) fn read(files: &BTreeMap<String, Arc<[u8]>>) -> Result<Self, Vec<Diagnostic>> {
        let files = texts(files, is_suite_file)?;
        let (mut parsed, mut wrong) = (Vec::new(), Vec::new());
        for file in &files {
            match Suite::parse(file) {
                Ok(suite) => parsed.push(suite),
                Err(findings) => wrong.extend(findings.iter().map(plain)),
            }
        }
        if wrong.is_empty() {
            Ok(Self { files, parsed })
        } else {
            Err(wrong)
        }
    }

    /// Whether the bundle answers every case as it is expected, or else which it does not.
    pub(super) fn pass(&self, bundle: &PolicyBundle) -> Result<(), Vec<Diagnostic>> {
        let results = suite::run(bundle, &self.parsed, &nowhere, &|_: &str| true);
        let failed: Vec<&CaseResult> = results
            .iter()
            .filter(|case| !case.failures.is_empty())
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        let (named, others) = failed.split_at(failed.len().min(MOST_NAMED));
        let mut wrong: Vec<Diagnostic> = named.iter().map(|case| self.finding(case)).collect();
        if let Some(next) = others.first() {
            let message = format!("cases that failed beside those named: {}", others.len());
            let more = Diagnostic::error(next.suite.as_str(), message);
            wrong.push(more.with_code(CODE).with_help(HELP));
        }
        Err(wrong)
    }

    fn finding(&self, case: &CaseResult) -> Diagnostic {
        let message = format!("case `{}`: {}", case.name, case.failures.join("; "));
        let finding = Diagnostic::error(case.suite.as_str(), message)
            .with_code(CODE)
            .with_help(HELP);
        match self.files.iter().find(|file| *file.name == *case.suite) {
            Some(file) => finding.with_position(&file.text, offset(&file.text, &case.origin)),
            None => finding,
        }
    }
}

/// No database is asked: a bundle that is accepted today, here, has to be accepted tomorrow and on every
/// other server, whatever their databases have become by then.
fn nowhere(_: IpAddr) -> Fact<CountryCode> {
    Fact::unknown("a server runs suites without GeoIP databases", "GeoIP")
}

/// The byte of the text at a place in it.
fn offset(text: &str, place: &Origin) -> usize {
    let above = place.line.saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(above).map(str::len).sum();
    let line = text.get(start..).unwrap_or_default();
    let column = place.column.saturating_sub(1);
    start + line.char_indices().nth(column).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::PathBuf;

    use chrono::DateTime;

    use super::*;
    use crate::access::PolicySource;
    use crate::domain::clock::Timestamp;
    use crate::reload::{Built, Snapshot, Source as _};

    const NOW: Timestamp = DateTime::UNIX_EPOCH;

    const POLICIES: &str = "@id(\"singapore\") @reason(\"From Singapore.\")\n\
                            permit (principal, action, resource)\n\
                            when { context has country && context.country == Country::\"SG\" };\n";

    /// With fixtures for cases, the first of which begins on line 13.
    const FIXTURES: &str = "\
now = '2026-11-24T09:00:00Z'
[user.ana]
[place.singapore]
country = 'SG'
[place.tokyo]
country = 'JP'
[place.office]
address = '203.0.113.9'
[default]
user = 'ana'
application = 'wiki'

";

    const ALLOWED: &str =
        "[[case]]\nname = 'Singapore opens'\nfrom = 'singapore'\nexpect = 'permit'\n";
    const REFUSED: &str = "[[case]]\nname = 'Tokyo opens'\nfrom = 'tokyo'\nexpect = 'permit'\n";

    fn source(run_suites: bool) -> PolicySource {
        PolicySource {
            directory: PathBuf::from("policies"),
            run_suites,
            solver: None,
        }
    }

    fn build(
        run_suites: bool,
        policies: &str,
        suite: &str,
    ) -> Result<Built<PolicyBundle>, Vec<Diagnostic>> {
        let files = [("access.cedar", policies), ("access.suite.toml", suite)];
        source(run_suites).build(&Snapshot::of(files), None, NOW)
    }

    fn cases(cases: &str) -> Result<Built<PolicyBundle>, Vec<Diagnostic>> {
        build(true, POLICIES, &format!("{FIXTURES}{cases}"))
    }

    #[test]
    fn a_bundle_that_answers_as_expected_is_taken() {
        assert!(cases(ALLOWED).unwrap().warnings.is_empty());
    }

    #[test]
    fn a_case_that_is_answered_otherwise_keeps_the_bundle_out_and_is_named_with_its_place() {
        let wrong = cases(&format!("{ALLOWED}{REFUSED}")).unwrap_err();
        let [finding] = wrong.as_slice() else {
            panic!("{wrong:?}");
        };
        assert_eq!(finding.file, "access.suite.toml");
        assert_eq!(finding.line, Some(18));
        assert_eq!(finding.code.as_deref(), Some(CODE));
        assert_eq!(
            finding.message,
            "case `Tokyo opens`: expected permit, got deny, since nothing permits it"
        );
        let excerpt = finding.excerpt.as_deref().unwrap();
        assert!(excerpt.contains("name = 'Tokyo opens'"), "{excerpt}");
    }

    #[test]
    fn suites_that_are_not_to_be_run_are_not_even_read() {
        let failing = format!("{FIXTURES}{REFUSED}");
        for suite in [failing.as_str(), "nonsense"] {
            assert!(build(false, POLICIES, suite).is_ok());
        }
    }

    #[test]
    fn a_suite_changes_no_revision() {
        let without = build(false, POLICIES, "").unwrap();
        let with = cases(ALLOWED).unwrap();
        assert_eq!(with.value.revision(), without.value.revision());
    }

    #[test]
    fn broken_policies_and_broken_suites_are_told_together() {
        let wrong = build(true, "permit (", "[[case]]\nnam = 'x'\n").unwrap_err();
        let files: Vec<&str> = wrong.iter().map(|finding| finding.file.as_str()).collect();
        assert!(files.contains(&"access.cedar"), "{wrong:?}");
        assert!(files.contains(&"access.suite.toml"), "{wrong:?}");
    }

    #[test]
    fn an_address_has_no_country_where_no_database_is_asked() {
        let place = "[[case]]\nname = 'the office'\nfrom = 'office'\nexpect = 'deny'\n";
        assert!(cases(place).is_ok());
    }

    #[test]
    fn of_many_cases_that_failed_the_last_are_only_counted() {
        let mut text = String::new();
        for number in 1..=MOST_NAMED + 3 {
            writeln!(
                text,
                "[[case]]\nname = 'case {number}'\nfrom = 'tokyo'\nexpect = 'permit'"
            )
            .unwrap();
        }
        let wrong = cases(&text).unwrap_err();
        assert_eq!(wrong.len(), MOST_NAMED + 1);
        let last = wrong.last().unwrap();
        assert_eq!(last.message, "cases that failed beside those named: 3");
    }

    #[test]
    fn a_place_is_found_in_a_text_with_letters_of_several_bytes() {
        let text = "ä\nüö x\n";
        let place = |line, column| Origin {
            file: "a".to_owned(),
            line,
            column,
        };
        assert_eq!(text.get(offset(text, &place(2, 4))..), Some("x\n"));
        assert_eq!(offset(text, &place(9, 9)), text.len());
    }
}
