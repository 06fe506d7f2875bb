//! Time: what an instant is, who may say which one it is now, and a clock that tests move by hand.
//! How old a fact may be is decided by those who use it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// An instant, in coordinated universal time.
pub type Timestamp = DateTime<Utc>;

/// Says what time it is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant, in whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // Storage keeps milliseconds: with no finer reading, what is read back equals what was written.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(3)
    }
}

/// A clock that stands still until somebody moves it. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Moves the clock by `step`, backwards where it is negative.
    pub fn advance(&self, step: TimeDelta) {
        *self.reading() += step;
    }

    /// Sets the clock to `instant`.
    pub fn set(&self, instant: Timestamp) {
        *self.reading() = instant;
    }

    fn reading(&self) -> MutexGuard<'_, Timestamp> {
        // A panic elsewhere leaves a whole instant behind: nothing can be half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.reading()
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ManualClock, SystemClock};
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn clones_of_a_manual_clock_show_the_same_time() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(TimeDelta::seconds(90));
        assert_eq!(other.now(), DateTime::UNIX_EPOCH + TimeDelta::seconds(90));
    }

    #[test]
    fn a_manual_clock_can_be_set() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH + TimeDelta::days(1));
        clock.set(DateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
    }

    #[test]
    fn the_system_clock_shows_whole_milliseconds() {
        let now = SystemClock.now();
        assert_eq!(now.timestamp_subsec_nanos() % 1_000_000, 0);
    }
}
