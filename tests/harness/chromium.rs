//! A real browser: Chromium, told what to do by the protocol that the W3C calls `WebDriver`. Where it
//! lives, and with which certificate, is left to [`super::chromedriver`]; what is to be seen in it, to
//! the tests.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;
use doorward::cli::pki::IssuedCertificate;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::answer::Answer;
use super::chromedriver::Driver;
use super::fixtures::Credentials;
use super::installation::Installation;
use super::landing::Landing;
use super::page::reference_in;
use super::wait::eventually;

/// How long one command may take: longer than any page.
const COMMAND: Duration = Duration::from_secs(90);

/// Names the directory in which pictures of pages are kept, where somebody wants to see them.
const PICTURES: &str = "DOORWARD_SCREENSHOTS";
/// Width and height of the window in pictures.
const SIZES: [(u32, u32); 2] = [(1280, 900), (390, 844)];
/// Windows of fewer pixels are those of telephones.
const NARROW: u32 = 600;

/// A browser with one window.
#[derive(Debug)]
pub struct Chromium {
    http: Client,
    /// The URL of the session.
    session: String,
    // It ends with its driver.
    _driver: Driver,
}

impl Chromium {
    /// Starts a browser that trusts the servers of an installation and has this certificate, if any.
    pub async fn launch(files: &Installation, certificate: Option<&IssuedCertificate>) -> Self {
        let driver = Driver::launch(files, certificate).await;
        let wanted = driver.capabilities(files);
        let mut browser = Self {
            http: Client::builder()
                .no_proxy()
                .timeout(COMMAND)
                .build()
                .expect("a client"),
            session: format!("{}/session", driver.url().await),
            _driver: driver,
        };
        let begun = browser.post("", &wanted).await;
        let id = begun["sessionId"].as_str().expect("a session");
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
        // One step inside the page: an element that was found may belong to the page before by the
        // time it is read. While the browser is between two pages there is nothing to read yet.
        let script = json!({ "script": "return document.body.innerText;", "args": [] });
        let text = eventually("a page to read", async || {
            let text = self
                .attempt(Method::POST, "/execute/sync", Some(&script))
                .await;
            text.ok().filter(Value::is_string)
        })
        .await;
        let words = text.as_str().expect("a text").split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    }

    /// Waits until a person reads all of this.
    pub async fn shows(&self, words: &[&str]) {
        let what = format!("a page that says {words:?}");
        eventually(&what, async || {
            let text = self.text().await;
            words.iter().all(|words| text.contains(words)).then_some(())
        })
        .await;
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
            let window = json!({
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < NARROW,
            });
            self.chrome("Emulation.setDeviceMetricsOverride", &window)
                .await;
            for scheme in ["light", "dark"] {
                let wish = json!({ "name": "prefers-color-scheme", "value": scheme });
                let wishes = json!({ "features": [wish] });
                self.chrome("Emulation.setEmulatedMedia", &wishes).await;
                let whole = json!({ "captureBeyondViewport": true });
                let taken = self.chrome("Page.captureScreenshot", &whole).await;
                let text = taken["data"].as_str().expect("a picture");
                let picture = BASE64.decode(text.as_bytes()).expect("base64");
                let file = directory.join(format!("{name}-{width}-{scheme}.png"));
                fs::write(file, picture).expect("written");
            }
        }
        self.chrome("Emulation.setEmulatedMedia", &json!({ "features": [] }))
            .await;
        self.chrome("Emulation.clearDeviceMetricsOverride", &json!({}))
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
    async fn chrome(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &body).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.command(Method::POST, path, Some(body)).await
    }

    async fn command(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        match self.attempt(method, path, body).await {
            Ok(value) => value,
            Err(error) => panic!("`{path}`, {body:?}: {error}"),
        }
    }

    /// The driver's answer, or what it says against the command.
    async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("an answer of the driver");
        let succeeded = response.status().is_success();
        let mut answer: Value = response.json().await.expect("JSON");
        let value = answer["value"].take();
        if succeeded {
            Ok(value)
        } else {
            Err(format!("{}: {}", value["error"], value["message"]))
        }
    }
}
