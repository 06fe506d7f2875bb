//! Conditions of policies in words: what people write has a phrase, the rest shows its Cedar text.

use std::collections::BTreeSet;

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

use crate::reads::children;
use crate::request::CountryCode;
use crate::vocabulary::{context, device, session, types};

/// The condition in words.
pub(crate) fn words(expr: &Expr) -> String {
    phrase(expr).unwrap_or_else(|| expr.to_string())
}

/// Names of the facts that the condition reads, as in `facts.rs`.
pub(crate) fn facts(expr: &Expr) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(expr, &mut found);
    // `device.managed` says more than `device`, which it contains.
    let nested: BTreeSet<String> = found
        .iter()
        .filter_map(|name| name.split_once('.').map(|(root, _)| root.to_owned()))
        .collect();
    found.retain(|name| !nested.contains(name));
    found
}

/// The path that a `has` tests, such as `device` or `session.passwordAge`, where it is one of ours.
pub(crate) fn tested_presence(expr: &Expr) -> Option<String> {
    let Expr::HasAttr { expr, attrs } = expr else {
        return None;
    };
    let tail = attrs
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(".");
    match path(expr)?.as_str() {
        "" => Some(tail),
        root => Some(format!("{root}.{tail}")),
    }
}

/// A path below `context`: `""` for the context itself.
fn path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var(Var::Context) => Some(String::new()),
        Expr::GetAttr { expr, attr } => {
            let root = path(expr)?;
            Some(if root.is_empty() {
                attr.to_string()
            } else {
                format!("{root}.{attr}")
            })
        }
        _ => None,
    }
}

fn collect(expr: &Expr, found: &mut BTreeSet<String>) {
    if let Some(path) = path(expr)
        .or_else(|| tested_presence(expr))
        .filter(|path| !path.is_empty())
    {
        // Deeper attributes of an organisation's own belong to their root's row.
        found.insert(path.split('.').take(2).collect::<Vec<_>>().join("."));
        return;
    }
    match expr {
        Expr::Var(Var::Principal) => {
            found.insert("user".to_owned());
        }
        Expr::Var(Var::Resource) => {
            found.insert("application".to_owned());
        }
        _ => children(expr, &mut |child| collect(child, found)),
    }
}

fn phrase(expr: &Expr) -> Option<String> {
    if let Some(path) = tested_presence(expr) {
        return presence(&path);
    }
    if let Some(path) = path(expr) {
        return flag(&path);
    }
    match expr {
        Expr::UnaryOp {
            op: UnaryOp::Not,
            expr,
        } => Some(format!("not: {}", phrase(expr)?)),
        Expr::BinaryOp {
            op: BinaryOp::And,
            left,
            right,
        } => Some(format!("{} and {}", phrase(left)?, phrase(right)?)),
        Expr::BinaryOp {
            op: BinaryOp::Or,
            left,
            right,
        } => Some(format!("{} or {}", phrase(left)?, phrase(right)?)),
        Expr::BinaryOp { op, left, right } => comparison(*op, left, right),
        Expr::Literal(Literal::Bool(true)) => Some("always".to_owned()),
        Expr::Literal(Literal::Bool(false)) => Some("never".to_owned()),
        _ => None,
    }
}

fn presence(path: &str) -> Option<String> {
    let (root, leaf) = path.split_once('.').unwrap_or((path, ""));
    let words = match (root, leaf) {
        (context::DEVICE, "") => "a device certificate was presented",
        (context::COUNTRY, "") => "country is known",
        (context::ADDRESS | context::NETWORK, "") => "address is known",
        (context::DEVICE, device::PLATFORM) => "platform is known",
        (context::DEVICE, device::OS_VERSION) => "system version is known",
        (context::SESSION, session::PASSWORD_AGE) => "a password was entered",
        (context::SESSION, session::SECOND_FACTOR_AGE) => "a second factor was proved",
        _ => return None,
    };
    Some(words.to_owned())
}

fn flag(path: &str) -> Option<String> {
    let words = match path {
        "device.managed" => "device is managed",
        "device.diskEncrypted" => "disk is encrypted",
        "device.compliant" => "device is compliant",
        _ => return None,
    };
    Some(words.to_owned())
}

