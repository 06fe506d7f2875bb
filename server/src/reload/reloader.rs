//! The reloader of one source: when to look, what to do with what was found, and whom to tell.
//! How to hear, read and swap is left to `watch.rs`, `snapshot.rs` and `live.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinError;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::live::{Live, SourceStatus};
use super::reads::Reads;
use super::snapshot::{Snapshot, fingerprint, read_once};
use super::source::{Built, Source, Watched};
use super::watch::Ears;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::diagnostic::Diagnostic;

/// Requests to reload that may wait at one time; whoever asks beyond that waits to ask.
const MOST_REQUESTS: usize = 16;

/// How soon a changed file is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadSettings {
    /// How often to look at the files without having heard of a change.
    pub interval: Duration,
    /// How long the files must have been left alone.
    pub quiet: Duration,
    /// How long files that keep changing can put off the reading.
    pub longest_wait: Duration,
}

/// Reads and builds `source` for the first time. There is no last good value yet, so an error refuses the start.
///
/// It reads files and builds on the calling thread.
pub fn load<S: Source>(
    source: S,
    clock: Arc<dyn Clock>,
) -> Result<(Live<S::Value>, Reloader), Vec<Diagnostic>> {
    let snapshot = Snapshot::read(&source.watched())?;
    let now = clock.now();
    let built = source.build(&snapshot, None, now)?;
    let name = source.name();
    let warnings = warnings(&source, &built.warnings, &built.value, now);
    log_warnings(name, &warnings);
    tracing::info!(source = name, digest = %snapshot.digest.short(), "loaded");
    let live = Live::new(name, built, warnings, snapshot.digest, now);
    let attempts = Arc::new(Attempts {
        source: Arc::new(source),
        live: live.clone(),
        clock,
    });
    Ok((live, Reloader::new(attempts)))
}

/// Keeps one source up to date, until it is told to stop.
pub struct Reloader {
    attempts: Arc<dyn Attempt>,
    requests: mpsc::Receiver<oneshot::Sender<SourceStatus>>,
    trigger: Trigger,
}

impl Reloader {
    fn new(attempts: Arc<dyn Attempt>) -> Self {
        let (sender, requests) = mpsc::channel(MOST_REQUESTS);
        let trigger = Trigger {
            attempts: Arc::clone(&attempts),
            requests: sender,
        };
        Self {
            attempts,
            requests,
            trigger,
        }
    }

    /// The name of the source.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.attempts.name()
    }

    /// A handle that asks for a reload at once, as SIGHUP does.
    #[must_use]
    pub fn trigger(&self) -> Trigger {
        self.trigger.clone()
    }

    /// What became of the attempts so far.
    #[must_use]
    pub fn status(&self) -> SourceStatus {
        self.attempts.status()
    }

    /// Listens and reloads until `shutdown`.
    pub async fn run(self, settings: ReloadSettings, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.reload_forever(settings) => {}
        }
    }

    async fn reload_forever(mut self, settings: ReloadSettings) {
        let heard = Arc::new(Notify::new());
        let mut ears = Ears::new(self.name(), Arc::clone(&heard));
        // The first tick comes at once: what changed between the first load and now was not heard.
        let mut ticks = interval(settings.interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (cause, reply) = tokio::select! {
                Some(reply) = self.requests.recv() => (Cause::Asked, Some(reply)),
                () = heard.notified() => {
                    silence(&heard, &settings).await;
                    (Cause::Heard, None)
                }
                _ = ticks.tick() => (Cause::Interval, None),
            };
            // Listening comes before reading: what changes after the reading is heard.
            ears.listen(self.attempts.watched()).await;
            self.attempts.attempt(cause, settings.quiet).await;
            if let Some(reply) = reply {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.attempts.status());
            }
        }
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// Asks a reloader to look at its files at once. Clones ask the same one.
#[derive(Clone)]
pub struct Trigger {
    attempts: Arc<dyn Attempt>,
    requests: mpsc::Sender<oneshot::Sender<SourceStatus>>,
}

impl Trigger {
    /// Reloads and waits for the verdict. It is given once the reloader runs; after its end it is the last status.
    pub async fn reload_now(&self) -> SourceStatus {
        let (reply, verdict) = oneshot::channel();
        if self.requests.send(reply).await.is_ok()
            && let Ok(status) = verdict.await
        {
            return status;
        }
        self.attempts.status()
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trigger")
            .field("name", &self.attempts.name())
            .finish_non_exhaustive()
    }
}

/// Why the files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// An operator asked.
    Asked,
    /// Something was heard.
    Heard,
    /// It was time to.
    Interval,
}

/// Waits until nothing was heard for a while, so that a change of many files is one change.
pub(super) async fn silence(heard: &Notify, settings: &ReloadSettings) {
    let quiet = async { while timeout(settings.quiet, heard.notified()).await.is_ok() {} };
    // Files that never come to rest are read all the same; the reading finds out whether they hold still for it.
    let _ = timeout(settings.longest_wait, quiet).await;
}

