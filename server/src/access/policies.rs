//! The policy bundle as a source that reloads: files in, a checked bundle or all its findings out. What its
//! suites and guardrails have to say is left to `suites` and `guardrails`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_analysis::Solver;
use doorward_engine::suite::{Suite, is_suite_file};
use doorward_engine::{
    BundleError, Guardrails, PolicyBundle, Severity as EngineSeverity, SourceFile, is_bundle_file,
    is_guardrail_file,
};
use miette::{GraphicalReportHandler, GraphicalTheme};

use super::guardrails;
use super::suites::Suites;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::{Diagnostic, Severity};
use crate::reload::{Built, Snapshot, Source, Watched};

/// The bundle in a directory.
#[derive(Debug, Clone)]
pub struct PolicySource {
    /// The directory.
    pub directory: PathBuf,
    /// Whether the suites in it are run, and a bundle that fails one is kept out.
    pub run_suites: bool,
    /// The solver that proves the guardrails in it, if they are to be proved: a bundle that breaks one is
    /// kept out.
    pub solver: Option<Solver>,
}

impl Source for PolicySource {
    type Value = PolicyBundle;

    fn name(&self) -> &'static str {
        "policies"
    }

    fn watched(&self) -> Watched {
        Watched::Directory(self.directory.clone())
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        previous: Option<&PolicyBundle>,
        _now: Timestamp,
    ) -> Result<Built<PolicyBundle>, Vec<Diagnostic>> {
        let bundle = texts(&snapshot.files, is_bundle_file).and_then(|files| {
            PolicyBundle::load(&files, previous)
                .map_err(|error| error.diagnostics.iter().map(plain).collect())
        });
        let suites = if self.run_suites {
            Suites::read(&snapshot.files)
        } else {
            Ok(Suites::default())
        };
        let beside = both(suites, guardrails::read(&snapshot.files));
        let (bundle, (suites, guardrails)) = both(bundle, beside)?;
        suites.pass(&bundle)?;
        let mut warnings: Vec<Diagnostic> = bundle.warnings().iter().map(plain).collect();
        if let (Some(guardrails), Some(solver)) = (&guardrails, &self.solver) {
            warnings.extend(guardrails::keep(guardrails, &bundle, solver)?);
        }
        Ok(Built {
            warnings,
            value: bundle,
        })
    }
}

/// Both, or everything that is wrong with either.
fn both<A, B>(
    one: Result<A, Vec<Diagnostic>>,
    other: Result<B, Vec<Diagnostic>>,
) -> Result<(A, B), Vec<Diagnostic>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(mut wrong), Err(more)) => {
            // A broken schema is found by all who read it.
            for finding in more {
                if !wrong.contains(&finding) {
                    wrong.push(finding);
                }
            }
            Err(wrong)
        }
        (Err(wrong), Ok(_)) | (Ok(_), Err(wrong)) => Err(wrong),
    }
}

/// A directory of policies that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// It cannot be read.
    #[error("the policies cannot be read")]
    Unreadable(Vec<Diagnostic>),
    /// It was read, and something in it is wrong.
    #[error(transparent)]
    Invalid(#[from] BundleError),
}

/// Checks the bundle in a directory, as a server would before it uses it, with the suites and guardrails
/// beside it: one that cannot be read keeps the bundle out. Whether the bundle passes them is not asked here.
pub fn check(
    directory: &Path,
) -> Result<(PolicyBundle, Vec<doorward_engine::Diagnostic>), PoliciesError> {
    let snapshot = Snapshot::read(&Watched::Directory(directory.to_owned()))
        .map_err(PoliciesError::Unreadable)?;
    check_files(&snapshot.files)
}

/// The same for files that were read already, such as those that an editor has.
pub fn check_files(
    files: &BTreeMap<String, Arc<[u8]>>,
) -> Result<(PolicyBundle, Vec<doorward_engine::Diagnostic>), PoliciesError> {
    let files = texts(files, is_checked).map_err(PoliciesError::Unreadable)?;
    let suites = files.iter().filter(|file| is_suite_file(&file.name));
    let mut beside: Vec<doorward_engine::Diagnostic> = suites
        .filter_map(|file| Suite::parse(file).err())
        .flatten()
        .collect();
    if let Err(error) = Guardrails::load(&files) {
        beside.extend_from_slice(&error.diagnostics);
    }
    match PolicyBundle::load(&files, None) {
        Ok(bundle) if beside.is_empty() => {
            let warnings = bundle.warnings().to_vec();
            Ok((bundle, warnings))
        }
        Ok(_) => Err(invalid(Vec::new(), beside)),
        Err(error) => Err(invalid(error.diagnostics.to_vec(), beside)),
    }
}

/// Whether a file is looked at when policies are checked, by its name.
#[must_use]
pub fn is_checked(name: &str) -> bool {
    is_bundle_file(name) || is_guardrail_file(name) || is_suite_file(name)
}

/// Everything that is wrong, each thing once.
fn invalid(
    mut wrong: Vec<doorward_engine::Diagnostic>,
    beside: Vec<doorward_engine::Diagnostic>,
) -> PoliciesError {
    for finding in beside {
        if !wrong.contains(&finding) {
            wrong.push(finding);
        }
    }
    PoliciesError::Invalid(BundleError {
        diagnostics: wrong.into(),
    })
}

/// The bundle that these files make, or everything that is wrong with them.
pub fn bundle(files: &[SourceFile]) -> Result<PolicyBundle, Vec<Diagnostic>> {
    PolicyBundle::load(files, None).map_err(|error| error.diagnostics.iter().map(plain).collect())
}

/// The texts of those files that are wanted by their names, such as the bundle's; a text that is not UTF-8
/// is an error of the file.
pub fn texts(
    files: &BTreeMap<String, Arc<[u8]>>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let mut texts = Vec::new();
    let mut wrong = Vec::new();
    for (name, bytes) in files.iter().filter(|(name, _)| wanted(name)) {
        match std::str::from_utf8(bytes) {
            Ok(text) => texts.push(SourceFile::new(name.as_str(), text)),
            Err(error) => wrong.push(Diagnostic::error(
                name.as_str(),
                format!(
                    "is not a text in UTF-8: the byte at {} does not fit",
                    error.valid_up_to()
                ),
            )),
        }
    }
    if wrong.is_empty() {
        Ok(texts)
    } else {
        Err(wrong)
    }
}

/// The engine's finding as the status, the log and the pages of the server carry it.
pub(super) fn plain(finding: &doorward_engine::Diagnostic) -> Diagnostic {
    let origin = finding.origin();
    let mut excerpt = String::new();
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    // INVARIANT: writing into a string cannot fail, and a finding without an excerpt is still a finding.
    let _ = handler.render_report(&mut excerpt, finding);
    Diagnostic {
        severity: match finding.severity {
            EngineSeverity::Error => Severity::Error,
            EngineSeverity::Warning => Severity::Warning,
        },
        code: Some(finding.code.to_owned()),
        message: finding.message.clone(),
        help: finding.help.clone(),
        file: origin.file,
        line: Some(origin.line),
        column: Some(origin.column),
        excerpt: Some(excerpt),
    }
}
