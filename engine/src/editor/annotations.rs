//! What annotations mean, and what may stand in them.

use super::{Candidate, Subject};
use crate::lint::lint_ids;
use crate::vocabulary::annotation;

/// Each annotation with its meaning.
const MEANINGS: [(&str, &str); annotation::ALL.len()] = [
    (
        annotation::ID,
        "The name of the policy, required and unique in the whole bundle: explanations, decision records, logs \
         and tests use it.",
    ),
    (
        annotation::REASON,
        "Why there is this policy, in a sentence: shown to the person who is refused.",
    ),
    (
        annotation::ADVICE,
        "What a person can do who is refused: shown below the reason.",
    ),
    (
        annotation::MODE,
        "Whether the policy decides: `enforce`, as without this annotation, or `report-only`.",
    ),
    (
        annotation::ALLOW,
        "Findings of `doorward check` about this policy that are meant to be so: their ids, separated by commas.",
    ),
];

/// Each mode with its meaning.
const MODES: [(&str, &str); 2] = [
    (
        annotation::ENFORCE,
        "The policy decides, as without this annotation.",
    ),
    (
        annotation::REPORT_ONLY,
        "The policy is evaluated at every request and reported, and decides nothing.",
    ),
];

/// What an annotation means.
pub(super) fn meaning(name: &str) -> Option<String> {
    let meaning = of(&MEANINGS, name)?;
    Some(format!("`@{name}(\"…\")`\n\n{meaning}"))
}

/// What a word in the text of an annotation means.
pub(super) fn value_meaning(name: &str, value: &str) -> Option<String> {
    let meaning = of(&MODES, value).filter(|_| name == annotation::MODE)?;
    Some(format!("`@{name}(\"{value}\")`\n\n{meaning}"))
}

/// Whether a word in the text of an annotation is the id of a finding.
pub(super) fn is_finding(name: &str, value: &str) -> bool {
    name == annotation::ALLOW && lint_ids().contains(&value)
}

/// All annotations.
pub(super) fn names() -> Vec<Candidate> {
    candidates(&MEANINGS, Subject::Annotation)
}

/// All words that the text of an annotation may hold, where it may not hold any.
pub(super) fn values(name: &str) -> Vec<Candidate> {
    match name {
        annotation::MODE => candidates(&MODES, Subject::Value),
        annotation::ALLOW => lint_ids()
            .iter()
            .map(|id| Candidate::new(*id, Subject::Finding))
            .collect(),
        _ => Vec::new(),
    }
}

fn of(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let found = table.iter().find(|(known, _)| *known == name);
    found.map(|(_, meaning)| *meaning)
}

fn candidates(table: &[(&str, &str)], subject: Subject) -> Vec<Candidate> {
    table
        .iter()
        .map(|(name, meaning)| Candidate::new(*name, subject).with_description(*meaning))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_annotation_has_a_meaning() {
        for name in annotation::ALL {
            assert!(meaning(name).is_some(), "{name}");
        }
        assert_eq!(meaning("nothing"), None);
    }

    #[test]
    fn modes_belong_to_the_mode() {
        assert!(value_meaning("mode", "report-only").is_some());
        assert_eq!(value_meaning("reason", "report-only"), None);
        assert!(is_finding("allow", "shadowed"));
        assert!(!is_finding("mode", "shadowed"));
    }
}
