//! Passwords: their stored hashes, and the checking of a typed one in bounded parallel and equal time.
//! Leaves to others whose password it is (`users`) and how often somebody may try (`oidc`).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::domain::entropy::Entropy;
use crate::domain::secret::Secret;

/// Most memory that checking one password may take, in KiB: 256 MiB.
const MOST_MEMORY: u32 = 256 * 1024;

/// Most passes over that memory.
const MOST_PASSES: u32 = 16;

/// Most lanes.
const MOST_LANES: u32 = 16;

/// The stored hash of a password: a PHC string of Argon2id (RFC 9106). It prints as dots.
#[derive(Clone)]
pub struct PasswordHash(phc::PasswordHash);

impl PasswordHash {
    /// Whether the hash was made with the parameters that new hashes get. Another one takes another time
    /// to check, from which a stranger can tell that the user exists.
    #[must_use]
    pub fn is_current(&self) -> bool {
        Params::try_from(&self.0).is_ok_and(|params| costs(&params) == costs(&Params::DEFAULT))
    }
}

impl FromStr for PasswordHash {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::Malformed)?;
        if hash.algorithm.as_str() != Algorithm::Argon2id.as_str() {
            return Err(PasswordError::Algorithm(hash.algorithm.to_string()));
        }
        if hash.version != Some(Version::V0x13.into()) {
            return Err(PasswordError::Version);
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError::Incomplete);
        }
        let params = Params::try_from(&hash).map_err(|_| PasswordError::Parameters)?;
        if params.m_cost() > MOST_MEMORY
            || params.t_cost() > MOST_PASSES
            || params.p_cost() > MOST_LANES
        {
            return Err(PasswordError::TooCostly);
        }
        Ok(Self(hash))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(••••••••)")
    }
}

/// Why a text is no usable hash of a password, or none could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Not in the PHC format.
    #[error("not a password hash in the PHC format, which begins with `$argon2id$`")]
    Malformed,
    /// Another function.
    #[error("a hash by `{0}` instead of `argon2id`")]
    Algorithm(String),
    /// Another version of the function.
    #[error("not version 19 of Argon2, which is written `$v=19$`")]
    Version,
    /// Salt or hash is missing.
    #[error("a password hash without its salt or without the hash itself")]
    Incomplete,
    /// Parameters that the function does not accept.
    #[error("a password hash with parameters that Argon2 does not accept")]
    Parameters,
    /// Parameters that would let one sign-in take the machine.
    #[error("a password hash that costs too much to check: at most m=262144, t=16, p=16")]
    TooCostly,
    /// The function failed, for want of memory or because of the password's length.
    #[error("the password could not be hashed: {0}")]
    Hashing(argon2::password_hash::Error),
}

/// The hash to store for a password, as a PHC string.
pub fn hash_password(password: &str, entropy: &dyn Entropy) -> Result<String, PasswordError> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    argon2()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash: phc::PasswordHash| hash.to_string())
        .map_err(PasswordError::Hashing)
}

/// Whether the password is the one that was hashed. Takes tens of milliseconds and 19 MiB:
/// a request goes through [`Passwords`].
#[must_use]
pub fn verify(hash: &PasswordHash, password: &str) -> bool {
    argon2()
        .verify_password(password.as_bytes(), &hash.0)
        .is_ok()
}

/// Checks passwords, no more of them at once than the machine has cores: the others wait their turn, and
/// memory stays bounded.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    decoy: PasswordHash,
}

impl Passwords {
    /// A checker for this machine.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = Secret::generate(entropy);
        Ok(Self {
            turns: Arc::new(Semaphore::new(cores)),
            decoy: hash_password(nobody.expose(), entropy)?.parse()?,
        })
    }

    /// Whether the password is the one that was hashed. Without a hash, because there is no such user, the
    /// answer is no after the same work: the time of an answer does not tell which users exist.
    pub async fn verify(&self, hash: Option<&PasswordHash>, password: Zeroizing<String>) -> bool {
        let exists = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).clone();
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return false;
        };
        let checked = tokio::task::spawn_blocking(move || {
            let right = verify(&hash, &password);
            // A browser that went away does not stop the work, so the turn ends with the work.
            drop(turn);
            right
        });
        let right = checked.await.unwrap_or(false);
        exists && right
    }
}

