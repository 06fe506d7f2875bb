//! `doorward doctor`: looks a server over, check by check, each with a name, what was found, and what to do about it.
//! Each file here knows the checks of one command; how they are told is left to `report`.

mod check;
mod config;
mod door;
mod entra;
mod export;
mod mtls;
mod okta;
mod proxy;
mod report;

use super::{Exit, Failure};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Looks over what a configuration names, without a server
    Config(config::Args),
    /// Tells which address is taken for the client's, hop by hop
    Proxy(proxy::Args),
    /// Looks over the TLS of a running server: the main host and the device host
    Mtls(mtls::Args),
    /// Looks over what an org of Okta and a server need of each other
    Okta(okta::Args),
    /// Looks over what a tenant of Microsoft Entra and a server need of each other
    Entra(entra::Args),
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Config(args) => config::run(args),
        Command::Proxy(args) => proxy::run(args),
        Command::Mtls(args) => mtls::run(args),
        Command::Okta(args) => okta::run(args),
        Command::Entra(args) => entra::run(args),
    }
}

/// The name of every check there is, in the order in which they are told.
pub fn doctor_checks() -> impl Iterator<Item = &'static str> {
    let all = [
        config::CHECKS,
        proxy::CHECKS,
        mtls::CHECKS,
        okta::CHECKS,
        entra::CHECKS,
    ];
    all.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let all: Vec<&str> = doctor_checks().collect();
        let different: BTreeSet<&str> = doctor_checks().collect();
        assert_eq!(all.len(), different.len());
    }
}
