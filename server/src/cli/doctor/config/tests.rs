//! A whole installation that is healthy, and what is told of it once something breaks.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, UNIX_EPOCH};

use chrono::TimeDelta;
use mmdb_writer::ipnet::IpNet;
use mmdb_writer::{IpVersion, Value, Writer};
use tempfile::TempDir;

use super::*;
use crate::cli::doctor::check::Verdict;
use crate::cli::pki::{DevelopmentCa, IssuedCertificate};
use crate::domain::clock::ManualClock;

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
authorities = ['devices/ca.pem']
revocation_lists = ['revoked.crl']
inventory = 'devices.toml'

[geoip]
databases = ['country.mmdb']
";

const USERS: &str = "\
[[user]]
id = 'u-ana'
username = 'ana'
groups = ['employees']
password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
";

const CLIENTS: &str = "\
[[client]]
id = 'wiki-web'
application = 'wiki'
public = true
redirect_uris = ['https://wiki.example.com/callback']
";

const DEVICES: &str = "\
[[device]]
id = 'mbp-ana'
identities = ['urn:doorward:device:mbp-ana']
managed = true
assigned_to = ['u-ana']
observed_at = 2026-11-24T10:00:00Z
";

const POLICIES: [(&str, &str); 2] = [
    (
        "access.cedar",
        include_str!("../../../../../policies/access.cedar"),
    ),
    (
        "entities.toml",
        include_str!("../../../../../policies/entities.toml"),
    ),
];

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// An installation in a directory of its own.
struct Place(TempDir);

impl Place {
    fn healthy() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("policies")).unwrap();
        for (name, text) in POLICIES {
            place.write(&format!("policies/{name}"), text);
        }
        for (name, text) in [
            ("doorward.toml", CONFIG),
            ("users.toml", USERS),
            ("clients.toml", CLIENTS),
            ("devices.toml", DEVICES),
        ] {
            place.write(name, text);
        }
        fs::write(place.path("country.mmdb"), countries(4)).unwrap();
        let servers = DevelopmentCa::create(&place.path("servers"), now()).unwrap();
        for (name, host) in [
            ("main", "id.example.com"),
            ("device", "device.id.example.com"),
        ] {
            let issued = servers.issue_server(&[host.to_owned()], 90, now());
            place.write_certificate(name, &issued.unwrap());
        }
        let devices = DevelopmentCa::create(&place.path("devices"), now()).unwrap();
        place.write("revoked.crl", &devices.crl(&[], 30, now()).unwrap());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn write_certificate(&self, name: &str, issued: &IssuedCertificate) {
        self.write(&format!("{name}.pem"), &issued.chain_pem);
        let key = format!("{name}-key.pem");
        self.write(&key, &issued.key_pem);
        fs::set_permissions(self.path(&key), Permissions::from_mode(0o600)).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{text}");
        self.write(name, &text.replace(from, to));
    }

    fn checks(&self) -> Vec<Check> {
        self.checks_at(now())
    }

    fn checks_at(&self, time: Timestamp) -> Vec<Check> {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(time));
        examine(&self.path("doorward.toml"), &clock).unwrap().checks
    }

    /// What is bad or doubtful, by its name.
    fn wrong(&self) -> Vec<(&'static str, Verdict)> {
        wrong(&self.checks())
    }

    /// What is told, with `DIR` for the directory.
    fn told(&self, checks: &[Check]) -> String {
        let directory = self.0.path().display().to_string();
        let lines: Vec<String> = checks
            .iter()
            .map(|it| format!("{:?} {}: {}", it.verdict, it.id, it.finding))
            .collect();
        lines.join("\n").replace(&directory, "DIR")
    }
}

fn wrong(checks: &[Check]) -> Vec<(&'static str, Verdict)> {
    let checks = checks.iter().map(|check| (check.id, check.verdict));
    checks
        .filter(|(_, verdict)| matches!(verdict, Verdict::Bad | Verdict::Doubtful))
        .collect()
}

/// A country database that was built this many days ago.
fn countries(days: i64) -> Vec<u8> {
    let built = (now() - TimeDelta::days(days)).timestamp();
    let built = Duration::from_secs(u64::try_from(built).unwrap());
    let mut writer = Writer::builder("Test-Country")
        .ip_version(IpVersion::V6)
        .build_epoch(UNIX_EPOCH + built)
        .build();
    let network: IpNet = "203.0.113.0/24".parse().unwrap();
    let record = Value::map([("country", Value::map([("iso_code", "SG")]))]);
    writer.insert_value(network, record).unwrap();
    writer.to_bytes().unwrap()
}

#[test]
fn a_healthy_installation_is_good_in_every_check() {
    let place = Place::healthy();
    let checks = place.checks();
    let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CHECKS);
    insta::with_settings!({filters => vec![(r"revision [0-9a-f]+", "revision REVISION")]}, {
        insta::assert_snapshot!(place.told(&checks));
    });
}

#[test]
fn without_a_file_there_is_no_answer() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now()));
    let failure = examine(Path::new("/nowhere/doorward.toml"), &clock).unwrap_err();
    assert_eq!(failure.exit(), Exit::Unanswered);
}

#[test]
fn a_refused_configuration_leaves_the_rest_unchecked() {
    let place = Place::healthy();
    place.edit("doorward.toml", "[geoip]", "[geoip]\nnonsense = 1");
    let checks = place.checks();
    assert_eq!(wrong(&checks), [(FILE, Verdict::Bad)]);
    assert_eq!(checks.len(), CHECKS.len());
}

