//! Storage in one SQLite file, for a provider of one instance. Opening the file, taking turns, committing;
//! the statements stand in one file per aggregate, the tables in `migrations/sqlite`.

mod access_tokens;
mod codes;
mod columns;
#[cfg(test)]
mod first_version;
mod keys;
mod logouts;
mod pushed_requests;
mod records;
mod refresh_tokens;
mod replays;
mod sessions;
mod throttle;
mod tickets;
mod transactions;

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{Storage, StorageError, UnitOfWork};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const CONNECTIONS: u32 = 8;
/// How long to wait for another process that writes to the same file.
const BUSY: Duration = Duration::from_secs(5);
/// How long to wait for a connection, or for other units of work to finish writing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Storage in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStorage {
    pool: SqlitePool,
    /// One turn, for whoever writes. SQLite has one writer at a time and makes the others poll for it, each holding
    /// a connection that readers need; here they queue first, in order, holding nothing.
    writing: Arc<Semaphore>,
}

impl SqliteStorage {
    /// Opens the file, creates it where it is missing, readable by its owner only, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StorageError> {
        create_private(path).map_err(|error| {
            let message = format!("cannot create `{}`: {error}", path.display());
            StorageError::unavailable(io::Error::new(error.kind(), message))
        })?;
        // Readers see the last commit while somebody writes, and a commit survives a loss of power.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
        Self::connect(pool, options).await
    }

    /// Storage that is forgotten with its last clone, for tests. It has one connection, so units of work
    /// that only read take turns as well.
    pub async fn in_memory() -> Result<Self, StorageError> {
        // The database lives in its one connection, which must therefore never be closed.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>)
            .test_before_acquire(false);
        let options = SqliteConnectOptions::new()
            .in_memory(true)
            .foreign_keys(true);
        Self::connect(pool, options).await
    }

    async fn connect(
        pool: SqlitePoolOptions,
        options: SqliteConnectOptions,
    ) -> Result<Self, StorageError> {
        let pool = pool.acquire_timeout(PATIENCE).connect_with(options).await?;
        MIGRATIONS.run(&pool).await?;
        Ok(Self {
            pool,
            writing: Arc::new(Semaphore::new(1)),
        })
    }

    /// Waits for the units of work under way, and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StorageError> {
        let turn = timeout(PATIENCE, Arc::clone(&self.writing).acquire_owned())
            .await
            .map_err(StorageError::unavailable)?
            .map_err(StorageError::unavailable)?;
        // Taking the write lock at once: a unit that read first and wanted to write later could find that
        // another one has written meanwhile, and SQLite would refuse it.
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Box::new(SqliteUnitOfWork {
            transaction,
            turn: Some(turn),
        }))
    }

    async fn read(&self) -> Result<Box<dyn UnitOfWork>, StorageError> {
        let transaction = self.pool.begin_with("BEGIN DEFERRED").await?;
        Ok(Box::new(SqliteUnitOfWork {
            transaction,
            turn: None,
        }))
    }

    async fn ping(&self) -> Result<(), StorageError> {
        // A statement that has to look into the file: a plain `SELECT 1` would not.
        sqlx::query("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }
}

/// A unit of work in SQLite. Fields are dropped in order: the turn passes on after the rollback was sent.
#[derive(Debug)]
struct SqliteUnitOfWork {
    transaction: sqlx::Transaction<'static, Sqlite>,
    turn: Option<OwnedSemaphorePermit>,
}

impl SqliteUnitOfWork {
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

#[async_trait]
impl UnitOfWork for SqliteUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        let Self { transaction, turn } = *self;
        let committed = transaction.commit().await;
        drop(turn);
        Ok(committed?)
    }
}

/// Creates the file before SQLite does, which would leave its mode to the umask. SQLite gives the files
/// beside it (`-wal`, `-shm`) the same mode. A file that exists is not touched.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::SqliteStorage;
    use crate::storage::conformance::{self, begin, commit, hash};
    use crate::storage::{Storage, StorageError};

    async fn open_on_disk() -> (Arc<dyn Storage>, Option<TempDir>) {
        let directory = TempDir::new().unwrap();
        let storage = open_in(&directory).await;
        (Arc::new(storage), Some(directory))
    }

    async fn open_in_memory() -> (Arc<dyn Storage>, Option<TempDir>) {
        (Arc::new(SqliteStorage::in_memory().await.unwrap()), None)
    }

    async fn open_in(directory: &TempDir) -> SqliteStorage {
        SqliteStorage::open(&directory.path().join("doorward.db"))
            .await
            .unwrap()
    }

    mod on_disk {
        crate::storage::conformance::every_fact!(crate::storage::sqlite::tests::open_on_disk);
    }

    mod in_memory {
        crate::storage::conformance::every_fact!(crate::storage::sqlite::tests::open_in_memory);
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_restart() {
        let directory = TempDir::new().unwrap();
        let first: Arc<dyn Storage> = Arc::new(open_in(&directory).await);
        let mut work = begin(&first).await;
        let key = conformance::key("k1");
        work.keys().insert_if_absent(&key).await.unwrap();
        commit(work).await;
        drop(first);

        let second = open_in(&directory).await;
        let mut work = second.read().await.unwrap();
        assert_eq!(work.keys().all().await.unwrap(), vec![key]);
    }

    #[tokio::test]
    async fn a_closed_file_is_unavailable() {
        let directory = TempDir::new().unwrap();
        let storage = open_in(&directory).await;
        storage.close().await;
        assert!(matches!(
            storage.ping().await,
            Err(StorageError::Unavailable(_))
        ));
    }

    #[tokio::test]
    async fn a_reader_sees_the_last_commit_while_somebody_writes() {
        let directory = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(open_in(&directory).await);
        let mut writer = begin(&storage).await;
        let session = conformance::session("ana");
        writer
            .sessions()
            .insert(&session, &hash("cookie"))
            .await
            .unwrap();

        let mut reader = storage.read().await.unwrap();
        let unseen = reader
            .sessions()
            .find(&hash("cookie"), session.created_at)
            .await;
        assert_eq!(unseen.unwrap(), None);
        commit(writer).await;
    }

    #[tokio::test]
    async fn the_journal_is_written_ahead_and_synced_at_each_commit() {
        let directory = TempDir::new().unwrap();
        let storage = open_in(&directory).await;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&storage.pool)
            .await
            .unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&storage.pool)
            .await
            .unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_the_files() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = TempDir::new().unwrap();
        let _storage = open_in(&directory).await;
        for name in ["doorward.db", "doorward.db-wal"] {
            let file = std::fs::metadata(directory.path().join(name)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn the_error_names_the_file_that_cannot_be_created() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("missing").join("doorward.db");
        let error = SqliteStorage::open(&path).await.unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()));
    }
}
