//! `doorward demo` as a person meets it: a browser that others wrote signs in through the demo's own
//! application, a policy is edited meanwhile, and the terminal tells of each decision. And the tour.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorward_tests::{Finished, Page, eventually, eventually_within};
use reqwest::{Certificate, Client, Identity, Url};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::BINARY;

/// How long the demo may take to make its files and to listen: this is a debug build.
const START: Duration = Duration::from_mins(2);
/// How long the tour may take.
const TOUR: Duration = Duration::from_mins(5);
/// How often to begin again when somebody else took a port.
const MOST_STARTS: usize = 5;

const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

/// The last line of how to begin.
const BEGUN: &str = "Decisions appear below.";

/// A rule that shuts the wiki.
const CLOSED: &str = r#"
@id("wiki-closed")
@reason("The wiki is closed for repairs.")
forbid (principal, action, resource == Application::"wiki");
"#;

/// A demo that runs, and is killed when the test is over.
struct Demo {
    process: Child,
    directory: TempDir,
}

impl Demo {
    async fn start() -> Self {
        for _ in 0..MOST_STARTS {
            let mut demo = Self::launch();
            match demo.ready().await {
                Ok(()) => return demo,
                Err(complaint) if tells_of_taken_port(&complaint) => {}
                Err(complaint) => panic!("the demo does not start:\n{complaint}"),
            }
        }
        panic!("{MOST_STARTS} times the ports were taken");
    }

    fn launch() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let output = |name: &str| File::create(directory.path().join(name)).expect("a file");
        let port = first_of_four_ports().to_string();
        let process = Command::new(BINARY)
            .args(["demo", "--port", &port, "--dir"])
            .arg(directory.path().join("demo"))
            .env("NO_COLOR", "1")
            .env_remove("DOORWARD_LOG")
            .stdin(Stdio::null())
            .stdout(output(STDOUT))
            .stderr(output(STDERR))
            .spawn()
            .expect("started");
        Self { process, directory }
    }

    /// Waits until the demo has said how to begin, or says its complaint if it has ended.
    async fn ready(&mut self) -> Result<(), String> {
        let (process, directory) = (&mut self.process, self.directory.path());
        eventually_within(START, "demo", async || {
            if process.try_wait().expect("a child").is_some() {
                return Some(Err(contents(directory, STDERR)));
            }
            contents(directory, STDOUT)
                .contains(BEGUN)
                .then_some(Ok(()))
        })
        .await
    }

    /// What stands on the terminal.
    fn printed(&self) -> String {
        contents(self.directory.path(), STDOUT)
    }

    /// What stands on the terminal behind this label.
    fn told(&self, label: &str) -> String {
        let printed = self.printed();
        printed
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(label)?.strip_prefix("  "))
            .unwrap_or_else(|| panic!("no `{label}` in {printed}"))
            .trim()
            .to_owned()
    }

    /// Waits until this stands on the terminal.
    async fn tells(&self, words: &str) {
        eventually(&format!("`{words}` on the terminal"), async || {
            self.printed().contains(words).then_some(())
        })
        .await;
    }

    /// How the requests so far have ended, when there are this many. The terminal tells of each.
    async fn endings(&self, files: &Path, count: usize) -> Vec<String> {
        let decisions = eventually("decisions in the log", async || {
            let decisions = decisions(files);
            (decisions.len() >= count).then_some(decisions)
        })
        .await;
        let mut endings = Vec::new();
        for decision in decisions {
            let text = |name: &str| decision[name].as_str().expect("a text").to_owned();
            let (ending, reference) = (text("ending"), text("reference"));
            self.tells(&format!("{ending}  {reference}  ")).await;
            endings.push(ending);
        }
        endings
    }

    /// Interrupts the demo as Ctrl-C does, and waits for its end. Says the exit code.
    async fn interrupt(&mut self) -> Option<i32> {
        let status = Command::new("kill")
            .args(["-INT", &self.process.id().to_string()])
            .status()
            .expect("kill exists");
        assert!(status.success());
        let process = &mut self.process;
        eventually("end of the demo", async || {
            process.try_wait().expect("a child")
        })
        .await
        .code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let complaint = contents(self.directory.path(), STDERR);
            eprintln!(
                "--- the demo's terminal\n{}{complaint}\n---",
                self.printed()
            );
        }
    }
}

/// A browser that others wrote: cookies and redirects are the library's.
struct Visitor(Client);

impl Visitor {
    /// On the machine with this certificate of the demo, which believes the demo's authority.
    fn on(machine: &str, files: &Path) -> Self {
        let pki = files.join("pki");
        let device = contents(&pki, &format!("{machine}-key.pem"))
            + &contents(&pki, &format!("{machine}.pem"));
        let device = Identity::from_pem(device.as_bytes()).expect("an identity");
        let root = contents(&pki, "server-ca/ca.pem");
        let root = Certificate::from_pem(root.as_bytes()).expect("a certificate");
        // The ports stand in the URLs.
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let client = Client::builder()
            .no_proxy()
            .cookie_store(true)
            .tls_certs_only([root])
            .identity(device)
            .resolve("localhost", here)
            .resolve("device.localhost", here)
            .build();
        Self(client.expect("a client"))
    }

    async fn open(&self, url: Url) -> Page {
        Page::read(self.0.get(url).send().await.expect("an answer")).await
    }

