//! The algorithms of signatures (RFC 7518, section 3; RFC 8037, section 3.1) that are taken here.
//! Which of them a key can make is left to `key`, which of them may be used to the caller.

use std::fmt;

use serde::{Serialize, Serializer};

/// The one algorithm that we mean by `EdDSA`, by the name that says so (RFC 9864, section 2.2).
const ED25519: &str = "Ed25519";

/// An algorithm of a signature. There is no `none`, and no algorithm with a shared secret: secrets are stored
/// hashed, so nothing could be verified with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// RSA with PKCS #1 v1.5 and SHA-384.
    Rs384,
    /// RSA with PKCS #1 v1.5 and SHA-512.
    Rs512,
    /// RSA with PSS and SHA-256.
    Ps256,
    /// RSA with PSS and SHA-384.
    Ps384,
    /// RSA with PSS and SHA-512.
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// `EdDSA` with Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Everything that is understood.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// What FAPI 2.0 Security Profile, section 5.4.1 leaves.
    pub const FAPI: [Self; 3] = [Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name, as the header member `alg` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name; case counts (RFC 7515, section 4.1.1).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        if name == ED25519 {
            return Some(Self::EdDsa);
        }
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Every name that is understood.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::name).chain([ED25519])
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::RS256,
            Algorithm::Rs384 => Self::RS384,
            Algorithm::Rs512 => Self::RS512,
            Algorithm::Ps256 => Self::PS256,
            Algorithm::Ps384 => Self::PS384,
            Algorithm::Ps512 => Self::PS512,
            Algorithm::Es256 => Self::ES256,
            Algorithm::Es384 => Self::ES384,
            Algorithm::EdDsa => Self::EdDSA,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::by_name(algorithm.name()), Some(algorithm));
        }
    }

    #[test]
    fn ed25519_has_two_names() {
        assert_eq!(Algorithm::by_name("Ed25519"), Some(Algorithm::EdDsa));
        let names: Vec<&str> = Algorithm::names().collect();
        assert!(names.contains(&"Ed25519") && names.contains(&"EdDSA"));
        assert_eq!(Algorithm::by_name("Ed448"), None);
    }

    #[test]
    fn no_signature_and_shared_secrets_are_no_algorithms() {
        for name in [
            "none", "None", "HS256", "HS384", "HS512", "es256", "ES512", "ES256K", "",
        ] {
            assert_eq!(Algorithm::by_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_library_calls_them_the_same() {
        for algorithm in Algorithm::ALL {
            let theirs = jsonwebtoken::Algorithm::from(algorithm);
            let named: jsonwebtoken::Algorithm = algorithm.name().parse().unwrap();
            assert_eq!(named, theirs);
        }
    }
}
