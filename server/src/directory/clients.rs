//! The clients file: which relying parties may ask, how they prove themselves, and where answers may go.
//! Leaves to others how a client presents its secret and how a request is matched (`oidc`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use schemars::{Schema, schema_for};

pub use super::audience_entry::{AudienceRecord, TokenFormat};
pub use super::client_keys::ClientKeys;
pub use super::client_record::{
    Binding, ClientAuthentication, ClientRecord, Method, RefreshAddress, RefreshPolicy,
    RequestObjects, Sector, Security, SignedRequests, SubjectType, TlsName,
};
pub use super::scope_entry::{ClaimSource, ScopeRecord};

use super::client_entry::protocol::{
    AUDIENCE_TABLES, NOT_YET, SCOPE_TABLES, refuse_table, without_unavailable,
};
use super::client_entry::{ClientsFile, Surroundings};
use super::{Report, Unique, audience_entry, scope_entry, text_of, without_excerpts};
use crate::config::toml_file;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Built, Snapshot, Source, Watched};

/// All clients of the file.
#[derive(Debug)]
pub struct Clients {
    by_id: BTreeMap<String, Arc<ClientRecord>>,
    scopes: BTreeMap<String, ScopeRecord>,
    audiences: BTreeMap<String, AudienceRecord>,
    origins: BTreeSet<String>,
}

/// What is there for clients besides their file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'a> {
    /// Keys and values of the file that are not available yet.
    pub(super) not_yet: &'a [&'a str],
    /// Whether there is a key to make pairwise subjects with.
    pub(super) pairwise: bool,
    /// What certificates of clients are good for.
    pub(super) certificates: Certificates,
}

/// What certificates of clients are good for (RFC 8705).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificates {
    /// Nothing: no host asks for them.
    NotAskedFor,
    /// They tell a client by its key; there is no authority that vouches for names.
    ByKey,
    /// They tell a client by its name as well.
    ByNameAndKey,
}

impl Default for Clients {
    /// Nobody, and the scopes that everybody knows.
    fn default() -> Self {
        Self {
            by_id: BTreeMap::new(),
            scopes: scope_entry::standard(),
            audiences: BTreeMap::new(),
            origins: BTreeSet::new(),
        }
    }
}

impl Clients {
    /// Reads the text of a clients file, or says everything that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        let means = Means {
            not_yet: NOT_YET,
            pairwise: true,
            certificates: Certificates::ByNameAndKey,
        };
        without_excerpts(Self::read(text, file, means))
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

    /// The scopes that stand for claims, by their names: those of OpenID Connect and those that the file declares.
    #[must_use]
    pub fn scopes(&self) -> &BTreeMap<String, ScopeRecord> {
        &self.scopes
    }

    /// The audiences that the file declares, by their identifiers.
    #[must_use]
    pub fn audiences(&self) -> &BTreeMap<String, AudienceRecord> {
        &self.audiences
    }

    /// The web origins that may call the endpoints for clients from a browser: those of the redirect URIs of
    /// public clients, and those that clients name.
    #[must_use]
    pub fn origins(&self) -> &BTreeSet<String> {
        &self.origins
    }

    /// As [`Clients::parse`], as if everything were available already.
    #[cfg(test)]
    pub(crate) fn parse_everything(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        let means = Means {
            not_yet: &[],
            pairwise: true,
            certificates: Certificates::ByNameAndKey,
        };
        without_excerpts(Self::read(text, file, means))
    }

    pub(super) fn read(
        text: &str,
        file: &str,
        means: Means<'_>,
    ) -> Result<Built<Self>, Vec<Diagnostic>> {
        let written = toml_file::parse::<ClientsFile>(text, file)?;
        let not_yet = means.not_yet;
        let mut report = Report::new(text, file);
        let first = written.scope.first().map(|scope| &scope.id);
        refuse_table(&mut report, not_yet, SCOPE_TABLES, first);
        let first = written.audience.first().map(|audience| &audience.id);
        refuse_table(&mut report, not_yet, AUDIENCE_TABLES, first);
        let scopes = scope_entry::check(&mut report, written.scope);
        let audiences = audience_entry::check(&mut report, written.audience);
        let around = Surroundings {
            scopes: &scopes,
            audiences: &audiences,
            not_yet,
            pairwise: means.pairwise,
            certificates: means.certificates,
        };
        let (mut by_id, mut ids) = (BTreeMap::new(), Unique::default());
        for entry in written.client {
            let id = entry.id.get_ref().clone();
            ids.claim(
                &mut report,
                id.clone(),
                &entry.id,
                &format!("the id `{id}`"),
            );
            if let Some(client) = entry.check(&mut report, around) {
                by_id.insert(id, Arc::new(client));
            }
        }
        let origins = by_id
            .values()
            .flat_map(|client| client.web_origins())
            .collect();
        report.finish(Self {
            by_id,
            scopes,
            audiences,
            origins,
        })
    }
}

/// The file with the clients.
#[derive(Debug, Clone)]
pub struct ClientsSource {
    /// Its path.
    pub file: PathBuf,
    /// Whether there is a key to make pairwise subjects with. Without one, clients that need it are refused.
    pub pairwise: bool,
    /// What certificates of clients are good for. Clients that need more are refused.
    pub certificates: Certificates,
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
        let means = Means {
            not_yet: NOT_YET,
            pairwise: self.pairwise,
            certificates: self.certificates,
        };
        without_excerpts(Clients::read(text, &file, means))
    }
}

/// The JSON schema of the clients file.
#[must_use]
pub fn schema() -> Schema {
    without_unavailable(schema_for!(ClientsFile))
}

#[cfg(test)]
mod tests {
    use super::super::client_entry::tests::{SECRET, URIS, client};
    use super::super::profile::Profile;
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
        assert!(clients.by_id("wiki").unwrap().is_public());
    }

    #[test]
    fn browsers_may_call_from_where_public_clients_run() {
        let uris = "redirect_uris = ['https://app.example:8443/a', 'https://app.example:8443/b', 'http://127.0.0.1:7777/']";
        let clients = built(&client(&[uris, "public = true"]));
        let expected = ["http://127.0.0.1:7777", "https://app.example:8443"];
        assert!(clients.origins().iter().eq(expected));
        assert!(built(&client(&[uris, SECRET])).origins().is_empty());
    }

    #[test]
    fn a_client_is_without_more_what_it_was_before_there_was_more() {
        let clients = built(&client(&[URIS, SECRET]));
        let client = clients.by_id("wiki").unwrap();
        assert!(matches!(client.profile, Profile::OidcRp));
        assert!(matches!(client.request_objects, RequestObjects::Refused));
        assert_eq!(client.refresh, RefreshPolicy::Never);
        assert_eq!(client.subject, SubjectType::Public);
        assert_eq!(client.binding, Binding::None);
        assert_eq!(client.security, Security::Plain);
        assert_eq!(client.id_token_algorithm, None);
        assert!(!client.par_required && !client.acr_required);
        assert!(client.keys().is_none());
    }
}
