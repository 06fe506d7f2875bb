//! A browser's side of a handshake for tests, and live values made on the spot.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::KeyPair;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use crate::reload::{Live, Source};
use crate::signals::certificate::fixtures::{Authority, Leaf, now, snapshot};
use crate::signals::certificate::{CertificateTrust, TrustSource, crypto};
use crate::signals::tls_identity::{TlsIdentity, TlsIdentitySource};

/// The host that all handshakes ask for.
pub(crate) const HOST: &str = "device.id.example";

/// A certificate and its key as a live identity.
pub(crate) fn live_identity(leaf: &Leaf) -> Live<TlsIdentity> {
    let source = TlsIdentitySource {
        name: "tls",
        certificate: "tls.pem".into(),
        key: "tls.key".into(),
    };
    let key = leaf.key.serialize_pem();
    let files = [
        ("tls.pem", leaf.pem.clone().into_bytes()),
        ("tls.key", key.into_bytes()),
    ];
    live(&source, &files)
}

/// Trust in one authority, without revocation lists.
pub(crate) fn live_trust(authority: &Authority) -> Live<CertificateTrust> {
    let source = TrustSource {
        name: "trust",
        authorities: vec!["ca.pem".into()],
        hardware: Vec::new(),
        revocation_lists: Vec::new(),
    };
    live(&source, &[("ca.pem", authority.pem().into_bytes())])
}

/// The certificate that a browser offers, if any, and what it was asked for.
#[derive(Debug)]
pub(crate) struct Wallet {
    certificate: Option<Arc<CertifiedKey>>,
    hints: Mutex<Vec<Vec<u8>>>,
}

impl Wallet {
    /// A browser without certificates.
    pub(crate) fn empty() -> Arc<Self> {
        Arc::new(Self {
            certificate: None,
            hints: Mutex::new(Vec::new()),
        })
    }

    /// A browser that offers this certificate and signs with this key.
    pub(crate) fn holding(leaf: &Leaf, key: &KeyPair) -> Arc<Self> {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = crypto().key_provider.load_private_key(key).unwrap();
        let chain = vec![CertificateDer::from(leaf.der.clone())];
        Arc::new(Self {
            certificate: Some(Arc::new(CertifiedKey::new(chain, key))),
            hints: Mutex::new(Vec::new()),
        })
    }

    /// The names of authorities that the server has sent, in DER.
    pub(crate) fn hints(&self) -> Vec<Vec<u8>> {
        self.hints.lock().unwrap().clone()
    }
}

impl ResolvesClientCert for Wallet {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let hints = root_hint_subjects.iter().map(|hint| hint.to_vec());
        self.hints.lock().unwrap().extend(hints);
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A browser that trusts the authority for servers and lives at the time of the tests.
pub(crate) fn browser(
    authority: &Authority,
    wallet: Arc<Wallet>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der())).unwrap();
    ClientConfig::builder_with_details(crypto(), Arc::new(TimeOfTests))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(wallet)
}

#[derive(Debug)]
struct TimeOfTests;

impl TimeProvider for TimeOfTests {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(now().timestamp()).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn live<S: Source>(source: &S, files: &[(&str, Vec<u8>)]) -> Live<S::Value> {
    let built = source.build(&snapshot(files), None, now()).unwrap();
    Live::fixed(source.name(), built.value, now())
}
