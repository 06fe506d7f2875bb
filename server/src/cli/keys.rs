//! `doorward keys`: the signing keys in the database of a server, beside it while it runs. It takes up what was changed
//! within seconds. When keys are replaced by themselves is left to `tokens`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;

use super::render::{self, Format, Style, Tone};
use super::{Exit, Failure};
use crate::app::{self, delta};
use crate::config::{Algorithm, Config};
use crate::domain::clock::{Clock as _, SystemClock, Timestamp};
use crate::domain::entropy::SystemEntropy;
use crate::domain::ids::KeyId;
use crate::storage::StorageError;
use crate::storage::sqlite::SqliteStorage;
use crate::tokens::{KeyError, KeySettings, KeyState, KeyStatus, KeyStore};

const LIST_EXAMPLES: &str = "\
Examples:
  doorward keys list                           which keys sign, and what comes next
  doorward keys list --format json             the same for a machine";

const ROTATE_EXAMPLES: &str = "\
Examples:
  doorward keys rotate                         announce a successor for each algorithm
  doorward keys rotate --algorithm rs256       only for one
  doorward keys rotate --announce 0s           after a leak: the successor signs at once

Exit code: 0 there are successors, 1 there is no key to succeed, 2 the keys cannot be read";

const RETIRE_EXAMPLES: &str = "\
Examples:
  doorward keys retire 5f0c7a1e9d3b48626a7c55d90e1f2b34

What the key has signed is refused from then on, ID tokens of the last minutes included.
A key that signs cannot be retired: run `doorward keys rotate --announce 0s` before.

Exit code: 0 retired, 1 there is no such key or it signs, 2 the keys cannot be read";

/// The database in the state directory.
const DATABASE: &str = "doorward.db";
/// Longest time to announce a key.
const LONGEST: Duration = Duration::from_hours(30 * 24);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the signing keys: what each is good for, since when and until when
    List(List),
    /// Makes successors of the keys that sign, and announces them
    Rotate(Rotate),
    /// Takes a key that does not sign any more out of use
    Retire(Retire),
}

#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct List {
    /// The configuration of the server
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = ROTATE_EXAMPLES)]
pub(super) struct Rotate {
    /// The one algorithm whose key gets a successor: `es256`, `rs256` or `eddsa`; all that have keys, if left out
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    algorithm: Option<Algorithm>,

    /// How long the successor is published before it signs; what the configuration says, if left out
    #[arg(long, value_name = "TIME", value_parser = announcement)]
    announce: Option<Duration>,

    /// The configuration of the server
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = RETIRE_EXAMPLES)]
pub(super) struct Retire {
    /// The identifier of the key, the `kid` of its tokens
    #[arg(value_name = "KID")]
    id: String,

    /// The configuration of the server
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    match command {
        Command::List(args) => {
            let place = Place::of(&args.config)?;
            let keys = super::threads()?.block_on(place.list(now))?;
            show(&keys, args.format)?;
            Ok(Exit::Yes)
        }
        Command::Rotate(args) => {
            let place = Place::of(&args.config)?;
            let made = super::threads()?.block_on(place.rotate(args, now))?;
            if made.is_empty() {
                let nothing = Failure::new("there is no key to succeed");
                let help = "a server makes the first one when it starts, or when a client needs it";
                render::complain(&nothing.with_help(help));
                return Ok(Exit::No);
            }
            show(&made, args.format)?;
            Ok(Exit::Yes)
        }
        Command::Retire(args) => {
            let place = Place::of(&args.config)?;
            let id = KeyId::new(args.id.as_str());
            match super::threads()?.block_on(place.retire(&id, now))? {
                Ok(()) => {
                    render::print(&format!(
                        "`{}` is retired\n",
                        render::harmless_line(&args.id)
                    ))?;
                    Ok(Exit::Yes)
                }
                Err(refused) => {
                    render::complain(&refused);
                    Ok(Exit::No)
                }
            }
        }
    }
}

/// Where the keys are.
#[derive(Debug)]
struct Place {
    settings: KeySettings,
    database: PathBuf,
}

impl Place {
    fn of(config: &Path) -> Result<Self, Failure> {
        let config = Config::load(config).map_err(Failure::Files)?;
        Ok(Self {
            settings: app::keys::settings(&config),
            database: config.state.join(DATABASE),
        })
    }

    async fn list(&self, now: Timestamp) -> Result<Vec<KeyStatus>, Failure> {
        let storage = self.open().await?;
        let keys = self.store(&storage, now).statuses().await;
        storage.close().await;
        keys.map_err(|error| self.unusable(&error))
    }

    async fn rotate(&self, args: &Rotate, now: Timestamp) -> Result<Vec<KeyStatus>, Failure> {
        let announce: TimeDelta = match args.announce {
            Some(announce) => delta(announce),
            None => self.settings.schedule.announce,
        };
        let storage = self.open().await?;
        let store = self.store(&storage, now);
        let made = store.rotate(args.algorithm, announce).await;
        storage.close().await;
        made.map_err(|error| self.unusable(&error))
    }

    /// Retires the key, or says why not.
    async fn retire(&self, id: &KeyId, now: Timestamp) -> Result<Result<(), Failure>, Failure> {
        let storage = self.open().await?;
        let store = self.store(&storage, now);
        let retired = match store.statuses().await {
            Ok(keys) => match retirable(&keys, id) {
                Ok(()) => store.retire(id).await.map(|_| Ok(())),
                Err(refused) => Ok(Err(refused)),
            },
            Err(error) => Err(error),
        };
        storage.close().await;
        retired.map_err(|error| self.unusable(&error))
    }

