//! Outputs in the documents: a comment before a block names a command and the place where it runs, and the block
//! is what the command prints there. What the places hold is left to `places`.
//!
//! ```text
//! <!-- output: doorward prove policies; in: starter; varies: place, device -->
//! ```
//!
//! Of a line that begins with a word of `varies`, only that word is compared. A block that no command printed
//! says so: `<!-- not run: why -->`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io};

use super::assert_none;
use super::page::{Block, pages, root, words};
use super::places::{self, Place};

/// Set to `1`, it has the blocks written instead of compared.
const REGENERATE: &str = "DOORWARD_REGENERATE";
/// The program, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");

/// What a comment says of the block below it.
#[derive(Debug, PartialEq, Eq)]
enum Marker {
    Output(Output),
    NotRun,
}

/// What a command prints.
#[derive(Debug, PartialEq, Eq)]
struct Output {
    command: String,
    /// The name of the place where it runs.
    place: String,
    /// The first words of lines whose rest may be another one.
    varies: Vec<String>,
}

impl Marker {
    /// The marker in a comment; `None` for any other comment.
    fn read(comment: &str) -> Option<Result<Self, String>> {
        if let Some(reason) = comment.strip_prefix("not run:") {
            let reasoned = !reason.trim().is_empty();
            let read = reasoned.then_some(Self::NotRun);
            return Some(read.ok_or_else(|| "not run, and no reason".to_owned()));
        }
        let rest = comment.strip_prefix("output:")?;
        Some(Output::read(rest).map(Self::Output))
    }

    fn of(block: &Block) -> Option<Result<Self, String>> {
        Self::read(block.comment.as_deref()?)
    }
}

impl Output {
    fn read(text: &str) -> Result<Self, String> {
        let mut fields = text.split(';').map(str::trim);
        let command = fields.next().unwrap_or_default().to_owned();
        let (mut place, mut varies) = (None, Vec::new());
        for field in fields.filter(|field| !field.is_empty()) {
            match field.split_once(':') {
                Some(("in", name)) => place = Some(name.trim().to_owned()),
                Some(("varies", names)) => {
                    varies = names
                        .split(',')
                        .map(|name| name.trim().to_owned())
                        .collect();
                }
                _ => return Err(format!("`{field}` is nothing that a marker says")),
            }
        }
        let place = place.ok_or("the marker does not say where the command runs")?;
        Ok(Self {
            command,
            place,
            varies,
        })
    }

    /// What the command prints, its complaints last.
    fn print(&self, directory: &Path) -> String {
        let finished = Command::new(BINARY)
            .args(words(&self.command).iter().skip(1))
            .current_dir(directory)
            .env("NO_COLOR", "1")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("FORCE_COLOR")
            .env_remove("DOORWARD_LOG")
            .stdin(Stdio::null())
            .output()
            .expect("started");
        let printed = [finished.stdout, finished.stderr].concat();
        let text = String::from_utf8(printed).expect("UTF-8");
        text.lines()
            .flat_map(|line| [line.trim_end(), "\n"])
            .collect()
    }

    /// Whether a block shows what was printed.
    fn is_shown(&self, shown: &str, printed: &str) -> bool {
        let (shown, printed): (Vec<&str>, Vec<&str>) =
            (shown.lines().collect(), printed.lines().collect());
        let mut pairs = shown.iter().zip(&printed);
        shown.len() == printed.len() && pairs.all(|(old, new)| old == new || self.vary(old, new))
    }

    /// Whether two lines begin with the same word, one after which they may differ.
    fn vary(&self, old: &str, new: &str) -> bool {
        let first = |line: &str| line.split_whitespace().next().map(ToOwned::to_owned);
        let word = first(old);
        word == first(new) && word.is_some_and(|word| self.varies.contains(&word))
    }
}

