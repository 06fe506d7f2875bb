//! Findings about files, and complaints, as a terminal shows them: message, place, excerpt, help.
//! What is found is left to the engine and to the rooms that read files.

use std::fmt;
use std::sync::Arc;

use doorward_engine::SourceFile;
use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::{Style, clean};
use crate::domain::diagnostic::{Diagnostic, Severity};

/// A finding of the policy engine, with its excerpt.
#[must_use]
pub fn policy(finding: &doorward_engine::Diagnostic, style: Style) -> String {
    let mut finding = finding.clone();
    finding.message = clean::text(&finding.message).into_owned();
    finding.help = finding.help.map(|help| clean::text(&help).into_owned());
    for label in &mut finding.labels {
        label.text = label.text.as_deref().map(clean::line);
    }
    let text: Arc<str> = clean::text(&finding.file.text).into();
    finding.file = SourceFile::new(clean::line(&finding.file.name), text);
    shown(&finding, style)
}

/// Findings about files that an operator wrote, a blank line between them.
#[must_use]
pub fn files(findings: &[Diagnostic], style: Style) -> String {
    findings
        .iter()
        .map(|finding| file(finding, style))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Something that is wrong and in no file.
#[must_use]
pub fn complaint(message: &str, help: Option<&str>, style: Style) -> String {
    shown(
        &Report {
            severity: Severity::Error,
            code: None,
            message: clean::text(message).into_owned(),
            help: help.map(|help| clean::text(help).into_owned()),
            snippet: None,
        },
        style,
    )
}

fn file(finding: &Diagnostic, style: Style) -> String {
    if let Some(report) = whole_report(finding) {
        return format!("{}\n", clean::text(report).trim_end());
    }
    let snippet = Snippet::of(finding);
    let message = match (&snippet, place(finding)) {
        (None, Some(place)) => format!("{place}: {}", finding.message),
        _ => finding.message.clone(),
    };
    shown(
        &Report {
            severity: finding.severity,
            code: finding.code.clone(),
            message: clean::text(&message).into_owned(),
            help: finding
                .help
                .as_deref()
                .map(|help| clean::text(help).into_owned()),
            snippet,
        },
        style,
    )
}

/// The excerpt, where it is a drawn report already, as that of the policies: it begins with the code.
fn whole_report(finding: &Diagnostic) -> Option<&str> {
    let excerpt = finding.excerpt.as_deref()?;
    let code = finding.code.as_deref()?;
    (excerpt.lines().next() == Some(code)).then_some(excerpt)
}

/// `file:line:column`, without the parts that are not known.
fn place(finding: &Diagnostic) -> Option<String> {
    if finding.file.is_empty() {
        return None;
    }
    let numbers = [finding.line, finding.column].into_iter().flatten();
    Some(numbers.fold(finding.file.clone(), |place, number| {
        format!("{place}:{number}")
    }))
}

fn shown(diagnostic: &dyn miette::Diagnostic, style: Style) -> String {
    let mut text = String::new();
    // INVARIANT: writing into a string cannot fail; where an excerpt does, the message stands before it.
    let _ = style.handler().render_report(&mut text, diagnostic);
    text
}

/// A finding as the drawing of reports takes it.
#[derive(Debug)]
struct Report {
    severity: Severity,
    code: Option<String>,
    message: String,
    help: Option<String>,
    snippet: Option<Snippet>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let code = self.code.as_ref()?;
        Some(Box::new(code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let snippet = self.snippet.as_ref()?;
        Some(snippet)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let snippet = self.snippet.as_ref()?;
        Some(Box::new(std::iter::once(snippet.label())))
    }
}

/// The one line of a file that an excerpt shows, and the byte in it that is marked.
#[derive(Debug)]
struct Snippet {
    file: String,
    line: usize,
    column: usize,
    /// With a line break at its end, so that the place behind the last character can be marked.
    text: String,
    mark: usize,
}

impl Snippet {
    /// The line and the mark of an excerpt as [`Diagnostic::with_position`] writes it.
    fn of(finding: &Diagnostic) -> Option<Self> {
        let (line, column) = (finding.line?, finding.column?);
        let (shown, marked) = finding.excerpt.as_deref()?.split_once('\n')?;
        let text = shown.strip_prefix(&format!("{line} | "))?;
        let (_, indent) = marked.split_once(" | ")?;
        let before = indent.strip_suffix('^')?.chars().count();
        Some(Self {
            file: clean::line(&finding.file),
            line,
            column,
            mark: text
                .char_indices()
                .nth(before)
                .map_or(text.len(), |(at, _)| at),
            text: format!("{text}\n"),
        })
    }

    fn label(&self) -> LabeledSpan {
        let marked = self
            .text
            .get(self.mark..)
            .and_then(|rest| rest.chars().next())
            .filter(|symbol| *symbol != '\n');
        LabeledSpan::new(None, self.mark, marked.map_or(0, char::len_utf8))
    }
}

impl SourceCode for Snippet {
    /// Always the one line there is, with its place in the whole file.
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            self.text.as_bytes(),
            (0, self.text.len()).into(),
            self.line.saturating_sub(1),
            self.column.saturating_sub(1),
            1,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "issuer = 'https://id.example.com'\n\n[listen]\nadress = '127.0.0.1:1'\n";

    fn misspelt() -> Diagnostic {
        Diagnostic::error("doorward.toml", "unknown key `adress`")
            .with_position(FILE, FILE.find("adress").unwrap())
            .with_help("did you mean `address`?")
    }

    #[test]
    fn a_finding_shows_the_line_of_the_file_and_the_help() {
        insta::assert_snapshot!(files(&[misspelt()], Style::plain()));
    }

    #[test]
    fn two_findings_have_a_blank_line_between_them() {
        let warning = Diagnostic::warning("users.toml", "there are no users").with_code("empty");
        insta::assert_snapshot!(files(&[misspelt(), warning], Style::plain()));
    }

    #[test]
    fn a_finding_without_excerpt_names_its_place_in_front() {
        let mut hidden = misspelt();
        hidden.excerpt = None;
        let text = files(&[hidden], Style::plain());
        assert!(
            text.contains("doorward.toml:4:1: unknown key `adress`"),
            "{text}"
        );
    }

    #[test]
    fn a_long_line_keeps_its_place_and_its_mark() {
        let source = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let finding = Diagnostic::error("a.toml", "no").with_position(&source, 500);
        let text = files(&[finding], Style::plain());
        assert!(text.contains("[a.toml:1:501]"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let at = lines.iter().position(|line| line.contains('!')).unwrap();
        let column = |line: &str, symbol: char| line.chars().position(|it| it == symbol);
        assert_eq!(column(lines[at], '!'), column(lines[at + 1], '─'));
    }

    #[test]
    fn a_place_behind_the_last_character_is_marked_there() {
        let finding = Diagnostic::error("a.toml", "no").with_position("key =", 5);
        let text = files(&[finding], Style::plain());
        assert!(text.contains("[a.toml:1:6]"), "{text}");
        assert!(text.contains('▲'), "{text}");
    }

    #[test]
    fn an_empty_file_has_a_place_too() {
        let finding = Diagnostic::error("a.toml", "no").with_position("", 0);
        assert!(files(&[finding], Style::plain()).contains("[a.toml:1:1]"));
    }

    #[test]
    fn a_report_that_is_drawn_already_is_not_drawn_again() {
        let mut drawn = misspelt().with_code("validation");
        drawn.excerpt = Some("validation\n\n  × drawn\n".to_owned());
        assert_eq!(files(&[drawn], Style::plain()), "validation\n\n  × drawn\n");
    }

    #[test]
    fn a_complaint_has_its_help_below() {
        insta::assert_snapshot!(complaint(
            "there is no database",
            Some("start it"),
            Style::plain()
        ));
    }

    #[test]
    fn escapes_in_a_policy_do_not_reach_the_terminal() {
        let file = SourceFile::new("a.cedar", "permit\u{1b}[2J (principal, action, resource);");
        let error = doorward_engine::PolicyBundle::load(&[file], None).unwrap_err();
        let text: String = error
            .diagnostics
            .iter()
            .map(|finding| policy(finding, Style::plain()))
            .collect();
        assert!(text.contains("a.cedar"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn colours_are_for_terminals() {
        assert!(!files(&[misspelt()], Style::plain()).contains('\u{1b}'));
        assert!(files(&[misspelt()], Style::coloured()).contains('\u{1b}'));
    }
}
