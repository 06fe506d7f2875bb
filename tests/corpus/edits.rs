//! Edits of a bundle, as the tables under `edits/` write them, and what they make of its files.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::answer::Verdict;
use crate::files::Files;

/// The edits of one bundle.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// Those that change an answer.
    change: Vec<Edit>,
    /// Those that change none.
    refactoring: Vec<Edit>,
}

/// What an edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Change,
    Refactoring,
}

/// One edit. What it does is done in the order of these fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) name: String,
    /// Where `from` becomes `to`: a file, or `file#policy`.
    at: Option<String>,
    /// It has to be there exactly once.
    from: Option<String>,
    to: Option<String>,
    /// A policy that goes to another file.
    r#move: Option<Move>,
    /// A policy that goes.
    remove: Option<String>,
    /// Policies that come.
    add: Option<Added>,
    /// Something that is done to all files with policies.
    whole: Option<Whole>,
    /// What a solver says, whichever the actions are of which it says it.
    pub(crate) verdicts: Option<BTreeSet<Verdict>>,
    /// Why a solver may not be able to tell.
    pub(crate) unknown: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    policy: String,
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    file: String,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Whole {
    /// The policies of each file in the contrary order.
    Reverse,
    /// Without lines that are comments.
    Uncomment,
    /// With other white space.
    Reformat,
    /// With other names of all policies.
    Rename,
    /// All policies in one file.
    OneFile,
}

impl Table {
    pub(crate) fn all(&self) -> impl Iterator<Item = (Class, &Edit)> {
        let changes = self.change.iter().map(|edit| (Class::Change, edit));
        let others = self.refactoring.iter();
        changes.chain(others.map(|edit| (Class::Refactoring, edit)))
    }
}

impl Edit {
    /// The files after the edit, or why it could not be made.
    pub(crate) fn apply(&self, files: &Files) -> Result<Files, String> {
        let mut edited = files.clone();
        match (&self.at, &self.from, &self.to) {
            (Some(at), Some(from), Some(to)) => replace(&mut edited, at, from, to)?,
            (None, None, None) => {}
            _ => return Err("`at`, `from` and `to` belong together".to_owned()),
        }
        if let Some(Move { policy, to }) = &self.r#move {
            let policy = cut(&mut edited, policy)?;
            let text = edited.text(to);
            *text = format!("{text}\n{policy}\n");
        }
        if let Some(policy) = &self.remove {
            cut(&mut edited, policy)?;
        }
        if let Some(Added { file, text: added }) = &self.add {
            let text = edited.text(file);
            *text = format!("{text}\n{added}");
        }
        if let Some(whole) = self.whole {
            whole.apply(&mut edited);
        }
        if edited == *files {
            return Err("it changes nothing".to_owned());
        }
        Ok(edited)
    }
}

fn replace(files: &mut Files, at: &str, from: &str, to: &str) -> Result<(), String> {
    let (file, part) = files.part(at)?;
    let text = files.text(&file);
    let found = text[part.clone()].matches(from).count();
    if found != 1 {
        return Err(format!("`{from}` is there {found} times in `{at}`"));
    }
    let replaced = text[part.clone()].replacen(from, to, 1);
    text.replace_range(part, &replaced);
    Ok(())
}

fn cut(files: &mut Files, policy: &str) -> Result<String, String> {
    let (file, part) = files.part(policy)?;
    Ok(files.text(&file).drain(part).collect())
}

impl Whole {
    fn apply(self, files: &mut Files) {
        let names = files.with_policies();
        if self == Self::OneFile {
            let all: Vec<String> = names.iter().map(|name| files.remove(name)).collect();
            *files.text("all.cedar") = all.join("\n");
            return;
        }
        for name in names {
            let text = files.text(&name);
            *text = self.of(text);
        }
    }

    fn of(self, text: &str) -> String {
        match self {
            Self::Reverse => {
                let blocks: Vec<&str> = text.trim_end().rsplit("\n\n").collect();
                format!("{}\n", blocks.join("\n\n"))
            }
            Self::Uncomment => lines(text, |line| {
                (!line.trim_start().starts_with("//")).then(|| line.to_owned())
            }),
            Self::Reformat => lines(text, |line| Some(format!("\t\t{}", line.trim())))
                .replace("when {", "when\n{\n")
                .replace("unless {", "unless\n{\n"),
            Self::Rename => text.replace("@id(\"", "@id(\"our-"),
            Self::OneFile => text.to_owned(),
        }
    }
}

/// The text with other lines, or without them.
fn lines(text: &str, line: impl Fn(&str) -> Option<String>) -> String {
    let all: Vec<String> = text.lines().filter_map(line).collect();
    format!("{}\n", all.join("\n"))
}
