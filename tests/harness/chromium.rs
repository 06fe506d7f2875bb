//! A real browser: Chromium, driven through chromedriver by the WebDriver protocol of the W3C. It runs
//! in a directory of its own that is its home, and the system around it stays as it was. What is to be
//! seen in it is left to the tests.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::BASE64;
use doorward::cli::pki::{IssuedCertificate, Pkcs12Encryption};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::answer::Answer;
use super::command::run;
use super::fixtures::Credentials;
use super::installation::Installation;
use super::landing::Landing;
use super::page::reference_in;
use super::pki::DEVICE_HOST;
use super::wait::eventually;

/// Programs that are started, each under one of these names, and the Debian packages they come in.
const PROGRAMS: [(&[&str], &str); 4] = [
    (&["chromium", "chromium-browser", "google-chrome"], "chromium"),
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

/// How long an element is looked for, and a page is waited for, in milliseconds.
const LOOKING: u32 = 20_000;
const LOADING: u32 = 60_000;
/// How long one command may take in all.
const COMMAND: Duration = Duration::from_secs(90);

/// The names for the directory in which pictures of pages are kept, if somebody wants to see them.
const PICTURES: &str = "DOORWARD_SCREENSHOTS";
/// Of what width and height the window is in pictures.
const SIZES: [(u32, u32); 2] = [(1280, 900), (390, 844)];

/// A browser with one window.
#[derive(Debug)]
pub struct Chromium {
    http: Client,
    /// The URL of the session.
    session: String,
    // Fields are dropped in this order: the browser ends before its home goes.
    driver: Driver,
    _home: TempDir,
}

/// The driver with the browser it has started: a group of processes, which ends as a whole.
#[derive(Debug)]
struct Driver(Child);

impl Chromium {
    /// Starts a browser that trusts the servers of an installation and has this certificate, if any.
    pub async fn launch(files: &Installation, certificate: Option<&IssuedCertificate>) -> Self {
        let [chromium, chromedriver, certutil, pk12util] = programs();
        let home = tempfile::Builder::new()
            .prefix("doorward-chromium-")
            .tempdir()
            .expect("a directory");
        let store = make_store(&certutil, home.path(), files).await;
        if let Some(certificate) = certificate {
            import(&pk12util, &store, home.path(), certificate).await;
        }
        let driver = Driver::launch(&chromedriver, home.path());
        let port = port(home.path()).await;
        let mut browser = Self {
            http: Client::builder()
                .no_proxy()
                .timeout(COMMAND)
                .build()
                .expect("a client"),
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            _home: home,
        };
        let wanted = capabilities(&chromium, browser._home.path(), files);
        let session = browser.post("", &wanted).await;
        let id = session["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    /// Opens a URL, and waits for the page.
    pub async fn visit(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await;
    }

    /// Types into the field that this selector finds.
    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.find("css selector", selector).await;
        self.post(&format!("{field}/value"), &json!({ "text": text }))
            .await;
    }

    /// Clicks on what this selector finds.
    pub async fn click(&self, selector: &str) {
        let target = self.find("css selector", selector).await;
        self.post(&format!("{target}/click"), &json!({})).await;
    }

    /// Clicks on the link with this text.
    pub async fn follow(&self, text: &str) {
        let link = self.find("link text", text).await;
        self.post(&format!("{link}/click"), &json!({})).await;
    }

    /// Enters username and password of this person.
    pub async fn sign_in(&self, person: Credentials) {
        self.fill("#username", person.username).await;
        self.fill("#password", person.password).await;
        self.click("form[action='/sign-in'] button").await;
    }

    /// What a person reads, with one blank between any two words.
    pub async fn text(&self) -> String {
        let body = self.find("css selector", "body").await;
        let text = self.get(&format!("{body}/text")).await;
        let words = text.as_str().expect("a text").split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    }

    /// Fails unless a person reads all of this.
    pub async fn shows(&self, words: &[&str]) {
        let text = self.text().await;
        for words in words {
            assert!(text.contains(words), "no `{words}` on: {text}");
        }
    }

    /// The reference that the page shows.
    pub async fn reference(&self) -> String {
        let text = self.text().await;
        text.rsplit_once("Reference ")
            .and_then(|(_, after)| reference_in(after))
            .unwrap_or_else(|| panic!("no reference on: {text}"))
    }

    /// What the browser has brought to the client.
    pub async fn answer(&self, landing: &mut Landing) -> Answer {
        match landing.received().await {
            Some(answer) => answer,
            None => panic!("no answer for the client, but: {}", self.text().await),
        }
    }

    /// What the browser has to say against the pages since it was asked last: scripts that fail, what
    /// the content security policy forbids, files that are not there. That a page is an error is none
    /// of it.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" })).await;
        let meant = |message: &str| {
            ["400", "403"]
                .iter()
                .any(|status| message.contains(&format!("responded with a status of {status}")))
        };
        log.as_array()
            .expect("a log")
            .iter()
            .filter_map(|entry| entry["message"].as_str())
            .filter(|message| !meant(message))
            .map(str::to_owned)
            .collect()
    }

    /// Takes pictures of the page, light and dark, wide and narrow, if `DOORWARD_SCREENSHOTS` names a
    /// directory for them.
    pub async fn picture(&self, name: &str) {
        let Some(directory) = env::var_os(PICTURES).map(PathBuf::from) else {
            return;
        };
        fs::create_dir_all(&directory).expect("a directory");
        for (width, height) in SIZES {
            let size = json!({
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
            });
            self.devtools("Emulation.setDeviceMetricsOverride", size)
                .await;
            for scheme in ["light", "dark"] {
                let scheme_only = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
                self.devtools(
                    "Emulation.setEmulatedMedia",
                    json!({ "features": scheme_only }),
                )
                .await;
                let whole = json!({ "captureBeyondViewport": true });
                let taken = self.devtools("Page.captureScreenshot", whole).await;
                let text = taken["data"].as_str().expect("a picture");
                let picture = BASE64.decode(text.as_bytes()).expect("base64");
                let file = directory.join(format!("{name}-{width}-{scheme}.png"));
                fs::write(file, picture).expect("written");
            }
        }
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] }))
            .await;
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({}))
            .await;
    }

    /// Closes the window, and with it the browser.
    pub async fn quit(self) {
        self.command(Method::DELETE, "", None).await;
    }

    /// The path of an element, which is waited for.
    async fn find(&self, using: &str, value: &str) -> String {
        let wanted = json!({ "using": using, "value": value });
        let found = self.post("/element", &wanted).await;
        let mut references = found.as_object().expect("an element").values();
        let id = references.next().and_then(Value::as_str).expect("an id");
        format!("/element/{id}")
    }

    /// A command of Chromium's own protocol.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.command(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.command(Method::POST, path, Some(body)).await
    }

    async fn command(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.session);
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("an answer of the driver");
        let succeeded = response.status().is_success();
        let mut answer: Value = response.json().await.expect("JSON");
        let value = answer["value"].take();
        assert!(
            succeeded,
            "`{path}`, {body:?}: {}: {}",
            value["error"], value["message"]
        );
        value
    }
}

