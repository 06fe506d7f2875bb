//! `[device]`: the host that asks browsers for the certificate of the device, and what it believes.
//! Certificates are verified in `signals`; without this section no device is ever known.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::duration::{self, DAY, HOUR, MINUTE, SECOND, YEAR};
use super::findings::Findings;

/// The device host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceHost {
    /// The origin of the device host, as browsers see it: `https://device.id.example.com`.
    pub url: Url,
    /// Address and port to listen on. TLS must reach this listener untouched: no proxy in between can terminate it.
    pub address: SocketAddr,
    /// PEM file with the certificate chain of the device host.
    pub certificate: PathBuf,
    /// PEM file with the private key of the certificate.
    pub key: PathBuf,
    /// PEM files with the certificate authorities that issue device certificates.
    #[serde(default)]
    pub authorities: Vec<PathBuf>,
    /// Authorities of which more is known than that they issue device certificates.
    #[serde(default)]
    pub authority: Vec<DeviceAuthority>,
    /// Files with certificate revocation lists, PEM or DER. With any list, a certificate whose status
    /// the lists do not tell counts as absent.
    #[serde(default)]
    pub revocation_lists: Vec<PathBuf>,
    /// Where in the certificate the identity of the device stands; the first that is present counts.
    #[serde(default = "IdentityKind::default_order")]
    pub identity: Vec<IdentityKind>,
    /// The inventory: what is known about each device.
    pub inventory: PathBuf,
    /// How long a proof that the browser holds the device's key is relied upon.
    #[serde(default = "default_proof_lifetime", with = "duration")]
    #[schemars(with = "String")]
    pub proof_lifetime: Duration,
    /// How long after it that proof is relied upon when a client renews tokens for the user.
    #[serde(default = "default_refresh_proof_lifetime", with = "duration")]
    #[schemars(with = "String")]
    pub refresh_proof_lifetime: Duration,
    /// How old an observation in the inventory may be and still count.
    #[serde(default = "default_evidence_lifetime", with = "duration")]
    #[schemars(with = "String")]
    pub evidence_lifetime: Duration,
}

/// An authority that issues device certificates, and what it vouches for besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceAuthority {
    /// PEM file with its certificate.
    pub file: PathBuf,
    /// Where the devices keep the keys that it certifies.
    #[serde(default)]
    pub keys: KeyProtection,
}

/// Where a device keeps the key of its certificate. A certificate does not say so itself: the organisation knows how
/// its authority issues them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum KeyProtection {
    /// In software, as far as anybody knows.
    #[default]
    Software,
    /// In hardware that does not give it away: a TPM, a Secure Enclave, a smart card.
    Hardware,
}

/// A place in a certificate that can identify a device.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// A URI among the subject alternative names.
    SanUri,
    /// A DNS name among the subject alternative names.
    SanDns,
    /// The common name of the subject.
    CommonName,
    /// The issuer together with the serial number.
    IssuerSerial,
}

impl IdentityKind {
    /// The order in which places are tried where the configuration gives none.
    #[must_use]
    pub fn default_order() -> Vec<Self> {
        vec![
            Self::SanUri,
            Self::SanDns,
            Self::CommonName,
            Self::IssuerSerial,
        ]
    }
}

fn default_proof_lifetime() -> Duration {
    15 * MINUTE
}

fn default_refresh_proof_lifetime() -> Duration {
    12 * HOUR
}

fn default_evidence_lifetime() -> Duration {
    DeviceHost::EVIDENCE_LIFETIME
}

impl DeviceHost {
    /// How old an observation in the inventory may be and still count, where nothing else is configured.
    pub const EVIDENCE_LIFETIME: Duration = DAY;

    /// The files with authorities, whatever is known of each.
    #[must_use]
    pub fn authority_files(&self) -> Vec<PathBuf> {
        let declared = self.authority.iter().map(|authority| &authority.file);
        self.authorities.iter().chain(declared).cloned().collect()
    }

    /// Those of them whose authorities certify keys in hardware only.
    #[must_use]
    pub fn hardware_files(&self) -> Vec<PathBuf> {
        let declared = self.authority.iter();
        declared
            .filter(|authority| authority.keys == KeyProtection::Hardware)
            .map(|authority| authority.file.clone())
            .collect()
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        let declared = self.authority.iter_mut();
        for file in [&mut self.certificate, &mut self.key, &mut self.inventory]
            .into_iter()
            .chain(self.authorities.iter_mut())
            .chain(declared.map(|authority| &mut authority.file))
            .chain(self.revocation_lists.iter_mut())
        {
            super::anchor(file, base);
        }
    }

