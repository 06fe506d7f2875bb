//! A certificate authority for development and demonstrations: device and server certificates, and
//! revocation lists, made on the spot. Which commands offer it, and what they print, is decided
//! elsewhere. Nobody should build a company on it: its key lies in a file.

mod issued;

#[cfg(test)]
mod tests;

pub use issued::{IssuedCertificate, Pkcs12Encryption};

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chrono::TimeDelta;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PublicKeyData as _, RevokedCertParams, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use crate::domain::clock::Timestamp;
use crate::signals::certificate::name;

/// The certificate of the authority, in its directory.
pub const CERTIFICATE: &str = "ca.pem";
/// The key of the authority, in its directory.
pub const KEY: &str = "ca-key.pem";

/// How long the authority itself is valid.
const LIFETIME: TimeDelta = TimeDelta::days(3650);
/// Clocks disagree: what is issued now has to be valid on a machine whose clock is late.
const BACKDATED: TimeDelta = TimeDelta::hours(1);

/// Why something could not be issued.
#[derive(Debug, Error)]
pub enum PkiError {
    /// A file is in the way.
    #[error("`{path}` exists already")]
    Exists {
        /// The file.
        path: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use `{path}`: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the authority does not hold what it should.
    #[error("`{path}` cannot be used: {reason}")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name of a device would not survive in a URN (RFC 8141).
    #[error("`{0}` cannot name a device: use letters, digits, `.`, `_` and `-`")]
    DeviceName(String),
    /// A server certificate needs a host.
    #[error("a server certificate needs the name of a host")]
    NoHost,
    /// Something else than a serial number.
    #[error("`{0}` is not a serial number in hexadecimal")]
    Serial(String),
    /// A time that certificates cannot express.
    #[error("the validity lies outside of what a certificate can say")]
    Time,
    /// The certificate cannot be made.
    #[error("cannot make the certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The PKCS#12 file cannot be made.
    #[error("cannot make the PKCS#12 file: {0}")]
    Pkcs12(String),
}

/// The authority, open for business.
#[derive(Debug)]
pub struct DevelopmentCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    not_after: Timestamp,
}

impl DevelopmentCa {
    /// Makes a new authority in this directory.
    ///
    /// An authority that is there already stays: certificates it has issued would be orphans.
    pub fn create(directory: &Path, now: Timestamp) -> Result<Self, PkiError> {
        fs::create_dir_all(directory).map_err(|source| file_error(directory, source))?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        // Each authority gets a name of its own, so that a browser that knows several can tell
        // which one a server asks for.
        let id = HEXLOWER.encode(&params.key_identifier(&key));
        let id: String = id.chars().take(8).collect();
        params.distinguished_name = common_name(&format!("Doorward development CA {id}"));
        set_validity(&mut params, now, later(now, LIFETIME)?)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;

        let key = Zeroizing::new(key.serialize_pem());
        write_private(&directory.join(KEY), key.as_bytes())?;
        write_public(&directory.join(CERTIFICATE), certificate.pem().as_bytes())?;
        Self::open(directory)
    }

