//! Runs the `git` program: quietly, without prompts and without network, and never reads more of its answer
//! than was asked for. What the answers mean is left to the other files of this place.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::Failure;

/// Enough for an answer of one line.
pub(super) const ONE_LINE: u64 = 64 * 1024;

/// How much of a complaint is kept.
const COMPLAINT: u64 = 4 * 1024;

/// Variables by which a hook of git, say, points to its own repository. Ours is found from the directory.
const OF_CALLERS: [&str; 5] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
];

/// The program, to be run in a directory.
#[derive(Debug)]
pub(super) struct Git<'a> {
    program: &'a str,
    directory: &'a Path,
}

/// What the program said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) success: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl<'a> Git<'a> {
    pub(super) fn new(directory: &'a Path) -> Self {
        Self {
            program: "git",
            directory,
        }
    }

    /// Runs one command of git to its end. An answer of more than `most` bytes is none.
    pub(super) fn run(&self, arguments: &[&str], input: &str, most: u64) -> Result<Said, Failure> {
        let failed = |error: io::Error| Failure::new(format!("cannot run `git`: {error}"));
        let mut complaints = tempfile::tempfile().map_err(failed)?;
        let mut command = Command::new(self.program);
        command
            .arg("-C")
            .arg(self.directory)
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            // A partial clone would fetch what it lacks.
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .stdin(standard_input(input).map_err(failed)?)
            .stdout(Stdio::piped())
            .stderr(complaints.try_clone().map_err(failed)?);
        for variable in OF_CALLERS {
            command.env_remove(variable);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => failed(error),
        })?;
        let mut stdout = Vec::new();
        let read = match child.stdout.take() {
            // One byte more than is allowed tells an answer that fits from one that does not.
            Some(pipe) => pipe.take(most + 1).read_to_end(&mut stdout),
            None => Ok(0),
        };
        let exceeded = u64::try_from(stdout.len()).unwrap_or(u64::MAX) > most;
        if exceeded || read.is_err() {
            // It may have ended by itself already.
            let _ = child.kill();
        }
        let status = child.wait().map_err(failed)?;
        read.map_err(failed)?;
        if exceeded {
            return Err(too_much(arguments));
        }
        Ok(Said {
            success: status.success(),
            stdout,
            stderr: text_of(&mut complaints).map_err(failed)?,
        })
    }
}

impl Said {
    /// An answer of one line.
    pub(super) fn line(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap_or("").trim()
    }

    /// Why git could not answer, on one line.
    pub(super) fn complaint(&self) -> &str {
        let first = self.stderr.lines().find(|line| !line.trim().is_empty());
        first.map_or("it does not say why", |line| {
            line.trim_start_matches("fatal: ").trim()
        })
    }
}

/// A file and no pipe: nobody has to write while the answer is read.
fn standard_input(text: &str) -> io::Result<Stdio> {
    if text.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(Stdio::from(file))
}

fn text_of(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(COMPLAINT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn missing() -> Failure {
    Failure::new("the program `git` is not installed, or not in `PATH`")
        .with_help("install git, or leave out `--rev` to read the directory as it is")
}

fn too_much(arguments: &[&str]) -> Failure {
    let command = arguments.first().copied().unwrap_or_default();
    Failure::new(format!(
        "`git {command}` answered with more than a bundle can hold"
    ))
    .with_help("give `--policies` the directory that holds the policies and little else")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(failure: Failure) -> (String, String) {
        match failure {
            Failure::Other { message, help } => (message, help.unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_the_program_there_is_advice() {
        let git = Git {
            program: "no-such-git",
            directory: Path::new("."),
        };
        let (message, help) = told(git.run(&["version"], "", ONE_LINE).unwrap_err());
        assert!(message.contains("not installed"), "{message}");
        assert!(help.contains("`--rev`"), "{help}");
    }

    #[test]
    fn an_answer_is_read_up_to_its_bound() {
        let directory = tempfile::tempdir().unwrap();
        let git = Git::new(directory.path());
        let said = git.run(&["version"], "", ONE_LINE).unwrap();
        assert!(said.success);
        assert!(said.line().starts_with("git version"), "{said:?}");
        let (message, _) = told(git.run(&["version"], "", 3).unwrap_err());
        assert!(message.contains("more than"), "{message}");
    }

    #[test]
    fn a_complaint_is_told_without_the_word_fatal() {
        let directory = tempfile::tempdir().unwrap();
        let git = Git::new(directory.path());
        let said = git
            .run(&["rev-parse", "--show-prefix"], "", ONE_LINE)
            .unwrap();
        assert!(!said.success);
        assert!(
            said.complaint().starts_with("not a git repository"),
            "{said:?}"
        );
    }

    #[test]
    fn input_reaches_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let git = Git::new(directory.path());
        let said = git
            .run(&["hash-object", "--stdin"], "a\n", ONE_LINE)
            .unwrap();
        assert_eq!(said.line(), "78981922613b2afb6025042ff6bd878ac1994e85");
    }
}
