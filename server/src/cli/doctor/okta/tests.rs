//! An org and a provider that fit together, and what is told once something does not.

use std::fs;

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::cli::doctor::check::Verdict;
use crate::cli::doctor::door::Met;
use crate::cli::doctor::door::tests::{answered, changed, now};
use crate::domain::clock::ManualClock;
use crate::jose::fixtures::TestKey;

const CONFIG: &str = "\
issuer = 'https://id.example.com'

[listen]
address = '127.0.0.1:8443'
certificate = 'main.pem'
key = 'main-key.pem'

[device]
url = 'https://device.id.example.com'
address = '127.0.0.1:8444'
certificate = 'device.pem'
key = 'device-key.pem'
inventory = 'devices.toml'

[[device.authority]]
file = 'devices/ca.pem'
keys = 'hardware'
";

const USERS: &str = "\
[[user]]
id = 'u-ana'
username = 'ana'
email = 'Ana@example.com'
groups = ['employees']
password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
";

const CLIENTS_FILE: &str = "\
[[client]]
id = 'okta'
profile = 'okta-factor'
application = 'wiki'
redirect_uris = ['https://example.okta.com/oauth2/v1/authorize/callback', 'https://login.example.com/oauth2/v1/authorize/callback']
secret = 'sha256:85567e0108933d5b2877f3e252a4d76c679a0bc8241ade3743aa059872885692'
applications = { '0oa1' = 'payroll' }

[[client]]
id = 'posture'
profile = 'okta-posture'
application = 'wiki'
redirect_uris = ['https://example.okta.com/oauth2/v1/authorize/callback', 'https://login.example.com/oauth2/v1/authorize/callback']
secret = 'sha256:85567e0108933d5b2877f3e252a4d76c679a0bc8241ade3743aa059872885692'
";

const POLICY: &str = "\
@id(\"compliant\")
@reason(\"A device is compliant when its disk is encrypted.\")
permit (principal, action == Action::\"posture\", resource == Application::\"wiki\")
when { context has device && context.device.diskEncrypted };
";

const EXPORT: &str = "login,email\nana,Ana@example.com\nbo,bo@example.com\n";

/// Files of a provider, and what was met of it.
struct World {
    files: TempDir,
    export: Option<String>,
    documents: Documents,
}

impl World {
    fn healthy() -> Self {
        let files = tempfile::tempdir().unwrap();
        fs::create_dir(files.path().join("policies")).unwrap();
        let world = Self {
            files,
            export: Some(EXPORT.to_owned()),
            documents: documents(),
        };
        for (name, text) in [
            ("doorward.toml", CONFIG),
            ("users.toml", USERS),
            ("clients.toml", CLIENTS_FILE),
            ("policies/posture.cedar", POLICY),
            (
                "policies/access.cedar",
                include_str!("../../../../../policies/access.cedar"),
            ),
            (
                "policies/entities.toml",
                include_str!("../../../../../policies/entities.toml"),
            ),
        ] {
            world.write(name, text);
        }
        world
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.files.path().join(name), text).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.files.path().join(name)).unwrap();
        assert!(text.contains(from), "{text}");
        self.write(name, &text.replace(from, to));
    }

    fn checks(self) -> Vec<Check> {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now()));
        let place = Place::load(&self.files.path().join("doorward.toml"), &clock).unwrap();
        let export = self
            .export
            .map(|text| Export::parse(text.as_bytes()).unwrap());
        let patient = Patient {
            hosts: vec!["example.okta.com", "login.example.com"],
            clients: of_okta(&place, &[]).unwrap(),
            place: &place,
            export: export.as_ref(),
            documents: self.documents,
        };
        patient.checks()
    }

    /// What is bad or doubtful, by its name.
    fn wrong(self) -> Vec<(&'static str, Verdict)> {
        let checks = self.checks().into_iter();
        checks
            .filter(|check| matches!(check.verdict, Verdict::Bad | Verdict::Doubtful))
            .map(|check| (check.id, check.verdict))
            .collect()
    }

    /// What one check came to.
    fn check(self, id: &str) -> Check {
        let mut checks = self.checks().into_iter();
        checks.find(|check| check.id == id).unwrap()
    }
}

