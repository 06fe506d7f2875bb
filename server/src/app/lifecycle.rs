//! What runs beside the requests: old rows go, abandoned sign-ins are recorded, a hang-up reloads.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::audit::{self, DecisionLog, DecisionRecord, Ending};
use crate::domain::transaction::{Stage, Transaction};
use crate::oidc::Provider;
use crate::reload::Trigger;
use crate::storage::StorageError;

/// How often old rows are looked for.
const PURGE_INTERVAL: Duration = Duration::from_secs(30);
/// Most rows that go in one unit of work, so that requests never wait long for the database.
const BATCH: u32 = 500;

/// Removes what has expired, until `shutdown`.
pub(super) async fn purge(cx: Provider, keep_records: TimeDelta, shutdown: CancellationToken) {
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = interval.tick() => {}
        }
        if let Err(error) = purge_once(&cx, keep_records).await {
            tracing::warn!(%error, "old rows cannot be removed");
        }
    }
}

async fn purge_once(cx: &Provider, keep_records: TimeDelta) -> Result<(), StorageError> {
    let now = cx.now();
    let mut work = cx.storage.begin().await?;
    let mut records = Vec::new();
    for transaction in work.transactions().take_expired(now, BATCH).await? {
        if let Some(record) = abandoned(cx, &transaction) {
            audit::record(work.as_mut(), &record).await?;
            records.push(record);
        }
    }
    work.sessions().purge(now, BATCH).await?;
    work.tickets().purge(now, BATCH).await?;
    work.codes().purge(now, BATCH).await?;
    work.access_tokens().purge(now, BATCH).await?;
    work.throttle().purge(now, BATCH).await?;
    work.records()
        .purge_before(now - keep_records, BATCH)
        .await?;
    work.commit().await?;
    for record in records {
        cx.log.write(record);
    }
    Ok(())
}

/// The record of a sign-in that nobody finished; a denied one has its record already.
fn abandoned(cx: &Provider, transaction: &Transaction) -> Option<DecisionRecord> {
    if transaction.stage == Stage::Denied {
        return None;
    }
    let ending = Ending::Abandoned {
        stage: transaction.stage.as_str().to_owned(),
    };
    let mut record = DecisionRecord::new(transaction.reference, transaction.expires_at, ending);
    record.client = Some(transaction.client.to_string());
    record.session = transaction.session.as_ref().map(ToString::to_string);
    record.application = cx
        .clients
        .current()
        .value
        .by_id(transaction.client.as_str())
        .map(|client| client.application.to_string());
    Some(record)
}

/// Reloads every source and reopens the decision log on SIGHUP, until `shutdown`.
pub(super) async fn reload_on_hangup(
    triggers: Vec<Trigger>,
    log: DecisionLog,
    shutdown: CancellationToken,
) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be received: files are still watched");
            return;
        }
    };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = hangups.recv() => {}
        }
        tracing::info!("reloading on SIGHUP");
        log.reopen();
        for trigger in &triggers {
            trigger.reload_now().await;
        }
    }
}
