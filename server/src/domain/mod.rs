//! Words of the trade: identifiers, secrets, sessions, codes, time and chance, as plain types.
//! No I/O and no rules of the protocol; whoever needs those imports this room, never the reverse.

pub mod authentication;
pub mod claims_request;
pub mod clock;
pub mod code;
pub mod diagnostic;
pub mod distinguished_name;
pub mod entropy;
pub mod grant;
pub mod ids;
pub mod inventory;
pub mod logout;
pub mod peer;
pub mod pushed;
pub mod record;
pub mod refresh;
pub mod secret;
pub mod session;
pub mod transaction;
