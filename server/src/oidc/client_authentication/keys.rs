//! The public keys of clients, at the moment when something that a client signed has to be verified: from the clients
//! file, or from where the client publishes them. What was signed, and what it has to say, is left to the caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use url::Url;

use crate::directory::clients::{ClientKeys, Clients};
use crate::domain::clock::Timestamp;
use crate::jose::{self, Algorithm, Expectation, JoseError, JsonWebKeys, Strictness, Verified};
use crate::oidc::provider::Provider;
use crate::reload::{Digest, Loaded};
use crate::remote::{Parse, Remote, RemoteDocument, RemoteDocuments, RemoteError, RemoteStatus};

/// The key sets that clients publish, each at its `jwks_uri`.
#[derive(Debug)]
pub struct ClientKeySets {
    documents: RemoteDocuments<JsonWebKeys>,
    /// Those of the clients that are live. Held here, so that what was fetched is not forgotten between two requests.
    live: ArcSwapOption<LiveSets>,
}

#[derive(Debug)]
struct LiveSets {
    clients: Digest,
    by_url: BTreeMap<Url, RemoteDocument<JsonWebKeys>>,
}

/// A token that a client says it has signed, and what it has to be.
#[derive(Clone, Copy)]
pub(in crate::oidc) struct SignedByClient<'a> {
    /// The token.
    pub(in crate::oidc) text: &'a str,
    /// Its possible types.
    pub(in crate::oidc) types: &'a [Option<&'a str>],
    /// The algorithms that are allowed.
    pub(in crate::oidc) algorithms: &'a [Algorithm],
}

/// Why nothing is known of a token.
#[derive(Debug)]
pub(in crate::oidc) enum Unverified {
    /// There are no keys to verify it with, through no fault of whoever sent it.
    NoKeys(RemoteError),
    /// It is not what it has to be, or the client has not signed it.
    Refused(JoseError),
}

/// What one of the client's keys has signed.
pub(in crate::oidc) async fn verify(
    cx: &Provider,
    keys: &ClientKeys,
    signed: SignedByClient<'_>,
    now: Timestamp,
) -> Result<Verified, Unverified> {
    let url = match keys {
        ClientKeys::Inline(keys) => return signed.verify(keys).map_err(Unverified::Refused),
        ClientKeys::Remote(url) => url,
    };
    let document = cx.client_keys.at(url, &cx.clients.current());
    let known = document.current(now).await.map_err(Unverified::NoKeys)?;
    let refused = match signed.verify(&known) {
        Ok(verified) => return Ok(verified),
        // OpenID Connect Core, section 10.1.1: an unknown `kid` tells of new keys. Clients that give their keys no
        // `kid` tell of them by a signature that no known key has made.
        Err(refused @ (JoseError::UnknownKey | JoseError::Signature)) => refused,
        Err(refused) => return Err(Unverified::Refused(refused)),
    };
    match document.newer_than(&known, now).await {
        Ok(newer) if !Arc::ptr_eq(&newer, &known) => {
            signed.verify(&newer).map_err(Unverified::Refused)
        }
        _ => Err(Unverified::Refused(refused)),
    }
}

/// Whether the client has a key with this thumbprint (RFC 7638).
pub(super) async fn include(
    cx: &Provider,
    keys: &ClientKeys,
    thumbprint: [u8; 32],
    now: Timestamp,
) -> Result<bool, RemoteError> {
    let found = |keys: &JsonWebKeys| keys.all().any(|key| key.thumbprint() == thumbprint);
    let url = match keys {
        ClientKeys::Inline(keys) => return Ok(found(keys)),
        ClientKeys::Remote(url) => url,
    };
    let document = cx.client_keys.at(url, &cx.clients.current());
    let known = document.current(now).await?;
    if found(&known) {
        return Ok(true);
    }
    // An unknown key tells of new ones.
    let newer = document.newer_than(&known, now).await;
    Ok(newer.is_ok_and(|newer| found(&newer)))
}

