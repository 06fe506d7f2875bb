//! Reading of the TOML files that people write: a refusal names file, line and column, and what was probably meant.
//! What the keys mean is decided by the types that are parsed and by their own checks.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use crate::domain::diagnostic::Diagnostic;

/// More findings than this are read by nobody at once.
const MOST_FINDINGS: usize = 20;

/// Lists of known names longer than this are left out of the help.
const MOST_NAMES: usize = 16;

/// Parses the content of `file`, or says at which places and why it cannot be understood.
///
/// All unknown keys are found in one reading; any other mistake ends it.
pub fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, Vec<Diagnostic>> {
    toml::from_str(text).map_err(|error| refusals::<T>(text, file, error))
}

/// The name that was probably meant by what was `typed`.
#[must_use]
pub fn nearest<'n>(typed: &str, names: &[&'n str]) -> Option<&'n str> {
    names
        .iter()
        .copied()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        // One slip in three letters is a slip; more is another word.
        .filter(|(distance, name)| distance * 3 <= name.len().max(typed.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
        .or_else(|| {
            let shortened = |name: &&str| typed.len() >= 3 && name.starts_with(typed);
            names.iter().copied().find(shortened)
        })
}

/// Explains `first` and goes on after an unknown key as if it were not there, to find the other ones too.
fn refusals<T: DeserializeOwned>(text: &str, file: &str, first: Error) -> Vec<Diagnostic> {
    let Ok(mut document) = DeTable::parse(text) else {
        return vec![refusal(text, file, &first)];
    };
    let mut findings = Vec::new();
    let mut error = first;
    loop {
        let unknown = error.message().starts_with("unknown field");
        // A misspelt key is a missing key as well; to say so twice helps nobody.
        if findings.is_empty() || !error.message().starts_with("missing field") {
            findings.push(refusal(text, file, &error));
        }
        let removed = unknown
            && error
                .span()
                .is_some_and(|span| remove_key(document.get_mut(), &span));
        if !removed || findings.len() >= MOST_FINDINGS {
            return findings;
        }
        match <T as Deserialize<'_>>::deserialize(Deserializer::from(document.clone())) {
            Ok(_) => return findings,
            Err(next) => error = next,
        }
    }
}

fn remove_key(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let found = table
        .keys()
        .find(|key| key.span() == *span)
        .map(|key| key.get_ref().to_string());
    if let Some(key) = found {
        return table.remove(key.as_str()).is_some();
    }
    table
        .iter_mut()
        .any(|(_, value)| remove_key_below(value.get_mut(), span))
}

fn remove_key_below(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => remove_key(table, span),
        DeValue::Array(array) => array
            .iter_mut()
            .any(|element| remove_key_below(element.get_mut(), span)),
        _ => false,
    }
}

fn refusal(text: &str, file: &str, error: &Error) -> Diagnostic {
    let (message, help) = in_words(error.message());
    let mut diagnostic = Diagnostic::error(file, message);
    if let Some(help) = help {
        diagnostic = diagnostic.with_help(help);
    }
    match error.span() {
        Some(span) => diagnostic.with_position(text, span.start),
        None => diagnostic,
    }
}

/// The parser speaks of Rust types; an operator should hear of keys and values.
fn in_words(message: &str) -> (String, Option<String>) {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown("key", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return unknown("value", rest);
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return (format!("missing key {rest}"), None);
    }
    if let Some(rest) = message.strip_prefix("relative URL without a base: ") {
        return (
            format!("`{}` is not a whole URL", rest.trim_matches('"')),
            Some("begin it with `https://`".to_owned()),
        );
    }
    if message == "invalid socket address syntax" {
        return (
            "this is not an address with a port".to_owned(),
            Some("write both, as in `127.0.0.1:8080` or `[::1]:8080`".to_owned()),
        );
    }
    message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "))
        .map_or_else(
            || (message.to_owned(), None),
            |(found, expected)| mismatch(found, expected),
        )
}

fn unknown(what: &str, rest: &str) -> (String, Option<String>) {
    let typed = rest.split('`').nth(1).unwrap_or(rest);
    let names: Vec<&str> = rest
        .rsplit_once(", expected ")
        .map(|(_, list)| list.split('`').skip(1).step_by(2).collect())
        .unwrap_or_default();
    let help = match nearest(typed, &names) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if names.is_empty() || names.len() > MOST_NAMES => None,
        None => Some(format!("the {what}s known here: `{}`", names.join("`, `"))),
    };
    (format!("unknown {what} `{typed}`"), help)
}

