//! `GET /status` and the health endpoints: what is live, since when, and what could not be loaded.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use doorward_engine::Counts;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::declarations::Declarations;
use super::sources::StatusOf;
use crate::access::Undeclared;
use crate::domain::clock::Timestamp;
use crate::oidc::Provider;
use crate::reload::SourceStatus;
use crate::remote::RemoteStatus;
use crate::tokens::KeyStatus;

/// Knows how everything fares.
pub(super) struct Status {
    provider: Provider,
    sources: Vec<StatusOf>,
    declarations: Declarations,
    started: Timestamp,
    shutdown: CancellationToken,
}

/// The status as JSON.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    issuer: String,
    started: Timestamp,
    ready: bool,
    policies: Policies,
    keys: Vec<KeyStatus>,
    sources: Vec<SourceStatus>,
    remote: Vec<RemoteStatus>,
    warnings: Vec<Undeclared>,
}

#[derive(Debug, Serialize)]
struct Policies {
    revision: String,
    since: Timestamp,
    counts: Counts,
}

impl Status {
    pub(super) fn new(
        provider: &Provider,
        sources: Vec<StatusOf>,
        declarations: Declarations,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            provider: provider.clone(),
            sources,
            declarations,
            started: provider.now(),
            shutdown,
        }
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.sources.iter().map(|status| status()).collect()
    }

    /// Documents of other servers that are in use.
    fn remote(&self) -> Vec<RemoteStatus> {
        let clients = self.provider.clients.current();
        let mut statuses = self.provider.client_keys.statuses(&clients);
        statuses.extend(self.provider.entra_keys.statuses(&clients));
        statuses
    }
}

pub(super) async fn status(State(status): State<Arc<Status>>) -> Response {
    let policies = status.provider.access.policies().current();
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        issuer: status.provider.issuer_text.clone(),
        started: status.started,
        ready: readiness(&status).await.is_ok(),
        policies: Policies {
            revision: policies.value.revision().to_string(),
            since: policies.since,
            counts: policies.value.counts(),
        },
        keys: status.provider.keys.current().statuses().to_vec(),
        sources: status.sources(),
        remote: status.remote(),
        warnings: status.declarations.undeclared(),
    };
    Json(report).into_response()
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// `GET /health/ready`: requests are served, and on what.
pub(super) async fn ready(State(status): State<Arc<Status>>) -> Response {
    match readiness(&status).await {
        Ok(text) => (StatusCode::OK, format!("{text}\n")).into_response(),
        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n")).into_response(),
    }
}

async fn readiness(status: &Status) -> Result<String, String> {
    if status.shutdown.is_cancelled() {
        return Err("stopping".to_owned());
    }
    if let Err(error) = status.provider.storage.ping().await {
        tracing::warn!(%error, "storage does not answer");
        return Err("storage does not answer".to_owned());
    }
    let stale: Vec<&str> = status
        .sources()
        .into_iter()
        .filter(|source| !source.healthy)
        .map(|source| source.name)
        .collect();
    // Serving on the last good state is serving: taking the replica away would help nobody.
    if stale.is_empty() {
        Ok("ready".to_owned())
    } else {
        Ok(format!(
            "ready, on the last good state of: {}",
            stale.join(", ")
        ))
    }
}
