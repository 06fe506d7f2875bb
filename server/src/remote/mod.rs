//! Documents that other servers publish, and messages to them: how they are reached, how much of an answer is
//! read, how long a document counts. What stands in a document is read by whoever wants it.

mod authorities;
mod client;
mod document;
mod error;
mod freshness;
mod registry;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

pub use client::{Fetched, LARGEST_DOCUMENT, Looked, Remote, RemoteSettings};
pub use document::{Parse, RemoteDocument, RemoteStatus};
pub use error::RemoteError;
pub use registry::RemoteDocuments;
