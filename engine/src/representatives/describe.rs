//! A request in people's terms: who, to what, from where, with which device, authenticated how.

use chrono::TimeDelta;

use crate::facts::platform_words;
use crate::request::{AccessRequest, Action, Device, DiskEncryption};
use crate::words;

/// One line that says what is known of the request, as in a finding or a comparison.
#[must_use]
pub fn describe(request: &AccessRequest) -> String {
    let mut parts = vec![
        user(request),
        format!("to application {}", request.application.id),
    ];
    match request.action {
        Action::SignIn => {}
        Action::Refresh => parts.push("renewing tokens".to_owned()),
        Action::Posture => parts.push("reporting posture".to_owned()),
    }
    if let Some(country) = request.country.value() {
        parts.push(format!("from {}", country.name()));
    }
    if let Some(address) = request.address.value() {
        parts.push(format!("address {address}"));
    }
    parts.push(
        request
            .device
            .value()
            .map_or_else(|| "without a device".to_owned(), device),
    );
    let ages = [
        ("password", &request.session.password),
        ("second factor", &request.session.second_factor),
    ];
    for (name, proved) in ages {
        if let Some(then) = proved.value() {
            parts.push(format!("{name} {} old", age(request.now - *then)));
        }
    }
    if !request.session.methods.is_empty() {
        let methods: Vec<&str> = request.session.methods.iter().map(String::as_str).collect();
        parts.push(format!("signed in by {}", methods.join(" and ")));
    }
    parts.join(", ")
}

/// A span in words. Those that are told apart by a bound lie a millisecond on either side of it.
fn age(age: TimeDelta) -> String {
    match age.num_milliseconds() % 1_000 {
        1 => format!("just over {}", words::span(age)),
        999 => format!(
            "just under {}",
            words::span(age + TimeDelta::milliseconds(1))
        ),
        _ => words::span(age),
    }
}

fn user(request: &AccessRequest) -> String {
    let groups: Vec<&str> = request.user.groups.iter().map(String::as_str).collect();
    match groups.as_slice() {
        [] => format!("{} in no group", request.user.id),
        [one] => format!("{} in group {one}", request.user.id),
        several => format!("{} in groups {}", request.user.id, several.join(", ")),
    }
}

fn device(device: &Device) -> String {
    let mut words = Vec::new();
    if device.managed.value() != Some(&true) {
        words.push("unmanaged");
    }
    if device.disk_encryption.value() != Some(&DiskEncryption::On) {
        words.push("unencrypted");
    }
    if device.compliant.value() == Some(&false) {
        words.push("not compliant");
    }
    if words.is_empty() {
        words.push("managed, encrypted");
    }
    let platform = device.platform.value().map(|it| platform_words(*it));
    let version = device.os_version.value().map(ToString::to_string);
    let system = platform.map(str::to_owned).into_iter().chain(version);
    let kind: Vec<String> = std::iter::once(words.join(", "))
        .chain(system)
        .chain(["device".to_owned()])
        .collect();
    let kind = kind.join(" ");
    let assigned = device.assigned_to.iter().map(String::as_str);
    let assigned: Vec<&str> = assigned.collect();
    if assigned.is_empty() {
        kind
    } else {
        format!("{kind} of {}", assigned.join(" and "))
    }
}
