//! The answer to a question that somebody tried, for a person and for a comment on a pull request: the outcome
//! first, then the facts, the policies, and what was tried for a step-up.

use std::fmt::Write as _;

use doorward_engine::{
    Explanation, Mode, Outcome, PolicyEffect, PolicyExplanation, PolicyOutcome, PolicyResult,
};

use super::{Page, phrases, table};
use crate::cli::render::machine::cell;
use crate::cli::render::{Style, Tone, clean, explanation};
use crate::cli::whatif::{Answer, Try};

/// Digits of a commit that are enough to find it.
const COMMIT: usize = 12;

/// The answer for a person. It ends with a line break.
#[must_use]
pub(in crate::cli) fn whatif(answer: &Answer, style: Style) -> String {
    let answer = clean::whole(answer);
    let mut page = Page {
        style,
        text: String::new(),
    };
    page.asked(&answer);
    page.facts(&answer.facts, answer.at);
    page.outcomes(&answer);
    page.tried(&answer);
    page.notes(&answer);
    page.text
}

impl Page {
    fn asked(&mut self, answer: &Answer) {
        let (words, tone) = phrases::outcome(&answer.decision.outcome);
        let words = self.style.paint(tone, &words);
        self.line(&words);
        self.line("");
        let parties = parties(answer);
        self.entries(
            parties
                .into_iter()
                .map(|(label, value)| (label, Some(value))),
        );
    }

    fn outcomes(&mut self, answer: &Answer) {
        self.heading("Policies");
        if let Some(invalid) = &answer.decision.invalid {
            self.line(&format!("  not asked: {invalid}"));
        } else if answer.outcomes.is_empty() {
            self.line("  none is about this application and action");
        }
        for outcome in &answer.outcomes {
            self.outcome(outcome, answer);
        }
    }

    fn outcome(&mut self, outcome: &PolicyOutcome, answer: &Answer) {
        let PolicyOutcome { policy, .. } = outcome;
        let (word, tone) = result(outcome);
        let line = format!(
            "  {}  {:<6}  {}  {}{}",
            self.style.paint(tone, &format!("{word:<11}")),
            phrases::effect(policy.effect),
            self.style.paint(Tone::Strong, &policy.id),
            phrases::place(policy),
            trial(outcome),
        );
        self.line(&line);
        for detail in details(outcome, answer) {
            self.line(&format!("    {detail}"));
        }
        let told = PolicyExplanation {
            policy: policy.clone(),
            addressed: true,
            conditions: outcome.telling().into_iter().cloned().collect(),
        };
        let told = Explanation {
            forbids: vec![told],
            permits: Vec::new(),
            now: answer.at,
        };
        // The policy itself stands above already.
        for line in explanation(&told, self.style).into_iter().skip(1) {
            self.line(&format!("  {line}"));
        }
    }

    fn tried(&mut self, answer: &Answer) {
        if answer.decision.outcome == Outcome::Permit {
            return;
        }
        self.heading("Step-up");
        self.line(&format!("  {}", plan(answer)));
        let width = answer.tried.iter().map(|it| what(it).chars().count());
        let width = width.max().unwrap_or(0);
        for tried in &answer.tried {
            let (words, tone) = then(tried);
            let words = self.style.paint(tone, &words);
            self.line(&format!("  {:<width$}  {words}", what(tried)));
        }
        if let Some(more) = more(answer) {
            self.line(&format!("  {more}"));
        }
    }

    fn notes(&mut self, answer: &Answer) {
        if answer.notes.is_empty() {
            return;
        }
        self.heading("Notes");
        for note in &answer.notes {
            self.line(&format!("  {note}"));
        }
    }
}

/// The answer as Markdown. It ends with a line break.
#[must_use]
pub(in crate::cli) fn markdown(answer: &Answer) -> String {
    let (words, _) = phrases::outcome(&answer.decision.outcome);
    let mut text = format!("### {}\n\n| | |\n|---|---|\n", cell(&words));
    // INVARIANT: writing into a string cannot fail.
    for (label, value) in parties(answer) {
        let _ = writeln!(text, "| {label} | {} |", cell(&value));
    }
    text.push_str("\n| fact | value | source | age |\n|---|---|---|---|\n");
    for row in table(&answer.facts, answer.at) {
        let [name, value, source, age] =
            [&row.name, &row.value, &row.source, &row.age].map(|text| cell(text));
        let _ = writeln!(text, "| {name} | {value} | {source} | {age} |");
    }
    text.push_str("\n| | policy | place | why |\n|---|---|---|---|\n");
    for outcome in &answer.outcomes {
        let policy = &outcome.policy;
        let why = details(outcome, answer)
            .into_iter()
            .chain(conditions(outcome, answer));
        let why: Vec<String> = why.map(|line| cell(&line)).collect();
        let _ = writeln!(
            text,
            "| {} | {} **{}**{} | {} | {} |",
            result(outcome).0,
            phrases::effect(policy.effect),
            cell(&policy.id),
            trial(outcome),
            cell(&phrases::place(policy)),
            why.join("<br>"),
        );
    }
    if answer.decision.outcome != Outcome::Permit {
        let _ = writeln!(
            text,
            "\n{}\n\n| tried | answer |\n|---|---|",
            cell(&plan(answer))
        );
        for tried in &answer.tried {
            let _ = writeln!(
                text,
                "| {} | {} |",
                cell(&what(tried)),
                cell(&then(tried).0)
            );
        }
        if let Some(more) = more(answer) {
            let _ = writeln!(text, "\n{more}");
        }
    }
    for note in &answer.notes {
        let _ = writeln!(text, "\n> {}", cell(note));
    }
    text
}

