//! Client certificates: may one be believed, and which device or client does it name?
//! Possession of the key is proved in the TLS handshake (`asking_tls`); what the inventory says
//! about a device is read in `directory::devices`, and who a client is in `oidc`.

mod identity;
pub(crate) mod name;
mod names;
pub(crate) mod pem_file;
mod trust;
mod verify;

#[cfg(test)]
pub(crate) mod fixtures;

pub use identity::{CertificateIdentity, identity};
pub use name::serial_number;
pub use names::{CertificateNames, names};
pub use trust::{CertificateTrust, TrustSource};
pub use verify::{CertificateRefused, LONGEST_CHAIN, Verified};

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The one provider of cryptography for TLS and certificates.
///
/// It is always named: with a process-wide default, whichever crate came first would choose it.
#[must_use]
pub fn crypto() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}
