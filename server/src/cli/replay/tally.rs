//! What was counted, in a space that does not grow with the log: numbers, and the first few of what is listed.

use std::collections::BTreeMap;

use doorward_engine::Decision;
use serde::Serialize;

use super::compare::{Flip, Kind, ids};
use super::line::Recorded;

/// Most broken lines that are shown.
const MOST_BROKEN: usize = 5;

/// Where a line stands: the number of its log, and its own, from 1. Places are in the order of reading.
pub(super) type Position = (usize, usize);

/// How many lines there were of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Decisions that were asked for again.
    pub(super) replayed: usize,
    /// Those of them for which more devices were on offer than the record holds.
    pub(super) in_part: usize,
    /// Decisions whose records hold no question.
    pub(super) unreplayable: usize,
    /// Requests that ended before a decision.
    pub(super) undecided: usize,
    /// Records of another time.
    pub(super) outside: usize,
    /// Lines that are no record.
    pub(super) malformed: usize,
}

/// How often a policy caused one of the two answers, and not the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Turns {
    /// It caused the answer on record.
    pub(super) before: usize,
    /// It causes the answer now.
    pub(super) now: usize,
}

/// The first few of many, whichever order they come in.
#[derive(Debug)]
pub(super) struct First<T> {
    most: usize,
    kept: BTreeMap<Position, T>,
}

/// Everything that was counted.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) kinds: BTreeMap<Kind, usize>,
    pub(super) applications: BTreeMap<String, usize>,
    /// By each group that the user is directly in; users in none have the empty name.
    pub(super) groups: BTreeMap<String, usize>,
    pub(super) policies: BTreeMap<String, Turns>,
    pub(super) flips: First<Flip>,
    /// Broken lines: their places, and what is wrong.
    pub(super) broken: First<(String, String)>,
    /// References of decisions that cannot be replayed.
    pub(super) unreplayable: First<String>,
}

impl<T> First<T> {
    fn new(most: usize) -> Self {
        Self {
            most,
            kept: BTreeMap::new(),
        }
    }

    /// Whether something at this place would stay.
    pub(super) fn wants(&self, position: Position) -> bool {
        self.kept.len() < self.most
            || self
                .kept
                .last_key_value()
                .is_some_and(|(last, _)| position < *last)
    }

    pub(super) fn add(&mut self, position: Position, value: T) {
        if self.wants(position) {
            self.kept.insert(position, value);
            if self.kept.len() > self.most {
                self.kept.pop_last();
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (position, value) in other.kept {
            self.add(position, value);
        }
    }

    /// What was kept, in the order of its places.
    pub(super) fn into_values(self) -> Vec<T> {
        self.kept.into_values().collect()
    }
}

impl Tally {
    /// Nothing yet; at most `most` flips will be listed.
    pub(super) fn new(most: usize) -> Self {
        Self {
            counts: Counts::default(),
            kinds: BTreeMap::new(),
            applications: BTreeMap::new(),
            groups: BTreeMap::new(),
            policies: BTreeMap::new(),
            flips: First::new(most),
            broken: First::new(MOST_BROKEN),
            unreplayable: First::new(most),
        }
    }

    /// Counts a decision that is answered otherwise; listing it is another matter.
    pub(super) fn flip(&mut self, kind: Kind, recorded: &Recorded, now: &Decision) {
        let request = &recorded.request;
        *self.kinds.entry(kind).or_default() += 1;
        count(&mut self.applications, &request.application.id);
        if request.user.groups.is_empty() {
            count(&mut self.groups, "");
        }
        for group in &request.user.groups {
            count(&mut self.groups, group);
        }
        let (before, now) = (ids(&recorded.decision), ids(now));
        for id in before.iter().filter(|id| !now.contains(*id)) {
            turns(&mut self.policies, id).before += 1;
        }
        for id in now.iter().filter(|id| !before.contains(*id)) {
            turns(&mut self.policies, id).now += 1;
        }
    }

    /// Adds what another thread has counted.
    pub(super) fn merge(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.counts, other.counts);
        mine.replayed += theirs.replayed;
        mine.in_part += theirs.in_part;
        mine.unreplayable += theirs.unreplayable;
        mine.undecided += theirs.undecided;
        mine.outside += theirs.outside;
        mine.malformed += theirs.malformed;
        for (kind, number) in other.kinds {
            *self.kinds.entry(kind).or_default() += number;
        }
        for (name, number) in other.applications {
            *self.applications.entry(name).or_default() += number;
        }
        for (name, number) in other.groups {
            *self.groups.entry(name).or_default() += number;
        }
        for (id, more) in other.policies {
            let turns = self.policies.entry(id).or_default();
            turns.before += more.before;
            turns.now += more.now;
        }
        self.flips.merge(other.flips);
        self.broken.merge(other.broken);
        self.unreplayable.merge(other.unreplayable);
    }
}

fn count(counts: &mut BTreeMap<String, usize>, name: &str) {
    // The name is copied once, not for each record.
    match counts.get_mut(name) {
        Some(number) => *number += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

fn turns<'t>(policies: &'t mut BTreeMap<String, Turns>, id: &str) -> &'t mut Turns {
    policies.entry(id.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_are_kept_whichever_order_they_come_in() {
        let mut first = First::new(2);
        for line in [9, 3, 7, 1, 8] {
            first.add((0, line), line);
        }
        let mut other = First::new(2);
        other.add((1, 1), 100);
        other.add((0, 2), 2);
        first.merge(other);
        assert_eq!(first.into_values(), [1, 2]);
    }

    #[test]
    fn none_are_kept_where_none_are_wanted() {
        let mut first = First::new(0);
        assert!(!first.wants((0, 1)));
        first.add((0, 1), ());
        assert!(first.into_values().is_empty());
    }
}
