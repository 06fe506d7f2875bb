//! `doorward serve`: the provider, from its configuration until somebody stops it.
//! What runs in between is put together in `app`.

use std::env;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::render::Style;
use super::{Exit, Failure};
use crate::app::{App, Bound};
use crate::config::Config;
use crate::domain::clock::SystemClock;
use crate::domain::entropy::SystemEntropy;

const EXAMPLES: &str = "\
Examples:
  doorward serve                               with ./doorward.toml
  doorward serve --config /etc/doorward/doorward.toml
  DOORWARD_LOG=doorward=debug,info doorward serve

Signals: TERM and INT finish the requests at hand and stop, a second one stops at once;
HUP reads every file again. The log goes to standard error: text on a terminal, JSON otherwise.";

/// The variable that says how much is logged.
const LOG: &str = "DOORWARD_LOG";
/// Work on other threads that is still going on when everything else has ended gets this long.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::load(&args.config).map_err(Failure::Files)?;
    start_log()?;
    let runtime = super::threads()?;
    let served = runtime.block_on(serve(&config));
    runtime.shutdown_timeout(FAREWELL);
    served
}

async fn serve(config: &Config) -> Result<Exit, Failure> {
    let app = App::build(config, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?;
    let bound = app.bind().await?;
    // Only now: until here a signal ends the process at once, and nothing is lost.
    let mut signals = Signals::new()?;
    announce(config, &bound);
    let shutdown = CancellationToken::new();
    tokio::select! {
        () = bound.serve(shutdown.clone()) => tracing::info!("stopped"),
        () = signals.twice(&shutdown) => tracing::warn!("stopped at once, at the second signal"),
    }
    Ok(Exit::Yes)
}

fn announce(config: &Config, bound: &Bound) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        issuer = config.issuer_text(),
        address = %bound.main,
        device = bound.device.map(tracing::field::display),
        clients = bound.clients.map(tracing::field::display),
        operations = %bound.operations,
        "listening"
    );
}

/// The log: to standard error, because standard output may be the decision log.
fn start_log() -> Result<(), Failure> {
    let filter = filter(&env::var(LOG).unwrap_or_default())?;
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(filter);
    let started = if io::stderr().is_terminal() {
        log.with_ansi(Style::stderr().is_coloured()).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
    started.map_err(|error| Failure::new(format!("cannot start the log: {error}")))
}

fn filter(directives: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(directives)
        .map_err(|error| {
            Failure::new(format!(
                "`{directives}` in `{LOG}` is not understood: {error}"
            ))
            .with_help(
                "write a level such as `debug`, or a level for a part: `doorward=debug,info`",
            )
        })
}

/// The signals that ask for an end.
#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// At the first signal asks for an orderly end; comes back at the second.
    async fn twice(&mut self, shutdown: &CancellationToken) {
        self.next().await;
        tracing::info!("stopping: the requests at hand are finished first");
        shutdown.cancel();
        self.next().await;
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_what_is_worth_knowing_unless_told_otherwise() {
        assert_eq!(filter("").unwrap().to_string(), "info");
        assert_eq!(filter("warn").unwrap().to_string(), "warn");
    }

    #[test]
    fn a_filter_that_is_not_understood_is_no_start() {
        let failure = filter("doorward=loud").unwrap_err();
        assert!(failure.to_string().contains("DOORWARD_LOG"));
        assert_eq!(failure.exit(), Exit::Unanswered);
    }

    #[test]
    fn a_configuration_that_is_not_there_is_no_start() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("doorward.toml");
        let failure = run(&Args { config }).unwrap_err();
        assert!(failure.to_string().ends_with("error: does not exist"));
    }
}