#[test]
fn every_output_is_what_its_command_prints() -> io::Result<()> {
    let writing = env::var_os(REGENERATE).is_some_and(|value| value == "1");
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        let mut lines: Vec<String> = page.text.lines().map(ToOwned::to_owned).collect();
        // The last one first: where it gets longer or shorter, it moves none that is still to come.
        for block in blocks.iter().rev() {
            let Some(Ok(Marker::Output(output))) = Marker::of(block) else {
                continue;
            };
            let Some(place) = Place::named(&output.place) else {
                findings.push(format!("{}: no place `{}`", block.place, output.place));
                continue;
            };
            let printed = output.print(place.root());
            if output.is_shown(&block.text, &printed) {
                continue;
            }
            if writing {
                let shown = block.before..block.before + block.text.lines().count();
                drop(lines.splice(shown, printed.lines().map(ToOwned::to_owned)));
            } else {
                let command = &output.command;
                findings.push(format!("{}: `{command}` prints\n{printed}", block.place));
            }
        }
        let text = lines.join("\n") + "\n";
        if writing && text != page.text {
            fs::write(root().join(&page.path), text)?;
        }
    }
    if !findings.is_empty() {
        let advice = "cargo test -p doorward-tests --test docs every_output_is";
        findings.push(format!("{REGENERATE}=1 {advice} writes what is printed"));
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_output_stands_below_its_command() -> io::Result<()> {
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        let mut above = Vec::new();
        for block in &blocks {
            if block.is("sh") {
                above = block.commands().iter().map(|line| words(line)).collect();
            }
            match Marker::of(block) {
                Some(Ok(Marker::Output(output))) if !above.contains(&words(&output.command)) => {
                    findings.push(format!("{}: not `{}`", block.place, output.command));
                }
                Some(Err(error)) => findings.push(format!("{}: {error}", block.place)),
                _ => {}
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_text_below_a_command_is_its_output_or_says_why_not() -> io::Result<()> {
    let mut findings = Vec::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        let commanded = |block: &Block| block.is("sh") && !block.commands().is_empty();
        let below = blocks.iter().skip_while(|block| !commanded(block));
        findings.extend(
            below
                .filter(|block| block.is("text") && Marker::of(block).is_none())
                .map(|block| format!("{}: where does this come from?", block.place)),
        );
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_place_is_one_that_a_document_needs() -> io::Result<()> {
    let mut needed = BTreeSet::new();
    for page in pages()? {
        let (_, blocks) = page.split();
        for marker in blocks.iter().filter_map(Marker::of).flatten() {
            if let Marker::Output(output) = marker {
                needed.insert(output.place);
            }
        }
    }
    let findings: Vec<String> = places::names()
        .filter(|name| !needed.contains(*name))
        .map(|name| format!("nothing runs in `{name}`"))
        .collect();
    assert_none(&findings);
    Ok(())
}

#[test]
fn of_a_line_that_varies_only_the_first_word_counts() {
    let comment = "output: doorward prove policies; in: starter; varies: place, device";
    let Some(Ok(Marker::Output(output))) = Marker::read(comment) else {
        panic!("no marker: {comment}");
    };
    let shown = "broken\n  place  203.0.113.9\n";
    assert!(output.is_shown(shown, "broken\n  place  192.0.2.1\n"));
    assert!(!output.is_shown(shown, "holds\n  place  203.0.113.9\n"));
    assert!(!output.is_shown(shown, "broken\n  device  203.0.113.9\n"));
    assert!(!output.is_shown(shown, "broken\n"));
}

#[test]
fn a_marker_says_where_it_runs_or_why_it_does_not() {
    let wrong = |comment: &str| Marker::read(comment).is_some_and(|read| read.is_err());
    assert!(wrong("output: doorward prove policies"));
    assert!(wrong("output: doorward prove policies; at: starter"));
    assert!(wrong("not run:"));
    let right = Marker::read("not run: the log of a server");
    assert_eq!(right, Some(Ok(Marker::NotRun)));
    assert_eq!(Marker::read("any other comment"), None);
}
