//! Must the End-User authenticate before anything is decided? What else they must do, the planner says.

use super::Visit;
use super::client::RedirectTarget;
use super::profile;
use super::request::{AuthorizationRequest, Prompt};
use crate::oidc::session::Subject;
use crate::oidc::subject;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// The user must authenticate.
    Ask(LoginPrompt),
    /// There is a user to decide about.
    Proceed(Box<Subject>),
}

/// That the user must authenticate, and what the page should say.
#[derive(Debug, Default)]
pub(super) struct LoginPrompt {
    /// The name to begin with.
    pub(super) username: String,
    /// Whether the page is about that user and no other.
    pub(super) username_fixed: bool,
    /// Why, where it is not obvious.
    pub(super) why: Option<String>,
}

impl LoginPrompt {
    /// Asks a user who is known, and nobody else.
    pub(super) fn again(subject: &Subject, why: impl Into<String>) -> Self {
        Self {
            username: subject.user.username.clone(),
            username_fixed: true,
            why: Some(why.into()),
        }
    }
}

pub(super) fn next(
    request: &AuthorizationRequest,
    subject: Option<Subject>,
    visit: &Visit<'_>,
    target: &RedirectTarget,
) -> Next {
    // The consumer has seen to the first factor, and says itself whom it is about. Where there is no session to be had,
    // more than that can only be asked for by the policies.
    let subject = match subject {
        Some(hinted) if hinted.is_hinted() && !profile::keeps_session(target.client()) => {
            return Next::Proceed(Box::new(hinted));
        }
        other => other,
    };
    if visit.another_account {
        return Next::Ask(LoginPrompt::default());
    }
    let Some(subject) = subject else {
        return Next::Ask(LoginPrompt {
            username: request.login_hint.clone().unwrap_or_default(),
            ..LoginPrompt::default()
        });
    };
    // Nobody else may be answered for (OpenID Connect Core 1.0, section 3.1.2.2), whoever has just
    // entered a password.
    if let Some(expected) = &request.expected_user
        && !expected.includes(&subject::of(visit.cx, target.client(), &subject.user))
    {
        return Next::Ask(LoginPrompt {
            username: request.login_hint.clone().unwrap_or_default(),
            why: Some(
                "The application expects somebody else than you are signed in as.".to_owned(),
            ),
            ..LoginPrompt::default()
        });
    }
    let done_here = visit
        .transaction
        .as_ref()
        .is_some_and(|transaction| transaction.reauthenticated_at.is_some());
    if done_here {
        return Next::Proceed(Box::new(subject));
    }
    // The client expects someone else than this session belongs to. Whom it has signed for is whom it expects.
    if let Some(hint) = request.login_hint.as_ref().filter(|_| !subject.is_hinted()) {
        let same = |known: &str| known.to_lowercase() == hint.to_lowercase();
        let expected =
            same(&subject.user.username) || subject.user.email.as_deref().is_some_and(same);
        if !expected && subject.user.id.as_str() != hint {
            return Next::Ask(LoginPrompt {
                username: hint.clone(),
                ..LoginPrompt::default()
            });
        }
    }
    let why = if request.prompt == Prompt::Login {
        Some("The application asks you to enter your password.".to_owned())
    } else {
        let age = subject
            .standing
            .authentication()
            .auth_time()
            .map(|at| visit.now - at);
        // `max_age=0` asks for a fresh login always (OpenID Connect Core 1.0, section 3.1.2.1).
        let too_old = request
            .max_age
            .is_some_and(|limit| age.is_none_or(|age| age > limit || limit.is_zero()));
        too_old.then(|| "The application asks for a more recent sign-in.".to_owned())
    };
    match why {
        Some(why) => Next::Ask(LoginPrompt::again(&subject, why)),
        None => Next::Proceed(Box::new(subject)),
    }
}
