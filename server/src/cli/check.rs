//! `doorward check`: whether a server would use the policies in a directory, and everything that is
//! wrong with them. What is wrong is found by the engine.

use std::path::PathBuf;

use doorward_engine::{BundleError, Counts, PolicyBundle, Revision, Severity};
use serde::Serialize;

use super::render::{self, Format, Style, Tone, count, finding};
use super::{Exit, Failure};
use crate::access::{self, PoliciesError};
use crate::domain::diagnostic::{Diagnostic, Severity as PlainSeverity};

const EXAMPLES: &str = "\
Examples:
  doorward check                               check ./policies
  doorward check /etc/doorward/policies        check another directory
  doorward check policies --format json        the same for a pipeline

Exit code: 0 a server would use them, 1 it would not, 2 they cannot be read";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory with policies and entity data; it is read whole
    #[arg(value_name = "DIR", default_value = "policies")]
    directory: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let verdict = match access::check(&args.directory) {
        Ok((bundle, warnings)) => Verdict::usable(&bundle, warnings),
        Err(PoliciesError::Invalid(error)) => Verdict::refused(&error),
        Err(PoliciesError::Unreadable(problems)) => return unreadable(problems, args.format),
    };
    let text = match args.format {
        Format::Human => verdict.text(Style::stdout()),
        Format::Json => render::json(&verdict.document())?,
    };
    render::print(&text)?;
    Ok(verdict.exit())
}

fn unreadable(problems: Vec<Diagnostic>, format: Format) -> Result<Exit, Failure> {
    if format == Format::Human {
        return Err(Failure::Files(problems));
    }
    let diagnostics = problems.into_iter().map(Finding::of_file).collect();
    let document = Document {
        revision: None,
        ok: false,
        counts: None,
        diagnostics,
    };
    render::print(&render::json(&document)?)?;
    Ok(Exit::Unanswered)
}

/// What checking came to.
#[derive(Debug)]
struct Verdict {
    /// What a server would use, if it would use anything.
    usable: Option<(Revision, Counts)>,
    findings: Vec<doorward_engine::Diagnostic>,
}

impl Verdict {
    fn usable(bundle: &PolicyBundle, warnings: Vec<doorward_engine::Diagnostic>) -> Self {
        Self {
            usable: Some((bundle.revision(), bundle.counts())),
            findings: warnings,
        }
    }

    fn refused(error: &BundleError) -> Self {
        Self {
            usable: None,
            findings: error.diagnostics.to_vec(),
        }
    }

    fn exit(&self) -> Exit {
        if self.usable.is_some() {
            Exit::Yes
        } else {
            Exit::No
        }
    }

    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for found in &self.findings {
            text.push_str(&finding::policy(found, style));
            text.push('\n');
        }
        text.push_str(&self.summary(style));
        text.push('\n');
        text
    }

    fn summary(&self, style: Style) -> String {
        let of = |severity: Severity| {
            let found = self.findings.iter();
            found.filter(|it| it.severity == severity).count()
        };
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        let warned = match warnings {
            0 => String::new(),
            many => format!(", {}", count(many, "warning")),
        };
        match self.usable {
            None => {
                let word = style.paint(Tone::Bad, "refused");
                format!("{word}: {}{warned}", count(errors, "error"))
            }
            Some((revision, counts)) => {
                let word = style.paint(Tone::Good, "usable");
                let all = counts.permits + counts.forbids + counts.report_only;
                format!(
                    "{word}: {} ({}, {}, {} report-only), revision {}{warned}",
                    count(all, "policy"),
                    count(counts.permits, "permit"),
                    count(counts.forbids, "forbid"),
                    counts.report_only,
                    revision.short(),
                )
            }
        }
    }

    fn document(&self) -> Document {
        Document {
            revision: self.usable.map(|(revision, _)| revision),
            ok: self.usable.is_some(),
            counts: self.usable.map(|(_, counts)| counts),
            diagnostics: self.findings.iter().map(Finding::of_policies).collect(),
        }
    }
}

/// The answer for a machine.
#[derive(Debug, Serialize)]
struct Document {
    revision: Option<Revision>,
    ok: bool,
    counts: Option<Counts>,
    diagnostics: Vec<Finding>,
}

