//! The authorities of a test: one for servers, one for devices, and any number that nobody trusts.
//! Certificates themselves are made by the server's own development authority.

use std::fs;
use std::path::{Path, PathBuf};

use doorward::cli::pki::{DevelopmentCa, IssuedCertificate};
use reqwest::{Certificate, Identity};

use super::now;

/// The host of the issuer.
pub(crate) const MAIN_HOST: &str = "localhost";
/// The host that asks for device certificates.
pub(crate) const DEVICE_HOST: &str = "device.localhost";

/// Days for which certificates are issued: long enough that nothing warns of their end.
const DAYS: u32 = 90;

/// Authorities, and the files that the server reads of them.
#[derive(Debug)]
pub struct TestPki {
    directory: PathBuf,
    servers: DevelopmentCa,
    devices: DevelopmentCa,
}

impl TestPki {
    /// Makes both authorities below `directory`, with server certificates and an empty revocation list.
    pub(crate) fn create(directory: &Path) -> Self {
        let pki = Self {
            servers: DevelopmentCa::create(&directory.join("servers"), now()).expect("servers"),
            devices: DevelopmentCa::create(&directory.join("devices"), now()).expect("devices"),
            directory: directory.to_owned(),
        };
        pki.renew_server("main", MAIN_HOST);
        pki.renew_server("device", DEVICE_HOST);
        fs::write(directory.join("revoked.crl"), pki.revocation_list(&[])).expect("written");
        pki
    }

    /// The root by which browsers and clients know the servers.
    pub fn root(&self) -> Certificate {
        Certificate::from_pem(self.servers.certificate_pem().as_bytes()).expect("a certificate")
    }

    /// Gives the main host another certificate, and says which, in DER.
    pub fn renew_main(&self) -> Vec<u8> {
        self.renew_server("main", MAIN_HOST)
    }

    /// Gives the device host another certificate, and says which, in DER.
    pub fn renew_device(&self) -> Vec<u8> {
        self.renew_server("device", DEVICE_HOST)
    }

    /// A certificate of the device with this id in its name.
    pub fn device(&self, id: &str) -> IssuedCertificate {
        self.devices
            .issue_device(id, id, DAYS, now())
            .expect("issued")
    }

    /// A certificate of the device that is over.
    pub fn expired_device(&self, id: &str) -> IssuedCertificate {
        let once = now() - chrono::TimeDelta::days(40);
        self.devices.issue_device(id, id, 30, once).expect("issued")
    }

    /// A certificate that names the device, from an authority that nobody here trusts.
    pub fn foreign_device(&self, id: &str) -> IssuedCertificate {
        let directory = self.directory.join("strangers");
        let strangers = DevelopmentCa::create(&directory, now()).expect("strangers");
        strangers.issue_device(id, id, DAYS, now()).expect("issued")
    }

    /// A revocation list with these serial numbers.
    pub fn revocation_list(&self, serials: &[String]) -> String {
        self.devices.crl(serials, DAYS, now()).expect("a list")
    }

    /// The certificate as a browser takes it.
    pub fn identity(certificate: &IssuedCertificate) -> Identity {
        let pem = format!("{}{}", certificate.key_pem.as_str(), certificate.chain_pem);
        Identity::from_pem(pem.as_bytes()).expect("an identity")
    }

    fn renew_server(&self, name: &str, host: &str) -> Vec<u8> {
        let issued = self
            .servers
            .issue_server(&[host.to_owned()], DAYS, now())
            .expect("issued");
        let file = |suffix: &str| self.directory.join(format!("{name}{suffix}.pem"));
        fs::write(file("-key"), issued.key_pem.as_bytes()).expect("written");
        fs::write(file(""), &issued.chain_pem).expect("written");
        issued.der
    }
}