    /// Opens the database. One that is not there is not made.
    async fn open(&self) -> Result<SqliteStorage, Failure> {
        if !self.database.exists() {
            let message = format!("there is no database at `{}`", self.database.display());
            return Err(Failure::new(message)
                .with_help("give `--config` the file that the server runs with, on its machine"));
        }
        let opened = SqliteStorage::open(&self.database).await;
        opened.map_err(|error: StorageError| self.unusable(&error.into()))
    }

    fn store<'a>(&'a self, storage: &'a SqliteStorage, now: Timestamp) -> KeyStore<'a> {
        KeyStore {
            settings: &self.settings,
            storage,
            entropy: &SystemEntropy,
            now,
        }
    }

    fn unusable(&self, error: &KeyError) -> Failure {
        let message = format!("`{}`: {error}", self.database.display());
        Failure::new(message).with_help("run it as the user that the server runs as")
    }
}

/// Whether the key can go without leaving tokens unsigned.
fn retirable(keys: &[KeyStatus], id: &KeyId) -> Result<(), Failure> {
    let shown = render::harmless_line(id.as_str());
    let state = keys.iter().find(|key| key.id == *id).map(|key| key.state);
    let (message, help) = match state {
        Some(KeyState::Announced | KeyState::Replaced) => return Ok(()),
        Some(KeyState::Signing) => (
            format!("the key `{shown}` signs"),
            "let a successor sign first: `doorward keys rotate --announce 0s`",
        ),
        Some(KeyState::Retired) => (
            format!("the key `{shown}` is retired already"),
            "there is nothing to do",
        ),
        None => (
            format!("there is no key `{shown}`"),
            "`doorward keys list` shows those that there are",
        ),
    };
    Err(Failure::new(message).with_help(help))
}

fn show(keys: &[KeyStatus], format: Format) -> Result<(), Failure> {
    let text = match format {
        Format::Human => table(keys, Style::stdout()),
        Format::Json => render::json(&keys)?,
    };
    render::print(&text)
}

/// A line for each key.
fn table(keys: &[KeyStatus], style: Style) -> String {
    let mut text = String::new();
    for key in keys {
        let tone = match key.state {
            KeyState::Announced => Tone::Doubtful,
            KeyState::Signing => Tone::Good,
            KeyState::Replaced | KeyState::Retired => Tone::Quiet,
        };
        let state = style.paint(tone, &format!("{:<9}", key.state.as_str()));
        let (id, algorithm) = (key.id.as_str(), key.algorithm.as_str());
        let since = shown(key.since);
        // Writing to a string cannot fail.
        let _ = write!(text, "{id:<32}  {algorithm:<5}  {state}  since {since}");
        if let Some(until) = key.until {
            let _ = write!(text, "  until {}", shown(until));
        }
        text.push('\n');
    }
    text
}

fn shown(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    match text {
        "es256" => Ok(Algorithm::Es256),
        "rs256" => Ok(Algorithm::Rs256),
        "eddsa" => Ok(Algorithm::EdDsa),
        _ => Err("the algorithms are `es256`, `rs256` and `eddsa`".to_owned()),
    }
}

fn announcement(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration > LONGEST {
        return Err("a key is announced for 30 days at most".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key(id: &str, state: KeyState) -> KeyStatus {
        KeyStatus {
            id: KeyId::new(id),
            algorithm: "ES256".to_owned(),
            state,
            since: at("2026-11-24T09:00:00.789Z"),
            until: None,
        }
    }

    #[test]
    fn a_line_tells_all_about_a_key() {
        let announced = KeyStatus {
            until: Some(at("2026-11-26T09:00:00Z")),
            ..key("5f0c7a1e9d3b48626a7c55d90e1f2b34", KeyState::Announced)
        };
        let text = table(&[key("old", KeyState::Signing), announced], Style::plain());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "old                               ES256  signing    since 2026-11-24T09:00:00Z"
        );
        assert_eq!(
            lines[1],
            "5f0c7a1e9d3b48626a7c55d90e1f2b34  ES256  announced  since 2026-11-24T09:00:00Z  \
             until 2026-11-26T09:00:00Z"
        );
    }

    #[test]
    fn a_key_that_signs_stays_and_so_does_an_unknown_one() {
        let keys = [
            key("announced", KeyState::Announced),
            key("signing", KeyState::Signing),
            key("replaced", KeyState::Replaced),
            key("retired", KeyState::Retired),
        ];
        let answer = |id: &str| retirable(&keys, &KeyId::new(id)).map_err(|it| it.to_string());
        assert_eq!(answer("announced"), Ok(()));
        assert_eq!(answer("replaced"), Ok(()));
        assert_eq!(answer("signing"), Err("the key `signing` signs".to_owned()));
        let retired = "the key `retired` is retired already";
        assert_eq!(answer("retired"), Err(retired.to_owned()));
        assert_eq!(answer("no"), Err("there is no key `no`".to_owned()));
    }

    #[test]
    fn a_key_is_announced_for_a_bounded_time() {
        assert_eq!(announcement("0s"), Ok(Duration::ZERO));
        assert_eq!(announcement("30d"), Ok(LONGEST));
        assert!(announcement("31d").is_err());
        assert!(announcement("soon").is_err());
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("doorward.toml");
        std::fs::write(&config, "issuer = 'https://id.example.com'\n").unwrap();
        let place = Place::of(&config).unwrap();
        let failure = place.list(at("2026-11-24T09:00:00Z")).await.unwrap_err();
        assert!(failure.to_string().starts_with("there is no database at"));
        assert!(!place.database.exists());
    }
}
