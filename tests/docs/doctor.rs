//! The page about the doctor has a row for each check, and for nothing else.

use std::collections::BTreeSet;
use std::io;

use super::assert_none;
use super::page::Page;

const PAGE: &str = "docs/src/doctor.md";

#[test]
fn every_check_of_the_doctor_has_its_row() -> io::Result<()> {
    let text = Page::read(PAGE)?.text;
    let rows: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(id, _)| id)
        .collect();
    let checks: BTreeSet<&str> = doorward::cli::doctor_checks().collect();
    let missing = checks.difference(&rows);
    let unknown = rows.difference(&checks);
    let findings: Vec<String> = missing
        .map(|id| format!("`{id}` has no row"))
        .chain(unknown.map(|id| format!("`{id}` is no check")))
        .collect();
    assert_none(&findings);
    Ok(())
}
