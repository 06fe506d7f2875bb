//! Authorization codes, what they stand for, and the access tokens made from them, as storage keeps them.
//! Their secrets are no part of them: storage knows only hashes. Making and checking them is left to `oidc`.

use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, GrantId, Reference, SessionId, UserId};
use crate::domain::secret::SecretHash;

/// What a user allowed a client, once: a code stands for it, and so do the tokens made from the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The identifier, by which everything made from the code can be taken back.
    pub id: GrantId,
    /// The client.
    pub client: ClientId,
    /// The user.
    pub user: UserId,
    /// The session in which the user allowed it.
    pub session: SessionId,
    /// The scope that was granted, as RFC 6749, section 3.3 writes it.
    pub scope: String,
    /// The client's `nonce` (OpenID Connect Core 1.0, section 3.1.2.1).
    pub nonce: Option<String>,
    /// When the user last authenticated.
    pub auth_time: Option<Timestamp>,
    /// How the user authenticated, as `amr` values of RFC 8176.
    pub methods: Vec<String>,
    /// The authentication context class that was reached.
    pub acr: Option<String>,
    /// The short number of the sign-in, which finds its decision record.
    pub reference: Reference,
}

/// A code to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// The hash of the code.
    pub hash: SecretHash,
    /// What the code stands for.
    pub grant: Grant,
    /// The redirect URI of the request, which the token request has to repeat (RFC 6749, section 4.1.3).
    pub redirect_uri: String,
    /// The `S256` challenge (RFC 7636, section 4.2).
    pub code_challenge: Option<String>,
    /// When the code was issued.
    pub issued_at: Timestamp,
    /// From this instant on the code is worthless.
    pub expires_at: Timestamp,
}

/// A code that was just redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    /// What the code stands for.
    pub grant: Grant,
    /// The redirect URI that the token request has to repeat.
    pub redirect_uri: String,
    /// The challenge that the token request has to answer.
    pub code_challenge: Option<String>,
    /// When the code was issued.
    pub issued_at: Timestamp,
}

/// What became of an attempt to redeem a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// It was the first attempt, in time. There will be no second one.
    Redeemed(Box<StoredCode>),
    /// The code was redeemed before: whatever was made from its grant has to be revoked (RFC 6749, section 4.1.2).
    Replayed(GrantId),
    /// There is no such code, or it has expired.
    Unknown,
}

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The hash of the token.
    pub hash: SecretHash,
    /// The grant it was made from.
    pub grant: GrantId,
    /// The client that holds it.
    pub client: ClientId,
    /// The user it speaks for.
    pub user: UserId,
    /// What it is good for.
    pub scope: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on the token is worthless.
    pub expires_at: Timestamp,
}
