//! What the end-to-end tests stand on: a whole installation in a temporary directory, the real
//! binary that serves it, a browser, a client, an operator. Facts about Doorward are left to the
//! tests themselves.

mod answer;
mod browser;
mod chromedriver;
mod chromium;
mod client_tls;
mod command;
mod consumer;
pub mod entra;
mod fixtures;
mod geo;
mod html;
mod installation;
pub mod jwt;
mod landing;
pub mod okta;
mod operations;
mod page;
mod pki;
mod provider;
mod relying_party;
mod wait;

pub use answer::{Answer, Mode};
pub use browser::{Arrival, Browser, SESSION_COOKIE};
pub use chromium::Chromium;
pub use client_tls::{ClientAuthority, ClientCertificate, ClientHost};
pub use command::{Finished, run, run_in};
pub use consumer::{Consumer, Received, Reply};
pub use fixtures::{
    ANA, BO, CY, Credentials, JAPAN, PAYROLL, SINGAPORE, TestClient, WIKI, device_entry, user_entry,
};
pub use geo::{aged_country_database, country_database};
pub use installation::{Installation, Ports};
pub use jwt::TestKey;
pub use landing::Landing;
pub use operations::Operations;
pub use page::Page;
pub use pki::TestPki;
pub use provider::TestProvider;
pub use relying_party::{Attempt, RelyingParty, Tokens};
pub use wait::{PATIENCE, eventually, eventually_within};

use doorward::domain::clock::{Clock as _, SystemClock, Timestamp};

/// The present instant: the server under test reads the same clock.
pub fn now() -> Timestamp {
    SystemClock.now()
}
