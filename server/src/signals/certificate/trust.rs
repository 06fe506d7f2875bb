//! Which authorities may speak for devices, or for clients, and what they have revoked: read from files,
//! whole or not at all. Judging a certificate by them is left to `verify`.

use std::cmp::Reverse;
use std::fmt;
use std::path::PathBuf;

use chrono::TimeDelta;
use rustls::DistinguishedName;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use webpki::{CertRevocationList, OwnedCertRevocationList, RawPublicKeyEntity};
use x509_parser::certificate::X509Certificate;
use x509_parser::revocation_list::CertificateRevocationList;

use super::pem_file::SourceFile;
use super::{crypto, name};
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Built, Snapshot, Source, Watched};

/// An authority that ends sooner than this is worth a warning: after it every holder needs another certificate.
const SOON: TimeDelta = TimeDelta::days(30);

/// The authorities whose certificates may name somebody, with their revocation lists.
pub struct CertificateTrust {
    pub(super) authorities: Vec<Authority>,
    /// Newest first: of several lists with the same scope the first one is asked.
    pub(super) lists: Vec<RevocationList>,
}

/// An authority an operator listed: the end of a certificate path.
pub(super) struct Authority {
    pub(super) anchor: TrustAnchor<'static>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// Whether it certifies keys in hardware only.
    pub(super) hardware: bool,
    name: String,
    file: String,
}

/// A list of revoked certificates.
pub(super) struct RevocationList {
    pub(super) list: CertRevocationList<'static>,
    /// Positions of the authorities whose key signed the list.
    pub(super) signers: Vec<usize>,
    issuer: String,
    this_update: Timestamp,
    next_update: Timestamp,
    file: String,
}

impl CertificateTrust {
    /// Trust in nobody: for a host that knows its clients by their keys alone.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            authorities: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// The names of the authorities: sent to browsers in the handshake, so that the picker shows
    /// only certificates that can help.
    ///
    /// A browser that does not know an intermediate authority cannot tell that its certificates
    /// descend from a name in this list; then list the intermediate authority as well.
    #[must_use]
    pub fn subjects(&self) -> Vec<DistinguishedName> {
        let mut subjects: Vec<DistinguishedName> = Vec::new();
        for authority in &self.authorities {
            let subject = DistinguishedName::in_sequence(&authority.anchor.subject);
            let known = subjects
                .iter()
                .any(|known| known.as_ref() == subject.as_ref());
            if !known {
                subjects.push(subject);
            }
        }
        subjects
    }

    /// Whether revocation is checked at all: as soon as one list is configured, a certificate
    /// about which no list speaks is refused.
    #[must_use]
    pub fn checks_revocation(&self) -> bool {
        !self.lists.is_empty()
    }
}

impl Authority {
    fn warning(&self, now: Timestamp) -> Option<Diagnostic> {
        let (name, start, end) = (&self.name, day(self.not_before), day(self.not_after));
        let message = if self.not_after < now {
            format!("`{name}` expired on {end}: its certificates are refused")
        } else if now < self.not_before {
            format!("`{name}` is valid only from {start}: its certificates are refused until then")
        } else if self.not_after - now < SOON {
            format!("`{name}` expires on {end}: its certificates are refused from then on")
        } else {
            return None;
        };
        Some(Diagnostic::warning(&self.file, message))
    }
}

impl RevocationList {
    fn warning(&self, now: Timestamp) -> Option<Diagnostic> {
        let (issuer, end) = (&self.issuer, day(self.next_update));
        let message = format!(
            "the revocation list of `{issuer}` expired on {end}: its certificates are refused \
             until there is a newer one"
        );
        (self.next_update <= now).then(|| Diagnostic::warning(&self.file, message))
    }
}

impl fmt::Debug for CertificateTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authorities: Vec<&str> = self.authorities.iter().map(|a| a.name.as_str()).collect();
        let lists: Vec<&str> = self.lists.iter().map(|l| l.issuer.as_str()).collect();
        f.debug_struct("CertificateTrust")
            .field("authorities", &authorities)
            .field("revocation_lists", &lists)
            .finish()
    }
}

