//! The answer for a machine: every case with what was decided, those that failed with all of it.

use doorward_engine::suite::{CaseResult, PolicyCoverage};
use doorward_engine::{AccessRequest, Decision, Explanation, Origin, Revision};
use serde::Serialize;

use super::trial::{Measured, Trial, Tried, Verdict, has_passed};
use crate::cli::Exit;
use crate::cli::render::machine::Finding;

/// All of the answer.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    /// Whether every case is as expected, and enough was tried.
    ok: bool,
    /// The policies that decided; none where they or a suite are broken.
    revision: Option<Revision>,
    counts: Counts,
    suites: Vec<SuiteDocument<'a>>,
    coverage: Option<CoverageDocument<'a>>,
    /// What is broken.
    diagnostics: Vec<Finding>,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    suites: usize,
    cases: usize,
    passed: usize,
    failed: usize,
}

#[derive(Debug, Serialize)]
struct SuiteDocument<'a> {
    name: &'a str,
    cases: Vec<CaseDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct CaseDocument<'a> {
    name: &'a str,
    #[serde(flatten)]
    origin: &'a Origin,
    ok: bool,
    outcome: &'static str,
    /// The determining policies.
    policies: Vec<&'a str>,
    failures: &'a [String],
    #[serde(flatten)]
    evidence: Option<Evidence<'a>>,
}

/// Why a case failed.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    request: &'a AccessRequest,
    decision: &'a Decision,
    explanation: Option<&'a Explanation>,
}

#[derive(Debug, Serialize)]
struct CoverageDocument<'a> {
    percent: u32,
    minimum: Option<u32>,
    policies: &'a [PolicyCoverage],
}

pub(super) fn document(verdict: &Verdict) -> Document<'_> {
    let ok = verdict.exit() == Exit::Yes;
    match verdict {
        Verdict::Broken(findings) => Document {
            ok,
            revision: None,
            counts: Counts::default(),
            suites: Vec::new(),
            coverage: None,
            diagnostics: findings.iter().map(Finding::of_policies).collect(),
        },
        Verdict::Tried(trial) => Document {
            ok,
            revision: Some(trial.revision),
            counts: counts(trial),
            suites: trial.suites.iter().map(suite).collect(),
            coverage: trial.coverage.as_ref().map(coverage),
            diagnostics: Vec::new(),
        },
    }
}

fn counts(trial: &Trial) -> Counts {
    let (cases, failed) = (trial.cases(), trial.failed());
    Counts {
        suites: trial.suites.len(),
        cases,
        passed: cases - failed,
        failed,
    }
}

fn suite(suite: &Tried) -> SuiteDocument<'_> {
    SuiteDocument {
        name: &suite.name,
        cases: suite.cases.iter().map(case).collect(),
    }
}

fn case(case: &CaseResult) -> CaseDocument<'_> {
    let ok = has_passed(case);
    let determining = case.decision.determining.iter();
    CaseDocument {
        name: &case.name,
        origin: &case.origin,
        ok,
        outcome: case.decision.outcome.word(),
        policies: determining.map(|policy| policy.id.as_str()).collect(),
        failures: &case.failures,
        evidence: (!ok).then_some(Evidence {
            request: &case.request,
            decision: &case.decision,
            explanation: case.explanation.as_ref(),
        }),
    }
}

fn coverage(measured: &Measured) -> CoverageDocument<'_> {
    CoverageDocument {
        percent: measured.percent,
        minimum: measured.minimum,
        policies: &measured.coverage.policies,
    }
}
