//! The claims of a token (RFC 7519, section 4) by the type that they have to have, and the time in which the
//! token counts. Which claims a token has to have is left to the caller.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Number, Value};

use super::error::JoseError;
use crate::domain::clock::Timestamp;

/// How far the clock of whoever made a token may be from ours. FAPI 2.0 Security Profile, section 5.3.2.1
/// wants ten seconds ahead accepted and more than sixty refused.
pub const SKEW: TimeDelta = TimeDelta::seconds(30);

/// The last second of the year 9999. What lies beyond would not fit into calculations with time.
const LATEST: u64 = 253_402_300_799;

/// The claims of a token whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims(Map<String, Value>);

/// Whom a token is for (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// A single text.
    One(String),
    /// An array of texts.
    Many(Vec<String>),
}

impl Claims {
    pub(super) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A claim of any type.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is a text, where it is there.
    pub fn string(&self, name: &'static str) -> Result<Option<&str>, JoseError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(JoseError::ClaimType(name)),
        }
    }

    /// A claim that is a text and has to be there.
    pub fn required(&self, name: &'static str) -> Result<&str, JoseError> {
        self.string(name)?.ok_or(JoseError::ClaimMissing(name))
    }

    /// A claim that is an instant (RFC 7519, section 2: `NumericDate`), where it is there. Fractions of
    /// seconds are cut off.
    pub fn instant(&self, name: &'static str) -> Result<Option<Timestamp>, JoseError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                instant(number).map(Some).ok_or(JoseError::ClaimType(name))
            }
            Some(_) => Err(JoseError::ClaimType(name)),
        }
    }

    /// Whom the token is for; `aud` has to be there.
    pub fn audience(&self) -> Result<Audience, JoseError> {
        let wrong = JoseError::ClaimType("aud");
        match self.0.get("aud") {
            None => Err(JoseError::ClaimMissing("aud")),
            Some(Value::String(one)) => Ok(Audience::One(one.clone())),
            Some(Value::Array(listed)) => listed
                .iter()
                .map(|each| each.as_str().map(str::to_owned).ok_or(wrong))
                .collect::<Result<_, _>>()
                .map(Audience::Many),
            Some(_) => Err(wrong),
        }
    }

    /// All claims, for those who have to look through them.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All claims.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.0
    }
}

impl Audience {
    /// Whether the token is for this one, perhaps among others.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }

    /// The only one whom the token is for, written either way.
    #[must_use]
    pub fn sole(&self) -> Option<&str> {
        match self {
            Self::One(one) => Some(one),
            Self::Many(many) => match many.as_slice() {
                [one] => Some(one),
                _ => None,
            },
        }
    }
}

/// Seconds since 1970, neither negative nor beyond `LATEST`.
fn instant(number: &Number) -> Option<Timestamp> {
    let seconds = match number.as_u64() {
        Some(whole) => whole,
        // Refuses what is negative, not finite or too large; and cuts the fraction off.
        None => Duration::try_from_secs_f64(number.as_f64()?)
            .ok()?
            .as_secs(),
    };
    if seconds > LATEST {
        return None;
    }
    Timestamp::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

/// The time in which a token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    skew: TimeDelta,
    longest: TimeDelta,
}

impl Window {
    /// A token may be valid for as long as this, and no longer.
    #[must_use]
    pub const fn of_at_most(longest: TimeDelta) -> Self {
        Self {
            skew: SKEW,
            longest,
        }
    }

