//! The documents are true: every policy, file and command in them is loaded, parsed or looked up, every output is
//! what the command prints, every link leads somewhere, and the references name everything there is. Whether they
//! read well is left to readers.

#[path = "docs/conformance.rs"]
mod conformance;
#[path = "docs/doctor.rs"]
mod doctor;
#[path = "docs/examples.rs"]
mod examples;
#[path = "docs/findings.rs"]
mod findings;
#[path = "docs/outputs.rs"]
mod outputs;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/pipelines.rs"]
mod pipelines;
#[path = "docs/places.rs"]
mod places;
#[path = "docs/reference.rs"]
mod reference;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use doorward_engine::{BUILT_IN_SCHEMA, SourceFile};

use examples::{said_by_engine, said_by_parser, surroundings};
use page::{Page, files_below, leads_somewhere, pages, root, words};
use reference::{leaves, rows, settings};

#[test]
fn every_policy_loads_without_a_word() -> io::Result<()> {
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        let surroundings = surroundings(&blocks)?;
        let everyone = SourceFile::new(
            format!("{}.cedar", page.path.display()),
            "@id(\"everyone\") permit (principal, action, resource);",
        );
        let shown = blocks
            .iter()
            .filter(|block| block.is("cedar") && !block.is_ignored())
            .map(|block| SourceFile::new(format!("{}.cedar", block.place), block.text.as_str()));
        for policies in shown.chain([everyone]) {
            let mut files = surroundings.clone();
            files.push(policies);
            findings.extend(said_by_engine(&files));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_file_parses_without_a_word() -> io::Result<()> {
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        for block in blocks.iter().filter(|block| block.is("toml")) {
            findings.extend(said_by_parser(block));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_command_exists() -> io::Result<()> {
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        for block in blocks.iter().filter(|block| block.is("sh")) {
            for line in block.commands() {
                if let Some(error) = misunderstood(&line) {
                    findings.push(format!("{}: `{line}`: {error}", block.place));
                }
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_policy_in_the_readme_is_that_of_the_starter_bundle() -> io::Result<()> {
    let starter = fs::read_to_string(root().join("policies/access.cedar"))?;
    let (_, blocks) = Page::read("README.md")?.split();
    let mut shown = blocks.iter().filter(|block| block.is("cedar")).peekable();
    assert!(shown.peek().is_some(), "the readme shows no policy");
    assert!(shown.all(|block| starter.contains(block.text.trim_end())));
    Ok(())
}

#[test]
fn every_explanation_is_one_that_the_engine_gives() -> io::Result<()> {
    let mut given = String::new();
    for entry in fs::read_dir(root().join("engine/src/tests/snapshots"))? {
        given += &fs::read_to_string(entry?.path())?;
    }
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        findings.extend(
            blocks
                .iter()
                .filter(|block| block.is("text"))
                .filter(|block| {
                    block.text.starts_with("permit") || block.text.starts_with("forbid")
                })
                .filter(|block| !given.contains(block.text.trim_end()))
                .map(|block| format!("{}: in no snapshot of the engine", block.place)),
        );
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_link_leads_somewhere() -> io::Result<()> {
    let mut findings = Vec::new();
    for page in pages()? {
        for link in page.links() {
            if !leads_somewhere(&page, &link)? {
                findings.push(format!("{}: `{link}`", page.path.display()));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_summary_lists_every_page() -> io::Result<()> {
    let summary = Page::read("docs/src/SUMMARY.md")?;
    let listed: BTreeSet<PathBuf> = summary
        .links()
        .iter()
        .map(|link| Path::new("docs/src").join(link))
        .collect();
    let findings: Vec<String> = pages()?
        .iter()
        .filter(|page| page.path.starts_with("docs/src") && page.path != summary.path)
        .filter(|page| !listed.contains(&page.path))
        .map(|page| format!("{} is not listed", page.path.display()))
        .collect();
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_reference_has_every_key_of_the_configuration_and_its_default() -> io::Result<()> {
    let rows = rows(&Page::read("docs/src/configuration.md")?.text);
    let settings = settings();
    let mut findings = Vec::new();
    for setting in &settings {
        let row = rows.iter().find(|row| row.name == setting.name);
        let text = row.map_or("", |row| row.text.as_str());
        if row.is_none() {
            findings.push(format!("`{}` has no row", setting.name));
        } else if !setting.defaults.iter().all(|value| text.contains(value)) {
            findings.push(format!("`{}` is {:?}", setting.name, setting.defaults));
        }
    }
    findings.extend(
        rows.iter()
            .filter(|row| settings.iter().all(|setting| setting.name != row.name))
            .map(|row| format!("`{}` is no key", row.name)),
    );
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_default_has_its_paragraph() -> io::Result<()> {
    let text = Page::read("docs/src/defaults.md")?.text;
    let findings: Vec<String> = settings()
        .iter()
        .filter(|setting| !setting.defaults.is_empty())
        .filter(|setting| {
            let name = format!("`{}`", setting.name);
            let values = setting.defaults.iter().all(|value| text.contains(value));
            !text.contains(&name) || !values
        })
        .map(|setting| format!("`{}`: {:?}", setting.name, setting.defaults))
        .collect();
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_page_on_policies_has_every_fact_of_the_schema() -> io::Result<()> {
    let text = Page::read("docs/src/writing-policies.md")?.text;
    // What an action applies to looks like attributes, and is none.
    let parts = ["principal", "resource", "context"];
    let findings: Vec<String> = BUILT_IN_SCHEMA
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && line.ends_with(','))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim_end_matches('?'))
        .filter(|name| !parts.contains(name) && !text.contains(&format!(".{name}`")))
        .map(|name| format!("`{name}` is not explained"))
        .collect();
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_page_on_the_command_line_has_every_command_and_option() -> io::Result<()> {
    let text = Page::read("docs/src/command-line.md")?.text;
    let mut findings = Vec::new();
    for (command, options) in leaves(&doorward::cli::command(), "doorward") {
        let section = text
            .split("\n## ")
            .find(|section| section.starts_with(&format!("`{command}`")));
        let Some(section) = section else {
            findings.push(format!("`{command}` has no section"));
            continue;
        };
        findings.extend(
            options
                .iter()
                .filter(|option| !section.contains(&format!("`--{option}")))
                .map(|option| format!("`{command} --{option}` is not explained")),
        );
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_test_that_the_architecture_names_exists() -> io::Result<()> {
    let (prose, _) = Page::read("ARCHITECTURE.md")?.split();
    let mut sources = String::new();
    for directory in ["engine", "server", "tests"] {
        for path in files_below(Path::new(directory), "rs")? {
            sources += &fs::read_to_string(root().join(path))?;
        }
    }
    let is_test = |word: &&str| {
        let plain = |symbol: char| symbol == '_' || symbol.is_ascii_lowercase();
        word.matches('_').count() > 2 && word.chars().all(|c| plain(c) || c.is_ascii_digit())
    };
    let findings: Vec<String> = prose
        .split('`')
        .filter(is_test)
        .filter(|name| !sources.contains(&format!("fn {name}(")))
        .map(|name| format!("there is no test `{name}`"))
        .collect();
    assert_none(&findings);
    Ok(())
}

/// Why the binary does not understand a command line, if it does not.
fn misunderstood(line: &str) -> Option<clap::Error> {
    let understood = doorward::cli::command().try_get_matches_from(words(line));
    understood.err().filter(|error| {
        !matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        )
    })
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}
