//! Chance: where unpredictable bytes come from, and a reproducible source for tests.
//! What the bytes become (secrets, identifiers, salts) is decided by their own types.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::rand;

/// Gives bytes that nobody can predict.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The random generator of the cryptographic library, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    // The generator fails only where the operating system has no entropy at all. Whatever went on without
    // would hand out guessable secrets, and trying again would hide that: the request has to die here.
    #[expect(
        clippy::expect_used,
        reason = "no answer at all is safer than a guessable secret"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes).expect("the operating system provides entropy");
    }
}

/// Bytes that follow from a seed alone: for tests, which must come out the same each time.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    blocks: AtomicU64,
}

impl SeededEntropy {
    /// The source that always gives the bytes of `seed`, in the same order.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            blocks: AtomicU64::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(SHA256_OUTPUT_LEN) {
            let block = self.blocks.fetch_add(1, Ordering::Relaxed);
            let input = [self.seed.to_be_bytes(), block.to_be_bytes()].concat();
            let output = digest(&SHA256, &input);
            let output: &[u8] = output.as_ref();
            for (to, from) in part.iter_mut().zip(output) {
                *to = *from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entropy, SeededEntropy, SystemEntropy};

    fn bytes(entropy: &dyn Entropy) -> [u8; 40] {
        let mut bytes = [0; 40];
        entropy.fill(&mut bytes);
        bytes
    }

    #[test]
    fn one_seed_gives_the_same_bytes_each_time() {
        assert_eq!(bytes(&SeededEntropy::new(7)), bytes(&SeededEntropy::new(7)));
    }

    #[test]
    fn two_seeds_give_different_bytes() {
        assert_ne!(bytes(&SeededEntropy::new(7)), bytes(&SeededEntropy::new(8)));
    }

    #[test]
    fn a_seeded_source_does_not_repeat_itself() {
        let entropy = SeededEntropy::new(7);
        assert_ne!(bytes(&entropy), bytes(&entropy));
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        assert_ne!(bytes(&SystemEntropy), bytes(&SystemEntropy));
    }
}