fn parties(answer: &Answer) -> Vec<(&'static str, String)> {
    let user = match &answer.username {
        Some(name) if *name != answer.user => format!("{name} ({})", answer.user),
        _ => answer.user.clone(),
    };
    let commit = answer.commit.as_ref().map_or_else(String::new, |commit| {
        let short: String = commit.chars().take(COMMIT).collect();
        format!(" ({short})")
    });
    let revision = answer.decision.revision.short();
    let policies = format!("{}{commit}, revision {revision}", answer.policies);
    let time = answer.at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut parties = vec![("user", user)];
    parties.extend(answer.client.clone().map(|client| ("client", client)));
    parties.extend([
        ("application", answer.application.clone()),
        ("action", phrases::action(answer.action).to_owned()),
        ("time", time),
        ("policies", policies),
    ]);
    let certificate = answer.certificate.clone();
    parties.extend(certificate.map(|trail| ("certificate", trail)));
    parties
}

fn result(outcome: &PolicyOutcome) -> (&'static str, Tone) {
    match (outcome.result, outcome.policy.effect, outcome.mode) {
        (PolicyResult::NotMatched, _, _) => ("not matched", Tone::Quiet),
        (PolicyResult::Failed, _, _) => ("error", Tone::Bad),
        (PolicyResult::Matched, _, Mode::ReportOnly) => ("matched", Tone::Doubtful),
        (PolicyResult::Matched, PolicyEffect::Permit, Mode::Enforce) => ("matched", Tone::Good),
        (PolicyResult::Matched, PolicyEffect::Forbid, Mode::Enforce) => ("matched", Tone::Bad),
    }
}

fn trial(outcome: &PolicyOutcome) -> &'static str {
    match outcome.mode {
        Mode::Enforce => "",
        Mode::ReportOnly => " (report-only)",
    }
}

/// What there is to say about a policy apart from its conditions.
fn details(outcome: &PolicyOutcome, answer: &Answer) -> Vec<String> {
    let policy = &outcome.policy;
    let mut details: Vec<String> = outcome.error.iter().cloned().collect();
    if answer.decision.determining.contains(policy) {
        details.extend(policy.reason.clone());
        details.extend(
            policy
                .advice
                .iter()
                .map(|advice| format!("advice: {advice}")),
        );
    }
    let mut reported = answer.decision.report_only.iter();
    details.extend(
        reported
            .find(|reported| reported.policy == *policy && reported.error.is_none())
            .map(phrases::would),
    );
    details
}

/// The conditions that tell why, one line each.
fn conditions(outcome: &PolicyOutcome, answer: &Answer) -> Vec<String> {
    let told = outcome.telling().into_iter();
    told.map(|condition| {
        let held = phrases::held(condition);
        match condition.detail(answer.at) {
            detail if detail.is_empty() => format!("{held}: {}", condition.words),
            detail => format!("{held}: {} ({detail})", condition.words),
        }
    })
    .collect()
}

fn plan(answer: &Answer) -> String {
    match &answer.decision.outcome {
        Outcome::StepUp { demand, .. } => format!("enough: {}", phrases::demanded(demand)),
        Outcome::Permit | Outcome::Deny { .. } => {
            "nothing that the user could do now is enough".to_owned()
        }
    }
}

fn what(tried: &Try) -> String {
    let device = tried.device.as_deref().map(phrases::device);
    match (device, tried.password) {
        (Some(device), false) => format!("certificate of {device}"),
        (Some(device), true) => format!("password, certificate of {device}"),
        (None, _) => "password".to_owned(),
    }
}

fn then(tried: &Try) -> (String, Tone) {
    let (words, tone) = phrases::outcome(&tried.outcome);
    if tried.determining.is_empty() {
        return (words, tone);
    }
    (format!("{words} ({})", tried.determining.join(", ")), tone)
}

fn more(answer: &Answer) -> Option<String> {
    (answer.more_devices > 0).then(|| {
        let devices = crate::cli::render::count(answer.more_devices, "device");
        format!("and {devices} more")
    })
}