    /// Submits a form of the page, to this path.
    async fn submit(&self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        assert!(page.has_form(path), "{page}");
        let url = page.url.join(path).expect("a URL");
        let request = self.0.post(url).form(fields);
        Page::read(request.send().await.expect("an answer")).await
    }

    /// Opens the demo's applications, and presses the button of the wiki.
    async fn open_wiki(&self, portal: &str) -> Page {
        let page = self.open(portal.parse().expect("a URL")).await;
        assert!(page.says("Sign in to Wiki"), "{page}");
        let wiki = [("application", "wiki")];
        self.submit(&page, "/sign-in", &wiki).await
    }

    /// Enters this person's username and password into the page that asks for them.
    async fn sign_in(&self, page: &Page, username: &str, password: &str) -> Page {
        let hidden = |name: &str| {
            page.field(name)
                .unwrap_or_else(|| panic!("no `{name}` on {page}"))
        };
        let (transaction, csrf) = (hidden("transaction"), hidden("csrf"));
        let fields = [
            ("transaction", transaction.as_str()),
            ("csrf", csrf.as_str()),
            ("username", username),
            ("password", password),
        ];
        self.submit(page, "/sign-in", &fields).await
    }
}

/// The text of a file that may be growing.
fn contents(directory: &Path, name: &str) -> String {
    let bytes = fs::read(directory.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The whole lines of the decision log.
fn decisions(files: &Path) -> Vec<Value> {
    let log = contents(files, "decisions.jsonl");
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// The first of four ports in a row that nobody uses at this moment.
fn first_of_four_ports() -> u16 {
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
    let found = (0..100).find_map(|_| {
        let first = free(0)?;
        let port = first.local_addr().ok()?.port();
        // The demo takes none beyond.
        let room = port <= 65_500;
        (room && (1..4).all(|step| free(port + step).is_some())).then_some(port)
    });
    found.expect("four free ports in a row")
}

/// Whether the system said so, in whatever lines and frames the message was broken into.
fn tells_of_taken_port(complaint: &str) -> bool {
    let letters: String = complaint
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    letters.to_lowercase().contains("alreadyinuse")
}

#[tokio::test]
async fn the_demo_follows_an_edit_of_its_policies_and_tells_of_each_decision() {
    let mut demo = Demo::start().await;
    let (portal, files) = (demo.told("open"), PathBuf::from(demo.told("files")));
    let accounts = demo.told("sign in");
    let (_, password) = accounts.split_once(", password ").expect("a password");
    assert!(accounts.starts_with("ana or "), "{accounts}");
    let visitor = Visitor::on("mbp-ana", &files);

    let page = visitor.open_wiki(&portal).await;
    let page = visitor.sign_in(&page, "ana", password).await;
    let check = page
        .link("Check this device")
        .unwrap_or_else(|| panic!("no device check on {page}"));
    let inside = visitor.open(check).await;
    assert!(inside.url.as_str().starts_with(&portal), "{inside}");
    assert!(inside.says("You are in"), "{inside}");
    assert_eq!(demo.endings(&files, 2).await, ["step-up", "permitted"]);
    demo.tells("A code was issued to the client.").await;

    let policy = files.join("policies/access.cedar");
    demo.tells(&format!("Edit {} while this runs", policy.display()))
        .await;
    let fresh = policy.with_file_name(".access.cedar.new");
    let edited = fs::read_to_string(&policy).expect("a policy") + CLOSED;
    fs::write(&fresh, edited).expect("written");
    fs::rename(&fresh, &policy).expect("renamed");
    demo.tells("policies are live").await;
    demo.tells("1 permit, 3 forbids, 1 report-only").await;

    let refused = visitor.open_wiki(&portal).await;
    assert_eq!(refused.status, 403, "{refused}");
    assert!(refused.says("The wiki is closed for repairs."), "{refused}");
    let endings = demo.endings(&files, 3).await;
    assert_eq!(endings, ["step-up", "permitted", "denied"]);
    demo.tells(&format!("denied  {}  ", refused.reference()))
        .await;
    demo.tells("forbid  wiki-closed  ").await;

    assert_eq!(demo.interrupt().await, Some(0));
}

/// The whole tour, as the command leaves it behind.
async fn tour() -> Finished {
    let mut command = tokio::process::Command::new(BINARY);
    command
        .args(["demo", "--tour"])
        .env("NO_COLOR", "1")
        .env_remove("DOORWARD_LOG")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(TOUR, command.output())
        .await
        .expect("the tour comes to its end")
        .expect("finished");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Finished {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

#[tokio::test]
async fn the_tour_finds_each_of_its_nine_answers_right() {
    let mut finished = tour().await;
    for _ in 1..MOST_STARTS {
        if finished.code == Some(0) || !tells_of_taken_port(&finished.stderr) {
            break;
        }
        finished = tour().await;
    }
    let Finished { code, stdout, .. } = &finished;
    assert_eq!(*code, Some(0), "{finished:?}");
    let right = stdout.lines().filter(|line| line.starts_with('✓')).count();
    assert_eq!(right, 9, "{stdout}");
    let filters = vec![
        // A reference is another one each time, and as wide as this.
        (r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", "REFE-RENC"),
        (r"\d{4}-\d{2}-\d{2}", "[DATE]"),
        (r"just now|\d+ (s|min) ago", "[AGO]"),
    ];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!(stdout);
    });
}
