//! Places in a text: bytes here, lines and columns for the editor. A place that does not exist is the nearest one
//! that does.

use std::iter::once;
use std::ops;

use lsp_types::{InitializeParams, Position, PositionEncodingKind, Range};

/// What the editor counts in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, as editors do that say nothing.
    Utf16,
}

impl Encoding {
    /// The first that the editor would like and that is known here.
    pub(super) fn agreed(params: &InitializeParams) -> Self {
        let general = params.capabilities.general.as_ref();
        let offered = general.and_then(|general| general.position_encodings.as_ref());
        let known = |kind: &PositionEncodingKind| match kind.as_str() {
            "utf-8" => Some(Self::Utf8),
            "utf-16" => Some(Self::Utf16),
            _ => None,
        };
        let first = offered.into_iter().flatten().find_map(known);
        first.unwrap_or(Self::Utf16)
    }

    /// Its name in the protocol.
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn size(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// The lines of a text.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    encoding: Encoding,
    /// The byte that each line begins with.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        // A carriage return ends a line, too, unless it stands before a line feed.
        let ends = bytes.iter().enumerate().filter(|(at, byte)| {
            **byte == b'\n' || **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')
        });
        Self {
            text,
            encoding,
            starts: once(0).chain(ends.map(|(at, _)| at + 1)).collect(),
        }
    }

    /// The place of a byte.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let line = line.saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Position::new(number(line), number(self.encoding.size(before)))
    }

    pub(super) fn range(&self, at: &ops::Range<usize>) -> Range {
        Range::new(self.position(at.start), self.position(at.end))
    }

    /// The whole text.
    pub(super) fn all(&self) -> Range {
        self.range(&(0..self.text.len()))
    }

    /// The byte at a place.
    pub(super) fn offset(&self, position: Position) -> usize {
        let line = index(position.line);
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).copied();
        let text = self.text.get(start..end.unwrap_or(self.text.len()));
        let text = text.unwrap_or_default().trim_end_matches(['\n', '\r']);
        let mut left = index(position.character);
        for (at, symbol) in text.char_indices() {
            let size = match self.encoding {
                Encoding::Utf8 => symbol.len_utf8(),
                Encoding::Utf16 => symbol.len_utf16(),
            };
            if left < size {
                return start + at;
            }
            left -= size;
        }
        start + text.len()
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ab\r\nä🔒x\ry\n";

    fn both(offset: usize) -> [(u32, u32); 2] {
        [Encoding::Utf16, Encoding::Utf8].map(|encoding| {
            let place = Lines::of(TEXT, encoding).position(offset);
            (place.line, place.character)
        })
    }

    fn offset(encoding: Encoding, line: u32, character: u32) -> usize {
        Lines::of(TEXT, encoding).offset(Position::new(line, character))
    }

    #[test]
    fn columns_are_counted_as_the_editor_counts() {
        let x = TEXT.find('x').unwrap();
        assert_eq!(both(x), [(1, 3), (1, 6)]);
        let y = TEXT.find('y').unwrap();
        assert_eq!(both(y), [(2, 0), (2, 0)]);
        assert_eq!(both(TEXT.len()), [(3, 0), (3, 0)]);
    }

    #[test]
    fn every_character_is_found_again() {
        for encoding in [Encoding::Utf16, Encoding::Utf8] {
            let lines = Lines::of(TEXT, encoding);
            for (at, symbol) in TEXT.char_indices() {
                if symbol != '\n' || at == TEXT.len() - 1 {
                    assert_eq!(lines.offset(lines.position(at)), at, "{symbol:?}");
                }
            }
        }
    }

    #[test]
    fn a_place_that_does_not_exist_is_the_nearest_one_that_does() {
        assert_eq!(offset(Encoding::Utf16, 0, 99), 2);
        assert_eq!(offset(Encoding::Utf16, 99, 0), TEXT.len());
        let lock = TEXT.find('🔒').unwrap();
        assert_eq!(offset(Encoding::Utf16, 1, 2), lock);
        assert_eq!(both(lock + 1), both(lock));
        assert_eq!(both(9_999), both(TEXT.len()));
    }
}
