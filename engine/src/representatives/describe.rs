//! A request in people's terms: who, to what, from where, with which device, authenticated how.

use crate::request::{AccessRequest, Action, Device, DiskEncryption};
use crate::words;

/// One line that says what is known of the request.
pub(crate) fn describe(request: &AccessRequest) -> String {
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
            let age = request.now - *then;
            parts.push(format!("{name} {} old", words::span(age)));
        }
    }
    if !request.session.methods.is_empty() {
        let methods: Vec<&str> = request.session.methods.iter().map(String::as_str).collect();
        parts.push(format!("signed in by {}", methods.join(" and ")));
    }
    parts.join(", ")
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
    if device.compliant.value() != Some(&true) {
        words.push("not compliant");
    }
    let kind = if words.is_empty() {
        "managed, encrypted device".to_owned()
    } else {
        format!("{} device", words.join(", "))
    };
    let assigned = device.assigned_to.iter().map(String::as_str);
    let assigned: Vec<&str> = assigned.collect();
    if assigned.is_empty() {
        kind
    } else {
        format!("{kind} of {}", assigned.join(" and "))
    }
}
