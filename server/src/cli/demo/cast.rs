//! Who and what appears in the demo: people, machines, applications. The starter policies decide
//! what becomes of them; how they are written into files is left to `texts`.

/// The password of everybody, and of every PKCS#12 file. It is printed on the terminal anyway.
pub(super) const PASSWORD: &str = "doorward";

/// A person who can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Person {
    /// The permanent identifier, and the name to sign in with.
    pub(super) id: &'static str,
    /// The full name.
    pub(super) name: &'static str,
}

/// A machine with a certificate and a record in the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// The identifier, in the inventory and in the certificate.
    pub(super) id: &'static str,
    /// The name that people know it by.
    pub(super) name: &'static str,
    /// Whether the organisation manages it.
    pub(super) managed: bool,
    /// The state of its disk's encryption, as the inventory writes it.
    pub(super) disk_encryption: &'static str,
    /// The family of its operating system, as the inventory writes it.
    pub(super) platform: &'static str,
    /// The version of its operating system.
    pub(super) os_version: &'static str,
    /// Whom it is assigned to.
    pub(super) assigned_to: &'static [&'static str],
    /// What it is good for, in words.
    pub(super) role: &'static str,
}

/// An application that people sign in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Application {
    /// The identifier of the client, and of the application in policies.
    pub(super) id: &'static str,
    /// The name that people see.
    pub(super) name: &'static str,
}

/// Ana.
pub(super) const ANA: Person = Person {
    id: "ana",
    name: "Ana Lim",
};

/// Ben.
pub(super) const BEN: Person = Person {
    id: "ben",
    name: "Ben Okoro",
};

/// Everybody.
pub(super) const PEOPLE: [Person; 2] = [ANA, BEN];

/// Ana's company laptop, which satisfies every rule of the starter policies.
pub(super) const ANAS_LAPTOP: Machine = Machine {
    id: "mbp-ana",
    name: "MBP-ANA",
    managed: true,
    disk_encryption: "on",
    platform: "macos",
    os_version: "15.3.1",
    assigned_to: &["ana"],
    role: "Ana's company laptop: managed, encrypted",
};

/// Ben's company laptop.
pub(super) const BENS_LAPTOP: Machine = Machine {
    id: "mbp-ben",
    name: "MBP-BEN",
    managed: true,
    disk_encryption: "on",
    platform: "macos",
    os_version: "15.3.1",
    assigned_to: &["ben"],
    role: "Ben's company laptop: managed, encrypted",
};

/// A machine of the laboratory, whose disk is not encrypted.
pub(super) const LAB_MACHINE: Machine = Machine {
    id: "nuc-lab",
    name: "NUC-LAB",
    managed: true,
    disk_encryption: "off",
    platform: "linux",
    os_version: "6.12.0",
    assigned_to: &["ana", "ben"],
    role: "a lab machine: managed, disk not encrypted",
};

/// Somebody's own machine, which nobody manages.
pub(super) const OWN_MACHINE: Machine = Machine {
    id: "byod",
    name: "Ana's own laptop",
    managed: false,
    disk_encryption: "on",
    platform: "windows",
    os_version: "10.0.22631",
    assigned_to: &["ana"],
    role: "Ana's own laptop: not managed",
};

/// Every machine.
pub(super) const MACHINES: [Machine; 4] = [ANAS_LAPTOP, BENS_LAPTOP, LAB_MACHINE, OWN_MACHINE];

/// An application that every employee may open.
pub(super) const WIKI: Application = Application {
    id: "wiki",
    name: "Wiki",
};

/// An application that opens on one's own device only.
pub(super) const PAYROLL: Application = Application {
    id: "payroll",
    name: "Payroll",
};

/// Every application.
pub(super) const APPLICATIONS: [Application; 2] = [WIKI, PAYROLL];

impl Application {
    /// The application with this identifier.
    #[must_use]
    pub(super) fn by_id(id: &str) -> Option<Self> {
        APPLICATIONS
            .into_iter()
            .find(|application| application.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_assigned_to_people_who_exist() {
        for machine in MACHINES {
            for owner in machine.assigned_to {
                assert!(PEOPLE.iter().any(|person| person.id == *owner), "{owner}");
            }
        }
    }

    #[test]
    fn an_application_is_found_by_its_identifier_only() {
        assert_eq!(Application::by_id("payroll"), Some(PAYROLL));
        assert_eq!(Application::by_id("Payroll"), None);
    }
}
