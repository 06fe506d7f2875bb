//! Names of a suite become cases: what each name means, and everything that is wrong with any of them.
//! What is known about the circumstances of a request is made in `facts`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;

use chrono::{DateTime, Utc};

use super::facts::{self, DEVICE_HOST, SUITE};
use super::format::{At, CaseEntry, Problem, SuiteFile, TableEntry};
use super::{Case, Expectation, Expected, ExpectedStepUp, Situation};
use crate::error::Diagnostic;
use crate::fact::Fact;
use crate::request::{Action, Application, CountryCode, Device, User};
use crate::source::SourceFile;

/// A case without a device certificate.
const NO_DEVICE: &str = "none";
/// A place of which nothing is known.
const NOWHERE: &str = "nowhere";

/// The cases of a suite, or everything that is wrong with it.
pub(super) fn cases(file: &SourceFile, suite: &SuiteFile) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let mut resolver = Resolver {
        file,
        suite,
        cases: Vec::new(),
        places: BTreeMap::new(),
        findings: Vec::new(),
    };
    resolver.check_fixtures();
    for entry in &suite.case {
        resolver.single(entry);
    }
    for table in &suite.table {
        resolver.table(table);
    }
    if resolver.findings.is_empty() {
        Ok(resolver.cases)
    } else {
        Err(resolver.findings)
    }
}

