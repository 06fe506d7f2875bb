//! What the doors of Okta and of Microsoft Entra have in common: files as a server loads them, and documents as a
//! consumer meets them. What a consumer wants to find there is left to `okta` and `entra`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use doorward_engine::PolicyBundle;
use reqwest::Method;
use reqwest::header::DATE;
use serde_json::{Map, Value};
use url::Url;

use super::check::Check;
use super::report::Form;
use crate::access::PolicySource;
use crate::app::client_host;
use crate::cli::Failure;
use crate::cli::render::count;
use crate::config::Config;
use crate::directory::clients::{ClientRecord, Clients, ClientsSource};
use crate::directory::users::{UserRecord, Users, UsersSource};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::diagnostic::Diagnostic;
use crate::jose::{Algorithm, JsonWebKeys, Strictness, json};
use crate::reload::{Loaded, Source, load};
use crate::remote::{LARGEST_DOCUMENT, Looked, Remote, RemoteSettings};

/// Why nothing is known of other servers, and of this one.
const OFFLINE: &str = "no server is asked with `--offline`";
/// What stands in the way where a document could not be had.
const UNREAD: &str = "the document was not read: see above";
/// As many lines of one finding are told.
const MOST_LINES: usize = 20;

// No documentation comment: it would stand in the help of the commands.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DoorArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    pub(super) config: PathBuf,

    /// A file in PEM with an authority to believe, besides those of the machine and of the configuration
    #[arg(long = "ca", value_name = "FILE")]
    authorities: Vec<PathBuf>,

    /// Looks at files only, and asks no server
    #[arg(long)]
    offline: bool,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Form,
}

/// What a server of this configuration goes by.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) config: Config,
    users: Arc<Loaded<Users>>,
    clients: Arc<Loaded<Clients>>,
    policies: Option<Arc<Loaded<PolicyBundle>>>,
}

impl Place {
    /// Reads the configuration, users, clients and policies. What is wrong with the policies is told by
    /// `doorward doctor config`; without the others there is nothing to look at.
    pub(super) fn load(file: &Path, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let config = Config::load(file).map_err(Failure::Files)?;
        let users = UsersSource {
            file: config.directory.users.clone(),
        };
        let clients = ClientsSource {
            file: config.directory.clients.clone(),
            pairwise: config.tokens.pairwise_key.is_some(),
            certificates: client_host::certificates(&config),
        };
        let policies = PolicySource {
            directory: config.policies.directory.clone(),
            run_suites: false,
            solver: None,
        };
        Ok(Self {
            users: loaded(users, clock).map_err(Failure::Files)?,
            clients: loaded(clients, clock).map_err(Failure::Files)?,
            policies: loaded(policies, clock).ok(),
            config,
        })
    }

    /// Every client.
    pub(super) fn clients(&self) -> impl Iterator<Item = &ClientRecord> {
        self.clients.value.all().map(|client| &**client)
    }

    /// The users who may sign in.
    pub(super) fn users(&self) -> impl Iterator<Item = &UserRecord> {
        let users = self.users.value.all().map(|user| &**user);
        users.filter(|user| !user.disabled)
    }

    /// The policies, where they can be used.
    pub(super) fn policies(&self) -> Option<&PolicyBundle> {
        self.policies.as_deref().map(|loaded| &loaded.value)
    }

    /// What asks servers for documents; nothing where that is not wanted.
    pub(super) fn remote(&self, args: &DoorArgs) -> Result<Option<Remote>, Failure> {
        if args.offline {
            return Ok(None);
        }
        let outbound = &self.config.outbound;
        let settings = RemoteSettings {
            authorities: outbound
                .authorities
                .iter()
                .chain(&args.authorities)
                .cloned()
                .collect(),
            proxy: outbound.proxy.clone(),
            timeout: outbound.timeout,
        };
        Remote::new(&settings).map(Some).map_err(Failure::Files)
    }

    /// The URL of a document of this provider.
    pub(super) fn own(&self, path: &str) -> Url {
        let mut url = self.config.issuer.clone();
        url.set_path(path);
        url
    }
}

