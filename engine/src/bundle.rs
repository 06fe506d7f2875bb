//! A bundle: policies, schema and entity data that were checked as a whole. Immutable.
//!
//! Reading files is the caller's; so is deciding when a new bundle takes the place of an old one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{EntityUid, PolicySet, ValidationMode};
use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::error::{BundleError, Diagnostic, Severity, sort};
use crate::guardrails::is_guardrail_file;
use crate::lint;
use crate::policy::{Mode, Policy, PolicyEffect, PolicyRef};
use crate::reads::Reads;
use crate::revision::Revision;
use crate::schema::BundleSchema;
use crate::slice::Index;
use crate::source::SourceFile;
use crate::stack;

/// A validated set of policies with its schema and entity data.
#[derive(Debug)]
pub struct PolicyBundle {
    pub(crate) schema: Arc<BundleSchema>,
    pub(crate) catalogue: Catalogue,
    pub(crate) index: Index,
    policies: HashMap<String, Arc<Policy>>,
    files: HashMap<Arc<str>, CheckedFile>,
    warnings: Arc<[Diagnostic]>,
    revision: Revision,
    names_devices: bool,
    /// Attributes that some policy can read.
    pub(crate) reads: Reads,
    /// Entities that some policy names. Whether something is in any other entity, no policy can ask:
    /// attributes hold no groups.
    pub(crate) names: HashSet<EntityUid>,
}

/// A policy file as checked against a schema, kept so that an unchanged file is not checked again.
#[derive(Debug, Clone)]
struct CheckedFile {
    digest: [u8; 32],
    file: SourceFile,
    policies: Arc<[Arc<Policy>]>,
    warnings: Arc<[Diagnostic]>,
}

/// What an operator wants to know of a bundle at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Permits that decide.
    pub permits: usize,
    /// Forbids that decide.
    pub forbids: usize,
    /// Policies that only report.
    pub report_only: usize,
}

impl PolicyBundle {
    /// Checks the files of a bundle as a whole: `*.cedar` policies, at most one `*.cedarschema`,
    /// `entities.toml` and `entities.json` at any depth. Files of other names are left alone.
    ///
    /// `previous` is the bundle this one replaces: files that did not change are not parsed again.
    ///
    /// # Errors
    /// Everything that is wrong in any of the files, with places.
    pub fn load(files: &[SourceFile], previous: Option<&Self>) -> Result<Self, BundleError> {
        stack::with_enough(|| Self::load_of(files, previous, is_policy_file))
    }

    /// The same with those files as policies that `is_policy` says.
    pub(crate) fn load_of(
        files: &[SourceFile],
        previous: Option<&Self>,
        is_policy: impl Fn(&str) -> bool,
    ) -> Result<Self, BundleError> {
        let mut files: Vec<SourceFile> = files.iter().map(without_byte_order_mark).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let (schema, mut findings) =
            BundleSchema::load(&files, previous.map(|bundle| &bundle.schema));
        let data: Vec<SourceFile> = files
            .iter()
            .filter(|f| is_entity_data(&f.name))
            .cloned()
            .collect();
        let (catalogue, data_findings) = Catalogue::load(&data);
        findings.extend(data_findings);

        let same_schema = previous.filter(|old| {
            schema
                .as_ref()
                .is_some_and(|new| Arc::ptr_eq(new, &old.schema))
        });
        let mut checked = HashMap::new();
        let policy_files: Vec<&SourceFile> = files.iter().filter(|f| is_policy(&f.name)).collect();
        for file in &policy_files {
            let digest = file.digest();
            let unchanged = same_schema
                .and_then(|old| old.files.get(&file.name))
                .filter(|known| known.digest == digest);
            let done = match unchanged {
                Some(known) => known.clone(),
                None => check_file(file, digest, schema.as_deref(), &mut findings),
            };
            for policy in done.policies.iter() {
                findings.extend(lint::within(&done.file, policy, &catalogue));
            }
            checked.insert(Arc::clone(&file.name), done);
        }
        if policy_files.is_empty() {
            findings.push(no_policies(&files));
        }
        let ordered: Vec<&CheckedFile> = policy_files
            .iter()
            .filter_map(|file| checked.get(&file.name))
            .collect();
        let policies = unique(&ordered, &mut findings);
        findings.extend(
            ordered
                .iter()
                .flat_map(|file| file.warnings.iter().cloned()),
        );
        sort(&mut findings);
        match schema {
            Some(schema) if findings.iter().all(|d| d.severity != Severity::Error) => {
                let in_order = ordered.iter().flat_map(|file| file.policies.iter());
                let literals = in_order.clone().flat_map(|policy| &policy.literals);
                let names: HashSet<EntityUid> = literals.cloned().collect();
                let names_devices = names.iter().any(is_device);
                let mut reads = Reads::nothing();
                in_order
                    .clone()
                    .for_each(|policy| reads.join(&policy.reads));
                Ok(Self {
                    index: Index::new(in_order, previous.map(|bundle| &bundle.index)),
                    schema,
                    catalogue,
                    policies,
                    files: checked,
                    warnings: findings.into(),
                    revision: Revision::of(&files),
                    names_devices,
                    reads,
                    names,
                })
            }
            _ => Err(BundleError {
                diagnostics: findings.into(),
            }),
        }
    }

