//! Judges a certificate chain: path, validity, revocation, purpose. The answer is for a page with
//! words, so it comes after the handshake, again on each request, and never as a TLS alert.
//! Which device the certificate names is read in `identity`.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth,
    RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::certificate::X509Certificate;

use super::trust::{Authority, CertificateTrust};
use super::{crypto, name};
use crate::config::KeyProtection;
use crate::domain::clock::Timestamp;

/// Certificates of a chain at most, the leaf included. Honest chains have two or three; the bound
/// keeps a hostile one from costing more than it is worth.
pub const LONGEST_CHAIN: usize = 8;

/// A certificate that an authority of ours vouches for, now, for authenticating a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The certificate itself, in DER.
    pub leaf: Vec<u8>,
    /// Who issued it, as RFC 4514 writes names.
    pub issuer: String,
    /// Its serial number: upper-case hexadecimal without leading zeros.
    pub serial: String,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// Whom it names, as RFC 4514 writes names.
    pub subject: String,
    /// Where its key is, as far as the authorities vouch for it.
    pub keys: KeyProtection,
}

/// Why a certificate does not count, in words for the person whose device it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateRefused {
    /// Its validity is over.
    #[error("the certificate has expired")]
    Expired,
    /// Its validity has not begun.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// No path leads from it to an authority of ours.
    #[error("the certificate comes from an authority that is not accepted here")]
    UnknownIssuer,
    /// An authority above it is not valid now.
    #[error("the authority that issued the certificate has expired or is not valid yet")]
    AuthorityExpired,
    /// It, or an authority above it, is on a revocation list.
    #[error("the certificate was revoked")]
    Revoked,
    /// Revocation is configured and cannot be checked; the reason says why.
    #[error("it cannot be checked whether the certificate was revoked: {0}")]
    RevocationUnknown(String),
    /// It is for something else than authenticating a client.
    #[error("the certificate is not meant for authenticating a client")]
    NotForClients,
    /// It belongs to an authority.
    #[error("this is the certificate of an authority and not of a device")]
    CaCertificate,
    /// An authority above it was not allowed to issue it.
    #[error("the certificate is outside of what its authority may issue")]
    OutsideConstraints,
    /// A signature in the chain uses an algorithm or a key that is too weak, or not known.
    #[error("the certificate is signed in a way that is not accepted here")]
    Algorithm,
    /// It is no certificate, or one with contents that cannot be understood.
    #[error("the certificate cannot be understood")]
    Malformed,
}

impl CertificateTrust {
    /// Judges the chain, leaf first, as it came in the handshake.
    ///
    /// Decided here: the purpose must include client authentication where the certificate limits
    /// purposes at all (RFC 5280 section 4.2.1.12), and `anyExtendedKeyUsage` alone is not enough;
    /// a certificate that may sign certificates never stands for a device; an authority counts
    /// only during its own validity, although RFC 5280 leaves that of anchors open. As soon as one
    /// revocation list is configured, the whole chain below the anchor is checked, and a missing,
    /// expired or foreign list refuses.
    pub fn verify(
        &self,
        chain: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Verified, CertificateRefused> {
        if chain.len() > LONGEST_CHAIN {
            return Err(CertificateRefused::Malformed);
        }
        let (leaf, others) = chain.split_first().ok_or(CertificateRefused::Malformed)?;
        let certificate = name::parse(leaf).ok_or(CertificateRefused::Malformed)?;
        let not_after = check_validity(&certificate, now)?;
        refuse_authority(&certificate)?;

        let chain = Chain {
            leaf: CertificateDer::from(leaf.as_slice()),
            others: others
                .iter()
                .map(|der| CertificateDer::from(der.as_slice()))
                .collect(),
        };
        let keys = self.check_path(&chain, now)?;

        Ok(Verified {
            issuer: name::distinguished_name(certificate.issuer()),
            serial: name::serial(&certificate),
            subject: name::distinguished_name(certificate.subject()),
            not_after,
            keys,
            leaf: leaf.clone(),
        })
    }

    /// Looks for an authority to which a path leads, and says where the key is. Any other refusal says more than that
    /// the issuer is unknown.
    ///
    /// A path can lead to several authorities, one above the other. The key is in hardware where each of them says so:
    /// what an authority above lets others issue is nothing that one below could vouch for.
    fn check_path(
        &self,
        chain: &Chain<'_>,
        now: Timestamp,
    ) -> Result<KeyProtection, CertificateRefused> {
        let mut refused = CertificateRefused::UnknownIssuer;
        let mut found = None;
        for (position, authority) in self.authorities.iter().enumerate() {
            match self.check_path_to(position, authority, chain, now) {
                Ok(()) if authority.hardware => found = Some(KeyProtection::Hardware),
                Ok(()) => return Ok(KeyProtection::Software),
                Err(CertificateRefused::UnknownIssuer) => {}
                Err(reason) => refused = reason,
            }
        }
        found.ok_or(refused)
    }

    /// RFC 5280 section 6, towards one authority.
    fn check_path_to(
        &self,
        position: usize,
        authority: &Authority,
        chain: &Chain<'_>,
        now: Timestamp,
    ) -> Result<(), CertificateRefused> {
        let leaf = EndEntityCert::try_from(&chain.leaf).map_err(|error| reason(&error))?;
        let lists = self.lists_for(position, authority);
        let unheard = self.checks_revocation() && lists.is_empty();
        let path = leaf.verify_for_usage(
            crypto().signature_verification_algorithms.all,
            std::slice::from_ref(&authority.anchor),
            &chain.others,
            unix_time(now),
            KeyUsage::client_auth(),
            revocation(&lists),
            None,
        );
        match path {
            Err(error) => Err(reason(&error)),
            // No list can speak here: that is no reason not to check.
            Ok(_) if unheard => Err(no_list()),
            Ok(_) if now < authority.not_before || authority.not_after < now => {
                Err(CertificateRefused::AuthorityExpired)
            }
            Ok(_) => Ok(()),
        }
    }

    /// The revocation lists that can speak on a path to this authority: all but those of another
    /// authority of the same name, which the path algorithm could not tell apart.
    fn lists_for(
        &self,
        position: usize,
        authority: &Authority,
    ) -> Vec<&CertRevocationList<'static>> {
        self.lists
            .iter()
            .filter(|list| {
                list.list.issuer() != authority.anchor.subject.as_ref()
                    || list.signers.contains(&position)
            })
            .map(|list| &list.list)
            .collect()
    }
}

