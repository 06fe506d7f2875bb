//! The table of requirements is whole: every row names tests that exist, or says why there is none. Whether a test
//! shows what its row says is left to readers.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::assert_none;
use super::page::{Page, files_below, root};

const PAGE: &str = "docs/src/conformance.md";
/// Tests that are there for the table alone.
const OWN_TESTS: &str = "tests/e2e/conformance.rs";

/// How the last cell of a row begins that names no test. The reason follows.
const WITHOUT_TEST: [&str; 2] = ["does not apply: ", "departs: "];
/// A reason is a sentence: it has at least so many words.
const FEWEST_WORDS: usize = 5;

/// A row of the table.
#[derive(Debug)]
struct Requirement {
    place: String,
    specification: String,
    section: String,
    text: String,
    shown_by: String,
}

impl Requirement {
    /// The reason why there is no test, where there is one.
    fn reason(&self) -> Option<&str> {
        WITHOUT_TEST
            .iter()
            .find_map(|word| self.shown_by.strip_prefix(word))
    }

    /// The tests that the row names.
    fn tests(&self) -> impl Iterator<Item = &str> {
        let named = self.reason().is_none();
        let cell = if named { self.shown_by.as_str() } else { "" };
        cell.split('`').skip(1).step_by(2)
    }

    /// What is wrong with the row itself.
    fn fault(&self) -> Option<&'static str> {
        let numbered = self.section.starts_with(|c: char| c.is_ascii_digit());
        let brief = |reason: &str| reason.split_whitespace().count() < FEWEST_WORDS;
        let untested = self.reason().is_none() && self.tests().next().is_none();
        let faults = [
            (self.specification.is_empty(), "names no specification"),
            (!numbered, "names no section"),
            (self.text.is_empty(), "says nothing"),
            (self.reason().is_some_and(brief), "has no reason"),
            (untested, "has neither a test nor a reason"),
        ];
        faults
            .into_iter()
            .find_map(|(found, fault)| found.then_some(fault))
    }
}

/// The rows of the page.
fn requirements() -> io::Result<Vec<Requirement>> {
    let (prose, _) = Page::read(PAGE)?.split();
    let mut found = Vec::new();
    for line in prose.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let &[specification, section, text, shown_by] = cells.as_slice() else {
            panic!("{PAGE}: not four cells: {line}");
        };
        if section == "section" {
            continue;
        }
        found.push(Requirement {
            place: format!("{PAGE}: {specification}, {section}: {text}"),
            specification: specification.to_owned(),
            section: section.to_owned(),
            text: text.to_owned(),
            shown_by: shown_by.to_owned(),
        });
    }
    Ok(found)
}

/// The names of all tests in a file.
fn tests_in(path: &Path) -> io::Result<BTreeSet<String>> {
    let text = fs::read_to_string(root().join(path))?;
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        marked |= line == "#[test]" || line.starts_with("#[tokio::test");
        let Some((_, after)) = line.split_once("fn ") else {
            continue;
        };
        if marked && !line.starts_with("//") {
            let name = after.split(['(', '<']).next().unwrap_or_default();
            found.insert(name.to_owned());
            marked = false;
        }
    }
    Ok(found)
}

#[test]
fn every_requirement_has_a_test_or_a_reason() -> io::Result<()> {
    let requirements = requirements()?;
    assert!(requirements.len() > 50, "the table is gone");
    let findings: Vec<String> = requirements
        .iter()
        .filter_map(|row| Some(format!("{}: {}", row.place, row.fault()?)))
        .collect();
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_test_that_shows_a_requirement_exists() -> io::Result<()> {
    let mut known = BTreeSet::new();
    for directory in ["engine", "server", "tests"] {
        for path in files_below(Path::new(directory), "rs")? {
            known.extend(tests_in(&path)?);
        }
    }
    let mut findings = Vec::new();
    for row in requirements()? {
        let unknown = row.tests().filter(|name| !known.contains(*name));
        findings.extend(unknown.map(|name| format!("{}: there is no test `{name}`", row.place)));
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_test_of_a_requirement_is_in_the_table() -> io::Result<()> {
    let requirements = requirements()?;
    let named: BTreeSet<&str> = requirements.iter().flat_map(Requirement::tests).collect();
    let tests = tests_in(Path::new(OWN_TESTS))?;
    assert!(!tests.is_empty(), "no tests in {OWN_TESTS}");
    let findings: Vec<String> = tests
        .iter()
        .filter(|name| !named.contains(name.as_str()))
        .map(|name| format!("{OWN_TESTS}: `{name}` shows no requirement"))
        .collect();
    assert_none(&findings);
    Ok(())
}

#[test]
fn no_requirement_stands_twice() -> io::Result<()> {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for row in requirements()? {
        if !seen.insert(row.place.clone()) {
            findings.push(format!("{} stands twice", row.place));
        }
    }
    assert_none(&findings);
    Ok(())
}