fn comparison(op: BinaryOp, left: &Expr, right: &Expr) -> Option<String> {
    if let (BinaryOp::Contains, Expr::Var(Var::Principal)) = (op, right) {
        return (path(left)? == "device.assignedTo")
            .then(|| "device is assigned to the user".to_owned());
    }
    if let (BinaryOp::Contains, Expr::Literal(Literal::String(method))) = (op, right) {
        return (path(left)? == "session.methods").then(|| format!("signed in with `{method}`"));
    }
    if let (BinaryOp::In, Expr::Var(Var::Principal)) = (op, left) {
        return Some(format!("user is in {}", value(right)?));
    }
    if let (BinaryOp::In, Expr::Var(Var::Resource)) = (op, left) {
        return Some(format!("application is in {}", value(right)?));
    }
    if let (BinaryOp::Contains, Some(path)) = (op, path(right)) {
        let subject = subject(&path)?;
        return Some(format!("{subject} is {}", value(left)?));
    }
    let path = path(left)?;
    let value = value(right)?;
    if path.ends_with("Age") {
        let what = match path.as_str() {
            "session.passwordAge" => "password",
            "session.secondFactorAge" => "second factor",
            "device.certificateAge" => "device check",
            _ => return None,
        };
        return Some(match op {
            BinaryOp::LessEq => format!("{what} at most {value} old"),
            BinaryOp::Less => format!("{what} less than {value} old"),
            BinaryOp::Greater => format!("{what} more than {value} old"),
            BinaryOp::GreaterEq => format!("{what} at least {value} old"),
            _ => return None,
        });
    }
    let subject = subject(&path)?;
    let verb = match op {
        BinaryOp::Eq => "is",
        BinaryOp::NotEq => "is not",
        BinaryOp::In => "is in",
        BinaryOp::IsInRange => "is in the range",
        BinaryOp::GreaterEq => "is at least",
        BinaryOp::Greater => "is above",
        BinaryOp::LessEq => "is at most",
        BinaryOp::Less => "is below",
        _ => return None,
    };
    let value = if path == "device.osVersion" {
        version(right)?
    } else {
        value
    };
    Some(format!("{subject} {verb} {value}"))
}

fn subject(path: &str) -> Option<&'static str> {
    Some(match path {
        context::COUNTRY => "country",
        context::NETWORK => "network",
        context::ADDRESS => "address",
        context::DEVICE => "device",
        "device.platform" => "platform",
        "device.osVersion" => "system version",
        _ => return None,
    })
}

fn value(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(Literal::EntityUID(uid)) => Some(entity(&uid.ty.to_string(), &uid.eid)),
        Expr::Literal(Literal::Long(number)) => Some(number.to_string()),
        Expr::Literal(Literal::String(text)) => Some(format!("`{text}`")),
        Expr::UnaryOp {
            op: UnaryOp::Duration,
            expr,
        } => match expr.as_ref() {
            Expr::Literal(Literal::String(text)) => Some(duration(text)),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOp::Ip,
            expr,
        } => match expr.as_ref() {
            Expr::Literal(Literal::String(text)) => Some(text.to_string()),
            _ => None,
        },
        Expr::Set(elements) => {
            let values: Option<Vec<String>> =
                elements.iter().map(|element| value(element)).collect();
            let values = values?;
            match values.as_slice() {
                [] => None,
                [one] => Some(one.clone()),
                [first @ .., last] => Some(format!("{} or {last}", first.join(", "))),
            }
        }
        _ => None,
    }
}

fn entity(kind: &str, id: &str) -> String {
    match kind {
        types::COUNTRY => id
            .parse::<CountryCode>()
            .map_or_else(|_| id.to_owned(), |code| code.name().to_owned()),
        types::REGION => format!("region {id}"),
        types::NETWORK => format!("network {id}"),
        types::GROUP | types::APPLICATION_GROUP => format!("group {id}"),
        types::PLATFORM => match id {
            "macos" => "macOS".to_owned(),
            "ios" => "iOS".to_owned(),
            "chromeos" => "ChromeOS".to_owned(),
            "windows" => "Windows".to_owned(),
            "linux" => "Linux".to_owned(),
            "android" => "Android".to_owned(),
            other => other.to_owned(),
        },
        _ => id.to_owned(),
    }
}

/// `7d` as `7 days`; compound durations stay as they are.
fn duration(text: &str) -> String {
    let split = text
        .find(|symbol: char| !symbol.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "d" => "day",
        "h" => "hour",
        "m" => "minute",
        "s" => "second",
        _ => return text.to_owned(),
    };
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

fn version(expr: &Expr) -> Option<String> {
    let Expr::Literal(Literal::Long(number)) = expr else {
        return None;
    };
    Some(format!(
        "{}.{}.{}",
        number / 1_000_000_000,
        number / 1_000_000 % 1_000,
        number % 1_000_000
    ))
}
