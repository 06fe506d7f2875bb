//! What stands at the cursor. Policies that are being typed do not parse, so this reads the tokens around the
//! cursor and no grammar; what they mean is left to the others.

use std::ops::Range;

/// A token, and whether it is a word, a string, a comment or anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    at: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Text { closed: bool },
    Comment,
    Mark,
}

/// Which kind of name is expected, or stands, at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot<'a> {
    /// The name of an annotation, behind `@`.
    Annotation,
    /// The text of an annotation.
    AnnotationText {
        /// The annotation.
        name: &'a str,
    },
    /// An attribute of what the path leads to, behind `.` or `has`.
    Attribute {
        /// The words of the path, such as `context` and `device`.
        path: Vec<&'a str>,
    },
    /// The id of an entity, behind `Group::`.
    Entity {
        /// Its type.
        kind: &'a str,
        /// Whether the cursor is inside of the quotes already.
        quoted: bool,
    },
    /// A type, behind `is`.
    Type,
    /// Any other word.
    Word,
}

/// The cursor in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor<'a> {
    pub(super) spot: Spot<'a>,
    /// What is written there: a whole word, or all that is in the quotes.
    pub(super) written: &'a str,
    /// Where that stands.
    pub(super) at: Range<usize>,
    /// Whether a bracket of this policy is open.
    pub(super) nested: bool,
}

/// Looks at a place of a text. In a comment and in an ordinary string there is nothing to see.
pub(super) fn look(text: &str, offset: usize) -> Option<Cursor<'_>> {
    text.get(..offset)?;
    let (comments, tokens): (Vec<Token>, Vec<Token>) = scan(text)
        .into_iter()
        .partition(|token| token.kind == Kind::Comment);
    if comments
        .iter()
        .any(|comment| comment.at.start < offset && offset <= comment.at.end)
    {
        return None;
    }
    let here = tokens.iter().position(|token| touches(token, offset));
    let end = here.unwrap_or_else(|| {
        let before = tokens.iter().take_while(|token| token.at.end <= offset);
        before.count()
    });
    let before = Before {
        text,
        tokens: tokens.get(..end).unwrap_or_default(),
    };
    let token = here.and_then(|here| tokens.get(here));
    let at = token.map_or(offset..offset, inside);
    Some(Cursor {
        spot: before.spot(token.map(|token| token.kind))?,
        written: text.get(at.clone()).unwrap_or_default(),
        at,
        nested: before.nested(),
    })
}

fn touches(token: &Token, offset: usize) -> bool {
    let Range { start, end } = token.at;
    match token.kind {
        Kind::Word | Kind::Text { closed: false } => (start..=end).contains(&offset),
        Kind::Text { closed: true } => (start..end).contains(&offset),
        Kind::Comment | Kind::Mark => false,
    }
}

/// A token without its quotes.
fn inside(token: &Token) -> Range<usize> {
    match token.kind {
        Kind::Text { closed: true } => token.at.start + 1..token.at.end - 1,
        Kind::Text { closed: false } => token.at.start + 1..token.at.end,
        _ => token.at.clone(),
    }
}

/// The tokens before the cursor.
struct Before<'a, 't> {
    text: &'a str,
    tokens: &'t [Token],
}

impl<'a> Before<'a, '_> {
    /// The token so many places back, the last one being at 0; nothing where there is none.
    fn back(&self, places: usize) -> &'a str {
        let token = self.tokens.iter().rev().nth(places);
        token.map_or("", |token| self.word(token))
    }

    fn word(&self, token: &Token) -> &'a str {
        self.text.get(token.at.clone()).unwrap_or_default()
    }

    fn spot(&self, kind: Option<Kind>) -> Option<Spot<'a>> {
        let in_text = matches!(kind, Some(Kind::Text { .. }));
        match self.back(0) {
            "::" => Some(Spot::Entity {
                kind: self.back(1),
                quoted: in_text,
            }),
            "(" if in_text && self.back(2) == "@" => {
                Some(Spot::AnnotationText { name: self.back(1) })
            }
            _ if in_text => None,
            "@" => Some(Spot::Annotation),
            "." | "has" => self.path().map(|path| Spot::Attribute { path }),
            "is" => Some(Spot::Type),
            _ => Some(Spot::Word),
        }
    }

    /// The path that ends before the last token: words with `.` or `has` between them, from the left.
    fn path(&self) -> Option<Vec<&'a str>> {
        let mut path = Vec::new();
        let (_, mut tokens) = self.tokens.split_last()?;
        loop {
            let (last, before) = tokens.split_last()?;
            if last.kind != Kind::Word {
                return None;
            }
            path.push(self.word(last));
            match before.split_last() {
                Some((mark, further)) if matches!(self.word(mark), "." | "has") => tokens = further,
                _ => break,
            }
        }
        path.reverse();
        Some(path)
    }

    fn nested(&self) -> bool {
        let mut depth = 0_usize;
        for token in self.tokens.iter().filter(|token| token.kind == Kind::Mark) {
            match self.word(token) {
                ";" => depth = 0,
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        depth > 0
    }
}

fn scan(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            break;
        };
        at = text.len() - rest.len();
        let (length, kind) = token(rest, first);
        tokens.push(Token {
            at: at..at + length,
            kind,
        });
        at += length;
    }
    tokens
}

