//! The files of this repository, and as much of their grammar as the house rules need.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this repository.
pub(super) struct SourceFile {
    /// Its path from the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// Its lines with their numbers, without comments.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(number, line)| (number + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(super) fn rust_files() -> Vec<SourceFile> {
    files("rs")
}

/// All files with this extension that are ours, in order.
pub(super) fn files(extension: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    let mut pending = vec![root()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !is_foreign(&path) {
                    pending.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                let shown = path.strip_prefix(root()).expect("below the root");
                found.push(SourceFile {
                    path: shown.to_string_lossy().replace('\\', "/"),
                    text: fs::read_to_string(&path).expect("UTF-8"),
                });
            }
        }
    }
    assert!(!found.is_empty(), "no file ends in .{extension}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether what is in the directory was made or brought here by a tool.
fn is_foreign(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "target" || name == "node_modules"
}

/// The places in the code of these files, tests at their end left out, that have one of these words.
pub(super) fn lines_with(files: impl Iterator<Item = SourceFile>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let tests = file
            .code()
            .find(|(_, line)| *line == "#[cfg(test)]")
            .map_or(usize::MAX, |(number, _)| number);
        for (number, line) in file.code().take_while(|(number, _)| *number < tests) {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{number}: `{word}`", file.path));
            }
        }
    }
    found
}

/// The statements of a policy file, without comments.
pub(super) fn cedar_statements(text: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for line in text.lines() {
        let mut symbols = line.chars().peekable();
        while let Some(symbol) = symbols.next() {
            if !quoted && symbol == '/' && symbols.peek() == Some(&'/') {
                break;
            }
            if !quoted && symbol == ';' {
                statements.push(String::new());
                continue;
            }
            if symbol == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = symbol == '\\' && !escaped;
            if let Some(statement) = statements.last_mut() {
                statement.push(symbol);
            }
        }
        if let Some(statement) = statements.last_mut() {
            statement.push('\n');
        }
    }
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

/// The rows of the tables below a heading of ARCHITECTURE.md, without heads and rules.
pub(super) fn rows_below(heading: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    text.lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'))
        // Head and rule.
        .skip(2)
        .map(str::to_owned)
        .collect()
}

/// What stands between backticks.
pub(super) fn quoted(row: &str) -> impl Iterator<Item = &str> {
    row.split('`').skip(1).step_by(2)
}

pub(super) fn is_path(text: &str) -> bool {
    let named = Path::new(text)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| ["rs", "html", "sql", "toml", "cedar", "md"].contains(&extension));
    text.contains('/') && !text.contains(' ') && (named || text.ends_with('/'))
}
