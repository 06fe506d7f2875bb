//! The live value of a source, and what became of the attempts to replace it.
//! Readers never wait: a value is swapped whole, and whoever holds the old one finishes with it.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::watch;

use super::digest::Digest;
use super::snapshot::Snapshot;
use super::source::Built;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;

/// A value that was built from files, and since when it is live.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The value.
    pub value: T,
    /// The digest of the files it was built from.
    pub digest: Digest,
    /// Since when it is live in this process.
    pub since: Timestamp,
    /// What deserves attention in the files, whatever the time.
    pub warnings: Vec<Diagnostic>,
}

/// What became of the attempts to load a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// The name of the source.
    pub name: &'static str,
    /// The digest of the live value.
    pub digest: String,
    /// Since when the live value is live.
    pub since: Timestamp,
    /// When the files were looked at last.
    pub last_attempt: Timestamp,
    /// Whether the live value is the one in the files.
    pub healthy: bool,
    /// Since when the files have been refused, if they are.
    pub failing_since: Option<Timestamp>,
    /// Why the files are refused; for a healthy source the warnings about it at the last attempt.
    pub diagnostics: Vec<Diagnostic>,
    /// How often the value was replaced since the start.
    pub reloads: u64,
    /// How often changed files were refused since the start.
    pub failures: u64,
}

/// A handle on the live value of a source; clones share it.
pub struct Live<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    current: ArcSwap<Loaded<T>>,
    status: watch::Sender<SourceStatus>,
}

/// What is new although the files are those of the live value.
#[derive(Debug, Default)]
pub(super) struct News {
    /// They had been refused: somebody put them back.
    pub(super) recovered: bool,
    /// Warnings that were not there at the last attempt.
    pub(super) warnings: Vec<Diagnostic>,
}

impl<T> Live<T> {
    /// A value that comes from no file and never changes: for tests, and for settings given otherwise.
    #[must_use]
    pub fn fixed(name: &'static str, value: T, now: Timestamp) -> Self {
        let digest = Snapshot::of([]).digest;
        Self::new(name, Built::new(value), Vec::new(), digest, now)
    }

    /// A first value, with all warnings about it at this moment.
    pub(super) fn new(
        name: &'static str,
        built: Built<T>,
        warnings: Vec<Diagnostic>,
        digest: Digest,
        now: Timestamp,
    ) -> Self {
        let status = SourceStatus {
            name,
            digest: digest.to_string(),
            since: now,
            last_attempt: now,
            healthy: true,
            failing_since: None,
            diagnostics: warnings,
            reloads: 0,
            failures: 0,
        };
        Self {
            shared: Arc::new(Shared {
                current: ArcSwap::from_pointee(loaded(built, digest, now)),
                status: watch::Sender::new(status),
            }),
        }
    }

    /// The live value. Take it once for each request, so that all of the request is decided by one version.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded<T>> {
        self.shared.current.load_full()
    }

    /// What became of the attempts so far.
    #[must_use]
    pub fn status(&self) -> SourceStatus {
        self.shared.status.borrow().clone()
    }

    /// Wakes up whenever a value was replaced or refused, when a source recovers, and when warnings come or go.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<SourceStatus> {
        self.shared.status.subscribe()
    }

    /// Makes a new value the live one, with all warnings about it at this moment.
    pub(super) fn accept(
        &self,
        built: Built<T>,
        warnings: Vec<Diagnostic>,
        digest: Digest,
        now: Timestamp,
    ) {
        // The value first: whoever sees the new status finds the new value.
        self.shared
            .current
            .store(Arc::new(loaded(built, digest, now)));
        self.shared.status.send_modify(|status| {
            status.digest = digest.to_string();
            status.since = now;
            status.last_attempt = now;
            status.healthy = true;
            status.failing_since = None;
            status.diagnostics = warnings;
            status.reloads += 1;
        });
    }

    /// Keeps the live value, and says why the files were refused.
    pub(super) fn refuse(&self, problems: Vec<Diagnostic>, now: Timestamp) {
        self.shared.status.send_modify(|status| {
            status.last_attempt = now;
            status.healthy = false;
            status.failing_since.get_or_insert(now);
            status.diagnostics = problems;
            status.failures += 1;
        });
    }

    /// The files are refused for the same reasons as before.
    pub(super) fn still_refused(&self, now: Timestamp) {
        self.shared.status.send_if_modified(|status| {
            status.last_attempt = now;
            false
        });
    }

    /// The files are those of the live value, about which there are these warnings at this moment.
    pub(super) fn unchanged(&self, warnings: Vec<Diagnostic>, now: Timestamp) -> News {
        let mut news = News::default();
        self.shared.status.send_if_modified(|status| {
            status.last_attempt = now;
            news.recovered = !status.healthy;
            if !news.recovered && status.diagnostics == warnings {
                return false;
            }
            news.warnings = warnings
                .iter()
                .filter(|warning| !status.diagnostics.contains(warning))
                .cloned()
                .collect();
            status.healthy = true;
            status.failing_since = None;
            status.diagnostics = warnings;
            true
        });
        news
    }
}

