//! Findings as Markdown for a comment on a pull request: a heading, and a table with a row for each.

use std::fmt::Write as _;

use super::Finding;
use crate::cli::render::clean;

/// The heading, and the findings below it, if there are any.
#[must_use]
pub fn markdown(heading: &str, findings: &[Finding]) -> String {
    let mut text = format!("### {}\n", cell(heading));
    if findings.is_empty() {
        return text;
    }
    text.push_str("\n| | finding | place |\n|---|---|---|\n");
    for finding in findings {
        let diagnostic = &finding.diagnostic;
        let help = diagnostic.help.as_deref();
        let help = help.map_or_else(String::new, |help| format!("<br>{}", cell(help)));
        // INVARIANT: writing into a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | **{}**<br>{}{help} | {} |",
            diagnostic.severity,
            finding.code(),
            cell(&diagnostic.message),
            cell(&format!("`{}`", finding.place().replace('`', "'"))),
        );
    }
    text.push_str("\n`doorward check --explain ID` tells more about each.\n");
    text
}

/// A text that stays in its cell of a table and says what it says, whatever is in it.
#[must_use]
pub fn cell(text: &str) -> String {
    let mut text = clean::line(text);
    // An odd one would make code of the rest of the row.
    if text.matches('`').count() % 2 == 1 {
        text = text.replace('`', "'");
    }
    let mut cell = String::with_capacity(text.len());
    let mut is_code = false;
    for symbol in text.chars() {
        match symbol {
            '`' => {
                is_code = !is_code;
                cell.push('`');
            }
            '|' => cell.push_str("\\|"),
            '<' if !is_code => cell.push_str("&lt;"),
            '*' | '_' | '[' | ']' | '\\' | '~' | '&' if !is_code => {
                cell.push('\\');
                cell.push(symbol);
            }
            plain => cell.push(plain),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn each_finding_is_a_row() {
        insta::assert_snapshot!(markdown("refused: 1 error, 1 warning", &findings()));
    }

    #[test]
    fn without_findings_there_is_the_heading() {
        assert_eq!(markdown("usable", &[]), "### usable\n");
    }

    #[test]
    fn nothing_in_a_text_leaves_its_cell() {
        assert_eq!(cell("a|b\n<b> `c|<d>` e_f"), "a\\|b &lt;b> `c\\|<d>` e\\_f");
        assert_eq!(cell("odd ` <b>"), "odd ' &lt;b>");
    }
}
