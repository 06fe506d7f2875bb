//! What a change of a file would change, line by line, as `diff -u` shows it.

use similar::TextDiff;

use super::{Style, Tone, clean};

/// Lines around a change that are shown with it.
const AROUND: usize = 3;

/// The difference, with the file's name above it; nothing where there is none.
#[must_use]
pub fn diff(file: &str, before: &str, after: &str, style: Style) -> String {
    let name = clean::line(file);
    let plain = TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(AROUND)
        .header(&name, &name)
        .to_string();
    clean::text(&plain)
        .split_inclusive('\n')
        .enumerate()
        .map(|(number, line)| toned(line, number < 2, style))
        .collect()
}

fn toned(line: &str, is_head: bool, style: Style) -> String {
    let tone = match line.chars().next() {
        _ if is_head => Tone::Strong,
        Some('+') => Tone::Good,
        Some('-') => Tone::Bad,
        Some('@') => Tone::Quiet,
        _ => return line.to_owned(),
    };
    match line.strip_suffix('\n') {
        Some(line) => format!("{}\n", style.paint(tone, line)),
        None => style.paint(tone, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_go_and_come_are_marked() {
        let before = "// a\npermit(principal,action,resource);\n// b\n";
        let after = "// a\npermit (principal, action, resource);\n// b\n";
        insta::assert_snapshot!(diff("policies/a.cedar", before, after, Style::plain()));
    }

    #[test]
    fn no_change_is_nothing() {
        assert_eq!(diff("a.cedar", "a\n", "a\n", Style::plain()), "");
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        let shown = diff("a.cedar", "\u{1b}[2J\n", "b\n", Style::plain());
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        assert!(diff("a.cedar", "a\n", "b\n", Style::coloured()).contains('\u{1b}'));
    }
}