struct Resolver<'a> {
    file: &'a SourceFile,
    suite: &'a SuiteFile,
    cases: Vec<Case>,
    /// Where each name of a case or table stands.
    places: BTreeMap<String, usize>,
    findings: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    fn report(&mut self, span: &Range<usize>, problem: Problem) {
        let found = problem.at(self.file, span);
        // What is wrong in `[default]` is wrong in every case.
        if !self.findings.contains(&found) {
            self.findings.push(found);
        }
    }

    fn check_fixtures(&mut self) {
        let suite = self.suite;
        let devices = suite
            .device
            .get(NO_DEVICE)
            .map(|entry| (NO_DEVICE, &entry.span));
        let places = suite.place.get(NOWHERE).map(|entry| (NOWHERE, &entry.span));
        for (name, span) in devices.into_iter().chain(places) {
            let message =
                format!("`{name}` has a meaning of its own in a case: choose another name");
            self.report(span, Problem::new(message));
        }
        for user in suite
            .device
            .values()
            .flat_map(|entry| &entry.value.assigned_to)
        {
            self.find("user", user, &suite.user);
        }
        let Some(default) = &suite.default else {
            return;
        };
        let of_cases = [
            ("name", default.name.as_ref().map(|at| &at.span)),
            ("expect", default.expect.as_ref().map(|at| &at.span)),
            ("policies", default.policies.as_ref().map(|at| &at.span)),
            ("step_up", default.step_up.as_ref().map(|at| &at.span)),
            (
                "report_only",
                default.report_only.as_ref().map(|at| &at.span),
            ),
        ];
        for (key, span) in of_cases {
            if let Some(span) = span {
                let message = format!("`{key}` belongs to a case, not to `[default]`");
                self.report(span, Problem::new(message));
            }
        }
    }

    fn single(&mut self, entry: &At<CaseEntry>) {
        let Some(name) = entry.value.name.clone() else {
            self.report(&entry.span, Problem::new("the case has no `name`"));
            return;
        };
        self.claim(&name);
        self.case(name.value, &name.span, entry.value.clone());
    }

    fn table(&mut self, table: &At<TableEntry>) {
        let constants = table.value.constants();
        let Some(name) = constants.name.clone() else {
            self.report(&table.span, Problem::new("the table has no `name`"));
            return;
        };
        self.claim(&name);
        let columns = &table.value.columns;
        if !self.are_columns(columns) {
            return;
        }
        for (number, row) in table.value.rows.iter().enumerate() {
            if row.value.len() != columns.len() {
                let (has, wants) = (row.value.len(), columns.len());
                let message = format!("the table has {wants} columns, and this row {has} values");
                self.report(&row.span, Problem::new(message));
                continue;
            }
            let mut entry = CaseEntry::default();
            let mut fine = true;
            for (column, cell) in columns.iter().zip(&row.value) {
                if let Err(problem) = entry.set(&column.value, cell) {
                    self.report(&cell.span, problem);
                    fine = false;
                }
            }
            if fine {
                let name = format!("{}, row {}", name.value, number + 1);
                self.case(name, &row.span, entry.or(&constants));
            }
        }
    }

    fn are_columns(&mut self, columns: &[At<String>]) -> bool {
        let mut seen = BTreeSet::new();
        let mut fine = true;
        for column in columns {
            let key = column.value.as_str();
            let problem = if key == "name" {
                Some(Problem::new(
                    "a row has the name of its table, and its number",
                ))
            } else if !CaseEntry::KEYS.contains(&key) {
                Some(Problem::unknown("column", key, CaseEntry::KEYS))
            } else if seen.insert(key) {
                None
            } else {
                Some(Problem::new(format!("the column `{key}` is there already")))
            };
            if let Some(problem) = problem {
                self.report(&column.span, problem);
                fine = false;
            }
        }
        fine
    }

    /// Each name is used once: a report and a filter name cases.
    fn claim(&mut self, name: &At<String>) {
        if let Some(first) = self.places.get(&name.value) {
            let problem = Problem::new(format!("`{}` is a name already", name.value))
                .with_help(format!("it stands first at {}", self.file.origin(*first)));
            self.report(&name.span, problem);
        } else {
            self.places.insert(name.value.clone(), name.span.start);
        }
    }

    /// Adds a case, if everything that it names is there.
    fn case(&mut self, name: String, span: &Range<usize>, entry: CaseEntry) {
        let entry = match &self.suite.default {
            Some(default) => entry.or(default),
            None => entry,
        };
        // All of it is looked at before any of it ends the case, so that every mistake is found.
        let situation = self.situation(span, &entry);
        let expect = self.expectation(span, &entry);
        if let (Some(situation), Some(expect)) = (situation, expect) {
            self.cases.push(Case {
                name,
                origin: self.file.origin(span.start),
                expect,
                situation,
            });
        }
    }

    fn expectation(&mut self, span: &Range<usize>, entry: &CaseEntry) -> Option<Expectation> {
        let Some(outcome) = &entry.expect else {
            let problem = Problem::new("the case does not say what is expected")
                .with_help("write `expect = \"permit\"`, `\"step-up\"` or `\"deny\"`");
            self.report(span, problem);
            return None;
        };
        if let Some(step_up) = &entry.step_up {
            if outcome.value != Expected::StepUp {
                let message = "`step_up` says what a step-up asks for, and none is expected";
                self.report(&step_up.span, Problem::new(message));
            }
            for device in step_up.value.devices.iter().flatten() {
                let device = At {
                    value: device.clone(),
                    span: step_up.span.clone(),
                };
                self.find("device", &device, &self.suite.device);
            }
        }
        Some(Expectation {
            outcome: outcome.value,
            policies: entry.policies.clone().map(|at| at.value),
            step_up: entry.step_up.clone().map(|at| ExpectedStepUp {
                password: at.value.password,
                devices: at.value.devices,
            }),
            report_only: entry.report_only.clone().map(|at| at.value),
        })
    }

    fn situation(&mut self, span: &Range<usize>, entry: &CaseEntry) -> Option<Situation> {
        let now = entry.now.as_ref().map_or(self.suite.now, |at| at.value).0;
        let user = self.user(span, entry);
        let application = self.application(span, entry);
        let device = self.device(entry, now);
        let (address, country) = self.place(entry, now)?;
        let (user, application, device) = (user?, application?, device?);
        let offers = self.offers(entry, &user.id, now)?;
        Some(Situation {
            action: entry.action.as_ref().map_or(Action::SignIn, |at| at.value),
            user,
            application,
            address,
            country,
            device,
            session: facts::session(entry, now),
            now,
            offers,
        })
    }

    fn user(&mut self, span: &Range<usize>, entry: &CaseEntry) -> Option<User> {
        let name = self.required(span, "user", entry.user.as_ref())?;
        let fixture = self.find("user", name, &self.suite.user)?;
        Some(User {
            id: name.value.clone(),
            groups: fixture.value.groups.clone(),
            email: fixture.value.email.clone(),
            attributes: fixture.value.attributes.clone(),
        })
    }

    fn application(&mut self, span: &Range<usize>, entry: &CaseEntry) -> Option<Application> {
        let id = &self
            .required(span, "application", entry.application.as_ref())?
            .value;
        let fixture = self.suite.application.get(id);
        Some(Application {
            id: id.clone(),
            attributes: fixture
                .map(|fixture| fixture.value.attributes.clone())
                .unwrap_or_default(),
        })
    }

    fn device(&mut self, entry: &CaseEntry, now: DateTime<Utc>) -> Option<Fact<Device>> {
        let Some(name) = entry.device.as_ref().filter(|at| at.value != NO_DEVICE) else {
            let reason = "no device certificate was presented";
            return Some(Fact::unknown(reason, DEVICE_HOST));
        };
        let fixture = self.find("device", name, &self.suite.device)?;
        Some(facts::presented(
            self.suite,
            &name.value,
            &fixture.value,
            now,
        ))
    }

    /// Address, and country where the suite says it.
    fn place(
        &mut self,
        entry: &CaseEntry,
        now: DateTime<Utc>,
    ) -> Option<(Fact<IpAddr>, Option<CountryCode>)> {
        let nowhere = || Fact::unknown("the address is not known", SUITE);
        let Some(name) = entry.from.as_ref().filter(|at| at.value != NOWHERE) else {
            return Some((nowhere(), None));
        };
        let place = &self.find("place", name, &self.suite.place)?.value;
        let address = place
            .address
            .map_or_else(nowhere, |address| Fact::known(address, SUITE, now));
        Some((address, place.country))
    }

    /// The devices that can still be presented.
    fn offers(&mut self, entry: &CaseEntry, user: &str, now: DateTime<Utc>) -> Option<Vec<Device>> {
        let suite = self.suite;
        let Some(names) = &entry.offers else {
            return Some(facts::every_device(suite, user, now));
        };
        let mut devices = Vec::new();
        for name in &names.value {
            let name = At {
                value: name.clone(),
                span: names.span.clone(),
            };
            let fixture = self.find("device", &name, &suite.device)?;
            devices.push(facts::posture(suite, &name.value, &fixture.value, now));
        }
        Some(devices)
    }

    fn required<'e, T>(
        &mut self,
        span: &Range<usize>,
        key: &str,
        value: Option<&'e At<T>>,
    ) -> Option<&'e At<T>> {
        if value.is_none() {
            let problem = Problem::new(format!("the case has no `{key}`"))
                .with_help("write it in the case, or in `[default]` for all of them");
            self.report(span, problem);
        }
        value
    }

    fn find<T>(
        &mut self,
        kind: &str,
        name: &At<String>,
        known: &'a BTreeMap<String, T>,
    ) -> Option<&'a T> {
        let found = known.get(&name.value);
        if found.is_none() {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            self.report(&name.span, Problem::unknown(kind, &name.value, &names));
        }
        found
    }
}
