//! What the tour has to show: a row for each sign-in, with what was expected, what came, and why. The
//! sign-ins themselves are left to the tour.

use std::fmt::{Display, Write as _};

use doorward_engine::{Held, PolicyExplanation};

use super::journey::Verdict;
use crate::audit::DecisionRecord;
use crate::cli::render::{Style, Tone};
use crate::domain::clock::Timestamp;

/// One sign-in of the tour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    title: &'static str,
    expected: Verdict,
    got: Result<Verdict, String>,
    reference: String,
    why: String,
}

impl Row {
    /// A sign-in that came to an end, and the record of it.
    #[must_use]
    pub(super) fn new(
        title: &'static str,
        expected: Verdict,
        got: Verdict,
        record: &DecisionRecord,
    ) -> Self {
        Self {
            title,
            expected,
            got: Ok(got),
            reference: record.reference.to_string(),
            why: why(record),
        }
    }

    /// A sign-in that came to no end.
    #[must_use]
    pub(super) fn failed(title: &'static str, expected: Verdict, error: &dyn Display) -> Self {
        Self {
            title,
            expected,
            got: Err(error.to_string()),
            reference: String::new(),
            why: String::new(),
        }
    }

    /// The same row, wrong where the answer has another reason: the right answer for a wrong reason
    /// is no right answer.
    #[must_use]
    pub(super) fn because(self, reason: &str) -> Self {
        if self.got.is_err() || self.why.contains(reason) {
            return self;
        }
        let other = format!("expected for `{reason}`, but it was `{}`", self.why);
        self.spoilt_by(&other)
    }

    /// The same row, with something beside the sign-in that is not as it should be.
    #[must_use]
    pub(super) fn spoilt_by(self, error: &dyn Display) -> Self {
        Self {
            got: Err(error.to_string()),
            ..self
        }
    }

    /// Whether the answer is the expected one.
    #[must_use]
    pub(super) fn is_right(&self) -> bool {
        self.got.as_ref() == Ok(&self.expected)
    }

    fn cells(&self) -> [String; 5] {
        let (got, why) = match &self.got {
            Ok(verdict) => (verdict.to_string(), self.why.clone()),
            Err(error) => ("error".to_owned(), error.clone()),
        };
        [
            self.title.to_owned(),
            self.expected.to_string(),
            got,
            self.reference.clone(),
            why,
        ]
    }
}

/// The whole table.
#[must_use]
pub(super) fn text(rows: &[Row], style: Style) -> String {
    let head = ["sign-in", "expected", "got", "reference", "why"].map(str::to_owned);
    let cells: Vec<[String; 5]> = rows.iter().map(Row::cells).collect();
    let mut widths = [0; 5];
    for line in std::iter::once(&head).chain(&cells) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = format!("  {}\n", style.paint(Tone::Strong, &line(&head, &widths)));
    for (row, cells) in rows.iter().zip(&cells) {
        let mark = if row.is_right() {
            style.paint(Tone::Good, "✓")
        } else {
            style.paint(Tone::Bad, "✗")
        };
        // INVARIANT: writing into a string cannot fail.
        let _ = writeln!(text, "{mark} {}", line(cells, &widths));
    }
    let right = rows.iter().filter(|row| row.is_right()).count();
    let tone = if right == rows.len() {
        Tone::Good
    } else {
        Tone::Bad
    };
    let sum = format!("{right} of {} answers are as expected", rows.len());
    text + "\n" + &style.paint(tone, &sum) + "\n"
}

fn line(cells: &[String; 5], widths: &[usize; 5]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, &width)| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Why a sign-in ended as it did: the policy that decided, and the first thing that it missed.
fn why(record: &DecisionRecord) -> String {
    let explained = record.explanation.as_ref().and_then(|explanation| {
        let policy = explanation
            .forbids
            .first()
            .or_else(|| explanation.permits.first())?;
        Some(missed(policy, explanation.now))
    });
    explained.unwrap_or_else(|| {
        let decided = record
            .decision
            .iter()
            .flat_map(|decision| &decision.determining);
        let ids: Vec<&str> = decided.map(|policy| policy.id.as_str()).collect();
        ids.join(", ")
    })
}

fn missed(explained: &PolicyExplanation, now: Timestamp) -> String {
    let id = &explained.policy.id;
    let missed = explained
        .conditions
        .iter()
        .find(|condition| condition.held != Held::Yes);
    match missed {
        Some(condition) => format!("{id}: {} ({})", condition.words, condition.detail(now)),
        None => id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &'static str, expected: Verdict, got: Result<Verdict, String>) -> Row {
        Row {
            title,
            expected,
            got,
            reference: "7F3K-29QD".to_owned(),
            why: "workplace".to_owned(),
        }
    }

    #[test]
    fn the_table_shows_what_was_expected_and_what_came() {
        let rows = [
            row("ana, managed laptop", Verdict::Permit, Ok(Verdict::Permit)),
            row(
                "ana, eight days later",
                Verdict::PermitAfterPassword,
                Ok(Verdict::PermitAfterPassword),
            ),
            row("ana, from Japan", Verdict::Deny, Ok(Verdict::Permit)),
            Row::failed("ben, lost", Verdict::Deny, &"lost at `/`"),
        ];
        let expected =
            "  sign-in                expected               got                    reference  why
✓ ana, managed laptop    permit                 permit                 7F3K-29QD  workplace
✓ ana, eight days later  password, then permit  password, then permit  7F3K-29QD  workplace
✗ ana, from Japan        deny                   permit                 7F3K-29QD  workplace
✗ ben, lost              deny                   error                             lost at `/`

2 of 4 answers are as expected
";
        assert_eq!(text(&rows, Style::plain()), expected);
    }

    #[test]
    fn a_right_answer_for_another_reason_is_wrong() {
        let right = row("ana", Verdict::Permit, Ok(Verdict::Permit));
        assert!(right.clone().because("workplace").is_right());
        assert!(!right.because("own-device-only").is_right());
    }

    #[test]
    fn a_right_answer_is_spoilt_by_what_stands_beside_it() {
        let right = row("ana", Verdict::Permit, Ok(Verdict::Permit));
        assert!(right.is_right());
        let spoilt = right.spoilt_by(&"the status page says nothing");
        assert!(!spoilt.is_right());
        let shown = text(&[spoilt], Style::plain());
        assert!(shown.contains("the status page says nothing"));
        assert!(shown.contains("7F3K-29QD"));
    }
}
