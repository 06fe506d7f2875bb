//! Claims about the End-User, by scope (OpenID Connect Core 1.0, section 5.4): the same for the ID
//! token and the userinfo endpoint.

use serde_json::{Map, Value};

/// What claims say about an End-User.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The permanent identifier.
    pub subject: String,
    /// The name for signing in, in the case in which it is stored.
    pub username: String,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address, in the case in which it is stored.
    pub email: Option<String>,
    /// Whether the organisation vouches for the e-mail address.
    pub email_verified: bool,
}

/// The claims that `scope` asks for.
#[must_use]
pub fn user_claims(profile: &Profile, scope: &str) -> Map<String, Value> {
    let asks_for = |name: &str| scope.split(' ').any(|asked| asked == name);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("sub", Value::from(profile.subject.as_str()));
    if asks_for("profile") {
        if let Some(name) = profile.name.as_deref() {
            put("name", Value::from(name));
        }
        put("preferred_username", Value::from(profile.username.as_str()));
    }
    if let Some(email) = profile.email.as_deref().filter(|_| asks_for("email")) {
        put("email", Value::from(email));
        put("email_verified", Value::from(profile.email_verified));
    }
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ana() -> Profile {
        Profile {
            subject: "u-ana".to_owned(),
            username: "Ana".to_owned(),
            name: Some("Ana Example".to_owned()),
            email: Some("Ana@example.com".to_owned()),
            email_verified: false,
        }
    }

    fn claims(profile: &Profile, scope: &str) -> Value {
        Value::Object(user_claims(profile, scope))
    }

    #[test]
    fn without_more_scopes_there_is_only_the_identifier() {
        for scope in ["openid", "", "openid profiles email2"] {
            assert_eq!(claims(&ana(), scope), json!({"sub": "u-ana"}), "{scope}");
        }
    }

    #[test]
    fn each_scope_adds_its_claims() {
        assert_eq!(
            claims(&ana(), "openid profile"),
            json!({"sub": "u-ana", "name": "Ana Example", "preferred_username": "Ana"})
        );
        assert_eq!(
            claims(&ana(), "openid email"),
            json!({"sub": "u-ana", "email": "Ana@example.com", "email_verified": false})
        );
    }

    #[test]
    fn what_a_person_does_not_have_is_left_out() {
        let nameless = Profile {
            name: None,
            email: None,
            email_verified: true,
            ..ana()
        };
        assert_eq!(
            claims(&nameless, "openid profile email"),
            json!({"sub": "u-ana", "preferred_username": "Ana"})
        );
    }
}
