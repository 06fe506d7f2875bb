//! What became of guardrails: for a person, a machine, and a pull request.

use std::fmt::Write as _;

use doorward_analysis::{GuardrailProof, Proof};
use doorward_engine::{AccessRequest, Offers, PolicyEffect};
use serde::Serialize;

use super::Verdict;
use crate::cli::render::machine::cell;
use crate::cli::render::{Style, Tone, count, explanation, request};

/// A line for each guardrail; below a broken one, the request that breaks it and how it is answered.
pub(super) fn human(verdict: &Verdict, style: Style) -> String {
    let mut text = String::new();
    for proof in &verdict.proofs {
        let (word, tone) = word(&proof.proof);
        let (id, place) = (&proof.guardrail.id, place(proof));
        // INVARIANT: writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {id}  {place}",
            style.paint(tone, &format!("{word:7}"))
        );
        for line in details(verdict, proof, style) {
            let _ = writeln!(text, "  {line}");
        }
    }
    let _ = writeln!(text, "\n{}", summary(verdict));
    text
}

fn word(proof: &Proof) -> (&'static str, Tone) {
    match proof {
        Proof::Holds => ("holds", Tone::Good),
        Proof::Broken { .. } => ("broken", Tone::Bad),
        Proof::Unknown { .. } => ("unknown", Tone::Doubtful),
    }
}

fn place(proof: &GuardrailProof) -> String {
    let origin = &proof.guardrail.origin;
    format!("{}:{}", origin.file, origin.line)
}

fn details(verdict: &Verdict, proof: &GuardrailProof, style: Style) -> Vec<String> {
    match &proof.proof {
        Proof::Holds => Vec::new(),
        Proof::Unknown { why, .. } => vec![why.clone()],
        Proof::Broken { example } => {
            let mut lines: Vec<String> = proof.guardrail.reason.iter().cloned().collect();
            lines.push(match proof.guardrail.effect {
                PolicyEffect::Forbid => "this request must never be permitted, and is:".to_owned(),
                PolicyEffect::Permit => "this request must never be refused, and is:".to_owned(),
            });
            let facts = request::words(example).into_iter();
            lines.extend(facts.map(|(name, value)| format!("  {name:13}  {value}")));
            let explained = explanation(&verdict.bundle.explain(example), style);
            lines.extend(explained.into_iter().map(|line| format!("  {line}")));
            lines
        }
    }
}

fn summary(verdict: &Verdict) -> String {
    let of = |wanted: fn(&Proof) -> bool| {
        let proofs = verdict.proofs.iter();
        proofs.filter(|it| wanted(&it.proof)).count()
    };
    let held = of(|proof| matches!(proof, Proof::Holds));
    let broken = of(|proof| matches!(proof, Proof::Broken { .. }));
    let unknown = of(|proof| matches!(proof, Proof::Unknown { .. }));
    let all = count(verdict.proofs.len(), "guardrail");
    if held == verdict.proofs.len() {
        return format!(
            "proved: {all} for all requests, revision {}",
            verdict.bundle.revision().short()
        );
    }
    let mut parts = Vec::new();
    if broken > 0 {
        parts.push(format!("{broken} broken"));
    }
    if unknown > 0 {
        parts.push(format!("{unknown} could not be told"));
    }
    format!("not proved: of {all} {}", parts.join(" and "))
}

/// A comment on a pull request: what is broken first, the rest folded.
pub(super) fn markdown(verdict: &Verdict) -> String {
    let sign = match verdict.exit() {
        crate::cli::Exit::Yes => "✅",
        crate::cli::Exit::No => "❌",
        crate::cli::Exit::Unanswered => "❔",
    };
    let mut text = format!("### {sign} Guardrails {}\n", cell(&summary(verdict)));
    text.push_str("\n| | guardrail | place |\n|---|---|---|\n");
    for proof in &verdict.proofs {
        let reason = proof.guardrail.reason.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | **{}**<br>{} | {} |",
            word(&proof.proof).0,
            cell(&proof.guardrail.id),
            cell(reason),
            cell(&format!("`{}`", place(proof).replace('`', "'"))),
        );
    }
    for proof in &verdict.proofs {
        let details = details(verdict, proof, Style::plain());
        if details.is_empty() {
            continue;
        }
        let summary = format!("{}: {}", word(&proof.proof).0, proof.guardrail.id);
        let _ = writeln!(
            text,
            "\n<details>\n<summary>{}</summary>\n\n```text\n{}\n```\n\n</details>",
            cell(&summary),
            details.join("\n").replace("```", "'''"),
        );
    }
    text
}

/// The answer for a machine.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    revision: String,
    ok: bool,
    guardrails: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    guardrail: &'a doorward_engine::PolicyRef,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<&'a AccessRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'static str>,
}

pub(super) fn document(verdict: &Verdict) -> Document<'_> {
    let entry = |proof: &'_ GuardrailProof| {
        let example = match &proof.proof {
            Proof::Broken { example } => Some(example.as_ref()),
            _ => None,
        };
        (
            word(&proof.proof).0,
            example.map(|it| verdict.bundle.decide(it, Offers::none).outcome.word()),
        )
    };
    let guardrails = verdict
        .proofs
        .iter()
        .map(|proof| {
            let (result, answer) = entry(proof);
            Entry {
                guardrail: &proof.guardrail,
                result,
                why: match &proof.proof {
                    Proof::Unknown { why, .. } => Some(why),
                    _ => None,
                },
                example: match &proof.proof {
                    Proof::Broken { example } => Some(example),
                    _ => None,
                },
                answer,
            }
        })
        .collect();
    Document {
        revision: verdict.bundle.revision().to_string(),
        ok: verdict.exit() == crate::cli::Exit::Yes,
        guardrails,
    }
}
