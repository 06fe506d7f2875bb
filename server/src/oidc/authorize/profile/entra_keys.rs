//! The keys by which hints of Microsoft Entra are verified: those of the cloud's discovery document, which is the same
//! for all tenants. What a hint has to say is left to `entra_hint`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use serde_json::Value;
use url::Url;

use crate::directory::clients::Clients;
use crate::directory::profile::Profile;
use crate::domain::clock::Timestamp;
use crate::jose::{self, Algorithm, Claims, Expectation, JoseError, JsonWebKeys, Strictness, json};
use crate::oidc::provider::Provider;
use crate::reload::{Digest, Loaded};
use crate::remote::{Parse, Remote, RemoteDocument, RemoteDocuments, RemoteError, RemoteStatus};

/// What Entra writes instead of a tenant where a document is for all of them.
const ANY_TENANT: &str = "{tenantid}";

/// The type of a hint, which is an ID token of Entra's.
const TYPES: [Option<&str>; 2] = [None, Some("JWT")];

/// What the clouds of Microsoft Entra publish.
#[derive(Debug)]
pub struct EntraKeys {
    documents: RemoteDocuments<Published>,
    key_sets: Arc<RemoteDocuments<HintKeys>>,
    /// Those of the clients that are live, so that what was fetched is not forgotten between two requests.
    live: ArcSwapOption<LiveDocuments>,
}

#[derive(Debug)]
struct LiveDocuments {
    clients: Digest,
    by_url: BTreeMap<Url, RemoteDocument<Published>>,
}

/// A discovery document.
#[derive(Debug)]
struct Published {
    issuer: String,
    /// The keys that it names. Held here, so that they are kept for as long as the document is.
    keys: RemoteDocument<HintKeys>,
}

/// A set of keys.
#[derive(Debug)]
struct HintKeys {
    keys: JsonWebKeys,
    /// The issuer that a key is for, by the name of the key: most are for all tenants, some for one only.
    issuers: BTreeMap<String, String>,
}

/// A hint that one of the keys has signed. What it says is not looked at yet.
#[derive(Debug)]
pub(super) struct OpenedHint {
    pub(super) claims: Claims,
    /// The issuer in the discovery document.
    pub(super) issuer: String,
    /// The issuer that the key is for, where the key says so.
    pub(super) key_issuer: Option<String>,
}

/// Why nothing is known of a hint.
#[derive(Debug)]
pub(super) enum Unopened {
    /// There are no keys to verify it with.
    NoKeys(RemoteError),
    /// No key has signed it, or it is no token.
    Refused(JoseError),
}

/// The hint, verified by the keys that the document at this address leads to.
pub(super) async fn open(
    cx: &Provider,
    discovery: &Url,
    hint: &str,
    now: Timestamp,
) -> Result<OpenedHint, Unopened> {
    let document = cx.entra_keys.at(discovery, &cx.clients.current());
    let published = document.current(now).await.map_err(Unopened::NoKeys)?;
    let known = published
        .keys
        .current(now)
        .await
        .map_err(Unopened::NoKeys)?;
    let opened = match known.open(hint) {
        // A key that has just been published, perhaps.
        Err(JoseError::UnknownKey) => match published.keys.newer_than(&known, now).await {
            Ok(newer) => newer.open(hint),
            Err(_) => Err(JoseError::UnknownKey),
        },
        opened => opened,
    };
    let (claims, key_issuer) = opened.map_err(Unopened::Refused)?;
    Ok(OpenedHint {
        claims,
        issuer: published.issuer.clone(),
        key_issuer,
    })
}

/// The issuer of this tenant, where the text is for all of them.
pub(super) fn of_tenant(issuer: &str, tenant: &str) -> String {
    issuer.replace(ANY_TENANT, tenant)
}

impl EntraKeys {
    /// Nothing has been fetched yet.
    #[must_use]
    pub fn new(remote: Remote) -> Self {
        let parse: Parse<HintKeys> = Arc::new(HintKeys::parse);
        let key_sets = Arc::new(RemoteDocuments::new("entra-keys", remote.clone(), parse));
        let sets = Arc::clone(&key_sets);
        let parse: Parse<Published> = Arc::new(move |bytes: &[u8]| Published::parse(bytes, &sets));
        Self {
            documents: RemoteDocuments::new("entra-discovery", remote, parse),
            key_sets,
            live: ArcSwapOption::empty(),
        }
    }

    /// How the documents of these clients fare, and the keys that they name.
    #[must_use]
    pub fn statuses(&self, clients: &Loaded<Clients>) -> Vec<RemoteStatus> {
        let live = self.of(clients);
        let documents = live.by_url.values().map(RemoteDocument::status);
        documents.chain(self.key_sets.statuses()).collect()
    }

    fn at(&self, url: &Url, clients: &Loaded<Clients>) -> RemoteDocument<Published> {
        let live = self.of(clients);
        // A request that began before a reload may name a document that no live client has any more.
        let known = live.by_url.get(url).cloned();
        known.unwrap_or_else(|| self.documents.at(url))
    }

    /// The documents of these clients. What was fetched for the clients before them goes on to count.
    fn of(&self, clients: &Loaded<Clients>) -> Arc<LiveDocuments> {
        if let Some(live) = self.live.load_full()
            && live.clients == clients.digest
        {
            return live;
        }
        let urls = clients
            .value
            .all()
            .filter_map(|client| match &client.profile {
                Profile::EntraMfa(entra) => Some(entra.discovery.clone()),
                _ => None,
            });
        let live = Arc::new(LiveDocuments {
            clients: clients.digest,
            by_url: urls
                .map(|url| {
                    let document = self.documents.at(&url);
                    (url, document)
                })
                .collect(),
        });
        self.live.store(Some(Arc::clone(&live)));
        live
    }
}

