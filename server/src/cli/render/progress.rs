//! How far a long command has come: a bar on standard error while that is a terminal, and nothing elsewhere.
//! How much there is to do is known to the command.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that moves with what is done; it may be moved from several threads.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar for this many bytes, or one without an end where nobody knows how many there are.
    #[must_use]
    pub fn of_bytes(total: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self::default();
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:32} {percent:>3} %  {decimal_bytes_per_sec}  {eta} left",
            ),
            None => (
                ProgressBar::no_length(),
                "{spinner} {decimal_bytes}  {decimal_bytes_per_sec}",
            ),
        };
        // INVARIANT: both templates parse; a bar in another style would do as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar: Some(bar) }
    }

    /// So many bytes more are done.
    pub fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    /// Takes the bar away: what comes next stands in its place.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_there_is_no_bar_and_nothing_goes_wrong() {
        let progress = Progress::default();
        progress.advance(1);
        progress.finish();
        assert!(progress.bar.is_none());
    }
}
