//! Attributes that an organisation added to `User`, `Application` and `Device`: what the schema says
//! they are, and whether the values of a request are that.
//!
//! Cedar compares values of different types as simply unequal. A forbid that waits for `level == 0`
//! would not apply to a `level` of `"0"`, so a request whose values do not fit is denied as a whole.

use std::collections::BTreeMap;

use cedar_policy::RestrictedExpression;
use serde_json::Value;

use crate::request::AttributeValue;
use crate::vocabulary::{device, types, user};

/// The organisation's attributes, by type and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CustomAttributes(BTreeMap<String, BTreeMap<String, Custom>>);

/// What the schema says of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Custom {
    required: bool,
    kind: Kind,
}

/// The type of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Long,
    String,
    Set(Box<Kind>),
    /// A type that the files of the directory have no values of.
    Other,
}

/// Names that the contract itself gives to a type.
fn built_in(of: &str) -> &'static [&'static str] {
    match of {
        types::USER => &[user::EMAIL],
        types::DEVICE => &[
            device::MANAGED,
            device::DISK_ENCRYPTED,
            device::COMPLIANT,
            device::PLATFORM,
            device::OS_VERSION,
            device::ASSIGNED_TO,
            device::CERTIFICATE_AGE,
        ],
        _ => &[],
    }
}

impl CustomAttributes {
    pub(crate) fn declare(&mut self, of: &str, name: &str, custom: Custom) {
        if !built_in(of).contains(&name) {
            self.0
                .entry(of.to_owned())
                .or_default()
                .insert(name.to_owned(), custom);
        }
    }

    /// The attributes of a type: name, whether it must be there, and what it is.
    pub(crate) fn of(&self, of: &str) -> impl Iterator<Item = (&str, bool, &Kind)> {
        let declared = self.0.get(of).into_iter().flatten();
        declared.map(|(name, custom)| (name.as_str(), custom.required, &custom.kind))
    }

    /// The values as Cedar takes them, if they are what the schema says. Values that the schema does
    /// not declare are left out: no policy can read them.
    pub(crate) fn values(
        &self,
        of: &str,
        given: &BTreeMap<String, AttributeValue>,
    ) -> Result<BTreeMap<String, RestrictedExpression>, String> {
        let mut values = BTreeMap::new();
        for (name, custom) in self.0.get(of).into_iter().flatten() {
            match given.get(name) {
                Some(value) if custom.kind.fits(value) => {
                    values.insert(name.clone(), expression(value));
                }
                Some(_) => {
                    return Err(format!(
                        "`{name}` of the {of} is not of the type in the schema"
                    ));
                }
                None if custom.required => return Err(format!("`{name}` of the {of} is missing")),
                None => {}
            }
        }
        Ok(values)
    }
}

impl Custom {
    /// Reads an attribute's declaration from the schema's JSON form.
    pub(crate) fn of(field: &Value) -> Self {
        Self {
            required: field
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            kind: Kind::of(field),
        }
    }
}

impl Kind {
    fn of(field: &Value) -> Self {
        let text = |key: &str| field.get(key).and_then(Value::as_str).unwrap_or("");
        let name = match text("type") {
            "EntityOrCommon" => text("name"),
            other => other,
        };
        match name.trim_start_matches("__cedar::") {
            "Bool" | "Boolean" => Self::Bool,
            "Long" => Self::Long,
            "String" => Self::String,
            "Set" => field.get("element").map_or(Self::Other, |element| {
                Self::Set(Box::new(Self::of(element)))
            }),
            _ => Self::Other,
        }
    }

    fn fits(&self, value: &AttributeValue) -> bool {
        match (self, value) {
            (Self::Bool, AttributeValue::Bool(_))
            | (Self::Long, AttributeValue::Long(_))
            | (Self::String, AttributeValue::String(_)) => true,
            (Self::Set(element), AttributeValue::Set(values)) => {
                values.iter().all(|value| element.fits(value))
            }
            _ => false,
        }
    }
}

fn expression(value: &AttributeValue) -> RestrictedExpression {
    match value {
        AttributeValue::Bool(value) => RestrictedExpression::new_bool(*value),
        AttributeValue::Long(value) => RestrictedExpression::new_long(*value),
        AttributeValue::String(value) => RestrictedExpression::new_string(value.clone()),
        AttributeValue::Set(values) => RestrictedExpression::new_set(values.iter().map(expression)),
    }
}
