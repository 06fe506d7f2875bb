//! `doorward demo`: a whole deployment on this machine, with nothing to configure: provider, users,
//! devices, policies, and two applications to sign in to. `--tour` drives it by itself and checks every
//! answer. What a provider is, is made in `app`; the demo only stands around it.

pub mod browser;
mod cast;
mod certificates;
mod edge;
mod geo;
pub mod html;
pub mod jar;
mod layout;
mod narrator;
mod portal;
pub mod reach;
pub mod relying_party;
mod stage;
mod texts;
mod tour;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

use self::layout::{CONFIG, Layout, Ports};
use self::stage::Stage;
use crate::app::{StartError, listener};
use crate::cli::exit::{Exit, Failure};
use crate::cli::render::{self, Style};
use crate::config::Config;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::entropy::SystemEntropy;

/// The port of the provider in a new directory.
const DEFAULT_PORT: u16 = 8443;

const EXAMPLES: &str = "\
Examples:
  doorward demo           sign in with your own browser, and edit the policies meanwhile
  doorward demo --tour    let the demo drive itself, and see every answer in a table

Everything lies in one directory, which is yours to edit and to remove.";

/// What the demo can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where the demo keeps its files; what you edit there is never overwritten
    #[arg(long, value_name = "DIR", default_value = "doorward-demo")]
    pub dir: PathBuf,

    /// The first of four ports; 8443 in a new directory, and the one it was made for in another
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..=65500))]
    pub port: Option<u16>,

    /// Drive the demo in a directory of its own, check every answer, and end
    #[arg(long, conflicts_with_all = ["dir", "port"])]
    pub tour: bool,
}

/// Runs the demo until it is stopped, or the tour until it has been everywhere.
#[must_use]
pub fn run(args: Args) -> Exit {
    let Args { dir, port, tour } = args;
    let outcome = crate::cli::threads().and_then(|runtime| {
        if tour {
            runtime.block_on(tour::run())
        } else {
            runtime.block_on(play(&dir, port))
        }
    });
    outcome.unwrap_or_else(|failure| {
        render::complain(&failure);
        failure.exit()
    })
}

async fn play(root: &Path, port: Option<u16>) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ports = Ports::from_first(first_port(root, port)?);
    let layout = Layout::create(root, ports, clock.now(), &SystemEntropy)
        .map_err(|error| Failure::of(&error))?;
    let config = layout.config().map_err(Failure::Files)?;
    let listener = listen(ports.portal).await?;

    let stage = Stage::open(&config, clock).await?;
    let decisions = stage.decisions.listen();
    let reach = stage::reach(&layout).map_err(|error| Failure::of(&error))?;
    let parties = stage
        .parties(&reach, &ports.redirect_uri())
        .await
        .map_err(|error| Failure::of(&error))?;
    let router = portal::router(parties, stage.issuer());
    let serving = tokio::spawn(listener::serve(listener, None, router, stage.shutdown()));

    let style = Style::stdout();
    render::print(&narrator::intro(layout.root(), &config, ports, style))?;
    let told = tokio::select! {
        stopped = ctrl_c() => stopped.map_err(|error| Failure::of(&error)),
        told = narrator::narrate(decisions, stage.policies.clone(), style) => told,
    };
    stage.close().await;
    let _ = serving.await;
    told.map(|()| Exit::Yes)
}

/// The port of the provider: the one that the directory was made for, if it is there already.
fn first_port(root: &Path, asked: Option<u16>) -> Result<u16, Failure> {
    let file = root.join(CONFIG);
    if !file.exists() {
        return Ok(asked.unwrap_or(DEFAULT_PORT));
    }
    let config = Config::load(&file).map_err(Failure::Files)?;
    let known = config.listen.address.port();
    match asked {
        Some(asked) if asked != known => Err(Failure::new(format!(
            "`{}` was made for port {known}",
            root.display()
        ))
        .with_help("leave out `--port`, choose another `--dir`, or remove the directory")),
        _ => Ok(known),
    }
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listening = TcpListener::bind(address).await;
    listening.map_err(|source| {
        let what = format!("cannot listen on {address}");
        StartError::Io { what, source }.into()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(words: &[&str]) -> Result<Args, clap::Error> {
        let words = std::iter::once("demo").chain(words.iter().copied());
        Command::try_parse_from(words).map(|command| command.args)
    }

    #[test]
    fn nothing_has_to_be_said() {
        let args = parsed(&[]).unwrap();
        assert_eq!(args.dir, PathBuf::from("doorward-demo"));
        assert_eq!(args.port, None);
        assert!(!args.tour);
    }

    #[test]
    fn a_port_leaves_room_for_its_successors() {
        assert!(parsed(&["--port", "65500"]).is_ok());
        assert!(parsed(&["--port", "65535"]).is_err());
        assert!(parsed(&["--port", "80"]).is_err());
    }

    #[test]
    fn the_tour_brings_its_own_directory_and_ports() {
        assert!(parsed(&["--tour"]).unwrap().tour);
        assert!(parsed(&["--tour", "--port", "9000"]).is_err());
    }

    #[test]
    fn a_directory_keeps_the_port_it_was_made_for() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(first_port(root.path(), None).unwrap(), DEFAULT_PORT);
        assert_eq!(first_port(root.path(), Some(9000)).unwrap(), 9000);

        let text = texts::config(Ports::from_first(9000));
        fs::write(root.path().join(CONFIG), text).unwrap();
        assert_eq!(first_port(root.path(), None).unwrap(), 9000);
        assert_eq!(first_port(root.path(), Some(9000)).unwrap(), 9000);
        let refused = first_port(root.path(), Some(9001)).unwrap_err();
        assert!(refused.to_string().contains("was made for port 9000"));
    }
}
