//! The files of a small server for tests, and questions to them as they are typed.

use std::fs;

use clap::Parser;
use tempfile::TempDir;

use super::{Answer, Args, answer};
use crate::cli::Failure;
use crate::cli::render::{self, Style};
use crate::domain::clock::{ManualClock, Timestamp};
use crate::signals::certificate::fixtures::Authority;

const CONFIG: &str = "\
issuer = 'https://id.example.com'
[device]
url = 'https://device.id.example.com'
address = '127.0.0.1:8444'
certificate = 'tls.pem'
key = 'tls-key.pem'
authorities = ['ca.pem']
inventory = 'devices.toml'
";

const CLIENTS: &str = "\
[[client]]
id = 'wiki-web'
application = 'wiki'
redirect_uris = ['https://wiki.example.com/callback']
public = true

[[client]]
id = 'desk-web'
application = 'desk'
redirect_uris = ['https://desk.example.com/callback']
public = true
";

const DEVICES: &str = "\
[[device]]
id = 'mbp-ana'
identities = ['urn:doorward:device:mbp-ana']
managed = true
disk_encryption = 'on'
platform = 'macos'
os_version = '15.3.1'
assigned_to = ['u-ana']
observed_at = 2026-11-24T07:00:00Z

[[device]]
id = 'mbp-bo'
identities = ['urn:doorward:device:mbp-bo']
managed = true
disk_encryption = 'on'
assigned_to = ['u-bo']
observed_at = 2026-11-24T07:00:00Z

[[device]]
id = 'nameless'
managed = true
";

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// A directory with all the files of a server.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
    pub(super) authority: Authority,
}

impl Place {
    pub(super) fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
            authority: Authority::root("Devices CA"),
        };
        let user = |name: &str, rest: &str| {
            format!(
                "[[user]]\nid = 'u-{name}'\nusername = '{name}'\n{rest}\n\
                 password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"
            )
        };
        let users = user("ana", "groups = ['employees']")
            + &user("cy", "groups = ['employees', 'board']\ndisabled = true");
        let access = include_str!("../../../../policies/access.cedar");
        let entities = include_str!("../../../../policies/entities.toml");
        fs::create_dir(place.directory.path().join("policies")).unwrap();
        place.write("policies/access.cedar", access);
        place.write("policies/entities.toml", entities);
        place.write("doorward.toml", CONFIG);
        place.write("clients.toml", CLIENTS);
        place.write("devices.toml", DEVICES);
        place.write("users.toml", &users);
        place.write("ca.pem", &place.authority.pem());
        place
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// What is answered with the configuration.
    pub(super) fn ask(&self, question: &[&str]) -> Result<Answer, Failure> {
        let config = self.path("doorward.toml");
        ask(&[&["--config", config.as_str()][..], question].concat())
    }

    /// What is answered with the policies alone.
    pub(super) fn ask_policies(&self, question: &[&str]) -> Result<Answer, Failure> {
        let policies = self.path("policies");
        ask(&[&["--policies", policies.as_str()][..], question].concat())
    }

    /// A text without the directory in it.
    pub(super) fn short(&self, text: &str) -> String {
        text.replace(&self.path(""), "")
    }

    pub(super) fn human(&self, question: &[&str]) -> String {
        let answer = self.ask(question).unwrap();
        self.short(&render::record::whatif(&answer, Style::plain()))
    }
}

pub(super) fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

pub(super) fn ask(question: &[&str]) -> Result<Answer, Failure> {
    let words = std::iter::once("whatif").chain(question.iter().copied());
    let Cli { args } = Cli::try_parse_from(words).unwrap();
    answer(&args, &ManualClock::new(now()))
}

/// The message and the help of a failure in words.
pub(super) fn told(answered: Result<Answer, Failure>) -> (String, String) {
    match answered.unwrap_err() {
        Failure::Other { message, help } => (message, help.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}
