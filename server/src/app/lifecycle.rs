//! What runs beside the requests: old rows go, abandoned sign-ins are recorded, a hang-up reloads.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::audit::{self, DecisionLog, DecisionRecord, Ending};
use crate::directory::clients::Clients;
use crate::domain::clock::Timestamp;
use crate::domain::transaction::{Stage, Transaction};
use crate::oidc::Provider;
use crate::reload::{Live, Trigger};
use crate::storage::{Storage, StorageError};

/// How often old rows are looked for.
const PURGE_INTERVAL: Duration = Duration::from_secs(30);
/// Most rows that go in one unit of work, so that requests never wait long for the database.
const BATCH: u32 = 500;
/// Most units of work in a row: what is left then waits for the next round.
const MOST_BATCHES: usize = 200;

/// Removes what has expired, until `shutdown`.
pub(super) async fn purge(cx: Provider, keep_records: TimeDelta, shutdown: CancellationToken) {
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = interval.tick() => {}
        }
        let now = cx.now();
        let round = Round {
            storage: cx.storage.as_ref(),
            clients: &cx.clients,
            log: &cx.log,
            now,
            records_before: now - keep_records,
        };
        if let Err(error) = round.purge(&shutdown).await {
            tracing::warn!(%error, "old rows cannot be removed");
        }
    }
}

/// One look for old rows.
#[derive(Debug)]
struct Round<'a> {
    storage: &'a dyn Storage,
    clients: &'a Live<Clients>,
    log: &'a DecisionLog,
    now: Timestamp,
    records_before: Timestamp,
}

impl Round<'_> {
    /// Removes batch after batch, so that rows go faster than they can come.
    async fn purge(&self, shutdown: &CancellationToken) -> Result<(), StorageError> {
        for _ in 0..MOST_BATCHES {
            if shutdown.is_cancelled() || !self.batch().await? {
                return Ok(());
            }
        }
        tracing::warn!("there are more old rows than one round removes");
        Ok(())
    }

    /// Removes one batch in a unit of work of its own; whether there may be more.
    async fn batch(&self) -> Result<bool, StorageError> {
        let now = self.now;
        let mut work = self.storage.begin().await?;
        let expired = work.transactions().take_expired(now, BATCH).await?;
        let taken = u64::try_from(expired.len()).unwrap_or(u64::MAX);
        let records: Vec<DecisionRecord> = expired
            .iter()
            .filter_map(|transaction| abandoned(self.clients, transaction))
            .collect();
        for record in &records {
            audit::record(work.as_mut(), record).await?;
        }
        let removed = [
            taken,
            work.sessions().purge(now, BATCH).await?,
            work.tickets().purge(now, BATCH).await?,
            work.codes().purge(now, BATCH).await?,
            work.access_tokens().purge(now, BATCH).await?,
            work.refresh_tokens().purge(now, BATCH).await?,
            work.pushed_requests().purge(now, BATCH).await?,
            work.replays().purge(now, BATCH).await?,
            work.logouts().purge(now, BATCH).await?,
            work.throttle().purge(now, BATCH).await?,
            work.records()
                .purge_before(self.records_before, BATCH)
                .await?,
        ];
        work.commit().await?;
        for record in records {
            self.log.write(record);
        }
        Ok(removed.into_iter().any(|count| count >= u64::from(BATCH)))
    }
}

