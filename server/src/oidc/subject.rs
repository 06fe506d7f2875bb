//! What a client is told a user is called: `sub` (OpenID Connect Core 1.0, section 8). It is made here, nowhere else.
//! Which clients are told a name of their own is left to the clients file.

use std::fmt;

use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64URL_NOPAD};

use super::provider::Provider;
use crate::directory::clients::{ClientRecord, SubjectType};
use crate::directory::users::UserRecord;
use crate::domain::entropy::Entropy;

/// Length of the key, in bytes: that of the hash (RFC 2104, section 3).
const LENGTH: usize = 32;

/// The key of pairwise subjects. Whoever has it can tell who is behind a subject, and whoever loses it cannot make the
/// same subjects again.
pub struct PairwiseKey(hmac::Key);

impl PairwiseKey {
    /// The key in this text: the base64 of 32 bytes. Space around it does not count.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.trim().as_bytes()).ok()?;
        (bytes.len() == LENGTH).then(|| Self::of(&bytes))
    }

    /// A key that nobody keeps, where no client is told pairwise subjects.
    #[must_use]
    pub fn passing(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; LENGTH];
        entropy.fill(&mut bytes);
        Self::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for PairwiseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairwiseKey(••••••••)")
    }
}

/// The `sub` by which this client knows this user.
pub(super) fn of(cx: &Provider, client: &ClientRecord, user: &UserRecord) -> String {
    called(&cx.pairwise, &client.subject, user.id.as_str())
}

/// What the user with this identifier is called by clients that are told such subjects.
fn called(key: &PairwiseKey, subject: &SubjectType, user: &str) -> String {
    match subject {
        SubjectType::Public => user.to_owned(),
        // Section 8.1: no two sectors can find out together that they know the same user. The zero byte stands in
        // neither part, so that no two pairs make the same text.
        SubjectType::Pairwise(sector) => {
            let mut hash = hmac::Context::with_key(&key.0);
            hash.update(sector.as_str().as_bytes());
            hash.update(&[0]);
            hash.update(user.as_bytes());
            BASE64URL_NOPAD.encode(hash.sign().as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::Clients;
    use crate::domain::entropy::SeededEntropy;

    /// The base64 of 32 bytes, each of them 7.
    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    fn key() -> PairwiseKey {
        PairwiseKey::parse(KEY).unwrap()
    }

    /// What a client with this host and these lines tells subjects by.
    fn subject(host: &str, lines: &str) -> SubjectType {
        let text = format!(
            "[[client]]\nid = 'app'\npublic = true\nredirect_uris = ['https://{host}/callback']\n{lines}\n"
        );
        let clients = Clients::parse_everything(&text, "clients.toml").unwrap();
        clients.value.by_id("app").unwrap().subject.clone()
    }

    fn pairwise(host: &str) -> SubjectType {
        subject(host, "subject = 'pairwise'")
    }

    #[test]
    fn a_public_subject_is_the_identifier_of_the_user() {
        let public = subject("app.example", "");
        assert_eq!(called(&key(), &public, "u-ana"), "u-ana");
    }

    #[test]
    fn a_pairwise_subject_is_the_hmac_of_sector_and_user() {
        // Computed by another implementation.
        assert_eq!(
            called(&key(), &pairwise("app.example"), "u-ana"),
            "4oZ5IQaWzdTtNWBmK2R95UbN37WfjDG7fRTXpSvUC24"
        );
        assert_eq!(
            called(&key(), &pairwise("other.example"), "u-ana"),
            "GBcYOQc2cnlImZnDGexg2Q6PlrGZQF5qilZkFFL1v7Q"
        );
    }

    #[test]
    fn clients_of_one_sector_are_told_the_same() {
        let sector = "subject = 'pairwise'\nsector = 'https://app.example/group'";
        let (one, other) = (subject("a.example", sector), subject("b.example", sector));
        assert_eq!(
            called(&key(), &one, "u-ana"),
            called(&key(), &other, "u-ana")
        );
        assert_ne!(called(&key(), &one, "u-ana"), called(&key(), &one, "u-bo"));
    }

    #[test]
    fn a_key_is_the_base64_of_32_bytes() {
        assert!(PairwiseKey::parse(&format!(" {KEY}\n")).is_some());
        for text in [
            "",
            "BwcH",
            &KEY[..43],
            &format!("{KEY}{KEY}"),
            &"ab".repeat(32),
        ] {
            assert!(PairwiseKey::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", key()), "PairwiseKey(••••••••)");
    }

    #[test]
    fn a_passing_key_is_another_each_time() {
        let entropy = SeededEntropy::new(1);
        let name = || {
            let key = PairwiseKey::passing(&entropy);
            called(&key, &pairwise("app.example"), "u-ana")
        };
        assert_ne!(name(), name());
    }
}
