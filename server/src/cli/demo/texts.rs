//! The texts of the demo's files: configuration, users, clients, inventory. They are files like any
//! other, meant to be read and edited; where and when they are written is left to `layout`.

use std::fmt::Write as _;

use super::cast::{APPLICATIONS, MACHINES, PEOPLE};
use super::layout::Ports;
use crate::domain::clock::Timestamp;

/// The starter bundle with its tests: the name of each file, and its text.
pub(super) const POLICIES: [(&str, &str); 4] = [
    (
        "policies/access.cedar",
        include_str!("../../../../policies/access.cedar"),
    ),
    (
        "policies/entities.toml",
        include_str!("../../../../policies/entities.toml"),
    ),
    (
        "policies/access.suite.toml",
        include_str!("../../../../policies/access.suite.toml"),
    ),
    (
        "policies/README.md",
        include_str!("../../../../policies/README.md"),
    ),
];

/// What the end of a line says whose date the demo may set.
const RENEWED: &str = "# set at each start of the demo";

/// `doorward.toml`.
pub(super) fn config(ports: Ports) -> String {
    let Ports {
        main,
        device,
        operations,
        ..
    } = ports;
    format!(
        r#"# Written by `doorward demo`. The file serves on its own as well:
#
#     doorward serve --config doorward.toml
#
# Then nobody plays the network edge, and your browser comes from a private address of no country.

issuer = "https://localhost:{main}"
state = "state"

[listen]
address = "127.0.0.1:{main}"
certificate = "pki/localhost.pem"
key = "pki/localhost-key.pem"

# The host that asks browsers for the certificate of the device.
[device]
url = "https://device.localhost:{device}"
address = "127.0.0.1:{device}"
certificate = "pki/device.localhost.pem"
key = "pki/device.localhost-key.pem"
authorities = ["pki/device-ca/ca.pem"]
inventory = "devices.toml"

# Edit the policies as you like: `doorward test policies` says what of their suite they still pass. In
# production leave `run_suites` out: policies that fail their suite are then kept out.
[policies]
directory = "policies"
run_suites = false

[directory]
users = "users.toml"
clients = "clients.toml"

[geoip]
databases = ["geo.mmdb"]

# The demo plays the network edge on this machine. In production name your own proxies here.
[network]
trusted_proxies = ["127.0.0.1"]
header = "x-forwarded-for"

[decisions]
log = "decisions.jsonl"

[operations]
address = "127.0.0.1:{operations}"
"#
    )
}

/// `users.toml`; `hash` gives each user the hash of the password.
pub(super) fn users<E>(mut hash: impl FnMut() -> Result<String, E>) -> Result<String, E> {
    let mut text = String::from(
        "# Who can sign in. Written by `doorward demo`; a change is read at once.\n\
         # `doorward user hash` makes the hash of another password.\n",
    );
    for person in PEOPLE {
        let (id, name, password) = (person.id, person.name, hash()?);
        // INVARIANT: writing into a string cannot fail.
        let _ = write!(
            text,
            r#"
[[user]]
id = "{id}"
username = "{id}"
name = "{name}"
email = "{id}@example.com"
email_verified = true
groups = ["employees"]
password = "{password}"
"#
        );
    }
    Ok(text)
}

/// `clients.toml`.
pub(super) fn clients(ports: Ports) -> String {
    let mut text = String::from(
        "# Applications that people sign in to. Written by `doorward demo`; a change is read at once.\n\
         # Both are public clients: they keep no secret, and PKCE protects their codes.\n",
    );
    let redirect_uri = ports.redirect_uri();
    for application in APPLICATIONS {
        let (id, name) = (application.id, application.name);
        // INVARIANT: writing into a string cannot fail.
        let _ = write!(
            text,
            r#"
[[client]]
id = "{id}"
name = "{name}"
redirect_uris = ["{redirect_uri}"]
public = true
"#
        );
    }
    text
}

