//! A client that runs as a program of its own, and talks to its test in lines of JSON: on its standard input it hears
//! who it is and what came back to it, on its standard output it says where the browser is to go and whom it has signed
//! in. What is said is left to the tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

use doorward_tests::{PATIENCE, TestProvider};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::fetched::{self, sources};

/// A running client. It is killed when nobody needs it any more.
#[derive(Debug)]
pub(super) struct Program {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Where it runs.
    _place: TempDir,
}

impl Program {
    /// The client that is built on openid-client.
    pub(super) async fn openid_client(provider: &TestProvider) -> Self {
        let libraries = fetched::openid_client().await.join("node_modules");
        let place = tempfile::tempdir().expect("a directory");
        // A module looks for others beside itself and above.
        let program = place.path().join("client.mjs");
        fs::copy(sources("openid_client").join("client.mjs"), &program).expect("copied");
        symlink(libraries, place.path().join("node_modules")).expect("linked");
        let mut command = Command::new("node");
        command
            .arg(program)
            .env("NODE_EXTRA_CA_CERTS", authority(provider));
        Self::start("node", "nodejs", command, place)
    }

    /// The client that is built on Authlib.
    pub(super) async fn authlib(provider: &TestProvider) -> Self {
        let libraries = fetched::authlib().await;
        let place = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("python3");
        command
            .arg(sources("authlib").join("client.py"))
            .env("PYTHONPATH", libraries)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("REQUESTS_CA_BUNDLE", authority(provider));
        Self::start("python3", "python3", command, place)
    }

    fn start(name: &'static str, package: &str, mut command: Command, place: TempDir) -> Self {
        let mut child = without_proxy(&mut command)
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("`{name}`: {error}; install {package}"));
        let input = child.stdin.take().expect("piped");
        let output = child.stdout.take().expect("piped");
        Self {
            name,
            child,
            input,
            output: BufReader::new(output).lines(),
            _place: place,
        }
    }

    /// Tells it something.
    pub(super) async fn say(&mut self, message: &Value) {
        let line = format!("{message}\n");
        // One that is gone already is found out when it has nothing to say.
        let _ = self.input.write_all(line.as_bytes()).await;
    }

    /// What it says next.
    pub(super) async fn hear(&mut self) -> Value {
        let name = self.name;
        let said = timeout(PATIENCE, self.output.next_line())
            .await
            .unwrap_or_else(|_| panic!("`{name}` has said nothing for {PATIENCE:?}"))
            .expect("UTF-8");
        let Some(line) = said else {
            let complaint = self.complaint().await;
            panic!("`{name}` has failed:\n{complaint}");
        };
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    }

    async fn complaint(&mut self) -> String {
        let mut complaint = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        let read = timeout(PATIENCE, stderr.read_to_string(&mut complaint)).await;
        read.expect("an end").expect("UTF-8");
        complaint
    }
}

/// The authority by which clients know the servers of a test.
pub(super) fn authority(provider: &TestProvider) -> PathBuf {
    provider.files().path("pki/servers/ca.pem")
}

/// Makes sure that a program asks the servers of its test itself, whatever the machine's way to the Internet is.
pub(super) fn without_proxy(command: &mut Command) -> &mut Command {
    command
        .env("NO_PROXY", "localhost,127.0.0.1")
        .env("no_proxy", "localhost,127.0.0.1")
}
