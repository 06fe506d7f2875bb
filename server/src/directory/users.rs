//! The users file: who may sign in, with which password, in which groups.
//! Leaves to others the checking of passwords (`password`) and what a group opens (policies).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use doorward_engine::AttributeValue;
use schemars::{Schema, schema_for};

use super::guid::Guid;
use super::password::PasswordHash;
use super::user_entry::{Taken, UsersFile};
use super::{Report, text_of, without_excerpts};
use crate::config::toml_file;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::UserId;
use crate::reload::{Built, Snapshot, Source, Watched};

/// One End-User as the operator wrote them down.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// The permanent identifier, the `sub` of tokens. Names and addresses change; this never does.
    pub id: UserId,
    /// The name to sign in with, as it is written in the file.
    pub username: String,
    /// The hash of the password.
    pub password: PasswordHash,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address; it may be used to sign in as well.
    pub email: Option<String>,
    /// Whether the organisation vouches for the address.
    pub email_verified: bool,
    /// The groups the user is directly in.
    pub groups: BTreeSet<String>,
    /// Attributes that the organisation added to `User` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// May not sign in, although everything else is right.
    pub disabled: bool,
    /// The user's accounts at Microsoft Entra.
    pub entra: Vec<EntraAccount>,
}

/// An account at Microsoft Entra: names and addresses of such accounts change, and guests have surprising ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntraAccount {
    /// The tenant, `tid` of its tokens.
    pub tenant: Guid,
    /// The account in the tenant, `oid` of its tokens.
    pub object: Guid,
}

/// All users of the file.
#[derive(Debug, Default)]
pub struct Users {
    by_id: BTreeMap<UserId, Arc<UserRecord>>,
    by_login: HashMap<String, Arc<UserRecord>>,
    accounts: HashMap<EntraAccount, Arc<UserRecord>>,
}

impl Users {
    /// Reads the text of a users file, or says everything that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        without_excerpts(Self::read(text, file))
    }

    /// The user who signs in with this username or e-mail address, whatever its case.
    #[must_use]
    pub fn by_username(&self, typed: &str) -> Option<&Arc<UserRecord>> {
        self.by_login.get(&login(typed))
    }

    /// The user with this permanent identifier.
    #[must_use]
    pub fn by_id(&self, id: &UserId) -> Option<&Arc<UserRecord>> {
        self.by_id.get(id)
    }

    /// The user with this account at Microsoft Entra.
    #[must_use]
    pub fn by_entra(&self, tid: &Guid, oid: &Guid) -> Option<&Arc<UserRecord>> {
        let account = EntraAccount {
            tenant: tid.clone(),
            object: oid.clone(),
        };
        self.accounts.get(&account)
    }

    /// Every user, by their identifiers.
    pub fn all(&self) -> impl Iterator<Item = &Arc<UserRecord>> {
        self.by_id.values()
    }

    /// The number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no user at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn read(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        let entries = toml_file::parse::<UsersFile>(text, file)?.user;
        let mut report = Report::new(text, file);
        let (mut users, mut taken) = (Self::default(), Taken::default());
        for entry in entries {
            entry.claim(&mut report, &mut taken);
            if let Some(user) = entry.check(&mut report) {
                users.insert(Arc::new(user));
            }
        }
        report.finish(users)
    }

    fn insert(&mut self, user: Arc<UserRecord>) {
        for name in [Some(&user.username), user.email.as_ref()]
            .into_iter()
            .flatten()
        {
            self.by_login.insert(login(name), Arc::clone(&user));
        }
        for account in &user.entra {
            self.accounts.insert(account.clone(), Arc::clone(&user));
        }
        self.by_id.insert(user.id.clone(), user);
    }
}

/// The file with the users.
#[derive(Debug, Clone)]
pub struct UsersSource {
    /// Its path.
    pub file: PathBuf,
}

impl Source for UsersSource {
    type Value = Users;