impl ClientKeySets {
    /// None has been fetched yet.
    #[must_use]
    pub fn new(remote: Remote) -> Self {
        // The set may hold keys for other uses as well: it is published for everybody.
        let parse: Parse<JsonWebKeys> = Arc::new(|bytes: &[u8]| {
            JsonWebKeys::parse(bytes, Strictness::Foreign).map_err(|error| error.to_string())
        });
        Self {
            documents: RemoteDocuments::new("client-keys", remote, parse),
            live: ArcSwapOption::empty(),
        }
    }

    /// How the sets of these clients fare, by URL.
    #[must_use]
    pub fn statuses(&self, clients: &Loaded<Clients>) -> Vec<RemoteStatus> {
        let live = self.of(clients);
        live.by_url.values().map(RemoteDocument::status).collect()
    }

    fn at(&self, url: &Url, clients: &Loaded<Clients>) -> RemoteDocument<JsonWebKeys> {
        let live = self.of(clients);
        // A request that began before a reload may name a set that no live client has any more.
        let known = live.by_url.get(url).cloned();
        known.unwrap_or_else(|| self.documents.at(url))
    }

    /// The sets of these clients. What was fetched for the clients before them goes on to count.
    fn of(&self, clients: &Loaded<Clients>) -> Arc<LiveSets> {
        if let Some(live) = self.live.load_full()
            && live.clients == clients.digest
        {
            return live;
        }
        let urls = clients
            .value
            .all()
            .filter_map(|client| match client.keys() {
                Some(ClientKeys::Remote(url)) => Some(url.clone()),
                _ => None,
            });
        let live = Arc::new(LiveSets {
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

impl SignedByClient<'_> {
    fn verify(&self, keys: &JsonWebKeys) -> Result<Verified, JoseError> {
        let expected = Expectation {
            types: self.types,
            algorithms: self.algorithms,
            keys,
        };
        jose::verify(self.text, &expected)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::remote::RemoteSettings;

    fn sets() -> ClientKeySets {
        let settings = RemoteSettings {
            authorities: Vec::new(),
            proxy: None,
            timeout: Duration::from_secs(1),
        };
        ClientKeySets::new(Remote::new(&settings).unwrap())
    }

    /// Clients whose keys are at these addresses, loaded from files of this digest.
    fn clients(uris: &[&str], digest: u8) -> Loaded<Clients> {
        let entries: Vec<String> = uris
            .iter()
            .enumerate()
            .map(|(number, uri)| {
                format!(
                    "[[client]]\nid = 'app-{number}'\nauth = 'private_key_jwt'\njwks_uri = '{uri}'\n\
                     redirect_uris = ['https://app.example/callback']\n"
                )
            })
            .collect();
        let clients = Clients::parse(&entries.concat(), "clients.toml")
            .unwrap()
            .value;
        Loaded {
            value: clients,
            digest: Digest([digest; 32]),
            since: "2026-11-24T12:00:00Z".parse().unwrap(),
            warnings: Vec::new(),
        }
    }

    fn urls(sets: &ClientKeySets, clients: &Loaded<Clients>) -> Vec<String> {
        let statuses = sets.statuses(clients).into_iter();
        statuses.map(|status| status.url).collect()
    }

    #[test]
    fn every_set_of_a_live_client_has_a_status_before_it_is_fetched() {
        let sets = sets();
        let both = clients(&["https://b.example/keys", "https://a.example/keys"], 1);
        let expected = ["https://a.example/keys", "https://b.example/keys"];
        assert_eq!(urls(&sets, &both), expected);
        let status = &sets.statuses(&both)[0];
        assert_eq!(status.name, "client-keys");
        assert_eq!(status.fetched_at, None);
    }

    #[test]
    fn a_set_that_no_live_client_names_is_forgotten() {
        let sets = sets();
        let before = clients(&["https://a.example/keys", "https://b.example/keys"], 1);
        let after = clients(&["https://b.example/keys"], 2);
        assert_eq!(urls(&sets, &before).len(), 2);
        assert_eq!(urls(&sets, &after), ["https://b.example/keys"]);
        assert_eq!(sets.documents.statuses().len(), 1);
    }

    #[test]
    fn two_clients_of_one_address_share_its_set() {
        let sets = sets();
        let both = clients(&["https://a.example/keys"; 2], 1);
        assert_eq!(urls(&sets, &both).len(), 1);
    }
}
