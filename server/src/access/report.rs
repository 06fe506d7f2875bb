//! What is reported of a device to an identity provider, which then decides by itself: whether it is managed, and what
//! the policies say of it. Whom the report is about, and how it gets there, is left to `oidc`.

use doorward_engine::{Action, Device, Offers};

use super::{AccessControl, Answer, Denial, Grounds, Question, StepUp};
use crate::domain::ids::{ApplicationId, ClientId, UserId};
use crate::domain::inventory::UNMATCHED_PREFIX;

/// What is reported. There is a report whatever the policies say.
#[derive(Debug)]
pub struct Report {
    /// Whether the organisation manages the device.
    pub managed: bool,
    /// Whether the policies permit `posture` of it.
    pub compliant: bool,
    /// The identifier of the device in the inventory.
    pub device: Option<String>,
    /// What the report may be handed over for.
    pub permit: ReportPermit,
    /// What the policies said, and why.
    pub grounds: Box<Grounds>,
}

/// The permit of a report. It is worth a code for a statement about the device, and lets nobody in: it is no
/// [`AccessPermit`](super::AccessPermit), and none can be made of it. Only deciding about `posture` makes one.
#[derive(Debug)]
pub struct ReportPermit {
    user: UserId,
    client: ClientId,
    application: ApplicationId,
}

impl ReportPermit {
    /// Uses the permit up, for the user, client and application that were asked about.
    #[must_use]
    pub fn spend(self) -> (UserId, ClientId, ApplicationId) {
        (self.user, self.client, self.application)
    }
}

impl AccessControl {
    /// Reports the device of a question, whatever its action is. `theirs` says whether it is the user's device: what
    /// is good about somebody else's is nothing good about theirs.
    ///
    /// A device that no record of the inventory knows is reported as unknown, whatever the policies permit. Nobody is
    /// asked for anything that could change their answer.
    #[must_use]
    pub fn report(&self, question: &Question<'_>, theirs: bool) -> Report {
        let question = Question {
            action: Action::Posture,
            ..*question
        };
        let (permits, grounds) = match self.decide(&question, Offers::none) {
            Answer::Permit(_, grounds) => (true, grounds),
            Answer::StepUp(StepUp { grounds, .. }) | Answer::Deny(Denial { grounds, .. }) => {
                (false, grounds)
            }
        };
        let device = question.signals.device.fact.value();
        let known = device.filter(|device| theirs && is_in_inventory(device));
        Report {
            managed: known.is_some_and(|device| device.managed.value() == Some(&true)),
            compliant: permits && known.is_some(),
            device: known.map(|device| device.id.clone()),
            permit: ReportPermit {
                user: question.user.id.clone(),
                client: question.client.id.clone(),
                application: ApplicationId::new(question.application.id.as_str()),
            },
            grounds,
        }
    }
}

