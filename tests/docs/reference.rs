//! What the references have to name: keys of the configuration with their defaults, commands with their options.

use doorward::config::Config;
use serde_json::Value;

/// A key of the configuration, with its default as the reference writes it.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) defaults: Vec<String>,
}

/// Every key, by section and name.
pub(super) fn settings() -> Vec<Setting> {
    let schema = Config::json_schema().to_value();
    let mut settings = Vec::new();
    for (name, property) in properties(&schema) {
        let section = definition(&schema, property).filter(|it| it.get("properties").is_some());
        let Some(section) = section else {
            settings.push(Setting {
                name: name.clone(),
                defaults: property.get("default").map(shown).unwrap_or_default(),
            });
            continue;
        };
        for (key, inner) in properties(section) {
            let of_section = property.get("default").and_then(|all| all.get(key));
            let default = inner.get("default").or(of_section);
            settings.push(Setting {
                name: format!("{name}.{key}"),
                defaults: default.map(shown).unwrap_or_default(),
            });
        }
    }
    settings
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}

/// The definition that a property refers to, where it may be left out as well.
fn definition<'a>(schema: &'a Value, property: &'a Value) -> Option<&'a Value> {
    let choices = property.get("anyOf").and_then(Value::as_array);
    let name = std::iter::once(property)
        .chain(choices.into_iter().flatten())
        .find_map(|it| it.get("$ref"))?
        .as_str()?
        .strip_prefix("#/$defs/")?;
    schema.get("$defs")?.get(name)
}

fn shown(default: &Value) -> Vec<String> {
    match default {
        Value::String(text) => vec![format!("`{text}`")],
        Value::Number(number) => vec![format!("`{number}`")],
        Value::Array(values) => values.iter().flat_map(shown).collect(),
        _ => Vec::new(),
    }
}

/// A row of the reference of the configuration.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) text: String,
}

/// The rows of the tables below headings that name a section.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let (mut rows, mut section) = (Vec::new(), "");
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let bracketed = heading.strip_prefix("`[");
            section = bracketed
                .and_then(|rest| rest.strip_suffix("]`"))
                .unwrap_or_default();
        }
        let cell = line.strip_prefix("| `");
        if let Some((key, rest)) = cell.and_then(|cell| cell.split_once("` |")) {
            let dot = if section.is_empty() { "" } else { "." };
            rows.push(Row {
                name: format!("{section}{dot}{key}"),
                text: rest.to_owned(),
            });
        }
    }
    rows
}

/// Commands that do something, each with the names of its options.
pub(super) fn leaves(command: &clap::Command, path: &str) -> Vec<(String, Vec<String>)> {
    let below: Vec<(String, Vec<String>)> = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
        .flat_map(|inner| leaves(inner, &format!("{path} {}", inner.get_name())))
        .collect();
    if !below.is_empty() {
        return below;
    }
    let options = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(clap::Arg::get_long)
        .filter(|name| !["help", "version"].contains(name))
        .map(ToOwned::to_owned)
        .collect();
    vec![(path.to_owned(), options)]
}
