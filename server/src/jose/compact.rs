//! The compact form of a JSON Web Signature (RFC 7515, section 7.1): three parts and a header that says
//! nothing we would have to understand and do not. Nothing is verified here: `verify` does that.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::JoseError;
use super::json;

/// Longest token in bytes: as long as any parameter of a request may be.
const LONGEST: usize = 8 * 1024;

/// Members that change how the rest has to be read: extensions (RFC 7515, section 4.1.11), a payload that
/// is not base64url (RFC 7797), compression and encryption (RFC 7516, section 4.1).
const NOT_UNDERSTOOD: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// What a header says. Where it points to keys (`jku`, `x5u`) or brings certificates (`x5c`), it is not
/// listened to: whoever wrote the token would choose the key it is verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`, RFC 7515, section 4.1.1.
    pub algorithm: Algorithm,
    /// `kid`, RFC 7515, section 4.1.4.
    pub kid: Option<String>,
    /// `typ` as it was written, RFC 7515, section 4.1.9.
    pub typ: Option<String>,
    /// `jwk`, RFC 7515, section 4.1.3: for proofs by a key of their own only.
    pub(super) jwk: Option<Map<String, Value>>,
}

/// A token in its parts, not verified.
pub(super) struct Compact<'a> {
    pub(super) header: Header,
    /// What the signature is over.
    pub(super) signed: &'a str,
    payload: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, JoseError> {
        if text.len() > LONGEST {
            return Err(JoseError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JoseError::Parts)?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Parts)?;
        if payload.contains('.') {
            return Err(JoseError::Parts);
        }
        let header = Header::parse(&decoded(header)?)?;
        // All parts are looked at before any of them is used.
        decoded(payload)?;
        decoded(signature)?;
        Ok(Self {
            header,
            signed,
            payload,
            signature,
        })
    }

    /// The claims: for those who have verified the signature.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, JoseError> {
        json::object(&decoded(self.payload)?)
    }
}

/// RFC 7515, section 2: without padding. Bits that belong to no byte have to be zero: else one token would
/// have many texts.
fn decoded(part: &str) -> Result<Vec<u8>, JoseError> {
    BASE64URL_NOPAD
        .decode(part.as_bytes())
        .map_err(|_| JoseError::Encoding)
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = json::object(bytes)?;
        for name in NOT_UNDERSTOOD {
            if members.contains_key(name) {
                return Err(JoseError::HeaderMember(name));
            }
        }
        let algorithm = text(&members, "alg")?
            .as_deref()
            .and_then(Algorithm::by_name)
            .ok_or(JoseError::Algorithm)?;
        let jwk = match members.get("jwk") {
            None => None,
            Some(Value::Object(jwk)) => Some(jwk.clone()),
            Some(_) => return Err(JoseError::HeaderType("jwk")),
        };
        Ok(Self {
            algorithm,
            kid: text(&members, "kid")?,
            typ: text(&members, "typ")?,
            jwk,
        })
    }

    /// Whether the token is of one of these types; `None` stands for a header without `typ`. Names are
    /// compared without case and without `application/` (RFC 7515, section 4.1.9).
    pub(super) fn is_one_of(&self, types: &[Option<&str>]) -> bool {
        let typ = self.typ.as_deref();
        types.iter().any(|expected| match (typ, expected) {
            (None, None) => true,
            (Some(typ), Some(expected)) => short(typ).eq_ignore_ascii_case(short(expected)),
            _ => false,
        })
    }
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, JoseError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JoseError::HeaderType(name)),
    }
}

