//! Watches for names that users and clients use and the policies' entity data does not declare, and warns of them.
//! How the two are compared is left to `access`.

use doorward_engine::PolicyBundle;
use tokio_util::sync::CancellationToken;

use crate::access::{Undeclared, undeclared_applications, undeclared_groups};
use crate::directory::clients::Clients;
use crate::directory::users::Users;
use crate::reload::Live;

/// The two sides that are compared: what is declared, and what is used.
#[derive(Debug, Clone)]
pub(super) struct Declarations {
    pub(super) policies: Live<PolicyBundle>,
    pub(super) users: Live<Users>,
    pub(super) users_file: String,
    pub(super) clients: Live<Clients>,
    pub(super) clients_file: String,
}

impl Declarations {
    /// Every undeclared name, once.
    pub(super) fn undeclared(&self) -> Vec<Undeclared> {
        let policies = self.policies.current();
        let users = self.users.current();
        let clients = self.clients.current();
        let mut found = undeclared_groups(&policies.value, &users.value, &self.users_file);
        found.extend(undeclared_applications(
            &policies.value,
            &clients.value,
            &self.clients_file,
        ));
        found
    }

    /// Logs every undeclared name, at once and whenever a side was replaced, until `shutdown`.
    pub(super) async fn watch(self, shutdown: CancellationToken) {
        let mut policies = self.policies.changed();
        let mut users = self.users.changed();
        let mut clients = self.clients.changed();
        let mut seen = None;
        loop {
            // A refused file wakes up as well, and changes nothing.
            let versions = Some((
                self.policies.current().digest,
                self.users.current().digest,
                self.clients.current().digest,
            ));
            if versions != seen {
                seen = versions;
                for undeclared in self.undeclared() {
                    let Undeclared { file, name, .. } = &undeclared;
                    tracing::warn!(%file, %name, "{}", undeclared.message);
                }
            }
            let alive = tokio::select! {
                () = shutdown.cancelled() => return,
                changed = policies.changed() => changed,
                changed = users.changed() => changed,
                changed = clients.changed() => changed,
            };
            if alive.is_err() {
                return;
            }
        }
    }
}
