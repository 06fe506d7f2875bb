//! Answers of the engine in the words of the protocol.

use doorward_engine::editor::{About, Candidate, Completion, Hover, Subject};
use doorward_engine::{Diagnostic, SourceFile};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionResponse, CompletionTextEdit, Documentation,
    HoverContents, MarkupContent, MarkupKind, TextEdit,
};

use super::positions::Lines;
use crate::cli::check::pages::page;

/// What there is to say about a place.
pub(super) fn hover(hover: &Hover, lines: &Lines<'_>) -> Option<lsp_types::Hover> {
    let text = match &hover.about {
        About::Words(words) => words.as_str(),
        About::Finding(id) => page(id)?,
    };
    Some(lsp_types::Hover {
        contents: HoverContents::Markup(markdown(text)),
        range: Some(lines.range(&hover.at)),
    })
}

/// What may stand at a place.
pub(super) fn completion(found: Completion, lines: &Lines<'_>) -> CompletionResponse {
    let range = lines.range(&found.at);
    let items = found.candidates.into_iter().map(|candidate| {
        let documentation = documentation(&candidate);
        let Candidate {
            name,
            text,
            subject,
            detail,
            ..
        } = candidate;
        CompletionItem {
            label: name,
            kind: Some(kind(subject)),
            detail,
            documentation,
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, text))),
            ..CompletionItem::default()
        }
    });
    CompletionResponse::Array(items.collect())
}

fn documentation(candidate: &Candidate) -> Option<Documentation> {
    let text = match candidate.subject {
        Subject::Finding => page(&candidate.name),
        _ => candidate.description.as_deref(),
    };
    text.map(|text| Documentation::MarkupContent(markdown(text)))
}

fn kind(subject: Subject) -> CompletionItemKind {
    match subject {
        Subject::Attribute => CompletionItemKind::FIELD,
        Subject::Type => CompletionItemKind::CLASS,
        Subject::Entity => CompletionItemKind::CONSTANT,
        Subject::Annotation => CompletionItemKind::PROPERTY,
        Subject::Value | Subject::Finding => CompletionItemKind::VALUE,
        Subject::Keyword => CompletionItemKind::KEYWORD,
        Subject::Variable => CompletionItemKind::VARIABLE,
        Subject::Function => CompletionItemKind::FUNCTION,
    }
}

fn markdown(text: &str) -> MarkupContent {
    MarkupContent {
        kind: MarkupKind::Markdown,
        value: text.to_owned(),
    }
}

/// The edits that lay out a file, or why it stays as it is.
pub(super) fn layout(file: &SourceFile, lines: &Lines<'_>) -> Result<Vec<TextEdit>, String> {
    match doorward_engine::format(file) {
        Ok(text) if *text == *file.text => Ok(Vec::new()),
        Ok(text) => Ok(vec![TextEdit::new(lines.all(), text)]),
        Err(findings) => Err(findings.iter().map(line).collect::<Vec<_>>().join("\n")),
    }
}

fn line(finding: &Diagnostic) -> String {
    format!("{}: {}", finding.origin(), finding.message)
}
