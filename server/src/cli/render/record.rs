//! A decision record for a person: what was answered, by which policies, on which facts, and why.
//! What a record says was decided long before; nothing is judged here.

mod phrases;
#[cfg(test)]
pub(in crate::cli) mod tests;
mod whatif;

use chrono::{DateTime, Utc};
use doorward_engine::{Decision, Explanation, FactRow, PolicyRef, words};

pub(in crate::cli) use phrases::{outcome, place};
pub(in crate::cli) use whatif::{markdown as whatif_markdown, whatif};

use super::{Style, Tone, clean};
use crate::audit::{Caller, DecisionRecord, Inputs};

/// Columns of the labels on the left.
const LABEL: usize = 14;
/// Most columns that a value of the facts' table is padded to; a longer one pushes its line out.
const WIDEST: usize = 44;

/// The whole record. It ends with a line break.
#[must_use]
pub fn record(record: &DecisionRecord, style: Style) -> String {
    let record = clean::record(record);
    let mut page = Page {
        style,
        text: String::new(),
    };
    page.headline(&record);
    page.parties(&record);
    page.caller(&record.caller);
    if let Some(decision) = &record.decision {
        page.decision(decision);
    }
    if let Some(explanation) = &record.explanation {
        page.conditions(explanation);
    }
    page.facts(&record.facts, decided_at(&record));
    page.trail(&record);
    page.inputs(&record.inputs);
    page.text
}

/// The record on one line, for a list or a live view. It ends without a line break.
#[must_use]
pub fn record_line(record: &DecisionRecord, style: Style) -> String {
    let record = clean::record(record);
    let (word, tone) = phrases::ending(&record.ending);
    let who = phrases::username(&record).unwrap_or("somebody");
    let what = record.application.as_deref().or(record.client.as_deref());
    let line = format!(
        "{}  {}  {}  {who} → {}  {}",
        style.paint(Tone::Quiet, &record.at.format("%H:%M:%S").to_string()),
        style.paint(tone, &format!("{word:<11}")),
        style.paint(Tone::Strong, &record.reference.to_string()),
        what.unwrap_or("an unknown client"),
        style.paint(Tone::Quiet, &phrases::why(&record)),
    );
    line.trim_end().to_owned()
}