/// Where the trust in one kind of holders is read from.
#[derive(Debug, Clone)]
pub struct TrustSource {
    /// The name by which operators know the source.
    pub name: &'static str,
    /// Files with certificates of authorities, PEM or DER.
    pub authorities: Vec<PathBuf>,
    /// Those of these files whose authorities certify keys in hardware only.
    pub hardware: Vec<PathBuf>,
    /// Files with certificate revocation lists, PEM or DER.
    pub revocation_lists: Vec<PathBuf>,
}

impl Source for TrustSource {
    type Value = CertificateTrust;

    fn name(&self) -> &'static str {
        self.name
    }

    fn watched(&self) -> Watched {
        let files = self.authorities.iter().chain(&self.revocation_lists);
        Watched::Files(files.cloned().collect())
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&CertificateTrust>,
        _now: Timestamp,
    ) -> Result<Built<CertificateTrust>, Vec<Diagnostic>> {
        let mut reading = Reading::default();
        for path in &self.authorities {
            match SourceFile::find(snapshot, path) {
                Ok(file) => reading.authorities_of(&file, self.hardware.contains(path)),
                Err(problem) => reading.errors.push(*problem),
            }
        }
        for path in &self.revocation_lists {
            match SourceFile::find(snapshot, path) {
                Ok(file) => reading.lists_of(&file),
                Err(problem) => reading.errors.push(*problem),
            }
        }
        reading.finish()
    }

    fn warnings(&self, value: &CertificateTrust, now: Timestamp) -> Vec<Diagnostic> {
        let authorities = value.authorities.iter();
        let lists = value.lists.iter();
        authorities
            .filter_map(|authority| authority.warning(now))
            .chain(lists.filter_map(|list| list.warning(now)))
            .collect()
    }
}

/// What has been read so far, and what is wrong with it.
#[derive(Default)]
struct Reading {
    authorities: Vec<Authority>,
    lists: Vec<RevocationList>,
    errors: Vec<Diagnostic>,
}

impl Reading {
    fn authorities_of(&mut self, file: &SourceFile<'_>, hardware: bool) {
        let certificates = match file.certificates() {
            Ok(certificates) => certificates,
            Err(problem) => return self.errors.push(*problem),
        };
        for der in &certificates {
            let authority = match authority(der, file, hardware) {
                Ok(authority) => authority,
                Err(message) => {
                    self.errors.push(file.error(message));
                    continue;
                }
            };
            let mut known = self.authorities.iter_mut();
            match known.find(|known| known.anchor == authority.anchor) {
                // Listed twice, it is worth the less of what is said of it.
                Some(known) => known.hardware &= authority.hardware,
                None => self.authorities.push(authority),
            }
        }
    }

    fn lists_of(&mut self, file: &SourceFile<'_>) {
        let lists = match file.revocation_lists() {
            Ok(lists) => lists,
            Err(problem) => return self.errors.push(*problem),
        };
        for der in &lists {
            match self.list(der, file) {
                Ok(list) => self.lists.push(list),
                Err(message) => self.errors.push(file.error(message)),
            }
        }
    }

    fn list(&self, der: &[u8], file: &SourceFile<'_>) -> Result<RevocationList, String> {
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| unusable(&error))?;
        let list = CertRevocationList::Owned(list);
        let Ok(([], parsed)) = x509_parser::parse_x509_crl(der) else {
            return Err("this is not a certificate revocation list".to_owned());
        };
        let issuer = name::distinguished_name(parsed.issuer());
        let (Some(this_update), Some(next_update)) = (
            name::moment(parsed.last_update()),
            parsed.next_update().and_then(name::moment),
        ) else {
            return Err(format!(
                "the revocation list of `{issuer}` has no usable times"
            ));
        };

