//! TLS for the hosts that ask for a client certificate, that of devices and that of clients: takes a
//! handshake with or without one. Possession of the key is proved here; what the certificate is worth
//! is judged afterwards, so that a refusal is an answer with words and not an alert of the library.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::{
    CertificateError, ConfigBuilder, DigitallySignedStruct, DistinguishedName, SignatureScheme,
    WantsVerifier,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use crate::reload::{Live, Loaded};
use crate::signals::certificate::{CertificateTrust, crypto};
use crate::signals::tls_identity::{LiveResolver, TlsIdentity};

/// The TLS settings of one such host, always those of the authorities that are live.
pub struct AskingTls {
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    identity: Arc<dyn ResolvesServerCert>,
    trust: Live<CertificateTrust>,
    made: ArcSwap<Made>,
}

/// Settings, and the trust they were made for.
struct Made {
    trust: Arc<Loaded<CertificateTrust>>,
    config: Arc<ServerConfig>,
}

impl AskingTls {
    /// Settings that follow the live identity and the live trust.
    pub fn new(
        identity: Live<TlsIdentity>,
        trust: Live<CertificateTrust>,
    ) -> Result<Self, rustls::Error> {
        let builder =
            ServerConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions()?;
        let identity: Arc<dyn ResolvesServerCert> = Arc::new(LiveResolver(identity));
        let made = make(&builder, &identity, trust.current());
        Ok(Self {
            builder,
            identity,
            trust,
            made: ArcSwap::from_pointee(made),
        })
    }

    /// The settings for the next handshake.
    ///
    /// The library takes the names of the authorities by reference out of the settings, so other
    /// authorities need other settings; they are made when a handshake first sees the new trust.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        let made = self.made.load();
        let trust = self.trust.current();
        if Arc::ptr_eq(&made.trust, &trust) {
            return Arc::clone(&made.config);
        }
        let made = make(&self.builder, &self.identity, trust);
        let config = Arc::clone(&made.config);
        self.made.store(Arc::new(made));
        config
    }
}

impl fmt::Debug for AskingTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskingTls")
            .field("identity", &self.identity)
            .field("trust", &self.made.load().trust.value)
            .finish_non_exhaustive()
    }
}

fn make(
    builder: &ConfigBuilder<ServerConfig, WantsVerifier>,
    identity: &Arc<dyn ResolvesServerCert>,
    trust: Arc<Loaded<CertificateTrust>>,
) -> Made {
    let verifier = DangerAcceptsAnyChain {
        authorities: trust.value.subjects(),
        algorithms: crypto().signature_verification_algorithms,
    };
    let mut config = builder
        .clone()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::clone(identity));
    // Each connection proves possession anew. A resumed session would carry the certificate of an
    // earlier one, and could have come from another host (CVE-2025-23419).
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    // HTTP/2 lets a browser send requests for other hosts over this connection (RFC 9113 section
    // 9.1.1), and would then present the certificate to them as well.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Made {
        trust,
        config: Arc::new(config),
    }
}

/// Asks for a certificate and checks that the client holds its key, and nothing else: path,
/// validity and revocation are left to `CertificateTrust::verify`, which everyone who reads
/// `Peer::certificates` has to call, unless the key itself is known to them.
struct DangerAcceptsAnyChain {
    authorities: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for DangerAcceptsAnyChain {
    fn offer_client_auth(&self) -> bool {
        true
    }

    /// The absence of a certificate is for policies and endpoints to judge, and no fault of the handshake.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.authorities
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        EndEntityCert::try_from(end_entity)
            .map(|_| ClientCertVerified::assertion())
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for DangerAcceptsAnyChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DangerAcceptsAnyChain")
            .field("authorities", &self.authorities.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