fn short(typ: &str) -> &str {
    match typ.split_once('/') {
        Some((first, rest)) if first.eq_ignore_ascii_case("application") && !rest.contains('/') => {
            rest
        }
        _ => typ,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    fn fault(text: &str) -> JoseError {
        Compact::parse(text).err().unwrap()
    }

    fn of_header(header: &str) -> Result<Header, JoseError> {
        let text = format!("{}.{}.AA", encoded(header), encoded("{}"));
        Compact::parse(&text).map(|token| token.header)
    }

    #[test]
    fn the_parts_are_those_of_the_text() {
        let text = format!(
            "{}.{}.AQID",
            encoded(r#"{"alg":"ES256"}"#),
            encoded(r#"{"a":1}"#)
        );
        let token = Compact::parse(&text).unwrap();
        assert_eq!(format!("{}.{}", token.signed, token.signature), text);
        assert_eq!(token.claims().unwrap()["a"], 1);
    }

    #[test]
    fn two_four_and_five_parts_are_refused() {
        let header = encoded(r#"{"alg":"ES256"}"#);
        for text in [
            String::new(),
            header.clone(),
            format!("{header}.e30"),
            format!("{header}.e30.AA.AA"),
            format!("{header}.e30.AA.AA.AA"),
        ] {
            assert_eq!(fault(&text), JoseError::Parts, "{text}");
        }
    }

    #[test]
    fn padding_is_refused_in_every_part() {
        let header = encoded(r#"{"alg":"ES256"} "#);
        assert_eq!(header.len() % 4, 2);
        for text in [
            format!("{header}==.e30.AA"),
            format!("{header}.e30=.AA"),
            format!("{header}.e30.AA=="),
        ] {
            assert_eq!(fault(&text), JoseError::Encoding, "{text}");
        }
    }

    #[test]
    fn bits_that_belong_to_no_byte_are_refused_in_every_part() {
        let header = encoded(r#"{"alg":"ES256"} "#);
        let (clean, last) = header.split_at(header.len() - 1);
        assert_eq!(last, "A");
        for text in [
            format!("{clean}B.e30.AA"),
            format!("{header}.e31.AA"),
            format!("{header}.e30.AB"),
        ] {
            assert_eq!(fault(&text), JoseError::Encoding, "{text}");
        }
    }

    #[test]
    fn the_other_alphabet_and_blanks_are_refused() {
        let header = encoded(r#"{"alg":"ES256"}"#);
        for signature in ["+A", "/A", " AA", "AA\n", "A A"] {
            let text = format!("{header}.e30.{signature}");
            assert_eq!(fault(&text), JoseError::Encoding, "{signature:?}");
        }
    }

    #[test]
    fn a_token_that_is_too_long_is_refused() {
        let text = format!(
            "{}.e30.{}",
            encoded(r#"{"alg":"ES256"}"#),
            "A".repeat(LONGEST)
        );
        assert_eq!(fault(&text), JoseError::TooLong);
    }

    #[test]
    fn what_is_not_understood_is_refused_whatever_it_says() {
        for name in NOT_UNDERSTOOD {
            for value in ["true", "false", "null", "[]", "[\"b64\"]", "\"DEF\""] {
                let header = format!(r#"{{"alg":"ES256","{name}":{value}}}"#);
                assert_eq!(
                    of_header(&header),
                    Err(JoseError::HeaderMember(name)),
                    "{header}"
                );
            }
        }
    }

    #[test]
    fn no_algorithm_and_algorithms_that_prove_nothing_are_refused() {
        for header in [
            "{}",
            r#"{"alg":"none"}"#,
            r#"{"alg":"NONE"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"RSA-OAEP"}"#,
        ] {
            assert_eq!(of_header(header), Err(JoseError::Algorithm), "{header}");
        }
    }

    #[test]
    fn a_repeated_header_member_is_refused() {
        let header = r#"{"alg":"none","alg":"ES256"}"#;
        assert_eq!(of_header(header), Err(JoseError::RepeatedMember));
    }

    #[test]
    fn header_members_of_the_wrong_type_are_refused() {
        for (header, name) in [
            (r#"{"alg":256}"#, "alg"),
            (r#"{"alg":"ES256","kid":1}"#, "kid"),
            (r#"{"alg":"ES256","typ":["JWT"]}"#, "typ"),
            (r#"{"alg":"ES256","jwk":"{}"}"#, "jwk"),
        ] {
            assert_eq!(
                of_header(header),
                Err(JoseError::HeaderType(name)),
                "{header}"
            );
        }
    }

    #[test]
    fn a_type_is_compared_without_case_and_without_application() {
        let header = |typ: &str| of_header(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)).unwrap();
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/At+Jwt",
        ] {
            assert!(header(typ).is_one_of(&[Some("at+jwt")]), "{typ}");
        }
        for typ in ["", "jwt", "text/at+jwt", "application/at+jwt/x", " at+jwt"] {
            assert!(!header(typ).is_one_of(&[None, Some("at+jwt")]), "{typ}");
        }
    }

    #[test]
    fn a_token_without_a_type_is_taken_only_where_none_is_expected() {
        let header = of_header(r#"{"alg":"ES256"}"#).unwrap();
        assert!(header.is_one_of(&[None, Some("JWT")]));
        assert!(!header.is_one_of(&[Some("JWT")]));
    }
}
