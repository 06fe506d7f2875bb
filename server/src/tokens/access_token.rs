//! What an access token stands for, as whoever receives it is told: in the token itself, where it is a JWT (RFC 9068),
//! or by introspection (RFC 7662). Who may have one, and who may ask, is decided before.

use serde_json::{Map, Value, json};

use super::sign::{TokenError, sign};
use super::signing_key::SigningKey;
use crate::domain::clock::Timestamp;
use crate::domain::code::{AccessToken, TokenFormat};
use crate::domain::grant::{Confirmation, Grant};

/// The type of an access token, by which nobody takes it for an ID token (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// What is said of an access token.
#[derive(Debug, Clone, Copy)]
pub struct AccessTokenContent<'a> {
    /// The issuer, exactly as in the discovery document.
    pub issuer: &'a str,
    /// What the token stands for: its scope and audience are the token's own.
    pub grant: &'a Grant,
    /// What the token looks like.
    pub format: &'a TokenFormat,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on it is worthless.
    pub expires_at: Timestamp,
}

impl<'a> AccessTokenContent<'a> {
    /// What is said of this token.
    #[must_use]
    pub fn of(issuer: &'a str, token: &'a AccessToken) -> Self {
        Self {
            issuer,
            grant: &token.grant,
            format: &token.format,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
        }
    }

    /// The signed token in its compact form.
    pub fn sign(
        &self,
        key: &SigningKey,
        about_user: &Map<String, Value>,
    ) -> Result<String, TokenError> {
        sign(key, TYPE, &self.claims(about_user))
    }

