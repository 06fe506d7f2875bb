//! The clock of the tour: that of the machine, some days ahead. It goes on ticking, so that nothing
//! looks as if it had happened at one instant.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;

use crate::domain::clock::{Clock, SystemClock, Timestamp};

/// A clock that can be put forward. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub(super) struct TourClock {
    /// Milliseconds ahead of the machine.
    ahead: Arc<AtomicI64>,
}

impl TourClock {
    /// Puts the clock forward by `step`.
    pub(super) fn advance(&self, step: TimeDelta) {
        self.ahead
            .fetch_add(step.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for TourClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_go_ahead_together() {
        let clock = TourClock::default();
        let other = clock.clone();
        let before = other.now();
        clock.advance(TimeDelta::days(8));
        assert!(other.now() - before >= TimeDelta::days(8));
        assert!(other.now() - before < TimeDelta::days(9));
    }
}
