//! The facts of a request as rows: what a record keeps and an explanation shows.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::request::{AccessRequest, Device, DiskEncryption, OsVersion, Platform};

/// One fact, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRow {
    /// The fact's name: its path in the schema, below `context`.
    pub name: String,
    /// The value, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// Why it is not known, where it is not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown: Option<String>,
    /// Where it came from.
    pub source: String,
    /// When it was observed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed_at: Option<DateTime<Utc>>,
}

impl FactRow {
    fn new<T>(name: &str, fact: &Fact<T>, words: impl FnOnce(&T) -> String) -> Self {
        Self {
            name: name.to_owned(),
            value: fact.value().map(words),
            unknown: fact.reason().map(ToOwned::to_owned),
            source: fact.source().to_owned(),
            observed_at: fact.observed_at(),
        }
    }

    /// Value, source and age on one line: `Japan (JP), GeoIP of 2026-11-20`.
    #[must_use]
    pub fn line(&self, now: DateTime<Utc>) -> String {
        match (&self.value, &self.unknown) {
            (Some(value), _) if self.source.is_empty() => value.clone(),
            (Some(value), _) => {
                let seen = match self.observed_at {
                    // A database's date is in its name; an age beside it says nothing more.
                    Some(at) if at < now && !self.source.starts_with("GeoIP") => {
                        format!(", {}", crate::words::ago(at, now))
                    }
                    _ => String::new(),
                };
                format!("{value}, {}{seen}", self.source)
            }
            (None, Some(reason)) => reason.clone(),
            (None, None) => "unknown".to_owned(),
        }
    }
}

impl AccessRequest {
    /// Every fact of the request as a row, in a fixed order.
    #[must_use]
    pub fn facts(&self) -> Vec<FactRow> {
        let now = self.now;
        let known = |value: String| Fact::known(value, "", now);
        let groups = self
            .user
            .groups
            .iter()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let mut rows = vec![
            FactRow::new("user", &known(self.user.id.clone()), Clone::clone),
            FactRow::new("user.groups", &known(groups), Clone::clone),
            FactRow::new(
                "application",
                &known(self.application.id.clone()),
                Clone::clone,
            ),
            FactRow::new("address", &self.address, IpAddr::to_string),
            FactRow::new("network", &self.address, IpAddr::to_string),
            FactRow::new("country", &self.country, |code| {
                format!("{} ({code})", code.name())
            }),
        ];
        rows.extend(device_rows(&self.device));
        let ago = |at: &DateTime<Utc>| crate::words::ago(*at, now);
        let methods = self
            .session
            .methods
            .iter()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        rows.extend([
            FactRow::new("session.passwordAge", &self.session.password, |at| {
                format!("entered {}", ago(at))
            }),
            FactRow::new(
                "session.secondFactorAge",
                &self.session.second_factor,
                |at| format!("proved {}", ago(at)),
            ),
            FactRow::new("session.methods", &known(methods), Clone::clone),
        ]);
        // An age says when; the moment of observation again would only repeat it.
        for row in rows.iter_mut().filter(|row| row.name.ends_with("Age")) {
            if row.value.is_some() {
                row.source.clear();
            }
        }
        rows
    }
}

fn device_rows(device: &Fact<Device>) -> Vec<FactRow> {
    let part = |name: &str| format!("device.{name}");
    let Some(known) = device.value() else {
        let names = [
            "managed",
            "diskEncrypted",
            "compliant",
            "platform",
            "osVersion",
            "assignedTo",
            "certificateAge",
        ];
        let row = |name: &str| FactRow::new(name, device, |_| String::new());
        return std::iter::once(row("device"))
            .chain(names.map(|name| row(&part(name))))
            .collect();
    };
    let flag = |yes: &'static str, no: &'static str| {
        move |value: &bool| if *value { yes } else { no }.to_owned()
    };
    let users = known
        .assigned_to
        .iter()
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let assigned = if users.is_empty() {
        "nobody".to_owned()
    } else {
        users
    };
    vec![
        FactRow::new("device", device, |device| device.id.clone()),
        FactRow::new(
            &part("managed"),
            &known.managed,
            flag("managed", "not managed"),
        ),
        FactRow::new(&part("diskEncrypted"), &known.disk_encryption, |state| {
            match state {
                DiskEncryption::On => "encrypted",
                DiskEncryption::Encrypting => "still encrypting",
                DiskEncryption::Off => "not encrypted",
            }
            .to_owned()
        }),
        FactRow::new(
            &part("compliant"),
            &known.compliant,
            flag("compliant", "not compliant"),
        ),
        FactRow::new(&part("platform"), &known.platform, |platform| {
            platform_words(*platform).to_owned()
        }),
        FactRow::new(&part("osVersion"), &known.os_version, OsVersion::to_string),
        FactRow::new(&part("assignedTo"), &device.map(|_| assigned), Clone::clone),
        FactRow::new(
            &part("certificateAge"),
            &device.map(|_| "certificate presented".to_owned()),
            Clone::clone,
        ),
    ]
}

pub(crate) fn platform_words(platform: Platform) -> &'static str {
    match platform {
        Platform::Macos => "macOS",
        Platform::Windows => "Windows",
        Platform::Linux => "Linux",
        Platform::Ios => "iOS",
        Platform::Android => "Android",
        Platform::Chromeos => "ChromeOS",
    }
}
