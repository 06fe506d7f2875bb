//! The driver of a real browser, and the home it gives the browser: a directory with a certificate
//! store of its own, so that the system around it stays as it was. What the browser is told to do is
//! left to [`super::chromium`].

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use doorward::cli::pki::{IssuedCertificate, Pkcs12Encryption};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::command::run;
use super::installation::Installation;
use super::pki::DEVICE_HOST;
use super::wait::eventually;

/// Programs that are started, each under one of these names, and the Debian packages they come in.
const PROGRAMS: [(&[&str], &str); 4] = [
    (
        &["chromium", "chromium-browser", "google-chrome"],
        "chromium",
    ),
    (&["chromedriver"], "chromium-driver"),
    (&["certutil"], "libnss3-tools"),
    (&["pk12util"], "libnss3-tools"),
];

/// A browser without a screen that talks to nobody but the servers of the test. It has no sandbox,
/// because containers and the superuser cannot give it one.
const ARGUMENTS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--hide-scrollbars",
];

/// How long an element is looked for, in milliseconds.
const LOOKING: u32 = 20_000;
/// How long a page is waited for, in milliseconds.
const LOADING: u32 = 60_000;

/// What the driver prints, in its home.
const OUTPUT: &str = "chromedriver.out";

/// A running driver.
#[derive(Debug)]
pub(crate) struct Driver {
    chromium: String,
    process: Child,
    home: TempDir,
}

impl Driver {
    /// Starts a driver whose browser trusts the servers of an installation and has this certificate,
    /// if any.
    pub(crate) async fn launch(
        files: &Installation,
        certificate: Option<&IssuedCertificate>,
    ) -> Self {
        let [chromium, chromedriver, certutil, pk12util] = programs();
        let home = tempfile::Builder::new()
            .prefix("doorward-chromium-")
            .tempdir()
            .expect("a directory");
        let store = make_store(&certutil, home.path(), files).await;
        if let Some(certificate) = certificate {
            import(&pk12util, &store, home.path(), certificate).await;
        }
        Self {
            chromium,
            process: start(&chromedriver, home.path()),
            home,
        }
    }

    /// Where the driver listens, as it says itself.
    pub(crate) async fn url(&self) -> String {
        let output = self.home.path().join(OUTPUT);
        let port: u16 = eventually("port of chromedriver", async || {
            let said = fs::read_to_string(&output).ok()?;
            let (_, after) = said.split_once("started successfully on port ")?;
            let (port, _) = after.split_once('.')?;
            port.parse().ok()
        })
        .await;
        format!("http://127.0.0.1:{port}")
    }

    /// The browser to ask for: at home in the directory, and presenting its certificate to the device
    /// host of the installation.
    pub(crate) fn capabilities(&self, files: &Installation) -> Value {
        let profile = self.home.path().join("profile");
        let profile = format!("--user-data-dir={}", profile.display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
        // Without this a window would ask which certificate to present, and nobody could answer. It is
        // what the policy AutoSelectCertificateForUrls sets; the policy itself would hold for every
        // browser on the machine, and take the superuser to write.
        let device_host = format!("https://{DEVICE_HOST}:{},*", files.ports.device);
        let preferences = json!({
            "profile.content_settings.exceptions.auto_select_certificate": {
                device_host: { "setting": { "filters": [{}] } },
            },
        });
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "implicit": LOOKING, "pageLoad": LOADING },
            "goog:loggingPrefs": { "browser": "WARNING" },
            "goog:chromeOptions": {
                "binary": self.chromium,
                "args": arguments,
                "prefs": preferences,
            },
        }}})
    }
}

impl Drop for Driver {
    /// Ends the browser too, which would outlive its driver. Nobody else is in the group.
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Starts the driver at the head of a group of processes.
fn start(chromedriver: &str, home: &Path) -> Child {
    let output = File::create(home.join(OUTPUT)).expect("a file");
    let mut command = Command::new(chromedriver);
    command
        .arg("--port=0")
        .env("HOME", home)
        .env("TMPDIR", home)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null())
        .process_group(0);
    for elsewhere in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env_remove(elsewhere);
    }
    command.spawn().expect("started")
}

/// The paths of the programs. A test that needs a browser and has none fails: skipped, it would look
/// like one that has passed.
fn programs() -> [String; 4] {
    let found = PROGRAMS.map(|(names, _)| on_path(names));
    let missing: BTreeSet<&str> = PROGRAMS
        .iter()
        .zip(&found)
        .filter(|(_, found)| found.is_none())
        .map(|((_, package), _)| *package)
        .collect();
    let missing: Vec<&str> = missing.into_iter().collect();
    assert!(
        missing.is_empty(),
        "this test drives a real browser; please install {} (Debian's names)",
        missing.join(", ")
    );
    found.map(|path| path.expect("nothing is missing"))
}

fn on_path(names: &[&str]) -> Option<String> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |directory| directory.join(name)))
        .find(|file| file.is_file())
        .map(|file| file.display().to_string())
}

/// Makes the store in which Chromium on Linux looks for authorities and certificates, and puts the
/// authority of the servers into it.
async fn make_store(certutil: &str, home: &Path, files: &Installation) -> String {
    let directory = home.join(".pki/nssdb");
    fs::create_dir_all(&directory).expect("a directory");
    let store = format!("sql:{}", directory.display());
    let authority = files.text_path("pki/servers/ca.pem");
    tool(certutil, &["-N", "--empty-password", "-d", &store]).await;
    let trusted = [
        "-A", "-d", &store, "-n", "servers", "-t", "C,,", "-i", &authority,
    ];
    tool(certutil, &trusted).await;
    store
}

/// Imports the certificate as a person would: from a file with a password.
async fn import(pk12util: &str, store: &str, home: &Path, certificate: &IssuedCertificate) {
    const PASSWORD: &str = "for the import";
    let file = home.join("device.p12");
    let contents = certificate.pkcs12(PASSWORD, Pkcs12Encryption::Aes256);
    fs::write(&file, contents.expect("a key store")).expect("written");
    let file = file.display().to_string();
    let imported = ["-d", store, "-i", &file, "-W", PASSWORD, "-K", ""];
    tool(pk12util, &imported).await;
}

async fn tool(program: &str, arguments: &[&str]) {
    let finished = run(program, arguments).await;
    assert_eq!(finished.code, Some(0), "{program}: {finished:?}");
}
