//! Signing keys and the tokens they sign. Who may have a token is decided before anyone comes here.

mod claims;
mod id_token;
mod key_set;
mod sign;
mod signing_key;

pub use claims::{Profile, user_claims};
pub use id_token::IdTokenContent;
pub use key_set::{KeyError, KeySet};
pub use sign::{TokenError, half_hash, sign};
pub use signing_key::SigningKey;