fn loaded<S: Source>(
    source: S,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Loaded<S::Value>>, Vec<Diagnostic>> {
    load(source, Arc::clone(clock)).map(|(live, _)| live.current())
}

/// The members of a document.
pub(super) type Members = Map<String, Value>;

/// What came of asking for a document.
#[derive(Debug)]
pub(super) enum Met {
    /// Nobody has asked, for this reason.
    Unasked(&'static str),
    /// There was no answer.
    Silent(String),
    /// This was the answer.
    Answered(Box<Seen>),
}

/// An answer, and when it was here.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) looked: Looked,
    pub(super) at: Timestamp,
}

/// Asks for a document.
pub(super) async fn meet(
    remote: Option<&Remote>,
    method: Method,
    url: &Url,
    clock: &dyn Clock,
) -> Met {
    let Some(remote) = remote else {
        return Met::Unasked(OFFLINE);
    };
    match remote.look(method, url, LARGEST_DOCUMENT).await {
        Ok(looked) => Met::Answered(Box::new(Seen {
            looked,
            at: clock.now(),
        })),
        Err(error) => Met::Silent(error.to_string()),
    }
}

impl Met {
    /// Whether a document was to be had at this URL.
    pub(super) fn reached(&self, id: &'static str, url: &Url, fix: &str) -> Check {
        let why = match self {
            Self::Unasked(why) => return Check::not_checked(id, *why),
            Self::Silent(why) => why.clone(),
            Self::Answered(seen) => match seen.members() {
                Ok(_) => return Check::good(id, format!("`{url}` is answered")),
                Err(why) => why,
            },
        };
        Check::bad(id, format!("`{url}` {why}")).with_fix(fix)
    }

    /// What a check says of the document, once it was read.
    pub(super) fn when_read(
        &self,
        id: &'static str,
        judge: impl FnOnce(&Seen, &Members) -> Check,
    ) -> Check {
        match self {
            Self::Unasked(why) => Check::not_checked(id, *why),
            Self::Silent(_) => Check::not_checked(id, UNREAD),
            Self::Answered(seen) => match seen.members() {
                Ok(members) => judge(seen, &members),
                Err(_) => Check::not_checked(id, UNREAD),
            },
        }
    }

    /// The document, if it could be read.
    pub(super) fn members(&self) -> Option<Members> {
        self.seen().and_then(|seen| seen.members().ok())
    }

    /// The answer, if there was one.
    pub(super) fn seen(&self) -> Option<&Seen> {
        match self {
            Self::Answered(seen) => Some(seen),
            Self::Unasked(_) | Self::Silent(_) => None,
        }
    }
}

impl Seen {
    /// The JSON object in the answer, or why there is none.
    pub(super) fn members(&self) -> Result<Members, String> {
        let status = self.looked.status.as_u16();
        if status != 200 {
            return Err(format!("answers with status {status}"));
        }
        json::object(&self.looked.bytes).map_err(|error| format!("cannot be used: {error}"))
    }

    /// How far the clock of the server is ahead, RFC 9110 section 6.6.1. An answer tells whole seconds, so that this is
    /// up to a second too little.
    pub(super) fn ahead(&self) -> Option<TimeDelta> {
        let text = self.looked.headers.get(DATE)?.to_str().ok()?;
        let time = DateTime::parse_from_rfc2822(text).ok()?;
        Some(time.with_timezone(&Utc) - self.at)
    }
}

/// Good, where there is nothing to say; otherwise what `bad` makes of the lines.
pub(super) fn judged(
    id: &'static str,
    lines: Vec<String>,
    good: impl Into<String>,
    (bad, fix): (fn(&'static str, String) -> Check, &str),
) -> Check {
    if lines.is_empty() {
        return Check::good(id, good);
    }
    bad(id, shortened(lines)).with_fix(fix)
}

/// The first lines, and how many more there are.
fn shortened(mut lines: Vec<String>) -> String {
    if lines.len() > MOST_LINES {
        let more = lines.split_off(MOST_LINES - 1).len();
        lines.push(format!("and {}", count(more, "other")));
    }
    lines.join("\n")
}

/// Whether a member of a discovery document is a list with this word in it.
pub(super) fn lists(members: &Members, name: &str, word: &str) -> bool {
    let listed = members.get(name).and_then(Value::as_array);
    listed.is_some_and(|listed| listed.iter().any(|it| it.as_str() == Some(word)))
}

/// Where the document of the provider does not say what its configuration says.
pub(super) fn inconsistent(members: &Members, issuer: &str) -> Vec<String> {
    let expected = [
        ("issuer", ""),
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("jwks_uri", "/jwks"),
    ];
    expected
        .into_iter()
        .map(|(name, path)| (name, format!("{issuer}{path}")))
        .filter_map(|(name, expected)| {
            let told = members
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default();
            (told != expected).then(|| format!("`{name}` is `{told}`, and not `{expected}`"))
        })
        .collect()
}

/// Whether ID tokens can be signed with RS256, and verified by a key that is published.
pub(super) fn rs256(id: &'static str, discovery: &Met, keys: &Met) -> Check {
    discovery.when_read(id, |_, members| {
        keys.when_read(id, |_, set| {
            let fits = |known: &JsonWebKeys| known.all().any(|key| key.fits(Algorithm::Rs256));
            let known = JsonWebKeys::from_object(set, Strictness::Foreign);
            let mut lines = Vec::new();
            if !lists(members, "id_token_signing_alg_values_supported", "RS256") {
                lines.push("the discovery document does not offer RS256".to_owned());
            }
            if !known.is_ok_and(|known| fits(&known)) {
                lines.push("no key that is published signs with RS256".to_owned());
            }
            judged(
                id,
                lines,
                "RS256 is offered, and a key for it is published",
                (
                    Check::bad,
                    "a server makes the key as soon as it knows the client: see whether it runs with this clients file",
                ),
            )
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use reqwest::StatusCode;
    use reqwest::header::{CONTENT_LENGTH, HeaderMap};

    use super::*;
    use crate::cli::doctor::check::Verdict;

    pub(in crate::cli::doctor) fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    /// An answer with this body, given right now.
    pub(in crate::cli::doctor) fn answered(body: &str) -> Met {
        let date = now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().unwrap());
        headers.insert(CONTENT_LENGTH, body.len().into());
        Met::Answered(Box::new(Seen {
            looked: Looked {
                status: StatusCode::OK,
                headers,
                bytes: body.to_owned().into(),
            },
            at: now(),
        }))
    }

    /// The answer, changed.
    pub(in crate::cli::doctor) fn changed(met: &mut Met, change: impl FnOnce(&mut Seen)) {
        let Met::Answered(seen) = met else {
            panic!("not answered");
        };
        change(seen);
    }

    #[test]
    fn a_long_finding_is_cut_and_says_so() {
        let lines = |number: usize| (0..number).map(|it| it.to_string()).collect::<Vec<_>>();
        assert_eq!(shortened(lines(20)).lines().last(), Some("19"));
        assert_eq!(shortened(lines(22)).lines().last(), Some("and 3 others"));
        assert_eq!(shortened(lines(22)).lines().count(), 20);
    }

    #[test]
    fn an_answer_with_another_status_or_without_an_object_is_no_document() {
        let url: Url = "https://id.example.com/jwks".parse().unwrap();
        let mut met = answered("{}");
        assert_eq!(met.reached("a", &url, "b").verdict, Verdict::Good);
        changed(&mut met, |seen| seen.looked.status = StatusCode::NOT_FOUND);
        let missing = met.reached("a", &url, "b");
        assert_eq!(
            missing.finding,
            "`https://id.example.com/jwks` answers with status 404"
        );
        assert_eq!(answered("[]").reached("a", &url, "b").verdict, Verdict::Bad);
    }

    #[test]
    fn the_clock_of_a_server_is_told_by_its_answer() {
        let mut met = answered("{}");
        assert_eq!(met.seen().unwrap().ahead(), Some(TimeDelta::zero()));
        changed(&mut met, |seen| seen.at -= TimeDelta::seconds(7));
        assert_eq!(met.seen().unwrap().ahead(), Some(TimeDelta::seconds(7)));
        changed(&mut met, |seen| {
            seen.looked.headers.remove(DATE);
        });
        assert_eq!(met.seen().unwrap().ahead(), None);
    }

    #[test]
    fn a_document_says_what_the_configuration_says() {
        let text = r#"{"issuer":"https://id.example.com","authorization_endpoint":"https://id.example.com/authorize",
            "token_endpoint":"https://id.example.com/token","jwks_uri":"https://old.example.com/jwks"}"#;
        let members = answered(text).members().unwrap();
        assert_eq!(
            inconsistent(&members, "https://id.example.com"),
            ["`jwks_uri` is `https://old.example.com/jwks`, and not `https://id.example.com/jwks`"]
        );
    }
}
