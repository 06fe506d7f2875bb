//! Policies from text, and their syntax trees as written.
//!
//! A file that is right is parsed once, as a whole: each call of Cedar's parser costs as much again as
//! a dozen policies, for the tables of its lexer. What is wrong in a file is found statement by
//! statement, so that one mistake does not hide the others.

use cedar_policy::pst::Template;
use cedar_policy::{ParseErrors, Policy};
use cedar_policy_core::ast;
use cedar_policy_core::parser::parse_policyset_to_ests_and_pset;

/// A policy as the authorizer takes it, its syntax as it is written, and where in the file the text
/// begins from which Cedar counts its places.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) cedar: Policy,
    pub(crate) syntax: Option<Template>,
    pub(crate) base: usize,
}

/// The policies of a file in order, if all of it is right and there is no template.
pub(crate) fn whole_file(text: &str) -> Option<Vec<Parsed>> {
    let (mut trees, set) = parse_policyset_to_ests_and_pset(text).ok()?;
    (0..trees.len())
        .map(|number| {
            // Cedar numbers the policies of a text in their order. A template is not among them.
            let id = ast::PolicyID::from_string(format!("policy{number}"));
            Some(Parsed {
                cedar: set.get(&id)?.clone().into(),
                syntax: Template::try_from(trees.remove(&id)?).ok(),
                base: 0,
            })
        })
        .collect()
}

/// One policy, whose text begins at `base` in its file.
///
/// # Errors
/// Everything that Cedar's parser finds wrong; places count from `base`.
pub(crate) fn statement(text: &str, base: usize) -> Result<Parsed, Box<ParseErrors>> {
    let cedar = Policy::parse(None, text)?;
    let syntax = written(&cedar);
    Ok(Parsed {
        cedar,
        syntax,
        base,
    })
}

/// The syntax of a policy as it is written.
pub(crate) fn of(text: &str) -> Option<Template> {
    Policy::parse(None, text)
        .ok()
        .and_then(|policy| written(&policy))
}

fn written(policy: &Policy) -> Option<Template> {
    Some(policy.to_pst().ok()?.body().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn text(of: usize) -> String {
        (0..of)
            .map(|n| {
                format!(
                    "// {n}\n@id(\"p{n}\") permit (principal, action, resource == Application::\"a{n}\")\n\
                     when {{ context has device.platform && context.device.platform != Platform::\"macos\" }};\n"
                )
            })
            .collect()
    }

    #[test]
    fn a_file_as_a_whole_has_the_policies_of_its_statements_in_order() {
        let file = SourceFile::new("a.cedar", text(12));
        let (statements, _) = crate::guard::statements(&file);
        let whole = whole_file(&file.text).unwrap();
        assert_eq!(whole.len(), 12);
        for (number, (parsed, at)) in whole.into_iter().zip(statements).enumerate() {
            let alone = statement(&file.text[at.clone()], at.start).unwrap();
            let name = format!("p{number}");
            assert_eq!(parsed.cedar.annotation("id"), Some(name.as_str()));
            let evaluated = |policy: &Policy| {
                let policy: &ast::Policy = policy.as_ref();
                policy.condition().to_string()
            };
            assert_eq!(evaluated(&parsed.cedar), evaluated(&alone.cedar));
            let clauses = |syntax: Option<Template>| syntax.unwrap().clauses().clone();
            assert_eq!(clauses(parsed.syntax), clauses(alone.syntax));
            assert_eq!((parsed.base, alone.base), (0, at.start));
        }
    }

    #[test]
    fn a_file_with_a_template_or_a_mistake_is_not_taken_as_a_whole() {
        let template = "permit (principal == ?principal, action, resource);";
        assert!(whole_file(&format!("{}{template}", text(2))).is_none());
        assert!(whole_file(&format!("{}permit (principal);", text(2))).is_none());
    }
}
