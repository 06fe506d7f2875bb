//! Policies laid out in one way. Within a policy the layout is that of Cedar's formatter; comments and
//! their paragraphs between policies stay as they are. Reading and writing files is the caller's.
//!
//! Cedar's formatter breaks a line wherever a comment stands behind its code. So those comments are taken
//! out first and put back at the ends of their lines, one below the other; only where one would get away
//! from its code does the formatter place them itself. Whatever was done, the tokens of the text and its
//! comments are compared with those from before: a file that would lose anything is refused.

use std::ops::Range;

use cedar_policy_formatter::{Config, policies_str_to_pretty};

use crate::error::Diagnostic;
use crate::guard;
use crate::source::SourceFile;
use crate::stack;
use crate::syntax;

/// Columns and indentation.
const STYLE: Config = Config {
    line_width: 100,
    indent_width: 4,
};

/// Columns between code and the comment behind it.
const APART: usize = 2;

/// Rounds within which a layout has to stay as it is.
const ROUNDS: usize = 3;

/// Lays out a policy file: the same policies with the same comments, always in the same form.
///
/// # Errors
/// What exceeds the bounds of the guard, what Cedar's parser finds wrong, and a policy that cannot be laid
/// out without loss.
pub fn format(file: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let file = SourceFile::new(&*file.name, text);
    let (statements, findings) = guard::statements(&file);
    if !findings.is_empty() {
        return Err(findings);
    }
    stack::with_enough(|| {
        let mistakes = mistakes(&file, &statements);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        settled(&file.text, &statements).map_err(|number| vec![refused(&file, &statements, number)])
    })
}

fn mistakes(file: &SourceFile, statements: &[Range<usize>]) -> Vec<Diagnostic> {
    if is_right(&file.text, statements.len()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for at in statements {
        let text = file.text.get(at.clone()).unwrap_or_default();
        if let Err(errors) = syntax::statement(text, at.start) {
            found.extend(
                errors.iter().map(|error| {
                    Diagnostic::from_cedar(file, at.start, at.clone(), "syntax", error)
                }),
            );
        }
    }
    found
}

/// Whether the text is this number of policies.
fn is_right(text: &str, number: usize) -> bool {
    number == 0 || syntax::whole_file(text).is_some_and(|policies| policies.len() == number)
}

fn refused(file: &SourceFile, statements: &[Range<usize>], number: usize) -> Diagnostic {
    let at = statements.get(number).cloned().unwrap_or_default();
    let message = "this policy cannot be laid out without loss, so the file stays as it is";
    Diagnostic::error(file, "cannot-format", at.start, at.len().min(1), message)
        .with_help("move comments out of the middle of expressions, to lines of their own")
}

/// The layout that stays as it is when it is laid out again, or the number of the policy that has none.
fn settled(text: &str, statements: &[Range<usize>]) -> Result<String, usize> {
    let mut laid = laid_out(text, statements)?;
    for _ in 0..ROUNDS {
        let (places, findings) = guard::statements(&SourceFile::new("", laid.as_str()));
        if !findings.is_empty() || !is_right(&laid, statements.len()) {
            return Err(0);
        }
        let again = laid_out(&laid, &places)?;
        if again == laid {
            return Ok(laid);
        }
        laid = again;
    }
    Err(0)
}

fn laid_out(text: &str, statements: &[Range<usize>]) -> Result<String, usize> {
    let mut laid = String::with_capacity(text.len());
    let mut end = 0;
    for (number, at) in statements.iter().enumerate() {
        if between(&mut laid, text.get(end..at.start).unwrap_or_default()) {
            laid.push('\n');
        }
        let statement = text.get(at.clone()).unwrap_or_default();
        laid.push_str(&policy(statement).ok_or(number)?);
        end = at.end;
    }
    between(&mut laid, text.get(end..).unwrap_or_default());
    if is_same(text, &laid) {
        Ok(laid)
    } else {
        Err(0)
    }
}

/// Adds what stands before the first policy, between two, or behind the last: comments, and one blank line
/// where there are some. Says whether a blank line is due before what follows.
fn between(laid: &mut String, text: &str) -> bool {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut rest = text.as_str();
    let mut blank = !laid.is_empty();
    if blank {
        let (behind, below) = rest.split_once('\n').unwrap_or((rest, ""));
        let behind = behind.trim();
        if !behind.is_empty() {
            laid.push_str(&" ".repeat(APART));
            laid.push_str(behind);
        }
        laid.push('\n');
        rest = below;
    }
    for line in rest.lines().map(str::trim) {
        if line.is_empty() {
            blank = !laid.is_empty();
            continue;
        }
        if blank {
            laid.push('\n');
            blank = false;
        }
        laid.push_str(line);
        laid.push('\n');
    }
    blank
}

/// One policy, without what stands before and behind it.
fn policy(text: &str) -> Option<String> {
    aligned(text)
        .filter(|laid| is_same(text, laid))
        .or_else(|| pretty(text).filter(|laid| is_same(text, laid)))
}

/// As Cedar's formatter does it.
fn pretty(text: &str) -> Option<String> {
    let laid = policies_str_to_pretty(text, &STYLE).ok()?;
    Some(joined(laid.trim_end()))
}

/// With the `{` of a clause of several lines behind its `when` or `unless`, not below.
fn joined(text: &str) -> String {
    let tokens = guard::tokens(text);
    let word = |at: &Range<usize>| text.get(at.clone()).unwrap_or_default();
    let mut joined = String::with_capacity(text.len());
    let (mut end, mut last) = (0, "");
    for at in &tokens {
        let gap = text.get(end..at.start).unwrap_or_default();
        let opens = word(at) == "{" && ["when", "unless"].contains(&last);
        let is_long = text
            .get(at.end..)
            .is_some_and(|rest| rest.starts_with('\n'));
        let is_below = gap.contains('\n') && gap.trim().is_empty();
        joined.push_str(if opens && is_long && is_below {
            " "
        } else {
            gap
        });
        joined.push_str(word(at));
        (end, last) = (at.end, word(at));
    }
    joined.push_str(text.get(end..).unwrap_or_default());
    joined
}

/// A comment behind code: where the code ends, on which line and how wide that is.
#[derive(Debug)]
struct Mark<'a> {
    comment: &'a str,
    end: usize,
    line: usize,
    width: usize,
}

