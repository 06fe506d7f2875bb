//! The real binary, serving an installation: started, waited for, asked, restarted, and killed when
//! the test is over.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use super::browser::{Browser, http_client};
use super::command::{Finished, run_in};
use super::fixtures::{SINGAPORE, TestClient};
use super::installation::Installation;
use super::operations::Operations;
use super::page::Page;
use super::pki::{DEVICE_HOST, MAIN_HOST};
use super::relying_party::RelyingParty;
use super::wait::{eventually, eventually_within};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_mins(1);
/// How often to choose other ports when somebody else was faster.
const MOST_STARTS: usize = 5;
/// Lines of the server's log that a failed test shows.
const SHOWN: usize = 60;

/// A running provider.
#[derive(Debug)]
pub struct TestProvider {
    binary: String,
    // Fields are dropped in this order: the server ends before its files go.
    server: Server,
    installation: Installation,
    http: Client,
}

/// A process that is killed when nobody needs it any more, a failed test included.
#[derive(Debug)]
struct Server(Child);

impl TestProvider {
    /// Starts `binary` with an installation of its own.
    pub async fn start(binary: &str) -> Self {
        Self::start_in(binary, Installation::new()).await
    }

    /// Starts `binary` with this installation.
    pub async fn start_in(binary: &str, mut installation: Installation) -> Self {
        for _ in 0..MOST_STARTS {
            let mut server = Server::launch(binary, &installation);
            match server.ready(&installation).await {
                Ok(()) => {
                    return Self {
                        binary: binary.to_owned(),
                        server,
                        http: http_client(&installation.pki.root(), None),
                        installation,
                    };
                }
                Err(log) if tells_of_taken_port(&log) => installation.take_other_ports(),
                Err(log) => panic!("the server does not start:\n{log}"),
            }
        }
        panic!("{MOST_STARTS} times the ports were taken");
    }

    /// Kills the server as a power cut would, and starts it again on the same files.
    pub async fn restart(&mut self) {
        self.server.kill();
        self.server = Server::launch(&self.binary, &self.installation);
        if let Err(log) = self.server.ready(&self.installation).await {
            panic!("the server does not start again:\n{log}");
        }
    }

    /// Its files.
    pub fn files(&self) -> &Installation {
        &self.installation
    }

    /// The issuer.
    pub fn issuer(&self) -> String {
        format!("https://{MAIN_HOST}:{}", self.installation.ports.main)
    }

    /// The URL of a path of the main host.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// The URL of a path of the device host.
    pub fn device_url(&self, path: &str) -> String {
        let port = self.installation.ports.device;
        format!("https://{DEVICE_HOST}:{port}{path}")
    }

    /// A client that follows no redirect and keeps no cookie.
    pub fn http(&self) -> &Client {
        &self.http
    }

    /// A client like [`Self::http`] that has no connection yet.
    pub fn fresh_http(&self) -> Client {
        http_client(&self.installation.pki.root(), None)
    }

    /// Asks for a URL, without cookies and following no redirect.
    pub async fn get(&self, url: &str) -> Page {
        Page::read(self.http.get(url).send().await.expect("an answer")).await
    }

    /// A browser in Singapore without a certificate.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.installation.pki, SINGAPORE)
    }

    /// A browser in Singapore on the device with this id.
    pub fn browser_on(&self, device: &str) -> Browser {
        self.browser()
            .with_certificate(&self.installation.pki.device(device))
    }

    /// A client that has read the discovery document.
    pub async fn relying_party(&self, client: TestClient) -> RelyingParty {
        RelyingParty::discover(self, client).await
    }

    /// The number of the server's process.
    pub fn process(&self) -> u32 {
        self.server.0.id()
    }

    /// What operators see.
    pub fn operations(&self) -> Operations {
        Operations::new(self.installation.ports.operations)
    }

    /// Every line of the decision log.
    pub fn decisions(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.installation.path("decisions.jsonl")).unwrap_or_default();
        // The last line may be half written at this moment.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The line of the decision log with this reference.
    pub async fn decision(&self, reference: &str) -> Value {
        eventually(&format!("decision {reference}"), async || {
            self.decisions()
                .into_iter()
                .find(|line| line["reference"] == reference)
        })
        .await
    }

    /// Runs a command of the same binary in the directory of the installation.
    pub async fn command(&self, arguments: &[&str]) -> Finished {
        run_in(self.installation.root(), &self.binary, arguments, "").await
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Sends SIGTERM, and waits for the end. Says the exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        self.signal("-TERM");
        let server = &mut self.server;
        eventually("end of the server", async || {
            server.0.try_wait().expect("a child")
        })
        .await
        .code()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        log_of(&self.installation)
    }

    /// What the server has printed on its standard output.
    pub fn printed(&self) -> String {
        self.installation.read(STDOUT)
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.server.0.id().to_string()])
            .status()
            .expect("kill exists");
        assert!(status.success());
    }
}

impl Drop for TestProvider {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            eprintln!("--- the end of the server's log\n{shown}\n---");
        }
    }
}

const STDOUT: &str = "server.out";
const STDERR: &str = "server.err";

impl Server {
    fn launch(binary: &str, installation: &Installation) -> Self {
        let output = |name: &str| File::create(installation.path(name)).expect("a file");
        let child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(installation.path("doorward.toml"))
            .env("NO_COLOR", "1")
            .env_remove("DOORWARD_LOG")
            .stdin(Stdio::null())
            .stdout(output(STDOUT))
            .stderr(output(STDERR))
            .spawn()
            .expect("started");
        Self(child)
    }

    /// Waits until the server is ready, or says its log if it has ended.
    async fn ready(&mut self, installation: &Installation) -> Result<(), String> {
        let operations = Operations::new(installation.ports.operations);
        let child = &mut self.0;
        eventually_within(START, "readiness", async || {
            if child.try_wait().expect("a child").is_some() {
                return Some(Err(log_of(installation)));
            }
            let health = operations.try_get("/health/ready").await?;
            (health.status == 200).then_some(Ok(()))
        })
        .await
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_of(installation: &Installation) -> String {
    fs::read_to_string(installation.path(STDERR)).unwrap_or_default()
}

/// Whether the system said so, in whatever lines and frames the message was broken into.
fn tells_of_taken_port(log: &str) -> bool {
    let letters: String = log.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.to_lowercase().contains("alreadyinuse")
}
