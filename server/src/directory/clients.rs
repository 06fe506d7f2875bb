//! The clients file: which relying parties may ask, how they prove themselves, and where answers may go.
//! Leaves to others how a client presents its secret and how a request is matched (`oidc`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use doorward_engine::AttributeValue;
use schemars::{Schema, schema_for};

use super::client_entry::ClientsFile;
use super::client_secret::ClientSecretHash;
use super::{Report, Unique, text_of, without_excerpts};
use crate::config::toml_file;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::{ApplicationId, ClientId};
use crate::reload::{Built, Snapshot, Source, Watched};

/// One client as the operator registered it.
#[derive(Debug, Clone)]
pub struct ClientRecord {
    /// The identifier, `client_id` of requests.
    pub id: ClientId,
    /// The name that people see.
    pub name: String,
    /// The application that policies decide about.
    pub application: ApplicationId,
    /// Attributes that the organisation added to `Application` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// Where answers may be sent. A request is matched by exact comparison, RFC 9700 section 4.1.3.
    pub redirect_uris: Vec<String>,
    /// How the client proves itself at the token endpoint.
    pub authentication: ClientAuthentication,
    /// Whether requests have to use PKCE, RFC 7636.
    pub pkce_required: bool,
    /// Scopes that the client may ask for.
    pub scopes: BTreeSet<String>,
}

/// How a client proves itself, RFC 6749 section 2.1.
#[derive(Debug, Clone)]
pub enum ClientAuthentication {
    /// Not at all: a public client, which cannot keep a secret.
    None,
    /// With the secret of this hash: a confidential client.
    Secret(ClientSecretHash),
}

/// All clients of the file.
#[derive(Debug, Default)]
pub struct Clients {
    by_id: BTreeMap<String, Arc<ClientRecord>>,
}

impl Clients {
    /// Reads the text of a clients file, or says everything that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        without_excerpts(Self::read(text, file))
    }

    /// The client with this identifier.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Arc<ClientRecord>> {
        self.by_id.get(id)
    }

    /// Every client, by their identifiers.
    pub fn all(&self) -> impl Iterator<Item = &Arc<ClientRecord>> {
        self.by_id.values()
    }

    fn read(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        let entries = toml_file::parse::<ClientsFile>(text, file)?.client;
        let mut report = Report::new(text, file);
        let (mut clients, mut ids) = (Self::default(), Unique::default());
        for entry in entries {
            let id = entry.id.get_ref().clone();
            ids.claim(
                &mut report,
                id.clone(),
                &entry.id,
                &format!("the id `{id}`"),
            );
            if let Some(client) = entry.check(&mut report) {
                clients.by_id.insert(id, Arc::new(client));
            }
        }
        report.finish(clients)
    }
}

/// The file with the clients.
#[derive(Debug, Clone)]
pub struct ClientsSource {
    /// Its path.
    pub file: PathBuf,
}

impl Source for ClientsSource {
    type Value = Clients;

    fn name(&self) -> &'static str {
        "clients"
    }

    fn watched(&self) -> Watched {
        Watched::Files(vec![self.file.clone()])
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&Clients>,
        _now: Timestamp,
    ) -> Result<Built<Clients>, Vec<Diagnostic>> {
        let (text, file) = text_of(snapshot, &self.file)?;
        Clients::parse(text, &file)
    }
}

/// The JSON schema of the clients file.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(ClientsFile)
}

#[cfg(test)]
mod tests {
    use super::super::client_entry::tests::{SECRET, URIS, client};
    use super::*;
    use crate::domain::secret::Secret;

    fn built(text: &str) -> Clients {
        match Clients::parse(text, "clients.toml") {
            Ok(built) => built.value,
            Err(diagnostics) => panic!("refused: {diagnostics:?}"),
        }
    }

    #[test]
    fn a_confidential_client_needs_little() {
        let clients = built(&client(&[URIS, SECRET]));
        let client = clients.by_id("wiki").unwrap();
        assert_eq!(client.name, "wiki");
        assert_eq!(client.application.as_str(), "wiki");
        assert!(client.pkce_required);
        assert_eq!(client.redirect_uris, ["https://app.example/callback"]);
        assert!(client.scopes.iter().eq(["email", "openid", "profile"]));
        let ClientAuthentication::Secret(hash) = &client.authentication else {
            panic!("public");
        };
        assert!(hash.matches(&Secret::from_untrusted("abc")));
        assert!(clients.by_id("Wiki").is_none());
    }

    #[test]
    fn a_public_client_says_so() {
        let clients = built(&client(&[URIS, "public = true"]));
        let client = clients.by_id("wiki").unwrap();
        assert!(matches!(client.authentication, ClientAuthentication::None));
    }
}
