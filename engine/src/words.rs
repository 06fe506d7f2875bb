//! Words for people: spans of time and the like, the same everywhere.

use chrono::{DateTime, TimeDelta, Utc};

/// A span in its largest two units: `8 d 3 h`, `20 h`, `45 s`.
#[must_use]
pub fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let mut parts = units
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect::<Vec<_>>();
    if parts.is_empty() {
        parts.push("0 s".to_owned());
    }
    parts.join(" ")
}

/// How long ago something was, in its largest unit: `2 h ago`, `just now`.
#[must_use]
pub fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let passed = now - then;
    if passed < TimeDelta::seconds(10) {
        return "just now".to_owned();
    }
    let text = span(passed);
    let largest: Vec<&str> = text.split(' ').take(2).collect();
    format!("{} ago", largest.join(" "))
}

/// The candidate nearest to a misspelt name, where one is near enough to suggest.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_shows_its_two_largest_units() {
        let texts = [0, 45, 60, 3_600, 75_000, 691_200, 702_000]
            .map(|seconds| span(TimeDelta::seconds(seconds)));
        assert_eq!(
            texts,
            [
                "0 s",
                "45 s",
                "1 min",
                "1 h",
                "20 h 50 min",
                "8 d",
                "8 d 3 h"
            ]
        );
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let names = ["offices", "partners"];
        assert_eq!(nearest("ofices", names), Some("offices"));
        assert_eq!(nearest("zebra", names), None);
    }
}