/// What a reloader needs of a source, whatever its value is.
#[async_trait]
trait Attempt: Send + Sync {
    fn name(&self) -> &'static str;
    fn watched(&self) -> Watched;
    fn status(&self) -> SourceStatus;
    async fn attempt(&self, cause: Cause, pause: Duration);
}

struct Attempts<S: Source> {
    source: Arc<S>,
    live: Live<S::Value>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl<S: Source> Attempt for Attempts<S> {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn watched(&self) -> Watched {
        self.source.watched()
    }

    fn status(&self) -> SourceStatus {
        self.live.status()
    }

    async fn attempt(&self, cause: Cause, pause: Duration) {
        let watched = self.source.watched();
        let first = off_thread(&watched, fingerprint).await;
        if first.as_ref().is_ok_and(|digest| self.is_live(digest)) {
            return self.leave();
        }
        let snapshot = match settled(&watched, first, pause).await {
            Ok(snapshot) if self.is_live(&snapshot.digest) => return self.leave(),
            Ok(snapshot) => snapshot,
            Err(problems) => return self.refuse(cause, problems),
        };
        let digest = snapshot.digest;
        match self.build(&watched, snapshot).await {
            Ok(built) => self.accept(built, digest),
            Err(problems) => self.refuse(cause, problems),
        }
    }
}

impl<S: Source> Attempts<S> {
    fn is_live(&self, digest: &Digest) -> bool {
        self.live.current().digest == *digest
    }

    async fn build(
        &self,
        watched: &Watched,
        snapshot: Snapshot,
    ) -> Result<Built<S::Value>, Vec<Diagnostic>> {
        let source = Arc::clone(&self.source);
        let previous = self.live.current();
        let now = self.clock.now();
        off_thread(watched, move |_| {
            source.build(&snapshot, Some(&previous.value), now)
        })
        .await
    }

    fn accept(&self, built: Built<S::Value>, digest: Digest) {
        let (name, now) = (self.name(), self.clock.now());
        let warnings = warnings(&*self.source, &built.warnings, &built.value, now);
        log_warnings(name, &warnings);
        self.live.accept(built, warnings, digest, now);
        tracing::info!(source = name, digest = %digest.short(), "reloaded");
    }

    fn leave(&self) {
        let (live, now) = (self.live.current(), self.clock.now());
        let warnings = warnings(&*self.source, &live.warnings, &live.value, now);
        let news = self.live.unchanged(warnings, now);
        // What is known already must not fill the log at each interval.
        log_warnings(self.name(), &news.warnings);
        if news.recovered {
            tracing::info!(
                source = self.name(),
                digest = %live.digest.short(),
                "the files are those of the live value again"
            );
        }
    }

    fn refuse(&self, cause: Cause, problems: Vec<Diagnostic>) {
        let now = self.clock.now();
        let known = self.live.status();
        // The same failure at each interval is one failure: it must not fill the log.
        if cause == Cause::Interval && !known.healthy && known.diagnostics == problems {
            return self.live.still_refused(now);
        }
        for problem in &problems {
            tracing::error!(source = self.name(), "{problem}");
        }
        self.live.refuse(problems, now);
        let live = self.live.current();
        tracing::error!(
            source = self.name(),
            live = %live.digest.short(),
            since = %live.since,
            "not reloaded; the last good version stays live"
        );
    }
}

/// All that deserves attention about a value at this moment: what its files say, and what time has brought.
fn warnings<S: Source>(
    source: &S,
    in_files: &[Diagnostic],
    value: &S::Value,
    now: Timestamp,
) -> Vec<Diagnostic> {
    let mut warnings = in_files.to_vec();
    warnings.extend(source.warnings(value, now));
    warnings
}

fn log_warnings(source: &'static str, warnings: &[Diagnostic]) {
    for warning in warnings {
        tracing::warn!(source, "{warning}");
    }
}

/// Reads with pauses until two reads in a row agree.
async fn settled(
    watched: &Watched,
    first: Result<Digest, Vec<Diagnostic>>,
    pause: Duration,
) -> Result<Snapshot, Vec<Diagnostic>> {
    let mut reads = Reads::after(first);
    loop {
        sleep(pause).await;
        let read = off_thread(watched, read_once).await;
        if let Some(verdict) = reads.settle(watched, read) {
            return verdict;
        }
    }
}

/// Does what may take long on a thread that may block; a panic there is a failure like any other.
pub(super) async fn off_thread<R: Send + 'static>(
    watched: &Watched,
    work: impl FnOnce(&Watched) -> Result<R, Vec<Diagnostic>> + Send + 'static,
) -> Result<R, Vec<Diagnostic>> {
    let theirs = watched.clone();
    tokio::task::spawn_blocking(move || work(&theirs))
        .await
        .unwrap_or_else(|error| Err(vec![interrupted(watched, error)]))
}

fn interrupted(watched: &Watched, error: JoinError) -> Diagnostic {
    let message = match error.try_into_panic() {
        Ok(panic) => {
            let words = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            format!(
                "an internal error ended the attempt: {}",
                words.as_deref().unwrap_or("it left no message")
            )
        }
        Err(_) => "the attempt was interrupted".to_owned(),
    };
    Diagnostic::error(watched.shown(), message)
}

#[cfg(test)]
mod tests;
