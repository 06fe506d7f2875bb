//! How long a document counts without being asked for again: what its server says, within bounds of ours.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};

/// A document counts at least this long: nobody has Doorward ask another server at every request.
const SHORTEST: TimeDelta = TimeDelta::minutes(5);
/// And at most this long: keys that were withdrawn have to go.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// Where its server says nothing.
const USUAL: TimeDelta = TimeDelta::hours(1);

/// How long an answer may be kept, as its server says: RFC 9111, sections 4.2.1 and 5.2.2. What it says badly
/// counts as not at all.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let kept = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(seconds)
        // Section 4.2.1: of several that disagree the most restrictive one counts.
        .min()?;
    // Section 5.1: that long it has lain in a cache on the way.
    let age = headers.get(AGE).and_then(|value| value.to_str().ok());
    let age = age.and_then(|value| value.trim().parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(kept.saturating_sub(age)))
}

/// How long a document counts.
pub(super) fn lifetime(max_age: Option<Duration>) -> TimeDelta {
    max_age.map_or(USUAL, |kept| {
        TimeDelta::from_std(kept)
            .unwrap_or(LONGEST)
            .clamp(SHORTEST, LONGEST)
    })
}

/// What one directive allows, in seconds, if it is about that.
fn seconds(directive: &str) -> Option<u64> {
    let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
    match name.trim().to_ascii_lowercase().as_str() {
        "max-age" => Some(value.trim().trim_matches('"').parse().unwrap_or(0)),
        "no-store" | "no-cache" => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CACHE_CONTROL, value.parse().unwrap());
        }
        max_age(&headers).map(|kept| kept.as_secs())
    }

    #[test]
    fn the_server_says_how_long() {
        assert_eq!(told(&["public, max-age=600"]), Some(600));
        assert_eq!(told(&["Max-Age = \"600\""]), Some(600));
        assert_eq!(told(&["public"]), None);
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn of_several_the_shortest_counts() {
        assert_eq!(told(&["max-age=600, max-age=60"]), Some(60));
        assert_eq!(told(&["max-age=600", "no-cache"]), Some(0));
    }

    #[test]
    fn what_is_no_number_counts_as_not_at_all() {
        for value in ["max-age=soon", "max-age=-1", "max-age"] {
            assert_eq!(told(&[value]), Some(0), "{value}");
        }
    }

    #[test]
    fn time_in_caches_on_the_way_is_used_up() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, "max-age=600".parse().unwrap());
        headers.insert(AGE, "450".parse().unwrap());
        assert_eq!(max_age(&headers), Some(Duration::from_secs(150)));
    }

    #[test]
    fn a_document_counts_from_five_minutes_to_a_day() {
        let lifetime = |seconds| lifetime(Some(Duration::from_secs(seconds)));
        assert_eq!(lifetime(0), TimeDelta::minutes(5));
        assert_eq!(lifetime(600), TimeDelta::minutes(10));
        assert_eq!(lifetime(u64::MAX), TimeDelta::days(1));
    }

    #[test]
    fn without_a_word_a_document_counts_an_hour() {
        assert_eq!(lifetime(None), TimeDelta::hours(1));
    }
}
