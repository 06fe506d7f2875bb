//! Reloading: read files as one snapshot, build a value from all of them, swap it in, and keep the last good one.
//! One mechanism for policies, directory, databases and certificates; what a value is, its [`Source`] knows.

mod changes;
mod digest;
#[cfg(test)]
pub(crate) mod fixtures;
mod live;
mod reads;
mod reloader;
mod snapshot;
mod source;
mod walk;
mod watch;

pub use changes::Changes;
pub use digest::Digest;
pub use live::{Live, Loaded, SourceStatus};
pub use reloader::{ReloadSettings, Reloader, Trigger, load};
pub use snapshot::Snapshot;
pub use source::{Built, Source, Watched};
pub(crate) use walk::is_ignored;
