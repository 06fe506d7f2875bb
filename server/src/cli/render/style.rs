//! How output looks: coloured and wrapped on a terminal, plain elsewhere.
//! What gets which tone is left to those who write it.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use clap::builder::styling::{AnsiColor, Style as Ansi};
use miette::{GraphicalReportHandler, GraphicalTheme};
use rustix::termios::tcgetwinsize;

/// How output looks where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    colour: bool,
    /// Columns at which messages are wrapped; nothing is wrapped in files and pipes.
    width: Option<usize>,
}

/// What a piece of text says by its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Something is not known, or not settled.
    Doubtful,
    /// Look here first.
    Strong,
    /// Look here last.
    Quiet,
}

/// Below this no terminal is wrapped to: words would fall apart.
const NARROWEST: usize = 40;

impl Style {
    /// No colours, no wrapping.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            colour: false,
            width: None,
        }
    }

    /// Colours, no wrapping.
    #[must_use]
    pub const fn coloured() -> Self {
        Self {
            colour: true,
            width: None,
        }
    }

    /// As standard output shows it.
    #[must_use]
    pub fn stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// As standard error shows it.
    #[must_use]
    pub fn stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of(stream: &(impl IsTerminal + AsFd)) -> Self {
        if !stream.is_terminal() {
            return Self::plain();
        }
        Self {
            colour: wants_colour(
                env::var_os("NO_COLOR").as_deref(),
                env::var_os("TERM").as_deref(),
            ),
            width: tcgetwinsize(stream)
                .ok()
                .map(|size| usize::from(size.ws_col))
                .filter(|width| *width >= NARROWEST),
        }
    }

    /// Whether there are colours.
    #[must_use]
    pub const fn is_coloured(self) -> bool {
        self.colour
    }

    /// The text in the colour of its tone.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let ansi = tone.ansi();
        format!("{ansi}{text}{ansi:#}")
    }

    /// What draws findings with their excerpts.
    pub(super) fn handler(self) -> GraphicalReportHandler {
        let theme = if self.colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
        match self.width {
            Some(width) => handler.with_width(width),
            None => handler.with_wrap_lines(false),
        }
    }
}

impl Tone {
    const fn ansi(self) -> Ansi {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Doubtful => AnsiColor::Yellow.on_default(),
            Self::Strong => Ansi::new().bold(),
            Self::Quiet => Ansi::new().dimmed(),
        }
    }
}

/// `NO_COLOR` counts when it is set to anything, see <https://no-color.org>.
fn wants_colour(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term != Some(OsStr::new("dumb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(no_color: Option<&str>, term: Option<&str>) -> bool {
        wants_colour(no_color.map(OsStr::new), term.map(OsStr::new))
    }

    #[test]
    fn plain_text_has_no_escapes() {
        assert_eq!(Style::plain().paint(Tone::Bad, "denied"), "denied");
    }

    #[test]
    fn coloured_text_ends_its_colour() {
        let text = Style::coloured().paint(Tone::Bad, "denied");
        assert_eq!(text, "\u{1b}[31mdenied\u{1b}[0m");
    }

    #[test]
    fn no_color_counts_when_it_says_anything() {
        assert!(!wanted(Some("1"), None));
        assert!(!wanted(Some("0"), Some("xterm")));
        assert!(wanted(Some(""), Some("xterm")));
        assert!(wanted(None, None));
    }

    #[test]
    fn a_dumb_terminal_gets_no_colours() {
        assert!(!wanted(None, Some("dumb")));
    }

    #[test]
    fn a_file_is_no_terminal() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(Style::of(&file), Style::plain());
    }
}
