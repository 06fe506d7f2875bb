//! When to believe a read: files are taken as they are only after two reads in a row agree.
//! How they are read, and how long to pause in between, is decided elsewhere.

use super::digest::Digest;
use super::snapshot::Snapshot;
use super::source::Watched;
use crate::domain::diagnostic::Diagnostic;

/// Reads after which files that differ each time are given up.
const MOST_READS: usize = 10;

/// Successive reads of one place, until two in a row agree.
#[derive(Debug)]
pub(super) struct Reads {
    previous: Result<Digest, Vec<Diagnostic>>,
    count: usize,
}

impl Reads {
    /// The first read was made, with this outcome.
    pub(super) fn after(first: Result<Digest, Vec<Diagnostic>>) -> Self {
        Self {
            previous: first,
            count: 1,
        }
    }

    /// Takes the next read, and gives the verdict as soon as there is one.
    pub(super) fn settle(
        &mut self,
        watched: &Watched,
        read: Result<Snapshot, Vec<Diagnostic>>,
    ) -> Option<Result<Snapshot, Vec<Diagnostic>>> {
        self.count += 1;
        let seen = read
            .as_ref()
            .map(|snapshot| snapshot.digest)
            .map_err(Clone::clone);
        // Failures agree as well: what is missing twice is missing, and was not just being replaced.
        if seen == self.previous {
            return Some(read);
        }
        self.previous = seen;
        (self.count >= MOST_READS).then(|| {
            let restless = Diagnostic::error(watched.shown(), "changes while it is read")
                .with_help("let whatever writes these files finish, or replace them in one step");
            Err(vec![restless])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn two_reads_that_agree_are_a_verdict() {
        let (one, two) = (Snapshot::of([("a", "1")]), Snapshot::of([("a", "2")]));
        let place = Watched::Files(Vec::new());
        let mut reads = Reads::after(Ok(one.digest));
        assert!(reads.settle(&place, Ok(two.clone())).is_none());
        let verdict = reads.settle(&place, Ok(two.clone())).unwrap();
        assert_eq!(verdict.unwrap().digest, two.digest);
    }

    #[test]
    fn files_that_never_agree_are_given_up_after_ten_reads() {
        let place = Watched::Directory(PathBuf::from("policies"));
        let mut reads = Reads::after(Ok(Snapshot::of([]).digest));
        let mut verdict = None;
        for number in 1..MOST_READS {
            assert!(verdict.is_none());
            let text = number.to_string();
            verdict = reads.settle(&place, Ok(Snapshot::of([("a", text.as_str())])));
        }
        assert_eq!(
            verdict.unwrap().unwrap_err()[0].to_string(),
            "policies: error: changes while it is read"
        );
    }

    #[test]
    fn a_failure_that_repeats_itself_is_a_verdict() {
        let missing = || vec![Diagnostic::error("a", "does not exist")];
        let mut reads = Reads::after(Err(missing()));
        let verdict = reads.settle(&Watched::Files(Vec::new()), Err(missing()));
        assert_eq!(verdict.unwrap().unwrap_err(), missing());
    }

    #[test]
    fn a_file_that_is_missing_once_is_looked_for_again() {
        let found = Snapshot::of([("a", "1")]);
        let place = Watched::Files(Vec::new());
        let mut reads = Reads::after(Err(vec![Diagnostic::error("a", "does not exist")]));
        assert!(reads.settle(&place, Ok(found.clone())).is_none());
        assert!(reads.settle(&place, Ok(found)).unwrap().is_ok());
    }
}
