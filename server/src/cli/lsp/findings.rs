//! What is wrong with the files of a bundle as the editor has them: what `doorward check` would find, file by file,
//! for the editor to show.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_engine::editor::Draft;
use doorward_engine::{
    Diagnostic as PolicyDiagnostic, Label, Severity as PolicySeverity, SourceFile,
};
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    Position, Range, Uri,
};

use super::documents::{Documents, uri_of};
use super::positions::{Encoding, Lines};
use crate::access::{self, PoliciesError};
use crate::domain::diagnostic::{Diagnostic as FileDiagnostic, Severity};
use crate::reload::{Snapshot, Watched, is_ignored};

/// Findings by file.
pub(super) type Findings = BTreeMap<PathBuf, Vec<Diagnostic>>;

/// The bundle in a directory, with what is open in the editor instead of what is on disk.
#[derive(Debug)]
pub(super) struct Bundle {
    /// The directory that the names of its files begin in.
    base: PathBuf,
    files: BTreeMap<String, Arc<[u8]>>,
    /// Why there may be files that were not read.
    problems: Vec<FileDiagnostic>,
    /// What can be said about places in its policies.
    pub(super) draft: Draft,
}

impl Bundle {
    pub(super) fn read(directory: &Path, documents: &Documents) -> Self {
        let base = directory.parent().unwrap_or(directory).to_owned();
        let (on_disk, problems) = on_disk(directory);
        let mut files: BTreeMap<String, Arc<[u8]>> = on_disk
            .into_iter()
            .map(|(path, bytes)| (shown(&base, Path::new(&path)), bytes))
            .collect();
        for (path, document) in documents.all() {
            if is_read(directory, path) {
                files.insert(shown(&base, path), Arc::from(document.text.as_bytes()));
            }
        }
        Self {
            draft: Draft::of(&texts(&files)),
            base,
            files,
            problems,
        }
    }

    /// The path of a file.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// The name of a file.
    pub(super) fn name(&self, path: &Path) -> String {
        shown(&self.base, path)
    }

    /// The text of a file.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(name)?).ok()
    }

    /// Everything that `doorward check` would find.
    pub(super) fn check(&self, encoding: Encoding) -> Findings {
        let mut findings = Findings::new();
        if !self.problems.is_empty() {
            self.keep_files(&mut findings, &self.problems);
            return findings;
        }
        match access::check_files(&self.files) {
            Ok((bundle, warnings)) => {
                self.keep(&mut findings, &warnings, encoding);
                self.keep(&mut findings, &bundle.examine(), encoding);
            }
            Err(PoliciesError::Invalid(error)) => {
                self.keep(&mut findings, &error.diagnostics, encoding);
            }
            Err(PoliciesError::Unreadable(problems)) => self.keep_files(&mut findings, &problems),
        }
        findings
    }

    fn keep(&self, findings: &mut Findings, found: &[PolicyDiagnostic], encoding: Encoding) {
        for finding in found {
            let path = self.path(&finding.file.name);
            let shown = of_policies(finding, uri_of(&path).as_ref(), encoding);
            findings.entry(path).or_default().push(shown);
        }
    }

    fn keep_files(&self, findings: &mut Findings, found: &[FileDiagnostic]) {
        for finding in found {
            let path = self.path(&finding.file);
            findings.entry(path).or_default().push(of_file(finding));
        }
    }
}

/// All files of a directory, or why they cannot be read. One that does not exist has none: its first file is
/// being written.
fn on_disk(directory: &Path) -> (BTreeMap<String, Arc<[u8]>>, Vec<FileDiagnostic>) {
    if !directory.exists() {
        return (BTreeMap::new(), Vec::new());
    }
    match Snapshot::read(&Watched::Directory(directory.to_owned())) {
        Ok(snapshot) => (snapshot.files, Vec::new()),
        Err(problems) => (BTreeMap::new(), problems),
    }
}

