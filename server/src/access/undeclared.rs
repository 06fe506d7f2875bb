//! Names that users and clients use and the policies' entity data does not declare. They are no error, since
//! the files need not change together; but no policy can mean them, so somebody should look.

use std::collections::{BTreeMap, BTreeSet};

use doorward_engine::PolicyBundle;
use serde::Serialize;

use crate::directory::clients::{ClientRecord, Clients};
use crate::directory::profile::Profile;
use crate::directory::users::Users;
use crate::domain::ids::ApplicationId;

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
        for application in named_by(client) {
            if !policies.knows_application(application) {
                uses.entry(application)
                    .or_default()
                    .push(client.id.as_str());
            }
        }
    }
    let kind = Kind {
        code: "undeclared-application",
        what: "application",
        user: "client",
    };
    kind.listed(&uses, file)
}

/// Every application that a client can ask for, each once.
fn named_by(client: &ClientRecord) -> BTreeSet<&str> {
    let behind = match &client.profile {
        Profile::OktaFactor(okta) => Some(okta.applications.values()),
        Profile::OidcRp | Profile::OktaPosture | Profile::EntraMfa(_) => None,
    };
    let behind = behind.into_iter().flatten().map(ApplicationId::as_str);
    behind.chain([client.application.as_str()]).collect()
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
    use crate::directory::client_secret;
    use crate::domain::entropy::SeededEntropy;

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

    #[test]
    fn applications_behind_an_okta_client_are_found_too() {
        let (_, secret) = client_secret::generate(&SeededEntropy::new(1));
        let text = format!(
            "[[client]]\nid = 'okta'\nprofile = 'okta-factor'\napplication = 'wiki'\nsecret = '{secret}'\n\
             redirect_uris = ['https://example.okta.com/oauth2/v1/authorize/callback']\n\
             applications = {{ '0oa1' = 'payrol', '0oa2' = 'wiki', 'Payroll' = 'payrol' }}\n"
        );
        let clients = Clients::parse_everything(&text, "clients.toml")
            .unwrap()
            .value;
        let found = undeclared_applications(&bundle(), &clients, "clients.toml");
        let message = "the application `payrol` of client `okta` is not declared in the policies' entity data";
        let messages: Vec<_> = found.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, [message]);
    }
}
