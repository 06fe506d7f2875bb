//! Apache with `mod_auth_openidc`, in front of one page. It runs as its own program beside the provider, from the
//! configuration in `tests/clients/mod_auth_openidc/`, and has its certificate from the same authority.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use doorward::directory::client_secret;
use doorward::domain::entropy::SystemEntropy;
use doorward_tests::{TestProvider, eventually};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::fetched::sources;
use super::program::{authority, without_proxy};
use super::register;

/// The program, which need not be in the path of everybody, and its modules: as Debian has them.
const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
const ADVICE: &str = "install apache2 and libapache2-mod-auth-openidc";

/// What it says before it has opened its log, and what it logs.
const STDERR: &str = "httpd.err";
const LOG: &str = "error.log";

/// How often to choose another port when somebody else was faster.
const MOST_STARTS: usize = 5;

const CLIENT_ID: &str = "intranet-web";
const PAGE: &str = "<!doctype html><title>Intranet</title><p>What only colleagues read.</p>";

/// How it proves itself to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// By a secret.
    Secret,
    /// By a key, whose public half it publishes.
    Key,
}

/// A running Apache, which the provider knows as a client.
#[derive(Debug)]
pub(super) struct Apache {
    // Fields are dropped in this order: the server ends before its files go.
    _server: Server,
    port: u16,
    _place: TempDir,
}

/// The first of its processes, which ends the others when it is told to end.
#[derive(Debug)]
struct Server(Child);

impl Apache {
    /// Starts it, and registers it with the provider, which has to believe in its certificate if it is to ask it for
    /// keys or to tell it of logouts.
    pub(super) async fn start(provider: &TestProvider, proof: Proof) -> Self {
        let (secret, stored) = client_secret::generate(&SystemEntropy);
        let apache = Self::launch(provider, proof, secret.expose()).await;
        let callback = apache.url("/callback");
        let proof = match proof {
            Proof::Secret => format!("secret = '{stored}'"),
            Proof::Key => format!("auth = 'private_key_jwt'\njwks_uri = '{callback}?jwks=rsa'"),
        };
        let entry = format!(
            "[[client]]\nid = '{CLIENT_ID}'\nname = 'Intranet'\napplication = 'wiki'\n\
             redirect_uris = ['{callback}']\npost_logout_redirect_uris = ['{}']\n\
             backchannel_logout_uri = '{callback}?logout=backchannel'\n{proof}\n",
            apache.url("/")
        );
        register(provider, &entry).await;
        apache
    }

    /// The URL of a path. It has the host of the provider and a port of its own.
    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    async fn launch(provider: &TestProvider, proof: Proof, secret: &str) -> Self {
        let module = Path::new(MODULES).join("mod_auth_openidc.so");
        assert!(module.is_file(), "no {}; {ADVICE}", module.display());
        for _ in 0..MOST_STARTS {
            let place = furnished(provider);
            let port = free_port();
            let configuration = place.path().join("httpd.conf");
            let root = place.path().display().to_string();
            let text = fs::read_to_string(sources("mod_auth_openidc").join("httpd.conf"));
            let text = text
                .expect("a configuration")
                .replace("{root}", &root)
                .replace("{modules}", MODULES)
                .replace("{port}", &port.to_string())
                .replace("{issuer}", &provider.issuer())
                .replace("{client_id}", CLIENT_ID)
                .replace("{client_secret}", secret);
            fs::write(&configuration, text).expect("written");
            let mut server = Server::spawn(&configuration, proof);
            if server.listens(place.path()).await {
                return Self {
                    _server: server,
                    port,
                    _place: place,
                };
            }
            let said = [STDERR, LOG].map(|file| place.path().join(file));
            let said = said.map(|file| fs::read_to_string(file).unwrap_or_default());
            let said = said.concat();
            assert!(
                said.contains("could not bind"),
                "Apache does not start:\n{said}"
            );
        }
        panic!("{MOST_STARTS} times the port was taken");
    }
}

impl Server {
    fn spawn(configuration: &Path, proof: Proof) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .arg("-f")
            .arg(configuration)
            .args(["-D", "FOREGROUND"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(configuration.with_file_name(STDERR)).expect("a file"));
        if proof == Proof::Key {
            command.args(["-D", "KEY"]);
        }
        let child = without_proxy(&mut command).spawn();
        Self(child.unwrap_or_else(|error| panic!("`{PROGRAM}`: {error}; {ADVICE}")))
    }

    /// Waits until it listens, or has ended. It writes its number down when it has its port.
    async fn listens(&mut self, place: &Path) -> bool {
        let number = place.join("httpd.pid");
        let child = &mut self.0;
        eventually("Apache", async || {
            if child.try_wait().expect("a child").is_some() {
                return Some(false);
            }
            number.is_file().then_some(true)
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended has no number any more.
        if let Some(number) = self.0.id() {
            let ended = std::process::Command::new("kill")
                .arg(number.to_string())
                .status();
            ended.expect("kill exists");
        }
    }
}

/// A directory with all that Apache reads. Its processes read it as another user where the superuser starts it.
fn furnished(provider: &TestProvider) -> TempDir {
    let place = tempfile::Builder::new()
        .prefix("doorward-apache-")
        .tempdir()
        .expect("a directory");
    let files = provider.files();
    for (from, to) in [
        (files.path("pki/main.pem"), "server.pem"),
        (files.path("pki/main-key.pem"), "server-key.pem"),
        (authority(provider), "ca.pem"),
    ] {
        fs::copy(from, place.path().join(to)).expect("copied");
    }
    // It takes RSA only.
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    for (file, pem) in [
        ("client-key.pem", key.serialize_pem()),
        ("client-public.pem", key.public_key_pem()),
    ] {
        fs::write(place.path().join(file), pem).expect("written");
    }
    let pages = place.path().join("pages");
    fs::create_dir(&pages).expect("a directory");
    fs::write(pages.join("index.html"), PAGE).expect("written");
    for (path, mode) in [
        (".", 0o755),
        ("pages", 0o755),
        ("pages/index.html", 0o644),
        ("ca.pem", 0o644),
    ] {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.path().join(path), permissions).expect("set");
    }
    place
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}