    /// The claims, by the names of RFC 9068, section 2.2, which introspection shares (RFC 7662, section 2.2). What is
    /// said about the user stands in the place of none of them.
    #[must_use]
    pub fn claims(&self, about_user: &Map<String, Value>) -> Map<String, Value> {
        let grant = self.grant;
        let mut claims = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        };
        put("iss", Some(json!(self.issuer)));
        put("sub", Some(json!(grant.subject)));
        put("aud", Some(self.audience()));
        put("client_id", Some(json!(grant.client.as_str())));
        put("exp", Some(json!(self.expires_at.timestamp())));
        put("iat", Some(json!(self.issued_at.timestamp())));
        put("jti", self.identifier().map(Value::from));
        // A scope has at least one word (RFC 6749, section 3.3).
        let scope = Some(&grant.scope).filter(|scope| !scope.is_empty());
        put("scope", scope.map(|scope| json!(scope)));
        // RFC 9068, section 2.2.1, and RFC 9470, section 6: so that an API can ask for more than was reached.
        let auth_time = grant.auth_time.map(|at| json!(at.timestamp()));
        put("auth_time", auth_time);
        put("acr", grant.acr.as_deref().map(Value::from));
        let methods = Some(&grant.methods).filter(|methods| !methods.is_empty());
        put("amr", methods.map(|methods| json!(methods)));
        put("cnf", grant.confirmation.map(|bound| json!(bound)));
        for (name, value) in about_user {
            claims.entry(name.clone()).or_insert_with(|| value.clone());
        }
        claims
    }

    /// How the token is presented (RFC 6749, section 7.1).
    #[must_use]
    pub fn token_type(&self) -> &'static str {
        match self.grant.confirmation {
            // RFC 9449, section 5.
            Some(Confirmation::Key(_)) => "DPoP",
            // RFC 8705, section 3: such a token is bound to the connection, and presented as any other.
            Some(Confirmation::Certificate(_)) | None => "Bearer",
        }
    }

    /// Whom the token is for: us, where it is for no API (RFC 9068, section 3).
    fn audience(&self) -> Value {
        match self.grant.audience.as_slice() {
            [] => json!(self.issuer),
            [one] => json!(one),
            several => json!(several),
        }
    }

    fn identifier(&self) -> Option<&str> {
        match self.format {
            TokenFormat::Opaque => None,
            TokenFormat::Jwt { jti } => Some(jti),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::domain::ids::KeyId;
    use crate::jose::{Algorithm, Expectation, JoseError, JsonWebKeys, Strictness, verify};

    const ISSUER: &str = "https://id.example.com";

    fn now() -> Timestamp {
        "2026-11-24T09:00:00.789Z".parse().unwrap()
    }

    fn grant(more: &Value) -> Grant {
        let mut grant = json!({
            "id": "g1",
            "client": "shop-web",
            "user": "u-ana",
            "subject": "s-ana",
            "application": "shop",
            "scope": "orders.read",
            "reference": "7F3K-29QD",
            "acr": "urn:doorward:acr:password",
            "methods": ["pwd"],
            "auth_time": now().timestamp_millis(),
            "audience": ["https://orders.example.com"],
        });
        for (name, value) in more.as_object().unwrap() {
            grant[name] = value.clone();
        }
        serde_json::from_value(grant).unwrap()
    }

    fn jwt() -> TokenFormat {
        TokenFormat::Jwt {
            jti: "one".to_owned(),
        }
    }

    fn content<'a>(grant: &'a Grant, format: &'a TokenFormat) -> AccessTokenContent<'a> {
        AccessTokenContent {
            issuer: ISSUER,
            grant,
            format,
            issued_at: now(),
            expires_at: now() + chrono::TimeDelta::minutes(10),
        }
    }

    #[test]
    fn a_token_says_what_the_specification_requires() {
        let (grant, format) = (grant(&json!({})), jwt());
        let claims = Value::Object(content(&grant, &format).claims(&Map::new()));
        let issued = now().timestamp();
        assert_eq!(
            claims,
            json!({
                "iss": ISSUER,
                "sub": "s-ana",
                "aud": "https://orders.example.com",
                "client_id": "shop-web",
                "exp": issued + 600,
                "iat": issued,
                "jti": "one",
                "scope": "orders.read",
                "auth_time": issued,
                "acr": "urn:doorward:acr:password",
                "amr": ["pwd"],
            })
        );
    }

    #[test]
    fn a_bound_token_says_to_what() {
        let mut grant = grant(&json!({}));
        grant.confirmation = Some(Confirmation::Key([0; 32]));
        let claims = content(&grant, &TokenFormat::Opaque).claims(&Map::new());
        let thumbprint = "A".repeat(43);
        assert_eq!(claims["cnf"], json!({ "jkt": thumbprint }));
    }

    #[test]
    fn only_a_token_that_is_bound_to_a_key_is_presented_with_it() {
        for (confirmation, expected) in [
            (None, "Bearer"),
            (Some(Confirmation::Certificate([0; 32])), "Bearer"),
            (Some(Confirmation::Key([0; 32])), "DPoP"),
        ] {
            let mut grant = grant(&json!({}));
            grant.confirmation = confirmation;
            let shown = content(&grant, &TokenFormat::Opaque).token_type();
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let more =
            json!({"scope": "", "acr": null, "methods": [], "auth_time": null, "audience": []});
        let grant = grant(&more);
        let claims = content(&grant, &TokenFormat::Opaque).claims(&Map::new());
        let names: Vec<&str> = claims.keys().map(String::as_str).collect();
        assert_eq!(names, ["iss", "sub", "aud", "client_id", "exp", "iat"]);
        assert_eq!(claims["aud"], ISSUER);
    }

    #[test]
    fn what_is_said_about_the_user_replaces_nothing() {
        let (grant, format) = (grant(&json!({})), jwt());
        let about_user = json!({"groups": ["staff"], "sub": "somebody", "aud": "anybody"});
        let claims = content(&grant, &format).claims(about_user.as_object().unwrap());
        assert_eq!(claims["groups"], json!(["staff"]));
        assert_eq!(claims["sub"], "s-ana");
        assert_eq!(claims["aud"], "https://orders.example.com");
    }

    #[test]
    fn nothing_about_the_person_is_in_it_by_itself() {
        let (grant, format) = (grant(&json!({"scope": "openid profile email"})), jwt());
        let claims = content(&grant, &format).claims(&Map::new());
        for name in ["name", "email", "preferred_username", "nonce", "sid"] {
            assert!(!claims.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_signed_token_is_of_its_own_type() {
        for algorithm in [config::Algorithm::Rs256, config::Algorithm::Es256] {
            let pkcs8 = SigningKey::generate(algorithm).unwrap();
            let key = SigningKey::from_pkcs8(KeyId::new("one"), algorithm, &pkcs8).unwrap();
            let (grant, format) = (grant(&json!({})), jwt());
            let token = content(&grant, &format).sign(&key, &Map::new()).unwrap();
            let set = json!({ "keys": [key.public()] }).to_string();
            let keys = JsonWebKeys::parse(set.as_bytes(), Strictness::OwnClient).unwrap();
            let read_as = |types| {
                let expected = Expectation {
                    types,
                    algorithms: &Algorithm::ALL,
                    keys: &keys,
                };
                verify(&token, &expected)
            };
            let verified = read_as(&[Some("at+jwt")]).unwrap();
            assert_eq!(verified.header.algorithm, key.algorithm());
            assert_eq!(
                verified.claims.members(),
                &content(&grant, &format).claims(&Map::new())
            );
            // RFC 8725, section 3.11.
            assert_eq!(read_as(&[None, Some("JWT")]), Err(JoseError::Type));
        }
    }
}
