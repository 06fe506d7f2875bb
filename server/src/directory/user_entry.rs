//! A user as the users file writes them, and what may be wrong with it.
//! Leaves to others how users are found (`users`).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::guid::Guid;
use super::password::PasswordHash;
use super::users::{EntraAccount, UserRecord, login};
use super::{HiddenText, RawAttributes, Report, Unique, attributes, check_id};
use crate::domain::ids::UserId;

/// The users of this organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersFile {
    /// One user each.
    #[serde(default)]
    pub(super) user: Vec<UserEntry>,
}

/// A user, as the file writes them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    /// The permanent identifier, never given to anybody else: 1 to 255 visible ASCII characters.
    #[schemars(with = "String")]
    id: Spanned<String>,
    /// The name to sign in with. Its case does not matter.
    #[schemars(with = "String")]
    username: Spanned<String>,
    /// The password's hash by Argon2id, as a PHC string.
    #[schemars(with = "String")]
    password: Spanned<HiddenText>,
    /// The full name.
    name: Option<String>,
    /// The e-mail address.
    #[schemars(with = "Option<String>")]
    email: Option<Spanned<String>>,
    /// Whether the organisation vouches for the address.
    #[serde(default)]
    email_verified: bool,
    /// The groups the user is directly in.
    #[serde(default)]
    groups: BTreeSet<String>,
    /// Attributes that the organisation added to `User` in its schema.
    #[serde(default)]
    #[schemars(schema_with = "super::attributes_schema")]
    attributes: RawAttributes,
    /// May not sign in.
    #[serde(default)]
    disabled: bool,
    /// The user's accounts at Microsoft Entra.
    #[serde(default)]
    entra: Vec<EntraAccountEntry>,
}

/// An account at Microsoft Entra.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EntraAccountEntry {
    /// The tenant's identifier, a GUID.
    #[schemars(with = "String")]
    tid: Spanned<String>,
    /// The account's identifier in the tenant, a GUID.
    #[schemars(with = "String")]
    oid: Spanned<String>,
}

/// What belongs to one user only, as far as the file has been read.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ids: Unique,
    /// Usernames and e-mail addresses share one space, because either signs in.
    logins: Unique,
    accounts: Unique,
}

impl UserEntry {
    /// Claims what no other user may have too.
    pub(super) fn claim(&self, report: &mut Report<'_>, taken: &mut Taken) {
        let logins = &mut taken.logins;
        let id = self.id.get_ref();
        taken
            .ids
            .claim(report, id.clone(), &self.id, &format!("the id `{id}`"));
        let username = self.username.get_ref();
        let what = format!("the username `{username}`");
        logins.claim(report, login(username), &self.username, &what);
        if let Some(email) = &self.email {
            let address = email.get_ref();
            if login(address) != login(username) {
                let what = format!("the e-mail address `{address}`");
                logins.claim(report, login(address), email, &what);
            }
        }
        for account in &self.entra {
            let (tenant, object) = (account.tid.get_ref(), account.oid.get_ref());
            taken.accounts.claim(
                report,
                format!("{tenant} {object}").to_ascii_lowercase(),
                &account.oid,
                &format!("the account `{object}` of tenant `{tenant}`"),
            );
        }
    }

    /// The record, where nothing in it is wrong beyond use; everything wrong is reported.
    pub(super) fn check(self, report: &mut Report<'_>) -> Option<UserRecord> {
        let username = self.username.get_ref();
        check_id(report, "user", &self.id);
        if username.is_empty() || username.trim() != username || username.contains(char::is_control)
        {
            report.error(
                &self.username,
                format!("the username `{username}` is empty, or has blanks at its ends or control characters"),
            );
        }
        if let Some(email) = self
            .email
            .as_ref()
            .filter(|email| !is_address(email.get_ref()))
        {
            report.error(
                email,
                format!("the e-mail of user `{username}` is not an address"),
            );
        }
        let attributes = attributes(report, self.attributes);
        let entra = self
            .entra
            .iter()
            .filter_map(|account| account.check(report, username))
            .collect();
        let password = match self.password.get_ref().0.parse::<PasswordHash>() {
            Ok(password) => password,
            Err(refused) => {
                report.error(
                    &self.password,
                    format!("the password of user `{username}` is {refused}"),
                );
                return None;
            }
        };
        if !password.is_current() {
            report.warning_with_help(
                &self.password,
                format!("the password of user `{username}` is not hashed with m=19456, t=2, p=1"),
                "hash it again; until then the time of an answer tells that the user exists",
            );
        }
        Some(UserRecord {
            id: UserId::new(self.id.into_inner()),
            username: self.username.into_inner(),
            password,
            name: self.name,
            email: self.email.map(Spanned::into_inner),
            email_verified: self.email_verified,
            groups: self.groups,
            attributes,
            disabled: self.disabled,
            entra,
        })
    }
}

impl EntraAccountEntry {
    fn check(&self, report: &mut Report<'_>, username: &str) -> Option<EntraAccount> {
        let mut guid =
            |key: &str, written: &Spanned<String>| match written.get_ref().parse::<Guid>() {
                Ok(guid) => Some(guid),
                Err(problem) => {
                    report.error(
                        written,
                        format!("the `{key}` of user `{username}` is {problem}"),
                    );
                    None
                }
            };
        let (tenant, object) = (guid("tid", &self.tid), guid("oid", &self.oid));
        Some(EntraAccount {
            tenant: tenant?,
            object: object?,
        })
    }
}

