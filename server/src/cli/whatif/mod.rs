//! `doorward whatif`: how policies answer one question, now or at any revision, without a server. Files are read
//! by `world`, names and facts become the question in `question`, and what came out is put together in `answer`.

mod answer;
#[cfg(test)]
mod fixtures;
mod question;
mod world;

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use clap::ValueEnum;
use doorward_engine::{Action, CountryCode};

pub(in crate::cli) use self::answer::{Answer, Try};
use self::question::Question;
use self::world::World;
use super::render::{self, Form, Style};
use super::{Exit, Failure};
use crate::domain::clock::{Clock, SystemClock, Timestamp};

const EXAMPLES: &str = "\
Examples:
  doorward whatif --user ana --group employees --application wiki
  doorward whatif --user ana --group employees --application wiki --country JP --password-age 8d
  doorward whatif --config doorward.toml --user ana --client wiki-web --address 203.0.113.9 --device mbp-ana
  doorward whatif --config doorward.toml --user ana --application wiki --certificate mbp-ana.pem
  doorward whatif --rev main --user ana --group employees --application wiki --format markdown

What is not given is not known: without `--password-age` no password was entered.

Exit code: 0 permit, 1 step up or deny, 2 the question cannot be asked";

/// What is asked for, as policies write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Asked {
    /// To sign in
    #[default]
    #[value(name = "signIn")]
    SignIn,
    /// To renew tokens
    Refresh,
    /// To report the posture of the device
    Posture,
}

/// How long ago something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Never,
    Ago(TimeDelta),
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory with the policies; that of the configuration, or `policies`, where it is left out
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,

    /// The revision of the git repository at which the policies are read: a branch, a tag, a commit
    #[arg(long, value_name = "REV")]
    rev: Option<String>,

    /// The configuration of a server, whose users, clients, inventory, databases and authorities count
    #[arg(long, value_name = "FILE", conflicts_with_all = ["users", "devices", "geoip", "groups"])]
    config: Option<PathBuf>,

    /// A users file, where there is no configuration
    #[arg(long, value_name = "FILE", conflicts_with = "groups")]
    users: Option<PathBuf>,

    /// An inventory of devices, where there is no configuration
    #[arg(long, value_name = "FILE")]
    devices: Option<PathBuf>,

    /// A GeoIP database, where there is no configuration; may be given several times
    #[arg(long, value_name = "FILE")]
    geoip: Vec<PathBuf>,

    /// Who asks: a username, an e-mail address or an identifier of the users file
    #[arg(long, value_name = "NAME")]
    user: String,

    /// A group of the user, where there is no users file; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,

    /// The application that is asked for
    #[arg(long, value_name = "NAME", required_unless_present = "client")]
    application: Option<String>,

    /// The client of the configuration whose application is asked for
    #[arg(
        long,
        value_name = "ID",
        requires = "config",
        conflicts_with = "application"
    )]
    client: Option<String>,

    /// What is asked for
    #[arg(long, value_enum, default_value_t)]
    action: Asked,

    /// The address that the request comes from
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,

    /// The country that it comes from, whatever the databases say
    #[arg(long, value_name = "CC")]
    country: Option<CountryCode>,

    /// The device of the inventory that proves itself
    #[arg(long, value_name = "ID", conflicts_with = "certificate")]
    device: Option<String>,

    /// The certificate that a device presents, with its chain in PEM; needs a configuration
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,

    /// How long ago the password was entered, as in `20h`, or `never`
    #[arg(long, value_name = "AGE", default_value = "never")]
    password_age: Age,

    /// How long ago a second factor was proved, or `never`
    #[arg(long, value_name = "AGE", default_value = "never")]
    second_factor_age: Age,

    /// How the user signed in; `pwd` after a password, where it is left out; may be given several times
    #[arg(long = "method", value_name = "NAME")]
    methods: Vec<String>,

    /// The moment of the question, as in `2026-11-24T09:00:00Z`; now, where it is left out
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let answer = answer(args, &SystemClock)?;
    let text = match args.format {
        Form::Human => render::record::whatif(&answer, Style::stdout()),
        Form::Json => render::json(&answer)?,
        Form::Markdown => render::record::whatif_markdown(&answer),
    };
    render::print(&text)?;
    Ok(answer.exit())
}

fn answer(args: &Args, clock: &dyn Clock) -> Result<Answer, Failure> {
    let now = args.at.unwrap_or_else(|| clock.now());
    let world = World::load(args, now)?;
    let question = Question::of(args, &world, now)?;
    Ok(Answer::to(question, &world))
}

impl From<Asked> for Action {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::SignIn => Self::SignIn,
            Asked::Refresh => Self::Refresh,
            Asked::Posture => Self::Posture,
        }
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        humantime::parse_duration(text)
            .ok()
            .and_then(|age| TimeDelta::from_std(age).ok())
            .map(Self::Ago)
            .ok_or_else(|| "expected a duration such as `20h` or `7d`, or `never`".to_owned())
    }
}

impl Age {
    /// The moment that was that long before `now`.
    fn before(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            // What was before all time that can be counted is as old as it gets.
            Self::Ago(age) => Some(now.checked_sub_signed(age).unwrap_or(DateTime::UNIX_EPOCH)),
        }
    }
}

/// RFC 3339.
pub(in crate::cli) fn instant(text: &str) -> Result<Timestamp, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .map_err(|_| "expected a time such as `2026-11-24T09:00:00Z`".to_owned())
}

#[cfg(test)]
mod tests;
