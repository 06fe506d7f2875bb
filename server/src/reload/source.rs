//! What can be reloaded: where its files lie, and how a value is built from them.
//! Reading, watching and swapping are left to the other files of this room.

use std::path::PathBuf;

use super::snapshot::Snapshot;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;

/// The files a value is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// All files in and below a directory, without hidden ones and without what editors leave behind.
    Directory(PathBuf),
    /// These files and no others.
    Files(Vec<PathBuf>),
}

impl Watched {
    /// The place as the operator wrote it, for a message about all of it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Directory(root) => root.display().to_string(),
            Self::Files(files) => files
                .iter()
                .map(|file| file.display().to_string())
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// Something that is built from files, and again whenever they change.
pub trait Source: Send + Sync + 'static {
    /// What is built. It is shared by all threads and never changed in place.
    type Value: Send + Sync + 'static;

    /// The name in logs, in metrics and on the status page: `policies`, `users`.
    fn name(&self) -> &'static str;

    /// Where the files are.
    fn watched(&self) -> Watched;

    /// Builds the whole value from a snapshot, or says everything that is wrong with it.
    ///
    /// It runs on a thread that may block, and it may be slow. `previous` is the value that is live, so that
    /// unchanged parts can be carried over; there is none at the start.
    fn build(
        &self,
        snapshot: &Snapshot,
        previous: Option<&Self::Value>,
        now: Timestamp,
    ) -> Result<Built<Self::Value>, Vec<Diagnostic>>;

    /// What deserves attention about the value at this moment, on top of what its files say for good: what was
    /// young enough or valid when it was built can be over by now.
    ///
    /// It is asked whenever the files are looked at, changed or not, so it has to be quick.
    fn warnings(&self, _value: &Self::Value, _now: Timestamp) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// A value, and what deserves attention although it could be built.
#[derive(Debug, Clone)]
pub struct Built<T> {
    /// The value.
    pub value: T,
    /// What deserves attention in the files, whatever the time.
    pub warnings: Vec<Diagnostic>,
}

impl<T> Built<T> {
    /// A value about which there is nothing to say.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            value,
            warnings: Vec::new(),
        }
    }
}
