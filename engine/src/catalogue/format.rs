//! Entity data as it is written: TOML, or Cedar's JSON. Both read into the same entries.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::{DECLARABLE, Name, about, parent_type};
use crate::error::Diagnostic;
use crate::source::SourceFile;
use crate::vocabulary::types;

/// One declared entity, as read.
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) parents: BTreeSet<String>,
    pub(super) ranges: Vec<String>,
    pub(super) members: Vec<Name>,
}

/// The names that policies use, each declared once. A policy that uses another one is refused.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct EntitiesFile {
    /// Networks, by names of your own: `Network::"…"` in policies.
    #[serde(default)]
    network: BTreeMap<String, NetworkEntry>,
    /// Regions of countries, by names of your own: `Region::"…"` in policies.
    #[serde(default)]
    region: BTreeMap<String, RegionEntry>,
    /// Applications, by the names that clients carry in the clients file: `Application::"…"` in policies.
    #[serde(default)]
    application: BTreeMap<String, ApplicationEntry>,
    /// Groups of applications, by names of your own: `ApplicationGroup::"…"` in policies.
    #[serde(default)]
    application_group: BTreeMap<String, ApplicationGroupEntry>,
    /// Groups of users, by the names that the users file puts people into: `Group::"…"` in policies.
    #[serde(default)]
    group: BTreeMap<String, GroupEntry>,
}

/// A network: all addresses of its ranges, and of the networks that are in it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    /// Its address ranges, such as `203.0.113.0/24` or `2001:db8::/32`, or single addresses.
    #[serde(default)]
    ranges: Vec<String>,
    /// The networks that it is in.
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

/// A region: some countries, and those of the regions that are in it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    /// Its countries, each by the two letters of ISO 3166-1, such as `SG`.
    #[serde(default)]
    countries: Vec<String>,
    /// The regions that it is in.
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

/// An application.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApplicationEntry {
    /// The groups of applications that it is in.
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

/// A group of applications.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApplicationGroupEntry {
    /// The groups of applications that it is in.
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

/// A group of users. Who is in it stands in the users file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    /// The groups of users that it is in.
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

/// The shape of `entities.toml`, as a JSON schema for editors.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(EntitiesFile)
}

