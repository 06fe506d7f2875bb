//! Findings as JUnit's XML, which pipelines count: a suite for each file, a failure for each finding.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Finding;
use crate::cli::Failure;

/// The findings of a command of this name. None at all is one case that passed, since a report without cases
/// looks like one of nothing done.
pub fn junit(command: &str, findings: &[Finding]) -> Result<String, Failure> {
    let mut report = Report::new(command);
    if findings.is_empty() {
        let mut suite = TestSuite::new(command);
        suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
        report.add_test_suite(suite);
    }
    // Files come in the order of their first findings.
    let mut suites: Vec<TestSuite> = Vec::new();
    for finding in findings {
        let file = finding.diagnostic.file.as_str();
        let case = case(finding);
        let known = suites.iter_mut().find(|suite| suite.name.as_str() == file);
        if let Some(suite) = known {
            suite.add_test_case(case);
        } else {
            let mut suite = TestSuite::new(file);
            suite.add_test_case(case);
            suites.push(suite);
        }
    }
    report.add_test_suites(suites);
    report.to_string().map_err(|error| Failure::of(&error))
}

fn case(finding: &Finding) -> TestCase {
    let diagnostic = &finding.diagnostic;
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(&diagnostic.message);
    status.set_type(diagnostic.severity.to_string());
    let help = diagnostic.help.as_deref().unwrap_or_default();
    status
        .set_description(format!("{}\n{}\n{help}", finding.place(), diagnostic.message).trim_end());
    let mut case = TestCase::new(format!("{} {}", finding.code(), finding.place()), status);
    case.set_classname(&diagnostic.file);
    case
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn each_finding_is_a_failure_of_its_file() {
        insta::assert_snapshot!(junit("doorward check", &findings()).unwrap());
    }

    #[test]
    fn no_findings_are_one_success() {
        let text = junit("doorward check", &[]).unwrap();
        assert!(text.contains("tests=\"1\""), "{text}");
        assert!(text.contains("failures=\"0\""), "{text}");
    }
}