impl Published {
    fn parse(bytes: &[u8], key_sets: &RemoteDocuments<HintKeys>) -> Result<Self, String> {
        let members = json::object(bytes).map_err(|error| error.to_string())?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let issuer = text("issuer").ok_or("it names no `issuer`")?;
        let jwks_uri = text("jwks_uri")
            .and_then(|uri| Url::parse(uri).ok())
            .ok_or("it has no `jwks_uri` that is a URL")?;
        Ok(Self {
            issuer: issuer.to_owned(),
            keys: key_sets.at(&jwks_uri),
        })
    }
}

impl HintKeys {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let set = json::object(bytes).map_err(|error| error.to_string())?;
        // Published for everybody: there may be keys in it that are of no use here.
        let keys = JsonWebKeys::from_object(&set, Strictness::Foreign)
            .map_err(|error| error.to_string())?;
        let listed = set.get("keys").and_then(Value::as_array);
        Ok(Self {
            keys,
            issuers: listed.into_iter().flatten().filter_map(issuer_of).collect(),
        })
    }

    /// The claims of a hint that one of the keys has signed, and the issuer that this key is for.
    fn open(&self, hint: &str) -> Result<(Claims, Option<String>), JoseError> {
        let expected = Expectation {
            types: &TYPES,
            // Entra signs with no other.
            algorithms: &[Algorithm::Rs256],
            keys: &self.keys,
        };
        let verified = jose::verify(hint, &expected)?;
        // Whom a key is for is found by its name.
        let kid = verified.header.kid.ok_or(JoseError::UnknownKey)?;
        Ok((verified.claims, self.issuers.get(&kid).cloned()))
    }
}

/// The name of an RSA key, and the issuer that it is for, where it says so. What is no text is nobody's issuer.
fn issuer_of(jwk: &Value) -> Option<(String, String)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let kid = text("kid").filter(|_| text("kty") == Some("RSA"))?;
    let issuer = jwk.get("issuer")?.as_str().unwrap_or_default();
    Some((kid.to_owned(), issuer.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::fixtures::TestKey;

    fn keys(more: &Value) -> HintKeys {
        let mut jwk = TestKey::rsa().jwk();
        jwk.insert("kid".to_owned(), json!("a"));
        for (name, value) in more.as_object().unwrap() {
            jwk.insert(name.clone(), value.clone());
        }
        let set = json!({"keys": [jwk, {"kty": "oct"}]}).to_string();
        HintKeys::parse(set.as_bytes()).unwrap()
    }

    fn issuer(more: &Value) -> Option<String> {
        let hint = TestKey::rsa().token("a", &json!({"sub": "s"}));
        let (_, issuer) = keys(more).open(&hint).unwrap();
        issuer
    }

    #[test]
    fn a_key_says_which_issuer_it_is_for() {
        let issuer_of = |value: Value| issuer(&json!({ "issuer": value }));
        let theirs = "https://login.example/{tenantid}/v2.0";
        assert_eq!(issuer_of(json!(theirs)).as_deref(), Some(theirs));
        assert_eq!(issuer_of(json!(7)).as_deref(), Some(""));
        assert_eq!(issuer(&json!({})), None);
    }

    #[test]
    fn an_issuer_for_all_tenants_is_made_one_of_a_tenant() {
        let issuer = "https://login.example/{tenantid}/v2.0";
        assert_eq!(of_tenant(issuer, "t"), "https://login.example/t/v2.0");
        assert_eq!(
            of_tenant("https://login.example/", "t"),
            "https://login.example/"
        );
    }

    #[test]
    fn only_rs256_by_a_named_key_counts() {
        let keys = keys(&json!({}));
        let signed = |header: Value| {
            let header = header.to_string();
            let hint = TestKey::rsa().signed(Algorithm::Rs256, &header, r#"{"sub":"s"}"#);
            keys.open(&hint).unwrap_err()
        };
        assert_eq!(signed(json!({"alg": "RS256"})), JoseError::UnknownKey);
        let other = json!({"alg": "RS256", "kid": "b"});
        assert_eq!(signed(other), JoseError::UnknownKey);
        let pss = json!({"alg": "PS256", "kid": "a"});
        assert_eq!(signed(pss), JoseError::Algorithm);
        let logout = json!({"alg": "RS256", "kid": "a", "typ": "logout+jwt"});
        assert_eq!(signed(logout), JoseError::Type);
    }

    #[test]
    fn a_document_that_leads_to_no_keys_is_of_no_use() {
        let remote = crate::remote::RemoteSettings {
            authorities: Vec::new(),
            proxy: None,
            timeout: std::time::Duration::from_secs(1),
        };
        let remote = Remote::new(&remote).unwrap();
        let parse: Parse<HintKeys> = Arc::new(HintKeys::parse);
        let sets = RemoteDocuments::new("entra-keys", remote, parse);
        for document in [
            json!({}),
            json!({"issuer": "i"}),
            json!({"issuer": "i", "jwks_uri": "keys"}),
            json!({"jwks_uri": "https://login.example/keys"}),
        ] {
            let text = document.to_string();
            assert!(Published::parse(text.as_bytes(), &sets).is_err(), "{text}");
        }
        let good = json!({"issuer": "i", "jwks_uri": "https://login.example/keys"}).to_string();
        assert_eq!(
            Published::parse(good.as_bytes(), &sets).unwrap().issuer,
            "i"
        );
    }
}
