//! Waiting for the next change of files: for a command that does its work again after each.
//! What is read from them, and what is done with it, is the caller's.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::digest::Digest;
use super::reloader::{ReloadSettings, off_thread, silence};
use super::snapshot::fingerprint;
use super::source::Watched;
use super::watch::Ears;
use crate::domain::diagnostic::Diagnostic;

/// Changes of the files in several places, from the moment at which listening began.
#[derive(Debug)]
pub struct Changes {
    places: Vec<Place>,
    heard: Arc<Notify>,
    settings: ReloadSettings,
}

#[derive(Debug)]
struct Place {
    watched: Watched,
    ears: Ears,
    /// What was there when it was looked at last; what cannot be read can change as well.
    seen: Result<Digest, Vec<Diagnostic>>,
}

impl Changes {
    /// Listens at these places from now on; `name` stands in the log.
    pub async fn listen(
        name: &'static str,
        watched: impl IntoIterator<Item = Watched>,
        settings: ReloadSettings,
    ) -> Self {
        let heard = Arc::new(Notify::new());
        let mut places = Vec::new();
        for watched in watched {
            let mut ears = Ears::new(name, Arc::clone(&heard));
            // Listening comes before reading: what changes after the reading is heard.
            ears.listen(watched.clone()).await;
            let seen = off_thread(&watched, fingerprint).await;
            places.push(Place {
                watched,
                ears,
                seen,
            });
        }
        Self {
            places,
            heard,
            settings,
        }
    }

    /// Waits until some file is another than the last time, and all of them have been left alone for a while.
    pub async fn next(&mut self) {
        loop {
            let heard = timeout(self.settings.interval, self.heard.notified()).await;
            if heard.is_ok() {
                silence(&self.heard, &self.settings).await;
            }
            if self.look().await {
                return;
            }
        }
    }

    /// Looks at every place, and says whether anything is different.
    async fn look(&mut self) -> bool {
        let mut changed = false;
        for place in &mut self.places {
            place.ears.listen(place.watched.clone()).await;
            let seen = off_thread(&place.watched, fingerprint).await;
            changed |= seen != place.seen;
            place.seen = seen;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    /// The interval is out of reach: changes are heard, or not found.
    const SETTINGS: ReloadSettings = ReloadSettings {
        interval: Duration::from_hours(1),
        quiet: Duration::from_millis(5),
        longest_wait: Duration::from_secs(1),
    };

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn listen(watched: Vec<Watched>) -> Changes {
        Changes::listen("test", watched, SETTINGS).await
    }

    async fn next(changes: &mut Changes) {
        timeout(PATIENCE, changes.next()).await.unwrap();
    }

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().to_path_buf();
        (root, path)
    }

    #[tokio::test]
    async fn a_change_in_any_of_the_places_is_found() {
        let (_first, policies) = directory();
        let (_second, elsewhere) = directory();
        let suite = elsewhere.join("a.suite.toml");
        fs::write(&suite, "1").unwrap();
        let places = vec![
            Watched::Directory(policies.clone()),
            Watched::Files(vec![suite.clone()]),
        ];
        let mut changes = listen(places).await;

        fs::write(policies.join("a.cedar"), "1").unwrap();
        next(&mut changes).await;
        fs::write(&suite, "2").unwrap();
        next(&mut changes).await;
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_awaited() {
        let (_root, path) = directory();
        let policies = path.join("policies");
        let mut changes = listen(vec![Watched::Directory(policies.clone())]).await;
        fs::create_dir(&policies).unwrap();
        fs::write(policies.join("a.cedar"), "1").unwrap();
        next(&mut changes).await;
    }

    #[tokio::test]
    async fn what_leaves_every_file_as_it_is_is_no_change() {
        let (_root, path) = directory();
        fs::write(path.join("a.cedar"), "1").unwrap();
        let mut changes = listen(vec![Watched::Directory(path.clone())]).await;
        fs::write(path.join("a.cedar"), "1").unwrap();
        assert!(!changes.look().await);
        fs::write(path.join("a.cedar"), "2").unwrap();
        assert!(changes.look().await);
    }
}
