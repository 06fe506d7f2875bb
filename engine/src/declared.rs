//! The names that the entity data of a bundle declares, for those who check what a person typed.
//! Whether a policy may use a name is judged by `lint/`.

use crate::bundle::PolicyBundle;
use crate::vocabulary::types;

impl PolicyBundle {
    /// The applications that the entity data declares, in the order of their names.
    pub fn applications(&self) -> impl Iterator<Item = &str> {
        self.catalogue.ids(types::APPLICATION)
    }

    /// The groups of users that the entity data declares, in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.catalogue.ids(types::GROUP)
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::starter;

    #[test]
    fn declared_names_are_those_of_the_entity_data() {
        let bundle = starter();
        assert!(bundle.applications().eq(["payroll", "wiki"]));
        assert!(bundle.groups().eq(["employees"]));
        assert!(bundle.applications().all(|id| bundle.knows_application(id)));
    }
}
