//! Identifiers of tenants, accounts and applications at Microsoft: 128 bits, written one way only.
//! Leaves to others what such an identifier stands for (`users`, `profile`).

use std::fmt;
use std::str::FromStr;

/// The lengths of the groups of hexadecimal digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// A GUID in its usual form, in lower case, so that equal ones are equal as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(String);

impl Guid {
    /// The GUID as text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Guid {
    type Err = InvalidGuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let groups = text.split('-');
        let fits = groups.clone().map(str::len).eq(GROUPS)
            && groups
                .flat_map(str::bytes)
                .all(|byte| byte.is_ascii_hexdigit());
        if fits {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidGuid)
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is no GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID, such as `6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91`")]
pub struct InvalidGuid;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_the_same_in_whatever_case_it_is_written() {
        let upper: Guid = "6F0C1A52-3D57-4C1B-9A4E-0D2F5B7C8E91".parse().unwrap();
        let lower: Guid = "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91".parse().unwrap();
        assert_eq!(upper, lower);
        assert_eq!(upper.as_str(), "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "contoso.com",
            "6f0c1a523d574c1b9a4e0d2f5b7c8e91",
            "{6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91}",
            "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e9",
            "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91-",
            "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e9g",
            " 6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(InvalidGuid), "{text}");
        }
    }
}