pub(super) fn read_toml(file: &SourceFile) -> Result<Vec<Entry>, Box<Diagnostic>> {
    let read: EntitiesFile = toml::from_str(&file.text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        Box::new(Diagnostic::error(
            file,
            "entity-data",
            at.start,
            at.len(),
            error.message().trim().replace('\n', ", "),
        ))
    })?;
    let plain = |kind: &'static str, id: String, parents: BTreeSet<String>| Entry {
        name: (kind, id),
        parents,
        ranges: Vec::new(),
        members: Vec::new(),
    };
    let networks = read.network.into_iter().map(|(id, entry)| Entry {
        name: (types::NETWORK, id),
        parents: entry.parents,
        ranges: entry.ranges,
        members: Vec::new(),
    });
    let regions = read.region.into_iter().map(|(id, entry)| Entry {
        name: (types::REGION, id),
        parents: entry.parents,
        ranges: Vec::new(),
        members: entry
            .countries
            .into_iter()
            .map(|country| (types::COUNTRY, country))
            .collect(),
    });
    let applications = read
        .application
        .into_iter()
        .map(|(id, entry)| plain(types::APPLICATION, id, entry.parents));
    let application_groups = read
        .application_group
        .into_iter()
        .map(|(id, entry)| plain(types::APPLICATION_GROUP, id, entry.parents));
    let groups = read
        .group
        .into_iter()
        .map(|(id, entry)| plain(types::GROUP, id, entry.parents));
    Ok(networks
        .chain(regions)
        .chain(applications)
        .chain(application_groups)
        .chain(groups)
        .collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonEntity {
    uid: JsonUid,
    #[serde(default)]
    attrs: JsonAttributes,
    #[serde(default)]
    parents: Vec<JsonUid>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct JsonAttributes {
    #[serde(default)]
    ranges: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JsonUid {
    Escaped {
        #[serde(rename = "__entity")]
        entity: JsonName,
    },
    Plain(JsonName),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonName {
    r#type: String,
    id: String,
}

impl JsonUid {
    fn name(self) -> JsonName {
        match self {
            Self::Escaped { entity } | Self::Plain(entity) => entity,
        }
    }
}

pub(super) fn read_json(file: &SourceFile) -> Result<Vec<Entry>, Box<Diagnostic>> {
    let entities: Vec<JsonEntity> = serde_json::from_str(&file.text).map_err(|error| {
        let line_start: usize = file
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let offset = line_start + error.column().saturating_sub(1);
        Box::new(Diagnostic::error(
            file,
            "entity-data",
            offset,
            0,
            error.to_string(),
        ))
    })?;
    entities
        .into_iter()
        .map(|entity| entry(file, entity))
        .collect()
}

fn entry(file: &SourceFile, entity: JsonEntity) -> Result<Entry, Box<Diagnostic>> {
    let name = entity.uid.name();
    let Some(kind) = DECLARABLE.into_iter().find(|kind| *kind == name.r#type) else {
        let message = format!("entity data cannot declare a `{}`", name.r#type);
        return Err(Box::new(
            about(file, &name.r#type, message)
                .with_help(format!("it declares: {}", DECLARABLE.join(", "))),
        ));
    };
    let mut parents = BTreeSet::new();
    for parent in entity.parents.into_iter().map(JsonUid::name) {
        if parent_type(kind) != Some(parent.r#type.as_str()) {
            let message = format!("a `{kind}` cannot be in a `{}`", parent.r#type);
            return Err(Box::new(about(file, &parent.id, message)));
        }
        parents.insert(parent.id);
    }
    if kind != types::NETWORK && !entity.attrs.ranges.is_empty() {
        let message = format!(
            "`ranges` belong to a `{}`, not to a `{kind}`",
            types::NETWORK
        );
        return Err(Box::new(about(file, "ranges", message)));
    }
    Ok(Entry {
        name: (kind, name.id),
        parents,
        ranges: entity.attrs.ranges,
        members: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The keys that the reader takes in a table: it names them where it refuses another one.
    fn taken_by_the_reader(table: &str) -> BTreeSet<String> {
        let text = format!("{table}\"no such key\" = 1\n");
        let read = read_toml(&SourceFile::new("entities.toml", text));
        let refusal = read.err().unwrap().message;
        let mut quoted = refusal.split('`').skip(1).step_by(2);
        assert_eq!(quoted.next(), Some("no such key"), "{refusal}");
        quoted.map(ToOwned::to_owned).collect()
    }

    /// The keys that the schema has in a table. It has to refuse every other one.
    fn named_by_the_schema(table: &Value) -> BTreeSet<String> {
        assert_eq!(table["additionalProperties"], false, "{table}");
        let properties = table["properties"].as_object().unwrap();
        properties.keys().cloned().collect()
    }

    #[test]
    fn the_schema_of_the_file_names_the_keys_that_the_reader_takes() {
        let schema = schema().to_value();
        let tables = named_by_the_schema(&schema);
        assert_eq!(tables, taken_by_the_reader(""));
        for table in tables {
            let entry = &schema["properties"][&table]["additionalProperties"]["$ref"];
            let entry = entry.as_str().unwrap().trim_start_matches('#');
            assert_eq!(
                named_by_the_schema(schema.pointer(entry).unwrap()),
                taken_by_the_reader(&format!("[{table}.x]\n")),
                "{table}"
            );
        }
    }

    #[test]
    fn the_schema_of_the_file_describes_every_key() {
        let schema = schema().to_value();
        let entries = schema["$defs"].as_object().unwrap().values();
        for table in entries.chain([&schema]) {
            assert!(table["description"].is_string(), "{table}");
            for (key, property) in table["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{key}");
            }
        }
    }
}
