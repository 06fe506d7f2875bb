//! One policy: its text, place, name and annotations. Whole bundles are `bundle.rs`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use cedar_policy::pst::Template;
use cedar_policy::{Effect, EntityUid, PolicyId};
use serde::{Deserialize, Serialize};

use crate::error::Diagnostic;
use crate::guard;
use crate::lint;
use crate::reads::Reads;
use crate::source::{Origin, SourceFile};
use crate::syntax::{self, Parsed};
use crate::vocabulary::annotation;

/// What a person or a record needs to find a policy again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The policy's `@id`.
    pub id: String,
    /// Where it begins.
    pub origin: Origin,
    /// Whether it permits or forbids.
    pub effect: PolicyEffect,
    /// Its `@reason`.
    pub reason: Option<String>,
    /// Its `@advice`.
    pub advice: Option<String>,
}

/// Whether a policy permits or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyEffect {
    /// What it matches may happen, unless something forbids it.
    Permit,
    /// What it matches must not happen.
    Forbid,
}

/// Whether a policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It decides.
    Enforce,
    /// It is evaluated and reported, and decides nothing.
    ReportOnly,
}

/// A policy that parsed, carries the annotations it must, and nothing else.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) reference: PolicyRef,
    pub(crate) mode: Mode,
    file: SourceFile,
    /// Byte range of the statement in its file.
    pub(crate) at: Range<usize>,
    /// Where in the file Cedar counts places in the policy from.
    pub(crate) base: usize,
    /// The same policy for the authorizer; its id is the `@id`.
    pub(crate) cedar: cedar_policy::Policy,
    /// Entities that the policy names.
    pub(crate) literals: Vec<EntityUid>,
    /// Names of attributes that the policy can read; every name where it reads the context whole.
    pub(crate) reads: Reads,
    /// Findings that the policy says are meant.
    pub(crate) allows: BTreeSet<String>,
    /// What `lint` finds in the policy alone.
    pub(crate) lints: Vec<Diagnostic>,
}

impl Policy {
    /// Parses the policies of one file; every finding of the file, and the policies that are fine.
    pub(crate) fn parse_file(file: &SourceFile) -> (Vec<Arc<Self>>, Vec<Diagnostic>) {
        let (statements, mut findings) = guard::statements(file);
        let whole = if findings.is_empty() {
            syntax::whole_file(&file.text).filter(|whole| whole.len() == statements.len())
        } else {
            None
        };
        let mut whole = whole.into_iter().flatten();
        let mut policies = Vec::new();
        for at in statements {
            let text = file.text.get(at.clone()).unwrap_or("");
            let parsed = whole
                .next()
                .map_or_else(|| syntax::statement(text, at.start), Ok);
            match parsed {
                Ok(parsed) => match Self::new(file, at, parsed) {
                    Ok(policy) => policies.push(Arc::new(policy)),
                    Err(wrong) => findings.extend(wrong),
                },
                Err(_) if is_template(text) => findings.push(
                    Diagnostic::error(file, "template", at.start, at.len(), "policy templates are not supported")
                        .with_help("write the principal and the resource instead of `?principal` and `?resource`"),
                ),
                Err(errors) => findings.extend(errors.iter().map(|error| {
                    Diagnostic::from_cedar(file, at.start, at.clone(), "syntax", error)
                })),
            }
        }
        (policies, findings)
    }

