//! Signing keys and the tokens they sign. Who may have a token is decided before anyone comes here.

mod access_token;
mod certificate;
mod id_token;
mod key_ring;
mod key_schedule;
mod key_set;
mod key_store;
mod sign;
mod signing_key;

pub use access_token::AccessTokenContent;
pub use id_token::IdTokenContent;
pub use key_ring::KeyRing;
pub use key_schedule::{KeySchedule, KeyState, KeyStatus};
pub use key_set::{KeyError, KeySet};
pub use key_store::{KeySettings, KeyStore};
pub use sign::{TokenError, half_hash, sign};
pub use signing_key::{SigningKey, signature_algorithm};
