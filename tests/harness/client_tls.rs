//! The host that asks clients for their certificates, authorities of clients, and what they issue. Nothing here comes
//! from the server, so that the two can disagree.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use doorward::cli::pki::DevelopmentCa;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, RevokedCertParams, SerialNumber, date_time_ymd,
};
use reqwest::{Client, Identity, redirect};
use serde_json::{Value, json};

use super::installation::Installation;
use super::now;
use super::provider::TestProvider;

/// The host's name.
const HOST: &str = "mtls.localhost";

/// The host that asks clients for their certificates.
#[derive(Debug, Clone, Copy)]
pub struct ClientHost {
    port: u16,
}

/// An authority that vouches for clients.
#[derive(Debug)]
pub struct ClientAuthority(CertifiedIssuer<'static, KeyPair>);

/// The certificate of a client, with its key.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The certificate in DER.
    pub der: Vec<u8>,
    serial: SerialNumber,
    pem: String,
    key: KeyPair,
}

impl ClientHost {
    /// The file of the authority.
    pub const AUTHORITY: &'static str = "pki/clients-ca.pem";
    /// The file with what it has revoked.
    pub const REVOKED: &'static str = "pki/clients.crl";
    /// The file with the certificate of the host.
    pub const CERTIFICATE: &'static str = "pki/mtls.pem";
    /// The file with its key.
    const KEY: &'static str = "pki/mtls-key.pem";

    /// Adds the host to the configuration, which believes this authority.
    pub fn add(files: &Installation, authority: &ClientAuthority) -> Self {
        let host = Self::add_without_authority(files);
        files.overwrite(Self::AUTHORITY, authority.0.pem());
        files.overwrite(Self::REVOKED, authority.revocation_list(&[]));
        files.append(
            "doorward.toml",
            &format!(
                "authorities = ['{}']\nrevocation_lists = ['{}']\n",
                Self::AUTHORITY,
                Self::REVOKED
            ),
        );
        host
    }

    /// Adds the host to the configuration. It knows clients by their keys alone.
    pub fn add_without_authority(files: &Installation) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let host = Self { port };
        host.renew(files);
        files.append(
            "doorward.toml",
            &format!(
                "\n[client_tls]\nurl = 'https://{HOST}:{port}'\naddress = '127.0.0.1:{port}'\n\
                 certificate = '{}'\nkey = '{}'\n",
                Self::CERTIFICATE,
                Self::KEY
            ),
        );
        host
    }

    /// Gives the host another certificate, and says which, in DER.
    pub fn renew(self, files: &Installation) -> Vec<u8> {
        let servers = DevelopmentCa::open(&files.path("pki/servers")).expect("an authority");
        let issued = servers
            .issue_server(&[HOST.to_owned()], 90, now())
            .expect("issued");
        fs::write(files.path(Self::KEY), issued.key_pem.as_bytes()).expect("written");
        fs::write(files.path(Self::CERTIFICATE), &issued.chain_pem).expect("written");
        issued.der
    }

    /// The URL of a path there.
    pub fn url(self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }

    /// What a client with this certificate calls the provider with, on any host.
    pub fn http(provider: &TestProvider, certificate: Option<&ClientCertificate>) -> Client {
        // The ports stand in the URLs.
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut builder = Client::builder()
            .tls_certs_only([provider.files().pki.root()])
            .redirect(redirect::Policy::none())
            .resolve(HOST, here)
            .resolve("localhost", here)
            .tls_info(true);
        if let Some(certificate) = certificate {
            builder = builder.identity(certificate.identity());
        }
        builder.build().expect("a client")
    }
}

impl ClientAuthority {
    /// An authority of this name.
    pub fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// A certificate for a client of this common name, after `change` had its way with it.
    pub fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ClientCertificate {
        let mut params = named(name);
        change(&mut params);
        let (key, serial) = (KeyPair::generate().expect("a key"), serial(&params));
        let certificate = params.signed_by(&key, self.issuer()).expect("issued");
        ClientCertificate {
            der: certificate.der().to_vec(),
            serial,
            pem: certificate.pem(),
            key,
        }
    }

    /// A revocation list with these certificates and no others.
    pub fn revocation_list(&self, revoked: &[&ClientCertificate]) -> String {
        let revoked_certs = revoked.iter().map(|certificate| RevokedCertParams {
            serial_number: certificate.serial.clone(),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(self.issuer()).expect("a list");
        list.pem().expect("text")
    }

    fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.0
    }
}

impl ClientCertificate {
    /// A certificate that a client of this common name signed itself.
    pub fn self_signed(name: &str) -> Self {
        Self::signed_with(KeyPair::generate().expect("a key"), name)
    }

    /// Another certificate for the same key.
    pub fn renewed(&self, name: &str) -> Self {
        let key = KeyPair::from_pem(&self.key.serialize_pem()).expect("a key");
        Self::signed_with(key, name)
    }

    fn signed_with(key: KeyPair, name: &str) -> Self {
        let params = named(name);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            der: certificate.der().to_vec(),
            serial: serial(&params),
            pem: certificate.pem(),
            key,
        }
    }

    /// The public key: RFC 7517.
    pub fn jwk(&self) -> Value {
        // SEC 1, section 2.3.3: one byte of form, then x and y.
        let (x, y) = self.key.der_bytes()[1..].split_at(32);
        let [x, y] = [x, y].map(|bytes| BASE64URL_NOPAD.encode(bytes));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }

    /// What tokens say that are bound to it: RFC 8705, section 3.1.
    pub fn confirmation(&self) -> Value {
        let thumbprint = BASE64URL_NOPAD.encode(digest(&SHA256, &self.der).as_ref());
        json!({ "x5t#S256": thumbprint })
    }

    fn identity(&self) -> Identity {
        let pem = format!("{}{}", self.key.serialize_pem(), self.pem);
        Identity::from_pem(pem.as_bytes()).expect("an identity")
    }
}

/// A certificate for authenticating a client of this common name. It is valid for a very long time.
fn named(name: &str) -> CertificateParams {
    static MADE: AtomicU32 = AtomicU32::new(1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    params.serial_number = Some(SerialNumber::from(u64::from(number)));
    params
}

fn serial(params: &CertificateParams) -> SerialNumber {
    params.serial_number.clone().expect("a number")
}