fn loaded<T>(built: Built<T>, digest: Digest, since: Timestamp) -> Loaded<T> {
    Loaded {
        value: built.value,
        digest,
        since,
        warnings: built.warnings,
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        f.debug_struct("Live")
            .field("name", &status.name)
            .field("digest", &self.current().digest)
            .field("healthy", &status.healthy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use chrono::{DateTime, TimeDelta};
    use doorward_engine::{PolicyBundle, SourceFile};

    const START: Timestamp = DateTime::UNIX_EPOCH;

    fn later() -> Timestamp {
        START + TimeDelta::minutes(1)
    }

    fn problem(message: &str) -> Vec<Diagnostic> {
        vec![Diagnostic::error("a", message)]
    }

    #[test]
    fn a_refusal_keeps_the_value_and_tells_since_when() {
        let live = Live::fixed("words", "old", START);
        live.refuse(problem("no"), later());
        live.refuse(problem("still no"), later() + TimeDelta::minutes(1));
        let status = live.status();
        assert_eq!(live.current().value, "old");
        assert!(!status.healthy);
        assert_eq!(status.failing_since, Some(later()));
        assert_eq!(status.diagnostics, problem("still no"));
        assert_eq!(status.failures, 2);
    }

    #[test]
    fn an_accepted_value_replaces_the_old_one_and_ends_a_failure() {
        let live = Live::fixed("words", "old", START);
        let held = live.current();
        live.refuse(problem("no"), START);
        live.accept(
            Built::new("new"),
            Vec::new(),
            Snapshot::of([("a", "new")]).digest,
            later(),
        );
        let status = live.status();
        assert_eq!(live.current().value, "new");
        assert_eq!(held.value, "old");
        assert!(status.healthy);
        assert_eq!(status.failing_since, None);
        assert_eq!((status.since, status.reloads), (later(), 1));
    }

    /// A bundle with this many permits.
    fn bundle(permits: usize) -> PolicyBundle {
        let text: String = (0..permits)
            .map(|number| {
                format!("@id(\"{number}\") @reason(\"a\") permit (principal, action, resource);\n")
            })
            .collect();
        PolicyBundle::load(&[SourceFile::new("access.cedar", text)], None).unwrap()
    }

    #[test]
    fn a_request_in_flight_keeps_the_bundle_it_began_with_and_the_next_one_has_the_new() {
        let live = Live::fixed("policies", bundle(1), START);
        let (begun, swapped) = (Barrier::new(2), Barrier::new(2));
        let new = Snapshot::of([("access.cedar", "new")]).digest;
        let in_flight = || {
            let held = live.current();
            begun.wait();
            swapped.wait();
            let next = live.current();
            assert_eq!((held.value.counts().permits, held.since), (1, START));
            assert_eq!((next.value.counts().permits, next.since), (2, later()));
            assert_ne!(held.digest, new);
            assert_eq!(next.digest, new);
        };
        thread::scope(|scope| {
            scope.spawn(in_flight);
            begun.wait();
            live.accept(Built::new(bundle(2)), Vec::new(), new, later());
            swapped.wait();
        });
    }

    #[test]
    fn recovering_brings_the_warnings_of_the_live_value_back() {
        let warnings = || vec![Diagnostic::warning("a", "old-fashioned")];
        let live = Live::fixed("words", "old", START);
        live.refuse(problem("no"), later());
        let news = live.unchanged(warnings(), later());
        assert!(news.recovered);
        assert_eq!(news.warnings, warnings());
        assert_eq!(live.status().diagnostics, warnings());
        assert!(!live.unchanged(warnings(), later()).recovered);
    }

    #[test]
    fn warnings_that_come_and_go_are_in_the_status_and_those_that_come_are_news() {
        let warning = |message: &str| Diagnostic::warning("a", message);
        let live = Live::fixed("words", "old", START);
        for (warnings, new) in [
            (vec![warning("1")], vec![warning("1")]),
            (vec![warning("1")], Vec::new()),
            (vec![warning("1"), warning("2")], vec![warning("2")]),
            (vec![warning("2")], Vec::new()),
            (Vec::new(), Vec::new()),
        ] {
            let news = live.unchanged(warnings.clone(), later());
            assert_eq!(news.warnings, new);
            assert_eq!(live.status().diagnostics, warnings);
        }
        assert_eq!(live.status().reloads, 0);
    }

    #[test]
    fn watchers_are_woken_by_changes_only() {
        let live = Live::fixed("words", "old", START);
        let changes = live.changed();
        live.unchanged(Vec::new(), later());
        live.still_refused(later());
        assert!(!changes.has_changed().unwrap());
        assert_eq!(live.status().last_attempt, later());
        live.refuse(problem("no"), later());
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn the_status_is_written_as_json_with_its_diagnostics() {
        let live = Live::fixed("words", "old", START);
        live.refuse(problem("no"), START);
        let json = serde_json::to_value(live.status()).unwrap();
        assert_eq!(json["name"], "words");
        assert_eq!(json["healthy"], false);
        assert_eq!(json["diagnostics"][0]["message"], "no");
    }
}
