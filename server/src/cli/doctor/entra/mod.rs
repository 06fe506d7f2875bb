//! `doorward doctor entra`: whether a tenant of Microsoft Entra and this provider fit together, as far as it can be told
//! from here. Checks of files are left to `files`, those of what either side publishes to `documents` and `hints`.

mod documents;
mod files;
mod hints;

use std::sync::Arc;

use self::documents::Documents;
use self::hints::HintIssuer;
use super::check::Check;
use super::door::{DoorArgs, Place};
use super::report::Report;
use crate::cli::{Exit, Failure};
use crate::directory::clients::ClientRecord;
use crate::directory::guid::Guid;
use crate::directory::profile::{EntraMfa, Profile};
use crate::domain::clock::{Clock, SystemClock};

const EXAMPLES: &str = "\
Examples:
  doorward doctor entra --tenant 0b5c7f1e-2222-4333-8444-555566667777
  doorward doctor entra --tenant 0b5c7f1e-2222-4333-8444-555566667777 --offline    the files alone
  doorward doctor entra --tenant 0b5c7f1e-2222-4333-8444-555566667777 --format json

Exit code: 0 all is good, 1 something is bad or doubtful, 2 there is nothing to look at";

const CLIENTS: &str = "entra.clients";
const TENANT: &str = "entra.tenant";
const REDIRECTS: &str = "entra.redirect-uris";
const APPLICATION: &str = "entra.application";
const DEVICE_HOST: &str = "entra.device-host";
const USERS: &str = "entra.users";
const ACCOUNTS: &str = "entra.accounts";
const ANNOUNCE: &str = "entra.announce";
const DEADLINE: &str = "entra.deadline";
const REACHED: &str = "entra.discovery-reached";
const LENGTH: &str = "entra.content-length";
const ISSUER: &str = "entra.issuer-host";
const RESPONSES: &str = "entra.response-types";
const METADATA: &str = "entra.metadata";
const RS256: &str = "entra.rs256";
const KEYS_REACHED: &str = "entra.keys-reached";
const CERTIFICATES: &str = "entra.certificates";
const KEY_IDS: &str = "entra.key-ids";
const HINT_ISSUER: &str = "entra.hint-issuer";
const HINT_KEYS: &str = "entra.hint-keys";
const CLOCK: &str = "entra.clock";

/// The names of the checks, in the order in which they are told.
pub(super) const CHECKS: &[&str] = &[
    CLIENTS,
    TENANT,
    REDIRECTS,
    APPLICATION,
    DEVICE_HOST,
    USERS,
    ACCOUNTS,
    ANNOUNCE,
    DEADLINE,
    REACHED,
    LENGTH,
    ISSUER,
    RESPONSES,
    METADATA,
    RS256,
    KEYS_REACHED,
    CERTIFICATES,
    KEY_IDS,
    HINT_ISSUER,
    HINT_KEYS,
    CLOCK,
];

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// The tenant, by its directory ID
    #[arg(long, value_name = "GUID")]
    tenant: Guid,

    #[command(flatten)]
    door: DoorArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let place = Place::load(&args.door.config, &clock)?;
    let remote = place.remote(&args.door)?;
    let doors = of_entra(&place, &args.tenant);
    let (documents, hints) = crate::cli::threads()?.block_on(async {
        let documents = Documents::ask(remote.as_ref(), &place, &*clock).await;
        let hints = hints::ask(remote.as_ref(), &doors, &*clock).await;
        (documents, hints)
    });
    let patient = Patient {
        tenant: &args.tenant,
        place: &place,
        doors,
        documents,
        hints,
    };
    let report = Report {
        command: "doorward doctor entra",
        checks: patient.checks(),
    };
    report.tell(args.door.format)
}

/// A client that is Entra's.
#[derive(Debug, Clone, Copy)]
struct Door<'a> {
    client: &'a ClientRecord,
    entra: &'a EntraMfa,
}

/// The clients that answer for the tenant; if none does, all that are Entra's.
fn of_entra<'a>(place: &'a Place, tenant: &Guid) -> Vec<Door<'a>> {
    let all: Vec<Door<'_>> = place
        .clients()
        .filter_map(|client| match &client.profile {
            Profile::EntraMfa(entra) => Some(Door { client, entra }),
            _ => None,
        })
        .collect();
    let answering: Vec<Door<'_>> = all
        .iter()
        .filter(|door| door.entra.tenants.contains(tenant))
        .copied()
        .collect();
    if answering.is_empty() { all } else { answering }
}

/// A tenant, and what is known of it and of this provider.
#[derive(Debug)]
struct Patient<'a> {
    tenant: &'a Guid,
    place: &'a Place,
    doors: Vec<Door<'a>>,
    documents: Documents,
    /// Who signs the hints, each once.
    hints: Vec<HintIssuer>,
}

impl Patient<'_> {
    /// In the order of [`CHECKS`].
    fn checks(&self) -> Vec<Check> {
        vec![
            self.registered(),
            self.allowed(),
            self.redirects(),
            self.application(),
            self.device_host(),
            self.users(),
            self.accounts(),
            self.announce(),
            self.deadline(),
            self.reached(),
            self.length(),
            self.issuer(),
            self.responses(),
            self.metadata(),
            self.rs256(),
            self.keys_reached(),
            self.certificates(),
            self.key_ids(),
            self.hint_issuer(),
            self.hint_keys(),
            self.clock(),
        ]
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