/// The record of a sign-in that nobody finished; a denied one has its record already.
fn abandoned(clients: &Live<Clients>, transaction: &Transaction) -> Option<DecisionRecord> {
    if transaction.stage == Stage::Denied {
        return None;
    }
    let ending = Ending::Abandoned {
        stage: transaction.stage.as_str().to_owned(),
    };
    let mut record = DecisionRecord::new(transaction.reference, transaction.expires_at, ending);
    record.client = Some(transaction.client.to_string());
    record.session = transaction.session.as_ref().map(ToString::to_string);
    record.application = clients
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
        log.reopen().await;
        for trigger in &triggers {
            trigger.reload_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ClientId, TransactionId};
    use crate::domain::secret::SecretHash;
    use crate::domain::transaction::DeviceCheck;
    use crate::storage::sqlite::SqliteStorage;

    #[tokio::test]
    async fn a_round_removes_more_than_one_batch() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let storage = SqliteStorage::in_memory().await.unwrap();
        let mut work = storage.begin().await.unwrap();
        for number in 0..=2 * BATCH {
            let key = SecretHash::of(&number.to_be_bytes());
            let begun = now - TimeDelta::hours(1);
            work.throttle()
                .attempt(&key, begun, TimeDelta::minutes(1), 1)
                .await
                .unwrap();
        }
        work.commit().await.unwrap();

        let round = Round {
            storage: &storage,
            clients: &Live::fixed("clients", Clients::default(), now),
            log: &DecisionLog::nowhere(),
            now,
            records_before: now,
        };
        round.purge(&CancellationToken::new()).await.unwrap();

        let mut work = storage.begin().await.unwrap();
        assert_eq!(work.throttle().purge(now, BATCH).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_round_forgets_what_was_shown_once_when_it_has_expired() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let storage = SqliteStorage::in_memory().await.unwrap();
        let key = SecretHash::of(b"nonce");
        let mut work = storage.begin().await.unwrap();
        let begun = now - TimeDelta::minutes(2);
        let expired = now - TimeDelta::minutes(1);
        work.replays().claim(&key, expired, begun).await.unwrap();
        work.commit().await.unwrap();

        let round = Round {
            storage: &storage,
            clients: &Live::fixed("clients", Clients::default(), now),
            log: &DecisionLog::nowhere(),
            now,
            records_before: now,
        };
        round.purge(&CancellationToken::new()).await.unwrap();

        let mut work = storage.begin().await.unwrap();
        assert_eq!(work.replays().purge(now, BATCH).await.unwrap(), 0);
    }

    fn pending(id: &str, reference: &str, stage: Stage, expires_at: Timestamp) -> Transaction {
        Transaction {
            id: TransactionId::new(id),
            reference: reference.parse().unwrap(),
            parameters: Vec::new(),
            pushed: None,
            carried: None,
            client: ClientId::new("wiki-web"),
            session: None,
            device_check: DeviceCheck::NotDone,
            device: None,
            reauthenticated_at: None,
            stage,
            created_at: expires_at - TimeDelta::minutes(10),
            expires_at,
        }
    }

    #[tokio::test]
    async fn a_sign_in_that_nobody_finished_is_recorded_once_and_a_denied_one_is_not() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let storage = SqliteStorage::in_memory().await.unwrap();
        let expired = now - TimeDelta::minutes(1);
        let mut work = storage.begin().await.unwrap();
        for pending in [
            pending("asked", "7F3K-29QD", Stage::AskedDevice, expired),
            pending("denied", "7F3K-29QE", Stage::Denied, expired),
            pending(
                "live",
                "7F3K-29QF",
                Stage::AskedPassword,
                now + TimeDelta::minutes(1),
            ),
        ] {
            let browser = SecretHash::of(b"browser");
            work.transactions()
                .insert(&pending, &browser)
                .await
                .unwrap();
        }
        work.commit().await.unwrap();

        let log = DecisionLog::nowhere();
        let mut lines = log.listen();
        let round = Round {
            storage: &storage,
            clients: &Live::fixed("clients", Clients::default(), now),
            log: &log,
            now,
            records_before: now - TimeDelta::days(1),
        };
        round.purge(&CancellationToken::new()).await.unwrap();
        round.purge(&CancellationToken::new()).await.unwrap();

        let line = lines.try_recv().unwrap();
        let ending = Ending::Abandoned {
            stage: "asked-device".to_owned(),
        };
        assert_eq!(line.ending, ending);
        assert_eq!(line.client.as_deref(), Some("wiki-web"));
        assert!(lines.try_recv().is_err());

        let mut work = storage.read().await.unwrap();
        let stored = work.records().find(&line.reference).await.unwrap().unwrap();
        assert_eq!(stored.outcome, "abandoned");
        assert_eq!(work.records().recent(10).await.unwrap().len(), 1);
    }
}