/// What the driver prints, in its home.
const OUTPUT: &str = "chromedriver.out";

impl Driver {
    fn launch(program: &str, home: &Path) -> Self {
        let output = File::create(home.join(OUTPUT)).expect("a file");
        let mut command = Command::new(program);
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
        Self(command.spawn().expect("started"))
    }
}

impl Drop for Driver {
    /// Ends the browser too, which outlives its driver otherwise. Nobody else is in the group.
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// Where the driver listens, as it says itself.
async fn port(home: &Path) -> u16 {
    eventually("port of chromedriver", async || {
        let said = fs::read_to_string(home.join(OUTPUT)).ok()?;
        let (_, after) = said.split_once("started successfully on port ")?;
        let (port, _) = after.split_once('.')?;
        port.parse().ok()
    })
    .await
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
        "this test drives a real browser; please install {} (as Debian calls it)",
        missing.join(", ")
    );
    found.map(|found| found.expect("nothing is missing"))
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
    tool(
        pk12util,
        &["-d", store, "-i", &file, "-W", PASSWORD, "-K", ""],
    )
    .await;
}

async fn tool(program: &str, arguments: &[&str]) {
    let finished = run(program, arguments).await;
    assert_eq!(finished.code, Some(0), "{program}: {finished:?}");
}

fn capabilities(chromium: &str, home: &Path, files: &Installation) -> Value {
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
    // Without this a window would ask which certificate to present, and nobody could answer. It is
    // what the policy `AutoSelectCertificateForUrls` sets; the policy itself would hold for every
    // browser on this machine, and take a superuser to write.
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
            "binary": chromium,
            "args": arguments,
            "prefs": preferences,
        },
    }}})
}
