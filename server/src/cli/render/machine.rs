//! Findings for machines, of whichever command: the same finding for JSON, SARIF, JUnit and Markdown.
//! What is found, and what else a command says, is left to the command.

mod junit;
mod markdown;
mod sarif;

use doorward_engine::Severity as PolicySeverity;
use serde::Serialize;

pub use junit::junit;
pub use markdown::{cell, markdown};
pub use sarif::sarif;

use crate::domain::diagnostic::{Diagnostic, Severity};

/// A finding for a machine: the place where it begins and, where it is known, where it ends.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The finding, and the place where it begins.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
    /// The line that holds the last marked character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<usize>,
    /// The column behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
}

impl Finding {
    /// A finding about a file that an operator wrote.
    #[must_use]
    pub fn of_file(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            end_line: None,
            end_column: None,
        }
    }

    /// A finding of the policy engine.
    #[must_use]
    pub fn of_policies(finding: &doorward_engine::Diagnostic) -> Self {
        let text = &finding.file.text;
        let label = finding.labels.first();
        let (offset, length) = label.map_or((0, 0), |label| (label.offset, label.length));
        let at = |offset| {
            let place = Diagnostic {
                severity: match finding.severity {
                    PolicySeverity::Error => Severity::Error,
                    PolicySeverity::Warning => Severity::Warning,
                },
                code: Some(finding.code.to_owned()),
                help: finding.help.clone(),
                ..Diagnostic::error(&*finding.file.name, finding.message.as_str())
            };
            place.with_position(text, offset)
        };
        let end = (length > 0).then(|| at(offset + length));
        Self {
            diagnostic: at(offset),
            end_line: end.as_ref().and_then(|end| end.line),
            end_column: end.as_ref().and_then(|end| end.column),
        }
    }

    /// The name of the kind of finding.
    fn code(&self) -> &str {
        self.diagnostic.code.as_deref().unwrap_or("file")
    }

    /// `file:line:column`, without the parts that are not known.
    fn place(&self) -> String {
        let numbers = [self.diagnostic.line, self.diagnostic.column];
        numbers
            .into_iter()
            .flatten()
            .fold(self.diagnostic.file.clone(), |place, number| {
                format!("{place}:{number}")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A finding in the middle of a file, and one about a whole file.
    pub(super) fn findings() -> Vec<Finding> {
        let text = "// a\npermit (\n  principal in Group::\"émployes\"\n";
        let start = text.find("Group").unwrap();
        let begin = Diagnostic::error(
            "policies/my access.cedar",
            "no group `émployes` is declared",
        )
        .with_code("unknown-entity")
        .with_help("did you mean `Group::\"employees\"`?")
        .with_position(text, start);
        let end = Diagnostic::error("", "").with_position(text, text.len() - 1);
        let whole = Diagnostic::warning(
            "users.toml",
            "the group `a|b` of user `<i>`\nis not declared",
        )
        .with_code("undeclared-group");
        vec![
            Finding {
                diagnostic: begin,
                end_line: end.line,
                end_column: end.column,
            },
            Finding::of_file(whole),
        ]
    }

    #[test]
    fn a_place_has_the_parts_that_are_known() {
        let places: Vec<String> = findings().iter().map(Finding::place).collect();
        assert_eq!(places, ["policies/my access.cedar:3:16", "users.toml"]);
    }
}