    /// The bundle's fingerprint.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What is doubtful about the bundle, though it can be used.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Every policy, in the order of its place.
    #[must_use]
    pub fn policies(&self) -> Vec<(&PolicyRef, Mode)> {
        self.in_order()
            .into_iter()
            .map(|policy| (&policy.reference, policy.mode))
            .collect()
    }

    /// How many policies there are of each kind.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            permits: 0,
            forbids: 0,
            report_only: 0,
        };
        for policy in self.policies.values() {
            match (policy.mode, policy.reference.effect) {
                (Mode::ReportOnly, _) => counts.report_only += 1,
                (Mode::Enforce, PolicyEffect::Permit) => counts.permits += 1,
                (Mode::Enforce, PolicyEffect::Forbid) => counts.forbids += 1,
            }
        }
        counts
    }

    /// Whether the bundle's entity data or policies know the application.
    #[must_use]
    pub fn knows_application(&self, id: &str) -> bool {
        self.catalogue
            .declares(crate::vocabulary::types::APPLICATION, id)
    }

    /// Whether the bundle's entity data declares the group.
    #[must_use]
    pub fn knows_group(&self, id: &str) -> bool {
        self.catalogue.declares(crate::vocabulary::types::GROUP, id)
    }

    /// Every policy in the order of its place.
    pub(crate) fn in_order(&self) -> Vec<&Arc<Policy>> {
        let mut all: Vec<&Arc<Policy>> = self.policies.values().collect();
        all.sort_by(|a, b| a.reference.origin.cmp(&b.reference.origin));
        all
    }

    pub(crate) fn policy(&self, id: &str) -> Option<&Arc<Policy>> {
        self.policies.get(id)
    }

    /// Whether some policy names a device, so that two devices of equal posture can differ.
    pub(crate) fn names_devices(&self) -> bool {
        self.names_devices
    }
}

/// Parses and validates one policy file.
fn check_file(
    file: &SourceFile,
    digest: [u8; 32],
    schema: Option<&BundleSchema>,
    findings: &mut Vec<Diagnostic>,
) -> CheckedFile {
    let (policies, wrong) = Policy::parse_file(file);
    findings.extend(wrong);
    findings.extend(
        policies
            .iter()
            .flat_map(|policy| policy.lints.iter().cloned()),
    );
    let mut warnings = Vec::new();
    if let Some(schema) = schema {
        for found in validate(file, &policies, schema) {
            match found.severity {
                Severity::Error => findings.push(found),
                Severity::Warning => warnings.push(found),
            }
        }
    }
    CheckedFile {
        digest,
        file: file.clone(),
        policies: policies.into(),
        warnings: warnings.into(),
    }
}

