//! The pipelines of the policy repository: every command in them is one that the binary knows, and every file
//! that has an owner is there. Whether they run is left to the machines that they are made for.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::page::root;
use super::{assert_none, misunderstood};

const REPOSITORY: &str = "examples/policy-repo";

/// Pipelines, each with the commands that it has to run.
const PIPELINES: [(&str, &[&str]); 3] = [
    (
        ".github/workflows/policies.yml",
        &["check", "diff", "fmt", "prove", "test"],
    ),
    (".gitlab-ci.yml", &["check", "diff", "fmt", "prove", "test"]),
    (".pre-commit-config.yaml", &["check", "fmt", "test"]),
];

fn read(file: &str) -> io::Result<String> {
    fs::read_to_string(root().join(REPOSITORY).join(file))
}

/// The calls of `doorward` in a pipeline, without what is done with their answers.
fn commands(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.trim().trim_start_matches("- "))
        .map(|line| {
            ["run: ", "entry: "]
                .iter()
                .find_map(|key| line.strip_prefix(*key))
                .unwrap_or(line)
        })
        .filter_map(|line| line.split(['>', '|']).next())
        .map(str::trim)
        .filter(|call| call.starts_with("doorward "))
        .collect()
}

#[test]
fn every_command_of_a_pipeline_exists() -> io::Result<()> {
    let mut findings = Vec::new();
    for (file, wanted) in PIPELINES {
        let text = read(file)?;
        let commands = commands(&text);
        let run: BTreeSet<&str> = commands
            .iter()
            .filter_map(|call| call.split_whitespace().nth(1))
            .collect();
        if !run.iter().eq(wanted) {
            findings.push(format!("{file} runs {run:?} instead of {wanted:?}"));
        }
        for call in commands {
            if let Some(error) = misunderstood(call) {
                findings.push(format!("{file}: `{call}`: {error}"));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn pipelines_are_indented_by_two_spaces_and_close_their_expressions() -> io::Result<()> {
    let mut findings = Vec::new();
    let action = ("action.yml", fs::read_to_string(root().join("action.yml"))?);
    let mut files = vec![action];
    for (file, _) in PIPELINES {
        files.push((file, read(file)?));
    }
    for (file, text) in files {
        for (number, line) in (1_usize..).zip(text.lines()) {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let opened = line.matches("${{").count();
            if line.contains('\t')
                || !indent.is_multiple_of(2)
                || opened != line.matches("}}").count()
            {
                findings.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn everything_that_has_an_owner_is_there() -> io::Result<()> {
    let text = read("CODEOWNERS")?;
    let owned = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next());
    let repository = root().join(REPOSITORY);
    let findings: Vec<String> = owned
        .filter(|path| !repository.join(path.trim_start_matches('/')).exists())
        .map(|path| format!("CODEOWNERS: there is no `{path}`"))
        .collect();
    assert_none(&findings);
    Ok(())
}
