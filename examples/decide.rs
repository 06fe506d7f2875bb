//! Embedding the engine: load a bundle, ask one question, read the answer and the explanation.
//!
//! ```sh
//! cargo run -p doorward-engine --example decide
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write as _;

use doorward_engine::{
    AccessRequest, Action, Application, Fact, Offers, PolicyBundle, Session, SourceFile, User,
};

const POLICY: &str = r#"
    @id("singapore")
    @reason("The wiki opens in Singapore.")
    permit (principal, action, resource == Application::"wiki")
    when { context has country && context.country == Country::"SG" };
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let files = [
        SourceFile::new("wiki.cedar", POLICY),
        SourceFile::new("entities.toml", "[application.wiki]"),
    ];
    let bundle = PolicyBundle::load(&files, None)?;
    let now = "2026-11-24T09:00:00Z".parse()?;
    let request = AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "ana".to_owned(),
            groups: BTreeSet::new(),
            email: None,
            attributes: BTreeMap::new(),
        },
        application: Application {
            id: "wiki".to_owned(),
            attributes: BTreeMap::new(),
        },
        address: Fact::known("198.51.100.9".parse()?, "socket", now),
        country: Fact::known("JP".parse()?, "GeoIP of 2026-11-20", now),
        device: Fact::unknown("no certificate was presented", "device host"),
        session: Session {
            password: Fact::unknown("no password was entered", "password"),
            second_factor: Fact::unknown("no second factor was proved", "second factor"),
            methods: BTreeSet::new(),
        },
        now,
    };
    let decision = bundle.decide(&request, Offers::none);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", decision.outcome.word())?;
    write!(out, "{}", bundle.explain(&request).to_text())?;
    Ok(())
}
