//! End-to-end tests: the real binary, real sockets, a client that others wrote. Each test states one
//! fact and starts a provider of its own; what a unit test can show is left to unit tests.

mod authorize;
mod broken_tls;
mod checks;
mod chromium;
mod cli;
mod client_authentication;
mod code_lifetime;
mod cors;
mod decisions;
mod demo;
mod denied;
mod device;
mod device_identity;
mod diff;
mod fallbacks;
mod forms;
mod geoip_age;
mod guardrails_gate;
mod hardening;
mod hostile;
mod journey;
mod limits;
mod lsp;
mod neovim;
mod policy_repo;
mod prompts;
mod prove;
mod real_geoip;
mod reload;
mod reload_in_flight;
mod reload_interval;
mod reload_sources;
mod reload_tls;
mod reload_ways;
mod replay;
mod sign_in;
mod start;
mod suites;
mod suites_gate;
mod throttling;
mod token;
mod warnings;
mod ways;
mod whatif;

/// The server, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");
