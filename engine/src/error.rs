//! What is wrong with a bundle: prose with coordinates, for a terminal, an editor or a machine.

use std::fmt;
use std::sync::Arc;

use miette::{LabeledSpan, SourceCode, SourceSpan};
use serde::{Deserialize, Serialize};

use crate::source::{Origin, SourceFile};

/// One finding about a bundle, with the place in its source.
///
/// It is a [`miette::Diagnostic`], so that a terminal shows it with an excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the bundle can be used in spite of it.
    pub severity: Severity,
    /// A stable name of the kind of finding.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// The file.
    pub file: SourceFile,
    /// Places in the file, the first one leading: byte offset, length, text.
    pub labels: Vec<Label>,
}

/// A marked place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// First byte.
    pub offset: usize,
    /// Number of bytes.
    pub length: usize,
    /// What to say beside it.
    pub text: Option<String>,
}

/// Whether a bundle with a finding can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

impl Diagnostic {
    pub(crate) fn error(
        file: &SourceFile,
        code: &'static str,
        offset: usize,
        length: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            help: None,
            file: file.clone(),
            labels: vec![Label {
                offset,
                length,
                text: None,
            }],
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn with_label(mut self, offset: usize, length: usize, text: &str) -> Self {
        self.labels.push(Label {
            offset,
            length,
            text: Some(text.to_owned()),
        });
        self
    }

    /// A finding of the Cedar crates, which count places from `base`, about `whole` if they say no more.
    pub(crate) fn from_cedar(
        file: &SourceFile,
        base: usize,
        whole: std::ops::Range<usize>,
        code: &'static str,
        error: &(impl miette::Diagnostic + ?Sized),
    ) -> Self {
        let severity = match error.severity() {
            None | Some(miette::Severity::Error) => Severity::Error,
            Some(_) => Severity::Warning,
        };
        let mut labels: Vec<Label> = error
            .labels()
            .into_iter()
            .flatten()
            .map(|label| Label {
                offset: base + label.offset(),
                length: label.len(),
                text: label.label().map(ToOwned::to_owned),
            })
            .collect();
        if labels.is_empty() {
            labels.push(Label {
                offset: whole.start,
                length: whole.len(),
                text: None,
            });
        }
        Self {
            severity,
            code,
            message: error.to_string(),
            help: error.help().map(|help| help.to_string()),
            file: file.clone(),
            labels,
        }
    }

    /// Where the finding is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.file
            .origin(self.labels.first().map_or(0, |label| label.offset))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.file)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().map(|label| {
            LabeledSpan::new(label.text.clone(), label.offset, label.length)
        })))
    }
}

impl SourceCode for SourceFile {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let contents = self.text.read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.name.to_string(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}

/// Everything that is wrong with a bundle, of all its files, errors first.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the policies cannot be used: {}", count(.diagnostics))]
pub struct BundleError {
    /// The findings, in order of severity and place.
    pub diagnostics: Arc<[Diagnostic]>,
}

fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    match errors {
        1 => "1 error".to_owned(),
        _ => format!("{errors} errors"),
    }
}

/// Errors before warnings, then by place.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_cached_key(|d| (d.severity, d.origin(), d.message.clone()));
}
