//! A tenant and a provider that fit together.

use std::fs;
use std::sync::LazyLock;

use data_encoding::BASE64;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cli::doctor::check::Verdict;
use crate::cli::doctor::door::Met;
use crate::cli::doctor::door::tests::{answered, changed, now};
use crate::domain::clock::ManualClock;
use crate::jose::fixtures::TestKey;

/// Keys of RSA take long to make.
static KEY: LazyLock<Value> = LazyLock::new(key);

pub(super) const CONFIG: &str = "\
issuer = 'https://id.example.com'

[listen]
address = '127.0.0.1:8443'
certificate = 'main.pem'
key = 'main-key.pem'

[device]
url = 'https://device.id.example.com'
address = '127.0.0.1:8444'
certificate = 'device.pem'
key = 'device-key.pem'
authorities = ['devices/ca.pem']
inventory = 'devices.toml'
";

const USERS_FILE: &str = "\
[[user]]
id = 'u-ana'
username = 'ana'
groups = ['employees']
password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
entra = [{ tid = '0b5c7f1e-2222-4333-8444-555566667777', oid = '9d3a6c40-1111-4222-8333-444455556666' }]
";

const CLIENTS_FILE: &str = "\
[[client]]
id = 'entra'
profile = 'entra-mfa'
application = 'wiki'
redirect_uris = ['https://login.microsoftonline.com/common/federation/externalauthprovider']

[client.entra]
app_id = '6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91'
tenants = ['0b5c7f1e-2222-4333-8444-555566667777']
";

const TENANT_ID: &str = "0b5c7f1e-2222-4333-8444-555566667777";
pub(super) const OTHER: &str = "11111111-2222-4333-8444-555566667777";
pub(super) const CLOUD: &str = "https://login.microsoftonline.com";

/// Files of a provider, and what was met of it and of Entra.
pub(super) struct World {
    files: TempDir,
    pub(super) tenant: &'static str,
    pub(super) documents: Documents,
    pub(super) hints: Vec<HintIssuer>,
}

impl World {
    pub(super) fn healthy() -> Self {
        let files = tempfile::tempdir().unwrap();
        fs::create_dir(files.path().join("policies")).unwrap();
        let world = Self {
            files,
            tenant: TENANT_ID,
            documents: documents(),
            hints: vec![hints()],
        };
        for (name, text) in [
            ("doorward.toml", CONFIG),
            ("users.toml", USERS_FILE),
            ("clients.toml", CLIENTS_FILE),
            (
                "policies/access.cedar",
                include_str!("../../../../../policies/access.cedar"),
            ),
            (
                "policies/entities.toml",
                include_str!("../../../../../policies/entities.toml"),
            ),
        ] {
            world.write(name, text);
        }
        world
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.files.path().join(name), text).unwrap();
    }

    pub(super) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.files.path().join(name)).unwrap();
        assert!(text.contains(from), "{text}");
        self.write(name, &text.replace(from, to));
    }

    pub(super) fn checks(self) -> Vec<Check> {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now()));
        let place = Place::load(&self.files.path().join("doorward.toml"), &clock).unwrap();
        let tenant: Guid = self.tenant.parse().unwrap();
        let patient = Patient {
            doors: of_entra(&place, &tenant),
            tenant: &tenant,
            place: &place,
            documents: self.documents,
            hints: self.hints,
        };
        patient.checks()
    }

    /// What is bad or doubtful, by its name.
    pub(super) fn wrong(self) -> Vec<(&'static str, Verdict)> {
        let checks = self.checks().into_iter();
        checks
            .filter(|check| matches!(check.verdict, Verdict::Bad | Verdict::Doubtful))
            .map(|check| (check.id, check.verdict))
            .collect()
    }
}

/// A key with its certificate, as the provider publishes both.
pub(super) fn key() -> Value {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let params = CertificateParams::new(vec!["id.example.com".to_owned()]).unwrap();
    let der = params.self_signed(&pair).unwrap().der().to_vec();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    let x509_parser::public_key::PublicKey::RSA(rsa) = certificate.public_key().parsed().unwrap()
    else {
        panic!("no RSA key");
    };
    // Numbers of certificates have a byte of sign.
    let modulus = rsa.modulus.strip_prefix(&[0]).unwrap_or(rsa.modulus);
    let text = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    json!({
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": "00112233445566778899aabbccddeeff",
        "n": text(modulus),
        "e": text(rsa.exponent),
        "x5c": [BASE64.encode(&der)],
    })
}

pub(super) fn set(keys: &[Value]) -> Met {
    answered(&json!({ "keys": keys }).to_string())
}

pub(super) fn discovery() -> Value {
    let issuer = "https://id.example.com";
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code", "id_token"],
        "response_modes_supported": ["query", "form_post"],
        "scopes_supported": ["openid"],
        "subject_types_supported": ["public"],
        "claim_types_supported": ["normal"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

/// What a provider publishes that is as it should be.
fn documents() -> Documents {
    let text = discovery().to_string();
    let mut head = answered(&text);
    changed(&mut head, |seen| seen.looked.bytes = "".into());
    let url = |path: &str| format!("https://id.example.com{path}").parse().unwrap();
    Documents {
        url: url("/.well-known/openid-configuration"),
        discovery: answered(&text),
        head,
        keys_url: url("/jwks"),
        keys: set(std::slice::from_ref(&KEY)),
    }
}

/// What Entra publishes.
fn hints() -> HintIssuer {
    let issuer = format!("{CLOUD}/{{tenantid}}/v2.0");
    let keys = format!("{CLOUD}/common/discovery/v2.0/keys");
    let document = json!({ "issuer": issuer, "jwks_uri": keys });
    HintIssuer {
        url: format!("{CLOUD}/common/v2.0/.well-known/openid-configuration")
            .parse()
            .unwrap(),
        discovery: answered(&document.to_string()),
        keys: Some((keys.parse().unwrap(), set(&[hint_key(&issuer)]))),
    }
}

pub(super) fn hint_key(issuer: &str) -> Value {
    let mut jwk = TestKey::rsa().jwk();
    jwk.insert("kid".to_owned(), json!("theirs"));
    jwk.insert("issuer".to_owned(), json!(issuer));
    Value::Object(jwk)
}