/// Whether exactly one record of the inventory knows the device.
pub(crate) fn is_in_inventory(device: &Device) -> bool {
    !device.id.starts_with(UNMATCHED_PREFIX)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use chrono::TimeDelta;
    use doorward_engine::{Fact, PolicyBundle, SourceFile};

    use super::*;
    use crate::access::{SignalSources, Signals, application};
    use crate::directory::clients::Clients;
    use crate::directory::users::Users;
    use crate::domain::authentication::Authentication;
    use crate::domain::clock::Timestamp;
    use crate::domain::transaction::DeviceCheck;
    use crate::reload::Live;
    use crate::signals::client_ip::{ForwardedHeader, ForwardingSettings};
    use crate::signals::geo::GeoDatabases;

    const USERS: &str = "[[user]]\nid = 'u-ana'\nusername = 'ana'\n\
                         password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n";
    const CLIENTS: &str = "[[client]]\nid = 'okta'\npublic = true\n\
                           redirect_uris = ['https://okta.example.com/callback']\n";
    /// Lets sign in whoever comes, and calls a device compliant whose disk is encrypted, or that is not known at all.
    const POLICY: &str = r#"
@id("anybody")
@reason("Anybody signs in.")
permit (principal, action == Action::"signIn", resource);
@id("encrypted")
@reason("A device is compliant when its disk is encrypted.")
permit (principal, action == Action::"posture", resource)
when { context has device && context.device.diskEncrypted };
@id("unknown")
@reason("What is not known is fine.")
permit (principal, action == Action::"posture", resource)
unless { context has device };
"#;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn device(id: &str, managed: Option<bool>, encrypted: bool) -> Device {
        use doorward_engine::DiskEncryption::{Off, On};

        let fact = |managed: Option<bool>| match managed {
            Some(managed) => Fact::known(managed, "fleet", now()),
            None => Fact::unknown("the inventory does not say", "fleet"),
        };
        let disk = if encrypted { On } else { Off };
        Device {
            id: id.to_owned(),
            managed: fact(managed),
            disk_encryption: Fact::known(disk, "fleet", now()),
            compliant: fact(None),
            platform: Fact::unknown("the inventory does not say", "fleet"),
            os_version: Fact::unknown("the inventory does not say", "fleet"),
            assigned_to: BTreeSet::from(["u-ana".to_owned()]),
            proved_at: now(),
            attributes: BTreeMap::new(),
        }
    }

    fn signals(device: Option<Device>) -> Signals {
        let geo = GeoDatabases::open([], TimeDelta::days(60)).unwrap();
        let sources = SignalSources {
            forwarding: ForwardingSettings {
                trusted: Vec::new(),
                header: ForwardedHeader::XForwardedFor,
            },
            geo: Live::fixed("geoip", geo, now()),
            devices: None,
        };
        let peer = "192.0.2.1:443".parse().unwrap();
        let headers = axum::http::HeaderMap::new();
        let mut signals = sources.gather(peer, &headers, None, DeviceCheck::Absent, now());
        if let Some(device) = device {
            signals.device.fact = Fact::known(device, "client certificate", now());
        }
        signals
    }

    /// What is reported of this device, to whoever asks about Ana.
    fn reported(device: Option<Device>, theirs: bool) -> Report {
        let users = Users::parse(USERS, "users.toml").unwrap().value;
        let clients = Clients::parse(CLIENTS, "clients.toml").unwrap().value;
        let files = [
            SourceFile::new("entities.toml", "[application.okta]\n"),
            SourceFile::new("access.cedar", POLICY),
        ];
        let policies = PolicyBundle::load(&files, None).unwrap();
        let door = AccessControl::new(Live::fixed("policies", policies, now()));
        let client = clients.by_id("okta").unwrap();
        let signals = signals(device);
        let question = Question {
            // What the caller says here does not count.
            action: Action::SignIn,
            user: users.by_username("ana").unwrap(),
            client,
            application: &application(client, &client.application),
            authentication: &Authentication::default(),
            signals: &signals,
            now: now(),
        };
        door.report(&question, theirs)
    }

    fn said(device: Option<Device>, theirs: bool) -> (bool, bool, Option<String>) {
        let report = reported(device, theirs);
        (report.managed, report.compliant, report.device)
    }

    #[test]
    fn managed_is_what_the_inventory_says_and_compliant_what_the_policies_say() {
        let id = || Some("mbp-ana".to_owned());
        let of = |managed, encrypted| said(Some(device("mbp-ana", managed, encrypted)), true);
        assert_eq!(of(Some(true), true), (true, true, id()));
        assert_eq!(of(Some(true), false), (true, false, id()));
        assert_eq!(of(Some(false), true), (false, true, id()));
        assert_eq!(of(None, false), (false, false, id()));
    }

    #[test]
    fn an_unknown_device_is_nothing_good_whatever_the_policies_say() {
        let nothing = (false, false, None);
        assert_eq!(said(None, true), nothing);
        let unmatched = device("certificate:urn:x", Some(true), true);
        assert_eq!(said(Some(unmatched), true), nothing);
    }

    #[test]
    fn somebody_else_s_device_is_nothing_good_about_the_user() {
        let good = device("mbp-bo", Some(true), true);
        let report = reported(Some(good), false);
        assert!(!report.managed && !report.compliant);
        assert_eq!(report.device, None);
        // The decision itself is recorded as it was.
        assert_eq!(report.grounds.request.action, Action::Posture);
    }

    #[test]
    fn the_permit_is_for_whom_the_question_was_about() {
        let (user, client, application) = reported(None, true).permit.spend();
        assert_eq!(user.as_str(), "u-ana");
        assert_eq!(client.as_str(), "okta");
        assert_eq!(application.as_str(), "okta");
    }
}