    /// Checks `exp`, which has to be there, and `iat` and `nbf`, which may be (RFC 7519, sections 4.1.4 to 4.1.6).
    /// From the instant that is given back on the token is refused: so long its `jti` has to be remembered.
    pub fn check(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, JoseError> {
        let expires = claims
            .instant("exp")?
            .ok_or(JoseError::ClaimMissing("exp"))?;
        let forgotten = expires + self.skew;
        if now >= forgotten {
            return Err(JoseError::Expired);
        }
        let (issued, begins) = (claims.instant("iat")?, claims.instant("nbf")?);
        let ahead = |instant: Timestamp| instant > now + self.skew;
        if issued.is_some_and(ahead) || begins.is_some_and(ahead) {
            return Err(JoseError::NotYetValid);
        }
        // Whoever gives a token a long life keeps it for later; a missing `iat` does not make it longer.
        let lives_too_long = expires - now > self.longest + self.skew
            || issued.is_some_and(|issued| expires - issued > self.longest);
        if lives_too_long {
            return Err(JoseError::LivesTooLong);
        }
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Claims {
        Claims::new(value.as_object().unwrap().clone())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn now() -> Timestamp {
        at(1_000_000)
    }

    fn checked(value: &Value) -> Result<Timestamp, JoseError> {
        Window::of_at_most(TimeDelta::minutes(5)).check(&claims(value), now())
    }

    #[test]
    fn a_text_is_a_text_or_not_there() {
        let claims = claims(&json!({"iss": "a", "sub": 1}));
        assert_eq!(claims.string("iss"), Ok(Some("a")));
        assert_eq!(claims.string("jti"), Ok(None));
        assert_eq!(claims.string("sub"), Err(JoseError::ClaimType("sub")));
        assert_eq!(claims.required("jti"), Err(JoseError::ClaimMissing("jti")));
    }

    #[test]
    fn an_instant_may_have_a_fraction_which_is_cut_off() {
        for (value, seconds) in [
            (json!(0), 0),
            (json!(1_000_000), 1_000_000),
            (json!(1_000_000.9), 1_000_000),
            (json!(1e6), 1_000_000),
        ] {
            let read = claims(&json!({ "exp": value })).instant("exp");
            assert_eq!(read, Ok(Some(at(seconds))));
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for value in [
            json!(-1),
            json!(-0.5),
            json!(1e300),
            json!(u64::MAX),
            json!(LATEST + 1),
            json!("1000000"),
            json!(null),
            json!([1]),
        ] {
            let read = claims(&json!({ "exp": value })).instant("exp");
            assert_eq!(read, Err(JoseError::ClaimType("exp")), "{value}");
        }
    }

    #[test]
    fn the_last_instant_is_far_away_and_calculated_with() {
        let error = checked(&json!({ "exp": LATEST }));
        assert_eq!(error, Err(JoseError::LivesTooLong));
    }

    #[test]
    fn an_audience_is_one_text_or_an_array_of_texts() {
        let audience = |value: Value| claims(&json!({ "aud": value })).audience();
        let one = audience(json!("a")).unwrap();
        assert_eq!((one.sole(), one.contains("a")), (Some("a"), true));
        let sole = audience(json!(["a"])).unwrap();
        assert_eq!((sole.sole(), sole.contains("a")), (Some("a"), true));
        let two = audience(json!(["a", "b"])).unwrap();
        assert_eq!((two.sole(), two.contains("b")), (None, true));
        let none = audience(json!([])).unwrap();
        assert_eq!((none.sole(), none.contains("a")), (None, false));
        for wrong in [json!(1), json!(["a", 1]), json!({"a": "b"}), json!(null)] {
            assert_eq!(audience(wrong), Err(JoseError::ClaimType("aud")));
        }
        let missing = claims(&json!({})).audience();
        assert_eq!(missing, Err(JoseError::ClaimMissing("aud")));
    }

    #[test]
    fn a_token_without_an_end_is_refused() {
        let error = checked(&json!({"iat": 1_000_000}));
        assert_eq!(error, Err(JoseError::ClaimMissing("exp")));
    }

    #[test]
    fn a_token_counts_until_thirty_seconds_after_its_end() {
        assert_eq!(checked(&json!({"exp": 999_971})), Ok(at(1_000_001)));
        assert_eq!(checked(&json!({"exp": 999_970})), Err(JoseError::Expired));
    }

    #[test]
    fn a_token_from_thirty_seconds_ahead_is_taken_and_from_more_is_refused() {
        for name in ["iat", "nbf"] {
            let from = |ahead: i64| checked(&json!({"exp": 1_000_060, name: 1_000_000 + ahead}));
            assert!(from(10).is_ok() && from(30).is_ok(), "{name}");
            for ahead in [31, 61] {
                assert_eq!(from(ahead), Err(JoseError::NotYetValid), "{name}");
            }
        }
    }

    #[test]
    fn a_token_that_lives_longer_than_allowed_is_refused() {
        assert!(checked(&json!({"exp": 1_000_300, "iat": 1_000_000})).is_ok());
        let long = checked(&json!({"exp": 1_000_201, "iat": 999_900}));
        assert_eq!(long, Err(JoseError::LivesTooLong));
    }

    #[test]
    fn a_missing_or_late_beginning_does_not_make_a_life_longer() {
        assert!(checked(&json!({"exp": 1_000_330})).is_ok());
        let late = json!({"exp": 1_000_331});
        assert_eq!(checked(&late), Err(JoseError::LivesTooLong));
        let ahead = json!({"exp": 1_000_331, "iat": 1_000_031});
        assert_eq!(checked(&ahead), Err(JoseError::NotYetValid));
    }
}
