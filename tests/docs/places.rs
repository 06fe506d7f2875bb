//! The places in which the commands of the documents run: policies in a git repository, committed on the branch
//! `main`, and then the one change that a page is about, which is not committed. People, devices, countries and
//! recorded decisions lie beside them.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};
use doorward::audit::{DecisionRecord, Ending};
use doorward_engine::suite::{Case, Suite};
use doorward_engine::{Fact, Offered, Offers, Outcome, PolicyBundle, SourceFile};
use doorward_tests::{aged_country_database, now};
use tempfile::TempDir;

use super::page::root;

/// When everything is committed: the same files have the same commit, whenever a test runs.
const COMMITTED: &str = "2026-11-24T09:00:00Z";
/// When the country database was built.
const BUILT: &str = "2026-11-20T09:00:00Z";

/// The policies of the starter bundle.
const STARTER: &str = "policies";
/// The policies of the example of a repository.
const REPOSITORY: &str = "examples/policy-repo/policies";

/// A place, made for one command.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
}

/// What a file holds, made when it is laid.
type Made = fn() -> Vec<u8>;

/// How a place is made.
#[derive(Debug)]
struct Plan {
    name: &'static str,
    /// Where its policies are from.
    policies: &'static str,
    /// What is edited after the commit: in which file, from what, to what.
    edits: &'static [(&'static str, &'static str, &'static str)],
    /// What is laid beside after the commit.
    files: &'static [(&'static str, Made)],
}

static PLANS: [Plan; 7] = [
    Plan {
        name: "starter",
        policies: STARTER,
        edits: &[],
        files: &[
            ("users.toml", users),
            ("devices.toml", devices),
            ("country.mmdb", countries),
        ],
    },
    Plan {
        name: "two weeks instead of one",
        policies: STARTER,
        edits: &[("access.cedar", "duration(\"7d\")", "duration(\"14d\")")],
        files: &[],
    },
    Plan {
        name: "managed devices no longer required",
        policies: STARTER,
        edits: &[(
            "access.cedar",
            "when { context has device && context.device.managed }",
            "when { context has device }",
        )],
        files: &[],
    },
    Plan {
        name: "a group misspelt",
        policies: STARTER,
        edits: &[(
            "access.cedar",
            "Group::\"employees\"",
            "Group::\"employes\"",
        )],
        files: &[],
    },
    Plan {
        name: "a case that is not so",
        policies: STARTER,
        edits: &[],
        files: &[("policies/payroll.suite.toml", payroll_suite)],
    },
    Plan {
        name: "a case too few",
        policies: REPOSITORY,
        edits: &[(
            "employees.suite.toml",
            r#"    ["olga", "cluster", "mbp-old", "berlin", "2h", "deny"],"#,
            "",
        )],
        files: &[],
    },
    Plan {
        name: "the trial is over",
        policies: STARTER,
        edits: &[(
            "access.cedar",
            "@reason(\"Sensitive applications open only from the office network.\")\n@mode(\"report-only\")",
            "@reason(\"Sensitive applications open only from the office network.\")",
        )],
        files: &[("decisions.jsonl", decisions)],
    },
];

/// The names of all places.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PLANS.iter().map(|plan| plan.name)
}

impl Place {
    /// Makes the place of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let plan = PLANS.iter().find(|plan| plan.name == name)?;
        let directory = tempfile::tempdir().expect("a directory");
        let place = Self { directory };
        let policies = place.root().join("policies");
        fs::create_dir(&policies).expect("a directory");
        for entry in fs::read_dir(root().join(plan.policies)).expect("policies") {
            let path = entry.expect("an entry").path();
            // What people read is no part of the policies, and would only change the commit.
            if let Some(name) = path.file_name()
                && path.extension().is_none_or(|extension| extension != "md")
            {
                let text = fs::read(&path).expect("a file");
                fs::write(policies.join(name), text).expect("written");
            }
        }
        place.git(&["init", "--quiet", "--initial-branch", "main"]);
        place.git(&["add", "--all"]);
        place.git(&["commit", "--quiet", "--message", "the policies as they are"]);
        for (file, from, to) in plan.edits {
            let path = policies.join(file);
            let text = fs::read_to_string(&path).expect("a file");
            assert!(text.contains(from), "{name}: `{from}` is not in {file}");
            fs::write(path, text.replacen(from, to, 1)).expect("written");
        }
        for (file, contents) in plan.files {
            fs::write(place.root().join(file), contents()).expect("written");
        }
        Some(place)
    }

    pub(super) fn root(&self) -> &Path {
        self.directory.path()
    }

    fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.root())
            .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com"])
            .args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_DEFAULT_HASH", "sha1")
            .env("GIT_AUTHOR_DATE", COMMITTED)
            .env("GIT_COMMITTER_DATE", COMMITTED)
            .output()
            .expect("git");
        assert!(output.status.success(), "{output:?}");
    }
}

