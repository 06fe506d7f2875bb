//! The pages about findings: each shows a mistake that is found under its name, and a way out about which
//! nothing is found.

use std::io;
use std::path::Path;

use doorward_engine::{PolicyBundle, SourceFile};

use super::assert_none;
use super::examples::surroundings;
use super::page::{Block, Page, files_below};

/// Findings whose pages show no mistake: it would be too long, or is in no file of the bundle.
const IN_WORDS: [&str; 11] = [
    "broken-guardrail",
    "cannot-format",
    "failed-case",
    "no-policies",
    "policy-too-complex",
    "policy-too-large",
    "schema-too-large",
    "suite",
    "undeclared-application",
    "undeclared-group",
    "unproved-guardrail",
];

const INDEX: &str = "docs/src/findings.md";

/// Each page with the name of its finding.
fn pages() -> io::Result<Vec<(String, Page)>> {
    let paths = files_below(Path::new("docs/src/findings"), "md")?;
    paths
        .into_iter()
        .map(|path| {
            let code = path.file_stem().unwrap_or_default();
            Ok((code.to_string_lossy().into_owned(), Page::read(&path)?))
        })
        .collect()
}

/// What is found in a bundle, errors, or else warnings.
fn found(files: &[SourceFile]) -> Vec<&'static str> {
    match PolicyBundle::load(files, None) {
        Ok(bundle) => {
            let doubts = bundle.examine();
            let warnings = bundle.warnings().iter().chain(&doubts);
            warnings.map(|finding| finding.code).collect()
        }
        Err(error) => error.diagnostics.iter().map(|it| it.code).collect(),
    }
}

/// What a block shows, as a file of a bundle.
fn file(block: &Block) -> Option<SourceFile> {
    let name = if block.is("cedar") {
        format!("{}.cedar", block.place)
    } else if block.is("cedarschema") {
        format!("{}.cedarschema", block.place)
    } else if block.is("toml") {
        format!("{}/entities.toml", block.place)
    } else {
        return None;
    };
    Some(SourceFile::new(name, block.text.as_str()))
}

#[test]
fn every_mistake_is_found_under_its_name() -> io::Result<()> {
    let mut findings = Vec::new();
    for (code, page) in pages()? {
        let (_, blocks) = page.split();
        let wrong: Vec<&Block> = blocks.iter().filter(|block| block.is_ignored()).collect();
        if wrong.is_empty() != IN_WORDS.contains(&code.as_str()) {
            findings.push(format!("`{code}`: shown, or not, as `IN_WORDS` says"));
        }
        if wrong.is_empty() {
            continue;
        }
        let mut files = surroundings(&blocks)?;
        files.extend(wrong.iter().filter_map(|block| file(block)));
        if !wrong.iter().any(|block| block.is("cedar")) {
            let everyone = "@id(\"everyone\") permit (principal, action, resource);";
            files.push(SourceFile::new("everyone.cedar", everyone));
        }
        let found = found(&files);
        if !found.contains(&code.as_str()) {
            findings.push(format!("`{code}` is not found, but {found:?}"));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn nothing_is_found_about_a_way_out() -> io::Result<()> {
    let mut findings = Vec::new();
    let index = ("the index".to_owned(), Page::read(INDEX)?);
    for (code, page) in pages()?.into_iter().chain([index]) {
        let (_, blocks) = page.split();
        let surroundings = surroundings(&blocks)?;
        let right = blocks
            .iter()
            .filter(|block| block.is("cedar") && !block.is_ignored());
        for policies in right.filter_map(file) {
            let mut files = surroundings.clone();
            files.push(policies);
            let found = found(&files);
            if !found.is_empty() {
                findings.push(format!("{code}: {found:?}"));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_index_lists_every_finding() -> io::Result<()> {
    let links = Page::read(INDEX)?.links();
    let findings: Vec<String> = pages()?
        .into_iter()
        .filter(|(code, _)| !links.contains(&format!("findings/{code}.md")))
        .map(|(code, _)| format!("`{code}` is not listed"))
        .collect();
    assert_none(&findings);
    Ok(())
}
