//! What a record says, in words: endings, answers, policies and reasons.
//! Where each stands on the page is left to `record.rs`.

use doorward_engine::{
    Action, Condition, Demand, DenyReason, Held, Outcome, PolicyEffect, PolicyRef, ReportOnly, Role,
};

use crate::audit::{DecisionRecord, Ending};
use crate::cli::render::{Tone, count};
use crate::domain::inventory::UNMATCHED_PREFIX;
use crate::domain::transaction::Stage;

pub(super) fn ending(ending: &Ending) -> (&'static str, Tone) {
    match ending {
        Ending::Permitted => ("permitted", Tone::Good),
        Ending::Denied => ("denied", Tone::Bad),
        Ending::StepUpAsked { .. } => ("step-up", Tone::Doubtful),
        Ending::InteractionRequired { .. } => ("interaction", Tone::Doubtful),
        Ending::Refused { .. } => ("refused", Tone::Bad),
        Ending::Reported {
            managed: true,
            compliant: true,
        } => ("reported", Tone::Good),
        Ending::Reported { .. } => ("reported", Tone::Doubtful),
        Ending::LoopStopped { .. } => ("loop", Tone::Bad),
        Ending::Abandoned { .. } => ("abandoned", Tone::Doubtful),
    }
}

pub(super) fn what_happened(record: &DecisionRecord) -> String {
    let refreshing = record.action == Action::Refresh;
    match &record.ending {
        Ending::Permitted if refreshing => "New tokens were issued to the client.".to_owned(),
        Ending::Denied if refreshing => "The client was given no new tokens.".to_owned(),
        Ending::Permitted => "A code was issued to the client.".to_owned(),
        Ending::Denied => "The user was shown why not.".to_owned(),
        Ending::StepUpAsked { password, device } => match (password, device) {
            (true, true) => "The user was asked for the password and for the device.".to_owned(),
            (false, true) => "The user was asked for the device.".to_owned(),
            (_, false) => "The user was asked for the password.".to_owned(),
        },
        Ending::InteractionRequired { error } => {
            format!(
                "The user had something to do, and the client wanted no interaction: `{error}`."
            )
        }
        Ending::Refused { error, detail } => {
            format!(
                "The request itself was wrong, and nobody was asked anything: `{error}`, {detail}"
            )
        }
        Ending::Reported { managed, compliant } => {
            let managed = if *managed { "managed" } else { "not managed" };
            let compliant = if *compliant {
                "compliant"
            } else {
                "not compliant"
            };
            format!("The client was told about the device: {managed}, {compliant}.")
        }
        Ending::LoopStopped { outcome } => {
            format!(
                "The client got the same answer again and again: it was kept back, `{outcome}`."
            )
        }
        Ending::Abandoned { stage } => {
            format!("The user never came back: {}.", asked_last(stage))
        }
    }
}

/// The stage in words; one that this version does not know stays as it is.
fn asked_last(stage: &str) -> &str {
    match Stage::from_name(stage) {
        Some(Stage::Started) => "nothing had been asked yet",
        Some(Stage::AskedPassword) => "the password had been asked for",
        Some(Stage::AskedDevice) => "the certificate of the device had been asked for",
        Some(Stage::Denied) => "the denial had been shown",
        None => stage,
    }
}

pub(super) fn action(action: Action) -> &'static str {
    match action {
        Action::SignIn => "sign in",
        Action::Refresh => "refresh",
        Action::Posture => "report posture",
    }
}

pub(in crate::cli) fn outcome(outcome: &Outcome) -> (String, Tone) {
    match outcome {
        Outcome::Permit => ("permit".to_owned(), Tone::Good),
        Outcome::StepUp { demand, instead_of } => {
            let (demand, because) = (demanded(demand), deny_reason(*instead_of));
            (
                format!("step up: {demand}; without it {because}"),
                Tone::Doubtful,
            )
        }
        Outcome::Deny { because } => (format!("deny: {}", deny_reason(*because)), Tone::Bad),
    }
}

fn deny_reason(reason: DenyReason) -> &'static str {
    match reason {
        DenyReason::Forbidden => "a policy forbids it",
        DenyReason::NoPermit => "no policy permits it",
        DenyReason::PolicyError => "a policy could not be evaluated",
        DenyReason::InvalidRequest => "the request does not fit the schema",
    }
}

