//! Guardrails: statements about all requests, kept beside the policies and written like them. A `forbid`
//! says what must never be permitted, a `permit` what must never be refused. They decide nothing; the
//! analysis proves them.

use std::collections::BTreeSet;

use crate::bundle::{PolicyBundle, has_extension};
use crate::error::{BundleError, Diagnostic};
use crate::evaluate::matching;
use crate::policy::{Mode, PolicyRef};
use crate::request::AccessRequest;
use crate::source::SourceFile;
use crate::stack;

/// Whether the file holds guardrails: `guardrails.cedar`, or a name that ends in `.guardrails.cedar`.
/// It is no file of the bundle: what is claimed of policies does not change them.
#[must_use]
pub fn is_guardrail_file(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last == "guardrails.cedar" || last.ends_with(".guardrails.cedar")
}

/// What is wrong with the guardrails themselves. What is wrong with the schema or the entity data is told by
/// whoever loads the bundle; here it stands only where nothing else does.
fn of_guardrails(error: &BundleError) -> BundleError {
    let own: Vec<Diagnostic> = error
        .diagnostics
        .iter()
        .filter(|finding| is_guardrail_file(&finding.file.name))
        .cloned()
        .collect();
    if own.is_empty() {
        error.clone()
    } else {
        BundleError {
            diagnostics: own.into(),
        }
    }
}

/// Guardrails, checked against the schema and the entity data of their bundle as its policies are.
#[derive(Debug)]
pub struct Guardrails(PolicyBundle);

impl Guardrails {
    /// Checks the guardrails among `files`, which are those of the bundle as well: none if no file holds
    /// any.
    ///
    /// # Errors
    /// Everything that is wrong with them, as for policies.
    pub fn load(files: &[SourceFile]) -> Result<Option<Self>, BundleError> {
        let is_one = |name: &str| has_extension(name, "cedar") && is_guardrail_file(name);
        if !files.iter().any(|file| is_one(&file.name)) {
            return Ok(None);
        }
        let bundle = stack::with_enough(|| PolicyBundle::load_of(files, None, is_one))
            .map_err(|error| of_guardrails(&error))?;
        let silent = bundle
            .in_order()
            .into_iter()
            .find(|policy| policy.mode == Mode::ReportOnly);
        if let Some(policy) = silent {
            let message = "a guardrail decides nothing, and has no mode";
            let length = policy.at.len().min(5);
            let finding = Diagnostic::error(
                policy.file(),
                "unknown-mode",
                policy.at.start,
                length,
                message,
            );
            return Err(BundleError {
                diagnostics: [finding].into(),
            });
        }
        Ok(Some(Self(bundle)))
    }

    /// Each of them, in the order of its place, with its text.
    #[must_use]
    pub fn all(&self) -> Vec<(&PolicyRef, &str)> {
        let texts = self.0.in_order().into_iter();
        texts
            .map(|policy| (&policy.reference, policy.text()))
            .collect()
    }

    /// The ids of those that speak of the request.
    #[must_use]
    pub fn matching(&self, request: &AccessRequest) -> BTreeSet<String> {
        stack::with_enough(|| matching(&self.0, request))
    }

    pub(crate) fn bundle(&self) -> &PolicyBundle {
        &self.0
    }
}