/// As Cedar's formatter does it for the policy without the comments behind code, and those back at the ends of
/// their lines; nothing if one of them is behind code that does not end a line.
fn aligned(text: &str) -> Option<String> {
    let (bare, comments) = without_comments_behind(text);
    let laid = pretty(&bare)?;
    let tokens = guard::tokens(&laid);
    let marks: Vec<Mark<'_>> = comments
        .into_iter()
        .map(|(token, comment)| mark(&laid, tokens.get(token)?.end, comment))
        .collect::<Option<_>>()?;
    let mut aligned = String::with_capacity(text.len());
    let mut done = 0;
    for neighbours in marks.chunk_by(|above, below| above.line + 1 == below.line) {
        let widest = neighbours.iter().map(|mark| mark.width).max().unwrap_or(0);
        for mark in neighbours {
            aligned.push_str(laid.get(done..mark.end)?);
            aligned.push_str(&" ".repeat(widest - mark.width + APART));
            aligned.push_str(mark.comment);
            done = mark.end;
        }
    }
    aligned.push_str(laid.get(done..)?);
    Some(aligned)
}

/// The place for a comment behind the code that ends at `end`, if that is the end of its line.
fn mark<'a>(laid: &str, end: usize, comment: &'a str) -> Option<Mark<'a>> {
    let (before, after) = laid.split_at_checked(end)?;
    if !after.starts_with('\n') {
        return None;
    }
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Some(Mark {
        comment,
        end,
        line: before.matches('\n').count(),
        width: before.get(start..)?.chars().count(),
    })
}

/// A policy without the comments that stand behind code, and those, each with the number of its token.
fn without_comments_behind(text: &str) -> (String, Vec<(usize, &str)>) {
    let (mut bare, mut comments) = (String::with_capacity(text.len()), Vec::new());
    let mut end = 0;
    for (number, at) in guard::tokens(text).into_iter().enumerate() {
        let gap = text.get(end..at.start).unwrap_or_default();
        let line = gap.find(['\n', '\r']).unwrap_or(0);
        let (behind, below) = gap.split_at_checked(line).unwrap_or(("", gap));
        let behind = behind.trim();
        if !behind.is_empty() {
            comments.push((number.saturating_sub(1), behind));
        }
        bare.push_str(below);
        bare.push_str(text.get(at.clone()).unwrap_or_default());
        end = at.end;
    }
    (bare, comments)
}

/// Whether two texts have the same tokens and the same comments, each in the same order.
fn is_same(before: &str, after: &str) -> bool {
    parts(before) == parts(after)
}

