//! The door itself: facts in, [`Answer`] out. The only room besides `cli` and `app` that knows the
//! engine's bundles; an [`AccessPermit`] is made here and nowhere else.

mod answer;
mod evidence;
mod guardrails;
mod permit;
mod policies;
mod refresh;
mod report;
mod suites;
mod undeclared;
mod versions;

use std::time::Instant;

use doorward_engine::{
    AccessRequest, Action, Application, Fact, Offered, Offers, Outcome, PolicyBundle, Session, User,
};

pub use answer::{Answer, Denial, Grounds, StepUp};
pub use evidence::{DeviceEvidence, DeviceSources, SignalSources, Signals, candidates};
pub use permit::AccessPermit;
pub use policies::{PoliciesError, PolicySource, bundle, check, check_files, is_checked, texts};
pub use refresh::{RefreshAnswer, RefreshPermit, RefreshRequest};
pub(crate) use report::is_in_inventory;
pub use report::{Report, ReportPermit};
pub use undeclared::{Undeclared, undeclared_applications, undeclared_groups};
pub use versions::{DeviceVersions, Versions};

use crate::directory::clients::ClientRecord;
use crate::directory::users::UserRecord;
use crate::domain::authentication::Authentication;
use crate::domain::clock::Timestamp;
use crate::domain::ids::ApplicationId;
use crate::reload::Live;

/// Decides requests by the live policies.
#[derive(Debug, Clone)]
pub struct AccessControl {
    policies: Live<PolicyBundle>,
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is asked for.
    pub action: Action,
    /// The End-User.
    pub user: &'a UserRecord,
    /// The client that asks.
    pub client: &'a ClientRecord,
    /// The application that it asks for, as the engine takes it.
    pub application: &'a Application,
    /// How the user authenticated.
    pub authentication: &'a Authentication,
    /// What is known about the request.
    pub signals: &'a Signals,
    /// The one clock reading of this request.
    pub now: Timestamp,
}

impl AccessControl {
    /// A door that follows `policies`.
    #[must_use]
    pub fn new(policies: Live<PolicyBundle>) -> Self {
        Self { policies }
    }

    /// The live policies.
    #[must_use]
    pub fn policies(&self) -> &Live<PolicyBundle> {
        &self.policies
    }

    /// Answers a question. One snapshot of the policies decides it, whatever is reloaded meanwhile.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>, offers: impl FnOnce() -> Offers) -> Answer {
        let bundle = self.policies.current();
        let request = access_request(question);
        let begun = Instant::now();
        let (decision, asked) = bundle.value.decide_and_keep(&request, offers);
        let explanation = match decision.outcome {
            Outcome::Permit => None,
            Outcome::StepUp { .. } | Outcome::Deny { .. } => Some(bundle.value.explain(&request)),
        };
        let took = begun.elapsed();
        // A policy that cannot be evaluated is a mistake in the policies that somebody has to mend:
        // Cedar would skip it without a word.
        for error in &decision.errors {
            tracing::warn!(
                policy = error.policy.id,
                origin = %error.policy.origin,
                error = error.message,
                "policy cannot be evaluated"
            );
        }
        // A permit asks for no offers, and looking through an inventory for its record alone would cost more
        // than the decision.
        let offered = asked.map(|offers| Offered::of(&offers, &decision, &request.user.id));
        let grounds = Box::new(Grounds {
            facts: request.facts(),
            offered,
            explanation,
            revision: bundle.value.revision().to_string(),
            took,
            decision,
            request,
        });
        match grounds.decision.outcome.clone() {
            Outcome::Permit => Answer::Permit(permit::issue(question), grounds),
            Outcome::StepUp { demand, .. } => Answer::StepUp(StepUp { demand, grounds }),
            Outcome::Deny { because } => Answer::Deny(Denial { because, grounds }),
        }
    }
}

/// The engine's input: the one place where facts of the server become a question to the engine.
fn access_request(question: &Question<'_>) -> AccessRequest {
    let Question {
        action,
        user,
        client: _,
        application,
        authentication,
        signals,
        now,
    } = *question;
    AccessRequest {
        action,
        user: principal(user),
        application: application.clone(),
        address: signals.address.address.clone(),
        country: signals.country.clone(),
        device: signals.device.fact.clone(),
        session: session(authentication),
        now,
    }
}

/// The End-User as the engine takes them.
#[must_use]
pub fn principal(user: &UserRecord) -> User {
    User {
        id: user.id.to_string(),
        groups: user.groups.clone(),
        email: user.email.clone(),
        attributes: user.attributes.clone(),
    }
}

/// An application of a client as the engine takes it: its own, or one that stands behind it.
#[must_use]
pub fn application(client: &ClientRecord, id: &ApplicationId) -> Application {
    Application {
        id: id.to_string(),
        attributes: client.attributes.clone(),
    }
}

/// How the user authenticated, as the engine takes it.
#[must_use]
pub fn session(authentication: &Authentication) -> Session {
    let proved = |at: Option<Timestamp>, what: &str, source: &str| match at {
        Some(at) => Fact::known(at, source, at),
        None => Fact::unknown(format!("{what} in this session"), source),
    };
    Session {
        password: proved(
            authentication.password_at,
            "no password was entered",
            "password",
        ),
        second_factor: proved(
            authentication.second_factor_at,
            "no second factor was proved",
            "second factor",
        ),
        methods: authentication.methods.clone(),
    }
}
