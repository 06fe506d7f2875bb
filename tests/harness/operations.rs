//! The operator's view: health and status, and waiting until a change of files has come about.

use std::fmt::Write as _;

use reqwest::Client;
use serde_json::Value;

use super::page::Page;
use super::wait::eventually;

/// The listener for operators.
#[derive(Debug, Clone)]
pub struct Operations {
    http: Client,
    base: String,
}

impl Operations {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            http: Client::builder().build().expect("a client"),
            base: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Asks for a path.
    pub async fn get(&self, path: &str) -> Page {
        self.try_get(path).await.expect("an answer")
    }

    pub(crate) async fn try_get(&self, path: &str) -> Option<Page> {
        let url = format!("{}{path}", self.base);
        let response = self.http.get(url).send().await.ok()?;
        Some(Page::read(response).await)
    }

    /// What `/status` says.
    pub async fn status(&self) -> Value {
        let page = self.get("/status").await;
        assert_eq!(page.status, 200, "{page}");
        page.json()
    }

    /// What `/status` says about one source.
    pub async fn source(&self, name: &str) -> Value {
        source_in(&self.status().await, name)
    }

    /// The digest of what is live.
    pub async fn digest(&self, source: &str) -> String {
        digest_of(&self.source(source).await)
    }

    /// Waits until another version of a source is live than the one with this digest.
    pub async fn reloaded(&self, source: &str, old_digest: &str) -> Value {
        self.source_until(source, "reloaded", |status| {
            status["healthy"] == true && status["digest"] != old_digest
        })
        .await
    }

    /// Waits until the files of a source are refused.
    pub async fn refused(&self, source: &str) -> Value {
        self.source_until(source, "refused", |status| status["healthy"] == false)
            .await
    }

    /// Waits until the live version of a source is the one in its files.
    pub async fn healthy(&self, source: &str) -> Value {
        self.source_until(source, "healthy", |status| status["healthy"] == true)
            .await
    }

    async fn source_until(
        &self,
        source: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        eventually(&format!("source `{source}` that is {what}"), async || {
            let status = self.source(source).await;
            is_so(&status).then_some(status)
        })
        .await
    }

    /// What a source has to say against its files, one finding a line.
    pub fn findings(source: &Value) -> String {
        let mut text = String::new();
        for finding in source["diagnostics"].as_array().into_iter().flatten() {
            let message = finding["message"].as_str().unwrap_or_default();
            let file = finding["file"].as_str().unwrap_or_default();
            let line = &finding["line"];
            writeln!(text, "{file}:{line}: {message}").expect("a string takes everything");
        }
        text
    }
}

fn source_in(status: &Value, name: &str) -> Value {
    let sources = status["sources"].as_array().expect("sources");
    sources
        .iter()
        .find(|source| source["name"] == name)
        .cloned()
        .unwrap_or_else(|| panic!("no source `{name}` in {status}"))
}

fn digest_of(source: &Value) -> String {
    source["digest"].as_str().expect("a digest").to_owned()
}
