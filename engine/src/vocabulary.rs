//! Every name that the engine shares with the schema and with policy text, written once.

/// Entity types of the schema.
pub(crate) mod types {
    /// The End-User.
    pub(crate) const USER: &str = "User";
    /// A group of users.
    pub(crate) const GROUP: &str = "Group";
    /// What the user signs in to.
    pub(crate) const APPLICATION: &str = "Application";
    /// A group of applications.
    pub(crate) const APPLICATION_GROUP: &str = "ApplicationGroup";
    /// A country by its ISO 3166-1 code.
    pub(crate) const COUNTRY: &str = "Country";
    /// A region of countries.
    pub(crate) const REGION: &str = "Region";
    /// A named network.
    pub(crate) const NETWORK: &str = "Network";
    /// A family of operating systems.
    pub(crate) const PLATFORM: &str = "Platform";
    /// A machine known by its certificate.
    pub(crate) const DEVICE: &str = "Device";
    /// How the user authenticated.
    pub(crate) const SESSION: &str = "Session";
    /// Cedar's own type of actions.
    pub(crate) const ACTION: &str = "Action";
    /// Every type above.
    pub(crate) const ALL: [&str; 11] = [
        USER,
        GROUP,
        APPLICATION,
        APPLICATION_GROUP,
        COUNTRY,
        REGION,
        NETWORK,
        PLATFORM,
        DEVICE,
        SESSION,
        ACTION,
    ];
}

/// Attributes of the request's context.
pub(crate) mod context {
    /// The moment of the decision.
    pub(crate) const NOW: &str = "now";
    /// The client's address.
    pub(crate) const ADDRESS: &str = "address";
    /// The client's network.
    pub(crate) const NETWORK: &str = "network";
    /// The country of the address.
    pub(crate) const COUNTRY: &str = "country";
    /// The device.
    pub(crate) const DEVICE: &str = "device";
    /// The session.
    pub(crate) const SESSION: &str = "session";
}

/// Attributes of a device.
pub(crate) mod device {
    /// Assurance: under management.
    pub(crate) const MANAGED: &str = "managed";
    /// Assurance: every fixed disk is encrypted.
    pub(crate) const DISK_ENCRYPTED: &str = "diskEncrypted";
    /// Assurance: meets its requirements.
    pub(crate) const COMPLIANT: &str = "compliant";
    /// Family of the operating system.
    pub(crate) const PLATFORM: &str = "platform";
    /// Version of the operating system.
    pub(crate) const OS_VERSION: &str = "osVersion";
    /// Users the device is assigned to.
    pub(crate) const ASSIGNED_TO: &str = "assignedTo";
    /// Time since the device proved its key.
    pub(crate) const CERTIFICATE_AGE: &str = "certificateAge";
}

/// Attributes of a session.
pub(crate) mod session {
    /// Time since the password was entered.
    pub(crate) const PASSWORD_AGE: &str = "passwordAge";
    /// Time since a second factor was proved.
    pub(crate) const SECOND_FACTOR_AGE: &str = "secondFactorAge";
    /// Methods of authentication.
    pub(crate) const METHODS: &str = "methods";
}

/// Attributes of a user.
pub(crate) mod user {
    /// The e-mail address.
    pub(crate) const EMAIL: &str = "email";
}

/// Annotations that a policy may carry.
pub(crate) mod annotation {
    /// The policy's unique name.
    pub(crate) const ID: &str = "id";
    /// Why, shown to the user.
    pub(crate) const REASON: &str = "reason";
    /// How to fix it, shown to the user.
    pub(crate) const ADVICE: &str = "advice";
    /// Whether the policy decides or only reports.
    pub(crate) const MODE: &str = "mode";
    /// Findings that are meant to be so.
    pub(crate) const ALLOW: &str = "allow";
    /// Every annotation.
    pub(crate) const ALL: [&str; 5] = [ID, REASON, ADVICE, MODE, ALLOW];
    /// The value of [`MODE`] that makes a policy report without deciding.
    pub(crate) const REPORT_ONLY: &str = "report-only";
    /// The value of [`MODE`] that a policy without the annotation has.
    pub(crate) const ENFORCE: &str = "enforce";
}

/// Names of the actions.
pub(crate) mod action {
    /// Sign in to an application.
    pub(crate) const SIGN_IN: &str = "signIn";
    /// Renew tokens.
    pub(crate) const REFRESH: &str = "refresh";
    /// Report posture.
    pub(crate) const POSTURE: &str = "posture";
}
