//! What checking came to: what a server would use, and all that was found; for a person, and for machines.

use doorward_engine::{
    BundleError, Counts, Diagnostic as PolicyDiagnostic, PolicyBundle, Revision,
};
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::render::machine::{Finding, markdown};
use crate::cli::render::{Style, Tone, count, finding};
use crate::domain::diagnostic::{Diagnostic, Severity};

/// What checking came to.
#[derive(Debug)]
pub(super) struct Verdict {
    /// What a server would use, if it would use anything.
    usable: Option<(Revision, Counts)>,
    /// What was found about the policies.
    policies: Vec<PolicyDiagnostic>,
    /// What was found about the files beside them.
    others: Vec<Diagnostic>,
}

impl Verdict {
    /// Policies that a server would use, with what is doubtful about them.
    pub(super) fn usable(
        bundle: &PolicyBundle,
        mut warnings: Vec<PolicyDiagnostic>,
        others: Vec<Diagnostic>,
    ) -> Self {
        warnings.extend(bundle.examine());
        warnings.sort_by_cached_key(PolicyDiagnostic::origin);
        Self {
            usable: Some((bundle.revision(), bundle.counts())),
            policies: warnings,
            others,
        }
    }

    /// Policies that no server would use.
    pub(super) fn refused(error: &BundleError) -> Self {
        Self {
            usable: None,
            policies: error.diagnostics.to_vec(),
            others: Vec::new(),
        }
    }

    pub(super) fn exit(&self, warnings_ok: bool) -> Exit {
        let nothing = self.policies.is_empty() && self.others.is_empty();
        if self.usable.is_some() && (nothing || warnings_ok) {
            Exit::Yes
        } else {
            Exit::No
        }
    }

    /// For a person.
    pub(super) fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for found in &self.policies {
            text.push_str(&finding::policy(found, style));
            text.push('\n');
        }
        if !self.others.is_empty() {
            text.push_str(&finding::files(&self.others, style));
            text.push('\n');
        }
        text.push_str(&self.summary(style));
        text.push('\n');
        text
    }

    /// For a comment on a pull request.
    pub(super) fn markdown(&self) -> String {
        markdown(
            &format!("Policies {}", self.summary(Style::plain())),
            &self.findings(),
        )
    }

    fn summary(&self, style: Style) -> String {
        let findings = self.findings();
        let of = |severity: Severity| {
            let found = findings.iter();
            found
                .filter(|it| it.diagnostic.severity == severity)
                .count()
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
                let tone = if warnings == 0 {
                    Tone::Good
                } else {
                    Tone::Doubtful
                };
                let word = style.paint(tone, "usable");
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

    /// Everything that was found, for machines.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let policies = self.policies.iter().map(Finding::of_policies);
        let others = self.others.iter().cloned().map(Finding::of_file);
        policies.chain(others).collect()
    }

    /// The whole answer for a machine.
    pub(super) fn document(&self) -> Document {
        Document {
            revision: self.usable.map(|(revision, _)| revision),
            ok: self.usable.is_some(),
            counts: self.usable.map(|(_, counts)| counts),
            diagnostics: self.findings(),
        }
    }
}

/// The answer for a machine.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    revision: Option<Revision>,
    /// Whether a server would use the policies, warnings or not.
    ok: bool,
    counts: Option<Counts>,
    diagnostics: Vec<Finding>,
}

impl Document {
    /// That there is no answer, and why.
    pub(super) fn unreadable(diagnostics: Vec<Finding>) -> Self {
        Self {
            revision: None,
            ok: false,
            counts: None,
            diagnostics,
        }
    }
}

#[cfg(test)]
mod tests {
    use doorward_engine::SourceFile;

    use super::*;
    use crate::cli::render;

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

    /// Usable, and doubtful in more than one way.
    const DOUBTFUL: &str = "\
@id(\"never\") @reason(\"Nobody is stopped.\") forbid (principal, action, resource) when { false };
@id(\"all\") permit (principal, action, resource);
";

    const SOUND: &str = "\
@id(\"staff\")
@reason(\"Managed devices, and the password of this week.\")
permit (principal in Group::\"employees\", action, resource)
when { context has device && context.device.managed }
when { context.session has passwordAge && context.session.passwordAge <= duration(\"7d\") };
";

    fn verdict(policies: &str) -> Verdict {
        let files = [
            SourceFile::new("policies/access.cedar", policies),
            SourceFile::new(
                "policies/entities.toml",
                "[group.employees]\n[region.home]\ncountries = ['SG']\n[application.wiki]\n",
            ),
        ];
        match PolicyBundle::load(&files, None) {
            Ok(bundle) => Verdict::usable(&bundle, bundle.warnings().to_vec(), Vec::new()),
            Err(error) => Verdict::refused(&error),
        }
    }

    fn undeclared() -> Diagnostic {
        Diagnostic::warning("users.toml", "the group `employes` is not declared")
            .with_code("undeclared-group")
    }

    #[test]
    fn findings_are_shown_with_their_place_and_counted() {
        let verdict = verdict(BROKEN);
        assert_eq!(verdict.exit(false), Exit::No);
        assert_eq!(verdict.exit(true), Exit::No);
        insta::assert_snapshot!(verdict.text(Style::plain()));
    }

    #[test]
    fn a_machine_gets_every_finding_with_its_place() {
        insta::assert_snapshot!(render::json(&verdict(BROKEN).document()).unwrap());
    }

    #[test]
    fn a_pull_request_gets_a_table() {
        insta::assert_snapshot!(verdict(BROKEN).markdown());
    }

    #[test]
    fn findings_about_other_files_come_last_and_are_counted() {
        let mut verdict = verdict(DOUBTFUL);
        verdict.others.push(undeclared());
        insta::with_settings!({ filters => vec![(r"revision [0-9a-f]{12}", "revision [REVISION]")] }, {
            insta::assert_snapshot!(verdict.text(Style::plain()));
        });
    }

    #[test]
    fn usable_policies_are_summed_up_in_one_line() {
        let verdict = verdict(SOUND);
        assert_eq!(verdict.exit(false), Exit::Yes, "{:?}", verdict.findings());
        let text = verdict.text(Style::plain());
        let (before, revision) = text.trim_end().split_once("revision ").unwrap();
        assert_eq!(
            before,
            "usable: 1 policy (1 permit, 0 forbids, 0 report-only), "
        );
        assert_eq!(revision.len(), 12);
    }

    #[test]
    fn doubts_do_not_make_policies_unusable_and_still_count() {
        let verdict = verdict(DOUBTFUL);
        assert_eq!(verdict.exit(false), Exit::No);
        assert_eq!(verdict.exit(true), Exit::Yes);
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
}