/// `devices.toml`, as if the inventory had looked at every machine just now.
pub(super) fn devices(now: Timestamp) -> String {
    let mut text = String::from(
        "# What is known about each device. Written by `doorward demo`; a change is read at once.\n\
         # An observation counts for a day, so the demo sets the marked dates whenever it starts.\n\
         # Remove the mark behind a date, and it stays as you write it.\n",
    );
    for machine in MACHINES {
        let (id, name, managed) = (machine.id, machine.name, machine.managed);
        let (disk_encryption, platform) = (machine.disk_encryption, machine.platform);
        let os_version = machine.os_version;
        let owners: Vec<String> = machine
            .assigned_to
            .iter()
            .map(|owner| format!("\"{owner}\""))
            .collect();
        let (owners, observed_at) = (owners.join(", "), observed_at(now));
        // INVARIANT: writing into a string cannot fail.
        let _ = write!(
            text,
            r#"
[[device]]
id = "{id}"
name = "{name}"
identities = ["urn:doorward:device:{id}"]
managed = {managed}
disk_encryption = "{disk_encryption}"
platform = "{platform}"
os_version = "{os_version}"
assigned_to = [{owners}]
{observed_at}
"#
        );
    }
    text
}

/// An inventory with its marked dates set to `now`, and everything else as it was.
pub(super) fn renewed(devices: &str, now: Timestamp) -> String {
    let lines = devices.split('\n').map(|line| {
        let dated = line.trim_start().starts_with("observed_at");
        if dated && line.trim_end().ends_with(RENEWED) {
            observed_at(now)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn observed_at(now: Timestamp) -> String {
    format!(
        "observed_at = {}  {RENEWED}",
        now.format("%Y-%m-%dT%H:%M:%SZ")
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::TimeDelta;

    use super::*;
    use crate::config::Config;
    use crate::directory::clients::Clients;
    use crate::directory::devices::Inventory;
    use crate::directory::users::Users;
    use crate::domain::ids::DeviceId;

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn ports() -> Ports {
        Ports::from_first(8443)
    }

    #[test]
    fn the_configuration_is_accepted() {
        let config = Config::parse(&config(ports()), "doorward.toml", Path::new("")).unwrap();
        assert_eq!(config.issuer_text(), "https://localhost:8443");
        let device = config.device.unwrap();
        assert_eq!(device.url.as_str(), "https://device.localhost:8444/");
        assert_eq!(config.operations.address.port(), 8446);
        assert_eq!(config.network.trusted_proxies.len(), 1);
    }

    #[test]
    fn everybody_is_a_user_and_every_application_a_client() {
        let text = users(|| Ok::<_, ()>(HASH.to_owned())).unwrap();
        let users = Users::parse(&text, "users.toml").unwrap().value;
        for person in PEOPLE {
            assert_eq!(users.by_username(person.id).unwrap().id.as_str(), person.id);
        }
        let clients = Clients::parse(&clients(ports()), "clients.toml").unwrap();
        for application in APPLICATIONS {
            let client = clients.value.by_id(application.id).unwrap();
            assert_eq!(client.redirect_uris, ["http://localhost:8445/callback"]);
        }
    }

    #[test]
    fn the_inventory_knows_every_machine_as_seen_just_now() {
        let built = Inventory::parse(&devices(now()), "devices.toml").unwrap();
        assert!(built.warnings.is_empty());
        for machine in MACHINES {
            let record = built.value.by_id(&DeviceId::new(machine.id)).unwrap();
            assert_eq!(record.managed, Some(machine.managed));
            assert_eq!(record.observed_at, Some(now()));
        }
    }

    #[test]
    fn marked_dates_are_renewed_and_nothing_else() {
        let mine = "observed_at = 2020-01-01T00:00:00Z\n";
        let before = devices(now()) + "# a remark of mine\n" + mine;
        let later = now() + TimeDelta::days(8);
        let after = renewed(&before, later);
        assert_eq!(after, devices(later) + "# a remark of mine\n" + mine);
    }
}
