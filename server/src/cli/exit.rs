//! What a command comes to: yes, no, or no answer at all. How that looks is left to `render`.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::app::StartError;
use crate::domain::diagnostic::Diagnostic;

/// What a command answered, as its exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The answer is yes, or the work is done.
    Yes,
    /// The answer is no: there are findings, or nothing was found.
    No,
    /// There is no answer: something is missing, unreadable or mistyped.
    Unanswered,
}

impl Exit {
    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Unanswered => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Files that cannot be used, each finding with its place.
    #[error("{}", in_lines(.0))]
    Files(Vec<Diagnostic>),
    /// Anything else, in words.
    #[error("{message}")]
    Other {
        /// What went wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
}

impl Failure {
    /// A failure in words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::Other {
            message: message.into(),
            help: None,
        }
    }

    /// A failure that an error tells, with its causes.
    #[must_use]
    pub fn of(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            let words = deeper.to_string();
            // Many errors repeat their cause already.
            if !message.contains(&words) {
                message.push_str(": ");
                message.push_str(&words);
            }
            cause = deeper.source();
        }
        Self::new(message)
    }

    /// A file or directory that the system does not let us use.
    #[must_use]
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot use `{}`: {error}", path.display()))
    }

    /// The same failure with advice. What has advice of its own keeps it.
    #[must_use]
    pub fn with_help(self, advice: impl Into<String>) -> Self {
        match self {
            Self::Other {
                message,
                help: None,
            } => Self::Other {
                message,
                help: Some(advice.into()),
            },
            other => other,
        }
    }

    /// The exit code's meaning. A closed pipe is success: whoever read has read enough.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Yes,
            Self::Files(_) | Self::Other { .. } | Self::Output(_) => Exit::Unanswered,
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let help = match &error {
            StartError::Io { source, .. } => refused(source.kind()),
            _ => None,
        };
        let failure = match error {
            StartError::Invalid(diagnostics) => Self::Files(diagnostics),
            other => Self::of(&other),
        };
        match help {
            Some(help) => failure.with_help(help),
            None => failure,
        }
    }
}

/// What to do where the operating system refuses what a start needs.
fn refused(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::AddrInUse => {
            Some("another process listens there: stop it, or choose another port")
        }
        io::ErrorKind::AddrNotAvailable => Some("no interface of this machine has that address"),
        io::ErrorKind::PermissionDenied => {
            Some("run as a user who may; a port below 1024 needs a privilege of its own")
        }
        _ => None,
    }
}

fn in_lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Nested(&'static str, Option<Box<Nested>>);

    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Nested {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1
                .as_deref()
                .map(|cause| cause as &(dyn Error + 'static))
        }
    }

    fn output(kind: io::ErrorKind) -> Failure {
        Failure::Output(io::Error::from(kind))
    }

    #[test]
    fn the_codes_are_those_of_grep() {
        let codes = [Exit::Yes, Exit::No, Exit::Unanswered].map(Exit::code);
        assert_eq!(codes, [0, 1, 2]);
    }

    #[test]
    fn a_closed_pipe_is_success_and_a_full_disk_is_not() {
        assert_eq!(output(io::ErrorKind::BrokenPipe).exit(), Exit::Yes);
        assert_eq!(output(io::ErrorKind::StorageFull).exit(), Exit::Unanswered);
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_none_of_them_twice() {
        let root = Nested("disk is full", None);
        let middle = Nested("cannot write: disk is full", Some(Box::new(root)));
        let top = Nested("cannot start", Some(Box::new(middle)));
        assert_eq!(
            Failure::of(&top).to_string(),
            "cannot start: cannot write: disk is full"
        );
    }

    #[test]
    fn the_first_advice_stays() {
        let failure = Failure::new("no").with_help("first").with_help("second");
        match failure {
            Failure::Other { help, .. } => assert_eq!(help.as_deref(), Some("first")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_port_that_is_taken_comes_with_advice() {
        let failure = Failure::from(StartError::Io {
            what: "listen on 127.0.0.1:8080".to_owned(),
            source: io::Error::from(io::ErrorKind::AddrInUse),
        });
        match failure {
            Failure::Other { help, .. } => assert!(help.unwrap().contains("another port")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_with_files_keeps_its_places() {
        let found = Diagnostic::error("a.toml", "no").with_position("x", 0);
        let failure = Failure::from(StartError::Invalid(vec![found]));
        assert_eq!(failure.to_string(), "a.toml:1:1: error: no");
        assert_eq!(failure.exit(), Exit::Unanswered);
    }
}
