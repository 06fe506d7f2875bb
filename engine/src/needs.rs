//! What a bundle can make use of: the attributes that its policies read, the actions that they can permit. What a
//! server lacks for that is told by whoever knows the server.

use cedar_policy::{ActionConstraint, EntityUid};

use crate::bundle::PolicyBundle;
use crate::entities::{action_name, uid};
use crate::policy::{Mode, PolicyEffect};
use crate::request::Action;
use crate::vocabulary::types;

impl PolicyBundle {
    /// Whether some policy can read an attribute of this name, of whatever it may be.
    #[must_use]
    pub fn reads_attribute(&self, name: &str) -> bool {
        self.reads.name(name)
    }

    /// Whether some policy in force can permit this action to anybody, as far as its scope tells.
    #[must_use]
    pub fn can_permit(&self, action: Action) -> bool {
        let known: Vec<EntityUid> = Action::ALL.into_iter().map(entity).collect();
        let wanted = entity(action);
        // What is none of the actions is a group of them, and may have any.
        let covers = |named: &EntityUid| *named == wanted || !known.contains(named);
        self.in_order().into_iter().any(|policy| {
            policy.mode == Mode::Enforce
                && policy.reference.effect == PolicyEffect::Permit
                && match policy.cedar.action_constraint() {
                    ActionConstraint::Any => true,
                    ActionConstraint::Eq(named) => covers(&named),
                    ActionConstraint::In(named) => named.iter().any(covers),
                }
        })
    }
}

fn entity(action: Action) -> EntityUid {
    uid(types::ACTION, action_name(action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn bundle(policies: &str) -> PolicyBundle {
        let files = [
            SourceFile::new("entities.toml", "[application.wiki]\n"),
            SourceFile::new("access.cedar", policies),
        ];
        PolicyBundle::load(&files, None).unwrap()
    }

    fn permitted(scope: &str) -> Vec<Action> {
        let policy = format!("@id(\"a\") @reason(\"A.\") permit (principal, {scope}, resource);");
        let bundle = bundle(&policy);
        let all = Action::ALL.into_iter();
        all.filter(|action| bundle.can_permit(*action)).collect()
    }

    #[test]
    fn the_scope_tells_which_actions_a_policy_can_permit() {
        assert_eq!(permitted("action"), Action::ALL);
        let sign_in = "action == Action::\"signIn\"";
        assert_eq!(permitted(sign_in), [Action::SignIn]);
        let two = "action in [Action::\"signIn\", Action::\"refresh\"]";
        assert_eq!(permitted(two), [Action::SignIn, Action::Refresh]);
    }

    #[test]
    fn neither_a_forbid_nor_a_policy_on_trial_permits_anything() {
        let text = "@id(\"a\") @reason(\"A.\") permit (principal, action == Action::\"signIn\", resource);\n\
                    @id(\"b\") @reason(\"B.\") @mode(\"report-only\") permit (principal, action, resource);\n\
                    @id(\"c\") @reason(\"C.\") forbid (principal, action, resource) when { !(context has device) };\n";
        let bundle = bundle(text);
        assert!(!bundle.can_permit(Action::Refresh));
        assert!(bundle.reads_attribute("device"));
        assert!(!bundle.reads_attribute("country"));
    }
}
