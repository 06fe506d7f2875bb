//! Checks of the users here against those of Okta, which compares names letter by letter.

use super::{ADDRESSES, DUPLICATES, Patient, USERNAMES};
use crate::cli::doctor::check::Check;
use crate::cli::doctor::door::judged;
use crate::cli::doctor::export::{Export, Likeness, Names};
use crate::cli::render::count;

const NO_EXPORT: &str =
    "the users of Okta are not known: export them, and name the file with `--users`";

/// How values of a claim compare with those at Okta.
#[derive(Debug, Default)]
struct Compared {
    same: usize,
    /// Those that differ in their case, or in blanks.
    almost: Vec<String>,
    unknown: Vec<String>,
}

impl Compared {
    fn of<'a>(values: impl Iterator<Item = &'a str>, names: &Names<'_>) -> Self {
        let mut compared = Self::default();
        for value in values {
            match names.likeness(value) {
                Likeness::Same => compared.same += 1,
                Likeness::Almost(there) => compared
                    .almost
                    .push(format!("`{value}` is `{there}` at Okta")),
                Likeness::Unknown => compared
                    .unknown
                    .push(format!("`{value}` is nobody at Okta")),
            }
        }
        compared
    }

    /// Bad where a letter differs; doubtful where somebody is missing there.
    fn check(self, id: &'static str) -> Check {
        if self.almost.is_empty() {
            let good = format!(
                "{} known at Okta letter by letter",
                count(self.same, "user")
            );
            let fix = "create them at Okta, or disable them here; see whether the export is whole";
            return judged(id, self.unknown, good, (Check::doubtful, fix));
        }
        let lines = self.almost.into_iter().chain(self.unknown).collect();
        let fix = "write them in `users.toml` as they are at Okta, in the same case";
        judged(id, lines, "", (Check::bad, fix))
    }
}

impl Patient<'_> {
    /// `preferred_username`, which Okta compares with logins.
    pub(super) fn usernames(&self) -> Check {
        let Some(export) = self.export else {
            return Check::not_checked(USERNAMES, NO_EXPORT);
        };
        let usernames = self.place.users().map(|user| user.username.as_str());
        let compared = Compared::of(usernames, &Names::of(export.logins()));
        let found = compared.same + compared.almost.len();
        if found == 0 && self.has_known_addresses(export) {
            return Check::not_checked(
                USERNAMES,
                "no username is a login at Okta: people are matched by their e-mail address, it seems",
            );
        }
        compared.check(USERNAMES)
    }

    /// `email`, which Okta compares with logins or addresses, and wants to have in any case.
    pub(super) fn addresses(&self) -> Check {
        let without: Vec<String> = self
            .place
            .users()
            .filter(|user| user.email.is_none())
            .map(|user| format!("`{}` has no e-mail address", user.username))
            .collect();
        if !without.is_empty() {
            let fix = "add `email` in `users.toml`: Okta's usual mapping of attributes requires it";
            return judged(ADDRESSES, without, "", (Check::doubtful, fix));
        }
        match self.export {
            None => Check::not_checked(ADDRESSES, NO_EXPORT),
            Some(export) if !export.has_addresses => {
                Check::not_checked(ADDRESSES, "the export has no column `email`")
            }
            Some(export) => self.compared_addresses(export).check(ADDRESSES),
        }
    }

    pub(super) fn duplicates(&self) -> Check {
        let Some(export) = self.export else {
            return Check::not_checked(DUPLICATES, NO_EXPORT);
        };
        let (logins, addresses) = (Names::of(export.logins()), Names::of(export.addresses()));
        let lines = logins
            .twice()
            .map(|alike| ("logins", alike))
            .chain(addresses.twice().map(|alike| ("addresses", alike)))
            .map(|(what, alike)| {
                let names: Vec<String> = alike.iter().map(|name| format!("`{name}`")).collect();
                format!(
                    "the {what} {} are one apart from their case",
                    names.join(", ")
                )
            })
            .collect();
        judged(
            DUPLICATES,
            lines,
            format!(
                "{} at Okta, each with names of their own",
                count(export.len(), "user")
            ),
            (
                Check::doubtful,
                "nobody can tell which of them is meant: rename or deactivate one at Okta",
            ),
        )
    }

    fn compared_addresses(&self, export: &Export) -> Compared {
        let names = Names::of(export.addresses().chain(export.logins()));
        let addresses = self.place.users().filter_map(|user| user.email.as_deref());
        Compared::of(addresses, &names)
    }

    fn has_known_addresses(&self, export: &Export) -> bool {
        let compared = self.compared_addresses(export);
        compared.same + compared.almost.len() > 0
    }
}
