//! Checks of the clients file, the users file and the configuration. What the profile fixes is refused in the clients
//! file already, and not looked at again.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use super::{
    ACCOUNTS, ANNOUNCE, APPLICATION, CLIENTS, DEADLINE, DEVICE_HOST, Door, Patient, REDIRECTS,
    TENANT, USERS,
};
use crate::cli::doctor::check::Check;
use crate::cli::doctor::door::judged;
use crate::cli::render::count;
use crate::directory::guid::Guid;
use crate::directory::profile::{ENTRA_REDIRECT_URIS, Profile};

/// So long Entra may go on with keys that it has read: about a day, and it asks for another one.
const ANNOUNCED: Duration = Duration::from_hours(48);
/// A person who has less time does not find the other device.
const SHORTEST: TimeDelta = TimeDelta::minutes(2);

const NO_CLIENT: &str = "no client has the profile `entra-mfa`";

impl Patient<'_> {
    pub(super) fn registered(&self) -> Check {
        if self.doors.is_empty() {
            return Check::bad(CLIENTS, NO_CLIENT)
                .with_fix("register one with `profile = \"entra-mfa\"`");
        }
        let lines: Vec<String> = self
            .doors
            .iter()
            .map(|door| {
                format!(
                    "`{}` is the application `{}`",
                    door.client.id, door.entra.app_id
                )
            })
            .collect();
        Check::good(CLIENTS, lines.join("\n"))
    }

    pub(super) fn allowed(&self) -> Check {
        let tenant = self.tenant;
        if self.doors.is_empty() {
            return Check::not_checked(TENANT, NO_CLIENT);
        }
        let answers = |door: &Door<'_>| door.entra.tenants.contains(tenant);
        if self.doors.iter().any(answers) {
            return Check::good(TENANT, format!("`{tenant}` is answered"));
        }
        Check::bad(TENANT, format!("no client answers for `{tenant}`"))
            .with_fix("add it to `tenants` of `[client.entra]`, and compare it with the directory ID at Entra")
    }

    /// Each cloud has an address of its own, and its hints are signed by a host of the same name.
    pub(super) fn redirects(&self) -> Check {
        if self.doors.is_empty() {
            return Check::not_checked(REDIRECTS, NO_CLIENT);
        }
        let lines = self
            .doors
            .iter()
            .filter_map(|door| {
                let expected = of_cloud(&door.entra.discovery)?;
                let known = &door.client.redirect_uris;
                (!known.iter().any(|uri| uri == expected)).then(|| {
                    format!(
                        "client `{}` has no redirect URI `{expected}`",
                        door.client.id
                    )
                })
            })
            .collect();
        judged(
            REDIRECTS,
            lines,
            "answers may go to the cloud that asks",
            (
                Check::bad,
                "add it to `redirect_uris`, or correct `cloud` of `[client.entra]`",
            ),
        )
    }

    pub(super) fn application(&self) -> Check {
        if self.doors.is_empty() {
            return Check::not_checked(APPLICATION, NO_CLIENT);
        }
        let Some(policies) = self.place.policies() else {
            return Check::not_checked(
                APPLICATION,
                "the policies cannot be used: see `doorward doctor config`",
            );
        };
        let lines = self
            .doors
            .iter()
            .map(|door| door.client)
            .filter(|client| !policies.knows_application(client.application.as_str()))
            .map(|client| {
                format!(
                    "client `{}` is for `{}`, which the policies do not declare",
                    client.id, client.application
                )
            })
            .collect();
        judged(
            APPLICATION,
            lines,
            "the policies know the application",
            (
                Check::bad,
                "declare it in `entities.toml` beside the policies, or correct its name",
            ),
        )
    }

    /// The second factor is the device, and nothing else is.
    pub(super) fn device_host(&self) -> Check {
        match &self.place.config.device {
            Some(device) => {
                Check::good(DEVICE_HOST, format!("devices are known by {}", device.url))
            }
            None => Check::bad(
                DEVICE_HOST,
                "without `[device]` no device is ever known, and nobody has a second factor",
            )
            .with_fix("set up the device host in `[device]`"),
        }
    }

    pub(super) fn users(&self) -> Check {
        let lines: Vec<String> = self
            .place
            .users()
            .filter(|user| !user.entra.iter().any(|it| it.tenant == *self.tenant))
            .map(|user| format!("`{}` has no account in this tenant", user.username))
            .collect();
        let good = format!(
            "{} with an account",
            count(self.place.users().count(), "user")
        );
        judged(
            USERS,
            lines,
            good,
            (
                Check::doubtful,
                "add `entra = [{ tid = \"…\", oid = \"…\" }]` in `users.toml`: whoever has none is refused",
            ),
        )
    }

    /// That an account belongs to one user is seen to in the users file.
    pub(super) fn accounts(&self) -> Check {
        let all = self.place.clients();
        let answered: BTreeSet<&Guid> = all
            .filter_map(|client| match &client.profile {
                Profile::EntraMfa(entra) => Some(&entra.tenants),
                _ => None,
            })
            .flatten()
            .collect();
        let mut lines = Vec::new();
        for user in self.place.users() {
            let name = &user.username;
            let here = user.entra.iter().filter(|it| it.tenant == *self.tenant);
            if here.count() > 1 {
                lines.push(format!("`{name}` has several accounts in this tenant"));
            }
            for account in &user.entra {
                let (tenant, object) = (&account.tenant, &account.object);
                if !answered.contains(tenant) {
                    lines.push(format!(
                        "`{name}` has an account in `{tenant}`, for which no client answers"
                    ));
                }
                if tenant == object {
                    lines.push(format!(
                        "the account of `{name}` has one ID as `tid` and `oid`"
                    ));
                }
            }
        }
        judged(
            ACCOUNTS,
            lines,
            "nobody has an account too many",
            (
                Check::doubtful,
                "compare `tid` and `oid` in `users.toml` with directory ID and object ID at Entra",
            ),
        )
    }

    pub(super) fn announce(&self) -> Check {
        let announce = self.place.config.keys.announce;
        let shown = humantime::format_duration(announce);
        if announce >= ANNOUNCED {
            return Check::good(
                ANNOUNCE,
                format!("a key is published {shown} before it signs"),
            );
        }
        let finding =
            format!("a key is published {shown} before it signs, and Entra keeps keys for longer");
        Check::bad(ANNOUNCE, finding).with_fix("set `announce` of `[keys]` to `48h` or more")
    }

    pub(super) fn deadline(&self) -> Check {
        let Some(door) = self.doors.first() else {
            return Check::not_checked(DEADLINE, NO_CLIENT);
        };
        let lifetime = crate::app::delta(self.place.config.sessions.transaction_lifetime);
        let patience = door.client.profile.rules().transaction;
        let left = patience.map_or(lifetime, |patience| patience.min(lifetime));
        let finding = format!(
            "people have {} s, and Entra waits about 300 s",
            left.num_seconds()
        );
        if left >= SHORTEST {
            return Check::good(DEADLINE, finding);
        }
        Check::doubtful(DEADLINE, finding).with_fix(
            "raise `transaction_lifetime` of `[sessions]`: they may have to enter a password",
        )
    }
}

/// The redirect URI of the cloud whose discovery document this is; none where it is no cloud of Microsoft's.
fn of_cloud(discovery: &Url) -> Option<&'static str> {
    let host = discovery.host_str()?;
    ENTRA_REDIRECT_URIS.into_iter().find(|uri| {
        let path = uri.strip_prefix("https://");
        let theirs = path.and_then(|path| path.split('/').next());
        theirs == Some(host)
    })
}
