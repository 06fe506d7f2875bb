//! Distinguished names as operators write them (RFC 4514), to be compared with those of certificates. How a
//! certificate spells its name is left to `signals::certificate`.

use std::collections::BTreeSet;
use std::str::FromStr;

use thiserror::Error;

/// RFC 4514, section 3, and two more that certificates carry often: identifier and keyword.
const KEYWORDS: [(&str, &str); 11] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// What may follow a backslash as itself (RFC 4514, section 3).
const ESCAPED: &str = "\"+,;<>\\ #=";

/// What never stands in a value without a backslash.
const SPECIAL: &str = "\";<>\0";

/// One step of a name: its attributes by their object identifiers, in no order (RFC 4514, section 2.2).
pub type RelativeName = BTreeSet<(String, String)>;

/// A distinguished name. Two are equal that have the same attributes at the same steps with the same values, however
/// they are written. Values compare letter by letter: a name that only resembles another is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName(Vec<RelativeName>);

/// The text is no distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not a distinguished name in the form of RFC 4514, such as `CN=app,O=Example`")]
pub struct NoDistinguishedName;

impl DistinguishedName {
    /// The name of these steps, the most specific first.
    #[must_use]
    pub fn new(steps: Vec<RelativeName>) -> Self {
        Self(steps)
    }
}

impl FromStr for DistinguishedName {
    type Err = NoDistinguishedName;

    fn from_str(text: &str) -> Result<Self, NoDistinguishedName> {
        pieces(text, ',')
            .into_iter()
            .map(|step| {
                let attributes = pieces(step, '+').into_iter().map(attribute);
                attributes.collect::<Option<RelativeName>>()
            })
            .collect::<Option<Vec<RelativeName>>>()
            .map(Self)
            .ok_or(NoDistinguishedName)
    }
}

/// The keyword of an attribute, by its object identifier.
#[must_use]
pub fn keyword(identifier: &str) -> Option<&'static str> {
    KEYWORDS
        .into_iter()
        .find(|(known, _)| *known == identifier)
        .map(|(_, keyword)| keyword)
}

/// What stands between separators that no backslash precedes.
fn pieces(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut rest, mut begin, mut escaped) = (text, 0, false);
    for (place, symbol) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if symbol == '\\' {
            escaped = true;
        } else if symbol == separator
            && let Some((piece, after)) = rest.split_at_checked(place - begin)
        {
            pieces.push(piece);
            begin = place + separator.len_utf8();
            rest = after.get(separator.len_utf8()..).unwrap_or_default();
        }
    }
    pieces.push(rest);
    pieces
}

fn attribute(text: &str) -> Option<(String, String)> {
    let (kind, value) = text.split_once('=')?;
    Some((identifier(kind.trim_matches(' '))?, value_of(value)?))
}

/// The object identifier of an attribute, by its keyword in any case or by itself.
fn identifier(kind: &str) -> Option<String> {
    let known = KEYWORDS
        .into_iter()
        .find(|(_, keyword)| keyword.eq_ignore_ascii_case(kind));
    if let Some((identifier, _)) = known {
        return Some(identifier.to_owned());
    }
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (kind.contains('.') && kind.split('.').all(number)).then(|| kind.to_owned())
}

/// The value, without the blanks around it and without backslashes (RFC 4514, section 2.4).
fn value_of(text: &str) -> Option<String> {
    let text = text.trim_start_matches(' ');
    // The bytes of other encodings (RFC 4514, section 2.4) are in no name that people write down.
    if text.starts_with('#') {
        return None;
    }
    let bare = text.trim_end_matches(' ');
    let backslashes = bare.len() - bare.trim_end_matches('\\').len();
    // An odd one at the end makes the next blank a part of the value; where there is none, nothing is escaped.
    let value = text.get(..bare.len() + backslashes % 2)?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut symbols = value.chars();
    while let Some(symbol) = symbols.next() {
        if symbol != '\\' {
            if SPECIAL.contains(symbol) {
                return None;
            }
            bytes.extend_from_slice(symbol.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let first = symbols.next()?;
        if ESCAPED.contains(first) {
            bytes.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let byte = first.to_digit(16)? * 16 + symbols.next()?.to_digit(16)?;
        bytes.push(u8::try_from(byte).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse()
            .unwrap_or_else(|refused| panic!("{text}: {refused}"))
    }

    fn one(identifier: &str, value: &str) -> DistinguishedName {
        let step = RelativeName::from([(identifier.to_owned(), value.to_owned())]);
        DistinguishedName::new(vec![step])
    }

    #[test]
    fn steps_stand_most_specific_first() {
        let expected = DistinguishedName::new(vec![
            RelativeName::from([("2.5.4.3".to_owned(), "app".to_owned())]),
            RelativeName::from([("2.5.4.10".to_owned(), "Example".to_owned())]),
        ]);
        assert_eq!(name("CN=app,O=Example"), expected);
        assert_ne!(name("O=Example,CN=app"), expected);
        assert_ne!(name("CN=app"), expected);
    }

    #[test]
    fn the_way_of_writing_does_not_count() {
        for same in [
            "CN=app,O=Example",
            "cn=app, o=Example",
            "2.5.4.3=app , 2.5.4.10=Example",
            "CN=\\61pp,O=Ex\\61mple",
        ] {
            assert_eq!(name(same), name("CN=app,O=Example"), "{same}");
        }
        assert_eq!(name("CN=a+UID=b"), name("UID=b+CN=a"));
    }

    #[test]
    fn values_compare_letter_by_letter() {
        for other in ["CN=App", "CN=app\\ ", "CN=ap p", "OU=app", "CN=a+CN=app"] {
            assert_ne!(name(other), name("CN=app"), "{other}");
        }
    }

    #[test]
    fn what_is_escaped_is_a_part_of_the_value() {
        for (text, value) in [
            ("CN=Ana\\, O\\=Bank", "Ana, O=Bank"),
            ("CN=Ana\\2C O=Bank", "Ana, O=Bank"),
            ("CN=a\\+b", "a+b"),
            ("CN=\\#1\\ ", "#1 "),
            ("CN=\\ a\\\\", " a\\"),
            ("CN=Ger\\C3\\A4te", "Geräte"),
            ("CN=Geräte", "Geräte"),
            ("CN=a=b", "a=b"),
            ("CN=", ""),
        ] {
            assert_eq!(name(text), one("2.5.4.3", value), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "app",
            "CN",
            "CN=app,",
            "CN=app+",
            "=app",
            "XX=app",
            "2.=app",
            "CN=app\\",
            "CN=\\zz",
            "CN=\\C3",
            "CN=\"app\"",
            "CN=a;O=b",
            "CN=#0C03617070",
        ] {
            let refused = text.parse::<DistinguishedName>();
            assert_eq!(refused, Err(NoDistinguishedName), "{text}");
        }
    }

    #[test]
    fn keywords_stand_for_identifiers() {
        assert_eq!(keyword("2.5.4.10"), Some("O"));
        assert_eq!(keyword("2.5.4.99"), None);
    }
}
