//! Whom the client expects (OpenID Connect Core 1.0, section 3.1.2.2): the user of an ID token hint, or one whose `sub`
//! it asks for. Nobody else is answered for; what happens until the right one is here is left to `interaction`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::claims_request::ClaimsRequest;

/// The users who will do, by the `sub` that the client knows them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected(BTreeSet<String>);

impl Expected {
    /// Who is expected, where anybody in particular is. Wishes that leave nobody are an error.
    pub(super) fn parse(
        hint: Option<String>,
        claims: &ClaimsRequest,
    ) -> Result<Option<Self>, &'static str> {
        let mut wishes: Vec<BTreeSet<String>> = Vec::new();
        wishes.extend(hint.map(|subject| BTreeSet::from([subject])));
        // Section 5.5.1: a certain value of `sub` is a condition, essential or not.
        for place in [&claims.id_token, &claims.userinfo] {
            let values = place.get("sub").map(|sub| &sub.values);
            if let Some(values) = values.filter(|values| !values.is_empty()) {
                let texts = values.iter().filter_map(Value::as_str);
                wishes.push(texts.map(str::to_owned).collect());
            }
        }
        let Some(subjects) = wishes.into_iter().reduce(|one, other| &one & &other) else {
            return Ok(None);
        };
        if subjects.is_empty() {
            return Err("id_token_hint and claims name no user that would do for both");
        }
        Ok(Some(Self(subjects)))
    }

    /// Whether the user whom the client knows by this `sub` will do.
    pub(super) fn includes(&self, subject: &str) -> bool {
        self.0.contains(subject)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(hint: Option<&str>, claims: Value) -> Result<Option<Vec<String>>, &'static str> {
        let claims: ClaimsRequest = serde_json::from_value(claims).unwrap();
        let expected = Expected::parse(hint.map(str::to_owned), &claims)?;
        Ok(expected.map(|expected| expected.0.into_iter().collect()))
    }

    fn only(subjects: &[&str]) -> Vec<String> {
        subjects.iter().map(|&name| name.to_owned()).collect()
    }

    fn sub(values: &[&str]) -> Value {
        json!({"sub": {"values": values}})
    }

    #[test]
    fn who_names_nobody_takes_anybody() {
        assert_eq!(expected(None, json!({})), Ok(None));
        let without_value = json!({"id_token": {"sub": {"essential": true}, "email": {}}});
        assert_eq!(expected(None, without_value), Ok(None));
    }

    #[test]
    fn a_hint_and_a_claim_each_name_somebody() {
        assert_eq!(expected(Some("ana"), json!({})), Ok(Some(only(&["ana"]))));
        let token = json!({"id_token": sub(&["ana"])});
        assert_eq!(expected(None, token), Ok(Some(only(&["ana"]))));
        let userinfo = json!({"userinfo": sub(&["bo", "ana"])});
        assert_eq!(expected(None, userinfo), Ok(Some(only(&["ana", "bo"]))));
    }

    #[test]
    fn all_wishes_count_together() {
        let token = json!({"id_token": sub(&["ana", "bo"])});
        assert_eq!(expected(Some("bo"), token.clone()), Ok(Some(only(&["bo"]))));
        assert!(expected(Some("cy"), token).is_err());
        let places = json!({"id_token": sub(&["ana"]), "userinfo": sub(&["bo"])});
        assert!(expected(None, places).is_err());
    }

    #[test]
    fn a_subject_that_is_no_text_is_nobody() {
        let number = json!({"id_token": {"sub": {"values": [7]}}});
        assert!(expected(None, number).is_err());
    }

    #[test]
    fn nobody_else_will_do() {
        let hint = Some("ana".to_owned());
        let expected = Expected::parse(hint, &ClaimsRequest::default());
        let expected = expected.unwrap().unwrap();
        assert!(expected.includes("ana"));
        assert!(!expected.includes("Ana") && !expected.includes(""));
    }
}
