//! The lexical guard before Cedar's parser: bounds that no policy for people needs to exceed.
//!
//! It reads tokens, not grammar: strings and comments are skipped, statements are split at `;`.
//! What passes it is parsed, validated, evaluated, formatted and dropped within the stack of
//! `stack.rs`; what does not pass gets a message with the position, never a crash.

mod lexer;

use std::ops::Range;

use self::lexer::{Kind, Lexer, Token};
use crate::error::Diagnostic;
use crate::source::SourceFile;

/// Largest file, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;
/// Largest statement, in bytes.
pub const MAX_STATEMENT: usize = 64 * 1024;
/// Deepest nesting of `(`, `[`, `{`.
pub const MAX_NESTING: usize = 64;
/// Most operators, member accesses and clauses in one statement.
pub const MAX_OPERATORS: usize = 300;
/// Most `if` in one statement.
pub const MAX_CONDITIONALS: usize = 64;

/// Splits a policy file into its statements, or says which bounds it exceeds.
///
/// Statements that are fine come back even when others are not, so that the parser can report
/// what is wrong with them in the same run.
pub(crate) fn statements(file: &SourceFile) -> (Vec<Range<usize>>, Vec<Diagnostic>) {
    if file.text.len() > MAX_FILE {
        let message = format!(
            "the file has {} bytes, more than the {MAX_FILE} allowed",
            file.text.len()
        );
        let too_large = Diagnostic::error(file, "policy-too-large", 0, 0, message)
            .with_help("split it: a bundle may have any number of files");
        return (Vec::new(), vec![too_large]);
    }
    let mut splitter = Splitter::new(file);
    for token in Lexer::new(&file.text) {
        splitter.token(&token);
    }
    splitter.finish()
}

/// Refuses text that nests deeper than [`MAX_NESTING`], for schemas, where `<` nests too.
pub(crate) fn nesting(file: &SourceFile) -> Option<Diagnostic> {
    let mut depth = 0_usize;
    if file.text.len() > MAX_FILE {
        return Some(Diagnostic::error(
            file,
            "schema-too-large",
            0,
            0,
            format!("the schema has more than {MAX_FILE} bytes"),
        ));
    }
    for token in Lexer::new(&file.text) {
        match token.kind {
            Kind::Open(_) | Kind::Operator("<") => depth += 1,
            Kind::Close(_) | Kind::Operator(">") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Some(too_deep(file, &token));
        }
    }
    None
}

/// Where the tokens of a text are; between them there are white space and comments only.
pub(crate) fn tokens(text: &str) -> Vec<Range<usize>> {
    Lexer::new(text).map(|token| token.at).collect()
}

fn too_deep(file: &SourceFile, token: &Token<'_>) -> Diagnostic {
    Diagnostic::error(
        file,
        "policy-too-deep",
        token.at.start,
        token.at.len(),
        format!("nested deeper than the {MAX_NESTING} levels allowed"),
    )
    .with_help(
        "split the condition into several `when` clauses, or the policy into several policies",
    )
}

/// Follows the tokens of a file, statement by statement.
struct Splitter<'a> {
    file: &'a SourceFile,
    statements: Vec<Range<usize>>,
    findings: Vec<Diagnostic>,
    current: Statement,
}

#[derive(Default)]
struct Statement {
    start: Option<usize>,
    end: usize,
    open: Vec<(char, usize)>,
    operators: usize,
    conditionals: usize,
    refused: bool,
}

impl<'a> Splitter<'a> {
    fn new(file: &'a SourceFile) -> Self {
        Self {
            file,
            statements: Vec::new(),
            findings: Vec::new(),
            current: Statement::default(),
        }
    }

    fn token(&mut self, token: &Token<'_>) {
        let start = *self.current.start.get_or_insert(token.at.start);
        self.current.end = token.at.end;
        match token.kind {
            Kind::Open(bracket) => {
                self.current.open.push((bracket, token.at.start));
                if self.current.open.len() > MAX_NESTING {
                    self.refuse(too_deep(self.file, token));
                }
                // `a["b"]["c"]` is a chain as `a.b.c` is, and no bracket of it is inside another.
                if bracket == '[' {
                    self.count_operator(token);
                }
            }
            Kind::Close(bracket) => match self.current.open.pop() {
                Some((open, _)) if closes(open, bracket) => {}
                Some((open, at)) => self.refuse(
                    self.at(
                        token,
                        "unbalanced",
                        format!("`{bracket}` does not close `{open}`"),
                    )
                    .with_label(at, 1, "opened here"),
                ),
                None => {
                    self.refuse(self.at(
                        token,
                        "unbalanced",
                        format!("`{bracket}` closes nothing"),
                    ));
                }
            },
            Kind::Operator(_) => self.count_operator(token),
            Kind::Word("if") => {
                self.current.conditionals += 1;
                if self.current.conditionals > MAX_CONDITIONALS {
                    self.refuse(self.at(
                        token,
                        "policy-too-complex",
                        format!("more than the {MAX_CONDITIONALS} `if` allowed in one policy"),
                    ));
                }
            }
            Kind::Word("in" | "has" | "like" | "is" | "when" | "unless") => {
                self.count_operator(token);
            }
            Kind::End => self.end_statement(start),
            Kind::Unclosed => {
                self.refuse(self.at(token, "unbalanced", "the text is not closed with `\"`"));
            }
            Kind::Word(_) | Kind::Other => {}
        }
        if self.current.end.saturating_sub(start) > MAX_STATEMENT {
            self.refuse(self.at(
                token,
                "policy-too-large",
                format!("the policy has more than the {MAX_STATEMENT} bytes allowed"),
            ));
        }
    }