/// Whether the text has the outline of an address; only a message that arrives proves more.
fn is_address(text: &str) -> bool {
    let blank = |symbol: char| symbol.is_whitespace() || symbol.is_control();
    !text.contains(blank)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::users::{Users, schema};
    use crate::domain::diagnostic::Diagnostic;

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// A user with a password, and these fields.
    pub(in crate::directory) fn user(fields: &str) -> String {
        format!("[[user]]\npassword = '{HASH}'\n{fields}\n")
    }

    fn refused(text: &str) -> Vec<Diagnostic> {
        match Users::parse(text, "users.toml") {
            Ok(_) => panic!("accepted"),
            Err(diagnostics) => diagnostics,
        }
    }

    #[test]
    fn a_username_that_differs_in_case_only_is_a_duplicate_and_both_places_are_named() {
        let text = user("id = 'u-1'\nusername = 'ana'") + &user("id = 'u-2'\nusername = 'ANA'");
        let found = refused(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "the username `ANA` is used twice");
        assert_eq!(found[0].line, Some(8));
        assert_eq!(
            found[0].help.as_deref(),
            Some("it is used first at users.toml:4:12")
        );
    }

    #[test]
    fn an_email_that_is_another_user_s_username_is_a_duplicate() {
        let text = user("id = 'u-1'\nusername = 'ana@example.com'")
            + &user("id = 'u-2'\nusername = 'bo'\nemail = 'Ana@example.com'");
        let found = refused(&text);
        assert_eq!(
            found[0].message,
            "the e-mail address `Ana@example.com` is used twice"
        );
    }

    #[test]
    fn a_username_may_be_the_user_s_own_email() {
        let fields = "id = 'u-1'\nusername = 'ana@example.com'\nemail = 'Ana@example.com'";
        assert!(Users::parse(&user(fields), "users.toml").is_ok());
    }

    #[test]
    fn an_id_belongs_to_one_user() {
        let text = user("id = 'u-1'\nusername = 'ana'") + &user("id = 'u-1'\nusername = 'bo'");
        assert_eq!(refused(&text)[0].message, "the id `u-1` is used twice");
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let text = "[[user]]\nid = 'u 1'\nusername = ' ana'\npassword = 'hunter2'\nemail = 'ana'\n";
        let lines: Vec<_> = refused(text).iter().map(|found| found.line).collect();
        assert_eq!(lines, [Some(2), Some(3), Some(5), Some(4)]);
    }

    #[test]
    fn a_password_in_the_clear_is_refused_and_not_repeated() {
        let text = "[[user]]\nid = 'u-1'\nusername = 'ana'\npassword = 'hunter2'\n";
        let found = refused(text);
        let expected = "the password of user `ana` is not a password hash";
        assert!(found[0].message.starts_with(expected));
        assert!(!format!("{found:?}").contains("hunter2"));
        let digits = refused(&text.replace("'hunter2'", "123456"));
        assert!(!format!("{digits:?}").contains("123456"));
    }

    #[test]
    fn a_weaker_hash_is_a_warning() {
        let text = user("id = 'u-1'\nusername = 'ana'").replace("m=19456", "m=4096");
        let warnings = match Users::parse(&text, "users.toml") {
            Ok(built) => built.warnings,
            Err(diagnostics) => panic!("refused: {diagnostics:?}"),
        };
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].line, Some(2));
    }

    #[test]
    fn an_account_at_entra_belongs_to_one_user_in_whatever_case_it_is_written() {
        let tenant = "0b5c7f1e-2222-4333-8444-555566667777";
        let account = |oid: &str| format!("entra = [{{ tid = '{tenant}', oid = '{oid}' }}]");
        let object = "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91";
        let ana = user(&format!(
            "id = 'u-1'\nusername = 'ana'\n{}",
            account(object)
        ));
        let fields = format!(
            "id = 'u-2'\nusername = 'bo'\n{}",
            account(&object.to_uppercase())
        );
        let found = refused(&(ana + &user(&fields)));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.starts_with("the account `6F0C1A52-"));
        assert!(found[0].message.ends_with("is used twice"));
    }

    #[test]
    fn an_account_at_entra_is_named_by_two_guids() {
        let account = "entra = [{ tid = 'contoso.com', oid = 'ana@contoso.com' }]";
        let found = refused(&user(&format!("id = 'u-1'\nusername = 'ana'\n{account}")));
        let messages: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages.len(), 2);
        assert!(messages[0].starts_with("the `tid` of user `ana` is not a GUID"));
        assert!(messages[1].starts_with("the `oid` of user `ana` is not a GUID"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(!refused(&user("id = 'u-1'\nusername = 'ana'\ngruops = []")).is_empty());
    }

    #[test]
    fn the_schema_names_every_key() {
        let schema = serde_json::to_string(&schema()).unwrap();
        for key in [
            "username",
            "password",
            "email_verified",
            "attributes",
            "disabled",
            "entra",
        ] {
            assert!(schema.contains(key), "{key}");
        }
    }
}
