//! The two sides of a comparison: policies and suites in a directory as it is, or at a revision. Files are named
//! by their paths below the directory, so that those of both sides can be compared.

use std::path::{Path, PathBuf};

use doorward_engine::suite::{Suite, is_suite_file};
use doorward_engine::{Diagnostic, PolicyBundle, Revision, SourceFile, is_bundle_file};
use serde::Serialize;

use super::Args;
use crate::access;
use crate::cli::Failure;
use crate::cli::render::machine::Finding;
use crate::cli::revision::Place;

/// One side.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) bundle: PolicyBundle,
    pub(super) shown: Shown,
    suites: Vec<SourceFile>,
    /// What comes before the names of its files in messages.
    prefix: String,
}

/// What a person is told of a side.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Shown {
    /// Where it was read.
    pub(super) place: String,
    /// The commit that it was read from.
    pub(super) commit: Option<String>,
    pub(super) revision: Revision,
}

impl Side {
    /// Reads a directory, if there is one of that name, or else a revision.
    pub(super) fn read(named: &str, args: &Args) -> Result<Self, Failure> {
        let is_directory = Path::new(named).is_dir();
        let (root, revision, prefix) = if is_directory {
            (PathBuf::from(named), None, format!("{named}/"))
        } else {
            let root = args.policies.clone();
            let prefix = format!("{named}/{}/", root.display());
            (root, Some(named.to_owned()), prefix)
        };
        let place = Place::new(&root, revision);
        let wanted = |name: &str| is_bundle_file(name) || is_suite_file(name);
        let files = place.read(wanted).map_err(|failure| match failure {
            Failure::Other { message, help } if !is_directory => Failure::Other {
                message: format!("`{named}` is no directory, and {message}"),
                help,
            },
            other => other,
        })?;
        let (suites, policies): (Vec<SourceFile>, Vec<SourceFile>) = files
            .texts
            .into_iter()
            .partition(|file| is_suite_file(&file.name));
        let bundle = bundle(&policies, &root, &prefix)?;
        Ok(Self {
            shown: Shown {
                place: place.shown(),
                commit: files.commit,
                revision: bundle.revision(),
            },
            bundle,
            suites: suites.iter().map(|file| below(file, &root)).collect(),
            prefix,
        })
    }

    /// The suites that can be read, and what is wrong with the others.
    pub(super) fn suites(&self) -> (Vec<Suite>, Vec<Diagnostic>) {
        let (mut suites, mut wrong) = (Vec::new(), Vec::new());
        for file in &self.suites {
            match Suite::parse(file) {
                Ok(suite) => suites.push(suite),
                Err(found) => wrong.extend(found),
            }
        }
        (suites, wrong)
    }

    /// Suites that cannot be read, as a failure.
    pub(super) fn broken(&self, wrong: &[Diagnostic]) -> Failure {
        let found = wrong.iter().map(|found| {
            let mut diagnostic = Finding::of_policies(found).diagnostic;
            diagnostic.file.insert_str(0, &self.prefix);
            diagnostic
        });
        Failure::Files(found.collect())
    }
}

/// The bundle under the short names of its files. What is wrong is told with the whole names.
fn bundle(files: &[SourceFile], root: &Path, prefix: &str) -> Result<PolicyBundle, Failure> {
    let short: Vec<SourceFile> = files.iter().map(|file| below(file, root)).collect();
    access::bundle(&short).map_err(|found| {
        let whole = short.iter().map(|file| {
            let name = format!("{prefix}{}", file.name);
            SourceFile::new(name, file.text.clone())
        });
        let whole: Vec<SourceFile> = whole.collect();
        Failure::Files(access::bundle(&whole).err().unwrap_or(found))
    })
}

/// The file under its name below the directory.
fn below(file: &SourceFile, root: &Path) -> SourceFile {
    let path = Path::new(&*file.name).strip_prefix(root).ok();
    let name = path.and_then(Path::to_str).unwrap_or(&file.name);
    SourceFile::new(name, file.text.clone())
}
