//! A session with an editor: what it has open, what it was told, and what it asks. Messages come in and go out;
//! how they travel is left to others.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use doorward_engine::SourceFile;
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self, Notification as _};
use lsp_types::request::{self, Request as _};
use lsp_types::{
    CompletionOptions, CompletionParams, CompletionResponse, Diagnostic,
    DidChangeWatchedFilesRegistrationOptions, DocumentFormattingParams, FileSystemWatcher,
    GlobPattern, GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams,
    InitializeParams, InitializeResult, Location, OneOf, PublishDiagnosticsParams, Registration,
    RegistrationParams, ServerCapabilities, ServerInfo, TextDocumentPositionParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextEdit, Uri,
};
use serde::de::DeserializeOwned;

use super::answers;
use super::documents::{Documents, uri_of};
use super::findings::{Bundle, Findings};
use super::positions::{Encoding, Lines};
use super::roots::Roots;

/// What an editor should watch, so that changes by others are seen.
const WATCHED: [&str; 4] = [
    "**/*.cedar",
    "**/*.cedarschema",
    "**/entities.{toml,json}",
    "**/*.suite.toml",
];

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    roots: Roots,
    encoding: Encoding,
    documents: Documents,
    /// The bundles of all files that are open, by directory, as they were at the last check or question.
    bundles: BTreeMap<PathBuf, Bundle>,
    /// What the editor shows of files that have findings.
    published: Findings,
    /// Whether something may have changed since the last check.
    changed: bool,
    /// Whether the editor can be asked to watch files.
    watches: bool,
    over: bool,
}