/// A finding for a machine: the place where it begins and, where it is known, where it ends.
#[derive(Debug, Serialize)]
struct Finding {
    #[serde(flatten)]
    diagnostic: Diagnostic,
    /// The line that holds the last marked character.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    /// The column behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

impl Finding {
    fn of_file(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            end_line: None,
            end_column: None,
        }
    }

    fn of_policies(finding: &doorward_engine::Diagnostic) -> Self {
        let text = &finding.file.text;
        let label = finding.labels.first();
        let (offset, length) = label.map_or((0, 0), |label| (label.offset, label.length));
        let at = |offset| {
            let place = Diagnostic {
                severity: match finding.severity {
                    Severity::Error => PlainSeverity::Error,
                    Severity::Warning => PlainSeverity::Warning,
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
}

#[cfg(test)]
mod tests {
    use std::fs;

    use doorward_engine::SourceFile;

    use super::*;

    const BROKEN: &str = "\
// Who gets in.
@id(\"staff\")
permit (principal in Group::\"employes\", action, resource);

@id(\"home\")
@reson(\"Only from home.\")
forbid (principal, action, resource)
unless { context has country && context.country in Region::\"home\" };

@id(\"fresh\")
forbid (principal, action, resource)
unless { context.session.passwordAge <= duration(\"7d\") };
";

    const DOUBTFUL: &str = "\
@id(\"all\") permit (principal, action, resource);
@id(\"never\") forbid (principal, action, resource) when { false };
";

    fn verdict(policies: &str) -> Verdict {
        let files = [
            SourceFile::new("policies/access.cedar", policies),
            SourceFile::new(
                "policies/entities.toml",
                "[group.employees]\n[region.home]\ncountries = ['SG']\n",
            ),
        ];
        match PolicyBundle::load(&files, None) {
            Ok(bundle) => Verdict::usable(&bundle, bundle.warnings().to_vec()),
            Err(error) => Verdict::refused(&error),
        }
    }

    #[test]
    fn findings_are_shown_with_their_place_and_counted() {
        let verdict = verdict(BROKEN);
        assert_eq!(verdict.exit(), Exit::No);
        insta::assert_snapshot!(verdict.text(Style::plain()));
    }

    #[test]
    fn a_machine_gets_every_finding_with_its_place() {
        insta::assert_snapshot!(render::json(&verdict(BROKEN).document()).unwrap());
    }

    #[test]
    fn usable_policies_are_summed_up_in_one_line() {
        let fine = "@id(\"all\") permit (principal, action, resource);\n";
        let verdict = verdict(fine);
        assert_eq!(verdict.exit(), Exit::Yes);
        let text = verdict.text(Style::plain());
        let (before, revision) = text.trim_end().split_once("revision ").unwrap();
        assert_eq!(
            before,
            "usable: 1 policy (1 permit, 0 forbids, 0 report-only), "
        );
        assert_eq!(revision.len(), 12);
    }

    #[test]
    fn doubts_do_not_make_policies_unusable() {
        let verdict = verdict(DOUBTFUL);
        assert_eq!(verdict.exit(), Exit::Yes);
        assert!(verdict.text(Style::plain()).contains("warning"));
        assert!(verdict.document().ok);
    }

    #[test]
    fn the_end_of_a_finding_is_behind_its_last_character() {
        let document = verdict("permit (principal, action, resource);\n").document();
        let found = &document.diagnostics[0];
        let start = (found.diagnostic.line, found.diagnostic.column);
        assert_eq!(start, (Some(1), Some(1)));
        assert_eq!((found.end_line, found.end_column), (Some(1), Some(2)));
    }

    #[test]
    fn a_directory_that_is_not_there_is_no_answer() {
        let directory = tempfile::tempdir().unwrap();
        let args = Args {
            directory: directory.path().join("absent"),
            format: Format::Human,
        };
        let failure = run(&args).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unanswered);
    }

    #[test]
    fn the_starter_bundle_is_usable() {
        let directory = tempfile::tempdir().unwrap();
        let files = [
            (
                "access.cedar",
                include_str!("../../../policies/access.cedar"),
            ),
            (
                "entities.toml",
                include_str!("../../../policies/entities.toml"),
            ),
        ];
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let (bundle, warnings) = access::check(directory.path()).unwrap();
        assert_eq!(Verdict::usable(&bundle, warnings).exit(), Exit::Yes);
    }
}