/// The text as it grows.
#[derive(Debug)]
struct Page {
    style: Style,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        let title = self.style.paint(Tone::Strong, title);
        self.line("");
        self.line(&title);
    }

    fn entry(&mut self, label: &str, value: &str) {
        let label = self.style.paint(Tone::Quiet, &format!("{label:<LABEL$}"));
        self.line(&format!("  {label}{value}"));
    }

    fn entries<'v>(&mut self, entries: impl IntoIterator<Item = (&'v str, Option<String>)>) {
        for (label, value) in entries {
            if let Some(value) = value {
                self.entry(label, &value);
            }
        }
    }

    fn headline(&mut self, record: &DecisionRecord) {
        let (word, tone) = phrases::ending(&record.ending);
        let line = format!(
            "{}  {}  {}",
            self.style.paint(tone, word),
            self.style
                .paint(Tone::Strong, &record.reference.to_string()),
            record.at.format("%Y-%m-%d %H:%M:%S UTC"),
        );
        self.line(&line);
        self.line(&phrases::what_happened(record));
    }

    fn parties(&mut self, record: &DecisionRecord) {
        self.line("");
        let user = match (&record.username, &record.user) {
            (Some(name), Some(id)) if name != id => Some(format!("{name} ({id})")),
            (name, id) => name.clone().or_else(|| id.clone()),
        };
        self.entries([
            ("user", user),
            ("client", record.client.clone()),
            ("application", record.application.clone()),
            ("action", Some(phrases::action(record.action).to_owned())),
            ("session", record.session.clone()),
            ("work", phrases::work(record)),
        ]);
    }

    fn caller(&mut self, caller: &Caller) {
        if caller.is_empty() {
            return;
        }
        self.heading("In the log of the other side");
        self.entries([
            ("request id", caller.client_request_id.clone()),
            ("state", caller.state.clone()),
            ("application", caller.app_name.clone()),
            ("instance", caller.app_instance_id.clone()),
            ("tenant", caller.tenant.clone()),
            ("object id", caller.object_id.clone()),
        ]);
    }

    fn decision(&mut self, decision: &Decision) {
        self.heading("Decision");
        let (words, tone) = phrases::outcome(&decision.outcome);
        let words = self.style.paint(tone, &words);
        self.line(&format!("  {words}"));
        for policy in &decision.determining {
            self.policy(phrases::effect(policy.effect), policy);
        }
        for error in &decision.errors {
            self.policy("error", &error.policy);
            self.line(&format!("          {}", error.message));
        }
        for reported in &decision.report_only {
            self.policy("trial", &reported.policy);
            self.line(&format!("          {}", phrases::would(reported)));
        }
    }

    fn policy(&mut self, kind: &str, policy: &PolicyRef) {
        let id = self.style.paint(Tone::Strong, &policy.id);
        self.line(&format!("  {kind:<6}  {id}  {}", phrases::place(policy)));
        if let Some(reason) = &policy.reason {
            self.line(&format!("          {reason}"));
        }
        if let Some(advice) = &policy.advice {
            self.line(&format!("          advice: {advice}"));
        }
    }

    fn conditions(&mut self, explanation: &Explanation) {
        let lines = super::explanation(explanation, self.style);
        if lines.is_empty() {
            return;
        }
        self.heading("Conditions");
        for line in lines {
            self.line(&format!("  {line}"));
        }
    }

    fn facts(&mut self, facts: &[FactRow], now: DateTime<Utc>) {
        let rows = table(facts, now);
        if rows.is_empty() {
            return;
        }
        let width = |cell: fn(&Cells) -> &str| {
            let widths = rows.iter().map(|row| cell(row).chars().count());
            widths.max().unwrap_or(0).min(WIDEST)
        };
        let (name, value, source) = (
            width(|row| &row.name),
            width(|row| &row.value),
            width(|row| &row.source),
        );
        self.heading("Facts");
        for row in &rows {
            let shown = format!("{:<value$}", row.value);
            let shown = if row.known {
                shown
            } else {
                self.style.paint(Tone::Doubtful, &shown)
            };
            let behind = format!("{:<source$}  {}", row.source, row.age);
            let behind = self.style.paint(Tone::Quiet, behind.trim_end());
            self.line(&format!("  {:<name$}  {shown}  {behind}", row.name));
        }
    }

    fn trail(&mut self, record: &DecisionRecord) {
        let trail = &record.trail;
        let hops = trail
            .address
            .iter()
            .cloned()
            .map(|hop| ("address", Some(hop)));
        let rest = [
            ("certificate", trail.certificate.clone()),
            ("device host", trail.device_host_address.clone()),
        ];
        let entries: Vec<_> = hops
            .chain(rest)
            .filter(|(_, value)| value.is_some())
            .collect();
        if !entries.is_empty() {
            self.heading("How address and device came to be known");
            self.entries(entries);
        }
    }

    fn inputs(&mut self, inputs: &Inputs) {
        let entries: Vec<_> = [
            ("policies", Some(&inputs.policies)),
            ("users", Some(&inputs.users)),
            ("clients", Some(&inputs.clients)),
            ("inventory", inputs.inventory.as_ref()),
            ("geoip", inputs.geoip.as_ref()),
            ("device trust", inputs.device_trust.as_ref()),
        ]
        .into_iter()
        .filter_map(|(label, digest)| {
            let digest = digest.filter(|digest| !digest.is_empty())?;
            // Enough to compare by eye; the JSON has all of it.
            Some((label, Some(digest.chars().take(12).collect::<String>())))
        })
        .collect();
        if !entries.is_empty() {
            self.heading("Made from");
            self.entries(entries);
        }
    }
}

/// One line of the facts' table.
#[derive(Debug)]
struct Cells {
    name: String,
    value: String,
    known: bool,
    source: String,
    age: String,
}

impl Cells {
    fn of(row: &FactRow, now: DateTime<Utc>) -> Self {
        let value = match (&row.value, &row.unknown) {
            (Some(value), _) if value.is_empty() => "none".to_owned(),
            (Some(value), _) => value.clone(),
            (None, Some(reason)) => format!("unknown: {reason}"),
            (None, None) => "unknown".to_owned(),
        };
        let age = row
            .observed_at
            .filter(|_| !row.source.is_empty())
            .map_or_else(String::new, |at| words::ago(at, now));
        Self {
            name: row.name.clone(),
            value,
            known: row.value.is_some(),
            source: row.source.clone(),
            age,
        }
    }
}

/// The rows that have something to say.
fn table(facts: &[FactRow], now: DateTime<Utc>) -> Vec<Cells> {
    facts
        .iter()
        .filter(|row| says_more(row, facts))
        .map(|row| Cells::of(row, now))
        .collect()
}

/// Whether a row says more than the one it is a part of: without a device, each of the device's
/// facts is unknown for the same reason.
fn says_more(row: &FactRow, all: &[FactRow]) -> bool {
    let whole = match row.name.split_once('.') {
        Some((whole, _)) => whole,
        None if row.name == "network" => "address",
        None => return true,
    };
    let mut wholes = all.iter().filter(|other| other.name == whole);
    !wholes.any(|other| {
        other.value == row.value && other.unknown == row.unknown && other.source == row.source
    })
}

/// The moment that ages are counted back from.
fn decided_at(record: &DecisionRecord) -> DateTime<Utc> {
    let explained = record.explanation.as_ref();
    explained.map_or(record.at, |explanation| explanation.now)
}