    /// Opens the authority in this directory.
    pub fn open(directory: &Path) -> Result<Self, PkiError> {
        let (certificate_file, key_file) = (directory.join(CERTIFICATE), directory.join(KEY));
        let certificate_pem = read(&certificate_file)?;
        let key_pem = Zeroizing::new(read(&key_file)?);

        let no_certificate = || broken(&certificate_file, "there is no certificate in it");
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| no_certificate())?;
        let key = KeyPair::from_pem(&key_pem)
            .map_err(|_| broken(&key_file, "there is no private key in it"))?;
        let parsed = name::parse(&certificate).ok_or_else(no_certificate)?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(broken(
                &key_file,
                "the key does not belong to the certificate",
            ));
        }
        let not_after = name::moment(parsed.validity().not_after).ok_or(PkiError::Time)?;

        Ok(Self {
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            certificate: certificate.clone(),
            certificate_pem,
            not_after,
        })
    }

    /// The certificate of the authority in PEM, for those who are to trust it.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Issues a certificate by which the inventory knows the device as
    /// `urn:doorward:device:<id>`.
    pub fn issue_device(
        &self,
        id: &str,
        display_name: &str,
        validity_days: u32,
        now: Timestamp,
    ) -> Result<IssuedCertificate, PkiError> {
        let plain = |symbol: char| symbol.is_ascii_alphanumeric() || "._-".contains(symbol);
        if id.is_empty() || !id.chars().all(plain) {
            return Err(PkiError::DeviceName(id.to_owned()));
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(display_name);
        let urn = format!("urn:doorward:device:{id}");
        params.subject_alt_names = vec![SanType::URI(urn.try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params, display_name, validity_days, now)
    }

    /// Issues a server certificate for these hosts, names or addresses.
    pub fn issue_server(
        &self,
        hosts: &[String],
        validity_days: u32,
        now: Timestamp,
    ) -> Result<IssuedCertificate, PkiError> {
        let first = hosts.first().ok_or(PkiError::NoHost)?;
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name = common_name(first);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params, first, validity_days, now)
    }

    /// A revocation list, in PEM, with these serial numbers and no others.
    pub fn crl(
        &self,
        revoked: &[String],
        validity_days: u32,
        now: Timestamp,
    ) -> Result<String, PkiError> {
        let this_update = asn1_time(now)?.to_datetime();
        let revoked_certs = revoked
            .iter()
            .map(|serial| {
                Ok(RevokedCertParams {
                    serial_number: parsed_serial(serial)?,
                    revocation_time: this_update,
                    reason_code: None,
                    invalidity_date: None,
                })
            })
            .collect::<Result<Vec<_>, PkiError>>()?;
        // RFC 5280 section 5.2.3: numbers increase. So do the seconds.
        let number = u64::try_from(now.timestamp()).map_err(|_| PkiError::Time)?;
        let list = CertificateRevocationListParams {
            this_update,
            next_update: asn1_time(later(now, days(validity_days))?)?.to_datetime(),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        display_name: &str,
        validity_days: u32,
        now: Timestamp,
    ) -> Result<IssuedCertificate, PkiError> {
        let end = later(now, days(validity_days))?.min(self.not_after);
        set_validity(&mut params, now, end)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(IssuedCertificate::new(
            &certificate,
            &key,
            &self.certificate,
            &self.certificate_pem,
            display_name,
        ))
    }
}

/// Writes a file that only its owner can read, and that is not there yet.
pub fn write_private(path: &Path, contents: &[u8]) -> Result<(), PkiError> {
    write_new(path, contents, 0o600)
}

/// Writes a file that everyone can read, and that is not there yet.
pub fn write_public(path: &Path, contents: &[u8]) -> Result<(), PkiError> {
    write_new(path, contents, 0o644)
}

fn write_new(path: &Path, contents: &[u8], mode: u32) -> Result<(), PkiError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(contents))
        .map_err(|source| file_error(path, source))
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: io::Error) -> PkiError {
    let path = path.display().to_string();
    if source.kind() == io::ErrorKind::AlreadyExists {
        PkiError::Exists { path }
    } else {
        PkiError::File { path, source }
    }
}

fn broken(path: &Path, reason: &'static str) -> PkiError {
    PkiError::Broken {
        path: path.display().to_string(),
        reason,
    }
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn set_validity(
    params: &mut CertificateParams,
    now: Timestamp,
    end: Timestamp,
) -> Result<(), PkiError> {
    params.not_before = asn1_time(later(now, -BACKDATED)?)?.to_datetime();
    params.not_after = asn1_time(end)?.to_datetime();
    Ok(())
}

fn asn1_time(at: Timestamp) -> Result<ASN1Time, PkiError> {
    ASN1Time::from_timestamp(at.timestamp()).map_err(|_| PkiError::Time)
}

fn later(now: Timestamp, by: TimeDelta) -> Result<Timestamp, PkiError> {
    now.checked_add_signed(by).ok_or(PkiError::Time)
}

fn days(count: u32) -> TimeDelta {
    TimeDelta::days(i64::from(count))
}

/// Serial numbers are written in many ways: with colons, in either case, with an odd number of
/// digits.
fn parsed_serial(text: &str) -> Result<SerialNumber, PkiError> {
    let mut digits = text.replace(':', "");
    if digits.len() % 2 == 1 {
        digits.insert(0, '0');
    }
    match HEXLOWER_PERMISSIVE.decode(digits.as_bytes()) {
        Ok(bytes) if !bytes.is_empty() => Ok(SerialNumber::from(bytes)),
        _ => Err(PkiError::Serial(text.to_owned())),
    }
}
