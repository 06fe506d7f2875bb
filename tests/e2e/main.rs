//! End-to-end tests: the real binary, real sockets, a client that others wrote. Each test states one
//! fact and starts a provider of its own; what a unit test can show is left to unit tests.

mod authorize;
mod chromium;
mod cli;
mod decisions;
mod denied;
mod device;
mod forms;
mod hardening;
mod hostile;
mod journey;
mod prompts;
mod real_geoip;
mod reload;
mod reload_sources;
mod reload_tls;
mod sign_in;
mod start;
mod throttling;
mod token;

/// The server, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");
