//! One policy: its text, place, name and annotations. Whole bundles are `bundle.rs`'s.

use std::sync::Arc;

use cedar_policy::{Effect, EntityUid, PolicyId};
use serde::{Deserialize, Serialize};

use crate::error::Diagnostic;
use crate::guard;
use crate::lint;
use crate::reads::Reads;
use crate::source::{Origin, SourceFile};
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
    /// Byte range of the statement in its file.
    pub(crate) at: std::ops::Range<usize>,
    /// The same policy for the authorizer; its id is the `@id`.
    pub(crate) cedar: cedar_policy::Policy,
    /// Entities that the policy names.
    pub(crate) literals: Vec<EntityUid>,
    /// Names of attributes that the policy can read; every name where it reads the context whole.
    pub(crate) reads: Reads,
    /// What `lint` finds in the policy alone.
    pub(crate) lints: Vec<Diagnostic>,
}

impl Policy {
    /// Parses the policies of one file; every finding of the file, and the policies that are fine.
    pub(crate) fn parse_file(file: &SourceFile) -> (Vec<Arc<Self>>, Vec<Diagnostic>) {
        let (statements, mut findings) = guard::statements(file);
        let mut policies = Vec::new();
        for at in statements {
            let text = file.text.get(at.clone()).unwrap_or("");
            match cedar_policy::Policy::parse(None, text) {
                Ok(cedar) => match Self::new(file, at, &cedar) {
                    Ok(policy) => policies.push(Arc::new(policy)),
                    Err(wrong) => findings.extend(wrong),
                },
                Err(_) if is_template(text) => findings.push(
                    Diagnostic::error(file, "template", at.start, at.len(), "policy templates are not supported")
                        .with_help("write the principal and the resource instead of `?principal` and `?resource`"),
                ),
                Err(errors) => findings.extend(errors.iter().map(|error| {
                    Diagnostic::from_cedar(file, at.start, at.len(), "syntax", error)
                })),
            }
        }
        (policies, findings)
    }

    fn new(
        file: &SourceFile,
        at: std::ops::Range<usize>,
        cedar: &cedar_policy::Policy,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let text = file.text.get(at.clone()).unwrap_or("");
        // Annotations come first in a statement, so the first `@key` is the annotation itself.
        let place = |key: &str| {
            let found = text.find(&format!("@{key}"));
            let length = if found.is_some() { key.len() + 1 } else { 1 };
            (at.start + found.unwrap_or(0), length)
        };
        for (key, value) in cedar.annotations() {
            let (offset, length) = place(key);
            if !annotation::ALL.contains(&key) {
                let known = annotation::ALL.map(|key| format!("`@{key}`")).join(", ");
                let help = crate::words::nearest(key, annotation::ALL).map_or_else(
                    || format!("known annotations are {known}"),
                    |near| format!("did you mean `@{near}`?"),
                );
                findings.push(
                    Diagnostic::error(
                        file,
                        "unknown-annotation",
                        offset,
                        length,
                        format!("unknown annotation `@{key}`"),
                    )
                    .with_help(help),
                );
            } else if value.trim().is_empty() {
                let message = format!("`@{key}` has no text");
                findings.push(Diagnostic::error(
                    file,
                    "empty-annotation",
                    offset,
                    length,
                    message,
                ));
            }
        }
        let id = cedar.annotation(annotation::ID).unwrap_or("").to_owned();
        if cedar.annotation(annotation::ID).is_none() {
            findings.push(
                Diagnostic::error(file, "missing-id", at.start, 1, "the policy has no `@id`")
                    .with_help("give it a name of its own, such as `@id(\"managed-devices-only\")`: explanations, records and tests use it"),
            );
        }
        let mode = match cedar.annotation(annotation::MODE) {
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
        let syntax = cedar.to_pst().ok();
        let mut policy = Self {
            reads: syntax
                .as_ref()
                .map_or(Reads::Everything, |syntax| Reads::of(syntax.body())),
            lints: Vec::new(),
            literals,
            reference: PolicyRef {
                id: id.clone(),
                origin: file.origin(at.start),
                effect,
                reason: cedar.annotation(annotation::REASON).map(ToOwned::to_owned),
                advice: cedar.annotation(annotation::ADVICE).map(ToOwned::to_owned),
            },
            mode,
            at,
            cedar: cedar.new_id(PolicyId::new(id)),
        };
        if let Some(syntax) = syntax {
            policy.lints = lint::alone(file, &policy, syntax.body());
        }
        Ok(policy)
    }

    pub(crate) fn id(&self) -> &str {
        &self.reference.id
    }
}

fn is_template(text: &str) -> bool {
    cedar_policy::Template::parse(None, text).is_ok()
}
