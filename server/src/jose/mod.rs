//! Signed JSON from others: JSON Web Keys (RFC 7517), JSON Web Signatures in their compact form (RFC 7515)
//! and the claims in them (RFC 7519), each read strictly. The signatures themselves are left to
//! `jsonwebtoken`; what a token of a certain kind has to say is left to whoever asked for it.
//!
//! Tokens of ours are signed in `tokens`.

mod algorithm;
mod certificate;
mod claims;
mod compact;
mod error;
mod key;
mod key_set;
mod verify;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod properties;

pub mod json;

pub use algorithm::Algorithm;
pub use certificate::certified_key;
pub use claims::{Audience, Claims, SKEW, Window};
pub use compact::Header;
pub use error::{JoseError, KeyRefused};
pub use key::PublicKey;
pub use key_set::{JsonWebKeys, Strictness};
pub use verify::{Expectation, Verified, danger_unverified_claims, verify, verify_by_own_key};
