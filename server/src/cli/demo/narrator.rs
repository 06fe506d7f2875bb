//! What the terminal says while the demo runs: how to begin, each decision with its reasons, and what
//! became of each edit of the policies. How records and findings look is left to `render`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use doorward_engine::{Counts, PolicyBundle};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::cast::{MACHINES, PASSWORD, PEOPLE};
use super::layout::{ACCESS, DEVICES, PKI, Ports};
use crate::audit::DecisionRecord;
use crate::cli::exit::Failure;
use crate::cli::render::{self, Style, Tone, count, finding};
use crate::config::Config;
use crate::reload::{Live, SourceStatus};

/// Columns of the labels on the left.
const LABEL: usize = 12;

/// How to begin.
#[must_use]
pub(super) fn intro(root: &Path, config: &Config, ports: Ports, style: Style) -> String {
    let people = PEOPLE.map(|person| person.id).join(" or ");
    let device_host = config.device.as_ref().map(|device| device.url.origin());
    let mut page = Page {
        text: String::new(),
        style,
    };
    page.heading("Doorward demo");
    page.entry("open", &ports.portal_url());
    page.entry("sign in", &format!("{people}, password {PASSWORD}"));
    page.entry("provider", config.issuer_text());
    if let Some(origin) = device_host {
        page.entry("devices", &origin.ascii_serialization());
    }
    let operations = config.operations.address;
    page.entry("status", &format!("http://{operations}/status"));
    page.entry("files", &root.display().to_string());

    let file = |name: &str| root.join(name).display().to_string();
    page.heading("Your browser does not know these certificates");
    page.line("Accept its warning, once for each of the two hosts. Or let it trust the authority");
    page.line(&format!(
        "{}, and take that back after the demo.",
        file(&format!("{PKI}/server-ca/ca.pem"))
    ));

    page.heading("Become one of these devices");
    page.line(
        "Import a certificate, and choose it when the browser asks. All files have the password",
    );
    page.line(&format!(
        "{PASSWORD}. Without one you are on a device that nobody knows."
    ));
    for machine in MACHINES {
        let path = file(&format!("{PKI}/{}.p12", machine.id));
        page.entry(machine.id, &format!("{path}  {}", machine.role));
    }
    page.line("");
    page.entry(
        "Firefox",
        "Settings, Privacy & Security, View Certificates, Your Certificates, Import",
    );
    page.entry(
        "Chrome",
        "Settings, Privacy and security, Security, Manage certificates, Import",
    );
    page.entry(
        "Safari",
        "open the file, and the key chain imports it; Safari also needs the line",
    );
    page.entry("", "`127.0.0.1 device.localhost` in /etc/hosts");
    page.line(
        "To be another device, quit the browser: it remembers which certificate it has shown.",
    );

    page.heading("Now change the rules");
    page.line(&format!(
        "Edit {} while this runs: a change is live at",
        file(ACCESS)
    ));
    page.line("once, and a broken one is refused while the last good version goes on deciding.");
    page.line(&format!(
        "What is known of the devices stands in {}.",
        file(DEVICES)
    ));
    page.line("Decisions appear below. Ctrl-C ends the demo.");
    page.text.push('\n');
    page.text
}

/// Says each decision, and each change of the policies, until nobody listens any more.
pub(super) async fn narrate(
    mut decisions: Receiver<Arc<DecisionRecord>>,
    policies: Live<PolicyBundle>,
    style: Style,
) -> Result<(), Failure> {
    let mut changes = policies.changed();
    loop {
        let text = tokio::select! {
            next = decisions.recv() => match next {
                Ok(record) => decision(&record, style),
                Err(RecvError::Lagged(missed)) => format!("{missed} decisions went by unseen\n"),
                Err(RecvError::Closed) => return Ok(()),
            },
            changed = changes.changed() => match changed {
                Ok(()) => {
                    let status = changes.borrow_and_update().clone();
                    edit(&status, policies.current().value.counts(), style)
                }
                Err(_) => return Ok(()),
            },
        };
        render::print(&text)?;
    }
}

fn decision(record: &DecisionRecord, style: Style) -> String {
    format!(
        "{}\n{}\n",
        rule(style),
        render::record(record, style).trim_end()
    )
}

/// What became of an edit of the policies.
fn edit(status: &SourceStatus, counts: Counts, style: Style) -> String {
    let mut text = format!("{}\n", rule(style));
    if status.healthy {
        let word = style.paint(Tone::Good, "policies are live");
        let digest: String = status.digest.chars().take(12).collect();
        let (permits, forbids) = (
            count(counts.permits, "permit"),
            count(counts.forbids, "forbid"),
        );
        // INVARIANT: writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{word}  {digest}  {permits}, {forbids}, {} report-only",
            counts.report_only
        );
    } else {
        let word = style.paint(Tone::Bad, "policies are refused");
        let _ = writeln!(text, "{word}  the last good version goes on deciding\n");
    }
    text.push_str(&finding::files(&status.diagnostics, style));
    text
}

fn rule(style: Style) -> String {
    style.paint(Tone::Quiet, &"─".repeat(72))
}

/// The text as it grows.
#[derive(Debug)]
struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn line(&mut self, line: &str) {
        let indented = format!("  {line}");
        self.text.push_str(indented.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        let title = self.style.paint(Tone::Strong, title);
        self.text.push('\n');
        self.text.push_str(&title);
        self.text.push('\n');
    }

    fn entry(&mut self, label: &str, value: &str) {
        let label = self.style.paint(Tone::Quiet, &format!("{label:<LABEL$}"));
        self.line(&format!("{label}{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::diagnostic::Diagnostic;

    const COUNTS: Counts = Counts {
        permits: 1,
        forbids: 2,
        report_only: 1,
    };

    fn status(healthy: bool, diagnostics: Vec<Diagnostic>) -> SourceStatus {
        SourceStatus {
            name: "policies",
            digest: "0123456789abcdef0123456789abcdef".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            last_attempt: Timestamp::UNIX_EPOCH,
            healthy,
            failing_since: None,
            diagnostics,
            reloads: 1,
            failures: 0,
        }
    }

    #[test]
    fn the_intro_says_where_to_go_who_to_be_and_what_to_edit() {
        let ports = Ports::from_first(8443);
        let config = Config::parse(&texts::config(ports), "doorward.toml", Path::new("")).unwrap();
        let text = intro(Path::new("demo"), &config, ports, Style::plain());
        for needle in [
            "http://localhost:8445",
            "https://localhost:8443",
            "https://device.localhost:8444",
            "http://127.0.0.1:8446/status",
            "ana or ben, password doorward",
            "demo/pki/mbp-ana.p12",
            "demo/pki/server-ca/ca.pem",
            "demo/policies/access.cedar",
        ] {
            assert!(text.contains(needle), "{needle}\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }

    #[test]
    fn an_edit_that_is_live_is_told_with_what_it_holds() {
        let text = edit(&status(true, Vec::new()), COUNTS, Style::plain());
        assert!(
            text.ends_with("policies are live  0123456789ab  1 permit, 2 forbids, 1 report-only\n"),
            "{text}"
        );
    }

    #[test]
    fn an_edit_that_is_refused_is_told_with_its_findings() {
        let wrong = Diagnostic::error("policies/access.cedar", "no `@id`");
        let text = edit(&status(false, vec![wrong]), COUNTS, Style::plain());
        assert!(text.contains("policies are refused"), "{text}");
        assert!(text.contains("no `@id`"), "{text}");
    }
}
