//! A certificate fresh from the authority, with its key, in the forms that servers, browsers and
//! key stores take. Where the files go is decided by the commands.

use std::fmt;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::PkiError;
use crate::signals::certificate::serial_number;

/// A certificate and its key.
pub struct IssuedCertificate {
    /// The certificate and that of its authority, in PEM.
    pub chain_pem: String,
    /// The private key, PKCS#8 in PEM.
    pub key_pem: Zeroizing<String>,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// The serial number: upper-case hexadecimal without leading zeros.
    pub serial: String,
    display_name: String,
    key_der: Zeroizing<Vec<u8>>,
    authority_der: Vec<u8>,
}

/// How a PKCS#12 file is protected: what can read it depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkcs12Encryption {
    /// AES-256 and SHA-256: everything that is up to date.
    Aes256,
    /// Triple DES and SHA-1: key chains of some years ago read nothing else. The password protects
    /// the key less well, so the file should not outlive its import.
    DangerTripleDes,
}

impl IssuedCertificate {
    pub(super) fn new(
        certificate: &rcgen::Certificate,
        key: &KeyPair,
        authority: &CertificateDer<'_>,
        authority_pem: &str,
        display_name: &str,
    ) -> Self {
        let der = certificate.der().to_vec();
        Self {
            chain_pem: certificate.pem() + authority_pem,
            key_pem: Zeroizing::new(key.serialize_pem()),
            serial: serial_number(&der).unwrap_or_default(),
            der,
            display_name: display_name.to_owned(),
            key_der: Zeroizing::new(key.serialize_der()),
            authority_der: authority.to_vec(),
        }
    }

    /// Certificate, key and authority as one file for the key store of a browser or a system.
    pub fn pkcs12(
        &self,
        password: &str,
        encryption: Pkcs12Encryption,
    ) -> Result<Vec<u8>, PkiError> {
        self.write_pkcs12(password, encryption)
            .map_err(|error| PkiError::Pkcs12(error.to_string()))
    }

    fn write_pkcs12(
        &self,
        password: &str,
        encryption: Pkcs12Encryption,
    ) -> Result<Vec<u8>, p12_keystore::error::Error> {
        let chain = [
            Certificate::from_der(&self.der)?,
            Certificate::from_der(&self.authority_der)?,
        ];
        let key = PrivateKey::from_der(&self.key_der)?;
        let chain = PrivateKeyChain::new(self.serial.as_str(), key, chain);
        let mut store = KeyStore::new();
        store.add_entry(&self.display_name, KeyStoreEntry::PrivateKeyChain(chain));
        let writer = store.writer(password);
        match encryption {
            Pkcs12Encryption::Aes256 => writer.write(),
            Pkcs12Encryption::DangerTripleDes => writer
                .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
                .mac_algorithm(MacAlgorithm::HmacSha1)
                .write(),
        }
    }
}

impl fmt::Debug for IssuedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCertificate")
            .field("display_name", &self.display_name)
            .field("serial", &self.serial)
            .field("key", &"…")
            .finish_non_exhaustive()
    }
}
