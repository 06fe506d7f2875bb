//! JSON objects in which no member stands twice. `serde_json` alone would keep the last of two, others keep
//! the first: what one of them checked is then not what the other uses.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::JoseError;

/// How many objects and arrays may stand in each other.
const DEEPEST: usize = 16;

/// The JSON object in `bytes`, which are UTF-8 and nothing else than the object. No object in it, at any
/// depth, has a member twice (RFC 7515, section 4; RFC 7519, section 4). How long it may be is left to
/// the caller.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    let fault = Cell::new(None);
    let outermost = Strict {
        depth: 0,
        fault: &fault,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = outermost.deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(JoseError::NoObject),
        Err(_) => Err(fault.get().unwrap_or(JoseError::Json)),
    }
}

/// Reads one value, and everything in it.
#[derive(Clone, Copy)]
struct Strict<'a> {
    /// How many objects and arrays are around the value.
    depth: usize,
    /// What was wrong, where it is not the JSON itself: errors of `serde` are texts only.
    fault: &'a Cell<Option<JoseError>>,
}

impl Strict<'_> {
    fn refuse<E: de::Error>(self, fault: JoseError) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    fn inside<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= DEEPEST {
            return Err(self.refuse(JoseError::TooDeep));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| self.refuse(JoseError::Json))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inside)?;
            if members.insert(name, value).is_some() {
                return Err(self.refuse(JoseError::RepeatedMember));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> JoseError {
        object(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_object_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,0.5,true,null,"é"],"b":{"a":{}}}"#;
        let read = Value::Object(object(text.as_bytes()).unwrap());
        assert_eq!(read, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_repeated_member_is_refused() {
        assert_eq!(fault(r#"{"a":1,"a":1}"#), JoseError::RepeatedMember);
    }

    #[test]
    fn a_repeated_member_is_refused_at_any_depth() {
        let text = r#"{"a":[{"b":{"c":1,"d":2,"c":3}}]}"#;
        assert_eq!(fault(text), JoseError::RepeatedMember);
    }

    #[test]
    fn a_member_that_is_repeated_in_another_spelling_is_refused() {
        assert_eq!(
            fault(r#"{"alg":1,"\u0061lg":2}"#),
            JoseError::RepeatedMember
        );
    }

    #[test]
    fn sixteen_levels_are_read_and_one_more_is_refused() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
            format!("{{\"a\":{open}{close}}}")
        };
        assert!(object(nested(DEEPEST).as_bytes()).is_ok());
        assert_eq!(fault(&nested(DEEPEST + 1)), JoseError::TooDeep);
        assert_eq!(fault(&nested(100_000)), JoseError::TooDeep);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "\"a\"", "1", "null", "true"] {
            assert_eq!(fault(text), JoseError::NoObject, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_or_not_json_only_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "{}x",
            "{}{}",
            "\u{feff}{}",
            "{a:1}",
            "{\"a\":}",
        ] {
            assert_eq!(fault(text), JoseError::Json, "{text}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(JoseError::Json));
        assert_eq!(fault(r#"{"a":"\ud800"}"#), JoseError::Json);
    }

    #[test]
    fn a_number_that_cannot_be_held_is_refused() {
        assert_eq!(fault(r#"{"exp":1e999}"#), JoseError::Json);
    }
}
