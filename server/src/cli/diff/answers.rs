//! The answers that changed: counted by kind, and within a kind by application, group and platform, each with an
//! example. People are named only where that is wanted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use doorward_engine::diff::{Flip, FlipKind};
use doorward_engine::{AccessRequest, Decision, DenyReason, Device, Fact, Outcome, describe};

use super::comparison::Comparison;
use super::report::{Answers, Group};
use crate::cli::render::{Tone, count, harmless_line};

/// Most groups of one kind that are told: beyond these nobody reads.
const MOST: usize = 20;
/// Most names that stand in a row.
const MOST_NAMES: usize = 20;

/// Each kind, what the change does by it, and how its answers are called.
pub(super) const KINDS: [(FlipKind, &str, &str, Tone); 4] = [
    (
        FlipKind::NewlyPermitted,
        "newly permits",
        "newly permitted",
        Tone::Bad,
    ),
    (
        FlipKind::NewlyDenied,
        "newly denies",
        "newly denied",
        Tone::Bad,
    ),
    (
        FlipKind::NewlyStepUp,
        "newly asks for a step-up in",
        "newly asked for a step-up",
        Tone::Doubtful,
    ),
    (
        FlipKind::OtherStepUp,
        "asks for another step-up in",
        "asked for another step-up",
        Tone::Doubtful,
    ),
];

/// The answers that changed, by kind, and within a kind by what they are about.
pub(super) fn answers(comparison: &Comparison) -> Vec<Answers> {
    let mut all = Vec::new();
    for (kind, _, title, tone) in KINDS {
        let mut about: BTreeMap<String, Vec<&Flip>> = BTreeMap::new();
        for flip in comparison.flips().filter(|flip| flip.kind == kind) {
            about.entry(subject(flip)).or_default().push(flip);
        }
        if about.is_empty() {
            continue;
        }
        let number: usize = about.values().map(Vec::len).sum();
        let more = about.len().saturating_sub(MOST);
        let mut about: Vec<(String, Vec<&Flip>)> = about.into_iter().collect();
        // Most first; equal ones in the order of their names.
        about.sort_by_key(|(_, flips)| Reverse(flips.len()));
        let shown = about.into_iter().take(MOST);
        all.push(Answers {
            title: format!("{title}: {number}"),
            tone,
            groups: shown
                .filter_map(|(about, flips)| group(about, &flips, comparison.names))
                .collect(),
            more,
        });
    }
    all
}

/// The application, the group and the platform of a question.
fn subject(flip: &Flip) -> String {
    let request = &flip.request;
    let mut applications: Vec<&str> = vec![&request.application.id];
    for place in flip.places.iter() {
        if !applications.contains(&place.application.as_str()) {
            applications.push(&place.application);
        }
    }
    let groups: Vec<&str> = request.user.groups.iter().map(String::as_str).collect();
    let groups = match groups.as_slice() {
        [] => "in no group".to_owned(),
        [one] => format!("group {one}"),
        several => format!("groups {}", several.join(", ")),
    };
    let platform = match &request.device {
        Fact::Unknown { .. } => "no device".to_owned(),
        Fact::Known { .. } => request
            .facts()
            .into_iter()
            .find(|row| row.name == "device.platform")
            .and_then(|row| row.value)
            .unwrap_or_else(|| "a device".to_owned()),
    };
    let applications = in_a_row(&applications);
    harmless_line(&format!("{applications}; {groups}; {platform}"))
}

fn group(about: String, flips: &[&Flip], with_names: bool) -> Option<Group> {
    let first = flips.first()?;
    let people: BTreeSet<&str> = flips
        .iter()
        .flat_map(|flip| flip.people.iter().map(String::as_str))
        .collect();
    let mut number = count(flips.len(), "question");
    if !people.is_empty() {
        let people = if people.len() == 1 {
            "1 person".to_owned()
        } else {
            format!("{} people", people.len())
        };
        number = format!("{number}, {people}");
    }
    let people: Vec<&str> = people.into_iter().collect();
    let told = describe(&shown(first, with_names));
    let example = match &first.name {
        Some(name) => format!("{name} ({told})"),
        None => told,
    };
    Some(Group {
        about,
        number,
        example: harmless_line(&example),
        answers: harmless_line(&format!(
            "{}, and is now {}",
            answer(&first.old),
            answer(&first.new)
        )),
        names: (with_names && !people.is_empty()).then(|| harmless_line(&in_a_row(&people))),
    })
}

fn in_a_row(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(MOST_NAMES).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(super) fn answer(decision: &Decision) -> String {
    let policies: Vec<&str> = decision
        .determining
        .iter()
        .map(|policy| policy.id.as_str())
        .collect();
    let by = policies.join(", ");
    match &decision.outcome {
        Outcome::Permit => format!("permit by {by}"),
        Outcome::StepUp { demand, .. } => {
            let asked = match (demand.password, demand.devices.is_empty()) {
                (true, true) => "the password",
                (_, true) => "nothing",
                (false, false) => "a certificate",
                (true, false) => "the password and a certificate",
            };
            format!("step up, for {asked}")
        }
        Outcome::Deny { because } => match because {
            DenyReason::Forbidden => format!("deny by {by}"),
            DenyReason::NoPermit => "deny, since nothing permits it".to_owned(),
            DenyReason::PolicyError => "deny, since a policy cannot be evaluated".to_owned(),
            DenyReason::InvalidRequest => {
                "deny, since the request does not fit the schema".to_owned()
            }
        },
    }
}

/// The request, without the names of people and their devices unless these may be told.
fn shown(flip: &Flip, with_names: bool) -> AccessRequest {
    let mut request = flip.request.clone();
    if with_names || flip.people.is_empty() {
        return request;
    }
    let id = std::mem::replace(&mut request.user.id, "somebody".to_owned());
    request.device = request.device.map(|device| {
        let own = device.assigned_to.contains(&id);
        let whose = if own { "somebody" } else { "somebody else" };
        let assigned = device.assigned_to.iter().take(1);
        Device {
            assigned_to: assigned.map(|_| whose.to_owned()).collect(),
            ..device.clone()
        }
    });
    request
}
