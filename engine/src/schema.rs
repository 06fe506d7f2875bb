//! The schema of a bundle: the built-in one, or the organisation's own that keeps the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::{EntityUid, Schema, SchemaFragment, Validator};
use serde_json::Value;

use crate::attributes::{Custom, CustomAttributes};
use crate::bundle::has_extension;
use crate::entities::{action_name, uid};
use crate::error::{Diagnostic, Severity};
use crate::guard;
use crate::request::Action;
use crate::source::SourceFile;
use crate::vocabulary::types;

/// The text of the schema that is built in, `schema/doorward.cedarschema`.
pub const BUILT_IN: &str = include_str!("../../schema/doorward.cedarschema");

/// Most types and actions that a schema may declare: chains of them are closed by recursion.
const MAX_DECLARATIONS: usize = 1_000;

/// A schema, and the digest of the text it came from.
#[derive(Debug)]
pub(crate) struct BundleSchema {
    pub(crate) validator: Validator,
    /// The groups of actions that each action is in.
    action_groups: Vec<(EntityUid, Vec<EntityUid>)>,
    /// What the organisation added.
    pub(crate) custom: CustomAttributes,
    digest: [u8; 32],
    text: Arc<str>,
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
        match Self::read(file, digest) {
            Ok((schema, findings)) => (Some(Arc::new(schema)), findings),
            Err(findings) => (None, findings),
        }
    }

    fn read(
        file: &SourceFile,
        digest: [u8; 32],
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        if let Some(finding) = guard::nesting(file) {
            return Err(vec![finding]);
        }
        let wrong = |error: &dyn miette::Diagnostic| {
            vec![Diagnostic::from_cedar(file, 0, 0..0, "schema", error)]
        };
        let own = match SchemaFragment::from_cedarschema_str(&file.text) {
            Ok((fragment, _)) => Declarations::of(&fragment),
            Err(error) => return Err(wrong(&error)),
        };
        let own = own.ok_or_else(|| {
            let message = "the schema cannot be compared with the built-in one";
            vec![Diagnostic::error(file, "schema-contract", 0, 0, message)]
        })?;
        if own.count > MAX_DECLARATIONS {
            let message =
                format!("the schema declares more than {MAX_DECLARATIONS} types and actions");
            return Err(vec![Diagnostic::error(
                file,
                "schema-too-large",
                0,
                0,
                message,
            )]);
        }
        let (cedar, warnings) =
            Schema::from_cedarschema_str(&file.text).map_err(|error| wrong(&error))?;
        let mut findings: Vec<Diagnostic> = warnings
            .map(|warning| {
                let mut finding = Diagnostic::from_cedar(file, 0, 0..0, "schema", &warning);
                finding.severity = Severity::Warning;
                finding
            })
            .collect();
        findings.extend(own.broken_contract(file));
        let schema = Self {
            action_groups: action_groups(&cedar),
            custom: own.custom,
            validator: Validator::new(cedar),
            digest,
            text: Arc::clone(&file.text),
        };
        Ok((schema, findings))
    }

    /// The text it was read from.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The groups of actions that an action is in.
    pub(crate) fn action_groups(&self, action: &EntityUid) -> &[EntityUid] {
        self.action_groups
            .iter()
            .find(|(known, _)| known == action)
            .map_or(&[], |(_, groups)| groups)
    }
}

fn action_groups(schema: &Schema) -> Vec<(EntityUid, Vec<EntityUid>)> {
    // INVARIANT: a schema that loaded has no cycle of actions, which is all that can be wrong here.
    let Ok(entities) = schema.action_entities() else {
        return Vec::new();
    };
    Action::ALL
        .map(|action| {
            let action = uid(types::ACTION, action_name(action));
            let groups = entities
                .ancestors(&action)
                .map(|groups| groups.cloned().collect())
                .unwrap_or_default();
            (action, groups)
        })
        .to_vec()
}

/// What a schema declares, flat, so that two schemas compare line by line.
#[derive(Debug, Default)]
struct Declarations {
    /// Each declared thing with its type as text.
    all: BTreeMap<String, String>,
    /// Names of common types.
    common: BTreeSet<String>,
    /// Types with tags.
    tagged: BTreeSet<String>,
    custom: CustomAttributes,
    count: usize,
}

/// Names of Cedar's own types: a common type of such a name would give the contract another meaning.
const CEDAR_TYPES: [&str; 11] = [
    "Bool", "Boolean", "Long", "String", "Set", "Record", "Entity", "ipaddr", "decimal",
    "datetime", "duration",
];

/// Whether the contract, or Cedar itself, gives the name its meaning.
fn is_taken(name: &str) -> bool {
    types::ALL.contains(&name) || CEDAR_TYPES.contains(&name)
}

