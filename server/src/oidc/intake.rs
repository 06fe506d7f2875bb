//! How much strangers can have written down: the sign-ins they begin, and the records of requests about
//! which nothing was decided. Both are counted by where they come from.
//!
//! Counted in memory and not in storage: there, a count would cost the very write that the limit is meant to
//! spare, and everybody waits for the one writer. So each process counts for itself, and a restart
//! begins anew. Guesses at passwords are counted in storage: there, no replica may forget.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::browser::Browser;
use super::origin::Origin;
use super::provider::Provider;
use crate::audit::DecisionRecord;
use crate::domain::clock::Timestamp;

/// Most origins that are counted at a time: a few megabytes.
const MOST_ORIGINS: usize = 65_536;

/// Counts what strangers have written down.
#[derive(Debug)]
pub struct Intake {
    limit: u32,
    window: TimeDelta,
    counts: Mutex<HashMap<Origin, Count>>,
}

/// What came from one origin in a window.
#[derive(Debug, Clone, Copy)]
struct Count {
    ends: Timestamp,
    unfinished: u32,
    records: u32,
}

/// Whether this record is stored. A decision always is; of what was not even decided, so many from each
/// origin. Of a record that is not stored, the decision log knows all, and the server's log the reference.
pub(super) fn is_stored(cx: &Provider, browser: &Browser, record: &DecisionRecord) -> bool {
    let stored = record.decision.is_some()
        || cx
            .intake
            .may_record(Origin::of(cx, browser, record.at), record.at);
    if !stored {
        let (reference, ending) = (record.reference, record.ending.word());
        tracing::info!(%reference, ending, "record is not stored: its address has too many");
    }
    stored
}

impl Intake {
    /// Lets each origin have `limit` of each kind within `window`.
    #[must_use]
    pub fn new(limit: u32, window: TimeDelta) -> Self {
        Self {
            limit,
            window,
            counts: Mutex::default(),
        }
    }

    /// Counts a sign-in that begins. The error is when the next one may, where too many wait unfinished.
    pub(super) fn begin(&self, origin: Origin, now: Timestamp) -> Result<(), Timestamp> {
        let mut counts = self.counts();
        let count = self.count(&mut counts, origin, now);
        if count.unfinished >= self.limit {
            return Err(count.ends);
        }
        count.unfinished += 1;
        Ok(())
    }

    /// Gives a sign-in back that was finished: an office in which all sign in is no flood.
    pub(super) fn finish(&self, origin: Origin) {
        if let Some(count) = self.counts().get_mut(&origin) {
            count.unfinished = count.unfinished.saturating_sub(1);
        }
    }

    /// Counts a record of a request about which nothing was decided; whether it may be stored.
    fn may_record(&self, origin: Origin, now: Timestamp) -> bool {
        let mut counts = self.counts();
        let count = self.count(&mut counts, origin, now);
        let room = count.records < self.limit;
        if room {
            count.records += 1;
        }
        room
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Origin, Count>> {
        // A panic elsewhere leaves whole numbers behind: nothing can be half counted.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The count of an origin in the window of this moment.
    fn count<'c>(
        &self,
        counts: &'c mut HashMap<Origin, Count>,
        origin: Origin,
        now: Timestamp,
    ) -> &'c mut Count {
        if counts.len() >= MOST_ORIGINS && !counts.contains_key(&origin) {
            make_room(counts, now);
        }
        let fresh = Count {
            ends: now + self.window,
            unfinished: 0,
            records: 0,
        };
        let count = counts.entry(origin).or_insert(fresh);
        if count.ends <= now {
            *count = fresh;
        }
        // A clock that was set back keeps nobody out for longer than one window.
        count.ends = count.ends.min(fresh.ends);
        count
    }
}

/// Forgets windows that have ended. Whoever comes from so many networks that this is not enough cannot be
/// held by counting addresses: then all counts go, so that the memory stays bounded and so does the work.
fn make_room(counts: &mut HashMap<Origin, Count>, now: Timestamp) {
    counts.retain(|_, count| count.ends > now);
    if counts.len() > MOST_ORIGINS / 2 {
        counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn origin(number: u32) -> Origin {
        Origin::at(Ipv4Addr::from_bits(number).into())
    }

    fn intake(limit: u32) -> Intake {
        Intake::new(limit, TimeDelta::minutes(15))
    }

    #[test]
    fn too_many_unfinished_sign_ins_wait_for_the_next_window() {
        let intake = intake(2);
        let ends = now() + TimeDelta::minutes(15);
        assert_eq!(intake.begin(origin(1), now()), Ok(()));
        let later = now() + TimeDelta::minutes(14);
        assert_eq!(intake.begin(origin(1), later), Ok(()));
        assert_eq!(intake.begin(origin(1), later), Err(ends));
        assert_eq!(intake.begin(origin(2), later), Ok(()));
        assert_eq!(intake.begin(origin(1), ends), Ok(()));
    }

    #[test]
    fn a_sign_in_that_is_finished_makes_room_for_another() {
        let intake = intake(1);
        for _ in 0..10 {
            assert_eq!(intake.begin(origin(1), now()), Ok(()));
            intake.finish(origin(1));
        }
        // More is not given back than was counted.
        intake.finish(origin(1));
        intake.finish(origin(2));
        assert_eq!(intake.begin(origin(1), now()), Ok(()));
        assert!(intake.begin(origin(1), now()).is_err());
    }

    #[test]
    fn records_are_counted_apart_from_sign_ins() {
        let intake = intake(1);
        assert!(intake.may_record(origin(1), now()));
        assert!(!intake.may_record(origin(1), now()));
        assert!(intake.may_record(origin(2), now()));
        assert_eq!(intake.begin(origin(1), now()), Ok(()));
        assert!(intake.may_record(origin(1), now() + TimeDelta::minutes(15)));
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_for_one_window_at_most() {
        let intake = intake(1);
        assert_eq!(intake.begin(origin(1), now()), Ok(()));
        let earlier = now() - TimeDelta::days(1);
        let until = intake.begin(origin(1), earlier).unwrap_err();
        assert_eq!(until, earlier + TimeDelta::minutes(15));
    }

    #[test]
    fn however_many_origins_there_are_the_memory_is_bounded() {
        let intake = intake(1);
        for number in 0..=u32::try_from(MOST_ORIGINS).unwrap() {
            assert_eq!(intake.begin(origin(number), now()), Ok(()));
        }
        assert!(intake.counts().len() <= MOST_ORIGINS);
    }
}