impl Session {
    /// A session as the editor wants it, and what it is told about the server.
    pub(super) fn begin(params: &InitializeParams, roots: Roots) -> (Self, InitializeResult) {
        let workspace = params.capabilities.workspace.as_ref();
        let watching = workspace.and_then(|it| it.did_change_watched_files.as_ref());
        let session = Self {
            roots,
            encoding: Encoding::agreed(params),
            documents: Documents::default(),
            bundles: BTreeMap::new(),
            published: Findings::new(),
            changed: false,
            watches: watching.and_then(|it| it.dynamic_registration) == Some(true),
            over: false,
        };
        let greeting = InitializeResult {
            capabilities: capabilities(session.encoding),
            server_info: Some(ServerInfo {
                name: "doorward".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        };
        (session, greeting)
    }

    /// What the editor is asked for once it is ready.
    pub(super) fn wishes(&self) -> Option<Message> {
        let watchers = WATCHED.map(|pattern| FileSystemWatcher {
            glob_pattern: GlobPattern::String(pattern.to_owned()),
            kind: None,
        });
        let options = DidChangeWatchedFilesRegistrationOptions {
            watchers: watchers.to_vec(),
        };
        let registration = Registration {
            id: "files".to_owned(),
            method: notification::DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        let params = RegistrationParams {
            registrations: vec![registration],
        };
        let method = request::RegisterCapability::METHOD.to_owned();
        let wish = Request::new(RequestId::from("files".to_owned()), method, params);
        self.watches.then(|| wish.into())
    }

    /// Whether the editor has said that it will end.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes in what the editor tells. What it means with other words is nothing to us.
    pub(super) fn hear(&mut self, told: Notification) {
        match told.method.as_str() {
            notification::DidOpenTextDocument::METHOD => {
                self.note(told, Documents::open);
            }
            notification::DidChangeTextDocument::METHOD => {
                self.note(told, Documents::change);
            }
            notification::DidCloseTextDocument::METHOD => {
                self.note(told, |documents, params| documents.close(&params));
            }
            notification::DidSaveTextDocument::METHOD
            | notification::DidChangeWatchedFiles::METHOD => self.changed = true,
            _ => {}
        }
    }

    fn note<P: DeserializeOwned>(
        &mut self,
        told: Notification,
        how: impl FnOnce(&mut Documents, P),
    ) {
        if let Ok(params) = serde_json::from_value(told.params) {
            how(&mut self.documents, params);
            self.changed = true;
        }
    }

    /// Checks what may have changed, and says what there is to show.
    pub(super) fn settle(&mut self) -> Vec<Message> {
        if !std::mem::take(&mut self.changed) {
            return Vec::new();
        }
        self.bundles.clear();
        let mut findings = Findings::new();
        let open: Vec<PathBuf> = self
            .documents
            .all()
            .map(|(path, _)| path.to_owned())
            .collect();
        for path in &open {
            let Some(directory) = self.roots.bundle_of(path) else {
                continue;
            };
            let Entry::Vacant(unknown) = self.bundles.entry(directory) else {
                continue;
            };
            let bundle = Bundle::read(unknown.key(), &self.documents);
            for (path, found) in bundle.check(self.encoding) {
                findings.entry(path).or_default().extend(found);
            }
            unknown.insert(bundle);
        }
        // An open file is told about even if nothing is wrong with it; of others, what is new.
        let mut news = findings.clone();
        news.retain(|path, found| self.published.get(path) != Some(&*found));
        for path in open {
            let found = findings.get(&path).cloned().unwrap_or_default();
            news.insert(path, found);
        }
        for path in self.published.keys() {
            if !findings.contains_key(path) {
                news.entry(path.clone()).or_default();
            }
        }
        self.published = findings;
        let messages = news.into_iter();
        messages
            .filter_map(|(path, found)| self.publication(&path, found))
            .collect()
    }

    fn publication(&self, path: &Path, found: Vec<Diagnostic>) -> Option<Message> {
        let document = self.documents.get(path);
        let uri = match document {
            Some(document) => document.uri.clone(),
            None => uri_of(path)?,
        };
        let version = document.map(|document| document.version);
        let params = PublishDiagnosticsParams::new(uri, found, version);
        let method = notification::PublishDiagnostics::METHOD.to_owned();
        Some(Notification::new(method, params).into())
    }

    /// Answers what the editor asks.
    pub(super) fn answer(&mut self, asked: Request) -> Response {
        if self.over {
            let code = ErrorCode::InvalidRequest as i32;
            return Response::new_err(asked.id, code, "the session is over".to_owned());
        }
        match asked.method.as_str() {
            request::Shutdown::METHOD => {
                self.over = true;
                Response::new_ok(asked.id, ())
            }
            request::HoverRequest::METHOD => {
                respond::<request::HoverRequest>(asked, |params| Ok(self.hover(&params)))
            }
            request::Completion::METHOD => {
                respond::<request::Completion>(asked, |params| Ok(self.complete(&params)))
            }
            request::GotoDefinition::METHOD => {
                respond::<request::GotoDefinition>(asked, |params| Ok(self.define(&params)))
            }
            request::Formatting::METHOD => {
                respond::<request::Formatting>(asked, |params| self.lay_out(&params))
            }
            other => {
                let message = format!("`{other}` is not known here");
                Response::new_err(asked.id, ErrorCode::MethodNotFound as i32, message)
            }
        }
    }

    fn hover(&mut self, params: &HoverParams) -> Option<Hover> {
        let place = self.place(&params.text_document_position_params)?;
        let hover = place.bundle.draft.hover(place.text, place.offset)?;
        answers::hover(&hover, &place.lines)
    }

    fn complete(&mut self, params: &CompletionParams) -> Option<CompletionResponse> {
        let place = self.place(&params.text_document_position)?;
        let found = place.bundle.draft.complete(place.text, place.offset)?;
        Some(answers::completion(found, &place.lines))
    }

    fn define(&mut self, params: &GotoDefinitionParams) -> Option<GotoDefinitionResponse> {
        let encoding = self.encoding;
        let place = self.place(&params.text_document_position_params)?;
        let found = place.bundle.draft.definition(place.text, place.offset)?;
        let text = place.bundle.text(&found.file)?;
        let range = Lines::of(text, encoding).range(&found.at);
        let uri = uri_of(&place.bundle.path(&found.file))?;
        Some(Location::new(uri, range).into())
    }

    fn lay_out(
        &mut self,
        params: &DocumentFormattingParams,
    ) -> Result<Option<Vec<TextEdit>>, String> {
        let encoding = self.encoding;
        let Some((bundle, text, path)) = self.policies(&params.text_document.uri) else {
            return Ok(None);
        };
        let file = SourceFile::new(bundle.name(path), text);
        answers::layout(&file, &Lines::of(text, encoding)).map(Some)
    }

    /// The place that a question is about, if it is in a file with policies.
    fn place(&mut self, asked: &TextDocumentPositionParams) -> Option<Place<'_>> {
        let encoding = self.encoding;
        let (bundle, text, _) = self.policies(&asked.text_document.uri)?;
        let lines = Lines::of(text, encoding);
        Some(Place {
            offset: lines.offset(asked.position),
            bundle,
            text,
            lines,
        })
    }

    /// An open file with policies: its bundle, its text and its path.
    fn policies(&mut self, uri: &Uri) -> Option<(&Bundle, &str, &Path)> {
        let (path, document) = self.documents.find(uri)?;
        if path.extension().is_none_or(|ending| ending != "cedar") {
            return None;
        }
        let directory = self.roots.bundle_of(path)?;
        let known = self.bundles.entry(directory.clone());
        let bundle: &Bundle = known.or_insert_with(|| Bundle::read(&directory, &self.documents));
        Some((bundle, document.text.as_str(), path))
    }
}

/// A place in an open file with policies.
struct Place<'a> {
    bundle: &'a Bundle,
    text: &'a str,
    lines: Lines<'a>,
    offset: usize,
}

/// The response to a question, by whoever can answer it.
fn respond<R: request::Request>(
    asked: Request,
    answer: impl FnOnce(R::Params) -> Result<R::Result, String>,
) -> Response {
    let params = match serde_json::from_value(asked.params) {
        Ok(params) => params,
        Err(error) => {
            let code = ErrorCode::InvalidParams as i32;
            return Response::new_err(asked.id, code, error.to_string());
        }
    };
    match answer(params) {
        Ok(result) => Response::new_ok(asked.id, result),
        Err(why) => Response::new_err(asked.id, ErrorCode::RequestFailed as i32, why),
    }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::FULL),
        save: Some(true.into()),
        ..TextDocumentSyncOptions::default()
    };
    let triggers = [".", "\"", ":", "@"].map(str::to_owned);
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(true.into()),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(triggers.to_vec()),
            ..CompletionOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}