/// The token that a text begins with.
fn token(rest: &str, first: char) -> (usize, Kind) {
    let word = rest
        .find(|symbol: char| !symbol.is_alphanumeric() && symbol != '_')
        .unwrap_or(rest.len());
    if rest.starts_with("//") {
        (rest.find(['\n', '\r']).unwrap_or(rest.len()), Kind::Comment)
    } else if first == '"' {
        string(rest)
    } else if word > 0 {
        (word, Kind::Word)
    } else if rest.starts_with("::") {
        (2, Kind::Mark)
    } else {
        (first.len_utf8(), Kind::Mark)
    }
}

/// A string ends at its quote, or with its line: whoever types has not closed it yet, and the next quote
/// begins another one.
fn string(rest: &str) -> (usize, Kind) {
    let mut escaped = false;
    for (at, symbol) in rest.char_indices().skip(1) {
        match symbol {
            '\n' | '\r' => return (at, Kind::Text { closed: false }),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (at + 1, Kind::Text { closed: true }),
            _ => {}
        }
    }
    (rest.len(), Kind::Text { closed: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is at the `|` of a text.
    fn at(marked: &str) -> Option<(String, String)> {
        let offset = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        let cursor = look(&text, offset)?;
        Some((format!("{:?}", cursor.spot), cursor.written.to_owned()))
    }

    fn spot(marked: &str) -> String {
        at(marked).map(|(spot, _)| spot).unwrap_or_default()
    }

    #[test]
    fn a_path_is_read_from_the_left_through_has() {
        let path = r#"Attribute { path: ["context", "device"] }"#;
        assert_eq!(spot("when { context.device.|"), path);
        assert_eq!(spot("when { context.device.man|aged };"), path);
        assert_eq!(spot("when { context has device.|"), path);
        assert_eq!(spot("when { context.device has | };"), path);
        assert_eq!(
            spot("x has |device"),
            r#"Attribute { path: ["x"] }"#.to_owned()
        );
    }

    #[test]
    fn what_a_call_gives_has_no_path() {
        assert_eq!(at("ip(\"a\").|"), None);
        assert_eq!(at(".|"), None);
    }

    #[test]
    fn an_entity_is_seen_with_and_without_quotes() {
        let quoted = r#"Entity { kind: "Group", quoted: true }"#;
        assert_eq!(
            at("in Group::\"sta|ff\","),
            Some((quoted.to_owned(), "staff".to_owned()))
        );
        assert_eq!(
            at("in Group::\"st|\n\"x\""),
            Some((quoted.to_owned(), "st".to_owned()))
        );
        assert_eq!(
            spot("in Group::|"),
            r#"Entity { kind: "Group", quoted: false }"#
        );
    }

    #[test]
    fn annotations_are_told_from_calls() {
        assert_eq!(spot("@|"), "Annotation");
        assert_eq!(spot("@mo|de(\"x\")"), "Annotation");
        assert_eq!(spot("@mode(\"|"), r#"AnnotationText { name: "mode" }"#);
        assert_eq!(at("duration(\"1|d\")"), None);
    }

    #[test]
    fn comments_hold_nothing_and_hide_nothing() {
        assert_eq!(at("// context.|"), None);
        assert_eq!(
            spot("context // it's \"here\"\n.|"),
            r#"Attribute { path: ["context"] }"#
        );
    }

    #[test]
    fn a_policy_ends_with_its_semicolon_however_many_brackets_are_open() {
        let nested = |text: &str| look(text, text.len()).unwrap().nested;
        assert!(nested("permit (prin"));
        assert!(!nested("permit (principal; per"));
        assert!(!nested("permit (principal) wh"));
    }

    #[test]
    fn odd_places_are_no_trouble() {
        assert_eq!(look("ä", 1), None);
        assert_eq!(look("", 7), None);
        assert!(look("", 0).is_some());
        let long = "a.".repeat(100_000);
        assert!(look(&long, long.len()).is_some());
    }
}