fn validate(file: &SourceFile, policies: &[Arc<Policy>], schema: &BundleSchema) -> Vec<Diagnostic> {
    // Numbered ids: two policies of a file with one `@id` are each validated, and reported by `unique`.
    let mut set = PolicySet::new();
    for (number, policy) in policies.iter().enumerate() {
        let numbered = cedar_policy::PolicyId::new(number.to_string());
        // INVARIANT: numbers are unique and policies are static, so `add` cannot refuse.
        let added = set.add(policy.cedar.new_id(numbered));
        debug_assert!(added.is_ok(), "numbers are unique");
    }
    let result = schema.validator.validate(&set, ValidationMode::Strict);
    let found = |id: &cedar_policy::PolicyId, error: &dyn miette::Diagnostic, code| {
        let number: Option<usize> = AsRef::<str>::as_ref(id).parse().ok();
        let policy = number.and_then(|number| policies.get(number))?;
        let mut finding = Diagnostic::from_cedar(file, policy.base, policy.at.clone(), code, error);
        let numbered = format!("for policy `{id}`, ");
        finding.message = match finding.message.strip_prefix(&numbered) {
            Some(rest) => format!("in policy `{}`: {rest}", policy.id()),
            None => finding.message,
        };
        Some(finding)
    };
    let errors = result
        .validation_errors()
        .filter_map(|error| found(error.policy_id(), error, "validation"));
    let warnings = result
        .validation_warnings()
        .filter_map(|warning| found(warning.policy_id(), warning, "suspicious"));
    let mut all = once_for_all_actions(errors.collect());
    all.extend(warnings.map(|mut warning| {
        warning.severity = Severity::Warning;
        warning
    }));
    all
}

/// The validator reports a mistake for each action that the policy is about: once is enough.
fn once_for_all_actions(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let general = |finding: &Diagnostic| match finding.message.split_once(" for Action::") {
        Some((before, _)) => before.to_owned(),
        None => finding.message.clone(),
    };
    let mut kept: Vec<Diagnostic> = Vec::new();
    for finding in found {
        let twin = kept
            .iter_mut()
            .find(|known| known.labels == finding.labels && general(known) == general(&finding));
        match twin {
            Some(twin) if twin.message != finding.message => twin.message = general(twin),
            Some(_) => {}
            None => kept.push(finding),
        }
    }
    kept
}

/// All policies by id; a repeated id is an error that shows both places.
fn unique(files: &[&CheckedFile], findings: &mut Vec<Diagnostic>) -> HashMap<String, Arc<Policy>> {
    let mut policies: HashMap<String, Arc<Policy>> = HashMap::new();
    for file in files {
        for policy in file.policies.iter() {
            if let Some(first) = policies.get(policy.id()) {
                let message = format!(
                    "`@id(\"{}\")` is already used at {}",
                    policy.id(),
                    first.reference.origin
                );
                findings.push(
                    Diagnostic::error(
                        &file.file,
                        "duplicate-id",
                        policy.at.start,
                        policy.at.len().min(3),
                        message,
                    )
                    .with_help("each policy needs an id of its own, over all files"),
                );
            } else {
                policies.insert(policy.id().to_owned(), Arc::clone(policy));
            }
        }
    }
    policies
}

fn no_policies(files: &[SourceFile]) -> Diagnostic {
    let none = SourceFile::new("", "");
    let message = "there is no policy file, and without a policy nobody gets in";
    Diagnostic::error(files.first().unwrap_or(&none), "no-policies", 0, 0, message)
        .with_help("write policies into files whose names end in `.cedar`")
}

fn is_device(uid: &EntityUid) -> bool {
    uid.type_name().basename() == crate::vocabulary::types::DEVICE
}

/// Whether the file belongs to a bundle: policies, schema or entity data.
#[must_use]
pub fn is_bundle_file(name: &str) -> bool {
    is_policy_file(name) || has_extension(name, "cedarschema") || is_entity_data(name)
}

fn is_policy_file(name: &str) -> bool {
    has_extension(name, "cedar") && !is_guardrail_file(name)
}

pub(crate) fn is_entity_data(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    matches!(last, "entities.toml" | "entities.json")
}

pub(crate) fn has_extension(name: &str, extension: &str) -> bool {
    std::path::Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

fn without_byte_order_mark(file: &SourceFile) -> SourceFile {
    match file.text.strip_prefix('\u{feff}') {
        Some(text) => SourceFile::new(Arc::clone(&file.name), text),
        None => file.clone(),
    }
}