    fn count_operator(&mut self, token: &Token<'_>) {
        self.current.operators += 1;
        if self.current.operators > MAX_OPERATORS {
            self.refuse(
                self.at(
                    token,
                    "policy-too-complex",
                    format!("more than the {MAX_OPERATORS} operators allowed in one policy"),
                )
                .with_help("put long lists into the bundle's entity data: a region, a network or a group, and test it with `in`"),
            );
        }
    }

    fn end_statement(&mut self, start: usize) {
        if let Some((open, at)) = self.current.open.first().copied() {
            let unclosed = Diagnostic::error(
                self.file,
                "unbalanced",
                at,
                1,
                format!("`{open}` is not closed before the policy ends"),
            );
            self.refuse(unclosed);
        }
        let statement = std::mem::take(&mut self.current);
        if !statement.refused {
            self.statements.push(start..statement.end);
        }
    }

    fn finish(mut self) -> (Vec<Range<usize>>, Vec<Diagnostic>) {
        if let Some(start) = self.current.start
            && !self.current.refused
        {
            self.findings.push(
                Diagnostic::error(
                    self.file,
                    "unbalanced",
                    start,
                    1,
                    "the policy is not closed with `;`",
                )
                .with_help("end the policy with `;`"),
            );
        }
        (self.statements, self.findings)
    }

    /// One finding a statement is enough: what follows the first is mostly its echo.
    fn refuse(&mut self, finding: Diagnostic) {
        if !std::mem::replace(&mut self.current.refused, true) {
            self.findings.push(finding);
        }
    }

    fn at(&self, token: &Token<'_>, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.file, code, token.at.start, token.at.len(), message)
    }
}

fn closes(open: char, close: char) -> bool {
    matches!((open, close), ('(', ')') | ('[', ']') | ('{', '}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let (_, findings) = statements(&SourceFile::new("a.cedar", text));
        findings
            .iter()
            .map(|d| format!("{} {}", d.origin(), d.message))
            .collect()
    }

    fn pieces(text: &str) -> Vec<String> {
        let (statements, _) = statements(&SourceFile::new("a.cedar", text));
        statements
            .into_iter()
            .map(|at| text[at].to_owned())
            .collect()
    }

    #[test]
    fn statements_are_split_outside_strings_and_comments() {
        let text = "// ; (\n@id(\"a;(\\\"\") permit(principal, action, resource); // )\n forbid(principal, action, resource);";
        assert_eq!(
            pieces(text),
            [
                "@id(\"a;(\\\"\") permit(principal, action, resource);",
                "forbid(principal, action, resource);"
            ]
        );
        assert!(findings(text).is_empty());
    }

    #[test]
    fn nesting_beyond_the_bound_is_refused_with_its_position() {
        let at_bound = format!("permit({}1{});", "(".repeat(63), ")".repeat(63));
        let beyond = format!("permit({}1{});", "(".repeat(64), ")".repeat(64));
        assert!(findings(&at_bound).is_empty());
        assert_eq!(
            findings(&beyond),
            ["a.cedar:1:71 nested deeper than the 64 levels allowed"]
        );
    }

    #[test]
    fn operators_beyond_the_bound_are_refused_and_strings_are_not_counted() {
        let many = format!(
            "permit(principal) when {{ true {} }};",
            "|| true ".repeat(300)
        );
        let quoted = format!("permit(principal) when {{ \"{}\" }};", "||".repeat(1000));
        assert_eq!(findings(&many).len(), 1);
        assert!(findings(&quoted).is_empty());
    }

    #[test]
    fn chains_of_clauses_conditionals_and_members_are_bounded() {
        for piece in ["when { true } ", "if a then b else ", ".a", "!"] {
            let text = format!("permit(principal) {};", piece.repeat(301));
            assert_eq!(findings(&text).len(), 1, "{piece}");
        }
    }

    #[test]
    fn a_chain_of_indices_is_bounded() {
        let text = format!(
            "permit(principal) when {{ context{} }};",
            "[\"a\"]".repeat(301)
        );
        assert_eq!(findings(&text).len(), 1);
    }

    #[test]
    fn a_comment_ends_at_a_lone_carriage_return() {
        let text = "// note\rforbid(principal, action, resource);\r// note\r\npermit(principal);";
        assert_eq!(
            pieces(text),
            ["forbid(principal, action, resource);", "permit(principal);"]
        );
        let deep = format!("permit(principal) when {{ // c\r{}1", "(".repeat(5000));
        assert_eq!(findings(&deep).len(), 1);
    }

    #[test]
    fn an_unclosed_bracket_is_found_where_it_opens_and_later_statements_survive() {
        let text = "permit(principal when { true };\npermit(principal);";
        assert_eq!(
            findings(text),
            ["a.cedar:1:7 `(` is not closed before the policy ends"]
        );
        assert_eq!(pieces(text), ["permit(principal);"]);
    }

    #[test]
    fn a_file_that_ends_inside_a_statement_or_a_string_is_refused() {
        assert_eq!(
            findings("permit(principal)"),
            ["a.cedar:1:1 the policy is not closed with `;`"]
        );
        assert_eq!(
            findings("permit(\"principal);"),
            ["a.cedar:1:8 the text is not closed with `\"`"]
        );
    }

    #[test]
    fn oversized_files_and_statements_are_refused() {
        assert_eq!(findings(&" ".repeat(MAX_FILE + 1)).len(), 1);
        let statement = format!("permit(\"{}\");", "x".repeat(MAX_STATEMENT));
        assert_eq!(findings(&statement).len(), 1);
    }
}
