//! A whole installation in a temporary directory, as an operator would lay it out, and the ways in
//! which files are changed. Nothing runs here.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::fixtures::{PLACES, clients, devices, users};
use super::geo::country_database;
use super::pki::{DEVICE_HOST, MAIN_HOST, TestPki};

/// The ports of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Of the issuer.
    pub main: u16,
    /// Of the device host.
    pub device: u16,
    /// Of health and status.
    pub operations: u16,
}

/// The files of one server.
#[derive(Debug)]
pub struct Installation {
    directory: TempDir,
    /// The authorities.
    pub pki: TestPki,
    /// Where the server is to listen.
    pub ports: Ports,
}

impl Ports {
    /// Ports that nobody uses at this moment. The issuer has its port in its name, so that the
    /// server cannot choose one itself.
    fn free() -> Self {
        let listeners: [TcpListener; 3] =
            std::array::from_fn(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
        let [main, device, operations] = listeners
            .each_ref()
            .map(|listener| listener.local_addr().expect("bound").port());
        Self {
            main,
            device,
            operations,
        }
    }
}

impl Installation {
    /// The starter policies with people, clients, devices, places and certificates to go with them; without
    /// their suite and guardrails.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("doorward-test-")
            .tempdir()
            .expect("a directory");
        let ports = Ports::free();
        let pki = TestPki::create(&directory.path().join("pki"));
        let place = Self {
            directory,
            pki,
            ports,
        };
        copy_directory(&starter_policies(), &place.path("policies"));
        // Tests change the policies at will, and what lies beside them would keep such changes out.
        for gate in ["policies/access.suite.toml", "policies/guardrails.cedar"] {
            fs::remove_file(place.path(gate)).expect("removed");
        }
        place.overwrite("doorward.toml", configuration(ports));
        place.overwrite("users.toml", users());
        place.overwrite("clients.toml", clients());
        place.overwrite("devices.toml", devices());
        place.overwrite("country.mmdb", country_database(&PLACES));
        place
    }

    /// The directory of it all.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// The path of a file or directory in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The same as text, for command lines.
    pub fn text_path(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes a file in place: whoever reads it meanwhile may see half of it.
    pub fn overwrite(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Writes a file beside it and renames it over the old one, as careful editors do.
    pub fn replace(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        let file = path.file_name().and_then(OsStr::to_str).expect("a name");
        let fresh = path.with_file_name(format!(".{file}.new"));
        fs::write(&fresh, contents).expect("written");
        fs::rename(&fresh, &path).expect("renamed");
    }

    /// Adds text to the end of a file.
    pub fn append(&self, name: &str, text: &str) {
        self.replace(name, self.read(name) + text);
    }

    /// Replaces a part of a file's text, which must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{from}` is not in {name}:\n{text}");
        self.replace(name, text.replace(from, to));
    }

    /// Moves to other ports: somebody was faster.
    pub(crate) fn take_other_ports(&mut self) {
        let (old, new) = (self.ports, Ports::free());
        self.ports = new;
        for (old, new) in [
            (old.main, new.main),
            (old.device, new.device),
            (old.operations, new.operations),
        ] {
            self.edit("doorward.toml", &format!(":{old}"), &format!(":{new}"));
        }
    }
}

impl Default for Installation {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies a directory with all that is in it.
fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// The policies that come with Doorward.
fn starter_policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

/// The configuration. Only what is heard of a change makes it known within the patience of a test:
/// the interval is too long for that.
fn configuration(ports: Ports) -> String {
    let Ports {
        main,
        device,
        operations,
    } = ports;
    format!(
        r#"issuer = "https://{MAIN_HOST}:{main}"
state = "state"

[listen]
address = "127.0.0.1:{main}"
certificate = "pki/main.pem"
key = "pki/main-key.pem"

[device]
url = "https://{DEVICE_HOST}:{device}"
address = "127.0.0.1:{device}"
certificate = "pki/device.pem"
key = "pki/device-key.pem"
authorities = ["pki/devices/ca.pem"]
revocation_lists = ["pki/revoked.crl"]
inventory = "devices.toml"

[policies]
directory = "policies"

[directory]
users = "users.toml"
clients = "clients.toml"

[geoip]
databases = ["country.mmdb"]

[network]
trusted_proxies = ["127.0.0.1/32"]
header = "x-forwarded-for"

[throttle]
per_account = 10
per_address = 50
window = "15m"

[loops]
limit = 1000

[decisions]
log = "decisions.jsonl"

[operations]
address = "127.0.0.1:{operations}"

[reload]
interval = "1h"
quiet = "50ms"
"#
    )
}
