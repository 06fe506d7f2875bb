//! Tokens of Cedar text, as coarse as the guard needs them: strings and comments are whole.

use std::ops::Range;

/// A token and its place.
pub(super) struct Token<'a> {
    pub(super) at: Range<usize>,
    pub(super) kind: Kind<'a>,
}

/// What the guard tells apart.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Open(char),
    Close(char),
    /// `;`
    End,
    Operator(&'a str),
    Word(&'a str),
    /// A string that the file ends in.
    Unclosed,
    Other,
}

/// Tokens of Cedar text, as coarse as the guard needs them.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The length of a string literal at the start of `rest`, and whether it is closed.
    fn string(rest: &str) -> (usize, bool) {
        let mut escaped = false;
        for (at, symbol) in rest.char_indices().skip(1) {
            match symbol {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return (at + 1, true),
                _ => {}
            }
        }
        (rest.len(), false)
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let trimmed = self.rest().trim_start();
            self.at = self.text.len() - trimmed.len();
            if !trimmed.starts_with("//") {
                break;
            }
            // A lone carriage return ends a comment for Cedar, too.
            self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
        }
        let rest = self.rest();
        let first = rest.chars().next()?;
        let word = rest
            .find(|symbol: char| !symbol.is_alphanumeric() && symbol != '_')
            .unwrap_or(rest.len());
        let (length, kind) = match first {
            '(' | '[' | '{' => (1, Kind::Open(first)),
            ')' | ']' | '}' => (1, Kind::Close(first)),
            ';' => (1, Kind::End),
            '"' => match Self::string(rest) {
                (length, true) => (length, Kind::Other),
                (length, false) => (length, Kind::Unclosed),
            },
            _ if word > 0 => (word, Kind::Word(rest.get(..word).unwrap_or(""))),
            _ => {
                let two = rest.get(..2).unwrap_or("");
                let length = match two {
                    "&&" | "||" | "==" | "!=" | "<=" | ">=" | "::" => 2,
                    _ => first.len_utf8(),
                };
                match rest.get(..length).unwrap_or("") {
                    operator @ ("&&" | "||" | "==" | "!=" | "<=" | ">=" | "<" | ">" | "+" | "-"
                    | "*" | "!" | ".") => (length, Kind::Operator(operator)),
                    _ => (length, Kind::Other),
                }
            }
        };
        let start = self.at;
        self.at += length;
        Some(Token {
            at: start..self.at,
            kind,
        })
    }
}