fn parts(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut words, mut comments) = (Vec::new(), Vec::new());
    let mut end = 0;
    let behind = text.len()..text.len();
    for at in guard::tokens(text).into_iter().chain([behind]) {
        let gap = text.get(end..at.start).unwrap_or_default();
        comments.extend(
            gap.split(['\n', '\r'])
                .map(str::trim)
                .filter(|line| !line.is_empty()),
        );
        words.push(text.get(at.clone()).unwrap_or_default());
        end = at.end;
    }
    (words, comments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(text: &str) -> String {
        match format(&SourceFile::new("a.cedar", text)) {
            Ok(laid) => laid,
            Err(findings) => panic!("{findings:?}"),
        }
    }

    fn codes(text: &str) -> Vec<&'static str> {
        let findings = format(&SourceFile::new("a.cedar", text)).unwrap_err();
        findings.iter().map(|finding| finding.code).collect()
    }

    const CRAMPED: &str = "// Who gets in.\n\n\n// Staff.\n@id(\"a\")permit(principal in Group::\"staff\", // staff\n\
        action,resource in ApplicationGroup::\"work\" // work\n)when{context has device&&context.device.managed}\n\
        // Fresh.\nunless { context.session has passwordAge && context.session.passwordAge > duration(\"7d\") && \
        context.session.methods.contains(\"pwd\") } ;// done\nforbid(principal,action,resource);\n\n// The end.\n";

    #[test]
    fn a_policy_file_has_one_layout() {
        insta::assert_snapshot!(laid(CRAMPED));
    }

    #[test]
    fn the_starter_bundle_is_laid_out() {
        let starter = include_str!("../../policies/access.cedar");
        assert_eq!(laid(starter), starter);
    }

    #[test]
    fn what_is_laid_out_stays_as_it_is() {
        let once = laid(CRAMPED);
        assert_eq!(laid(&once), once);
    }

    #[test]
    fn comments_keep_their_order_and_their_code() {
        let text = "permit (\n  // who\n  principal, // anybody\n  action, // anything\n  resource // all\n)\n\
                    when { // so\n true && // yes\n true // and yes\n} // there\n; // end\n// last";
        let laid = laid(text);
        assert!(is_same(text, &laid), "{laid}");
        assert!(laid.contains("// anybody\n"), "{laid}");
        insta::assert_snapshot!(laid);
    }

    #[test]
    fn comments_behind_code_stand_below_each_other() {
        let text = "permit (principal in Group::\"a\", // one\n action == Action::\"signIn\", // two\n resource);";
        let expected = "permit (\n    principal in Group::\"a\",     // one\n    \
                        action == Action::\"signIn\",  // two\n    resource\n);\n";
        assert_eq!(laid(text), expected);
    }

    #[test]
    fn texts_keep_their_lines_and_what_looks_like_a_comment() {
        let text = "permit(principal,action,resource)when{principal.email==\"a\n\n  // b \"};";
        assert!(laid(text).contains("\"a\n\n  // b \""));
    }

    #[test]
    fn policies_on_one_line_come_apart_and_other_line_ends_are_understood() {
        let text = "\u{feff}// a\r\npermit(principal,action,resource);permit(principal,action,resource); // b\r// c";
        let policy = "permit (principal, action, resource);";
        assert_eq!(
            laid(text),
            format!("// a\n{policy}\n\n{policy}  // b\n\n// c\n")
        );
    }

    #[test]
    fn a_file_without_policies_keeps_its_comments() {
        assert_eq!(laid(""), "");
        assert_eq!(laid("\n\n  // a\n\n\n//b\n\n"), "// a\n\n//b\n");
    }

    #[test]
    fn mistakes_are_told_and_nothing_is_laid_out() {
        assert_eq!(codes("permit (principal, action);"), ["syntax"]);
        assert_eq!(
            codes("permit (principal, action, resource)"),
            ["unbalanced"]
        );
        let deep = format!(
            "permit (principal, action, resource) when {{ {}true{} }};",
            "(".repeat(64),
            ")".repeat(64)
        );
        assert_eq!(codes(&deep), ["policy-too-deep"]);
    }

    #[test]
    fn a_text_that_loses_a_comment_or_a_word_is_not_the_same() {
        assert!(is_same("a // b\nc", "a c // b"));
        assert!(!is_same("a // b\nc", "a c"));
        assert!(!is_same("a // b\nc", "a // b\nd"));
    }
}
