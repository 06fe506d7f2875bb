//! The language server in a real editor: Neovim with its own client, which a script in Lua drives. What each
//! answer has to say is tested in `lsp.rs`; here an editor that others wrote understands it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::BINARY;

const EDITOR: &str = "nvim";

/// A folder with the starter policies, one of which has a mistake.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    fs::create_dir(folder.path().join("policies")).expect("a directory");
    for name in ["access.cedar", "entities.toml"] {
        let text = fs::read_to_string(starter.join(name)).expect(name);
        let text = text.replacen("Group::\"employees\"", "Group::\"employes\"", 1);
        fs::write(folder.path().join("policies").join(name), text).expect(name);
    }
    folder
}

/// What came of the script.
fn driven(folder: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/neovim.lua");
    let answers = folder.join("answers.json");
    let output = Command::new(EDITOR)
        .args(["--headless", "--clean", "-n", "-c"])
        .arg(format!("luafile {}", script.display()))
        .current_dir(folder)
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("DOORWARD_BINARY", BINARY)
        .env("DOORWARD_FOLDER", folder)
        .env("DOORWARD_ANSWERS", &answers)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("this test drives a real editor; please install neovim (Debian's name): {error}")
        });
    let text = fs::read_to_string(&answers)
        .unwrap_or_else(|error| panic!("{error}, and the editor said: {output:?}"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn neovim_shows_findings_and_answers_and_lays_out_a_file() {
    let folder = folder();
    // On some systems the temporary directory is behind a link, and an editor resolves it.
    let path = folder.path().canonicalize().expect("a directory");
    let found = driven(&path);
    assert_eq!(found["failed"], Value::Null, "{found:#}");

    let findings = found["findings"].as_array().expect("findings");
    let [finding] = findings.as_slice() else {
        panic!("one finding: {found:#}");
    };
    assert_eq!(finding["line"], found["mistake"]["line"]);
    assert_eq!(finding["column"], found["mistake"]["column"]);
    assert_eq!(finding["source"], "doorward");
    assert_eq!(finding["severity"], 1);
    let message = finding["message"].as_str().expect("a text");
    assert!(
        message.contains("no group `employes` is declared"),
        "{message}"
    );
    assert_eq!(found["mended"], true);

    let hover = found["hover"].as_str().expect("a text");
    assert!(hover.contains("`context.device.managed: Bool`"), "{hover}");
    assert!(hover.contains("the device inventory"), "{hover}");
    let completion = found["completion"].as_array().expect("candidates");
    assert!(
        completion.contains(&Value::from("diskEncrypted")),
        "{found:#}"
    );
    assert_eq!(found["definition"], "[application-group.sensitive]");
    assert_eq!(found["formatted"], "permit (principal, action, resource);");
    assert_eq!(found["exit"], 0);
}
