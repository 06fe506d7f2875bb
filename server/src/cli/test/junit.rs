//! The answer for a pipeline: JUnit's XML. A case that is not as expected is a failure there, and so is
//! each mistake of broken policies or suites.

use doorward_engine::suite::CaseResult;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::report;
use super::trial::{Measured, Tried, Verdict, has_passed};
use crate::cli::Failure;
use crate::cli::render::machine::{self, Finding};

/// The name of all of it, and of what belongs to no suite.
const NAME: &str = "doorward test";

pub(super) fn xml(verdict: &Verdict) -> Result<String, Failure> {
    let trial = match verdict {
        Verdict::Tried(trial) => trial,
        Verdict::Broken(findings) => {
            let findings: Vec<Finding> = findings.iter().map(Finding::of_policies).collect();
            return machine::junit(NAME, &findings);
        }
    };
    let mut report = Report::new(NAME);
    report.add_test_suites(trial.suites.iter().map(suite));
    if let Some(measured) = &trial.coverage {
        report.add_test_suite(of(NAME, [coverage(measured)]));
    }
    report.to_string().map_err(|error| Failure::of(&error))
}

fn of(name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    suite
}

fn suite(suite: &Tried) -> TestSuite {
    of(
        &suite.name,
        suite.cases.iter().map(|case| told(suite, case)),
    )
}

fn told(suite: &Tried, case: &CaseResult) -> TestCase {
    let status = if has_passed(case) {
        TestCaseStatus::success()
    } else {
        let message = case.failures.join("; ");
        failed(&message, &report::failure(case))
    };
    named(&suite.name, &case.name, status)
}

/// Coverage is a case of its own, which fails below the minimum.
fn coverage(measured: &Measured) -> TestCase {
    let (message, text) = (report::percent(measured), report::coverage(measured));
    let status = if measured.is_enough() {
        TestCaseStatus::success()
    } else {
        failed(&message, &text)
    };
    let mut case = named(NAME, "coverage", status);
    case.set_system_out(format!("{message}\n{text}"));
    case
}

fn failed(message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_description(text);
    status
}

fn named(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}
