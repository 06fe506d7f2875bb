//! `doorward lsp`: the language server over its pipes, by a small client that speaks the protocol by the book.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use doorward_tests::PATIENCE;
use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::BINARY;

/// An editor with the starter policies open, and the server it started.
struct Editor {
    place: TempDir,
    server: Child,
    input: Option<ChildStdin>,
    output: Receiver<Message>,
    asked: i32,
    version: i32,
}

impl Editor {
    /// Starts the server and greets it.
    fn start(arguments: &[&str]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        fs::create_dir(place.path().join("policies")).expect("a directory");
        for name in ["access.cedar", "entities.toml", "access.suite.toml"] {
            let text = starter(name);
            fs::write(place.path().join("policies").join(name), text).expect(name);
        }
        let mut server = Command::new(BINARY)
            .arg("lsp")
            .args(arguments)
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut from_server = BufReader::new(server.stdout.take().expect("piped"));
        let (sender, output) = channel();
        thread::spawn(move || {
            while let Ok(Some(message)) = Message::read(&mut from_server) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut editor = Self {
            input: server.stdin.take(),
            place,
            server,
            output,
            asked: 0,
            version: 0,
        };
        let folder = json!({ "uri": editor.url(""), "name": "work" });
        let greeting = editor.ask(
            "initialize",
            &json!({ "processId": null, "capabilities": {}, "workspaceFolders": [folder] }),
        );
        assert_eq!(greeting["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    /// The same with the policies open.
    fn open(arguments: &[&str]) -> Self {
        let mut editor = Self::start(arguments);
        let document = json!({
            "uri": editor.policies(),
            "languageId": "cedar",
            "version": 0,
            "text": starter("access.cedar"),
        });
        editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
        editor
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        Url::from_file_path(self.path(name)).expect("a path").into()
    }

    fn policies(&self) -> String {
        self.url("policies/access.cedar")
    }

    fn send(&mut self, message: impl Into<Message>) {
        let message = message.into();
        let input = self.input.as_mut().expect("open");
        message.write(input).expect("written");
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(Notification::new(method.to_owned(), params));
    }

    /// Types: the whole text is now this.
    fn write(&mut self, text: &str) {
        self.version += 1;
        let document = json!({ "uri": self.policies(), "version": self.version });
        let changes = json!([{ "text": text }]);
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        );
    }

    /// What the server answers.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let response = self.response(method, params);
        response
            .response_result
            .unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    fn response(&mut self, method: &str, params: &Value) -> Response {
        self.asked += 1;
        let id = RequestId::from(self.asked);
        self.send(Request::new(id.clone(), method.to_owned(), params));
        self.awaited(|message| match message {
            Message::Response(response) if response.id == id => Some(response),
            _ => None,
        })
    }

    /// What is asked about the first place of this mark in the policies, some bytes behind its beginning.
    fn ask_at(&mut self, method: &str, text: &str, mark: &str, behind: usize) -> Value {
        let offset = text.find(mark).expect(mark) + behind;
        let before = &text[..offset];
        let line = before.matches('\n').count();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let character = before[start..].encode_utf16().count();
        let params = json!({
            "textDocument": { "uri": self.policies() },
            "position": { "line": line, "character": character },
        });
        self.ask(method, &params)
    }

    /// The findings of the policies for the text of this version.
    fn findings(&mut self) -> Vec<Value> {
        let (uri, version) = (self.policies(), self.version);
        self.awaited(|message| match message {
            Message::Notification(told)
                if told.method == "textDocument/publishDiagnostics"
                    && told.params["uri"] == uri.as_str()
                    && told.params["version"] == version =>
            {
                told.params["diagnostics"].as_array().cloned()
            }
            _ => None,
        })
    }

    /// The first message that is awaited; all before it are passed over.
    fn awaited<T>(&self, is_it: impl Fn(Message) -> Option<T>) -> T {
        loop {
            let message = self.output.recv_timeout(PATIENCE).expect("a message");
            if let Some(found) = is_it(message) {
                return found;
            }
        }
    }

    /// The exit code, once the server has said everything.
    fn exit_code(mut self) -> Option<i32> {
        drop(self.input.take());
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still running after {PATIENCE:?}"),
            }
        }
        self.server.wait().expect("finished").code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn starter(name: &str) -> String {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    fs::read_to_string(policies.join(name)).expect(name)
}

#[test]
fn findings_are_shown_while_somebody_types_and_go_away_when_they_are_mended() {
    let text = starter("access.cedar");
    let mut editor = Editor::open(&[]);
    assert_eq!(editor.findings(), Vec::<Value>::new());
    let broken = text.replacen("Group::\"employees\"", "Group::\"employes\"", 1);
    editor.write(&broken);
    let findings = editor.findings();
    let [finding] = findings.as_slice() else {
        panic!("one finding: {findings:?}");
    };
    let offset = broken.find("Group::\"employes\"").expect("the mistake");
    let line = broken[..offset].matches('\n').count();
    assert_eq!(finding["code"], "unknown-entity");
    assert_eq!(finding["source"], "doorward");
    assert_eq!(finding["severity"], 1);
    let range = &finding["range"];
    assert_eq!(range["start"], json!({ "line": line, "character": 17 }));
    assert_eq!(range["end"], json!({ "line": line, "character": 34 }));
    let message = finding["message"].as_str().expect("a text");
    assert!(message.contains("did you mean"), "{message}");
    editor.write("permit (princ");
    assert!(!editor.findings().is_empty());
    editor.write(&text);
    assert_eq!(editor.findings(), Vec::<Value>::new());
}

#[test]
fn a_file_that_is_not_open_is_told_about_too() {
    let mut editor = Editor::open(&[]);
    assert!(editor.findings().is_empty());
    fs::write(editor.path("policies/entities.toml"), "[group.").expect("written");
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    let data = editor.url("policies/entities.toml");
    let code = editor.awaited(|message| match message {
        Message::Notification(told) if told.params["uri"] == data.as_str() => {
            Some(told.params["diagnostics"][0]["code"].clone())
        }
        _ => None,
    });
    assert_eq!(code, "entity-data");
}

#[test]
fn a_hover_says_what_a_word_means() {
    let text = starter("access.cedar");
    let mut editor = Editor::open(&[]);
    let mut said = |mark: &str, behind: usize| {
        let hover = editor.ask_at("textDocument/hover", &text, mark, behind);
        let value = hover["contents"]["value"].as_str();
        value
            .unwrap_or_else(|| panic!("{mark}: {hover}"))
            .to_owned()
    };
    let managed = said("context.device.managed", 16);
    assert!(
        managed.contains("`context.device.managed: Bool`"),
        "{managed}"
    );
    assert!(managed.contains("the device inventory"), "{managed}");
    let home = said("Region::\"home\"", 10);
    assert!(home.contains("Singapore"), "{home}");
    let advice = said("@advice(", 3);
    assert!(advice.contains("who is refused"), "{advice}");
}

#[test]
fn names_are_completed_in_a_text_that_does_not_parse() {
    let mut editor = Editor::open(&[]);
    let text = "@mode(\"\n@id(\"a\") permit (principal in Group::\"\n) when { context.device.";
    editor.write(text);
    let mut labels = |mark: &str| {
        let found = editor.ask_at("textDocument/completion", text, mark, mark.len());
        let found = found.as_array().cloned().unwrap_or_default();
        let labels = found.iter().map(|it| it["label"].as_str().expect("a text"));
        labels.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(labels("@mode(\""), ["enforce", "report-only"]);
    assert_eq!(labels("Group::\""), ["employees"]);
    assert!(labels("context.device.").contains(&"diskEncrypted".to_owned()));
}

#[test]
fn a_name_leads_to_its_declaration() {
    let text = starter("access.cedar");
    let mut editor = Editor::open(&[]);
    let place = editor.ask_at("textDocument/definition", &text, "\"sensitive\"", 2);
    assert_eq!(place["uri"], editor.url("policies/entities.toml"));
    let data = starter("entities.toml");
    let at = data.find("[application-group.sensitive]").expect("it");
    let line = data[..at].matches('\n').count();
    assert_eq!(
        place["range"]["start"],
        json!({ "line": line, "character": 19 })
    );
}

#[test]
fn a_file_is_laid_out_whole_or_not_at_all() {
    let mut editor = Editor::open(&[]);
    let params = json!({
        "textDocument": { "uri": editor.policies() },
        "options": { "tabSize": 4, "insertSpaces": true },
    });
    assert_eq!(editor.ask("textDocument/formatting", &params), json!([]));
    editor.write("// all\npermit(principal,action,resource);\n");
    let edits = editor.ask("textDocument/formatting", &params);
    let laid = "// all\npermit (principal, action, resource);\n";
    assert_eq!(edits[0]["newText"], laid);
    assert_eq!(
        edits[0]["range"]["start"],
        json!({ "line": 0, "character": 0 })
    );
    assert_eq!(
        edits[0]["range"]["end"],
        json!({ "line": 2, "character": 0 })
    );
    editor.write("permit (principal,action,resource)");
    let refused = editor.response("textDocument/formatting", &params);
    let error = refused.response_result.expect_err("refused");
    assert!(
        error.message.contains("access.cedar:1:"),
        "{}",
        error.message
    );
}

#[test]
fn the_directory_of_policies_can_be_named() {
    let mut editor = Editor::start(&["--policies", "rules"]);
    fs::create_dir_all(editor.path("rules/sub")).expect("a directory");
    fs::write(editor.path("rules/a.cedar"), "permit (").expect("written");
    let document = json!({
        "uri": editor.url("rules/sub/b.cedar"),
        "languageId": "cedar",
        "version": 1,
        "text": "@id(\"b\") permit (principal, action, resource);",
    });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    let other = editor.url("rules/a.cedar");
    let found = editor.awaited(|message| match message {
        Message::Notification(told) if told.params["uri"] == other.as_str() => {
            told.params["diagnostics"].as_array().cloned()
        }
        _ => None,
    });
    assert!(!found.is_empty());
}

#[test]
fn what_is_not_known_is_refused_and_the_session_goes_on() {
    let mut editor = Editor::open(&[]);
    let refused = editor.response("textDocument/nonsense", &json!({}));
    let error = refused.response_result.expect_err("refused");
    assert_eq!(error.code, -32601);
    editor.write(&starter("access.cedar"));
    assert!(editor.findings().is_empty());
}

#[test]
fn the_editor_ends_the_server() {
    let mut editor = Editor::open(&[]);
    assert_eq!(editor.ask("shutdown", &Value::Null), Value::Null);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.exit_code(), Some(0));
}

#[test]
fn an_editor_that_is_gone_ends_the_server_too() {
    let editor = Editor::open(&[]);
    assert_eq!(editor.exit_code(), Some(1));
}
