//! How durations are written in the configuration: a number with its unit, as in `15m`.
//! Which durations a setting accepts is decided by the section that owns it.

use std::time::Duration;

use serde::{Deserializer, Serializer};

/// A second, the smallest step of most settings.
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// A minute.
pub(super) const MINUTE: Duration = Duration::from_mins(1);
/// An hour.
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// A day of 24 hours.
pub(super) const DAY: Duration = Duration::from_hours(24);
/// A year of 365 days.
pub(super) const YEAR: Duration = Duration::from_hours(365 * 24);

/// Units from the longest to the shortest; the first that divides a duration evenly is used to show it.
const UNITS: [(u64, &str); 3] = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];

/// The shortest text that reads back as the same duration: `400d`, `90s`, `100ms`.
pub(super) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 {
        return humantime::format_duration(duration).to_string();
    }
    UNITS
        .into_iter()
        .find(|(length, _)| seconds != 0 && seconds.is_multiple_of(*length))
        .map_or_else(
            || format!("{seconds}s"),
            |(length, unit)| format!("{}{unit}", seconds / length),
        )
}

/// Writes a duration the way an operator would.
pub(super) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(*duration))
}

/// Reads a duration such as `15m` or `1h 30m`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    humantime_serde::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_in_the_longest_unit_that_divides_it() {
        let texts = [
            (400 * DAY, "400d"),
            (36 * HOUR, "36h"),
            (15 * MINUTE, "15m"),
            (90 * SECOND, "90s"),
            (Duration::from_millis(100), "100ms"),
            (Duration::ZERO, "0s"),
        ];
        for (duration, text) in texts {
            assert_eq!(shown(duration), text);
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same_duration() {
        for duration in [YEAR, 30 * DAY, HOUR, Duration::from_millis(1_250)] {
            assert_eq!(
                humantime::parse_duration(&shown(duration)).unwrap(),
                duration
            );
        }
    }
}
