//! The demo's certificates: an authority for devices and one for servers, and what both issue. How
//! certificates are made is left to `cli::pki`.

use std::path::Path;

use super::cast::{MACHINES, Machine, PASSWORD};
use crate::cli::pki::{self, DevelopmentCa, Pkcs12Encryption, PkiError};
use crate::domain::clock::Timestamp;

/// The directory of the authority for devices.
pub(super) const DEVICE_AUTHORITY: &str = "device-ca";

/// The directory of the authority for servers.
pub(super) const SERVER_AUTHORITY: &str = "server-ca";

/// The hosts of the provider. Every system finds the first one on this machine, and browsers the
/// second one too: `localhost` with everything below it belongs to the machine (RFC 6761 section 6.3).
pub(super) const HOSTS: [&str; 2] = ["localhost", "device.localhost"];

/// How long the certificates last. Apple refuses server certificates of more than 825 days.
const VALIDITY_DAYS: u32 = 365;

/// Makes whatever is missing in the directory. What is there already stays.
pub(super) fn lay_out(directory: &Path, now: Timestamp) -> Result<(), PkiError> {
    let devices = authority(&directory.join(DEVICE_AUTHORITY), now)?;
    for machine in MACHINES {
        device(&devices, directory, machine, now)?;
    }
    let servers = authority(&directory.join(SERVER_AUTHORITY), now)?;
    for host in HOSTS {
        server(&servers, directory, host, now)?;
    }
    Ok(())
}

fn authority(directory: &Path, now: Timestamp) -> Result<DevelopmentCa, PkiError> {
    if directory.join(pki::CERTIFICATE).exists() {
        DevelopmentCa::open(directory)
    } else {
        DevelopmentCa::create(directory, now)
    }
}

fn device(
    authority: &DevelopmentCa,
    directory: &Path,
    machine: Machine,
    now: Timestamp,
) -> Result<(), PkiError> {
    let id = machine.id;
    let chain = directory.join(format!("{id}.pem"));
    if chain.exists() {
        return Ok(());
    }
    let issued = authority.issue_device(id, machine.name, VALIDITY_DAYS, now)?;
    // The password stands on the terminal and protects nothing, and every key chain reads this form.
    let file = issued.pkcs12(PASSWORD, Pkcs12Encryption::DangerTripleDes)?;
    pki::write_private(&directory.join(format!("{id}.p12")), &file)?;
    let key = directory.join(format!("{id}-key.pem"));
    pki::write_private(&key, issued.key_pem.as_bytes())?;
    pki::write_public(&chain, issued.chain_pem.as_bytes())
}

fn server(
    authority: &DevelopmentCa,
    directory: &Path,
    host: &str,
    now: Timestamp,
) -> Result<(), PkiError> {
    let chain = directory.join(format!("{host}.pem"));
    if chain.exists() {
        return Ok(());
    }
    let issued = authority.issue_server(&[host.to_owned()], VALIDITY_DAYS, now)?;
    let key = directory.join(format!("{host}-key.pem"));
    pki::write_private(&key, issued.key_pem.as_bytes())?;
    pki::write_public(&chain, issued.chain_pem.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_machine_and_every_host_gets_its_files() {
        let directory = tempfile::tempdir().unwrap();
        lay_out(directory.path(), now()).unwrap();
        for machine in MACHINES {
            for suffix in [".pem", "-key.pem", ".p12"] {
                let file = directory.path().join(format!("{}{suffix}", machine.id));
                assert!(file.exists(), "{}", file.display());
            }
        }
        for host in HOSTS {
            assert!(directory.path().join(format!("{host}-key.pem")).exists());
        }
    }

    #[test]
    fn certificates_that_are_there_stay_and_missing_ones_come_from_the_same_authority() {
        let directory = tempfile::tempdir().unwrap();
        lay_out(directory.path(), now()).unwrap();
        let file = |name: &str| directory.path().join(name);
        let kept = fs::read(file("mbp-ana.pem")).unwrap();
        for name in ["byod.pem", "byod-key.pem", "byod.p12"] {
            fs::remove_file(file(name)).unwrap();
        }

        lay_out(directory.path(), now()).unwrap();

        assert_eq!(fs::read(file("mbp-ana.pem")).unwrap(), kept);
        let authority = fs::read_to_string(file("device-ca/ca.pem")).unwrap();
        let renewed = fs::read_to_string(file("byod.pem")).unwrap();
        assert!(renewed.ends_with(&authority));
    }
}
