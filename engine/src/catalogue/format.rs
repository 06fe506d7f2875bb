//! Entity data as it is written: TOML, or Cedar's JSON. Both read into the same entries.

use std::collections::{BTreeMap, BTreeSet};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    network: BTreeMap<String, NetworkEntry>,
    #[serde(default)]
    region: BTreeMap<String, RegionEntry>,
    #[serde(default)]
    application: BTreeMap<String, MemberEntry>,
    #[serde(default)]
    application_group: BTreeMap<String, MemberEntry>,
    #[serde(default)]
    group: BTreeMap<String, MemberEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    #[serde(default)]
    ranges: Vec<String>,
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    #[serde(default)]
    countries: Vec<String>,
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberEntry {
    #[serde(default, rename = "in")]
    parents: BTreeSet<String>,
}

pub(super) fn read_toml(file: &SourceFile) -> Result<Vec<Entry>, Box<Diagnostic>> {
    let read: File = toml::from_str(&file.text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        Box::new(Diagnostic::error(
            file,
            "entity-data",
            at.start,
            at.len(),
            error.message().trim().replace('\n', ", "),
        ))
    })?;
    let plain = |kind: &'static str, entries: BTreeMap<String, MemberEntry>| {
        entries.into_iter().map(move |(id, entry)| Entry {
            name: (kind, id),
            parents: entry.parents,
            ranges: Vec::new(),
            members: Vec::new(),
        })
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
    Ok(networks
        .chain(regions)
        .chain(plain(types::APPLICATION, read.application))
        .chain(plain(types::APPLICATION_GROUP, read.application_group))
        .chain(plain(types::GROUP, read.group))
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
