//! Reading policies and suites as one snapshot, and running every case that is wanted.
//! What came of it is shown elsewhere.

use std::net::IpAddr;
use std::path::Path;
use std::slice;

use chrono::TimeDelta;
use doorward_engine::suite::{self, CaseResult, Coverage, Suite, is_suite_file};
use doorward_engine::{
    AccessRequest, CountryCode, Diagnostic, Fact, PolicyBundle, Revision, SourceFile,
    is_bundle_file,
};

use super::Args;
use crate::access;
use crate::cli::{Exit, Failure};
use crate::domain::clock::{Clock as _, SystemClock};
use crate::domain::diagnostic::Diagnostic as FileDiagnostic;
use crate::reload::{Snapshot, Source as _, Watched};
use crate::signals::geo::{GeoDatabases, GeoSource};

/// What testing came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Policies or suites are broken, and no case was run.
    Broken(Vec<Diagnostic>),
    /// Every case that was wanted was run.
    Tried(Trial),
}

/// Cases that were run, suite by suite.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) revision: Revision,
    pub(super) suites: Vec<Tried>,
    pub(super) coverage: Option<Measured>,
}

/// A suite and its cases that were run, at least one.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) name: String,
    pub(super) cases: Vec<CaseResult>,
}

/// What the cases have seen of the policies.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) coverage: Coverage,
    pub(super) percent: u32,
    /// Less than this is an answer of no.
    pub(super) minimum: Option<u32>,
}

/// Reads what the arguments name, and runs what they want.
pub(super) fn examine(args: &Args) -> Result<Verdict, Failure> {
    let sources = Sources::read(args).map_err(Failure::Files)?;
    if sources.suites.is_empty() {
        return Err(no_suites(&args.directory));
    }
    let places = Places::open(args).map_err(Failure::Files)?;
    let (bundle, suites) = match sources.load() {
        Ok(loaded) => loaded,
        Err(findings) => return Ok(Verdict::Broken(findings)),
    };
    let suites = try_out(&bundle, &suites, &places, args);
    if suites.is_empty() {
        return Err(no_cases(args.filter.as_deref()));
    }
    let wants_coverage = args.coverage || args.min_coverage.is_some();
    let coverage = wants_coverage.then(|| measure(&bundle, &suites, args.min_coverage));
    Ok(Verdict::Tried(Trial {
        revision: bundle.revision(),
        suites,
        coverage,
    }))
}

/// Runs the cases whose name contains the filter, and all those of a suite whose name does.
fn try_out(bundle: &PolicyBundle, suites: &[Suite], places: &Places, args: &Args) -> Vec<Tried> {
    let locate = |address: IpAddr| places.country(address);
    let filter = args.filter.as_deref();
    let contains = |name: &str| filter.is_none_or(|text| name.contains(text));
    let run = |suite: &Suite| {
        let whole = contains(below(&args.directory, suite.name()));
        let wanted = |name: &str| whole || contains(name);
        Tried {
            name: suite.name().to_owned(),
            cases: suite::run(bundle, slice::from_ref(suite), &locate, &wanted),
        }
    };
    let tried = suites.iter().map(run);
    tried.filter(|suite| !suite.cases.is_empty()).collect()
}

/// The name without the directory, which all have in common.
fn below<'n>(directory: &Path, name: &'n str) -> &'n str {
    let path = Path::new(name).strip_prefix(directory).ok();
    path.and_then(Path::to_str).unwrap_or(name)
}

fn measure(bundle: &PolicyBundle, suites: &[Tried], minimum: Option<u32>) -> Measured {
    let requests: Vec<&AccessRequest> = suites
        .iter()
        .flat_map(|suite| &suite.cases)
        .map(|case| &case.request)
        .collect();
    let coverage = suite::coverage(bundle, &requests);
    Measured {
        percent: coverage.percent(),
        coverage,
        minimum,
    }
}

fn no_suites(directory: &Path) -> Failure {
    Failure::new(format!("there is no suite below `{}`", directory.display())).with_help(
        "write cases into a file whose name ends in `.suite.toml`, or name one with `--suite`",
    )
}

