//! The answer to a question: the decision, the facts it was made from, what each policy says, and what was tried
//! for a step-up. The engine decides; how it looks is left to `render`.

use doorward_engine::{
    AccessRequest, Action, Decision, Device, FactRow, Offers, Outcome, PolicyBundle, PolicyOutcome,
    outcomes, with_device, with_password,
};
use serde::{Deserialize, Serialize};

use super::question::Question;
use super::world::World;
use crate::cli::Exit;
use crate::domain::clock::Timestamp;

/// Most devices that are shown as tried. The engine itself tries more.
const MOST_SHOWN: usize = 12;

/// Everything that there is to say about a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Answer {
    /// The moment of the question.
    pub(in crate::cli) at: Timestamp,
    /// Where the policies were read.
    pub(in crate::cli) policies: String,
    /// The commit that they were read from.
    pub(in crate::cli) commit: Option<String>,
    pub(in crate::cli) action: Action,
    pub(in crate::cli) user: String,
    pub(in crate::cli) username: Option<String>,
    pub(in crate::cli) client: Option<String>,
    pub(in crate::cli) application: String,
    pub(in crate::cli) decision: Decision,
    pub(in crate::cli) facts: Vec<FactRow>,
    /// Which name of the certificate matched, or why it does not count.
    pub(in crate::cli) certificate: Option<String>,
    /// What each policy that is about the action and application says.
    pub(in crate::cli) outcomes: Vec<PolicyOutcome>,
    /// What the user could still do, in the order in which it is tried.
    pub(in crate::cli) tried: Vec<Try>,
    /// Devices that were tried as well, and are not shown.
    pub(in crate::cli) more_devices: usize,
    pub(in crate::cli) notes: Vec<String>,
}

/// Something that the user could still do, and the answer after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Try {
    /// Enter the password.
    pub(in crate::cli) password: bool,
    /// Present the certificate of this device.
    pub(in crate::cli) device: Option<String>,
    /// The answer after it.
    #[serde(flatten)]
    pub(in crate::cli) outcome: Outcome,
    /// The policies that cause that answer.
    pub(in crate::cli) determining: Vec<String>,
}

impl Answer {
    /// Asks.
    pub(super) fn to(question: Question, world: &World) -> Self {
        let Question {
            request,
            username,
            client,
            mut offers,
            certificate,
            notes,
        } = question;
        let decision = world.bundle.decide(&request, || offers.clone());
        let (tried, more_devices) = match &decision.outcome {
            Outcome::Permit => (Vec::new(), 0),
            Outcome::StepUp { demand, .. } => {
                // What is demanded is always shown.
                let demanded = |device: &Device| demand.devices.contains(&device.id);
                offers.devices.sort_by_key(|device| !demanded(device));
                tried(&world.bundle, &request, &offers)
            }
            Outcome::Deny { .. } => tried(&world.bundle, &request, &offers),
        };
        Self {
            at: request.now,
            policies: world.place.clone(),
            commit: world.commit.clone(),
            action: request.action,
            facts: request.facts(),
            outcomes: outcomes(&world.bundle, &request),
            user: request.user.id,
            username,
            client,
            application: request.application.id,
            decision,
            certificate,
            tried,
            more_devices,
            notes,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self.decision.outcome {
            Outcome::Permit => Exit::Yes,
            Outcome::StepUp { .. } | Outcome::Deny { .. } => Exit::No,
        }
    }
}

/// What the engine tries, in its order: the cheapest first, and no more once something is enough.
fn tried(bundle: &PolicyBundle, request: &AccessRequest, offers: &Offers) -> (Vec<Try>, usize) {
    let shown = || offers.devices.iter().take(MOST_SHOWN);
    let fresh = with_password(request);
    let with_each = |base: &AccessRequest, password: bool| -> Vec<Try> {
        shown()
            .map(|device| after(bundle, &with_device(base, device), password, Some(device)))
            .collect()
    };
    let mut all = with_each(request, false);
    if offers.password && !enough(&all) {
        all.push(after(bundle, &fresh, true, None));
    }
    if offers.password && !enough(&all) {
        all.extend(with_each(&fresh, true));
    }
    (all, offers.devices.len() - shown().count())
}

fn enough(tried: &[Try]) -> bool {
    tried.iter().any(|it| it.outcome == Outcome::Permit)
}

fn after(
    bundle: &PolicyBundle,
    hypothesis: &AccessRequest,
    password: bool,
    device: Option<&Device>,
) -> Try {
    let decision = bundle.decide(hypothesis, Offers::none);
    Try {
        password,
        device: device.map(|device| device.id.clone()),
        outcome: decision.outcome,
        determining: decision
            .determining
            .into_iter()
            .map(|policy| policy.id)
            .collect(),
    }
}
