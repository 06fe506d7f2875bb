//! The server's own certificate and key, reloaded without a restart: for the main host and for the
//! device host alike. What a handshake asks of the client is decided by whoever makes the settings.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::ServerName;
use webpki::EndEntityCert;

use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Built, Live, Snapshot, Source, Watched};
use crate::signals::certificate::pem_file::SourceFile;
use crate::signals::certificate::{crypto, name};

/// A certificate that ends sooner than this is worth a warning.
const SOON: TimeDelta = TimeDelta::days(14);

/// A certificate chain and the key that belongs to it.
pub struct TlsIdentity {
    key: Arc<CertifiedKey>,
    not_after: Timestamp,
}

impl TlsIdentity {
    /// What the TLS library needs to speak for this identity.
    #[must_use]
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// The end of the certificate's validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether a browser accepts this certificate for the host.
    ///
    /// A browser may send requests for any host a certificate covers over a connection that it has
    /// already (RFC 9113 section 9.1.1), so the main host's certificate must not cover the device
    /// host: nobody would ask for a client certificate.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let (Some(leaf), Ok(host)) = (self.key.cert.first(), ServerName::try_from(host)) else {
            return false;
        };
        EndEntityCert::try_from(leaf)
            .is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&host).is_ok())
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("certificates", &self.key.cert.len())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Where a server certificate and its key are read from.
#[derive(Debug, Clone)]
pub struct TlsIdentitySource {
    /// The name of the source in messages and status.
    pub name: &'static str,
    /// The certificate chain, the server's own first, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

impl Source for TlsIdentitySource {
    type Value = TlsIdentity;

    fn name(&self) -> &'static str {
        self.name
    }

    fn watched(&self) -> Watched {
        // Both may stand in one file.
        let mut files = vec![self.certificate.clone()];
        if self.key != self.certificate {
            files.push(self.key.clone());
        }
        Watched::Files(files)
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&TlsIdentity>,
        now: Timestamp,
    ) -> Result<Built<TlsIdentity>, Vec<Diagnostic>> {
        let identity = self.read(snapshot, now).map_err(|problem| vec![*problem])?;
        Ok(Built::new(identity))
    }

    fn warnings(&self, value: &TlsIdentity, now: Timestamp) -> Vec<Diagnostic> {
        let end = day(value.not_after);
        let message = if value.not_after < now {
            format!("the certificate expired on {end}: browsers refuse it")
        } else if value.not_after - now < SOON {
            format!("the certificate expires on {end}")
        } else {
            return Vec::new();
        };
        let file = self.certificate.display().to_string();
        vec![Diagnostic::warning(file, message)]
    }
}

impl TlsIdentitySource {
    fn read(&self, snapshot: &Snapshot, now: Timestamp) -> Result<TlsIdentity, Box<Diagnostic>> {
        let file = SourceFile::find(snapshot, &self.certificate)?;
        let chain = file.certificates()?;
        let key_file = SourceFile::find(snapshot, &self.key)?;
        let key = key_file.private_key()?;

        let (not_before, not_after) = chain
            .first()
            .and_then(|leaf| name::parse(leaf))
            .and_then(|leaf| {
                let validity = leaf.validity();
                name::moment(validity.not_before).zip(name::moment(validity.not_after))
            })
            .ok_or_else(|| Box::new(file.error("this is not a certificate")))?;
        if not_after < now {
            return Err(Box::new(
                file.error(format!("the certificate expired on {}", day(not_after))),
            ));
        }
        if now < not_before {
            return Err(Box::new(file.error(format!(
                "the certificate is valid only from {}",
                day(not_before)
            ))));
        }

        let key = CertifiedKey::from_der(chain, key, &crypto())
            .map_err(|error| Box::new(mismatch(&key_file, &error)))?;
        Ok(TlsIdentity {
            key: Arc::new(key),
            not_after,
        })
    }
}

/// Speaks for whichever identity is live at the moment of the handshake.
pub struct LiveResolver(pub Live<TlsIdentity>);

impl ResolvesServerCert for LiveResolver {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current().value.certified_key())
    }
}

impl fmt::Debug for LiveResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveResolver")
            .field(&self.0.current().value)
            .finish()
    }
}