/// Argon2id with m=19456 (KiB), t=2, p=1: the configuration that OWASP recommends first.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn costs(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::SeededEntropy;

    /// Cheap parameters, for tests of what is parsed and not of what is hashed.
    const CHEAP: &str =
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn refused(text: &str) -> PasswordError {
        text.parse::<PasswordHash>().unwrap_err()
    }

    fn typed(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn a_hash_is_argon2id_with_the_recommended_parameters() {
        let text = hash_password("correct horse", &SeededEntropy::new(1)).unwrap();
        assert!(
            text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{text}"
        );
        assert!(text.parse::<PasswordHash>().unwrap().is_current());
    }

    #[test]
    fn the_right_password_is_recognised_and_a_wrong_one_is_not() {
        let text = hash_password("correct horse", &SeededEntropy::new(1)).unwrap();
        let hash = text.parse().unwrap();
        assert!(verify(&hash, "correct horse"));
        assert!(!verify(&hash, "correct horsE"));
        assert!(!verify(&hash, ""));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let entropy = SeededEntropy::new(1);
        assert_ne!(
            hash_password("a", &entropy).unwrap(),
            hash_password("a", &entropy).unwrap()
        );
    }

    #[tokio::test]
    async fn somebody_who_does_not_exist_has_no_password() {
        let entropy = SeededEntropy::new(1);
        let passwords = Passwords::new(&entropy).unwrap();
        let nobody = Secret::generate(&SeededEntropy::new(1));
        assert!(verify(&passwords.decoy, nobody.expose()));
        assert!(!passwords.verify(None, typed(nobody.expose())).await);
    }

    #[tokio::test]
    async fn more_passwords_than_cores_are_all_checked() {
        let entropy = SeededEntropy::new(1);
        let passwords = Passwords::new(&entropy).unwrap();
        let hash: PasswordHash = CHEAP.parse().unwrap();
        let checks: Vec<_> = (0..200)
            .map(|_| {
                let (passwords, hash) = (passwords.clone(), hash.clone());
                tokio::spawn(async move { passwords.verify(Some(&hash), typed("x")).await })
            })
            .collect();
        for check in checks {
            assert!(!check.await.unwrap());
        }
    }

    #[test]
    fn the_decoy_costs_what_a_hash_costs() {
        let passwords = Passwords::new(&SeededEntropy::new(1)).unwrap();
        assert!(passwords.decoy.is_current());
        assert!(!CHEAP.parse::<PasswordHash>().unwrap().is_current());
    }

    #[test]
    fn other_texts_are_refused_with_their_reason() {
        assert_eq!(refused("hunter2"), PasswordError::Malformed);
        assert_eq!(refused(""), PasswordError::Malformed);
        assert_eq!(
            refused(&CHEAP.replace("argon2id", "argon2i")),
            PasswordError::Algorithm("argon2i".to_owned())
        );
        assert_eq!(refused(&CHEAP.replace("v=19$", "")), PasswordError::Version);
        assert_eq!(
            refused(&CHEAP.replace("v=19", "v=16")),
            PasswordError::Version
        );
        assert_eq!(
            refused("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ"),
            PasswordError::Incomplete
        );
        assert_eq!(
            refused(&CHEAP.replace("m=8", "m=1")),
            PasswordError::Parameters
        );
        assert_eq!(
            refused(&CHEAP.replace("m=8", "m=4194304")),
            PasswordError::TooCostly
        );
        assert_eq!(
            refused(&CHEAP.replace("t=1", "t=1000000")),
            PasswordError::TooCostly
        );
    }

    #[test]
    fn a_hash_prints_as_dots() {
        let hash: PasswordHash = CHEAP.parse().unwrap();
        assert_eq!(format!("{hash:?}"), "PasswordHash(••••••••)");
    }
}