        let mut named = false;
        let mut signers = Vec::new();
        for (position, authority) in self.authorities.iter().enumerate() {
            if authority.anchor.subject.as_ref() == list.issuer() {
                named = true;
                if signed_by(&parsed, &authority.anchor) {
                    signers.push(position);
                }
            }
        }
        if named && signers.is_empty() {
            return Err(format!(
                "the revocation list says it comes from `{issuer}`, but that authority did not \
                 sign it"
            ));
        }
        Ok(RevocationList {
            list,
            signers,
            issuer,
            this_update,
            next_update,
            file: file.name.clone(),
        })
    }

    fn finish(mut self) -> Result<Built<CertificateTrust>, Vec<Diagnostic>> {
        if self.authorities.is_empty() && self.errors.is_empty() {
            // Without names in the handshake browsers offer every certificate they have.
            self.errors.push(
                Diagnostic::error("", "no authority for certificates is configured")
                    .with_help("list the certificate of your authority under `authorities`"),
            );
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        self.lists.sort_by_key(|list| Reverse(list.this_update));
        let mut warnings = Vec::new();
        for (position, authority) in self.authorities.iter().enumerate() {
            let spoken_for = self
                .lists
                .iter()
                .any(|list| list.signers.contains(&position));
            if !self.lists.is_empty() && !spoken_for {
                warnings.push(Diagnostic::warning(
                    "",
                    format!(
                        "there is no revocation list of `{}`: what it issues is refused, because \
                         revocation is configured",
                        authority.name
                    ),
                ));
            }
        }
        Ok(Built {
            value: CertificateTrust {
                authorities: self.authorities,
                lists: self.lists,
            },
            warnings,
        })
    }
}

fn authority(
    der: &CertificateDer<'_>,
    file: &SourceFile<'_>,
    hardware: bool,
) -> Result<Authority, String> {
    let malformed = || "this is not a certificate".to_owned();
    let certificate = name::parse(der).ok_or_else(malformed)?;
    let anchor = webpki::anchor_from_trusted_cert(der).map_err(|_| malformed())?;
    let name = name::distinguished_name(certificate.subject());
    if !may_issue(&certificate) {
        return Err(format!("`{name}` is not the certificate of an authority"));
    }
    let validity = certificate.validity();
    let (Some(not_before), Some(not_after)) = (
        name::moment(validity.not_before),
        name::moment(validity.not_after),
    ) else {
        return Err(format!("`{name}` has no usable validity"));
    };
    Ok(Authority {
        anchor: anchor.to_owned(),
        not_before,
        not_after,
        hardware,
        name,
        file: file.name.clone(),
    })
}

/// The path algorithm takes an anchor as given (RFC 5280 section 6.1.1), so what the anchor's own
/// certificate allows is checked here: a leaf listed by mistake must not become an authority.
fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    let signs = match certificate.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    signs && certificate.is_ca()
}

/// Whether the authority's key signed the list. This tells lists of one name and several keys
/// apart, as they exist after an authority has renewed its key; the path algorithm goes by the
/// name alone. It checks the signature again when the list is used.
fn signed_by(list: &CertificateRevocationList<'_>, anchor: &TrustAnchor<'_>) -> bool {
    let spki = webpki::spki_for_anchor(anchor);
    let Ok(key) = RawPublicKeyEntity::try_from(&spki) else {
        return false;
    };
    crypto()
        .signature_verification_algorithms
        .all
        .iter()
        .any(|algorithm| {
            key.verify_signature(
                *algorithm,
                list.tbs_cert_list.as_ref(),
                list.signature_value.as_ref(),
            )
            .is_ok()
        })
}

fn unusable(error: &webpki::Error) -> String {
    let reason = match error {
        webpki::Error::UnsupportedCrlVersion => "it is not of version 2",
        webpki::Error::UnsupportedDeltaCrl => "lists of changes (delta) are not supported",
        webpki::Error::UnsupportedIndirectCrl => "it speaks for other authorities (indirect)",
        webpki::Error::UnsupportedRevocationReasonsPartitioning => {
            "it covers only some reasons of revocation"
        }
        webpki::Error::UnsupportedCrlIssuingDistributionPoint => {
            "it does not say which certificates it covers"
        }
        _ => "it is malformed, or does not say when the next one is due",
    };
    format!("this revocation list cannot be used: {reason}")
}

fn day(time: Timestamp) -> String {
    time.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests;
