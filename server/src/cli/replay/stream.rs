//! The lines of decision logs, read in batches of a bounded size, however long a log or a line of it is.
//! What is in the lines is judged elsewhere.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::ops::Range;
use std::path::Path;

use crate::cli::Failure;

/// Longest line that is read, in bytes; a record has a few thousand.
pub(super) const LONGEST: u64 = 1024 * 1024;
/// Most lines of a batch.
const MOST_LINES: usize = 256;
/// So many bytes make a batch, even of fewer lines.
const ENOUGH: usize = 1024 * 1024;

/// A log that was opened.
pub(super) struct Log {
    /// Its path as it was given.
    pub(super) name: String,
    /// How long it is, where that can be said.
    size: Option<u64>,
    reader: Box<dyn BufRead>,
}

/// Some lines of one log.
#[derive(Debug)]
pub(super) struct Batch {
    /// The number of the log.
    pub(super) log: usize,
    /// Bytes that were read for it.
    pub(super) read: u64,
    text: Vec<u8>,
    /// Numbers of the lines, from 1, and where each is in the text. One that is too long is not.
    lines: Vec<(usize, Option<Range<usize>>)>,
}

impl Log {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self {
                name: "-".to_owned(),
                size: None,
                reader: Box::new(BufReader::new(io::stdin())),
            });
        }
        let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
        let metadata = file
            .metadata()
            .map_err(|error| Failure::file(path, &error))?;
        Ok(Self {
            name: path.display().to_string(),
            size: metadata.is_file().then_some(metadata.len()),
            reader: Box::new(BufReader::new(file)),
        })
    }

    pub(super) fn is_standard_input(&self) -> bool {
        self.name == "-"
    }

    /// Reads the log to its end, as long as `each` batch is taken.
    pub(super) fn read(
        &mut self,
        number: usize,
        mut each: impl FnMut(Batch) -> bool,
    ) -> Result<(), Failure> {
        let mut line = 1;
        loop {
            let batch = batch(&mut self.reader, number, &mut line)
                .map_err(|error| Failure::file(Path::new(&self.name), &error))?;
            if batch.lines.is_empty() || !each(batch) {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Batch {
    /// The lines with their numbers; nothing of one that is too long.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, Option<&[u8]>)> {
        self.lines.iter().map(|(number, range)| {
            let text = range.clone().and_then(|range| self.text.get(range));
            (*number, text)
        })
    }
}

/// How long all of the logs are together, where that can be said.
pub(super) fn size(logs: &[Log]) -> Option<u64> {
    logs.iter().map(|log| log.size).sum()
}

/// The next lines; none at the end.
fn batch(reader: &mut impl BufRead, log: usize, line: &mut usize) -> io::Result<Batch> {
    let mut batch = Batch {
        log,
        read: 0,
        text: Vec::new(),
        lines: Vec::new(),
    };
    while batch.lines.len() < MOST_LINES && batch.text.len() < ENOUGH {
        let (read, range) = one(reader, &mut batch.text)?;
        if read == 0 {
            break;
        }
        batch.read += read as u64;
        batch.lines.push((*line, range));
        *line += 1;
    }
    Ok(batch)
}

/// Reads one line to the end of `text`: how many bytes it took, and where the line is now. One that is too long is
/// passed over.
fn one(reader: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<(usize, Option<Range<usize>>)> {
    let start = text.len();
    let read = reader.by_ref().take(LONGEST + 1).read_until(b'\n', text)?;
    let is_whole = read > 0 && text.last() == Some(&b'\n');
    if !is_whole && read as u64 > LONGEST {
        text.truncate(start);
        return Ok((read + reader.skip_until(b'\n')?, None));
    }
    let end = text.len() - usize::from(is_whole);
    Ok((read, Some(start..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number and length of each line, over all batches; and how many batches there were.
    fn lengths(text: &[u8]) -> (Vec<(usize, Option<usize>)>, usize) {
        let mut log = Log {
            name: "log".to_owned(),
            size: None,
            reader: Box::new(io::Cursor::new(text.to_vec())),
        };
        let (mut all, mut batches, mut read) = (Vec::new(), 0, 0);
        log.read(0, |batch| {
            batches += 1;
            read += batch.read;
            all.extend(
                batch
                    .lines()
                    .map(|(number, text)| (number, text.map(<[u8]>::len))),
            );
            true
        })
        .unwrap();
        assert_eq!(read, text.len() as u64);
        (all, batches)
    }

    #[test]
    fn the_last_line_may_lack_its_end() {
        let lines = vec![(1, Some(1)), (2, Some(0)), (3, Some(2))];
        assert_eq!(lengths(b"a\n\nbb"), (lines.clone(), 1));
        assert_eq!(lengths(b"a\n\nbb\n"), (lines, 1));
        assert_eq!(lengths(b""), (Vec::new(), 0));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_has_its_number() {
        let longest = usize::try_from(LONGEST).unwrap();
        let mut text = vec![b'x'; longest];
        text.push(b'\n');
        text.extend(vec![b'x'; 3 * longest]);
        text.extend(b"\nend\n");
        let (lines, _) = lengths(&text);
        assert_eq!(lines, [(1, Some(longest)), (2, None), (3, Some(3))]);
    }

    #[test]
    fn batches_are_bounded_by_lines() {
        let text = "x\n".repeat(2 * MOST_LINES + 1);
        let (lines, batches) = lengths(text.as_bytes());
        assert_eq!((lines.len(), batches), (2 * MOST_LINES + 1, 3));
    }

    #[test]
    fn a_file_that_is_not_there_is_no_log() {
        let failure = Log::open(Path::new("no/such/log")).unwrap_err();
        assert!(failure.to_string().contains("`no/such/log`"));
    }
}
