//! The users and clients files beside the policies: do they use names that the entity data declares?
//! How the two are compared is left to `access`.

use std::path::Path;

use doorward_engine::PolicyBundle;

use crate::access::{Undeclared, undeclared_applications, undeclared_groups};
use crate::directory::clients::Clients;
use crate::directory::users::Users;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Built, Snapshot, Watched};

/// The files that were named.
#[derive(Debug)]
pub(super) struct Names {
    users: Option<Named<Users>>,
    clients: Option<Named<Clients>>,
}

/// What is in a file, and the file.
#[derive(Debug)]
struct Named<T> {
    file: String,
    value: T,
}

impl Names {
    /// Reads the files, or says everything that is wrong with them.
    pub(super) fn read(
        users: Option<&Path>,
        clients: Option<&Path>,
    ) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self {
            users: users.map(|file| named(file, Users::parse)).transpose()?,
            clients: clients
                .map(|file| named(file, Clients::parse))
                .transpose()?,
        })
    }

    /// Names that the files use and the bundle does not declare.
    pub(super) fn undeclared(&self, bundle: &PolicyBundle) -> Vec<Diagnostic> {
        let users = self
            .users
            .iter()
            .flat_map(|users| undeclared_groups(bundle, &users.value, &users.file));
        let clients = self
            .clients
            .iter()
            .flat_map(|clients| undeclared_applications(bundle, &clients.value, &clients.file));
        users.chain(clients).map(warning).collect()
    }
}

fn named<T>(
    file: &Path,
    parse: impl Fn(&str, &str) -> Result<Built<T>, Vec<Diagnostic>>,
) -> Result<Named<T>, Vec<Diagnostic>> {
    let snapshot = Snapshot::read(&Watched::Files(vec![file.to_owned()]))?;
    let shown = file.display().to_string();
    let built = parse(snapshot.text(file)?, &shown)?;
    Ok(Named {
        file: shown,
        value: built.value,
    })
}

fn warning(undeclared: Undeclared) -> Diagnostic {
    let Undeclared {
        code,
        file,
        name,
        message,
    } = undeclared;
    let kind = code.rsplit('-').next().unwrap_or(code);
    Diagnostic::warning(file, message)
        .with_code(code)
        .with_help(format!(
            "declare `[{kind}.{name}]` in `entities.toml`, or mend the name"
        ))
}
