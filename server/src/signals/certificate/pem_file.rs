//! Reads certificates, revocation lists and keys out of the files of a snapshot, and says what is
//! wrong with a file. What the certificates are worth is decided by those who asked for them.

use std::path::Path;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::domain::diagnostic::Diagnostic;
use crate::reload::Snapshot;

/// The first byte of every DER structure we read (SEQUENCE); no PEM file starts with it.
const DER_SEQUENCE: u8 = 0x30;

/// A file of the snapshot: its name for messages, and its bytes.
#[derive(Debug)]
pub(crate) struct SourceFile<'a> {
    pub(crate) name: String,
    bytes: &'a [u8],
}

impl<'a> SourceFile<'a> {
    /// Finds the file in the snapshot.
    pub(crate) fn find(snapshot: &'a Snapshot, path: &Path) -> Result<Self, Box<Diagnostic>> {
        let name = path.display().to_string();
        match snapshot.files.get(&name) {
            Some(bytes) => Ok(Self { name, bytes }),
            None => Err(Box::new(Diagnostic::error(name, "cannot read this file"))),
        }
    }

    /// All certificates of the file, PEM or a single one in DER.
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Box<Diagnostic>> {
        self.objects("certificate")
    }

    /// All revocation lists of the file, PEM or a single one in DER, as authorities publish them.
    pub(crate) fn revocation_lists(
        &self,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, Box<Diagnostic>> {
        self.objects("certificate revocation list")
    }

    /// The first private key of the file.
    pub(crate) fn private_key(&self) -> Result<PrivateKeyDer<'static>, Box<Diagnostic>> {
        if self.bytes.first() == Some(&DER_SEQUENCE) {
            return PrivateKeyDer::try_from(self.bytes.to_vec())
                .map_err(|_| Box::new(self.error("this is not a private key")));
        }
        match PrivateKeyDer::from_pem_slice(self.bytes) {
            Ok(key) => Ok(key),
            Err(pem::Error::NoItemsFound) => Err(Box::new(
                self.error("there is no private key in this file")
                    .with_help(
                        "a key begins with `-----BEGIN PRIVATE KEY-----`; one under a passphrase \
                     cannot be used",
                    ),
            )),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// An error about this file. There is no position: the lines of PEM mean nothing to a person.
    pub(crate) fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.name, message)
    }

    fn objects<T>(&self, what: &str) -> Result<Vec<T>, Box<Diagnostic>>
    where
        T: PemObject + From<Vec<u8>>,
    {
        if self.bytes.first() == Some(&DER_SEQUENCE) {
            return Ok(vec![T::from(self.bytes.to_vec())]);
        }
        let found = T::pem_slice_iter(self.bytes)
            .collect::<Result<Vec<T>, pem::Error>>()
            .map_err(|error| self.broken(&error))?;
        if found.is_empty() {
            return Err(Box::new(
                self.error(format!("there is no {what} in this file")),
            ));
        }
        Ok(found)
    }

    fn broken(&self, error: &pem::Error) -> Box<Diagnostic> {
        Box::new(self.error(format!("the PEM is broken: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Authority, snapshot};
    use super::*;

    #[test]
    fn pem_and_der_hold_the_same_certificate() {
        let root = Authority::root("CA");
        let files = snapshot(&[("ca.pem", root.pem().into_bytes()), ("ca.crt", root.der())]);

        let pem = SourceFile::find(&files, Path::new("ca.pem")).unwrap();
        let der = SourceFile::find(&files, Path::new("ca.crt")).unwrap();
        assert_eq!(pem.certificates().unwrap(), der.certificates().unwrap());
    }

    #[test]
    fn a_file_without_a_certificate_is_an_error_that_names_it() {
        let files = snapshot(&[("ca.pem", b"hello".to_vec())]);
        let file = SourceFile::find(&files, Path::new("ca.pem")).unwrap();

        let error = file.certificates().unwrap_err();
        assert_eq!(error.file, "ca.pem");
        assert_eq!(error.message, "there is no certificate in this file");
    }

    #[test]
    fn a_key_under_a_passphrase_is_refused_with_help() {
        let text =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let files = snapshot(&[("key.pem", text.as_bytes().to_vec())]);
        let file = SourceFile::find(&files, Path::new("key.pem")).unwrap();

        let error = file.private_key().unwrap_err();
        assert!(error.help.unwrap().contains("passphrase"));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let files = snapshot(&[]);

        assert!(SourceFile::find(&files, Path::new("ca.pem")).is_err());
    }
}
