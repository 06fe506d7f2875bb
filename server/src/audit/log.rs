//! The decision log: one JSON line for each record, to a file or standard output, and to whoever in
//! this process listens. Storage keeps the records; the log is a copy for other systems, and nobody
//! who signs in waits for those: a thread of its own writes, from a queue that may overflow.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;

use super::record::DecisionRecord;
use crate::domain::ids::Reference;

/// Where decision records go once they are committed.
#[derive(Debug, Clone)]
pub struct DecisionLog {
    writer: Option<Writer>,
    listeners: broadcast::Sender<Arc<DecisionRecord>>,
}

/// The way to the thread that writes. It ends when nobody can send to it any more.
#[derive(Debug, Clone)]
struct Writer {
    queue: mpsc::Sender<Message>,
    missed: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line { reference: Reference, line: String },
    Reopen,
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
enum Sink {
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
/// Lines that wait for whoever reads the log; what comes on top of them is not in the log.
const QUEUE: usize = 4096;
/// How long a stalled log is waited for where its order or its end matters.
const PATIENCE: Duration = Duration::from_secs(2);

impl DecisionLog {
    /// A log that only listeners of this process read.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            writer: None,
            listeners: broadcast::Sender::new(LISTENER_LAG),
        }
    }

    /// A log on standard output.
    pub fn standard_output() -> Result<Self, LogError> {
        Self::to(Sink::StandardOutput).map_err(|source| LogError {
            path: "-".into(),
            source,
        })
    }

    /// A log that is appended to the file at `path`.
    pub fn file(path: &Path) -> Result<Self, LogError> {
        let opened = open(path).and_then(|file| {
            Self::to(Sink::File {
                file,
                path: path.to_owned(),
            })
        });
        opened.map_err(|source| LogError {
            path: path.to_owned(),
            source,
        })
    }

    fn to(sink: Sink) -> io::Result<Self> {
        Ok(Self {
            writer: Some(Writer::start(sink)?),
            ..Self::nowhere()
        })
    }

    /// Hands a committed record to the log, and never waits. A log that stalls or fails is told of in
    /// the server's log and changes no answer: storage has the record.
    pub fn write(&self, record: DecisionRecord) {
        if let Some(writer) = &self.writer {
            writer.write(&record);
        }
        // No listener is no error.
        let _ = self.listeners.send(Arc::new(record));
    }

    /// Opens the file anew, for log rotation: lines that were handed in before are still in the old one.
    pub async fn reopen(&self) {
        let Some(writer) = &self.writer else {
            return;
        };
        // The thread itself reports a file that cannot be opened.
        if timeout(PATIENCE, writer.queue.send(Message::Reopen))
            .await
            .is_err()
        {
            tracing::error!("the decision log is stalled and was not opened anew");
        }
    }

    /// Waits until every line handed in so far is written, but not for long.
    pub async fn flush(&self) {
        let Some(writer) = &self.writer else {
            return;
        };
        let (done, written) = oneshot::channel();
        let all = async {
            writer.queue.send(Message::Flush(done)).await.is_ok() && written.await.is_ok()
        };
        if !timeout(PATIENCE, all).await.unwrap_or(false) {
            tracing::error!("the decision log is stalled: its last lines may be missing");
        }
    }

    /// Every record that is written from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<DecisionRecord>> {
        self.listeners.subscribe()
    }
}

impl Writer {
    fn start(mut sink: Sink) -> io::Result<Self> {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let missed = Arc::new(AtomicU64::new(0));
        let of_thread = Arc::clone(&missed);
        thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || {
                while let Some(message) = waiting.blocking_recv() {
                    sink.take(message);
                    // A burst is over when nothing waits any more.
                    if waiting.is_empty() {
                        let missed = of_thread.swap(0, Ordering::Relaxed);
                        if missed > 0 {
                            tracing::error!(missed, "the decision log goes on after a stall");
                        }
                    }
                }
            })?;
        Ok(Self { queue, missed })
    }

    fn write(&self, record: &DecisionRecord) {
        let reference = record.reference;
        let line = match serde_json::to_string(record) {
            Ok(line) => format!("{line}\n"),
            Err(error) => {
                tracing::error!(%reference, %error, "decision log cannot be written");
                return;
            }
        };
        match self.queue.try_send(Message::Line { reference, line }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                if self.missed.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::error!(
                        %reference,
                        "the decision log is stalled: records are missing there from now on, and only stored"
                    );
                }
            }
            Err(TrySendError::Closed(_)) => {
                tracing::error!(%reference, "decision log cannot be written: its thread has ended");
            }
        }
    }
}

impl Sink {
    fn take(&mut self, message: Message) {
        match message {
            Message::Line { reference, line } => {
                if let Err(error) = self.write(line.as_bytes()) {
                    tracing::error!(%reference, %error, "decision log cannot be written");
                }
            }
            Message::Reopen => self.reopen(),
            // Whoever asked may have stopped waiting.
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }

    /// One write call a line: lines of several processes do not interleave.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::StandardOutput => io::stdout().lock().write_all(line),
            Self::File { file, .. } => file.write_all(line),
        }
    }

    fn reopen(&mut self) {
        if let Self::File { file, path } = self {
            match open(path) {
                Ok(fresh) => *file = fresh,
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "decision log cannot be reopened");
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::audit::Ending;

    fn record() -> DecisionRecord {
        DecisionRecord::new(
            "7F3K-29QD".parse().unwrap(),
            "2026-11-24T12:00:00Z".parse().unwrap(),
            Ending::Denied,
        )
    }

    fn lines(path: &Path) -> usize {
        fs::read_to_string(path).unwrap().lines().count()
    }

    #[test]
    fn a_reader_that_stalls_holds_up_nobody_and_costs_only_lines() {
        let (mut reader, writer) = io::pipe().unwrap();
        let log = DecisionLog::to(Sink::File {
            file: File::from(OwnedFd::from(writer)),
            path: PathBuf::new(),
        })
        .unwrap();
        // Nobody reads meanwhile.
        for _ in 0..2 * QUEUE {
            log.write(record());
        }
        drop(log);

        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let whole = text
            .lines()
            .filter(|line| serde_json::from_str::<DecisionRecord>(line).is_ok());
        let written = text.lines().count();
        assert_eq!(whole.count(), written);
        assert!((QUEUE..2 * QUEUE).contains(&written), "{written}");
    }

    #[tokio::test]
    async fn what_was_handed_in_is_written_after_a_flush() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("decisions.jsonl");
        let log = DecisionLog::file(&path).unwrap();
        for _ in 0..100 {
            log.write(record());
        }
        log.flush().await;
        assert_eq!(lines(&path), 100);
    }

    #[tokio::test]
    async fn a_line_goes_to_the_file_that_was_open_when_it_was_handed_in() {
        let directory = tempfile::tempdir().unwrap();
        let (path, old) = (directory.path().join("new"), directory.path().join("old"));
        let log = DecisionLog::file(&path).unwrap();
        log.write(record());
        fs::rename(&path, &old).unwrap();
        log.reopen().await;
        log.write(record());
        log.write(record());
        log.flush().await;
        assert_eq!((lines(&old), lines(&path)), (1, 2));
    }

    #[test]
    fn listeners_hear_of_records_that_go_nowhere_else() {
        let log = DecisionLog::nowhere();
        let mut heard = log.listen();
        log.write(record());
        assert_eq!(heard.try_recv().unwrap().reference, record().reference);
    }
}
