//! A test of the running engine at its own limits, for a program to run before it opens its door.
//!
//! Whether evaluation of a wide policy succeeds depends on the stack of the thread it runs on, and a
//! forbid that does not succeed would be skipped by Cedar. So each shape that the guard just lets
//! pass is loaded and must decide.

use std::fmt::Write as _;

use chrono::DateTime;

use crate::bundle::PolicyBundle;
use crate::decision::{DenyReason, Outcome};
use crate::fact::Fact;
use crate::guard::{MAX_CONDITIONALS, MAX_NESTING, MAX_OPERATORS};
use crate::request::{AccessRequest, Action, Application, Session, User};
use crate::source::SourceFile;
use crate::step_up::Offers;

/// The engine does not decide as it must on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the policy engine failed its self-test on {shape}: {found}")]
pub struct SelfTestFailed {
    shape: &'static str,
    found: String,
}

/// Loads and evaluates policies at every limit of the guard, on the current thread.
///
/// # Errors
/// When a policy at a limit is refused, or does not decide.
pub fn self_test() -> Result<(), SelfTestFailed> {
    for (shape, condition) in shapes() {
        let text = format!(
            "@id(\"all\") permit (principal, action, resource);\n@id(\"limit\") forbid (principal, action, resource) when {{ {condition} }};"
        );
        let failed = |found: String| SelfTestFailed { shape, found };
        let bundle = PolicyBundle::load(&[SourceFile::new("self-test.cedar", text)], None)
            .map_err(|error| {
                failed(
                    error
                        .diagnostics
                        .first()
                        .map_or_else(String::new, ToString::to_string),
                )
            })?;
        let decision = bundle.decide(&request(), Offers::none);
        let forbidden = Outcome::Deny {
            because: DenyReason::Forbidden,
        };
        if decision.outcome != forbidden {
            return Err(failed(format!("the answer was {:?}", decision.outcome)));
        }
    }
    Ok(())
}

/// Conditions that are true, each at one limit.
fn shapes() -> [(&'static str, String); 4] {
    // The braces of the clause are one level of nesting already; `==` is one operator, `when` another.
    let levels = MAX_NESTING - 1;
    let nested = format!("{}1 == 1{}", "(".repeat(levels), ")".repeat(levels));
    let wide = format!("{}true", "false || ".repeat(MAX_OPERATORS - 1));
    let sum = format!("{}0 == 0", "0 + ".repeat(MAX_OPERATORS - 2));
    let mut conditional = String::new();
    for _ in 0..MAX_CONDITIONALS {
        // INVARIANT: writing into a string cannot fail.
        let _ = write!(
            conditional,
            "if context.session.methods.isEmpty() then true else "
        );
    }
    [
        ("nesting", nested),
        ("a wide condition", wide),
        ("a long sum", sum),
        ("a chain of conditionals", format!("{conditional}true")),
    ]
}

fn request() -> AccessRequest {
    let none = "the self-test knows nothing";
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "self-test".to_owned(),
            groups: std::collections::BTreeSet::new(),
            email: None,
            attributes: std::collections::BTreeMap::new(),
        },
        application: Application {
            id: "self-test".to_owned(),
            attributes: std::collections::BTreeMap::new(),
        },
        address: Fact::unknown(none, none),
        country: Fact::unknown(none, none),
        device: Fact::unknown(none, none),
        session: Session {
            password: Fact::unknown(none, none),
            second_factor: Fact::unknown(none, none),
            methods: std::collections::BTreeSet::new(),
        },
        now: DateTime::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_engine_passes_on_a_test_thread_of_two_mebibytes() {
        super::self_test().unwrap();
    }

    #[test]
    fn the_engine_passes_on_a_small_stack_too() {
        let small = std::thread::Builder::new().stack_size(256 * 1024);
        small
            .spawn(|| super::self_test().unwrap())
            .unwrap()
            .join()
            .unwrap();
    }
}
