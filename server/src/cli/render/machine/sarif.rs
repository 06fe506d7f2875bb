//! Findings as SARIF 2.1.0, which code hosts show beside the lines they are about:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>. Only the few fields that they read.

use std::fmt::Write as _;

use serde::Serialize;

use super::Finding;
use crate::cli::Failure;
use crate::cli::render;
use crate::domain::diagnostic::Severity;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The findings as one run of this program. `page` is what there is to say about a kind of finding, in Markdown.
pub fn sarif(
    findings: &[Finding],
    page: &dyn Fn(&str) -> Option<&'static str>,
) -> Result<String, Failure> {
    let mut codes: Vec<&str> = findings.iter().map(Finding::code).collect();
    codes.sort_unstable();
    codes.dedup();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "doorward",
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: codes
                        .iter()
                        .map(|code| Rule::of(code, page(code)))
                        .collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results: findings
                .iter()
                .map(|finding| Outcome::of(finding, &codes))
                .collect(),
        }],
    };
    render::json(&log)
}

#[derive(Debug, Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    /// What columns count, section 3.14.17.
    column_kind: &'static str,
    results: Vec<Outcome<'a>>,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule<'a>>,
}

/// A kind of finding, section 3.49.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Text>,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<&'static str>,
}

/// A finding, section 3.27.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

/// A part of a file, section 3.30: the end column is the one behind the last character.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

impl<'a> Rule<'a> {
    fn of(id: &'a str, page: Option<&'static str>) -> Self {
        Self {
            id,
            short_description: page.map(|page| Text::plain(first_paragraph(page))),
            help: page.map(|page| Text {
                text: page.to_owned(),
                markdown: Some(page),
            }),
        }
    }
}

impl<'a> Outcome<'a> {
    fn of(finding: &'a Finding, codes: &[&str]) -> Self {
        let Finding {
            diagnostic,
            end_line,
            end_column,
        } = finding;
        let message = match &diagnostic.help {
            Some(help) => format!("{}\n{help}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        let region = diagnostic.line.zip(diagnostic.column);
        let location = Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation {
                    uri: uri(&diagnostic.file),
                },
                region: region.map(|(start_line, start_column)| Region {
                    start_line,
                    start_column,
                    end_line: *end_line,
                    end_column: *end_column,
                }),
            },
        };
        Self {
            rule_id: finding.code(),
            rule_index: codes.binary_search(&finding.code()).unwrap_or(0),
            level: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: Text::plain(message),
            locations: if diagnostic.file.is_empty() {
                Vec::new()
            } else {
                vec![location]
            },
        }
    }
}

impl Text {
    fn plain(text: String) -> Self {
        Self {
            text,
            markdown: None,
        }
    }
}

/// The first paragraph below the heading, on one line.
fn first_paragraph(page: &str) -> String {
    let lines: Vec<&str> = page
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with('#'))
        .take_while(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}

/// A path as a URI reference, RFC 3986: relative to the root of the repository, if the path is.
fn uri(path: &str) -> String {
    let relative = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::from(if relative.starts_with('/') {
        "file://"
    } else {
        ""
    });
    for byte in relative.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // INVARIANT: writing into a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    fn page(code: &str) -> Option<&'static str> {
        (code == "unknown-entity")
            .then_some("# `unknown-entity`\n\nA name that\nis not declared.\n\nMore.\n")
    }

    #[test]
    fn a_log_names_its_rules_and_the_places_of_its_results() {
        let text = sarif(&findings(), &page).unwrap();
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]"));
    }

    #[test]
    fn a_log_without_findings_is_a_run_without_results() {
        let text = sarif(&[], &page).unwrap();
        let log: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    }

    #[test]
    fn paths_are_uri_references() {
        assert_eq!(uri("./a b/c%.cedar"), "a%20b/c%25.cedar");
        assert_eq!(uri("/etc/ü.toml"), "file:///etc/%C3%BC.toml");
    }
}