/// Whether a file is one that a snapshot of the directory would hold if it were on disk.
fn is_read(directory: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(directory);
    below.is_ok_and(|below| !below.iter().any(is_ignored))
}

fn shown(base: &Path, path: &Path) -> String {
    path.strip_prefix(base)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The files that policies are made of and that are texts.
fn texts(files: &BTreeMap<String, Arc<[u8]>>) -> Vec<SourceFile> {
    let wanted = files.iter().filter(|(name, _)| access::is_checked(name));
    wanted
        .filter_map(|(name, bytes)| {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(SourceFile::new(name.as_str(), text))
        })
        .collect()
}

fn of_policies(finding: &PolicyDiagnostic, uri: Option<&Uri>, encoding: Encoding) -> Diagnostic {
    let lines = Lines::of(&finding.file.text, encoding);
    let range = |label: &Label| lines.range(&(label.offset..label.offset + label.length));
    let first = finding.labels.first();
    let said = first.and_then(|label| label.text.as_deref());
    let others = finding.labels.iter().skip(1).filter_map(|label| {
        Some(DiagnosticRelatedInformation {
            location: Location::new(uri?.clone(), range(label)),
            message: label.text.clone()?,
        })
    });
    let related: Vec<DiagnosticRelatedInformation> = others.collect();
    Diagnostic {
        range: first.map_or_else(top, range),
        severity: Some(match finding.severity {
            PolicySeverity::Error => DiagnosticSeverity::ERROR,
            PolicySeverity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(finding.code.to_owned())),
        source: Some("doorward".to_owned()),
        message: message(&finding.message, said, finding.help.as_deref()),
        related_information: Some(related).filter(|related| !related.is_empty()),
        ..Diagnostic::default()
    }
}

/// What is wrong with a file as a whole.
fn of_file(finding: &FileDiagnostic) -> Diagnostic {
    Diagnostic {
        range: top(),
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: finding.code.clone().map(NumberOrString::String),
        source: Some("doorward".to_owned()),
        message: message(&finding.message, None, finding.help.as_deref()),
        ..Diagnostic::default()
    }
}

fn top() -> Range {
    Range::new(Position::new(0, 0), Position::new(0, 0))
}

/// The message, what stands beside the place, and the help: a line each.
fn message(message: &str, said: Option<&str>, help: Option<&str>) -> String {
    let help = help.map(|help| format!("help: {help}"));
    let lines = [Some(message), said, help.as_deref()];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_marked_where_it_is_and_says_what_to_do() {
        let file = SourceFile::new("a.cedar", "// ä🔒\nx");
        let finding = PolicyDiagnostic {
            severity: PolicySeverity::Warning,
            code: "shadowed",
            message: "no".to_owned(),
            help: Some("do".to_owned()),
            labels: vec![
                Label {
                    offset: 3,
                    length: 6,
                    text: Some("here".to_owned()),
                },
                Label {
                    offset: 10,
                    length: 1,
                    text: Some("and there".to_owned()),
                },
            ],
            file,
        };
        let uri = uri_of(Path::new("/a.cedar"));
        let shown = of_policies(&finding, uri.as_ref(), Encoding::Utf16);
        let place = |line, character| Position::new(line, character);
        assert_eq!(shown.range, Range::new(place(0, 3), place(0, 6)));
        assert_eq!(shown.message, "no\nhere\nhelp: do");
        assert_eq!(shown.severity, Some(DiagnosticSeverity::WARNING));
        let related = shown.related_information.unwrap();
        assert_eq!(related[0].location.range.start, place(1, 0));
        assert_eq!(related[0].message, "and there");
    }

    #[test]
    fn ignored_files_are_read_from_no_editor() {
        let read = |path: &str| is_read(Path::new("/p"), Path::new(path));
        assert!(read("/p/sub/a.cedar"));
        assert!(!read("/p/.git/a.cedar"));
        assert!(!read("/q/a.cedar"));
    }
}
