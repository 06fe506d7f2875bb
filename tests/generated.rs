//! Files that are made from code are current. What stands in them is left to the code they are made from.

use std::env;
use std::fs;
use std::path::Path;

use doorward::config::Config;
use doorward::directory::{clients, devices, users};
use doorward_engine::{entities_schema, suite};
use serde_json::to_string_pretty;

/// Set to `1`, it has the files written instead of compared.
const REGENERATE: &str = "DOORWARD_REGENERATE";

#[test]
fn the_json_schemas_of_operators_files_are_current() {
    // As `doorward schema` prints them.
    let made = [
        ("doorward", to_string_pretty(&Config::json_schema())),
        ("users", to_string_pretty(&users::schema())),
        ("clients", to_string_pretty(&clients::schema())),
        ("devices", to_string_pretty(&devices::schema())),
        ("suite", to_string_pretty(&suite::schema())),
        ("entities", to_string_pretty(&entities_schema())),
    ];
    let writing = env::var_os(REGENERATE).is_some_and(|value| value == "1");
    let mut old = Vec::new();
    for (name, text) in made {
        let text = text.expect("JSON") + "\n";
        let shown = format!("schema/{name}.schema.json");
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(&shown);
        if writing {
            fs::write(file, text).expect("written");
        } else if !fs::read_to_string(file).is_ok_and(|found| found == text) {
            old.push(shown);
        }
    }
    assert!(
        old.is_empty(),
        "not current: {}; {REGENERATE}=1 cargo test -p doorward-tests --test generated writes them",
        old.join(", ")
    );
}
