//! The schema of a bundle: the built-in one, or the organisation's own that keeps the contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::{Schema, SchemaFragment, Validator};
use serde_json::Value;

use crate::bundle::has_extension;
use crate::error::{Diagnostic, Severity};
use crate::guard;
use crate::source::SourceFile;

/// The text of the schema that is built in, `schema/doorward.cedarschema`.
pub const BUILT_IN: &str = include_str!("../../schema/doorward.cedarschema");

/// A schema, and the digest of the text it came from.
#[derive(Debug)]
pub(crate) struct BundleSchema {
    pub(crate) validator: Validator,
    digest: [u8; 32],
}

impl BundleSchema {
    /// The bundle's schema, or the built-in one where it brings none. An unchanged schema is the
    /// very same object as `previous`.
    pub(crate) fn load(
        files: &[SourceFile],
        previous: Option<&Arc<Self>>,
    ) -> (Option<Arc<Self>>, Vec<Diagnostic>) {
        let own: Vec<&SourceFile> = files
            .iter()
            .filter(|f| has_extension(&f.name, "cedarschema"))
            .collect();
        let built_in = SourceFile::new("doorward.cedarschema", BUILT_IN);
        let file = match own.as_slice() {
            [] => &built_in,
            [one] => one,
            [first, second, ..] => {
                let message = format!(
                    "a bundle has one schema, and there is already {}",
                    first.name
                );
                let finding = Diagnostic::error(second, "schema", 0, 0, message)
                    .with_help("join them into one file");
                return (None, vec![finding]);
            }
        };
        let digest = file.digest();
        if let Some(unchanged) = previous.filter(|old| old.digest == digest) {
            return (Some(Arc::clone(unchanged)), Vec::new());
        }
        if let Some(finding) = guard::nesting(file) {
            return (None, vec![finding]);
        }
        match Schema::from_cedarschema_str(&file.text) {
            Ok((cedar, warnings)) => {
                let mut findings: Vec<Diagnostic> = warnings
                    .map(|warning| {
                        let mut finding = Diagnostic::from_cedar(file, 0, 0, "schema", &warning);
                        finding.severity = Severity::Warning;
                        finding
                    })
                    .collect();
                findings.extend(broken_contract(file));
                (
                    Some(Arc::new(Self {
                        validator: Validator::new(cedar),
                        digest,
                    })),
                    findings,
                )
            }
            Err(error) => (
                None,
                vec![Diagnostic::from_cedar(file, 0, 0, "schema", &error)],
            ),
        }
    }
}

/// Everything of the built-in schema that `file` lacks or changes.
fn broken_contract(file: &SourceFile) -> Vec<Diagnostic> {
    let (Some(contract), Some(own)) = (declarations(BUILT_IN), declarations(&file.text)) else {
        let message = "the schema cannot be compared with the built-in one";
        return vec![Diagnostic::error(file, "schema-contract", 0, 0, message)];
    };
    contract
        .iter()
        .filter(|(path, kind)| own.get(*path) != Some(kind))
        .map(|(path, _)| {
            let message = match own.get(path) {
                None => format!("the schema lacks {path}"),
                Some(_) => {
                    format!(
                        "the schema changes {path}, which must stay as it is in the built-in one"
                    )
                }
            };
            let word = path
                .rsplit([' ', '.'])
                .next()
                .unwrap_or(path)
                .trim_matches('`');
            let at = file.text.find(word);
            Diagnostic::error(
                file,
                "schema-contract",
                at.unwrap_or(0),
                at.map_or(0, |_| word.len()),
                message,
            )
            .with_help(
                "start from the built-in schema and only add to it; `doorward schema` prints it",
            )
        })
        .collect()
}

/// Each declared thing with its type as text: flat, so that two schemas compare line by line.
fn declarations(text: &str) -> Option<BTreeMap<String, String>> {
    let (fragment, _) = SchemaFragment::from_cedarschema_str(text).ok()?;
    let json = fragment.to_json_value().ok()?;
    let root = json.get("")?;
    let mut all = BTreeMap::new();
    for (name, entity) in root.get("entityTypes")?.as_object()? {
        let parents = entity.get("memberOfTypes").cloned().unwrap_or(Value::Null);
        let choices = entity.get("enum").cloned().unwrap_or(Value::Null);
        all.insert(
            format!("entity `{name}`"),
            format!("in {parents}, one of {choices}"),
        );
        attributes(&format!("`{name}"), entity.get("shape"), &mut all);
    }
    for (name, common) in root
        .get("commonTypes")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        attributes(&format!("`{name}"), Some(common), &mut all);
    }
    for (name, action) in root.get("actions")?.as_object()? {
        let applies = action.get("appliesTo").cloned().unwrap_or(Value::Null);
        for part in ["principalTypes", "resourceTypes", "context"] {
            let value = applies.get(part).map(plain).unwrap_or_default();
            all.insert(format!("{part} of action `{name}`"), value);
        }
    }
    Some(all)
}

fn attributes(prefix: &str, shape: Option<&Value>, all: &mut BTreeMap<String, String>) {
    let fields = shape
        .and_then(|shape| shape.get("attributes"))
        .and_then(Value::as_object);
    for (name, field) in fields.into_iter().flatten() {
        all.insert(format!("{prefix}.{name}`"), plain(field));
    }
}

/// A type without the annotations and documentation that may differ.
fn plain(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let kept: BTreeMap<&String, String> = fields
                .iter()
                .filter(|(key, _)| *key != "annotations")
                .map(|(key, value)| (key, plain(value)))
                .collect();
            kept.iter()
                .map(|(key, value)| format!("{key}: {value}"))
                .collect::<Vec<_>>()
                .join(", ")
        }
        other => other.to_string(),
    }
}
