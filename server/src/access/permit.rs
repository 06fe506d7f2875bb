//! The proof that a decision permitted: without it no code can be issued.

use crate::access::Question;
use crate::domain::ids::{ApplicationId, ClientId, UserId};

/// A decision's permit for one user, one client and one application.
///
/// It can be made by a decision only, cannot be copied, and is used up where a code is issued, so a
/// code without a decision does not compile, and a permit cannot be spent on another client. That of a
/// refresh is wrapped up, so that no code is issued for it.
#[derive(Debug)]
pub struct AccessPermit {
    user: UserId,
    client: ClientId,
    application: ApplicationId,
}

/// Makes the permit of a question that was answered with one.
pub(super) fn issue(question: &Question<'_>) -> AccessPermit {
    AccessPermit {
        user: question.user.id.clone(),
        client: question.client.id.clone(),
        application: ApplicationId::new(question.application.id.as_str()),
    }
}

impl AccessPermit {
    /// Uses the permit up, for the user, client and application it was given for.
    #[must_use]
    pub fn spend(self) -> (UserId, ClientId, ApplicationId) {
        (self.user, self.client, self.application)
    }
}
