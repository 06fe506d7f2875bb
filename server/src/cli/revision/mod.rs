//! Where the files of a bundle come from: a directory as it is, or as it was at a revision of its git repository.
//! Nothing is checked out, and nothing is fetched. What is in the files is judged elsewhere.

mod git;
mod index;
mod tree;

#[cfg(test)]
pub(super) mod fixtures;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use doorward_engine::SourceFile;

use super::Failure;
use crate::access;
use crate::reload::{Snapshot, Watched};
use git::{Git, ONE_LINE, Said};

/// A directory, and the revision at which it is read.
#[derive(Debug, Clone)]
pub(super) struct Place {
    directory: PathBuf,
    revision: Option<String>,
}

/// The files of a place that were wanted.
#[derive(Debug)]
pub(super) struct Files {
    /// Named as if the directory had been read as it is, whatever the revision.
    pub(super) texts: Vec<SourceFile>,
    /// The commit that the revision names; none for the directory as it is.
    pub(super) commit: Option<String>,
}

impl Place {
    /// `directory` as it was at `revision`, or as it is if there is none.
    pub(super) fn new(directory: impl Into<PathBuf>, revision: Option<String>) -> Self {
        Self {
            directory: directory.into(),
            revision,
        }
    }

    /// Reads the files that are wanted by their names, at any depth of the directory.
    pub(super) fn read(&self, wanted: impl Fn(&str) -> bool) -> Result<Files, Failure> {
        let (files, commit) = match &self.revision {
            None => {
                let watched = Watched::Directory(self.directory.clone());
                let snapshot = Snapshot::read(&watched).map_err(Failure::Files)?;
                (snapshot.files, None)
            }
            Some(revision) => self.read_at(revision, &wanted)?,
        };
        let texts = access::texts(&files, wanted).map_err(Failure::Files)?;
        Ok(Files { texts, commit })
    }

    /// The place in words: `policies`, `policies at v1.2`.
    pub(super) fn shown(&self) -> String {
        let directory = self.directory.display();
        match &self.revision {
            None => directory.to_string(),
            Some(revision) => format!("{directory} at {revision}"),
        }
    }

    fn read_at(
        &self,
        revision: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(tree::Contents, Option<String>), Failure> {
        let (start, missing) = nearest(&self.directory)?;
        let git = Git::new(&start);
        let prefix = prefix(&git, &self.directory)?;
        let path = [prefix, missing]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        // The commit first: a branch may move on meanwhile.
        let commit = object(&git, &format!("{revision}^{{commit}}"))?;
        let base = commit.as_deref().unwrap_or(revision);
        let Some(root) = object(&git, &format!("{base}^{{tree}}"))? else {
            return Err(unknown(&git, revision, &self.directory));
        };
        let reading = tree::Reading {
            git: &git,
            root: &root,
            path: &path,
            directory: &self.directory,
            revision,
        };
        Ok((reading.contents(wanted)?, commit))
    }
}

/// The nearest directory on the way to `directory` that is there, and the path below it that is not: at an
/// older revision there may be directories that have gone.
fn nearest(directory: &Path) -> Result<(PathBuf, String), Failure> {
    let mut missing: Vec<&str> = Vec::new();
    let mut start = directory;
    while !start.is_dir() {
        let name = start.file_name().and_then(|name| name.to_str());
        let (Some(parent), Some(name)) = (start.parent(), name) else {
            let message = format!("`{}` does not exist", directory.display());
            return Err(Failure::new(message));
        };
        missing.push(name);
        start = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
    }
    missing.reverse();
    Ok((start.to_owned(), missing.join("/")))
}

/// The path of the directory that git runs in, below the top of its repository.
fn prefix(git: &Git<'_>, directory: &Path) -> Result<String, Failure> {
    let said = git.run(&["rev-parse", "--show-prefix"], "", ONE_LINE)?;
    if !said.success {
        return Err(no_repository(&said, directory));
    }
    let prefix = String::from_utf8(said.stdout).map_err(|_| {
        let directory = directory.display();
        Failure::new(format!("the path of `{directory}` is not valid UTF-8"))
    })?;
    Ok(prefix
        .trim_end_matches('\n')
        .trim_end_matches('/')
        .to_owned())
}

/// The name of the object that is described, if there is one. What begins like an option describes none.
fn object(git: &Git<'_>, described: &str) -> Result<Option<String>, Failure> {
    if described.starts_with('-') || described.starts_with('^') {
        return Ok(None);
    }
    let said = git.run(
        &["rev-parse", "--verify", "--quiet", described],
        "",
        ONE_LINE,
    )?;
    Ok(said.success.then(|| said.line().to_owned()))
}

fn no_repository(said: &Said, directory: &Path) -> Failure {
    let directory = directory.display();
    if said.stderr.contains("not a git repository") {
        return Failure::new(format!("`{directory}` is in no git repository")).with_help(
            "`--rev` reads the history of a clone; without it the directory is read as it is",
        );
    }
    let reason = said.complaint();
    let failure = Failure::new(format!(
        "git cannot use the repository of `{directory}`: {reason}"
    ));
    if said.stderr.contains("safe.directory") {
        return failure.with_help(
            "it belongs to another user; `git config --global --add safe.directory …` says that you trust it",
        );
    }
    failure
}

fn unknown(git: &Git<'_>, revision: &str, directory: &Path) -> Failure {
    let shallow = git
        .run(&["rev-parse", "--is-shallow-repository"], "", ONE_LINE)
        .is_ok_and(|said| said.line() == "true");
    let help = if shallow {
        "this clone is shallow, so it may lack the revision: `git fetch --unshallow` brings all of the history"
    } else {
        "give a branch, a tag or a commit of this clone: `git branch --all`, `git tag` and `git log` list them"
    };
    let directory = directory.display();
    Failure::new(format!(
        "there is no revision `{revision}` in the repository of `{directory}`"
    ))
    .with_help(help)
}
