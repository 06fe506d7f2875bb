//! For tests of sources: what the status says while the files stay as they are and time passes.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{ReloadSettings, Source, SourceStatus, load};
use crate::domain::clock::{ManualClock, Timestamp};

/// The interval is out of reach: the files are looked at when it is asked for.
const SETTINGS: ReloadSettings = ReloadSettings {
    interval: Duration::from_hours(1),
    quiet: Duration::from_millis(1),
    longest_wait: Duration::from_secs(1),
};

/// The messages in the status of `source` at each of these moments; at the first one it is loaded.
pub(crate) async fn diagnostics_at(source: impl Source, moments: &[Timestamp]) -> Vec<Vec<String>> {
    let (first, later) = moments.split_first().unwrap();
    let clock = ManualClock::new(*first);
    let (live, reloader) = load(source, Arc::new(clock.clone())).unwrap();
    let mut said = vec![messages(live.status())];

    let trigger = reloader.trigger();
    let shutdown = CancellationToken::new();
    let _ends_with_this = shutdown.clone().drop_guard();
    tokio::spawn(reloader.run(SETTINGS, shutdown));
    for moment in later {
        clock.set(*moment);
        said.push(messages(trigger.reload_now().await));
    }
    assert_eq!(live.status().reloads, 0, "the files are the same");
    said
}

fn messages(status: SourceStatus) -> Vec<String> {
    let diagnostics = status.diagnostics.into_iter();
    diagnostics.map(|diagnostic| diagnostic.message).collect()
}
