//! Who and what the tests know: people, clients, devices, places. Each entry is the text of a file
//! that an operator could have written.

use std::fmt::Write as _;
use std::sync::LazyLock;

use doorward::directory::client_secret;
use doorward::directory::password::hash_password;
use doorward::domain::entropy::SystemEntropy;

use super::now;

/// An address in the country that the starter policies let in.
pub const SINGAPORE: &str = "203.0.113.9";
/// An address in another country.
pub const JAPAN: &str = "198.51.100.7";

/// A person who can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// The permanent identifier: `sub`.
    pub id: &'static str,
    /// The username.
    pub username: &'static str,
    /// The password, the same for everybody: each hash takes its time.
    pub password: &'static str,
}

const PASSWORD: &str = "correct horse battery staple";

/// An employee with a company laptop, `mbp-ana`.
pub const ANA: Credentials = Credentials {
    id: "u-ana",
    username: "ana",
    password: PASSWORD,
};
/// Another employee, with a laptop of his own, `mbp-bo`.
pub const BO: Credentials = Credentials {
    id: "u-bo",
    username: "bo",
    password: PASSWORD,
};
/// Somebody who is no employee.
pub const CY: Credentials = Credentials {
    id: "u-cy",
    username: "cy",
    password: PASSWORD,
};

/// A client of the provider.
#[derive(Debug, Clone, Copy)]
pub struct TestClient {
    /// The `client_id`.
    pub id: &'static str,
    /// The name that people see.
    pub name: &'static str,
    /// Where answers go.
    pub redirect_uri: &'static str,
    /// Whether it has a secret, [`TestClient::secret`].
    pub confidential: bool,
}

/// A public client of an application that any managed device opens.
pub const WIKI: TestClient = TestClient {
    id: "wiki-web",
    name: "Wiki",
    redirect_uri: "https://wiki.example.com/callback",
    confidential: false,
};
/// A confidential client of an application that only one's own device opens.
pub const PAYROLL: TestClient = TestClient {
    id: "payroll-web",
    name: "Payroll",
    redirect_uri: "https://payroll.example.com/callback",
    confidential: true,
};

/// The hash of the password. It is made once: it takes as long as it should.
static PASSWORD_HASH: LazyLock<String> =
    LazyLock::new(|| hash_password(PASSWORD, &SystemEntropy).expect("a hash"));

/// The secret of confidential clients, and what the clients file keeps of it.
static SECRET: LazyLock<(String, String)> = LazyLock::new(|| {
    let (secret, stored) = client_secret::generate(&SystemEntropy);
    (secret.expose().to_owned(), stored)
});

impl TestClient {
    /// The secret, where the client has one.
    pub fn secret(&self) -> Option<&'static str> {
        self.confidential.then(|| SECRET.0.as_str())
    }
}

/// The entry of a user in the users file.
pub fn user_entry(person: Credentials, group: &str) -> String {
    let Credentials { id, username, .. } = person;
    let hash = PASSWORD_HASH.as_str();
    format!(
        "[[user]]\nid = '{id}'\nusername = '{username}'\nname = 'The {username} of the tests'\n\
         email = '{username}@example.com'\nemail_verified = true\ngroups = ['{group}']\n\
         password = '{hash}'\n\n"
    )
}

/// The entry of a device in the inventory, observed two hours ago.
pub fn device_entry(id: &str, owner: Option<Credentials>, managed: bool, disk: &str) -> String {
    let observed = (now() - chrono::TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%SZ");
    let mut entry = format!(
        "[[device]]\nid = '{id}'\nidentities = ['urn:doorward:device:{id}']\nname = '{}'\n\
         managed = {managed}\ndisk_encryption = '{disk}'\ncompliant = true\nplatform = 'macos'\n\
         os_version = '15.3.1'\nobserved_at = {observed}\n",
        id.to_uppercase()
    );
    if let Some(owner) = owner {
        writeln!(entry, "assigned_to = ['{}']", owner.id).expect("a string takes everything");
    }
    entry.push('\n');
    entry
}

/// The users file.
pub(crate) fn users() -> String {
    user_entry(ANA, "employees") + &user_entry(BO, "employees") + &user_entry(CY, "contractors")
}

/// The clients file.
pub(crate) fn clients() -> String {
    let entry = |client: TestClient, application: &str, proof: &str| {
        format!(
            "[[client]]\nid = '{}'\nname = '{}'\napplication = '{application}'\n\
             redirect_uris = ['{}']\n{proof}\n\n",
            client.id, client.name, client.redirect_uri
        )
    };
    entry(WIKI, "wiki", "public = true")
        + &entry(PAYROLL, "payroll", &format!("secret = '{}'", SECRET.1))
}

/// The inventory: a good laptop for Ana and for Bo, one that is Ana's own, one with an open disk.
pub(crate) fn devices() -> String {
    device_entry("mbp-ana", Some(ANA), true, "on")
        + &device_entry("mbp-bo", Some(BO), true, "on")
        + &device_entry("byod-ana", Some(ANA), false, "on")
        + &device_entry("old-ana", Some(ANA), true, "off")
}

/// Where the tests' addresses are.
pub(crate) const PLACES: [(&str, &str); 2] = [("203.0.113.0/24", "SG"), ("198.51.100.0/24", "JP")];