fn users() -> Vec<u8> {
    // Nobody signs in with it.
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$0qiFkFLF0ythsddm/UGJGA$9VyU8G+WOl5BcDZVGtDsXwmfunvSHaf1x61SZxsHM5Y";
    format!(
        "[[user]]\nid = 'u-ana'\nusername = 'ana'\npassword = '{hash}'\ngroups = ['employees']\n"
    )
    .into_bytes()
}

fn devices() -> Vec<u8> {
    b"[[device]]
id = 'mbp-ana'
identities = ['urn:doorward:device:mbp-ana']
managed = true
disk_encryption = 'on'
assigned_to = ['u-ana']
observed_at = 2026-11-24T07:00:00Z
"
    .to_vec()
}

fn countries() -> Vec<u8> {
    let built: DateTime<Utc> = BUILT.parse().expect("a time");
    let age = now() - built;
    aged_country_database(&[("203.0.113.0/24", "SG"), ("198.51.100.0/24", "JP")], age)
}

fn payroll_suite() -> Vec<u8> {
    br#"# What payroll asks for.

now = "2026-11-24T09:00:00Z"

[user.ana]
groups = ["employees"]

[device.mbp-ana]
managed = true
disk_encryption = "on"
assigned_to = ["ana"]
observed = "2h"

[place.office]
address = "203.0.113.9"
country = "SG"

[[case]]
name = "payroll opens with a password of yesterday"
user = "ana"
application = "payroll"
device = "mbp-ana"
from = "office"
password = "20h"
expect = "permit"
"#
    .to_vec()
}

/// What people asked for one morning, in the form of a suite.
const MORNING: &str = r#"
now = "2026-11-24T09:00:00Z"

[user.ana]
groups = ["employees"]

[user.ben]
groups = ["employees"]

[device.mbp-ana]
managed = true
disk_encryption = "on"
assigned_to = ["ana"]
observed = "2h"

[device.mbp-ben]
managed = true
disk_encryption = "on"
assigned_to = ["ben"]
observed = "2h"

[place.office]
address = "203.0.113.9"
country = "SG"

[place.home]
address = "198.51.100.7"
country = "SG"

[[table]]
name = "a morning"
columns = ["now", "user", "application", "device", "from"]
password = "1h"
expect = "permit"
rows = [
    ["2026-11-24T07:52:10Z", "ana", "wiki", "mbp-ana", "home"],
    ["2026-11-24T08:01:43Z", "ana", "payroll", "mbp-ana", "home"],
    ["2026-11-24T08:15:27Z", "ben", "wiki", "mbp-ben", "home"],
    ["2026-11-24T08:16:02Z", "ben", "payroll", "mbp-ben", "home"],
    ["2026-11-24T08:40:31Z", "ben", "payroll", "mbp-ana", "office"],
    ["2026-11-24T09:00:00Z", "ana", "payroll", "mbp-ana", "office"],
]
"#;

/// The references that were shown to them.
const REFERENCES: [&str; 6] = [
    "4MZ8-K1QT",
    "7F3K-29QD",
    "9B2E-XW60",
    "C5T7-0HNA",
    "E8RV-3JYS",
    "HP46-D9GM",
];

/// The log of that morning, as a server with the starter policies wrote it.
fn decisions() -> Vec<u8> {
    let files = ["access.cedar", "entities.toml"].map(|name| {
        let path = format!("{STARTER}/{name}");
        let text = fs::read_to_string(root().join(&path)).expect("a file");
        SourceFile::new(path, text)
    });
    let bundle = PolicyBundle::load(&files, None).expect("the starter bundle");
    let suite = Suite::parse(&SourceFile::new("morning.suite.toml", MORNING)).expect("a suite");
    let lines = suite.cases().zip(REFERENCES).map(|(case, reference)| {
        let record = record(&bundle, case, reference);
        serde_json::to_string(&record).expect("JSON") + "\n"
    });
    lines.collect::<String>().into_bytes()
}

fn record(bundle: &PolicyBundle, case: &Case, reference: &str) -> DecisionRecord {
    let nowhere = |_: IpAddr| Fact::unknown("there is no database", "GeoIP");
    let request = case.request(&nowhere);
    let offers = || Offers {
        password: true,
        devices: Vec::new(),
    };
    let (decision, asked) = bundle.decide_and_keep(&request, offers);
    let offers = asked.map(|offers| Offered::of(&offers, &decision, &request.user.id));
    let ending = if decision.outcome == Outcome::Permit {
        Ending::Permitted
    } else {
        Ending::Denied
    };
    let reference = reference.parse().expect("a reference");
    DecisionRecord {
        application: Some(request.application.id.clone()),
        user: Some(request.user.id.clone()),
        username: Some(request.user.id.clone()),
        facts: request.facts(),
        decision: Some(decision),
        offers: offers.map(Box::new),
        request: Some(Box::new(request.clone())),
        ..DecisionRecord::new(reference, request.now, ending)
    }
}
