//! Output of the commands: the one place that writes to standard output and standard error.
//! What there is to say is left to the commands.

mod clean;
mod diff;
mod explanation;
pub mod finding;
pub mod machine;
pub mod progress;
pub mod record;
pub mod request;
mod style;

use std::io::{self, Write as _};

use clap::ValueEnum;
use serde::Serialize;

pub(super) use clean::{line as harmless_line, whole as harmless};
pub use diff::diff;
pub use explanation::explanation;
pub use record::{record, record_line};
pub use style::{Style, Tone};

use super::Failure;

/// For whom a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A person.
    #[default]
    Human,
    /// A machine, which gets JSON.
    Json,
}

/// For whom a command answers that reviewers of policies use, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// A person
    #[default]
    Human,
    /// A machine, which gets JSON
    Json,
    /// A comment on a pull request
    Markdown,
}

/// Writes to standard output, and is done only when it has arrived.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(Failure::Output)
}

/// Writes to standard error. Where that fails, there is nobody left to tell.
pub fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Tells on standard error why a command could not answer. A closed pipe is no news.
pub fn complain(failure: &Failure) {
    let style = Style::stderr();
    match failure {
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Failure::Files(diagnostics) => print_error(&finding::files(diagnostics, style)),
        Failure::Other { message, help } => {
            print_error(&finding::complaint(message, help.as_deref(), style));
        }
        Failure::Output(_) => print_error(&finding::complaint(&failure.to_string(), None, style)),
    }
}

/// The value as JSON for machines that people look over the shoulder of.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Failure::of(&error))?;
    text.push('\n');
    Ok(text)
}

/// A number of things: `1 error`, `2 errors`, `3 policies`.
#[must_use]
pub fn count(number: usize, thing: &str) -> String {
    let stem = thing
        .strip_suffix('y')
        .filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    match (number, stem) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_none_is_plural() {
        let counts = [0, 1, 2].map(|number| count(number, "error"));
        assert_eq!(counts, ["0 errors", "1 error", "2 errors"]);
        assert_eq!(count(2, "policy"), "2 policies");
        assert_eq!(count(2, "day"), "2 days");
    }

    #[test]
    fn json_ends_with_a_line_break() {
        assert_eq!(json(&[1]).unwrap(), "[\n  1\n]\n");
    }
}
