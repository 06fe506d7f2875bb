//! Testing again after each change of a file, until it is interrupted. What is broken meanwhile is shown,
//! and waited for until it is mended.

use std::sync::Arc;

use tokio::signal::ctrl_c;
use tokio::task::spawn_blocking;

use super::Args;
use crate::cli::render;
use crate::cli::{Exit, Failure, threads};
use crate::config::Reload;
use crate::reload::{Changes, ReloadSettings, Watched};

/// Says that the next change is awaited.
const WAITING: &str = "\nwaiting for a change; Ctrl-C ends\n\n";

/// Tests until it is interrupted; the answer is that of the last time.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let runtime = threads()?;
    let outcome = runtime.block_on(until_interrupted(Arc::new(args.clone())));
    // Whoever interrupts does not want to wait for cases that are being run.
    runtime.shutdown_background();
    outcome
}

async fn until_interrupted(args: Arc<Args>) -> Result<Exit, Failure> {
    let mut last = Exit::Unanswered;
    tokio::select! {
        interrupted = ctrl_c() => interrupted.map_err(|error| Failure::of(&error))?,
        failure = rounds(&args, &mut last) => return Err(failure),
    }
    Ok(last)
}

/// Round after round, until an answer cannot be written.
async fn rounds(args: &Arc<Args>, last: &mut Exit) -> Failure {
    let mut changes = Changes::listen("tests", places(args), settings()).await;
    loop {
        let said = round(Arc::clone(args)).await.and_then(|exit| {
            *last = exit;
            render::print(WAITING)
        });
        if let Err(failure) = said {
            return failure;
        }
        changes.next().await;
    }
}

/// One answer. That there is none is told, and the end of nothing.
async fn round(args: Arc<Args>) -> Result<Exit, Failure> {
    let answer = spawn_blocking(move || super::once(&args))
        .await
        .unwrap_or_else(|error| Err(Failure::of(&error)));
    match answer {
        Err(failure) if !matches!(failure, Failure::Output(_)) => {
            render::complain(&failure);
            Ok(failure.exit())
        }
        answer => answer,
    }
}

/// Everything that an answer depends on.
fn places(args: &Args) -> Vec<Watched> {
    let files: Vec<_> = args.suites.iter().chain(&args.geoip).cloned().collect();
    let mut places = vec![Watched::Directory(args.directory.clone())];
    if !files.is_empty() {
        places.push(Watched::Files(files));
    }
    places
}

/// As soon as a server notices, where nobody has set anything else.
fn settings() -> ReloadSettings {
    let defaults = Reload::default();
    ReloadSettings {
        interval: defaults.interval,
        quiet: defaults.quiet,
        longest_wait: defaults.longest_wait,
    }
}
