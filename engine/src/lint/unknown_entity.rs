//! A literal that names an entity which does not exist: the validator accepts any id, and the rule
//! would silently never match.

use cedar_policy::EntityUid;

use crate::catalogue::Catalogue;
use crate::error::Diagnostic;
use crate::policy::Policy;
use crate::request::CountryCode;
use crate::source::SourceFile;
use crate::vocabulary::types;

/// Types whose every literal must be declared in the bundle's entity data.
const DECLARED: [&str; 5] = [
    types::GROUP,
    types::APPLICATION,
    types::APPLICATION_GROUP,
    types::REGION,
    types::NETWORK,
];

pub(super) fn find(file: &SourceFile, policy: &Policy, catalogue: &Catalogue) -> Vec<Diagnostic> {
    policy
        .literals
        .iter()
        .filter_map(|literal| judge(file, policy, literal, catalogue))
        .collect()
}

fn judge(
    file: &SourceFile,
    policy: &Policy,
    literal: &EntityUid,
    catalogue: &Catalogue,
) -> Option<Diagnostic> {
    let name = literal.type_name();
    // Types of ours are in no namespace; an organisation's own may be.
    if name.namespace_components().next().is_some() {
        return None;
    }
    let kind = name.basename();
    let id = literal.id().unescaped();
    if kind == types::COUNTRY {
        if id.parse::<CountryCode>().is_ok() {
            return None;
        }
        let upper = id.to_uppercase();
        let help = if upper.parse::<CountryCode>().is_ok() {
            format!("write `Country::\"{upper}\"`")
        } else {
            "countries are two upper-case letters of ISO 3166-1, such as `Country::\"SG\"`"
                .to_owned()
        };
        let message = format!("`{id}` is not a country");
        return Some(at_literal(file, policy, literal, message).with_help(help));
    }
    let kind = DECLARED.into_iter().find(|declared| *declared == kind)?;
    if catalogue.declares(kind, id) {
        return None;
    }
    let message = format!("no {} `{id}` is declared", words(kind));
    let table = match kind {
        types::APPLICATION_GROUP => "application-group".to_owned(),
        other => other.to_lowercase(),
    };
    let help = crate::words::nearest(id, catalogue.ids(kind)).map_or_else(
        || format!("declare it in the bundle's entity data: `[{table}.{id}]`"),
        |near| format!("did you mean `{kind}::\"{near}\"`? Otherwise declare it in the bundle's entity data: `[{table}.{id}]`"),
    );
    Some(at_literal(file, policy, literal, message).with_help(help))
}

fn words(kind: &str) -> &'static str {
    match kind {
        types::GROUP => "group",
        types::APPLICATION => "application",
        types::APPLICATION_GROUP => "application group",
        types::REGION => "region",
        _ => "network",
    }
}

fn at_literal(
    file: &SourceFile,
    policy: &Policy,
    literal: &EntityUid,
    message: String,
) -> Diagnostic {
    let text = file.text.get(policy.at.clone()).unwrap_or("");
    let written = literal.to_string();
    // Unusual spacing within the literal leaves the whole policy marked.
    let (offset, length) = text
        .find(&written)
        .map_or((policy.at.start, policy.at.len()), |at| {
            (policy.at.start + at, written.len())
        });
    Diagnostic::error(file, "unknown-entity", offset, length, message)
}
