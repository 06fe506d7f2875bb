//! `doorward doctor okta`: whether an org of Okta and this provider fit together, as far as it can be told from here.
//! Checks of files are left to `clients` and `people`, those of what is published to `documents`.

mod clients;
mod documents;
mod people;

use std::path::PathBuf;
use std::sync::Arc;

use url::{Host, Url};

use self::documents::Documents;
use super::check::Check;
use super::door::{DoorArgs, Place};
use super::export::Export;
use super::report::Report;
use crate::cli::{Exit, Failure};
use crate::directory::clients::ClientRecord;
use crate::directory::profile::Profile;
use crate::domain::clock::{Clock, SystemClock};

const EXAMPLES: &str = "\
Examples:
  doorward doctor okta --org example.okta.com             do Okta and this server fit together?
  doorward doctor okta --org example.okta.com --custom-domain login.example.com --users okta.csv
  doorward doctor okta --org example.okta.com --offline   the files alone

Exit code: 0 all is good, 1 something is bad or doubtful, 2 there is nothing to look at";

const CLIENTS: &str = "okta.clients";
const CALLBACKS: &str = "okta.callback-hosts";
const REQUESTS: &str = "okta.requests";
const AUTHENTICATION: &str = "okta.authentication";
const AMR: &str = "okta.amr";
const APPLICATIONS: &str = "okta.applications";
const POSTURE: &str = "okta.posture";
const USERNAMES: &str = "okta.usernames";
const ADDRESSES: &str = "okta.emails";
const DUPLICATES: &str = "okta.duplicates";
const REACHED: &str = "okta.issuer-reached";
const DISCOVERY: &str = "okta.discovery";
const RS256: &str = "okta.rs256";
const CLIENT_KEYS: &str = "okta.client-keys";
const CLOCK: &str = "okta.clock";

/// The names of the checks, in the order in which they are told.
pub(super) const CHECKS: &[&str] = &[
    CLIENTS,
    CALLBACKS,
    REQUESTS,
    AUTHENTICATION,
    AMR,
    APPLICATIONS,
    POSTURE,
    USERNAMES,
    ADDRESSES,
    DUPLICATES,
    REACHED,
    DISCOVERY,
    RS256,
    CLIENT_KEYS,
    CLOCK,
];

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// The host of the org, `example.okta.com`
    #[arg(long, value_name = "HOST", value_parser = host)]
    org: String,

    /// The host of the org's own domain, where it has one
    #[arg(long, value_name = "HOST", value_parser = host)]
    custom_domain: Option<String>,

    /// The users of the org, as CSV with a column `login` or `username`, and one `email`
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,

    /// A client of the org; may be given again. All clients with a profile of Okta, if left out
    #[arg(long = "client", value_name = "ID")]
    clients: Vec<String>,

    #[command(flatten)]
    door: DoorArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let place = Place::load(&args.door.config, &clock)?;
    let export = args.users.as_deref().map(Export::load).transpose()?;
    let remote = place.remote(&args.door)?;
    let clients = of_okta(&place, &args.clients)?;
    let asking = Documents::ask(remote.as_ref(), &place, &clients, &*clock);
    let documents = crate::cli::threads()?.block_on(asking);
    let patient = Patient {
        hosts: [Some(&args.org), args.custom_domain.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect(),
        place: &place,
        clients,
        export: export.as_ref(),
        documents,
    };
    let report = Report {
        command: "doorward doctor okta",
        checks: patient.checks(),
    };
    report.tell(args.door.format)
}

/// A host on the command line.
fn host(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a host such as `example.okta.com`");
    let bare = text.strip_prefix("https://").unwrap_or(text);
    let url = Url::parse(&format!("https://{bare}")).map_err(|_| wrong())?;
    let Some(Host::Domain(name)) = url.host() else {
        return Err(wrong());
    };
    // Nothing may stand there besides.
    if url.as_str() != format!("https://{name}/") {
        return Err(wrong());
    }
    if name
        .split('.')
        .next()
        .is_some_and(|it| it.ends_with("-admin"))
    {
        return Err(format!(
            "`{name}` is the admin console: the org is the same without `-admin`"
        ));
    }
    Ok(name.to_owned())
}

/// The clients that are Okta's: those with these identifiers, or else all that have a profile of Okta.
fn of_okta<'a>(place: &'a Place, named: &[String]) -> Result<Vec<&'a ClientRecord>, Failure> {
    let is_okta = |client: &ClientRecord| {
        matches!(
            client.profile,
            Profile::OktaFactor(_) | Profile::OktaPosture
        )
    };
    let all = place.clients();
    let oktas: Vec<&ClientRecord> = all.filter(|client| is_okta(client)).collect();
    let known = |id: &&String| oktas.iter().any(|client| client.id.as_str() == id.as_str());
    if let Some(unknown) = named.iter().find(|id| !known(id)) {
        return Err(Failure::new(format!(
            "no client `{unknown}` has a profile of Okta"
        )));
    }
    let wanted = |client: &ClientRecord| {
        named.is_empty() || named.iter().any(|id| client.id.as_str() == id.as_str())
    };
    Ok(oktas.into_iter().filter(|client| wanted(client)).collect())
}

/// An org, and what is known of it and of this provider.
#[derive(Debug)]
struct Patient<'a> {
    /// The hosts that people come by: that of the org, and that of its own domain.
    hosts: Vec<&'a str>,
    place: &'a Place,
    clients: Vec<&'a ClientRecord>,
    export: Option<&'a Export>,
    documents: Documents,
}

impl Patient<'_> {
    /// In the order of [`CHECKS`].
    fn checks(&self) -> Vec<Check> {
        vec![
            self.registered(),
            self.callbacks(),
            self.requests(),
            self.authentication(),
            self.amr(),
            self.applications(),
            self.posture(),
            self.usernames(),
            self.addresses(),
            self.duplicates(),
            self.reached(),
            self.discovery(),
            self.rs256(),
            self.client_keys(),
            self.clock(),
        ]
    }
}

#[cfg(test)]
mod tests;
