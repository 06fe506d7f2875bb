//! Names that users and clients use and the policies' entity data does not declare. They are no error, since
//! the files need not change together; but no policy can mean them, so somebody should look.

use std::collections::BTreeMap;

use doorward_engine::PolicyBundle;
use serde::Serialize;

use crate::directory::clients::Clients;
use crate::directory::users::Users;

/// A name that is used and not declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undeclared {
    /// What kind of finding this is.
    #[serde(skip)]
    pub code: &'static str,
    /// The file that uses it.
    pub file: String,
    /// The name.
    pub name: String,
    /// What is wrong, in words.
    pub message: String,
}

/// Groups of users that the bundle does not declare, each once.
#[must_use]
pub fn undeclared_groups(policies: &PolicyBundle, users: &Users, file: &str) -> Vec<Undeclared> {
    let mut uses = Uses::new();
    for user in users.all() {
        for group in &user.groups {
            if !policies.knows_group(group) {
                uses.entry(group).or_default().push(user.id.as_str());
            }
        }
    }
    let kind = Kind {
        code: "undeclared-group",
        what: "group",
        user: "user",
    };
    kind.listed(&uses, file)
}

/// Applications of clients that the bundle does not declare, each once.
#[must_use]
pub fn undeclared_applications(
    policies: &PolicyBundle,
    clients: &Clients,
    file: &str,
) -> Vec<Undeclared> {
    let mut uses = Uses::new();
    for client in clients.all() {
        let application = client.application.as_str();
        if !policies.knows_application(application) {
            uses.entry(application)
                .or_default()
                .push(client.id.as_str());
        }
    }
    let kind = Kind {
        code: "undeclared-application",
        what: "application",
        user: "client",
    };
    kind.listed(&uses, file)
}

/// Undeclared names, and who uses each.
type Uses<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// What is named, and by whom.
#[derive(Debug)]
struct Kind {
    code: &'static str,
    what: &'static str,
    user: &'static str,
}

impl Kind {
    fn listed(&self, uses: &Uses<'_>, file: &str) -> Vec<Undeclared> {
        let Self { what, user, .. } = self;
        let who = |by: &[&str]| match by {
            [first, _, ..] => format!("{user} `{first}` and {} more", by.len() - 1),
            _ => format!("{user} `{}`", by.concat()),
        };
        uses.iter()
            .map(|(name, by)| Undeclared {
                code: self.code,
                file: file.to_owned(),
                name: (*name).to_owned(),
                message: format!(
                    "the {what} `{name}` of {} is not declared in the policies' entity data",
                    who(by)
                ),
            })
            .collect()
    }
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
        let found = undeclared_groups(&bundle(), &users, "users.toml");
        let expected = Undeclared {
            code: "undeclared-group",
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
        let found = undeclared_applications(&bundle(), &clients, "clients.toml");
        let expected = Undeclared {
            code: "undeclared-application",
            file: "clients.toml".to_owned(),
            name: "wikki".to_owned(),
            message: "the application `wikki` of client `wrong` is not declared in the policies' entity data"
                .to_owned(),
        };
        assert_eq!(found, [expected]);
    }
}
