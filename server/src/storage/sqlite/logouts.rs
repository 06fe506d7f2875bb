//! Clients of sessions, and messages to them, in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, DeliveryId, SessionId};
use crate::domain::logout::{Delivery, SessionClient};
use crate::storage::{Logouts, StorageError};

#[async_trait]
impl Logouts for SqliteUnitOfWork {
    async fn note(
        &mut self,
        session: &SessionId,
        client: &SessionClient,
        until: Timestamp,
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO session_clients (session_id, client_id, subject, expires_at)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (session_id, client_id) DO UPDATE SET subject = $3, expires_at = $4",
        )
        .bind(session.as_str())
        .bind(client.client.as_str())
        .bind(client.subject.as_str())
        .bind(millis(until))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn take_clients(
        &mut self,
        session: &SessionId,
    ) -> Result<Vec<SessionClient>, StorageError> {
        let rows = sqlx::query(
            "DELETE FROM session_clients WHERE session_id = $1 RETURNING client_id, subject",
        )
        .bind(session.as_str())
        .fetch_all(self.connection())
        .await?;
        let mut clients = rows
            .iter()
            .map(session_client)
            .collect::<Result<Vec<_>, _>>()?;
        // A deletion returns its rows in no order.
        clients.sort_by(|a, b| a.client.cmp(&b.client));
        Ok(clients)
    }

    async fn enqueue(&mut self, delivery: &Delivery) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO logout_deliveries (id, client_id, session_id, subject, attempts, due_at,
                                            expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(delivery.id.as_str())
        .bind(delivery.client.as_str())
        .bind(delivery.session.as_str())
        .bind(delivery.subject.as_str())
        .bind(i64::from(delivery.attempts))
        .bind(millis(delivery.due_at))
        .bind(millis(delivery.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn claim_due(
        &mut self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        // The condition stands twice: a database that lets two of these run at once looks at the outer one again when
        // the first has committed.
        let rows = sqlx::query(
            "UPDATE logout_deliveries SET attempts = attempts + 1, due_at = $2
             WHERE due_at <= $1 AND expires_at > $1 AND id IN
                 (SELECT id FROM logout_deliveries WHERE due_at <= $1 AND expires_at > $1
                  ORDER BY due_at, id LIMIT $3)
             RETURNING id, client_id, session_id, subject, attempts, due_at, expires_at",
        )
        .bind(millis(now))
        .bind(millis(lease_until))
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(delivery).collect()
    }

    async fn done(&mut self, delivery: &Delivery) -> Result<bool, StorageError> {
        let done = sqlx::query("DELETE FROM logout_deliveries WHERE id = $1")
            .bind(delivery.id.as_str())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn retry(
        &mut self,
        delivery: &Delivery,
        due_at: Timestamp,
    ) -> Result<bool, StorageError> {
        // Who made the last attempt is known by its number.
        let done =
            sqlx::query("UPDATE logout_deliveries SET due_at = $3 WHERE id = $1 AND attempts = $2")
                .bind(delivery.id.as_str())
                .bind(i64::from(delivery.attempts))
                .bind(millis(due_at))
                .execute(self.connection())
                .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let deliveries = sqlx::query(
            "DELETE FROM logout_deliveries WHERE id IN
                 (SELECT id FROM logout_deliveries WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        // A session that was renewed lives longer than was known when the client was noted.
        let clients = sqlx::query(
            "DELETE FROM session_clients WHERE (session_id, client_id) IN
                 (SELECT session_id, client_id FROM session_clients AS pair
                  WHERE expires_at <= $1
                    AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = pair.session_id)
                  ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(deliveries.rows_affected() + clients.rows_affected())
    }
}

fn session_client(row: &SqliteRow) -> Result<SessionClient, StorageError> {
    Ok(SessionClient {
        client: ClientId::new(row.text("client_id")?),
        subject: row.text("subject")?,
    })
}

fn delivery(row: &SqliteRow) -> Result<Delivery, StorageError> {
    Ok(Delivery {
        id: DeliveryId::new(row.text("id")?),
        client: ClientId::new(row.text("client_id")?),
        session: SessionId::new(row.text("session_id")?),
        subject: row.text("subject")?,
        attempts: row.count("attempts")?,
        due_at: row.instant("due_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
