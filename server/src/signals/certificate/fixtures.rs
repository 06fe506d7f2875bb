//! Authorities, certificates and revocation lists for tests, made on the spot.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

use crate::domain::clock::Timestamp;
use crate::reload::Snapshot;

/// The serial number of every device certificate that a test does not change.
pub(crate) const SERIAL: [u8; 2] = [0x0a, 0xbc];

/// The time at which tests look at certificates: halfway through their validity.
pub(crate) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// A snapshot of these files.
pub(crate) fn snapshot(files: &[(&str, Vec<u8>)]) -> Snapshot {
    Snapshot {
        files: files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), Arc::from(bytes.as_slice())))
            .collect(),
        digest: Snapshot::of([]).digest,
    }
}

/// A certificate authority with its key.
#[derive(Debug)]
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate that is no authority, with its key.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Authority {
    /// A self-signed authority that is valid from 2020 until 2040.
    pub(crate) fn root(name: &str) -> Self {
        Self::changed(name, |_| {})
    }

    /// A self-signed authority with something else about it.
    pub(crate) fn changed(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params(name);
        change(&mut params);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// An authority below this one.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        let params = authority_params(name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(params, key, self.issuer()).unwrap())
    }

    /// A device certificate, valid during 2026, after `change` had its way with it.
    pub(crate) fn device(&self, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "MBP-ANA");
        params.subject_alt_names = vec![
            SanType::DnsName("MBP-Ana.corp.example".try_into().unwrap()),
            SanType::URI("urn:doorward:device:mbp-ana".try_into().unwrap()),
        ];
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        params.serial_number = Some(SerialNumber::from_slice(&SERIAL));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        self.leaf(&params)
    }

    /// A server certificate for `name`, valid during 2026.
    pub(crate) fn server(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.leaf(&params)
    }

    /// A revocation list of this authority from April until July 2026.
    pub(crate) fn revocation_list(&self, serials: &[&[u8]]) -> Vec<u8> {
        self.revocation_list_until(serials, 7)
    }

    /// A revocation list of this authority from April until this month of 2026.
    pub(crate) fn revocation_list_until(&self, serials: &[&[u8]], until: u8) -> Vec<u8> {
        self.revocation_list_from(serials, 4, until)
    }

    /// A revocation list of this authority from one month of 2026 until another.
    pub(crate) fn revocation_list_from(&self, serials: &[&[u8]], from: u8, until: u8) -> Vec<u8> {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, from, 1),
            next_update: date_time_ymd(2026, until, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from_slice(serial),
                    revocation_time: date_time_ymd(2026, 3, 1),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(self.issuer()).unwrap().der().to_vec()
    }

    /// The certificate of the authority in PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// The certificate of the authority in DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.0
    }

    fn leaf(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, self.issuer()).unwrap();
        Leaf {
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
            key,
        }
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
