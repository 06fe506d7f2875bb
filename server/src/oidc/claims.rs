//! Claims about the End-User (OpenID Connect Core 1.0, section 5): which of them a grant is worth, and where in the
//! users file each comes from. Leaves to others the claims of the protocol itself (`tokens`), and how single ones are
//! asked for (`claims_request`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::directory::clients::{ClaimSource, Clients};
use crate::directory::users::UserRecord;
use crate::domain::claims_request::RequestedClaim;
use crate::domain::grant::Grant;

/// Where claims are to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// In an ID token.
    IdToken,
    /// In an answer of the userinfo endpoint.
    Userinfo,
}

/// What this place says about the user: the subject, the claims of the scopes that were granted, those that the client
/// asked for by name, and what its profile adds. What the user does not have is left out (section 5.3.2).
pub(super) fn of(
    clients: &Clients,
    grant: &Grant,
    user: &UserRecord,
    destination: Destination,
) -> Map<String, Value> {
    let mut claims = Map::new();
    // The same in the ID token and from the userinfo endpoint (section 5.3.2).
    claims.insert("sub".to_owned(), Value::from(grant.subject.as_str()));
    for (name, source) in by_scope(clients, grant, destination) {
        if let Some(value) = known(source, user) {
            claims.insert(name.clone(), value);
        }
    }
    for (name, wish) in by_name(grant, destination) {
        // A claim that is wanted with certain values is left out where it has another one (section 5.5.1).
        let found = source_for(clients, grant, name).and_then(|source| known(source, user));
        if let Some(value) = found.filter(|value| wish.accepts(value)) {
            claims.insert(name.clone(), value);
        }
    }
    for (name, value) in &grant.extra {
        claims.entry(name.clone()).or_insert_with(|| value.clone());
    }
    claims
}

/// The claims that the granted scopes stand for (section 5.4).
fn by_scope<'a>(
    clients: &'a Clients,
    grant: &'a Grant,
    destination: Destination,
) -> impl Iterator<Item = (&'a String, &'a ClaimSource)> {
    let granted = grant.scope.split(' ');
    granted
        .filter_map(|scope| clients.scopes().get(scope))
        .filter(move |scope| scope.id_token || destination == Destination::Userinfo)
        .flat_map(|scope| &scope.claims)
}

fn by_name(grant: &Grant, destination: Destination) -> &BTreeMap<String, RequestedClaim> {
    match destination {
        Destination::IdToken => &grant.claims.id_token,
        Destination::Userinfo => &grant.claims.userinfo,
    }
}

/// Where a claim comes from that the client asked for by name: it is given what a scope that it may ask for stands
/// for, and nothing else.
fn source_for<'a>(clients: &'a Clients, grant: &Grant, name: &str) -> Option<&'a ClaimSource> {
    let client = clients.by_id(grant.client.as_str())?;
    client
        .scopes
        .iter()
        .filter_map(|scope| clients.scopes().get(scope))
        .find_map(|scope| scope.claims.get(name))
}