fn mismatch(found: &str, expected: &str) -> (String, Option<String>) {
    let found = match found.split_once(' ') {
        Some(("string", text)) => format!("the string `{}`", text.trim_matches('"')),
        Some(("integer", number)) => format!("the number {number}"),
        Some(("floating", number)) => {
            format!("the number {}", number.trim_start_matches("point "))
        }
        Some(("boolean", value)) => value.to_owned(),
        _ => match found {
            "map" => "a table".to_owned(),
            "sequence" => "an array".to_owned(),
            other => other.to_owned(),
        },
    };
    let expected = match expected {
        "a duration" => {
            let help = "write a number with its unit, as in `30s`, `15m`, `12h` or `14d`";
            return (
                format!("expected a duration, found {found}"),
                Some(help.to_owned()),
            );
        }
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "a table",
        "path string" => "a path",
        "socket address" => "an address with a port",
        "a string representing an URL" => "a URL",
        other if other.starts_with("struct ") => "a table",
        other if other.starts_with("enum ") => "a string",
        other => other,
    };
    (format!("expected {expected}, found {found}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Garden {
        name: String,
        #[serde(default)]
        tree: Vec<Tree>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tree {
        species: Species,
        height: u32,
        #[serde(default, with = "humantime_serde")]
        watering: Duration,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Species {
        Oak,
        SilverBirch,
    }

    fn refused(text: &str) -> Vec<Diagnostic> {
        parse::<Garden>(text, "garden.toml").unwrap_err()
    }

    fn help(diagnostic: &Diagnostic) -> &str {
        diagnostic.help.as_deref().unwrap_or("")
    }

    #[test]
    fn a_correct_file_is_parsed() {
        let text = "name = 'g'\n[[tree]]\nspecies = 'silver-birch'\nheight = 4\nwatering = '2d'\n";
        let garden: Garden = parse(text, "garden.toml").unwrap();
        assert_eq!(garden.name, "g");
        assert_eq!(garden.tree[0].species, Species::SilverBirch);
        assert_eq!(garden.tree[0].height, 4);
        assert_eq!(garden.tree[0].watering, Duration::from_hours(48));
    }

    #[test]
    fn an_unknown_key_is_found_at_its_place_with_the_name_that_was_meant() {
        let found = refused("name = 'g'\n[[tree]]\nspecies = 'oak'\n  heigth = 4\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "unknown key `heigth`");
        assert_eq!(help(&found[0]), "did you mean `height`?");
        assert_eq!((found[0].line, found[0].column), (Some(4), Some(3)));
        assert_eq!(found[0].file, "garden.toml");
    }

    #[test]
    fn all_unknown_keys_are_found_at_once() {
        let text = "nam = 'g'\n[[tree]]\nspecies = 'oak'\nheight = 1\n[[tree]]\nspecies = 'oak'\nheight = 1\nwaterng = '1d'\n[pond]\n";
        let found = refused(text);
        let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        for line in [1, 8, 9] {
            assert!(lines.contains(&Some(line)), "{lines:?}");
        }
    }

    #[test]
    fn a_key_like_no_other_is_answered_with_the_known_ones() {
        let found = refused("name = 'g'\ncolour = 'green'\n");
        assert_eq!(help(&found[0]), "the keys known here: `name`, `tree`");
    }

    #[test]
    fn an_unknown_value_is_answered_with_the_one_that_was_meant() {
        let found = refused("name = 'g'\n[[tree]]\nspecies = 'silver_birch'\nheight = 1\n");
        assert_eq!(found[0].message, "unknown value `silver_birch`");
        assert_eq!(help(&found[0]), "did you mean `silver-birch`?");
        assert_eq!(found[0].line, Some(3));
    }

    #[test]
    fn a_missing_key_is_named() {
        assert_eq!(refused("")[0].message, "missing key `name`");
    }

    #[test]
    fn a_wrong_type_is_told_without_rust_names() {
        let found = refused("name = 'g'\n[[tree]]\nspecies = 'oak'\nheight = 'tall'\n");
        assert_eq!(
            found[0].message,
            "expected a whole number from 0 to 4294967295, found the string `tall`"
        );
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn a_duration_without_unit_is_answered_with_how_to_write_one() {
        let found = refused("name = 'g'\n[[tree]]\nspecies = 'oak'\nheight = 1\nwatering = '15'\n");
        assert_eq!(
            found[0].message,
            "expected a duration, found the string `15`"
        );
        assert!(help(&found[0]).contains("`15m`"));
    }

    #[test]
    fn broken_syntax_is_found_at_its_place() {
        let found = refused("tree = []\nname == 'g'\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, Some(2));
    }

    #[test]
    fn nearest_knows_slips_and_shortened_names_only() {
        let names = ["certificate", "key", "address"];
        assert_eq!(nearest("adress", &names), Some("address"));
        assert_eq!(nearest("cert", &names), Some("certificate"));
        assert_eq!(nearest("colour", &names), None);
    }
}
