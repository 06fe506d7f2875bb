//! The users that policies can tell apart: by groups, by names, by what is known of them.

use std::collections::BTreeSet;

use super::values::{Source, Values, combinations};
use crate::bundle::PolicyBundle;
use crate::request::User;
use crate::vocabulary::types;

impl Source<'_> {
    pub(super) fn users(&self) -> Values<User> {
        let groups = self.named(types::GROUP);
        let moved = self.moved_groups(&groups);
        let (memberships, every) = combinations(&groups.union(&moved).copied().collect());
        let mut seen = BTreeSet::new();
        let mut ids: Vec<&str> = vec!["somebody"];
        ids.extend(self.named(types::USER));
        let (emails, emails_every) = self.texts("user.email", true);
        let (attributes, attributes_every) = self.custom(types::USER, "user");
        let mut users = Vec::new();
        for direct in memberships {
            // Two sets of groups that are the same with all those they are in.
            let closed = self.closed(&direct, &groups);
            if !seen.insert(closed) {
                continue;
            }
            for id in &ids {
                for email in &emails {
                    for attributes in &attributes {
                        users.push(User {
                            id: (*id).to_owned(),
                            groups: direct.clone(),
                            email: email.clone(),
                            attributes: attributes.clone(),
                        });
                    }
                }
            }
        }
        (users, every && emails_every && attributes_every)
    }

    /// The named groups that members of these are in, for each bundle.
    fn closed(&self, direct: &BTreeSet<String>, named: &BTreeSet<&str>) -> Vec<BTreeSet<String>> {
        let within = |bundle: &&PolicyBundle| {
            let above = |id: &String| bundle.catalogue.ancestors(types::GROUP, id).to_vec();
            let all = direct.iter().cloned().chain(direct.iter().flat_map(above));
            all.filter(|id| named.contains(id.as_str())).collect()
        };
        self.bundles.iter().map(within).collect()
    }

    /// Groups that no policy names, and whose members one bundle counts to other groups than the next.
    fn moved_groups(&self, named: &BTreeSet<&str>) -> BTreeSet<&str> {
        let ids = self.declared(types::GROUP);
        ids.filter(|id| {
            let closed = self.closed(&BTreeSet::from([(*id).to_owned()]), named);
            closed.windows(2).any(|two| two.first() != two.last())
        })
        .collect()
    }
}
