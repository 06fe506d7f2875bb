//! Facts about a request: each known with its source and time, or unknown with its reason.
//! Leaves to others which facts a policy needs and what follows from a missing one.

pub mod address;
pub mod asking_tls;
pub mod certificate;
pub mod client_ip;
mod forwarded;
pub mod geo;
mod geo_database;
pub mod posture;
pub mod tls_identity;
