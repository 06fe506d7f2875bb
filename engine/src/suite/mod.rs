//! Tests of policies: suites of cases, each a request and what the policies are expected to say to it.
//!
//! - `format` is how suites are written; `resolve` and `facts` make requests of what is written.
//! - `run` decides the cases, the way the server decides.
//! - `coverage` tells which policies and conditions the cases have tried, both ways.
//!
//! Suites lie beside the policies and are no part of the bundle: a test does not change its revision.

mod coverage;
mod facts;
mod format;
mod resolve;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use coverage::{ConditionCoverage, Coverage, PolicyCoverage, Seen, coverage};
pub use format::schema;
pub use run::{CaseResult, run};

use crate::error::Diagnostic;
use crate::fact::Fact;
use crate::request::{AccessRequest, Action, Application, CountryCode, Device, Session, User};
use crate::source::{Origin, SourceFile};

/// How old an observation of the inventory may be in a suite that does not say: the default of the
/// server's configuration.
pub const EVIDENCE_LIFETIME: TimeDelta = TimeDelta::days(1);
/// How long a presented certificate counts in a suite that does not say: the default of the server's
/// configuration.
pub const PROOF_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// The end of a suite's file name.
const ENDING: &str = ".suite.toml";

/// The country of an address, as GeoIP would say. Without a database: [`Fact::unknown`].
pub type Locate<'a> = &'a dyn Fn(IpAddr) -> Fact<CountryCode>;

/// Whether the file is a suite, by its name.
#[must_use]
pub fn is_suite_file(name: &str) -> bool {
    name.ends_with(ENDING)
}

/// The cases of one file.
#[derive(Debug, Clone)]
pub struct Suite {
    name: String,
    cases: Vec<Case>,
}

/// One request, and what is expected of its decision.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows, in words.
    pub name: String,
    /// Where it stands.
    pub origin: Origin,
    /// What is expected.
    pub expect: Expectation,
    situation: Situation,
}

/// An answer, as a suite writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// The user may.
    Permit,
    /// The user may after a step-up.
    StepUp,
    /// The user may not.
    Deny,
}

/// What is expected of a decision. What is `None` is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The answer.
    pub outcome: Expected,
    /// The ids of the determining policies, exactly.
    pub policies: Option<BTreeSet<String>>,
    /// What a step-up asks for.
    pub step_up: Option<ExpectedStepUp>,
    /// The ids of the report-only policies that match, exactly.
    pub report_only: Option<BTreeSet<String>>,
}

/// What a step-up is expected to ask for. What is `None` is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedStepUp {
    /// Whether it asks for the password.
    pub password: Option<bool>,
    /// The devices of the suite whose certificates it asks for, exactly.
    pub devices: Option<BTreeSet<String>>,
}

/// Everything about a request but the country of an address, which GeoIP may know.
#[derive(Debug, Clone)]
struct Situation {
    action: Action,
    user: User,
    application: Application,
    address: Fact<IpAddr>,
    country: Option<CountryCode>,
    device: Fact<Device>,
    session: Session,
    now: DateTime<Utc>,
    /// Devices that the user could still present.
    offers: Vec<Device>,
}

impl Suite {
    /// Reads a suite.
    ///
    /// # Errors
    /// Everything that is wrong with it, with places.
    pub fn parse(file: &SourceFile) -> Result<Self, Vec<Diagnostic>> {
        let read = format::read(file).map_err(|found| vec![*found])?;
        Ok(Self {
            name: file.name.to_string(),
            cases: resolve::cases(file, &read)?,
        })
    }

    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cases: single ones first, then those of tables, each in the order of the file.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter()
    }
}

impl Case {
    /// The request, as the server would make it.
    #[must_use]
    pub fn request(&self, locate: Locate<'_>) -> AccessRequest {
        let situation = &self.situation;
        let country = match (situation.country, situation.address.value()) {
            (Some(country), _) => Fact::known(country, facts::SUITE, situation.now),
            (None, Some(address)) => locate(*address),
            (None, None) => Fact::unknown("the address is not known", "GeoIP"),
        };
        AccessRequest {
            action: situation.action,
            user: situation.user.clone(),
            application: situation.application.clone(),
            address: situation.address.clone(),
            country,
            device: situation.device.clone(),
            session: situation.session.clone(),
            now: situation.now,
        }
    }
}