    fn new(file: &SourceFile, at: Range<usize>, parsed: Parsed) -> Result<Self, Vec<Diagnostic>> {
        let Parsed {
            cedar,
            syntax,
            base,
        } = parsed;
        // Once: Cedar's look-up of one annotation parses the name that is asked for.
        let annotations: BTreeMap<&str, &str> = cedar.annotations().collect();
        let annotation = |key: &str| annotations.get(key).copied();
        let place = |key: &str| place_of(file, &at, key);
        let mut findings = doubtful_annotations(file, &at, &annotations);
        let id = annotation(annotation::ID).unwrap_or("").to_owned();
        if annotation(annotation::ID).is_none() {
            findings.push(
                Diagnostic::error(file, "missing-id", at.start, 1, "the policy has no `@id`")
                    .with_help("give it a name of its own, such as `@id(\"managed-devices-only\")`: explanations, records and tests use it"),
            );
        }
        let mode = match annotation(annotation::MODE) {
            None | Some(annotation::ENFORCE) => Mode::Enforce,
            Some(annotation::REPORT_ONLY) => Mode::ReportOnly,
            Some(other) => {
                let (offset, length) = place(annotation::MODE);
                findings.push(
                    Diagnostic::error(
                        file,
                        "unknown-mode",
                        offset,
                        length,
                        format!("unknown mode `{other}`"),
                    )
                    .with_help(format!(
                        "write `{}` or `{}`",
                        annotation::REPORT_ONLY,
                        annotation::ENFORCE
                    )),
                );
                Mode::Enforce
            }
        };
        let allows = allowed(annotation(annotation::ALLOW).unwrap_or(""));
        findings.extend(unknown_lints(&allows).map(|(id, help)| {
            let (offset, length) = place(annotation::ALLOW);
            let message = format!("`@allow` names `{id}`, which is no finding that can be allowed");
            Diagnostic::error(file, "unknown-lint", offset, length, message).with_help(help)
        }));
        if !findings.is_empty() {
            return Err(findings);
        }
        let effect = match cedar.effect() {
            Effect::Permit => PolicyEffect::Permit,
            Effect::Forbid => PolicyEffect::Forbid,
        };
        let mut literals = cedar.entity_literals();
        literals.sort();
        literals.dedup();
        // INVARIANT: a policy from text always has a syntax tree; without one it reads everything.
        let mut policy = Self {
            reads: syntax.as_ref().map_or(Reads::Everything, Reads::of),
            file: file.clone(),
            base,
            lints: Vec::new(),
            allows,
            literals,
            reference: PolicyRef {
                id: id.clone(),
                origin: file.origin(at.start),
                effect,
                reason: annotation(annotation::REASON).map(ToOwned::to_owned),
                advice: annotation(annotation::ADVICE).map(ToOwned::to_owned),
            },
            mode,
            at,
            cedar: cedar.new_id(PolicyId::new(id)),
        };
        if let Some(syntax) = syntax {
            policy.lints = lint::alone(file, &policy, &syntax);
        }
        Ok(policy)
    }

    pub(crate) fn id(&self) -> &str {
        &self.reference.id
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        self.file.text.get(self.at.clone()).unwrap_or("")
    }

    /// The file it is in.
    pub(crate) fn file(&self) -> &SourceFile {
        &self.file
    }

    /// The syntax tree, parsed again: one for each policy would be most of a bundle's memory.
    pub(crate) fn syntax(&self) -> Option<Template> {
        self.file.text.get(self.at.clone()).and_then(syntax::of)
    }
}

/// The ids of `@allow("one, another")`.
fn allowed(value: &str) -> BTreeSet<String> {
    value
        .split([',', ' '])
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Ids that are no finding's, each with help.
fn unknown_lints(allows: &BTreeSet<String>) -> impl Iterator<Item = (&str, String)> {
    let known = lint::lint_ids();
    allows
        .iter()
        .map(String::as_str)
        .filter(|id| !known.contains(id))
        .map(|id| {
            let near = crate::words::nearest(id, known.iter().copied());
            let all = || format!("these can be allowed: {}", known.join(", "));
            (
                id,
                near.map_or_else(all, |near| format!("did you mean `{near}`?")),
            )
        })
}

/// Where an annotation of a statement stands, and how long its key is.
fn place_of(file: &SourceFile, at: &Range<usize>, key: &str) -> (usize, usize) {
    let text = file.text.get(at.clone()).unwrap_or("");
    // Annotations come first in a statement, so the first `@key` is the annotation itself.
    let found = text.find(&format!("@{key}"));
    let length = if found.is_some() { key.len() + 1 } else { 1 };
    (at.start + found.unwrap_or(0), length)
}

/// Annotations that mean nothing, or say nothing.
fn doubtful_annotations(
    file: &SourceFile,
    at: &Range<usize>,
    annotations: &BTreeMap<&str, &str>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (&key, value) in annotations {
        let (offset, length) = place_of(file, at, key);
        let finding = |code, message| Diagnostic::error(file, code, offset, length, message);
        if !annotation::ALL.contains(&key) {
            let known = annotation::ALL.map(|key| format!("`@{key}`")).join(", ");
            let help = crate::words::nearest(key, annotation::ALL).map_or_else(
                || format!("known annotations are {known}"),
                |near| format!("did you mean `@{near}`?"),
            );
            let message = format!("unknown annotation `@{key}`");
            findings.push(finding("unknown-annotation", message).with_help(help));
        } else if value.trim().is_empty() {
            let message = format!("`@{key}` has no text");
            findings.push(finding("empty-annotation", message));
        }
    }
    findings
}

fn is_template(text: &str) -> bool {
    cedar_policy::Template::parse(None, text).is_ok()
}