/// How revocation is checked; `None` where there is no list.
fn revocation<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(lists)
        .ok()?
        .with_depth(RevocationCheckDepth::Chain)
        .with_status_policy(UnknownStatusPolicy::Deny)
        .with_expiration_policy(ExpirationPolicy::Enforce)
        .build();
    Some(options)
}

/// A chain as the path algorithm wants it.
struct Chain<'a> {
    leaf: CertificateDer<'a>,
    others: Vec<CertificateDer<'a>>,
}

/// The path algorithm checks validity too, but does not say of which certificate in the path.
fn check_validity(
    certificate: &X509Certificate<'_>,
    now: Timestamp,
) -> Result<Timestamp, CertificateRefused> {
    let validity = certificate.validity();
    let moment = |time| name::moment(time).ok_or(CertificateRefused::Malformed);
    let (not_before, not_after) = (moment(validity.not_before)?, moment(validity.not_after)?);
    if now < not_before {
        Err(CertificateRefused::NotYetValid)
    } else if not_after < now {
        Err(CertificateRefused::Expired)
    } else {
        Ok(not_after)
    }
}

/// RFC 5280 sections 4.2.1.3 and 4.2.1.9. The path algorithm ignores the key usage of leaves.
fn refuse_authority(certificate: &X509Certificate<'_>) -> Result<(), CertificateRefused> {
    let usage = certificate
        .key_usage()
        .map_err(|_| CertificateRefused::Malformed)?;
    if certificate.is_ca() || usage.is_some_and(|usage| usage.value.key_cert_sign()) {
        return Err(CertificateRefused::CaCertificate);
    }
    Ok(())
}

fn unix_time(now: Timestamp) -> UnixTime {
    // Before 1970 nothing is valid, and neither is anything at its very beginning.
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn no_list() -> CertificateRefused {
    CertificateRefused::RevocationUnknown(
        "there is no revocation list of the authority that issued it".to_owned(),
    )
}

/// The algorithm's word in ours.
fn reason(error: &webpki::Error) -> CertificateRefused {
    use webpki::Error;

    match error {
        // The leaf itself is valid now: `check_validity` came first.
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
            CertificateRefused::AuthorityExpired
        }
        // A signature that another key made: an authority of the same name, or nobody we know.
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => {
            CertificateRefused::UnknownIssuer
        }
        Error::CertRevoked | Error::CertDistrusted => CertificateRefused::Revoked,
        Error::UnknownRevocationStatus => no_list(),
        Error::CrlExpired { .. } => CertificateRefused::RevocationUnknown(
            "the revocation list of the authority that issued it has expired".to_owned(),
        ),
        Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateRefused::RevocationUnknown(
                "the authority that issued it did not sign the revocation list".to_owned(),
            )
        }
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            CertificateRefused::NotForClients
        }
        Error::CaUsedAsEndEntity => CertificateRefused::CaCertificate,
        Error::EndEntityUsedAsCa
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated => CertificateRefused::OutsideConstraints,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => CertificateRefused::Algorithm,
        _ => CertificateRefused::Malformed,
    }
}

#[cfg(test)]
mod tests;
