//! The ID token (OpenID Connect Core 1.0, section 2): what it says. `sign` signs it. Leaves to others what it says about
//! the user (`oidc`).

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::key_set::KeySet;
use super::sign::{TokenError, half_hash, sign};
use crate::config::Algorithm as Word;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::secret::Secret;
use crate::jose::Algorithm;

/// The type of an ID token. The specification names none of its own.
const TYPE: &str = "JWT";

/// What an ID token is made of.
#[derive(Debug)]
pub struct IdTokenContent<'a> {
    /// The issuer, exactly as in the discovery document.
    pub issuer: &'a str,
    /// What the user gave the client.
    pub grant: &'a Grant,
    /// What is said about the user, `sub` among it.
    pub about_user: &'a Map<String, Value>,
    /// The access token that goes with it, for `at_hash`.
    pub access_token: &'a Secret,
    /// How long the ID token is valid.
    pub lifetime: TimeDelta,
    /// When it is issued.
    pub now: Timestamp,
}

impl IdTokenContent<'_> {
    /// The signed token in its compact form, by the algorithm that the client wants, if any.
    pub fn sign(&self, keys: &KeySet, wanted: Option<Word>) -> Result<String, TokenError> {
        let key = keys.wanted(wanted)?;
        sign(&key, TYPE, &self.claims(key.algorithm()))
    }

    /// What the token says, where it is signed with this algorithm.
    fn claims(&self, algorithm: Algorithm) -> Map<String, Value> {
        let grant = self.grant;
        let mut claims = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        };
        put("iss", Some(json!(self.issuer)));
        put("aud", Some(json!([grant.client.as_str()])));
        put("exp", Some(seconds(self.now + self.lifetime)));
        put("iat", Some(seconds(self.now)));
        put("auth_time", grant.auth_time.map(seconds));
        put("nonce", grant.nonce.as_deref().map(Value::from));
        put("acr", grant.acr.as_deref().map(Value::from));
        put("amr", Some(json!(grant.methods)));
        let at_hash = half_hash(algorithm, self.access_token.expose());
        put("at_hash", Some(Value::from(at_hash)));
        // For logout: OpenID Connect Back-Channel Logout 1.0, section 2.1.
        let session = grant.session.as_ref();
        put("sid", session.map(|session| json!(session.as_str())));
        // What the token says of itself is replaced by nothing that is known of a user.
        for (name, value) in self.about_user {
            claims.entry(name.clone()).or_insert_with(|| value.clone());
        }
        claims
    }
}

/// RFC 7519, section 2: a `NumericDate`.
fn seconds(instant: Timestamp) -> Value {
    Value::from(instant.timestamp())
}

#[cfg(test)]
mod tests {
    use openidconnect::core::{
        CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
    };
    use openidconnect::{AccessToken, AccessTokenHash, ClientId, IssuerUrl, Nonce};

    use super::*;
    use crate::config;
    use crate::domain::entropy::SeededEntropy;
    use crate::storage::sqlite::SqliteStorage;

    const ISSUER: &str = "https://id.example.com";

    fn now() -> Timestamp {
        "2026-11-24T09:00:00.789Z".parse().unwrap()
    }

    fn about_user() -> Map<String, Value> {
        let said = json!({"sub": "u-ana", "email": "Ana@example.com", "aud": "payroll-web"});
        said.as_object().unwrap().clone()
    }

    fn grant(more: &Value) -> Grant {
        let mut grant = json!({
            "id": "g1",
            "client": "wiki-web",
            "user": "u-ana",
            "subject": "u-ana",
            "application": "wiki",
            "scope": "openid",
            "reference": "7F3K-29QD",
        });
        for (name, value) in more.as_object().unwrap() {
            grant[name] = value.clone();
        }
        serde_json::from_value(grant).unwrap()
    }

    fn full() -> Grant {
        grant(&json!({
            "session": "s1",
            "scope": "openid profile email",
            "nonce": "n-0S6",
            "auth_time": (now() - TimeDelta::minutes(1)).timestamp_millis(),
            "methods": ["pwd", "swk"],
            "acr": "urn:doorward:acr:password",
        }))
    }

    fn content<'a>(
        grant: &'a Grant,
        about_user: &'a Map<String, Value>,
        access_token: &'a Secret,
    ) -> IdTokenContent<'a> {
        IdTokenContent {
            issuer: ISSUER,
            grant,
            about_user,
            access_token,
            lifetime: TimeDelta::minutes(5),
            now: now(),
        }
    }

    fn claims(grant: &Grant) -> Value {
        let access_token = Secret::from_untrusted("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        let about_user = about_user();
        Value::Object(content(grant, &about_user, &access_token).claims(Algorithm::Es256))
    }

    #[test]
    fn everything_that_is_known_is_said() {
        let issued = now().timestamp();
        let expected = json!({
            "iss": ISSUER,
            "aud": ["wiki-web"],
            "exp": issued + 300,
            "iat": issued,
            "auth_time": issued - 60,
            "nonce": "n-0S6",
            "acr": "urn:doorward:acr:password",
            "amr": ["pwd", "swk"],
            "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
            "sub": "u-ana",
            "email": "Ana@example.com",
            "sid": "s1",
        });
        assert_eq!(claims(&full()), expected);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let claims = claims(&grant(&json!({})));
        let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["iss", "aud", "exp", "iat", "amr", "at_hash", "sub", "email"]
        );
    }

    #[tokio::test]
    async fn a_client_that_others_wrote_takes_the_token() {
        let storage = SqliteStorage::in_memory().await.unwrap();
        let entropy = SeededEntropy::new(1);
        for algorithm in [
            config::Algorithm::Es256,
            config::Algorithm::Rs256,
            config::Algorithm::EdDsa,
        ] {
            let keys = KeySet::load(&storage, algorithm, &entropy, now())
                .await
                .unwrap();
            let (grant, about_user) = (full(), about_user());
            let secret = Secret::generate(&entropy);
            let token = content(&grant, &about_user, &secret)
                .sign(&keys, None)
                .unwrap();

            let token: CoreIdToken = token.parse().unwrap();
            let published: CoreJsonWebKeySet = serde_json::from_slice(&keys.published()).unwrap();
            let theirs: CoreJwsSigningAlgorithm =
                serde_json::from_value(json!(keys.active().algorithm())).unwrap();
            let verifier = CoreIdTokenVerifier::new_public_client(
                ClientId::new("wiki-web".to_owned()),
                IssuerUrl::new(ISSUER.to_owned()).unwrap(),
                published,
            )
            .set_allowed_algs([theirs])
            .set_time_fn(now);
            let nonce = Nonce::new("n-0S6".to_owned());
            let claims = token.claims(&verifier, &nonce).unwrap();
            assert_eq!(claims.subject().as_str(), "u-ana");
            let hash = AccessTokenHash::from_token(
                &AccessToken::new(secret.expose().to_owned()),
                token.signing_alg().unwrap(),
                token.signing_key(&verifier).unwrap(),
            );
            assert_eq!(claims.access_token_hash(), Some(&hash.unwrap()));
        }
    }
}