#[test]
fn trusting_everybody_is_bad() {
    let place = Place::healthy();
    let everybody = "[network]\ntrusted_proxies = ['0.0.0.0/0']\n[geoip]";
    place.edit("doorward.toml", "[geoip]", everybody);
    let bad = [(FILE, Verdict::Bad), (PROXIES, Verdict::Bad)];
    assert_eq!(place.wrong(), bad);
    place.edit("doorward.toml", "0.0.0.0/0", "0.0.0.0/2");
    assert_eq!(place.wrong(), [(PROXIES, Verdict::Doubtful)]);
}

#[test]
fn a_proxy_that_terminates_tls_has_to_be_trusted() {
    let place = Place::healthy();
    let tls = "certificate = 'main.pem'\nkey = 'main-key.pem'\n";
    place.edit("doorward.toml", tls, "");
    assert_eq!(place.wrong(), [(PROXIES, Verdict::Doubtful)]);
}

#[test]
fn broken_files_are_each_told_on_their_own() {
    let place = Place::healthy();
    place.write("users.toml", "nonsense");
    place.write("clients.toml", "nonsense");
    place.write("main.pem", "nonsense");
    let wrong = place.wrong();
    let bad = ["config.tls", "config.users", "config.clients"].map(|id| (id, Verdict::Bad));
    assert_eq!(wrong, bad);
}

#[test]
fn a_stale_country_database_is_doubtful_and_none_at_all_as_well() {
    let place = Place::healthy();
    fs::write(place.path("country.mmdb"), countries(90)).unwrap();
    let checks = place.checks();
    assert_eq!(wrong(&checks), [(GEOIP, Verdict::Doubtful)]);
    let told = place.told(&checks);
    assert!(
        told.contains("no country is taken from this database"),
        "{told}"
    );
    place.edit("doorward.toml", "'country.mmdb'", "");
    assert_eq!(place.wrong(), [(GEOIP, Verdict::Doubtful)]);
}

#[test]
fn certificates_and_lists_that_end_are_told() {
    let place = Place::healthy();
    let checks = place.checks_at(now() + TimeDelta::days(80));
    let ends = [TLS, DEVICE_TRUST, DEVICE_TLS];
    for id in ends {
        assert!(wrong(&checks).contains(&(id, Verdict::Doubtful)), "{id}");
    }
    let checks = place.checks_at(now() + TimeDelta::days(100));
    for id in [TLS, DEVICE_TLS, INVENTORY_AGE] {
        assert!(wrong(&checks).contains(&(id, Verdict::Bad)), "{id}");
    }
}

#[test]
fn names_that_nobody_declared_and_owners_that_nobody_knows_are_doubtful() {
    let place = Place::healthy();
    place.edit("users.toml", "'employees'", "'employees', 'employes'");
    place.edit("devices.toml", "['u-ana']", "['ana']");
    let doubtful = [DECLARED, OWNERS].map(|id| (id, Verdict::Doubtful));
    assert_eq!(place.wrong(), doubtful);
}

#[test]
fn policies_that_ask_for_devices_need_the_device_host() {
    let place = Place::healthy();
    let text = CONFIG.split("[device]").next().unwrap();
    let geoip = "[geoip]\ndatabases = ['country.mmdb']\n";
    place.write("doorward.toml", &format!("{text}{geoip}"));
    assert_eq!(place.wrong(), [(DEVICE_HOST, Verdict::Doubtful)]);
}

#[test]
fn the_host_for_clients_with_certificates_is_looked_at_where_there_is_one() {
    let place = Place::healthy();
    let section = "[client_tls]\nurl = 'https://mtls.id.example.com'\naddress = '127.0.0.1:8445'\n\
                   certificate = 'device.pem'\nkey = 'device-key.pem'\n";
    place.edit("doorward.toml", "[geoip]", &format!("{section}[geoip]"));
    let told = place.told(&place.checks());
    assert!(
        told.contains("clients are known by their keys alone"),
        "{told}"
    );
    let trusting = format!("{section}authorities = ['absent.pem']\n");
    place.edit("doorward.toml", section, &trusting);
    assert_eq!(place.wrong(), [(CLIENT_TRUST, Verdict::Bad)]);
}

#[test]
fn what_a_client_needs_some_policy_has_to_permit() {
    let place = Place::healthy();
    place.edit(
        "clients.toml",
        "public = true",
        "public = true\nrefresh = 'session'",
    );
    assert!(place.wrong().is_empty(), "{:?}", place.wrong());
    let only_sign_in = "@id(\"a\") @reason(\"A.\")\n\
                        permit (principal, action == Action::\"signIn\", resource)\n\
                        when { context has device && context has country };\n";
    place.write("policies/access.cedar", only_sign_in);
    let checks = place.checks();
    assert!(wrong(&checks).contains(&(ACTIONS, Verdict::Bad)));
    let told = place.told(&checks);
    let needed = "client `wiki-web` needs `refresh`, and no policy permits it";
    assert!(told.contains(needed), "{told}");
}

#[test]
fn a_key_that_everybody_can_read_is_bad() {
    let place = Place::healthy();
    let open = Permissions::from_mode(0o644);
    fs::set_permissions(place.path("main-key.pem"), open).unwrap();
    assert_eq!(place.wrong(), [(KEYS, Verdict::Bad)]);
}

#[test]
fn authorities_of_other_servers_that_cannot_be_read_are_bad() {
    let place = Place::healthy();
    let absent = "[outbound]\nauthorities = ['absent.pem']\n[geoip]";
    place.edit("doorward.toml", "[geoip]", absent);
    assert_eq!(place.wrong(), [(OUTBOUND, Verdict::Bad)]);
}
