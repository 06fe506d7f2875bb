//! The page that asks for username and password. Whether they are right is found out elsewhere.

use std::fmt;

use askama::Template;
use chrono::TimeDelta;

use crate::domain::clock::Timestamp;

/// The page that asks for username and password; its form goes to `/sign-in` with the fields `username`, `password`,
/// `transaction` and `csrf`.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// The application that the End-User wants to open.
    pub application_name: String,
    /// What stands in the username field at first; may be empty.
    pub username: String,
    /// Whether the username cannot be changed, because this very person has to sign in again.
    pub username_fixed: bool,
    /// Why the last attempt failed.
    pub error: Option<SignInError>,
    /// Why the password is asked for although the End-User has a session.
    pub why: Option<String>,
    /// The authorization request that waits.
    pub transaction: String,
    /// The token of `web::csrf` for this form.
    pub csrf: String,
}

/// Why an attempt to sign in failed, as far as the person at the keyboard may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInError {
    /// The username, the password or both are wrong; which of them stays unsaid.
    WrongCredentials,
    /// There were too many attempts.
    Throttled {
        /// When the next attempt is heard.
        until: Timestamp,
        /// How long that is from now.
        wait: TimeDelta,
    },
}

impl SignInError {
    /// There were too many attempts; the next one is heard at `until`.
    #[must_use]
    pub fn throttled(until: Timestamp, now: Timestamp) -> Self {
        Self::Throttled {
            until,
            wait: until - now,
        }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCredentials => {
                f.write_str("That username and password do not match. Check both and try again.")
            }
            Self::Throttled { until, wait } => {
                // A minute that has begun is waited for to its end.
                let minutes = (wait.num_seconds().max(1) + 59) / 60;
                let unit = if minutes == 1 { "minute" } else { "minutes" };
                let time = until.format("%H:%M");
                write!(
                    f,
                    "Too many attempts. Try again in {minutes} {unit} (at {time} UTC)."
                )
            }
        }
    }
}

impl SignIn {
    /// The page as most people see it.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            application_name: "Payroll".to_owned(),
            username: String::new(),
            username_fixed: false,
            error: None,
            why: None,
            transaction: "gezdgnbvgy3tqojqgezdgnbvgy".to_owned(),
            csrf: "c2FtcGxl".to_owned(),
        }
    }

    /// The page in each of its states.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        let until = Timestamp::UNIX_EPOCH + TimeDelta::minutes(845);
        let known = Self {
            username: "ana@example.com".to_owned(),
            ..Self::sample()
        };
        vec![
            Self::sample(),
            Self {
                username_fixed: true,
                why: Some(
                    "Your password was entered 8 days ago; this application asks for it every 7 days."
                        .to_owned(),
                ),
                ..known.clone()
            },
            Self {
                error: Some(SignInError::WrongCredentials),
                ..known.clone()
            },
            Self {
                error: Some(SignInError::throttled(until, until - TimeDelta::seconds(661))),
                ..known
            },
        ]
    }

    fn password_is_wrong(&self) -> bool {
        self.error == Some(SignInError::WrongCredentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    fn sample(index: usize) -> SignIn {
        SignIn::samples().swap_remove(index)
    }

    #[test]
    fn the_page_names_the_application_and_asks_for_username_and_password() {
        insta::assert_snapshot!(text_of(&sample(0)));
    }

    #[test]
    fn a_person_who_has_to_sign_in_again_is_told_why() {
        insta::assert_snapshot!(text_of(&sample(1)));
    }

    #[test]
    fn wrong_credentials_are_reported_without_saying_which() {
        insta::assert_snapshot!(text_of(&sample(2)));
    }

    #[test]
    fn too_many_attempts_are_reported_with_the_time_to_wait() {
        insta::assert_snapshot!(text_of(&sample(3)));
    }

    #[test]
    fn the_last_minute_of_waiting_is_one_minute() {
        let until = Timestamp::UNIX_EPOCH + TimeDelta::minutes(5);
        let error = SignInError::throttled(until, until - TimeDelta::seconds(20));
        assert_eq!(
            error.to_string(),
            "Too many attempts. Try again in 1 minute (at 00:05 UTC)."
        );
    }

    #[test]
    fn password_managers_find_both_fields() {
        let html = sample(1).render().unwrap();
        assert!(html.contains("autocomplete=\"username\""));
        assert!(html.contains("autocomplete=\"current-password\""));
    }

    #[test]
    fn a_fixed_username_is_sent_and_cannot_be_changed() {
        let html = sample(1).render().unwrap();
        assert!(html.contains("value=\"ana@example.com\""));
        assert!(html.contains(" readonly"));
        assert!(!sample(0).render().unwrap().contains(" readonly"));
    }

    #[test]
    fn an_error_is_announced_and_belongs_to_the_password() {
        let html = sample(2).render().unwrap();
        assert!(html.contains("id=\"problem\" role=\"alert\""));
        assert!(html.contains("aria-describedby=\"problem\" aria-invalid=\"true\""));
    }
}
