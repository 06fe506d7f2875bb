//! Text from requests and files, made harmless for a terminal: nothing in it may move the cursor,
//! change a colour or reorder what a person reads. Colours are added afterwards.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::audit::DecisionRecord;

/// The text on one line.
pub(in crate::cli) fn line(text: &str) -> String {
    text.chars()
        .map(|symbol| match symbol {
            '\n' | '\r' | '\t' => ' ',
            hidden if is_hidden(hidden) => char::REPLACEMENT_CHARACTER,
            plain => plain,
        })
        .collect()
}

/// The text with its lines and tabs. Whatever else is replaced gets a mark as long as itself, so that
/// positions in the text stay where they are.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_suspicious) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut symbols = text.chars().peekable();
    while let Some(symbol) = symbols.next() {
        let ends_line = symbol == '\r' && symbols.peek() == Some(&'\n');
        clean.push(if is_suspicious(symbol) && !ends_line {
            as_long_as(symbol)
        } else {
            symbol
        });
    }
    Cow::Owned(clean)
}

/// The record with each of its texts on one line.
pub(super) fn record(record: &DecisionRecord) -> DecisionRecord {
    whole(record)
}

/// The value with each of its texts on one line.
pub(in crate::cli) fn whole<T: Clone + Serialize + DeserializeOwned>(value: &T) -> T {
    // INVARIANT: such a value reads back from its own JSON, and clean texts are texts.
    serde_json::to_value(value)
        .and_then(|mut value| {
            texts(&mut value);
            serde_json::from_value(value)
        })
        .unwrap_or_else(|_| value.clone())
}

fn texts(value: &mut Value) {
    match value {
        Value::String(text) => *text = line(text),
        Value::Array(values) => values.iter_mut().for_each(texts),
        Value::Object(fields) => fields.values_mut().for_each(texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_suspicious(symbol: char) -> bool {
    !matches!(symbol, '\n' | '\t') && is_hidden(symbol)
}

/// Controls, and the marks that reorder text: a policy must read as it is evaluated.
fn is_hidden(symbol: char) -> bool {
    symbol.is_control() || matches!(symbol, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn as_long_as(symbol: char) -> char {
    match symbol.len_utf8() {
        1 => '?',
        2 => '¿',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Ending;
    use chrono::DateTime;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line("a\nb\tc\u{1b}[31m"), "a b c\u{fffd}[31m");
    }

    #[test]
    fn a_text_keeps_its_lines_and_tabs() {
        assert_eq!(text("a\r\n\tb\n"), "a\r\n\tb\n");
    }

    #[test]
    fn escapes_and_lone_returns_are_marked() {
        assert_eq!(text("a\u{1b}[2Jb\rc\r\n"), "a?[2Jb?c\r\n");
    }

    #[test]
    fn marks_are_as_long_as_what_they_stand_for() {
        let dirty = "\u{7}\u{85}\u{202e}\u{2066}x";
        assert_eq!(text(dirty).len(), dirty.len());
        assert!(!text(dirty).contains('\u{202e}'));
    }

    #[test]
    fn every_text_of_a_record_is_cleaned() {
        let reference = "7F3K-29QD".parse().unwrap();
        let ending = Ending::Refused {
            error: "invalid_request".to_owned(),
            detail: "no \u{1b}]0;owned\u{7}".to_owned(),
        };
        let mut dirty = DecisionRecord::new(reference, DateTime::UNIX_EPOCH, ending);
        dirty.client = Some("wiki\nforged line".to_owned());
        let clean = record(&dirty);
        assert_eq!(clean.client.as_deref(), Some("wiki forged line"));
        assert!(!format!("{clean:?}").contains("u{1b}"));
    }
}
