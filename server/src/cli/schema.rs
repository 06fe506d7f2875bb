//! `doorward schema`: the contract that policies are written against, and the shapes of the files
//! that operators write, for editors. Each is made where the file is read.

use clap::ValueEnum;
use doorward_engine::{entities_schema, suite};
use schemars::Schema;

use super::render::{self, print};
use super::{Exit, Failure};
use crate::config::Config;
use crate::directory::{clients, devices, users};

const EXAMPLES: &str = "\
Examples:
  doorward schema > policies/own.cedarschema   a copy to add your own attributes to
  doorward schema config > doorward.json       completion for doorward.toml in an editor

A bundle without a schema of its own uses the built-in one.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Which one
    #[arg(value_enum, default_value_t)]
    of: Of,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Policies: every fact that they can read, as a Cedar schema
    #[default]
    Cedar,
    /// doorward.toml, as a JSON schema
    Config,
    /// The users file, as a JSON schema
    Users,
    /// The clients file, as a JSON schema
    Clients,
    /// The device inventory, as a JSON schema
    Devices,
    /// A suite of policy tests, as a JSON schema
    Suite,
    /// entities.toml beside the policies, as a JSON schema
    Entities,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    print(&text(args.of)?)?;
    Ok(Exit::Yes)
}

fn text(of: Of) -> Result<String, Failure> {
    let schema: Schema = match of {
        Of::Cedar => return Ok(doorward_engine::BUILT_IN_SCHEMA.to_owned()),
        Of::Config => Config::json_schema(),
        Of::Users => users::schema(),
        Of::Clients => clients::schema(),
        Of::Devices => devices::schema(),
        Of::Suite => suite::schema(),
        Of::Entities => entities_schema(),
    };
    render::json(&schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_of_policies_is_the_built_in_schema() {
        let text = text(Of::Cedar).unwrap();
        assert!(text.contains("diskEncrypted: Bool"));
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn every_file_has_a_json_schema() {
        let files = Of::value_variants().iter().filter(|of| **of != Of::Cedar);
        for of in files {
            let text = text(*of).unwrap();
            let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(schema["properties"].is_object(), "{of:?}");
        }
    }
}
