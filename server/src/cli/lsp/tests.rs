//! Sessions with an editor that is played by the test: messages in, messages out.

use std::fs;

use lsp_server::{Message, Notification, Request, RequestId, Response};
use lsp_types::InitializeParams;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::documents::uri_of;
use super::roots::Roots;
use super::session::Session;

const BROKEN: &str = "@id(\"a\") permit (principal in Group::\"stuff\", action, resource)\n\
                      when { context has device && context.device.managed };\n";

/// An editor with a directory of policies.
struct Editor {
    place: TempDir,
    session: Session,
}

impl Editor {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("policies")).unwrap();
        let data = "[group.staff]\n[application.wiki]\n";
        fs::write(place.path().join("policies/entities.toml"), data).unwrap();
        let params = json!({
            "capabilities": { "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } },
            "workspaceFolders": [{ "uri": uri_of(place.path()), "name": "work" }],
        });
        let params: InitializeParams = serde_json::from_value(params).unwrap();
        let (session, _) = Session::begin(&params, Roots::of(&params, None));
        Self { place, session }
    }

    fn uri(&self, name: &str) -> Value {
        let path = self.place.path().join("policies").join(name);
        serde_json::to_value(uri_of(&path)).unwrap()
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.session
            .hear(Notification::new(method.to_owned(), params));
    }

    fn open(&mut self, name: &str, text: &str) {
        let document =
            json!({ "uri": self.uri(name), "languageId": "cedar", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    fn change(&mut self, name: &str, text: &str) {
        let document = json!({ "uri": self.uri(name), "version": 2 });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", params);
    }

    fn ask(&mut self, method: &str, params: Value) -> Response {
        let id = RequestId::from(7);
        self.session
            .answer(Request::new(id, method.to_owned(), params))
    }

    fn answer(&mut self, method: &str, params: Value) -> Value {
        self.ask(method, params).response_result.unwrap()
    }

    /// The codes of what is shown now of each file, by the names of the files.
    fn shown(&mut self) -> Vec<(String, Vec<String>)> {
        let messages = self.session.settle();
        messages.into_iter().map(|it| published(&it)).collect()
    }
}

fn published(message: &Message) -> (String, Vec<String>) {
    let Message::Notification(told) = message else {
        panic!("{message:?}");
    };
    assert_eq!(told.method, "textDocument/publishDiagnostics");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let codes = told.params["diagnostics"].as_array().unwrap();
    let codes = codes.iter().map(|it| text(&it["code"])).collect();
    let name = text(&told.params["uri"]);
    (name.rsplit('/').next().unwrap().to_owned(), codes)
}

fn shows(name: &str, codes: &[&str]) -> (String, Vec<String>) {
    let codes = codes.iter().map(|code| (*code).to_owned()).collect();
    (name.to_owned(), codes)
}

#[test]
fn findings_come_and_go_with_the_text_in_the_editor() {
    let mut editor = Editor::new();
    editor.open("access.cedar", BROKEN);
    let broken = shows("access.cedar", &["unknown-entity"]);
    assert_eq!(editor.shown(), std::slice::from_ref(&broken));
    assert!(editor.shown().is_empty());
    let mended = BROKEN.replace("stuff", "staff");
    let mended = mended.replace(
        "@id(\"a\")",
        "@id(\"a\") @allow(\"permit-without-reauthentication, missing-reason\")",
    );
    editor.change("access.cedar", &mended);
    let shown = editor.shown();
    let [(name, codes)] = shown.as_slice() else {
        panic!("one file is open");
    };
    assert_eq!(name, "access.cedar");
    assert!(!codes.contains(&"unknown-entity".to_owned()), "{codes:?}");
}

#[test]
fn what_others_change_on_disk_is_seen_when_it_is_told() {
    let mut editor = Editor::new();
    editor.open("access.cedar", BROKEN);
    assert_eq!(editor.shown().len(), 1);
    let data = editor.place.path().join("policies/entities.toml");
    fs::write(&data, "[group.staff\n").unwrap();
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    let shown = editor.shown();
    assert!(
        shown.contains(&shows("entities.toml", &["entity-data"])),
        "{shown:?}"
    );
    fs::write(&data, "[group.stuff]\n").unwrap();
    editor.tell(
        "textDocument/didSave",
        json!({ "textDocument": { "uri": editor.uri("access.cedar") } }),
    );
    let shown = editor.shown();
    assert!(shown.contains(&shows("entities.toml", &[])), "{shown:?}");
}

#[test]
fn a_closed_file_counts_as_it_is_on_disk_and_the_last_one_takes_all_findings_along() {
    let mut editor = Editor::new();
    editor.open("access.cedar", BROKEN);
    editor.open("entities.toml", "[group.");
    assert_eq!(editor.shown().len(), 2);
    let closed = json!({ "textDocument": { "uri": editor.uri("entities.toml") } });
    editor.tell("textDocument/didClose", closed);
    let shown = editor.shown();
    assert!(shown.contains(&shows("entities.toml", &[])), "{shown:?}");
    let closed = json!({ "textDocument": { "uri": editor.uri("access.cedar") } });
    editor.tell("textDocument/didClose", closed);
    assert_eq!(editor.shown(), [shows("access.cedar", &[])]);
}

#[test]
fn questions_are_answered_before_anything_was_checked() {
    let mut editor = Editor::new();
    editor.open(
        "access.cedar",
        "// ä🔒\npermit (principal in Group::\"staff\") when { context.dev",
    );
    let document = json!({ "uri": editor.uri("access.cedar") });
    let at = |character: u32| json!({ "textDocument": document, "position": { "line": 1, "character": character } });
    let hover = editor.answer("textDocument/hover", at(31));
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("declared in `policies/entities.toml`, line 1")
    );
    assert_eq!(
        hover["range"]["start"],
        json!({ "line": 1, "character": 29 })
    );
    let definition = editor.answer("textDocument/definition", at(31));
    assert_eq!(definition["uri"], editor.uri("entities.toml"));
    assert_eq!(
        definition["range"]["start"],
        json!({ "line": 0, "character": 7 })
    );
    let completion = editor.answer("textDocument/completion", at(55));
    let device = completion
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["label"] == "device");
    assert_eq!(device.unwrap()["textEdit"]["newText"], "device");
}

