//! What is wrong with a file that a person wrote: where, what, and what to do about it.
//! Finding the faults is left to whoever reads the file, and colours to the terminal.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault of a file, or something about it worth a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// A stable name of the fault, for machines and for searching.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file, as the operator wrote its path; empty where no file is concerned.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
    /// The line itself with a mark under the column, for a terminal, without colours.
    pub excerpt: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and somebody should look at it.
    Warning,
}

impl Diagnostic {
    /// Something that makes `file` unusable.
    #[must_use]
    pub fn error(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, file.into(), message.into())
    }

    /// Something about `file` that somebody should look at.
    #[must_use]
    pub fn warning(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, file.into(), message.into())
    }

    fn new(severity: Severity, file: String, message: String) -> Self {
        Self {
            severity,
            code: None,
            message,
            help: None,
            file,
            line: None,
            column: None,
            excerpt: None,
        }
    }

    /// With the place in the file's text `source` that `byte_offset` points to, and an excerpt of it.
    /// An offset past the end, or inside a character, is moved back to the nearest place there is.
    #[must_use]
    pub fn with_position(mut self, source: &str, byte_offset: usize) -> Self {
        let place = Place::of(source, byte_offset);
        self.excerpt = Some(place.excerpt());
        self.line = Some(place.line);
        self.column = Some(place.column);
        self
    }

    /// With advice what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With the stable name of the fault.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: error: message`, without the parts that are not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            f.write_str(&self.file)?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, ":{number}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}: {}", self.severity, self.message)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Characters of a line that an excerpt shows at most.
const WIDTH: usize = 100;

/// A place in a text.
#[derive(Debug)]
struct Place<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

impl<'a> Place<'a> {
    fn of(source: &'a str, byte_offset: usize) -> Self {
        let offset = (0..=byte_offset.min(source.len()))
            .rev()
            .find(|offset| source.is_char_boundary(*offset))
            .unwrap_or(0);
        let (before, after) = source.split_at_checked(offset).unwrap_or((source, ""));
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let length = after.find('\n').unwrap_or(after.len());
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(start..).map_or(0, |text| text.chars().count()) + 1,
            text: source
                .get(start..offset + length)
                .unwrap_or_default()
                .trim_end_matches('\r'),
        }
    }

    /// The line with a mark under the column. Of a long line only the part around the column is shown.
    fn excerpt(&self) -> String {
        let before = self.column.saturating_sub(1);
        let skipped = if self.text.chars().count() > WIDTH {
            before.saturating_sub(WIDTH / 2)
        } else {
            0
        };
        let visible = || self.text.chars().skip(skipped).take(WIDTH);
        let text: String = visible().map(printable).collect();
        // Tabs stay tabs, so that the mark lands under its character whatever the terminal makes of them.
        let indent: String = visible()
            .chain(std::iter::repeat(' '))
            .take(before - skipped)
            .map(|symbol| if symbol == '\t' { '\t' } else { ' ' })
            .collect();
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        format!("{number} | {text}\n{margin} | {indent}^")
    }
}

/// The character, unless it would make a terminal do something.
fn printable(symbol: char) -> char {
    if symbol.is_control() && symbol != '\t' {
        char::REPLACEMENT_CHARACTER
    } else {
        symbol
    }
}

#[cfg(test)]
mod tests {
    use super::Diagnostic;

    const SOURCE: &str = "issuer = \"x\"\r\n\tschlüssel = 5\n";

    fn at(byte_offset: usize) -> Diagnostic {
        Diagnostic::error("doorward.toml", "no").with_position(SOURCE, byte_offset)
    }

    fn position(byte_offset: usize) -> (Option<usize>, Option<usize>) {
        let diagnostic = at(byte_offset);
        (diagnostic.line, diagnostic.column)
    }

    #[test]
    fn the_first_byte_is_line_1_column_1() {
        assert_eq!(position(0), (Some(1), Some(1)));
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let offset = SOURCE.find('5').unwrap();
        assert_eq!(position(offset), (Some(2), Some(14)));
    }

    #[test]
    fn an_offset_inside_a_character_points_to_that_character() {
        let offset = SOURCE.find('ü').unwrap();
        assert_eq!(position(offset + 1), position(offset));
    }

    #[test]
    fn an_offset_past_the_end_points_behind_the_last_character() {
        assert_eq!(position(10_000), (Some(3), Some(1)));
    }

    #[test]
    fn the_excerpt_marks_the_column_under_the_line() {
        assert_eq!(at(9).excerpt.unwrap(), "1 | issuer = \"x\"\n  |          ^");
    }

    #[test]
    fn the_mark_keeps_the_tabs_before_it() {
        let offset = SOURCE.find("schl").unwrap();
        assert_eq!(at(offset).excerpt.unwrap(), "2 | \tschlüssel = 5\n  | \t^");
    }

    #[test]
    fn an_empty_source_has_a_position() {
        let diagnostic = Diagnostic::error("a", "b").with_position("", 3);
        assert_eq!(diagnostic.excerpt.unwrap(), "1 | \n  | ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let source = format!("{}!{}", "a".repeat(5_000), "b".repeat(5_000));
        let excerpt = Diagnostic::error("a", "b")
            .with_position(&source, 5_000)
            .excerpt
            .unwrap();
        let (text, mark) = excerpt.split_once('\n').unwrap();
        assert_eq!(text.chars().count(), 104);
        assert_eq!(text.find('!'), mark.find('^'));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let excerpt = Diagnostic::error("a", "b")
            .with_position("\u{1b}[31m", 0)
            .excerpt
            .unwrap();
        assert!(!excerpt.contains('\u{1b}'));
    }

    #[test]
    fn a_diagnostic_reads_as_one_line() {
        assert_eq!(at(9).to_string(), "doorward.toml:1:10: error: no");
    }

    #[test]
    fn parts_that_are_missing_are_left_out() {
        assert_eq!(
            Diagnostic::warning("users.toml", "empty").to_string(),
            "users.toml: warning: empty"
        );
        assert_eq!(Diagnostic::error("", "no").to_string(), "error: no");
    }

    #[test]
    fn the_severity_is_written_in_lower_case() {
        let json = serde_json::to_value(Diagnostic::error("a", "b").with_help("c")).unwrap();
        assert_eq!(json["severity"], "error");
    }
}
