//! Commands that come to an end by themselves: what they print, and how they exit.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::wait::PATIENCE;

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs a command to its end, with nothing on its standard input.
pub async fn run(binary: &str, arguments: &[&str]) -> Finished {
    run_in(Path::new("."), binary, arguments, "").await
}

/// Runs a command to its end in a directory, with this text on its standard input.
pub async fn run_in(directory: &Path, binary: &str, arguments: &[&str], input: &str) -> Finished {
    let mut child = Command::new(binary)
        .args(arguments)
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .env_remove("DOORWARD_LOG")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("FORCE_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that reads nothing may be gone already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("still running after {PATIENCE:?}: {arguments:?}"))
        .expect("finished");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Finished {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