    pub(super) fn check(&self, issuer: &Url, findings: &mut Findings<'_>) {
        self.check_url(issuer, findings);
        if self.authorities.is_empty() && self.authority.is_empty() {
            findings.error(
                "device.authorities",
                "without an authority no device certificate can be verified",
                "name the PEM file of the authority that issues the device certificates",
            );
        }
        if self.identity.is_empty() {
            findings.error(
                "device.identity",
                "at least one place of the identity is needed",
                "leave `identity` out to use the default order",
            );
        }
        findings.check_duration(
            "device.proof_lifetime",
            self.proof_lifetime,
            &(SECOND..=30 * DAY),
        );
        findings.check_duration(
            "device.refresh_proof_lifetime",
            self.refresh_proof_lifetime,
            &(SECOND..=30 * DAY),
        );
        findings.check_duration(
            "device.evidence_lifetime",
            self.evidence_lifetime,
            &(SECOND..=YEAR),
        );
    }

    fn check_url(&self, issuer: &Url, findings: &mut Findings<'_>) {
        let bare = self.url.path() == "/"
            && self.url.query().is_none()
            && self.url.fragment().is_none()
            && self.url.username().is_empty()
            && self.url.password().is_none();
        if self.url.scheme() != "https" || !bare {
            findings.error(
                "device.url",
                format!("`{}` is not the origin of a device host", self.url),
                "write an https URL without path, query or user, as in `https://device.id.example.com`",
            );
        } else if self.url.origin() == issuer.origin() {
            // On a shared origin every page of the provider would ask for a certificate.
            findings.error(
                "device.url",
                "the device host needs an origin other than the issuer's",
                "give it a name of its own, as in `https://device.id.example.com`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use doorward_engine::suite;

    use super::*;
    use crate::config::tests::{accepted, refused};

    const DEVICE: &str = "[device]\nurl = 'https://device.example.com'\naddress = '0.0.0.0:8444'\ncertificate = 'd.pem'\nkey = 'd.key'\nauthorities = ['ca.pem']\ninventory = 'devices.toml'\n";

    fn with(from: &str, to: &str) -> String {
        assert!(DEVICE.contains(from));
        DEVICE.replace(from, to)
    }

    #[test]
    fn a_device_host_has_defaults_for_all_but_its_place_and_files() {
        let device = accepted(DEVICE).device.unwrap();
        assert_eq!(device.identity, IdentityKind::default_order());
        assert_eq!(device.proof_lifetime, 15 * MINUTE);
        assert_eq!(device.refresh_proof_lifetime, 12 * HOUR);
        assert_eq!(device.evidence_lifetime, DAY);
        assert!(device.revocation_lists.is_empty());
    }

    #[test]
    fn suites_count_proofs_and_evidence_as_long_as_a_server_does() {
        let device = accepted(DEVICE).device.unwrap();
        let suites = [suite::PROOF_LIFETIME, suite::EVIDENCE_LIFETIME];
        let suites = suites.map(|lifetime| lifetime.to_std().unwrap());
        assert_eq!(suites, [device.proof_lifetime, device.evidence_lifetime]);
    }

    #[test]
    fn the_order_of_identities_is_kept() {
        let text = format!("{DEVICE}identity = ['common-name', 'san-uri']\n");
        assert_eq!(
            accepted(&text).device.unwrap().identity,
            [IdentityKind::CommonName, IdentityKind::SanUri]
        );
    }

    #[test]
    fn the_origin_of_the_issuer_is_refused() {
        let found = refused(&with("device.example.com", "id.example.com"));
        assert!(found[0].message.contains("other than the issuer"));
        assert_eq!(found[0].line, Some(3));
    }

    #[test]
    fn a_device_host_without_https_or_with_a_path_is_refused() {
        for url in [
            "http://device.example.com",
            "https://device.example.com/check",
        ] {
            let found = refused(&with("https://device.example.com", url));
            assert!(found[0].message.contains("origin of a device host"));
        }
    }

    #[test]
    fn a_device_host_without_authority_is_refused() {
        let found = refused(&with("['ca.pem']", "[]"));
        assert!(found[0].message.contains("authority"));
    }

    #[test]
    fn of_an_authority_can_be_said_where_its_devices_keep_their_keys() {
        let hardware = "[[device.authority]]\nfile = 'tpm.pem'\nkeys = 'hardware'\n";
        let device = accepted(&format!("{DEVICE}{hardware}")).device.unwrap();
        let files = device.authority_files();
        assert_eq!(files.len(), 2);
        assert!(files[0].ends_with("ca.pem") && files[1].ends_with("tpm.pem"));
        assert_eq!(device.hardware_files(), [files[1].clone()]);

        // Nothing is said: the key can be anywhere.
        let silent = "[[device.authority]]\nfile = 'tpm.pem'\n";
        let alone = with("authorities = ['ca.pem']\n", "") + silent;
        let device = accepted(&alone).device.unwrap();
        assert_eq!(device.authority_files().len(), 1);
        assert!(device.hardware_files().is_empty());
    }

    #[test]
    fn a_missing_inventory_is_named() {
        let found = refused(&with("inventory = 'devices.toml'\n", ""));
        assert_eq!(found[0].message, "missing key `inventory`");
        assert_eq!(found[0].line, Some(2));
    }
}
