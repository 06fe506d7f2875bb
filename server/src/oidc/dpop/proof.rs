//! One proof (RFC 9449, section 4): whether it is one, for this request, of this moment. The checks have the numbers of
//! section 4.3. That it counts once, and whose key it has to be, is left to `mod.rs`.

use std::cell::Cell;

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::percent_decode_str;
use url::{SyntaxViolation, Url};

use crate::domain::clock::Timestamp;
use crate::domain::secret::{Secret, SecretHash};
use crate::jose::{Algorithm, Claims, JoseError, SKEW, verify_by_own_key};

/// By its type a proof is taken for nothing else, and nothing else for a proof.
const TYPES: [Option<&str>; 1] = [Some("dpop+jwt")];

/// How far from now a proof may have been made, either way. Clocks of people's devices are worse than those of servers;
/// FAPI 2.0 Security Profile, section 5.3.2.1 wants more than sixty seconds ahead refused.
const WINDOW: TimeDelta = TimeDelta::seconds(60);

/// Longest `jti`, in characters.
const LONGEST_ID: usize = 128;

/// The request that a proof has to be for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    /// Its method.
    pub(super) method: &'a str,
    /// Its endpoint, by each of our own names for it.
    pub(super) urls: &'a [String],
    /// The access token that it presents, at a protected resource.
    pub(super) token: Option<&'a Secret>,
    /// What the proof may be signed with.
    pub(super) algorithms: &'a [Algorithm],
}

/// A proof that is right, as far as it can be told without knowing what was shown before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proof {
    /// The thumbprint of the key that has signed it (RFC 7638).
    pub(super) key: [u8; 32],
    /// What counts once.
    pub(super) once: SecretHash,
    /// After this moment it counts no more.
    pub(super) until: Timestamp,
}

/// What the text proves about this request: checks 2 to 9, 11, and of check 12 the first half. There is no check 10,
/// because no nonces are handed out.
pub(super) fn check(
    text: &str,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Proof, JoseError> {
    // Checks 2 and 4 to 7.
    let (verified, key) = verify_by_own_key(text, &TYPES, expected.algorithms)?;
    let claims = &verified.claims;
    // Check 8. Methods are compared with their case (RFC 9110, section 9.1).
    if claims.required("htm")? != expected.method {
        return Err(JoseError::ClaimValue("htm"));
    }
    // Check 9.
    let htu = claims.required("htu")?;
    if !expected.urls.iter().any(|url| is_endpoint(htu, url)) {
        return Err(JoseError::ClaimValue("htu"));
    }
    let until = window(claims, now)?;
    // Check 12.
    if let Some(token) = expected.token
        && claims.required("ath")? != hash_of(token)
    {
        return Err(JoseError::ClaimValue("ath"));
    }
    let jti = claims.required("jti")?;
    if jti.is_empty() || jti.chars().count() > LONGEST_ID {
        return Err(JoseError::ClaimValue("jti"));
    }
    let key = key.thumbprint();
    // A thumbprint holds no blank, so that no two pairs make one text.
    let shown = format!("dpop-proof {} {jti}", BASE64URL_NOPAD.encode(&key));
    Ok(Proof {
        key,
        once: SecretHash::of(shown.as_bytes()),
        until,
    })
}

/// Check 11: until when the proof counts, if it counts now.
fn window(claims: &Claims, now: Timestamp) -> Result<Timestamp, JoseError> {
    let made = claims
        .instant("iat")?
        .ok_or(JoseError::ClaimMissing("iat"))?;
    // These need not be there (RFC 7519, sections 4.1.4 and 4.1.5), and count where they are.
    let (begins, ends) = (claims.instant("nbf")?, claims.instant("exp")?);
    let ahead = |at: Timestamp| at > now + WINDOW;
    if ahead(made) || begins.is_some_and(ahead) {
        return Err(JoseError::NotYetValid);
    }
    let until = made + WINDOW;
    if now > until || ends.is_some_and(|ends| now >= ends + SKEW) {
        return Err(JoseError::Expired);
    }
    Ok(until)
}

/// `ath` (section 4.2): the hash of the token as it was presented.
fn hash_of(token: &Secret) -> String {
    BASE64URL_NOPAD.encode(token.digest().as_bytes())
}

/// Whether a client means this endpoint. Spellings of one URL are one (RFC 3986, sections 6.2.2 and 6.2.3), query and
/// fragment do not matter, and what only a browser would take for a URL is none.
fn is_endpoint(htu: &str, endpoint: &str) -> bool {
    let flawed = Cell::new(false);
    let note = |_: SyntaxViolation| flawed.set(true);
    let theirs = Url::options()
        .syntax_violation_callback(Some(&note))
        .parse(htu);
    match (theirs, Url::parse(endpoint)) {
        (Ok(theirs), Ok(ours)) => {
            let one = theirs.origin() == ours.origin() && segments(&theirs) == segments(&ours);
            one && !flawed.get()
        }
        _ => false,
    }
}

/// The parts of a path, decoded one by one: an encoded slash parts nothing.
fn segments(url: &Url) -> Option<Vec<Vec<u8>>> {
    let segments = url.path_segments()?;
    Some(
        segments
            .map(|segment| percent_decode_str(segment).collect())
            .collect(),
    )
}

#[cfg(test)]
mod tests;
