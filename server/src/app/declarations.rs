//! Names that users and clients use and the policies' entity data does not declare. They are no error, since
//! the files need not change together; but no policy can mean them, so somebody should look.

use std::collections::BTreeMap;

use doorward_engine::PolicyBundle;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

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

/// A name that is used and not declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Undeclared {
    /// The file that uses it.
    file: String,
    /// The name.
    name: String,
    /// What is wrong, in words.
    message: String,
}

impl Declarations {
    /// Every undeclared name, once.
    pub(super) fn undeclared(&self) -> Vec<Undeclared> {
        let policies = self.policies.current();
        let users = self.users.current();
        let clients = self.clients.current();
        let mut found = groups(&policies.value, &users.value, &self.users_file);
        found.extend(applications(
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

/// Groups of users that the bundle does not declare.
fn groups(policies: &PolicyBundle, users: &Users, file: &str) -> Vec<Undeclared> {
    let mut uses = Uses::new();
    for user in users.all() {
        for group in &user.groups {
            if !policies.knows_group(group) {
                uses.entry(group).or_default().push(user.id.as_str());
            }
        }
    }
    listed(&uses, file, "group", "user")
}

/// Applications of clients that the bundle does not declare.
fn applications(policies: &PolicyBundle, clients: &Clients, file: &str) -> Vec<Undeclared> {
    let mut uses = Uses::new();
    for client in clients.all() {
        let application = client.application.as_str();
        if !policies.knows_application(application) {
            uses.entry(application)
                .or_default()
                .push(client.id.as_str());
        }
    }
    listed(&uses, file, "application", "client")
}

/// Undeclared names, and who uses each.
type Uses<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn listed(uses: &Uses<'_>, file: &str, what: &str, user: &str) -> Vec<Undeclared> {
    let who = |by: &[&str]| match by {
        [first, _, ..] => format!("{user} `{first}` and {} more", by.len() - 1),
        _ => format!("{user} `{}`", by.concat()),
    };
    uses.iter()
        .map(|(name, by)| Undeclared {
            file: file.to_owned(),
            name: (*name).to_owned(),
            message: format!(
                "the {what} `{name}` of {} is not declared in the policies' entity data",
                who(by)
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use doorward_engine::SourceFile;

    use super::*;

    fn bundle() -> PolicyBundle {
        let files = [
            SourceFile::new("entities.toml", "[application.wiki]\n[group.employees]\n"),
            SourceFile::new(
                "access.cedar",
                "@id(\"all\")\n@reason(\"Anybody reads the wiki.\")\n\
                 permit (principal, action, resource == Application::\"wiki\");\n",
            ),
        ];
        PolicyBundle::load(&files, None).unwrap()
    }

    fn users(users: &[(&str, &str)]) -> Users {
        let text: String = users
            .iter()
            .map(|(id, groups)| {
                format!(
                    "[[user]]\nid = '{id}'\nusername = '{id}'\ngroups = [{groups}]\n\
                     password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"
                )
            })
            .collect();
        Users::parse(&text, "users.toml").unwrap().value
    }

    fn clients(clients: &[(&str, &str)]) -> Clients {
        let text: String = clients
            .iter()
            .map(|(id, application)| {
                format!(
                    "[[client]]\nid = '{id}'\napplication = '{application}'\npublic = true\n\
                     redirect_uris = ['https://{id}.example/callback']\n"
                )
            })
            .collect();
        Clients::parse(&text, "clients.toml").unwrap().value
    }

    #[test]
    fn groups_that_the_policies_do_not_know_are_found_once() {
        let users = users(&[
            ("ana", "'employees', 'employes'"),
            ("bo", "'employees'"),
            ("cy", "'employes'"),
        ]);
        let found = groups(&bundle(), &users, "users.toml");
        let expected = Undeclared {
            file: "users.toml".to_owned(),
            name: "employes".to_owned(),
            message: "the group `employes` of user `ana` and 1 more is not declared in the policies' entity data"
                .to_owned(),
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn clients_of_applications_that_the_policies_do_not_know_are_found() {
        let clients = clients(&[("right", "wiki"), ("wrong", "wikki")]);
        let found = applications(&bundle(), &clients, "clients.toml");
        let expected = Undeclared {
            file: "clients.toml".to_owned(),
            name: "wikki".to_owned(),
            message: "the application `wikki` of client `wrong` is not declared in the policies' entity data"
                .to_owned(),
        };
        assert_eq!(found, [expected]);
    }
}