    fn name(&self) -> &'static str {
        "users"
    }

    fn watched(&self) -> Watched {
        Watched::Files(vec![self.file.clone()])
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&Users>,
        _now: Timestamp,
    ) -> Result<Built<Users>, Vec<Diagnostic>> {
        let (text, file) = text_of(snapshot, &self.file)?;
        Users::parse(text, &file)
    }
}

/// The JSON schema of the users file.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(UsersFile)
}

/// The form in which names to sign in with are compared.
pub(super) fn login(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::user_entry::tests::user;
    use super::*;

    fn built(text: &str) -> Built<Users> {
        match Users::parse(text, "users.toml") {
            Ok(built) => built,
            Err(diagnostics) => panic!("refused: {diagnostics:?}"),
        }
    }

    #[test]
    fn a_user_is_found_by_username_and_email_whatever_the_case() {
        let users = built(&user(
            "id = 'u-1'\nusername = 'Ana'\nemail = 'Ana@Example.com'",
        ))
        .value;
        for typed in ["ana", "ANA", " ana ", "ana@example.com", "ANA@EXAMPLE.COM"] {
            let found = users.by_username(typed).unwrap();
            assert_eq!(found.id.as_str(), "u-1", "{typed}");
        }
        assert!(users.by_username("anna").is_none());
        assert!(users.by_username("").is_none());
        assert_eq!(users.by_id(&UserId::new("u-1")).unwrap().username, "Ana");
        assert_eq!(users.len(), 1);
    }

    #[test]
    fn what_is_not_written_has_careful_defaults() {
        let users = built(&user("id = 'u-1'\nusername = 'ana'")).value;
        let user = users.by_username("ana").unwrap();
        assert!(!user.email_verified);
        assert!(!user.disabled);
        assert!(user.groups.is_empty());
        assert_eq!(user.name, None);
    }

    #[test]
    fn groups_and_attributes_are_read() {
        let fields = "id = 'u-1'\nusername = 'ana'\ngroups = ['staff']\nattributes = { level = 3 }";
        let users = built(&user(fields)).value;
        let user = users.by_username("ana").unwrap();
        assert!(user.groups.contains("staff"));
        assert_eq!(user.attributes["level"], AttributeValue::Long(3));
    }

    #[test]
    fn a_user_is_found_by_each_account_at_entra() {
        let tenants = [
            "0B5C7F1E-2222-4333-8444-555566667777",
            "1b5c7f1e-2222-4333-8444-555566667777",
        ];
        let object = "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91";
        let accounts = tenants.map(|tid| format!("{{ tid = '{tid}', oid = '{object}' }}"));
        let fields =
            "id = 'u-1'\nusername = 'ana'\nentra = [".to_owned() + &accounts.join(", ") + "]";
        let users = built(&user(&fields)).value;
        let object: Guid = object.parse().unwrap();
        for tenant in tenants {
            let tenant: Guid = tenant.to_lowercase().parse().unwrap();
            assert_eq!(users.by_entra(&tenant, &object).unwrap().username, "ana");
        }
        assert!(users.by_entra(&object, &object).is_none());
    }

    #[test]
    fn the_source_reads_its_file() {
        let source = UsersSource {
            file: "users.toml".into(),
        };
        let text = user("id = 'u-1'\nusername = 'ana'");
        let snapshot = Snapshot::of([("users.toml", text.as_str())]);
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let users = source.build(&snapshot, None, now).unwrap().value;
        assert_eq!(users.len(), 1);
        assert!(source.build(&Snapshot::of([]), None, now).is_err());
    }

    #[test]
    fn an_empty_file_has_no_users() {
        assert!(built("").value.is_empty());
    }

    #[test]
    fn a_record_prints_without_its_password() {
        let users = built(&user("id = 'u-1'\nusername = 'ana'")).value;
        assert!(!format!("{users:?}").contains("c2FsdHNhbHQ"));
    }
}