/// What a provider publishes that is as it should be.
fn documents() -> Documents {
    let issuer = "https://id.example.com";
    let discovery = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "scopes_supported": ["openid", "profile", "email"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    Documents {
        url: format!("{issuer}/.well-known/openid-configuration")
            .parse()
            .unwrap(),
        discovery: answered(&discovery.to_string()),
        keys: answered(&TestKey::rsa().jwks("one")),
        client_keys: Vec::new(),
    }
}

#[test]
fn an_org_and_a_provider_that_fit_are_good_in_every_check() {
    let checks = World::healthy().checks();
    let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CHECKS);
    let told: Vec<String> = checks
        .iter()
        .map(|it| format!("{:?} {}: {}", it.verdict, it.id, it.finding))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn both_hosts_of_the_org_have_to_be_registered() {
    let world = World::healthy();
    world.edit(
        "clients.toml",
        ", 'https://login.example.com/oauth2/v1/authorize/callback'",
        "",
    );
    let check = world.check(CALLBACKS);
    assert_eq!(check.verdict, Verdict::Bad);
    assert_eq!(
        check.finding,
        "client `okta` has no redirect URI `https://login.example.com/oauth2/v1/authorize/callback`\n\
         client `posture` has no redirect URI `https://login.example.com/oauth2/v1/authorize/callback`"
    );
}

#[test]
fn what_okta_has_to_be_told_is_doubtful() {
    let world = World::healthy();
    world.edit(
        "clients.toml",
        "id = 'okta'\n",
        "id = 'okta'\npkce_required = true\n",
    );
    assert_eq!(world.wrong(), [(REQUESTS, Verdict::Doubtful)]);
}

#[test]
fn authorities_are_declared_so_that_methods_are_true() {
    let world = World::healthy();
    world.edit(
        "doorward.toml",
        "inventory = 'devices.toml'\n",
        "inventory = 'devices.toml'\nauthorities = ['other.pem']\n",
    );
    assert_eq!(world.wrong(), [(AMR, Verdict::Doubtful)]);
}

#[test]
fn applications_behind_okta_are_declared() {
    let world = World::healthy();
    world.edit("clients.toml", "'payroll'", "'payrol'");
    let check = world.check(APPLICATIONS);
    assert_eq!(
        check.finding,
        "`0oa1` of client `okta` is `payrol`, which the policies do not declare"
    );
}

#[test]
fn without_a_policy_no_device_is_compliant() {
    let world = World::healthy();
    fs::remove_file(world.files.path().join("policies/posture.cedar")).unwrap();
    assert_eq!(world.wrong(), [(POSTURE, Verdict::Bad)]);
}

#[test]
fn without_clients_there_is_little_to_look_at() {
    let world = World::healthy();
    world.write("clients.toml", "");
    assert_eq!(world.wrong(), [(CLIENTS, Verdict::Bad)]);
}

#[test]
fn names_are_as_okta_writes_them() {
    let mut world = World::healthy();
    world.export = Some("login,email\nAna,ana@example.com\n".to_owned());
    let wrong = world.wrong();
    assert_eq!(
        wrong,
        [(USERNAMES, Verdict::Bad), (ADDRESSES, Verdict::Bad)]
    );
}

#[test]
fn whoever_is_nobody_at_okta_is_doubtful() {
    let mut world = World::healthy();
    world.export = Some("login,email\nbo,bo@example.com\n".to_owned());
    let doubtful = Verdict::Doubtful;
    assert_eq!(
        world.wrong(),
        [(USERNAMES, doubtful), (ADDRESSES, doubtful)]
    );
}

#[test]
fn an_org_may_go_by_addresses_alone() {
    let mut world = World::healthy();
    world.export = Some("login,email\nAna@example.com,Ana@example.com\n".to_owned());
    assert_eq!(world.check(USERNAMES).verdict, Verdict::NotChecked);
}

#[test]
fn names_that_differ_in_their_case_alone_are_doubtful() {
    let mut world = World::healthy();
    world.export = Some(format!("{EXPORT}ANA,other@example.com\n"));
    let check = world.check(DUPLICATES);
    assert_eq!(check.verdict, Verdict::Doubtful);
    assert_eq!(
        check.finding,
        "the logins `ana`, `ANA` are one apart from their case"
    );
}

#[test]
fn everybody_needs_an_address() {
    let mut world = World::healthy();
    world.export = None;
    world.edit("users.toml", "email = 'Ana@example.com'\n", "");
    assert_eq!(world.wrong(), [(ADDRESSES, Verdict::Doubtful)]);
}

#[test]
fn without_a_server_what_it_publishes_is_not_checked() {
    let mut world = World::healthy();
    world.documents.discovery = Met::Silent("cannot be reached: refused".to_owned());
    let checks = world.checks();
    let bad = |check: &&Check| check.verdict == Verdict::Bad;
    let bad: Vec<&str> = checks.iter().filter(bad).map(|it| it.id).collect();
    assert_eq!(bad, [REACHED]);
    let clock = checks.iter().find(|check| check.id == CLOCK).unwrap();
    assert_eq!(clock.verdict, Verdict::NotChecked);
}

#[test]
fn a_document_of_another_issuer_is_bad() {
    let mut world = World::healthy();
    changed(&mut world.documents.discovery, |seen| {
        let text = String::from_utf8_lossy(&seen.looked.bytes).into_owned();
        let text = text.replace(
            "https://id.example.com/jwks",
            "https://other.example.com/jwks",
        );
        seen.looked.bytes = text.into();
    });
    assert_eq!(world.wrong(), [(DISCOVERY, Verdict::Bad)]);
}

#[test]
fn a_key_for_rs256_is_published() {
    let mut world = World::healthy();
    world.documents.keys = answered(&TestKey::p256().jwks("one"));
    assert_eq!(world.wrong(), [(RS256, Verdict::Bad)]);
}

#[test]
fn tokens_come_from_the_past() {
    let ahead = |seconds: i64| {
        let mut world = World::healthy();
        changed(&mut world.documents.discovery, |seen| {
            seen.at -= chrono::TimeDelta::seconds(seconds);
        });
        world.check(CLOCK).verdict
    };
    assert_eq!(ahead(-20), Verdict::Good);
    assert_eq!(ahead(1), Verdict::Good);
    assert_eq!(ahead(2), Verdict::Bad);
    assert_eq!(ahead(-40), Verdict::Doubtful);
}

#[test]
fn the_keys_of_okta_can_be_fetched() {
    let url: Url = "https://example.okta.com/oauth2/v1/keys".parse().unwrap();
    let mut world = World::healthy();
    let mut met = answered(&TestKey::rsa().jwks("theirs"));
    world.documents.client_keys = vec![(url.clone(), met)];
    assert_eq!(world.check(CLIENT_KEYS).verdict, Verdict::Good);
    let mut world = World::healthy();
    met = answered("{}");
    changed(&mut met, |seen| seen.looked.status = StatusCode::NOT_FOUND);
    world.documents.client_keys = vec![(url, met)];
    assert_eq!(world.wrong(), [(CLIENT_KEYS, Verdict::Bad)]);
}

#[test]
fn a_host_is_a_name_and_not_that_of_the_console() {
    assert_eq!(host("Example.okta.com").unwrap(), "example.okta.com");
    assert_eq!(
        host("https://example.okta.com/").unwrap(),
        "example.okta.com"
    );
    for text in [
        "",
        "example-admin.okta.com",
        "example.okta.com/app",
        "example.okta.com:8443",
        "http://example.okta.com",
        "127.0.0.1",
    ] {
        assert!(host(text).is_err(), "{text}");
    }
}

#[test]
fn a_client_on_the_command_line_has_to_be_okta_s() {
    let world = World::healthy();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now()));
    let place = Place::load(&world.files.path().join("doorward.toml"), &clock).unwrap();
    let named = |id: &str| of_okta(&place, &[id.to_owned()]).map(|clients| clients.len());
    assert_eq!(named("posture").unwrap(), 1);
    assert!(named("wiki").is_err());
}