/// What is known of the user from this source.
fn known(source: &ClaimSource, user: &UserRecord) -> Option<Value> {
    match source {
        // To be in no group is known, too: whoever reads the claim must not go on with an older list.
        ClaimSource::Groups => Some(json!(user.groups)),
        ClaimSource::Name => user.name.as_deref().map(Value::from),
        ClaimSource::Username => Some(Value::from(user.username.as_str())),
        ClaimSource::Email => user.email.as_deref().map(Value::from),
        ClaimSource::EmailVerified => {
            let email = user.email.as_ref();
            email.map(|_| Value::from(user.email_verified))
        }
        ClaimSource::Id => Some(Value::from(user.id.as_str())),
        ClaimSource::Attribute(name) => user.attributes.get(name).map(|value| json!(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::directory::users::Users;
    use crate::domain::ids::UserId;

    const CLIENTS: &str = "\
        [[scope]]\nid = 'staff'\nid_token = true\n\
        claims = { groups = 'groups', level = 'attributes.level' }\n\
        [[scope]]\nid = 'team'\n\
        claims = { team = 'attributes.team', login = 'username', uid = 'id' }\n\
        [[client]]\nid = 'wiki-web'\npublic = true\n\
        redirect_uris = ['https://wiki.example.com/callback']\n\
        scopes = ['openid', 'profile', 'email', 'team']\n";

    const HASH: &str = "password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'";

    fn clients() -> Clients {
        Clients::parse_everything(CLIENTS, "clients.toml")
            .unwrap()
            .value
    }

    fn user(fields: &str) -> Arc<UserRecord> {
        let text = format!("[[user]]\nid = 'u-ana'\nusername = 'Ana'\n{HASH}\n{fields}\n");
        let users = Users::parse(&text, "users.toml").unwrap().value;
        Arc::clone(users.by_id(&UserId::new("u-ana")).unwrap())
    }

    fn ana() -> Arc<UserRecord> {
        user(
            "name = 'Ana Example'\nemail = 'Ana@example.com'\ngroups = ['staff', 'admins']\n\
             attributes = { level = 3, team = ['red', 'blue'] }",
        )
    }

    fn grant(more: &Value) -> Grant {
        let mut grant = json!({
            "id": "g1",
            "client": "wiki-web",
            "user": "u-ana",
            "subject": "told",
            "application": "wiki",
            "scope": "openid",
            "reference": "7F3K-29QD",
        });
        for (name, value) in more.as_object().unwrap() {
            grant[name] = value.clone();
        }
        serde_json::from_value(grant).unwrap()
    }

    fn said(user: &UserRecord, more: &Value, destination: Destination) -> Value {
        Value::Object(of(&clients(), &grant(more), user, destination))
    }

    fn both(more: &Value) -> [Value; 2] {
        let of = |destination| said(&ana(), more, destination);
        [of(Destination::IdToken), of(Destination::Userinfo)]
    }

    #[test]
    fn without_more_scopes_there_is_only_the_subject_of_the_grant() {
        for scope in ["openid", "", "openid profiles email2 offline_access"] {
            let expected = json!({"sub": "told"});
            let found = both(&json!({"scope": scope}));
            assert_eq!(found, [expected.clone(), expected], "{scope}");
        }
    }

    #[test]
    fn each_standard_scope_adds_its_claims_in_both_places() {
        let profile = json!({"sub": "told", "name": "Ana Example", "preferred_username": "Ana"});
        let found = both(&json!({"scope": "openid profile"}));
        assert_eq!(found, [profile.clone(), profile]);
        let email = json!({"sub": "told", "email": "Ana@example.com", "email_verified": false});
        let found = both(&json!({"scope": "openid email"}));
        assert_eq!(found, [email.clone(), email]);
    }

    #[test]
    fn a_declared_scope_stands_in_the_id_token_where_it_says_so() {
        let staff = json!({"sub": "told", "groups": ["admins", "staff"], "level": 3});
        let found = both(&json!({"scope": "openid staff"}));
        assert_eq!(found, [staff.clone(), staff]);
        let team = json!({"sub": "told", "team": ["red", "blue"], "login": "Ana", "uid": "u-ana"});
        let found = both(&json!({"scope": "openid team"}));
        assert_eq!(found, [json!({"sub": "told"}), team]);
    }

    #[test]
    fn what_a_person_does_not_have_is_left_out() {
        let bare = user("email_verified = true");
        let all = json!({"scope": "openid profile email staff team"});
        assert_eq!(
            said(&bare, &all, Destination::Userinfo),
            json!({
                "sub": "told",
                "preferred_username": "Ana",
                "groups": [],
                "login": "Ana",
                "uid": "u-ana",
            })
        );
    }

    #[test]
    fn a_claim_that_is_asked_for_by_name_stands_where_it_was_asked_for() {
        let wanted = json!({"claims": {"id_token": {"team": {}}, "userinfo": {"email": {}}}});
        assert_eq!(
            both(&wanted),
            [
                json!({"sub": "told", "team": ["red", "blue"]}),
                json!({"sub": "told", "email": "Ana@example.com"})
            ]
        );
    }

    #[test]
    fn by_name_a_client_is_given_nothing_that_its_scopes_could_not_give() {
        // `groups` is a claim of a scope that this client may not ask for.
        let claims = json!({"groups": {"essential": true}, "address": {}, "password": {}});
        let wanted = json!({"claims": {"id_token": claims, "userinfo": claims}});
        let nothing = json!({"sub": "told"});
        assert_eq!(both(&wanted), [nothing.clone(), nothing.clone()]);
        let gone = json!({"client": "gone", "claims": {"userinfo": {"email": {}}}});
        assert_eq!(both(&gone), [nothing.clone(), nothing]);
    }

    #[test]
    fn a_claim_with_another_value_than_is_wanted_is_left_out() {
        let wanted = |value: &str| {
            let more = json!({"claims": {"userinfo": {"login": {"values": [value]}}}});
            said(&ana(), &more, Destination::Userinfo)
        };
        assert_eq!(wanted("Ana"), json!({"sub": "told", "login": "Ana"}));
        assert_eq!(wanted("Bo"), json!({"sub": "told"}));
    }

    #[test]
    fn what_the_profile_adds_replaces_nothing() {
        let extra = json!({"extra": {"app_name": "Payroll", "sub": "somebody"}});
        let expected = json!({"sub": "told", "app_name": "Payroll"});
        assert_eq!(both(&extra), [expected.clone(), expected]);
    }
}
