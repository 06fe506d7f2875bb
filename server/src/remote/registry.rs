//! The documents of one kind that are in use, by URL: who names the same URL shares what is fetched, and a document
//! that nobody uses any more is forgotten.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use url::Url;

use super::client::Remote;
use super::document::{Parse, RemoteDocument, RemoteStatus, Shared};

/// Documents of one kind.
pub struct RemoteDocuments<T> {
    name: &'static str,
    remote: Remote,
    parse: Parse<T>,
    used: Mutex<BTreeMap<Url, Weak<Shared<T>>>>,
}

impl<T: Send + Sync + 'static> RemoteDocuments<T> {
    /// None yet. All are read by `parse`; `name` says in `/status` what they are for.
    #[must_use]
    pub fn new(name: &'static str, remote: Remote, parse: Parse<T>) -> Self {
        Self {
            name,
            remote,
            parse,
            used: Mutex::default(),
        }
    }

    /// The document at this URL, the same one as long as anybody holds it.
    #[must_use]
    pub fn at(&self, url: &Url) -> RemoteDocument<T> {
        let mut used = self.used();
        used.retain(|_, document| document.strong_count() > 0);
        if let Some(document) = used.get(url).and_then(Weak::upgrade) {
            return RemoteDocument(document);
        }
        let (remote, parse) = (self.remote.clone(), Arc::clone(&self.parse));
        let document = RemoteDocument::new(self.name, url.clone(), remote, parse);
        used.insert(url.clone(), Arc::downgrade(&document.0));
        document
    }
}

impl<T> RemoteDocuments<T> {
    /// How those that are in use fare, by URL.
    #[must_use]
    pub fn statuses(&self) -> Vec<RemoteStatus> {
        self.used()
            .values()
            .filter_map(Weak::upgrade)
            .map(|document| RemoteDocument(document).status())
            .collect()
    }

    fn used(&self) -> MutexGuard<'_, BTreeMap<Url, Weak<Shared<T>>>> {
        // A panic elsewhere leaves a whole map behind.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for RemoteDocuments<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteDocuments")
            .field("name", &self.name)
            .field("used", &self.statuses())
            .finish_non_exhaustive()
    }
}
