//! Authorization codes, and the access tokens made from them, as storage keeps them.
//! Their secrets are no part of them: storage knows only hashes. Making and checking them is left to `oidc`.

use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::{ClientId, GrantId, UserId};
use crate::domain::secret::SecretHash;

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
    /// The thumbprint of the key that has to redeem the code (RFC 9449, section 10).
    pub dpop_jkt: Option<[u8; 32]>,
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
    /// The thumbprint of the key that the token request has to prove.
    pub dpop_jkt: Option<[u8; 32]>,
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
    /// What the token stands for: its scope and audience may be less than what the code stood for.
    pub grant: Grant,
    /// What the token looks like.
    pub format: TokenFormat,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on the token is worthless.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// The client that holds it.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        &self.grant.client
    }

    /// The user it speaks for.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.grant.user
    }

    /// What it is good for.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.grant.scope
    }
}

/// What an access token looks like to whoever receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenFormat {
    /// A text that says nothing.
    Opaque,
    /// A signed token that says what it stands for (RFC 9068).
    Jwt {
        /// Its identifier (RFC 7519, section 4.1.7).
        jti: String,
    },
}
