//! The facts that policies can read: types and attributes as the schema declares them, with what its comments
//! say of them. A schema that cannot be read is passed over for the built-in one.

use std::collections::BTreeMap;

use cedar_policy::SchemaFragment;
use serde_json::{Map, Value};

use super::sources::{REQUEST, source};
use crate::bundle::has_extension;
use crate::guard;
use crate::schema::BUILT_IN;
use crate::source::SourceFile;
use crate::vocabulary::types;

/// Types, attributes and actions.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) types: BTreeMap<String, Type>,
    /// Names of the actions, and what is said of them.
    pub(super) actions: BTreeMap<String, Option<String>>,
}

/// A type: of entities, or of records.
#[derive(Debug, Default)]
pub(super) struct Type {
    pub(super) description: Option<String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// The ids of all entities, where the schema lists them.
    pub(super) choices: Vec<String>,
    /// Whether policies can name it.
    pub(super) is_entity: bool,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    /// The type, as policies would write it.
    pub(super) kind: String,
    /// The type whose attributes follow behind a dot.
    leads_to: Option<String>,
    pub(super) is_required: bool,
    pub(super) description: Option<String>,
    pub(super) source: Option<&'static str>,
}

/// What comments say: of an attribute by its type and name, of a type by its name and nothing.
type Comments = BTreeMap<(String, String), String>;

impl Facts {
    /// What the schema among these files declares, or the built-in one.
    pub(super) fn of(files: &[SourceFile]) -> Self {
        let own = files
            .iter()
            .find(|file| has_extension(&file.name, "cedarschema"));
        let built_in = || Self::read(&SourceFile::new("doorward.cedarschema", BUILT_IN));
        own.and_then(Self::read)
            .or_else(built_in)
            .unwrap_or_default()
    }

    fn read(file: &SourceFile) -> Option<Self> {
        if guard::nesting(file).is_some() {
            return None;
        }
        let (fragment, _) = SchemaFragment::from_cedarschema_str(&file.text).ok()?;
        let json = fragment.to_json_value().ok()?;
        let root = json.get("")?;
        // A copy of the built-in schema may have lost its comments.
        let mut comments = comments(BUILT_IN);
        comments.extend(self::comments(&file.text));
        let mut facts = Self::default();
        for (name, entity) in fields(root, "entityTypes") {
            let of = facts.types.entry(name.clone()).or_default();
            of.is_entity = true;
            of.choices = strings(entity.get("enum"));
            if let Some(shape) = entity.get("shape") {
                facts.record(name, (name.as_str(), None), shape, &comments);
            }
        }
        for (name, kind) in fields(root, "commonTypes") {
            facts.record(name, (name.as_str(), None), kind, &comments);
        }
        for (name, action) in fields(root, "actions") {
            let said = description(&comments, types::ACTION, name, action);
            facts.actions.insert(name.clone(), said);
        }
        for (name, of) in &mut facts.types {
            of.description = comments.get(&(name.clone(), String::new())).cloned();
        }
        Some(facts)
    }

    /// Takes in the attributes of a type. Where the record is the value of an attribute, `from` names that:
    /// its values come from the same place.
    fn record(
        &mut self,
        name: &str,
        from: (&str, Option<&str>),
        shape: &Value,
        comments: &Comments,
    ) {
        for (attribute, field) in fields(shape, "attributes") {
            let (owner, within) = (from.0, from.1.unwrap_or(attribute));
            let mut leads_to = named(field).map(ToOwned::to_owned);
            if field.get("attributes").is_some() {
                let inner = format!("{name}.{attribute}");
                self.record(&inner, (owner, Some(within)), field, comments);
                leads_to = Some(inner);
            }
            let attributes = &mut self.types.entry(name.to_owned()).or_default().attributes;
            attributes.insert(
                attribute.clone(),
                Attribute {
                    kind: kind(field),
                    leads_to,
                    is_required: field
                        .get("required")
                        .and_then(Value::as_bool)
                        .unwrap_or(true),
                    description: description(comments, name, attribute, field),
                    source: source(owner, within),
                },
            );
        }
    }

    /// The attributes of what a path leads to.
    pub(super) fn attributes(&self, path: &[&str]) -> Option<&BTreeMap<String, Attribute>> {
        let (variable, rest) = path.split_first()?;
        let mut of = self.types.get(variable_type(variable)?)?;
        for name in rest {
            let next = of.attributes.get(*name)?.leads_to.as_deref()?;
            of = self.types.get(next)?;
        }
        Some(&of.attributes)
    }
}

/// The type of a variable that has attributes.
pub(super) fn variable_type(variable: &str) -> Option<&'static str> {
    match variable {
        "principal" => Some(types::USER),
        "resource" => Some(types::APPLICATION),
        "context" => Some(REQUEST),
        _ => None,
    }
}

fn fields<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let fields: Option<&Map<String, Value>> = of.get(key).and_then(Value::as_object);
    fields.into_iter().flatten()
}

fn strings(of: Option<&Value>) -> Vec<String> {
    let values = of.and_then(Value::as_array).into_iter().flatten();
    values
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}

/// The name of the type of a field, if it is not spelled out.
fn named(field: &Value) -> Option<&str> {
    let text = |key: &str| field.get(key).and_then(Value::as_str);
    match text("type")? {
        "EntityOrCommon" | "Entity" | "Extension" | "CommonType" => {
            text("name").map(|name| name.trim_start_matches("__cedar::"))
        }
        _ => None,
    }
}