fn mismatch(file: &SourceFile<'_>, error: &rustls::Error) -> Diagnostic {
    match error {
        rustls::Error::InconsistentKeys(_) => file
            .error("the private key does not belong to the certificate")
            .with_help("in the file of certificates the server's own one comes first"),
        error => file.error(format!(
            "the certificate or its private key cannot be used: {error}"
        )),
    }
}

fn day(time: Timestamp) -> String {
    time.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::date_time_ymd;

    use super::*;
    use crate::reload::fixtures::diagnostics_at;
    use crate::signals::certificate::fixtures::{Authority, Leaf, now, snapshot};

    fn build(certificate: &str, key: &str) -> Result<Built<TlsIdentity>, Vec<Diagnostic>> {
        let source = TlsIdentitySource {
            name: "tls",
            certificate: "tls.pem".into(),
            key: "tls.key".into(),
        };
        let files = [
            ("tls.pem", certificate.as_bytes().to_vec()),
            ("tls.key", key.as_bytes().to_vec()),
        ];
        source.build(&snapshot(&files), None, now())
    }

    fn identity_of(leaf: &Leaf) -> Result<Built<TlsIdentity>, Vec<Diagnostic>> {
        build(&leaf.pem, &leaf.key.serialize_pem())
    }

    fn message(outcome: Result<Built<TlsIdentity>, Vec<Diagnostic>>) -> String {
        outcome.unwrap_err()[0].message.clone()
    }

    #[test]
    fn a_certificate_with_its_key_is_an_identity() {
        let leaf = Authority::root("CA").server("id.example");

        let identity = identity_of(&leaf).unwrap().value;
        assert_eq!(
            identity.not_after().to_rfc3339(),
            "2027-01-01T00:00:00+00:00"
        );
    }

    #[test]
    fn an_identity_covers_the_hosts_of_its_certificate() {
        let leaf = Authority::root("CA").server("*.id.example");
        let identity = identity_of(&leaf).unwrap().value;

        assert!(identity.covers("device.id.example"));
        assert!(!identity.covers("id.example"));
        assert!(!identity.covers("no host at all"));
    }

    #[test]
    fn the_key_of_another_certificate_is_refused() {
        let ca = Authority::root("CA");
        let (one, two) = (ca.server("id.example"), ca.server("id.example"));

        assert_eq!(
            message(build(&one.pem, &two.key.serialize_pem())),
            "the private key does not belong to the certificate"
        );
    }

    #[test]
    fn an_expired_certificate_is_refused() {
        let leaf = Authority::root("CA").device(|params| {
            params.not_after = date_time_ymd(2026, 5, 1);
        });

        assert_eq!(
            message(identity_of(&leaf)),
            "the certificate expired on 2026-05-01"
        );
    }

    #[test]
    fn a_certificate_of_the_future_is_refused() {
        let leaf = Authority::root("CA").device(|params| {
            params.not_before = date_time_ymd(2026, 7, 1);
        });

        assert_eq!(
            message(identity_of(&leaf)),
            "the certificate is valid only from 2026-07-01"
        );
    }

    #[tokio::test]
    async fn a_certificate_that_ends_while_it_is_live_is_a_warning_from_two_weeks_before() {
        let directory = tempfile::tempdir().unwrap();
        let leaf = Authority::root("CA").device(|params| {
            params.not_after = date_time_ymd(2026, 6, 20);
        });
        let source = TlsIdentitySource {
            name: "tls",
            certificate: directory.path().join("tls.pem"),
            key: directory.path().join("tls.key"),
        };
        fs::write(&source.certificate, &leaf.pem).unwrap();
        fs::write(&source.key, leaf.key.serialize_pem()).unwrap();

        let later = |days| now() + TimeDelta::days(days);
        let said = diagnostics_at(source, &[now(), later(10), later(20)]).await;
        assert_eq!(
            said,
            [
                Vec::new(),
                vec!["the certificate expires on 2026-06-20"],
                vec!["the certificate expired on 2026-06-20: browsers refuse it"],
            ]
        );
    }

    #[test]
    fn a_missing_key_is_refused() {
        let leaf = Authority::root("CA").server("id.example");

        assert_eq!(
            message(build(&leaf.pem, "")),
            "there is no private key in this file"
        );
    }
}
