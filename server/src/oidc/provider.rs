//! What every handler may use: one concrete value, cheap to clone, the same in tests.

use std::ops::Deref;
use std::sync::Arc;

use chrono::TimeDelta;
use url::Url;

use super::authorize::EntraKeys;
use super::backchannel::Backchannel;
use super::client_authentication::keys::ClientKeySets;
use super::client_host::ClientHost;
use super::discovery::Discovery;
use super::intake::Intake;
use super::loop_breaker::Loops;
use super::subject::PairwiseKey;
use crate::access::{AccessControl, SignalSources};
use crate::audit::DecisionLog;
use crate::directory::clients::Clients;
use crate::directory::password::Passwords;
use crate::directory::users::Users;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::entropy::Entropy;
use crate::reload::Live;
use crate::remote::Remote;
use crate::storage::Storage;
use crate::tokens::KeySet;
use crate::web::headers::{PageHeaders, StrictTransport};

/// The provider; clones share it.
#[derive(Debug, Clone)]
pub struct Provider(Arc<Parts>);

/// What the provider is made of.
#[derive(Debug)]
pub struct Parts {
    /// The issuer as a URL, to build endpoints from and to compare origins with.
    pub issuer: Url,
    /// The issuer exactly as clients compare it.
    pub issuer_text: String,
    /// The origin of the device host, where there is one.
    pub device_host: Option<Url>,
    /// The host that asks clients for their certificates, where there is one.
    pub client_host: Option<ClientHost>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// How many attempts to sign in are allowed.
    pub throttling: Throttling,
    /// Counts what strangers have written down.
    pub intake: Intake,
    /// How often the same answer may go to the same client.
    pub loops: Loops,
    /// Sessions, codes, tokens, records.
    pub storage: Arc<dyn Storage>,
    /// The door.
    pub access: AccessControl,
    /// Where facts come from.
    pub signals: SignalSources,
    /// The users.
    pub users: Live<Users>,
    /// The clients.
    pub clients: Live<Clients>,
    /// Verifies passwords, a bounded number at a time.
    pub passwords: Passwords,
    /// Signing keys.
    pub keys: KeySet,
    /// What pairwise subjects are made with.
    pub pairwise: PairwiseKey,
    /// The discovery document, ready to send for the clients that are live.
    pub discovery: Discovery,
    /// The keys that clients publish.
    pub client_keys: ClientKeySets,
    /// The keys of Microsoft Entra.
    pub entra_keys: EntraKeys,
    /// The way to other servers.
    pub remote: Remote,
    /// Wakes whoever tells clients that sessions have ended.
    pub backchannel: Backchannel,
    /// The decision log.
    pub log: DecisionLog,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// How long things live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// A session, from its beginning.
    pub session: TimeDelta,
    /// A session that is not used.
    pub idle_session: TimeDelta,
    /// A stored authorization request.
    pub transaction: TimeDelta,
    /// A request that was pushed and waits for its browser.
    pub pushed: TimeDelta,
    /// An authorization code.
    pub code: TimeDelta,
    /// An ID token.
    pub id_token: TimeDelta,
    /// An access token.
    pub access_token: TimeDelta,
    /// A refresh token, and whatever replaces it.
    pub refresh: TimeDelta,
    /// A refresh token that is not used.
    pub idle_refresh: TimeDelta,
}

/// How many attempts to sign in are allowed within a window.
#[derive(Debug, Clone, Copy)]
pub struct Throttling {
    /// For one account.
    pub per_account: u32,
    /// From one address.
    pub per_address: u32,
    /// The window.
    pub window: TimeDelta,
}

impl Provider {
    /// A provider of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The one clock reading of a request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The URL of an endpoint, from the configured issuer and never from a request's `Host`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer_text)
    }

    /// Headers of a page of ours.
    #[must_use]
    pub fn page_headers(&self) -> PageHeaders {
        PageHeaders::new(StrictTransport::for_issuer(&self.issuer))
    }
}

impl Deref for Provider {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
