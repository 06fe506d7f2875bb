//! `doorward client key`: the entry of a client that proves itself by signing, from its public key as openssl writes it.
//! What a good key is, is left to `jose`.

use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use serde_json::{Map, Value};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::BLANK;
use crate::cli::Failure;
use crate::jose::PublicKey;

const EXAMPLES: &str = "\
Examples:
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out wiki-key.pem
  openssl pkey -in wiki-key.pem -pubout -out wiki-public.pem
  doorward client key --id wiki --redirect-uri https://wiki.example.com/callback wiki-public.pem

The client keeps the private key. The clients file holds the public one, which is no secret.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Key {
    /// The `client_id`
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Where answers may be sent, compared exactly; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,

    /// The public key in PEM: RSA of 2048 bits at least, EC on P-256 or P-384, or Ed25519
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The clients file, with one client in it. Its keys follow: they are easier to read as they are written here.
#[derive(Debug, Serialize)]
struct File<'a> {
    client: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    redirect_uris: &'a [String],
    auth: &'static str,
}

/// The object identifier of Ed25519: RFC 8410, section 3.
const ED25519: &str = "1.3.101.112";

pub(super) fn text(args: &Key) -> Result<String, Failure> {
    let file = args.file.display();
    let pem = fs::read(&args.file)
        .map_err(|error| Failure::new(format!("`{file}` cannot be read: {error}")))?;
    let jwk = jwk(&pem).map_err(|why| {
        Failure::new(format!("`{file}` cannot be used: {why}"))
            .with_help("`openssl pkey -in KEY -pubout` writes the public key of a private one")
    })?;
    let entry = toml::to_string(&File {
        client: vec![Entry {
            id: args.id.as_deref().unwrap_or(BLANK),
            redirect_uris: &args.redirect_uris,
            auth: "private_key_jwt",
        }],
    })
    .map_err(|error| Failure::of(&error))?;
    // Letters, digits, `-` and `_` only: nothing in a key has to be escaped, and JSON is written as TOML is.
    let members: Vec<String> = jwk
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let members = members.join(", ");
    Ok(format!(
        "{entry}jwks = {{ keys = [\n  {{ {members} }},\n] }}\n"
    ))
}

/// The key as a JSON Web Key (RFC 7517) with its thumbprint (RFC 7638) as its identifier; or why there is none.
fn jwk(pem: &[u8]) -> Result<Map<String, Value>, String> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem)
        .map_err(|_| "there is no public key in it".to_owned())?;
    let members = members(&der).ok_or("it is no key of RSA, of P-256, of P-384 or of Ed25519")?;
    let mut jwk: Map<String, Value> = members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    let key = PublicKey::from_jwk(&jwk).map_err(|refused| refused.to_string())?;
    let thumbprint = BASE64URL_NOPAD.encode(&key.thumbprint());
    jwk.insert("kid".to_owned(), Value::String(thumbprint));
    Ok(jwk)
}

/// The members that make the key: RFC 7518, section 6, and RFC 8037, section 2.
fn members(der: &[u8]) -> Option<Vec<(&'static str, String)>> {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
    let encoded = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    match info.parsed().ok()? {
        Parsed::RSA(key) => Some(vec![
            ("kty", "RSA".to_owned()),
            ("n", encoded(number(key.modulus))),
            ("e", encoded(number(key.exponent))),
        ]),
        Parsed::EC(point) => {
            // SEC 1, section 2.3.3: an uncompressed point. Whether it is on the curve is looked at with the whole key.
            let point = point.data().strip_prefix(&[4_u8])?;
            let curve = match point.len() {
                64 => "P-256",
                96 => "P-384",
                _ => return None,
            };
            let (x, y) = point.split_at(point.len() / 2);
            Some(vec![
                ("kty", "EC".to_owned()),
                ("crv", curve.to_owned()),
                ("x", encoded(x)),
                ("y", encoded(y)),
            ])
        }
        Parsed::Unknown(point) if info.algorithm.algorithm.to_id_string() == ED25519 => Some(vec![
            ("kty", "OKP".to_owned()),
            ("crv", "Ed25519".to_owned()),
            ("x", encoded(point)),
        ]),
        _ => None,
    }
}

/// A number without the zeros before it, as RFC 7518, section 2 wants it.
fn number(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{
        KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    };

    use super::*;
    use crate::directory::clients::{ClientAuthentication, ClientKeys, Clients};

    /// What the command prints for a file with this text.
    fn printed(pem: &str) -> Result<String, Failure> {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("public.pem");
        fs::write(&file, pem).unwrap();
        text(&args(&file))
    }

    fn args(file: &Path) -> Key {
        Key {
            id: Some("wiki".to_owned()),
            redirect_uris: vec!["https://wiki.example.com/callback".to_owned()],
            file: file.to_owned(),
        }
    }

    fn refusal(pem: &str) -> String {
        match printed(pem) {
            Err(Failure::Other { message, .. }) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_entry_holds_the_key_by_its_thumbprint() {
        for algorithm in [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ED25519,
            &PKCS_RSA_SHA256,
        ] {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            let entry = printed(&pair.public_key_pem()).unwrap();
            let clients = Clients::parse(&entry, "clients.toml").unwrap().value;
            let client = clients.by_id("wiki").unwrap();
            let ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline(keys)) =
                &client.authentication
            else {
                panic!("{client:?}");
            };
            let key = keys.all().next().unwrap();
            let thumbprint = BASE64URL_NOPAD.encode(&key.thumbprint());
            assert_eq!(key.id(), Some(thumbprint.as_str()));
        }
    }

    #[test]
    fn a_private_key_is_not_taken() {
        let pair = KeyPair::generate().unwrap();
        let message = refusal(&pair.serialize_pem());
        assert!(
            message.ends_with("there is no public key in it"),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_key_for_signatures_is_not_taken() {
        assert!(refusal("hello").contains("there is no public key in it"));
        let pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        assert!(refusal(pem).contains("it is no key of RSA"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let told = text(&args(Path::new("no-such.pem"))).unwrap_err();
        match told {
            Failure::Other { message, .. } => assert!(message.starts_with("`no-such.pem`")),
            other => panic!("{other:?}"),
        }
    }
}