pub(super) fn demanded(demand: &Demand) -> String {
    let password = demand
        .password
        .then(|| "enter the password again".to_owned());
    let devices: Vec<&str> = demand.devices.iter().map(|id| device(id)).collect();
    let device = (!devices.is_empty())
        .then(|| format!("present the certificate of {}", devices.join(" or ")));
    let parts: Vec<String> = password.into_iter().chain(device).collect();
    parts.join(" and ")
}

/// What a person calls a device: one that no record knows has no name of its own.
pub(super) fn device(id: &str) -> &str {
    if id.starts_with(UNMATCHED_PREFIX) {
        "an unknown device"
    } else {
        id
    }
}

pub(super) fn effect(effect: PolicyEffect) -> &'static str {
    match effect {
        PolicyEffect::Permit => "permit",
        PolicyEffect::Forbid => "forbid",
    }
}

/// Whether a condition held, as [`doorward_engine::Explanation::to_text`] says it.
pub(super) fn held(condition: &Condition) -> &'static str {
    match (condition.role, condition.held) {
        (Role::Applies, Held::Yes) => "applies",
        (Role::Requires, Held::Yes) => "held",
        (_, Held::No) => "failed",
        (_, Held::Unknown) => "unknown",
    }
}

pub(super) fn would(reported: &ReportOnly) -> String {
    if let Some(error) = &reported.error {
        return format!("could not be evaluated: {error}");
    }
    let done = match (reported.matched, reported.policy.effect) {
        (false, _) => "would not have matched",
        (true, PolicyEffect::Permit) => "would have permitted it",
        (true, PolicyEffect::Forbid) => "would have forbidden it",
    };
    let change = if reported.would_change {
        "another answer"
    } else {
        "the same answer"
    };
    format!("{done}: {change}")
}

pub(in crate::cli) fn place(policy: &PolicyRef) -> String {
    format!("{}:{}", policy.origin.file, policy.origin.line)
}

pub(super) fn work(record: &DecisionRecord) -> Option<String> {
    let work = record.decision.as_ref()?.work;
    let mut text = count(work.policies, "policy");
    if work.hypotheticals > 0 {
        let tried = count(work.hypotheticals, "hypothetical request");
        text = format!("{text} and {tried}");
    }
    match record.decided_in_microseconds {
        None => Some(text),
        Some(time @ ..1_000) => Some(format!("{text} in {time} µs")),
        Some(time) => Some(format!(
            "{text} in {}.{} ms",
            time / 1_000,
            time % 1_000 / 100
        )),
    }
}

pub(super) fn username(record: &DecisionRecord) -> Option<&str> {
    record.username.as_deref().or(record.user.as_deref())
}

/// The reason in a few words.
pub(super) fn why(record: &DecisionRecord) -> String {
    match &record.ending {
        Ending::Refused { detail, .. } => return detail.clone(),
        Ending::Abandoned { stage } => return asked_last(stage).to_owned(),
        Ending::LoopStopped { outcome } => return format!("the same answer too often: {outcome}"),
        Ending::Permitted
        | Ending::Denied
        | Ending::Reported { .. }
        | Ending::StepUpAsked { .. }
        | Ending::InteractionRequired { .. } => {}
    }
    let Some(decision) = &record.decision else {
        return String::new();
    };
    if let Outcome::StepUp { demand, .. } = &decision.outcome {
        return demanded(demand);
    }
    if decision.determining.is_empty() {
        return nearest_miss(record).unwrap_or_else(|| outcome(&decision.outcome).0);
    }
    let policies: Vec<String> = decision
        .determining
        .iter()
        .map(|policy| format!("{} ({})", policy.id, place(policy)))
        .collect();
    policies.join(", ")
}

/// What kept the permit that came nearest from matching.
fn nearest_miss(record: &DecisionRecord) -> Option<String> {
    let explanation = record.explanation.as_ref()?;
    let nearest = explanation.permits.first()?;
    let missed: Vec<String> = nearest
        .conditions
        .iter()
        .filter(|condition| condition.held != Held::Yes)
        .map(|condition| match condition.detail(explanation.now) {
            detail if detail.is_empty() => condition.words.clone(),
            detail => format!("{} [{detail}]", condition.words),
        })
        .collect();
    Some(format!(
        "{}: not {}",
        nearest.policy.id,
        missed.join(", not ")
    ))
}