/// The type of a field, as policies would write it.
fn kind(field: &Value) -> String {
    if let Some(name) = named(field) {
        return name.to_owned();
    }
    match field.get("type").and_then(Value::as_str) {
        Some("Set") => field
            .get("element")
            .map_or_else(|| "Set".to_owned(), |of| format!("Set<{}>", kind(of))),
        Some("Boolean") => "Bool".to_owned(),
        Some(other) => other.to_owned(),
        None => "unknown".to_owned(),
    }
}

/// What is said of an attribute or action: in a comment, or in an annotation of Cedar's.
fn description(comments: &Comments, of: &str, name: &str, field: &Value) -> Option<String> {
    let comment = comments.get(&(of.to_owned(), name.to_owned())).cloned();
    comment.or_else(|| {
        let annotations = field.get("annotations")?;
        annotations.get("doc")?.as_str().map(ToOwned::to_owned)
    })
}

/// The `///` comments of a schema, each by what it stands above.
fn comments(schema: &str) -> Comments {
    let mut found = Comments::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut owners: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    for line in schema.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix("///") {
            comment.push(said.trim());
            continue;
        }
        if line.starts_with('@') {
            continue;
        }
        let said = comment.join(" ");
        comment.clear();
        if depth == 0
            && let Some((keyword, rest)) = line.split_once(' ')
            && ["entity", "type", "action"].contains(&keyword)
        {
            let names = declared(rest);
            let is_action = keyword == "action";
            let about = names.iter().map(|name| {
                if is_action {
                    (types::ACTION.to_owned(), name.clone())
                } else {
                    (name.clone(), String::new())
                }
            });
            keep(&mut found, about.collect(), &said);
            // What an action applies to looks like attributes, and is none.
            owners = if is_action { Vec::new() } else { names };
        } else if depth == 1
            && let Some((name, _)) = line.split_once(':')
        {
            let name = name.trim_matches(['?', '"', ' ']);
            let about = owners
                .iter()
                .map(|owner| (owner.clone(), name.to_owned()))
                .collect();
            keep(&mut found, about, &said);
        }
        let code = line.split("//").next().unwrap_or_default();
        depth = (depth + code.matches('{').count()).saturating_sub(code.matches('}').count());
    }
    found
}

fn keep(found: &mut Comments, about: Vec<(String, String)>, said: &str) {
    if !said.is_empty() {
        found.extend(about.into_iter().map(|about| (about, said.to_owned())));
    }
}

/// The names at the beginning of a declaration: `A, B in [C] = {` declares two.
fn declared(rest: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in rest.split(',') {
        let mut words = part.split_whitespace();
        let name = words.next().unwrap_or_default();
        names.push(name.trim_matches(['"', ';', '{', '=']).to_owned());
        if words.next().is_some() {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[cfg(test)]
mod tests {
    use super::super::sources::built_in;
    use super::*;

    const PATHS: [&[&str]; 4] = [
        &["principal"],
        &["context"],
        &["context", "device"],
        &["context", "session"],
    ];

    fn own(added: &str) -> Facts {
        let text = BUILT_IN.replace("  email?: String,", &format!("  email?: String,\n{added}"));
        Facts::of(&[SourceFile::new("policies/own.cedarschema", text)])
    }

    #[test]
    fn every_attribute_of_the_built_in_schema_has_a_description_and_a_source() {
        let facts = Facts::of(&[]);
        let mut seen = 0;
        for (name, of) in &facts.types {
            for (attribute, known) in &of.attributes {
                assert!(known.description.is_some(), "{name}.{attribute}");
                assert!(built_in(name, attribute).is_some(), "{name}.{attribute}");
                seen += 1;
            }
        }
        assert_eq!(seen, 17);
        for path in PATHS {
            assert!(facts.attributes(path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn types_and_actions_are_described() {
        let facts = Facts::of(&[]);
        for (name, of) in &facts.types {
            assert!(of.description.is_some(), "{name}");
        }
        assert!(facts.actions["signIn"].is_some());
        assert!(facts.types["Platform"].choices.contains(&"ios".to_owned()));
    }

    #[test]
    fn attributes_of_ones_own_have_their_comments_and_the_file_they_come_from() {
        let facts = own(
            "  /// The team.\n  /// One of them.\n  team?: String,\n  badge: { level: Long },\n",
        );
        let user = facts.attributes(&["principal"]).unwrap();
        assert_eq!(
            user["team"].description.as_deref(),
            Some("The team. One of them.")
        );
        assert!(!user["team"].is_required);
        assert!(user["team"].source.unwrap().contains("users file"));
        let badge = facts.attributes(&["principal", "badge"]).unwrap();
        assert_eq!(badge["level"].kind, "Long");
        assert!(badge["level"].source.unwrap().contains("users file"));
    }

    #[test]
    fn a_schema_without_comments_keeps_those_of_the_contract() {
        let bare: Vec<&str> = BUILT_IN
            .lines()
            .filter(|line| !line.trim().starts_with("//"))
            .collect();
        let facts = Facts::of(&[SourceFile::new("a.cedarschema", bare.join("\n"))]);
        let device = facts.attributes(&["context", "device"]).unwrap();
        assert!(device["managed"].description.is_some());
        assert_eq!(device["assignedTo"].kind, "Set<User>");
    }

    #[test]
    fn a_broken_schema_leaves_the_built_in_one() {
        let facts = Facts::of(&[SourceFile::new("a.cedarschema", "entity User = {")]);
        assert!(facts.attributes(&["context", "device"]).is_some());
    }
}
