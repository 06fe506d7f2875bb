//! One sign-in of the tour, page by page, as a person would do it. What it should come to, and why it
//! came to it, is left to the tour.

use std::fmt;

use reqwest::StatusCode;

use super::super::browser::{Browser, BrowserError, Landing, Page};
use super::super::cast::{Application, PASSWORD, Person};
use super::super::edge::{self, Place};
use super::super::relying_party::{RelyingParty, RelyingPartyError, Returned};
use crate::domain::ids::Reference;

/// The host of the provider, to which the choice of a place is told.
const PROVIDER: &str = "localhost";
/// Where the sign-in page sends its form.
const SIGN_IN: &str = "/sign-in";
/// The words that lead to the device host.
const CHECK: &str = "Check this device";
/// The words that lead past it.
const SKIP: &str = "Continue without the check";
/// More pages than any sign-in has.
const MOST_PAGES: usize = 8;

/// Who goes where, from where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    /// The person.
    pub(super) person: Person,
    /// What they want to open.
    pub(super) application: Application,
    /// Where they are.
    pub(super) place: Place,
    /// What they do when the device is to be checked.
    pub(super) device: DeviceStep,
}

/// What a person does when the device is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeviceStep {
    /// They let it be checked.
    Check,
    /// They go on without.
    Skip,
}

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The person is signed in.
    Permit,
    /// The person is signed in, after entering the password although there was a session.
    PermitAfterPassword,
    /// The person was shown why not.
    Deny,
}

/// How a sign-in ended, and what finds its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// How it ended.
    pub(super) verdict: Verdict,
    /// The reference on the page of a refusal.
    pub(super) reference: Option<Reference>,
}

/// Why a sign-in came to no end.
#[derive(Debug, thiserror::Error)]
pub(super) enum JourneyError {
    /// The browser cannot go on.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The application refuses the answer.
    #[error(transparent)]
    Application(#[from] RelyingPartyError),
    /// Somebody else is signed in.
    #[error("`{0}` was signed in instead")]
    Somebody(String),
    /// A page that belongs to no sign-in.
    #[error("lost at `{url}` ({status})")]
    Lost {
        /// The page.
        url: String,
        /// Its status.
        status: StatusCode,
    },
    /// The pages do not end.
    #[error("page follows page, and none is the last")]
    Endless,
}

/// Signs in, from the application's link to its answer.
pub(super) async fn sign_in(
    browser: &mut Browser,
    party: &RelyingParty,
    visit: Visit,
) -> Result<Arrival, JourneyError> {
    browser
        .jar_mut()
        .set(PROVIDER, edge::COOKIE, visit.place.name());
    let begun = party.begin();
    let mut landing = browser.open(begun.url.as_str()).await?;
    let mut verdict = Verdict::Permit;
    for _ in 0..MOST_PAGES {
        let page = match landing {
            Landing::Page(page) => page,
            Landing::Returned(url) => {
                let returned = Returned::from_query(url.query().unwrap_or_default());
                let person = party.finish(begun, &returned).await?;
                if person.subject != visit.person.id {
                    return Err(JourneyError::Somebody(person.subject));
                }
                return Ok(Arrival {
                    verdict,
                    reference: None,
                });
            }
        };
        landing = match Step::of(&page) {
            Step::Password { again } => {
                let typed = [("username", visit.person.id), ("password", PASSWORD)];
                if again {
                    verdict = Verdict::PermitAfterPassword;
                }
                browser.submit(&page, SIGN_IN, &typed).await?
            }
            Step::Device => browser.click(&page, visit.device.words()).await?,
            Step::Denied(reference) => {
                return Ok(Arrival {
                    verdict: Verdict::Deny,
                    reference: Some(reference),
                });
            }
            Step::Unknown => {
                return Err(JourneyError::Lost {
                    url: page.url.into(),
                    status: page.status,
                });
            }
        };
    }
    Err(JourneyError::Endless)
}

/// What a page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Password { again: bool },
    Device,
    Denied(Reference),
    Unknown,
}

impl Step {
    fn of(page: &Page) -> Self {
        if let Some(form) = page.form(SIGN_IN) {
            // Whoever has a session cannot become somebody else on the way.
            let again = form
                .field("username")
                .is_some_and(|username| username.read_only);
            return Self::Password { again };
        }
        if page.link(CHECK).is_some() {
            return Self::Device;
        }
        match page.reference() {
            Some(reference) if page.status == StatusCode::FORBIDDEN => Self::Denied(reference),
            _ => Self::Unknown,
        }
    }
}

impl DeviceStep {
    fn words(self) -> &'static str {
        match self {
            Self::Check => CHECK,
            Self::Skip => SKIP,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permit => "permit",
            Self::PermitAfterPassword => "password, then permit",
            Self::Deny => "deny",
        })
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::web::pages::{Denied, DeviceCheck, ErrorPage, SignIn};

    fn step(status: StatusCode, template: &impl Template) -> Step {
        Step::of(&Page {
            url: "https://localhost:8443/authorize".parse().unwrap(),
            status,
            headers: HeaderMap::new(),
            body: template.render().unwrap(),
        })
    }

    #[test]
    fn each_page_of_a_sign_in_is_recognised() {
        let first = step(StatusCode::OK, &SignIn::sample());
        assert_eq!(first, Step::Password { again: false });
        let second = step(StatusCode::OK, &SignIn::samples()[1]);
        assert_eq!(second, Step::Password { again: true });
        assert_eq!(step(StatusCode::OK, &DeviceCheck::sample()), Step::Device);
        let denied = step(StatusCode::FORBIDDEN, &Denied::sample());
        assert_eq!(denied, Step::Denied("7F3K-29QD".parse().unwrap()));
    }

    #[test]
    fn an_error_is_no_refusal_although_it_has_a_reference() {
        let error = step(StatusCode::BAD_REQUEST, &ErrorPage::sample());
        assert_eq!(error, Step::Unknown);
    }
}
