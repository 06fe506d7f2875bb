//! The decision log: one JSON line for each record, to a file or standard output, and to whoever in
//! this process listens. Storage keeps the records; the log is a copy for other systems.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

use super::record::DecisionRecord;

/// Where decision records go once they are committed.
#[derive(Debug, Clone)]
pub struct DecisionLog {
    sink: Arc<Mutex<Sink>>,
    listeners: broadcast::Sender<Arc<DecisionRecord>>,
}

#[derive(Debug)]
enum Sink {
    Nowhere,
    StandardOutput,
    File { file: File, path: PathBuf },
}

/// The decision log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the decision log `{}` cannot be opened: {source}", path.display())]
pub struct LogError {
    path: PathBuf,
    source: io::Error,
}

/// Records that a slow listener may lag behind before it misses some.
const LISTENER_LAG: usize = 1024;

impl DecisionLog {
    /// A log that only listeners of this process read.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::new(Sink::Nowhere)
    }

    /// A log on standard output.
    #[must_use]
    pub fn standard_output() -> Self {
        Self::new(Sink::StandardOutput)
    }

    /// A log that is appended to the file at `path`.
    pub fn file(path: &Path) -> Result<Self, LogError> {
        let opened = open(path).map_err(|source| LogError {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::new(Sink::File {
            file: opened,
            path: path.to_owned(),
        }))
    }

    fn new(sink: Sink) -> Self {
        Self {
            sink: Arc::new(Mutex::new(sink)),
            listeners: broadcast::Sender::new(LISTENER_LAG),
        }
    }

    /// Writes a committed record. A full disk is logged and changes no answer: storage has the record.
    pub fn write(&self, record: DecisionRecord) {
        let line = serde_json::to_string(&record);
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match (&mut *sink, line) {
            (Sink::Nowhere, _) => Ok(()),
            (_, Err(error)) => Err(io::Error::other(error)),
            (Sink::StandardOutput, Ok(line)) => writeln!(io::stdout().lock(), "{line}"),
            // One write call a line: lines of several processes do not interleave.
            (Sink::File { file, .. }, Ok(line)) => file.write_all(format!("{line}\n").as_bytes()),
        };
        drop(sink);
        if let Err(error) = written {
            tracing::error!(reference = %record.reference, %error, "decision log cannot be written");
        }
        // No listener is no error.
        let _ = self.listeners.send(Arc::new(record));
    }

    /// Opens the file anew, for log rotation.
    pub fn reopen(&self) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Sink::File { file, path } = &mut *sink {
            match open(path) {
                Ok(fresh) => *file = fresh,
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "decision log cannot be reopened");
                }
            }
        }
    }

    /// Every record that is written from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<DecisionRecord>> {
        self.listeners.subscribe()
    }
}

fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Records name people, devices and addresses: for the operator's eyes.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o640)
        .open(path)
}
