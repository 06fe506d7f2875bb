//! What both sides are asked: the questions that the policies tell apart, the cases of suites, real people.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use doorward_analysis::Solver;
use doorward_engine::diff::{self, DataDiff, Flip, Person, Structure, compare};
use doorward_engine::suite::{self, Suite};
use doorward_engine::{CountryCode, Fact, PolicyBundle};

use super::proof::{Proof, Wanted};
use super::records::records;
use super::sides::{Shown, Side};
use super::{Args, Suites};
use crate::access;
use crate::app::delta;
use crate::cli::{Exit, Failure};
use crate::config::DeviceHost;
use crate::directory::devices::InventorySource;
use crate::directory::users::UsersSource;
use crate::domain::clock::{Clock, SystemClock};
use crate::reload::{Live, Source, load};

/// What comparing came to.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) old: Shown,
    pub(super) new: Shown,
    pub(super) structure: Structure,
    /// What the policies tell apart.
    pub(super) questions: DataDiff,
    /// The cases of suites, where there are any.
    pub(super) cases: Option<DataDiff>,
    /// The people of a users file, where one was given.
    pub(super) people: Option<People>,
    /// The decisions of logs, where some were given.
    pub(super) records: Option<DataDiff>,
    /// What a solver says of all requests.
    pub(super) proof: Proof,
    /// Whether there is no answer where it could not tell.
    pub(super) must_prove: bool,
    /// Whether people may be named.
    pub(super) names: bool,
    pub(super) notes: Vec<String>,
}

/// What was asked about real people.
#[derive(Debug)]
pub(super) struct People {
    /// How many there are.
    pub(super) number: usize,
    pub(super) data: DataDiff,
}

impl Comparison {
    pub(super) fn of(args: &Args, clock: &dyn Clock) -> Result<Self, Failure> {
        let old = Side::read(&args.old, args)?;
        let new = Side::read(&args.new, args)?;
        let mut notes = Vec::new();
        let cases = cases(&old, &new, args.suites, &mut notes)?;
        let people = match &args.users {
            Some(users) => Some(people(&old.bundle, &new.bundle, users, args, clock)?),
            None => None,
        };
        let (before, after) = (&old.bundle, &new.bundle);
        let records = match args.log.as_slice() {
            [] => None,
            logs => Some(records(before, after, logs, args.most, &mut notes)?),
        };
        Ok(Self {
            records,
            structure: diff::structure(&old.bundle, &new.bundle),
            questions: diff::representatives(&old.bundle, &new.bundle, args.most),
            proof: proof(&old.bundle, &new.bundle, args)?,
            must_prove: args.proof == Wanted::Always,
            cases,
            people,
            names: args.names,
            notes,
            old: old.shown,
            new: new.shown,
        })
    }

    pub(super) fn exit(&self) -> Exit {
        if self.flips().next().is_some() || self.proof.shows_a_change() {
            Exit::No
        } else if self.must_prove && self.proof.is_in_doubt() {
            Exit::Unanswered
        } else {
            Exit::Yes
        }
    }

    /// Everything that was asked.
    pub(super) fn asked(&self) -> impl Iterator<Item = &DataDiff> {
        let people = self.people.as_ref().map(|people| &people.data);
        std::iter::once(&self.questions)
            .chain(&self.cases)
            .chain(people)
            .chain(&self.records)
    }

    /// Everything that is answered differently.
    pub(super) fn flips(&self) -> impl Iterator<Item = &Flip> {
        self.asked().flat_map(|data| &data.flips)
    }
}

/// Cases that both sides have are asked once. A suite of OLD that cannot be read is worth a note.
fn cases(
    old: &Side,
    new: &Side,
    whose: Suites,
    notes: &mut Vec<String>,
) -> Result<Option<DataDiff>, Failure> {
    let mut suites: Vec<Suite> = Vec::new();
    if whose != Suites::None {
        let (found, wrong) = new.suites();
        if !wrong.is_empty() {
            return Err(new.broken(&wrong));
        }
        suites.extend(found);
    }
    if whose == Suites::Both {
        let (found, wrong) = old.suites();
        notes.extend(wrong.iter().map(|wrong| {
            let place = wrong.origin();
            format!("a suite of OLD was not asked: {place}: {}", wrong.message)
        }));
        suites.extend(found);
    }
    if suites.is_empty() {
        return Ok(None);
    }
    let locate =
        |_: IpAddr| -> Fact<CountryCode> { Fact::unknown("no database was asked", "GeoIP") };
    let [before, after] =
        [old, new].map(|side| suite::run(&side.bundle, &suites, &locate, &|_: &str| true));
    let mut data = DataDiff::default();
    let mut seen = HashSet::new();
    for (before, after) in before.into_iter().zip(after) {
        if seen.insert(format!("{} {:?}", after.name, after.request)) {
            data.asked += 1;
            let name = format!("{}: {}", after.suite, after.name);
            let flip = compare(Some(name), after.request, before.decision, after.decision);
            data.flips.extend(flip);
        }
    }
    Ok(Some(data))
}

fn proof(old: &PolicyBundle, new: &PolicyBundle, args: &Args) -> Result<Proof, Failure> {
    let solver = Solver {
        program: args.solver.clone(),
        limit: args.limit,
    };
    Proof::of(old, new, args.proof, &solver, args.within)
}

fn people(
    old: &PolicyBundle,
    new: &PolicyBundle,
    users: &Path,
    args: &Args,
    clock: &dyn Clock,
) -> Result<People, Failure> {
    let users = read(UsersSource {
        file: users.to_owned(),
    })?;
    let inventory = match &args.devices {
        Some(file) => Some(read(InventorySource { file: file.clone() })?),
        None => None,
    };
    let users = users.current();
    let inventory = inventory.map(|live| live.current());
    let now = clock.now();
    let lifetime = delta(DeviceHost::EVIDENCE_LIFETIME);
    // Whoever is disabled gets in nowhere, whatever policies say.
    let enabled = || users.value.all().filter(|user| !user.disabled);
    let everybody = enabled().map(|user| Person {
        name: user.username.clone(),
        user: access::principal(user),
        devices: inventory.as_ref().map_or_else(Vec::new, |inventory| {
            access::candidates(&inventory.value, &user.id, lifetime, now)
        }),
    });
    Ok(People {
        number: enabled().count(),
        data: diff::people(old, new, everybody, args.most),
    })
}

fn read<S: Source>(source: S) -> Result<Live<S::Value>, Failure> {
    let loaded = load(source, Arc::new(SystemClock)).map_err(Failure::Files)?;
    Ok(loaded.0)
}