fn no_cases(filter: Option<&str>) -> Failure {
    match filter {
        Some(text) => Failure::new(format!("no case and no suite has `{text}` in its name"))
            .with_help("leave out `--filter` to see what there is"),
        None => Failure::new("the suites have no cases")
            .with_help("write a `[[case]]` or a `[[table]]` into one of them"),
    }
}

/// The texts of one run.
struct Sources {
    bundle: Vec<SourceFile>,
    suites: Vec<SourceFile>,
}

impl Sources {
    fn read(args: &Args) -> Result<Self, Vec<FileDiagnostic>> {
        let directory = Snapshot::read(&Watched::Directory(args.directory.clone()))?;
        let bundle = |name: &str| is_bundle_file(name) && !is_suite_file(name);
        let suites = if args.suites.is_empty() {
            access::texts(&directory.files, is_suite_file)
        } else {
            let given = Snapshot::read(&Watched::Files(args.suites.clone()))?;
            access::texts(&given.files, |_| true)
        };
        Ok(Self {
            bundle: access::texts(&directory.files, bundle)?,
            suites: suites?,
        })
    }

    /// The bundle and the suites, or everything that is wrong with either.
    fn load(&self) -> Result<(PolicyBundle, Vec<Suite>), Vec<Diagnostic>> {
        let (mut findings, mut suites) = (Vec::new(), Vec::new());
        let bundle = PolicyBundle::load(&self.bundle, None);
        if let Err(error) = &bundle {
            findings.extend_from_slice(&error.diagnostics);
        }
        for file in &self.suites {
            match Suite::parse(file) {
                Ok(suite) => suites.push(suite),
                Err(wrong) => findings.extend(wrong),
            }
        }
        match bundle {
            Ok(bundle) if findings.is_empty() => Ok((bundle, suites)),
            _ => Err(findings),
        }
    }
}

/// Where addresses are, if there are databases to ask.
struct Places {
    databases: Option<GeoDatabases>,
}

impl Places {
    fn open(args: &Args) -> Result<Self, Vec<FileDiagnostic>> {
        if args.geoip.is_empty() {
            return Ok(Self { databases: None });
        }
        let source = GeoSource {
            databases: args.geoip.clone(),
            // The moment of a case is the suite's: no database is too old for it.
            max_age: TimeDelta::MAX,
        };
        let snapshot = Snapshot::read(&source.watched())?;
        let built = source.build(&snapshot, None, SystemClock.now())?;
        Ok(Self {
            databases: Some(built.value),
        })
    }

    fn country(&self, address: IpAddr) -> Fact<CountryCode> {
        let Some(databases) = &self.databases else {
            return Fact::unknown("no GeoIP database was given", "GeoIP");
        };
        let now = SystemClock.now();
        databases.country(&Fact::known(address, "suite", now), now)
    }
}

impl Verdict {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Tried(trial) if trial.is_fine() => Exit::Yes,
            Self::Tried(_) | Self::Broken(_) => Exit::No,
        }
    }
}

impl Trial {
    /// Whether every case is as expected, and enough was tried.
    pub(super) fn is_fine(&self) -> bool {
        let enough = self.coverage.as_ref().is_none_or(Measured::is_enough);
        self.failed() == 0 && enough
    }

    pub(super) fn cases(&self) -> usize {
        self.suites.iter().map(|suite| suite.cases.len()).sum()
    }

    pub(super) fn failed(&self) -> usize {
        self.suites.iter().map(Tried::failed).sum()
    }

    /// Cases that are not as expected, in their order.
    pub(super) fn failures(&self) -> impl Iterator<Item = &CaseResult> {
        self.suites.iter().flat_map(Tried::failures)
    }
}

impl Tried {
    pub(super) fn failed(&self) -> usize {
        self.failures().count()
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.iter().filter(|case| !has_passed(case))
    }
}

impl Measured {
    pub(super) fn is_enough(&self) -> bool {
        self.minimum.is_none_or(|minimum| self.percent >= minimum)
    }
}

pub(super) fn has_passed(case: &CaseResult) -> bool {
    case.failures.is_empty()
}
