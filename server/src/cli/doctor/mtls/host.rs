//! A host by its URL, and the authorities by which its certificate is judged.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use url::Url;

use crate::cli::Failure;

/// Where a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Its name, for the handshake and for requests.
    pub(super) name: String,
    pub(super) port: u16,
    /// Its address, where it is not to be asked for.
    pub(super) at: Option<IpAddr>,
}

impl Host {
    /// The host of an https URL.
    pub(super) fn of(url: &Url) -> Option<Self> {
        if url.scheme() != "https" {
            return None;
        }
        let name = url.host_str()?.trim_matches(['[', ']']).to_owned();
        // Names below `localhost` are this machine, whatever its resolver knows of them (RFC 6761 section 6.3).
        let own = name.ends_with(".localhost");
        Some(Self {
            port: url.port_or_known_default()?,
            at: own.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            name,
        })
    }

    /// The host as a message names it.
    pub(super) fn shown(&self) -> String {
        format!("`{}:{}`", self.name, self.port)
    }
}

/// An https URL on the command line.
pub(super) fn origin(text: &str) -> Result<Url, String> {
    let wrong = || format!("`{text}` is not an https URL such as `https://id.example.com`");
    let url = text.parse::<Url>().map_err(|_| wrong())?;
    if Host::of(&url).is_none() {
        return Err(wrong());
    }
    Ok(url)
}

/// The authorities in these files; without any, those that this machine believes.
pub(super) fn authorities(files: &[PathBuf]) -> Result<Arc<RootCertStore>, Failure> {
    let mut roots = RootCertStore::empty();
    if files.is_empty() {
        let of_machine = rustls_native_certs::load_native_certs();
        // Machines carry some that cannot be parsed; what they have issued is told as unknown.
        roots.add_parsable_certificates(of_machine.certs);
    }
    for file in files {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| {
                Failure::new(format!("`{}` cannot be used: {error}", file.display()))
            })?;
        }
    }
    Ok(Arc::new(roots))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = fs::read(file).map_err(|error| Failure::file(file, &error))?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Failure::new(format!(
            "there is no certificate in `{}`",
            file.display()
        ))),
        Err(error) => Err(Failure::new(format!(
            "the PEM in `{}` is broken: {error}",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Exit;
    use crate::signals::certificate::fixtures::Authority;

    fn host(url: &str) -> Option<Host> {
        Host::of(&url.parse().unwrap())
    }

    #[test]
    fn a_url_has_a_host_and_a_port() {
        let found = host("https://id.example.com").unwrap();
        assert_eq!(found.shown(), "`id.example.com:443`");
        assert_eq!(found.at, None);
        assert_eq!(host("https://[::1]:8443").unwrap().name, "::1");
        assert_eq!(host("http://localhost:8080"), None);
    }

    #[test]
    fn names_below_localhost_are_this_machine() {
        let found = host("https://device.localhost:8444").unwrap();
        assert_eq!(found.at, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn only_https_is_looked_at() {
        assert!(origin("https://id.example.com").is_ok());
        assert!(origin("http://id.example.com").is_err());
        assert!(origin("id.example.com").is_err());
    }

    #[test]
    fn authorities_are_read_from_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        fs::write(&file, Authority::root("CA").pem()).unwrap();
        assert_eq!(authorities(std::slice::from_ref(&file)).unwrap().len(), 1);
        fs::write(&file, "hello").unwrap();
        let failure = authorities(&[file]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unanswered);
    }
}
