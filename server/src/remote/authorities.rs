//! The authorities that an operator adds to those of the machine: files in PEM, read once at the start.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Certificate;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::domain::diagnostic::Diagnostic;

/// The authorities in these files, or all that is wrong with them.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Certificate>, Vec<Diagnostic>> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for file in files {
        match certificates(file) {
            Ok(certificates) => found.extend(certificates),
            Err(message) => wrong.push(Diagnostic::error(file.display().to_string(), message)),
        }
    }
    if wrong.is_empty() {
        Ok(found)
    } else {
        Err(wrong)
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, String> {
    let bytes = fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    let found = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("the PEM is broken: {error}"))?;
    if found.is_empty() {
        return Err("there is no certificate in this file".to_owned());
    }
    found.iter().map(certificate).collect()
}

fn certificate(der: &CertificateDer<'_>) -> Result<Certificate, String> {
    let malformed = || "a certificate in this file is malformed".to_owned();
    webpki::anchor_from_trusted_cert(der).map_err(|_| malformed())?;
    Certificate::from_der(der).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::fixtures::Authority;

    #[test]
    fn the_certificates_of_all_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (Authority::new(), Authority::new());
        let files = ["one.pem", "two.pem"].map(|name| directory.path().join(name));
        fs::write(&files[0], one.pem()).unwrap();
        fs::write(&files[1], one.pem() + &two.pem()).unwrap();
        assert_eq!(read(&files).unwrap().len(), 3);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let files =
            ["absent.pem", "empty.pem", "broken.pem"].map(|name| directory.path().join(name));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(&files[1], "hello").unwrap();
        fs::write(&files[2], broken).unwrap();
        let wrong = read(&files).unwrap_err();
        assert!(wrong[0].message.starts_with("cannot be read"), "{wrong:?}");
        assert_eq!(wrong[1].message, "there is no certificate in this file");
        assert_eq!(wrong[2].message, "a certificate in this file is malformed");
    }
}
