//! `doorward explain`: the record of one sign-in, found by the reference that the user was shown.
//! How a record looks is left to `render`.

use std::path::{Path, PathBuf};

use super::render::{self, Format, Style};
use super::{Exit, Failure};
use crate::audit::DecisionRecord;
use crate::config::Config;
use crate::domain::ids::Reference;
use crate::storage::sqlite::SqliteStorage;
use crate::storage::{Storage as _, StorageError};

const EXAMPLES: &str = "\
Examples:
  doorward explain 7F3K-29QD                   why somebody was let in, or not
  doorward explain 7f3k29qd                    as people type it
  doorward explain 7F3K-29QD --format json     the whole record for a machine

Exit code: 0 found, 1 no such record, 2 the records cannot be read";

/// The database in the state directory.
const DATABASE: &str = "doorward.db";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The reference on the page, in the error and in the log
    #[arg(value_name = "REF")]
    reference: Reference,

    /// The configuration of the server that decided
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::load(&args.config).map_err(Failure::Files)?;
    let database = config.state.join(DATABASE);
    let found = super::threads()?.block_on(find(&database, args.reference))?;
    let Some(record) = found else {
        render::complain(&unknown(args.reference, &config, &database));
        return Ok(Exit::No);
    };
    let text = match args.format {
        Format::Human => render::record(&record, Style::stdout()),
        Format::Json => render::json(&record)?,
    };
    render::print(&text)?;
    Ok(Exit::Yes)
}

/// Reads the record. A database that is not there is not made.
async fn find(database: &Path, reference: Reference) -> Result<Option<DecisionRecord>, Failure> {
    if !database.exists() {
        let message = format!("there is no database at `{}`", database.display());
        return Err(Failure::new(message)
            .with_help("give `--config` the file that the server runs with, on its machine"));
    }
    let unreadable = |error: StorageError| {
        let message = format!("`{}`: {error}", database.display());
        Failure::new(message).with_help("read it as the user that the server runs as")
    };
    let storage = SqliteStorage::open(database).await.map_err(unreadable)?;
    let mut work = storage.read().await.map_err(unreadable)?;
    let stored = work.records().find(&reference).await.map_err(unreadable)?;
    drop(work);
    storage.close().await;
    let Some(stored) = stored else {
        return Ok(None);
    };
    serde_json::from_str(&stored.json)
        .map(Some)
        .map_err(|error| {
            Failure::new(format!(
                "the record `{reference}` cannot be understood: {error}"
            ))
            .with_help("it may come from a newer version of doorward: this is an older one")
        })
}

fn unknown(reference: Reference, config: &Config, database: &Path) -> Failure {
    let days = config.decisions.keep.as_secs() / (24 * 60 * 60);
    let help = format!(
        "records are kept for {days} days (`keep` of `[decisions]`) in `{}`; \
         a reference has eight letters and digits, without I, L, O and U",
        database.display(),
    );
    Failure::new(format!(
        "there is no record with the reference `{reference}`"
    ))
    .with_help(help)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::audit;
    use crate::cli::render::record::tests::denied;

    fn reference(text: &str) -> Reference {
        text.parse().unwrap()
    }

    async fn database_with(record: &DecisionRecord) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(DATABASE);
        let storage = SqliteStorage::open(&path).await.unwrap();
        let mut work = storage.begin().await.unwrap();
        audit::record(work.as_mut(), record).await.unwrap();
        work.commit().await.unwrap();
        storage.close().await;
        (directory, path)
    }

    #[tokio::test]
    async fn a_record_is_found_as_it_was_written() {
        let record = denied();
        let (_directory, path) = database_with(&record).await;
        let found = find(&path, record.reference).await.unwrap();
        assert_eq!(found, Some(record));
    }

    #[tokio::test]
    async fn another_reference_finds_nothing() {
        let (_directory, path) = database_with(&denied()).await;
        let found = find(&path, reference("0000-0000")).await.unwrap();
        assert_eq!(found, None);
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(DATABASE);
        let failure = find(&path, reference("7F3K-29QD")).await.unwrap_err();
        assert!(failure.to_string().starts_with("there is no database at"));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_no_answer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(DATABASE);
        std::fs::write(&path, "certainly not a database, and long enough to tell").unwrap();
        let failure = find(&path, reference("7F3K-29QD")).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Unanswered);
    }

    #[test]
    fn an_unknown_reference_is_answered_with_where_it_was_looked_for() {
        let text = "issuer = 'https://id.example.com'\n";
        let config = Config::parse(text, "doorward.toml", Path::new("")).unwrap();
        let failure = unknown(
            reference("7F3K-29QD"),
            &config,
            Path::new("state/doorward.db"),
        );
        match failure {
            Failure::Other { message, help } => {
                assert!(message.contains("`7F3K-29QD`"));
                assert!(help.unwrap().contains("400 days"));
            }
            other => panic!("{other:?}"),
        }
    }
}