#[test]
fn a_file_is_laid_out_or_it_is_said_why_not() {
    let mut editor = Editor::new();
    let text = "permit(principal,action,resource);";
    editor.open("access.cedar", text);
    let params = json!({
        "textDocument": { "uri": editor.uri("access.cedar") },
        "options": { "tabSize": 4, "insertSpaces": true },
    });
    let edits = editor.answer("textDocument/formatting", params.clone());
    assert_eq!(
        edits[0]["newText"],
        "permit (principal, action, resource);\n"
    );
    assert_eq!(
        edits[0]["range"]["end"],
        json!({ "line": 0, "character": text.len() })
    );
    editor.change("access.cedar", "permit (");
    let refused = editor
        .ask("textDocument/formatting", params)
        .response_result;
    let message = refused.unwrap_err().message;
    assert!(message.starts_with("policies/access.cedar:1:"), "{message}");
}

#[test]
fn odd_messages_do_no_harm() {
    let mut editor = Editor::new();
    editor.tell("textDocument/didOpen", json!({ "textDocument": 1 }));
    editor.tell("textDocument/didChange", json!(null));
    editor.tell("$/whatever", json!([]));
    assert!(editor.shown().is_empty());
    let code = |response: Response| response.response_result.unwrap_err().code;
    assert_eq!(code(editor.ask("textDocument/hover", json!({}))), -32602);
    assert_eq!(code(editor.ask("textDocument/rename", json!({}))), -32601);
    let nowhere = json!({
        "textDocument": { "uri": "untitled:a" },
        "position": { "line": 9, "character": 9 },
    });
    assert_eq!(editor.answer("textDocument/hover", nowhere), Value::Null);
}

#[test]
fn after_shutdown_nothing_is_answered() {
    let mut editor = Editor::new();
    assert!(!editor.session.is_over());
    assert_eq!(editor.answer("shutdown", Value::Null), Value::Null);
    assert!(editor.session.is_over());
    assert!(
        editor
            .ask("textDocument/hover", json!({}))
            .response_result
            .is_err()
    );
}

#[test]
fn an_editor_that_can_is_asked_to_watch_the_files() {
    let editor = Editor::new();
    let Some(Message::Request(wish)) = editor.session.wishes() else {
        panic!("there is no wish");
    };
    assert_eq!(wish.method, "client/registerCapability");
    let plain: InitializeParams = serde_json::from_value(json!({ "capabilities": {} })).unwrap();
    let (session, greeting) = Session::begin(&plain, Roots::default());
    assert!(session.wishes().is_none());
    assert_eq!(
        greeting.capabilities.position_encoding.unwrap().as_str(),
        "utf-16"
    );
}