/// Types that an organisation may add attributes to.
const EXTENSIBLE: [&str; 3] = [types::USER, types::APPLICATION, types::DEVICE];

impl Declarations {
    fn of(fragment: &SchemaFragment) -> Option<Self> {
        let json = fragment.clone().to_json_value().ok()?;
        let namespaces = json.as_object()?;
        let mut read = Self {
            count: namespaces.values().map(declared).sum(),
            ..Self::default()
        };
        let root = namespaces.get("")?;
        for (name, entity) in root.get("entityTypes")?.as_object()? {
            let parents = entity.get("memberOfTypes").cloned().unwrap_or(Value::Null);
            let choices = entity.get("enum").cloned().unwrap_or(Value::Null);
            read.all.insert(
                format!("entity `{name}`"),
                format!("in {parents}, one of {choices}"),
            );
            if entity.get("tags").is_some() {
                read.tagged.insert(name.clone());
            }
            read.attributes(name, entity.get("shape"));
        }
        let common = root.get("commonTypes").and_then(Value::as_object);
        for (name, kind) in common.into_iter().flatten() {
            read.common.insert(name.clone());
            read.attributes(name, Some(kind));
        }
        for (name, action) in root.get("actions")?.as_object()? {
            let applies = action.get("appliesTo").cloned().unwrap_or(Value::Null);
            for part in ["principalTypes", "resourceTypes", "context"] {
                let value = applies.get(part).map(plain).unwrap_or_default();
                read.all.insert(format!("{part} of action `{name}`"), value);
            }
        }
        Some(read)
    }

    fn attributes(&mut self, of: &str, shape: Option<&Value>) {
        let fields = shape
            .and_then(|shape| shape.get("attributes"))
            .and_then(Value::as_object);
        for (name, field) in fields.into_iter().flatten() {
            self.all.insert(format!("`{of}.{name}`"), plain(field));
            if EXTENSIBLE.contains(&of) {
                self.custom.declare(of, name, Custom::of(field));
            }
        }
    }

    /// Everything of the built-in schema that this one lacks or changes, and what it must not add.
    fn broken_contract(&self, file: &SourceFile) -> Vec<Diagnostic> {
        let contract = SchemaFragment::from_cedarschema_str(BUILT_IN)
            .ok()
            .and_then(|(fragment, _)| Self::of(&fragment))
            .unwrap_or_default();
        let mut broken: Vec<(String, String)> = Vec::new();
        for (path, kind) in &contract.all {
            match self.all.get(path) {
                Some(own) if own == kind => {}
                None => broken.push((path.clone(), format!("the schema lacks {path}"))),
                Some(_) => broken.push((
                    path.clone(),
                    format!(
                        "the schema changes {path}, which must stay as it is in the built-in one"
                    ),
                )),
            }
        }
        for name in self.common.iter().filter(|name| is_taken(name)) {
            broken.push((
                name.clone(),
                format!("the schema gives the name `{name}` a new meaning"),
            ));
        }
        // Nothing can supply them, so a forbid that waits for them would never apply.
        for name in self.tagged.iter().filter(|name| is_taken(name)) {
            broken.push((
                name.clone(),
                format!("the schema gives `{name}` tags, which nothing supplies"),
            ));
        }
        for path in self
            .all
            .keys()
            .filter(|path| !contract.all.contains_key(*path))
        {
            let owner = path.trim_matches('`').split('.').next().unwrap_or("");
            let closed = path.contains('.') && [types::SESSION, "Request"].contains(&owner);
            if closed || is_taken(owner) && path.contains('.') && !EXTENSIBLE.contains(&owner) {
                broken.push((
                    path.clone(),
                    format!("the schema adds {path}, which nothing supplies"),
                ));
            }
        }
        broken
            .into_iter()
            .map(|(path, message)| {
                let word = path.rsplit([' ', '.']).next().unwrap_or(&path).trim_matches('`');
                let at = file.text.find(word);
                let length = at.map_or(0, |_| word.len());
                Diagnostic::error(file, "schema-contract", at.unwrap_or(0), length, message).with_help(
                    "start from the built-in schema, which `doorward schema` prints, and add only to User, Application and Device",
                )
            })
            .collect()
    }
}

/// How many types and actions a namespace declares.
fn declared(namespace: &Value) -> usize {
    ["entityTypes", "commonTypes", "actions"]
        .iter()
        .filter_map(|kind| namespace.get(kind).and_then(Value::as_object))
        .map(serde_json::Map::len)
        .sum()
}

/// A type without the annotations and documentation that may differ.
fn plain(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| *key != "annotations")
            .map(|(key, value)| format!("{key}: {}", plain(value)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}
