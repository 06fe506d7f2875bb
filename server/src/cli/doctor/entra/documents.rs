//! Checks of what this provider publishes, as Entra meets it.

use data_encoding::{BASE64, BASE64URL};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use serde_json::Value;
use url::Url;

use super::{
    CERTIFICATES, ISSUER, KEY_IDS, KEYS_REACHED, LENGTH, METADATA, Patient, REACHED, RESPONSES,
    RS256,
};
use crate::cli::doctor::check::Check;
use crate::cli::doctor::door::{
    Members, Met, Place, Seen, inconsistent, judged, lists, meet, rs256,
};
use crate::domain::clock::Clock;
use crate::jose::{PublicKey, certified_key};
use crate::remote::Remote;

const UNREACHED: &str = "see whether the server runs, whether the name leads to it, and whether its certificate is believed: `doorward doctor mtls`";

/// What was to be had.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) url: Url,
    pub(super) discovery: Met,
    /// The same, asked for by HEAD.
    pub(super) head: Met,
    pub(super) keys_url: Url,
    pub(super) keys: Met,
}

impl Documents {
    /// Asks for everything.
    pub(super) async fn ask(remote: Option<&Remote>, place: &Place, clock: &dyn Clock) -> Self {
        let url = place.own("/.well-known/openid-configuration");
        let keys_url = place.own("/jwks");
        Self {
            discovery: meet(remote, Method::GET, &url, clock).await,
            head: meet(remote, Method::HEAD, &url, clock).await,
            keys: meet(remote, Method::GET, &keys_url, clock).await,
            url,
            keys_url,
        }
    }
}

impl Patient<'_> {
    pub(super) fn reached(&self) -> Check {
        let documents = &self.documents;
        let discovery = &documents.discovery;
        discovery.reached(REACHED, &documents.url, UNREACHED)
    }

    /// Entra reads no document that comes in chunks.
    pub(super) fn length(&self) -> Check {
        let documents = &self.documents;
        documents.discovery.when_read(LENGTH, |seen, _| {
            let expected = seen.looked.bytes.len();
            let mut lines: Vec<String> = wrong_length("GET", seen, expected).into_iter().collect();
            match documents.head.seen() {
                Some(head) => lines.extend(wrong_length("HEAD", head, expected)),
                None => lines.push("HEAD is not answered".to_owned()),
            }
            judged(
                LENGTH,
                lines,
                format!("`Content-Length: {expected}`, by GET and by HEAD"),
                (
                    Check::bad,
                    "let the proxy in between pass the answer on as it is, neither compressed nor in chunks",
                ),
            )
        })
    }

    pub(super) fn issuer(&self) -> Check {
        let issuer = self.place.config.issuer_text();
        self.documents.discovery.when_read(ISSUER, |_, members| {
            let mut lines = inconsistent(members, issuer);
            if !issuer.starts_with("https://") {
                lines.push(format!("`{issuer}` is no https URL"));
            }
            judged(
                ISSUER,
                lines,
                format!("the document is that of `{issuer}`"),
                (
                    Check::bad,
                    "the document has to name the host that it comes from: see whether this server runs with this configuration",
                ),
            )
        })
    }

    pub(super) fn responses(&self) -> Check {
        let expected = [
            ("response_types_supported", "id_token"),
            ("response_modes_supported", "form_post"),
        ];
        self.offers(
            RESPONSES,
            &expected,
            "an ID token is offered, in a form that is posted",
        )
    }

    pub(super) fn metadata(&self) -> Check {
        let expected = [
            ("scopes_supported", "openid"),
            ("subject_types_supported", "public"),
            ("claim_types_supported", "normal"),
        ];
        self.offers(METADATA, &expected, "the rest is what Entra wants as well")
    }

    fn offers(&self, id: &'static str, expected: &[(&str, &str)], good: &str) -> Check {
        self.documents.discovery.when_read(id, |_, members| {
            let lines = expected
                .iter()
                .filter(|(name, word)| !lists(members, name, word))
                .map(|(name, word)| format!("`{name}` has no `{word}`"))
                .collect();
            judged(
                id,
                lines,
                good,
                (
                    Check::bad,
                    "see whether the server runs with this clients file, and whether it was refused: `doorward doctor config`",
                ),
            )
        })
    }

    pub(super) fn rs256(&self) -> Check {
        rs256(RS256, &self.documents.discovery, &self.documents.keys)
    }

    pub(super) fn keys_reached(&self) -> Check {
        let documents = &self.documents;
        let keys = &documents.keys;
        keys.reached(KEYS_REACHED, &documents.keys_url, UNREACHED)
    }

    /// Entra reads keys from certificates.
    pub(super) fn certificates(&self) -> Check {
        self.documents.keys.when_read(CERTIFICATES, |_, set| {
            let keys = of_rsa(set);
            if keys.is_empty() {
                return Check::bad(CERTIFICATES, "no RSA key is published").with_fix(
                    "see whether the server runs with this clients file: it makes the key by itself",
                );
            }
            let lines = keys
                .iter()
                .filter_map(|key| certified(key).err().map(|why| format!("{} {why}", named(key))))
                .collect();
            judged(
                CERTIFICATES,
                lines,
                "every RSA key is published with its certificate",
                (Check::bad, "replace the key: `doorward keys rotate`"),
            )
        })
    }

    pub(super) fn key_ids(&self) -> Check {
        self.documents.keys.when_read(KEY_IDS, |_, set| {
            let lines = of_rsa(set)
                .into_iter()
                .filter(|key| !has_base64_id(key))
                .map(|key| format!("{} has no name that is base64", named(key)))
                .collect();
            judged(
                KEY_IDS,
                lines,
                "the name of every RSA key is base64",
                (Check::bad, "replace the key: `doorward keys rotate`"),
            )
        })
    }
}

/// What is wrong with how long an answer says it is.
fn wrong_length(method: &str, seen: &Seen, expected: usize) -> Option<String> {
    let headers = &seen.looked.headers;
    if let Some(how) = headers.get(TRANSFER_ENCODING) {
        let how = String::from_utf8_lossy(how.as_bytes());
        return Some(format!(
            "{method} is answered with `Transfer-Encoding: {how}`"
        ));
    }
    let Some(told) = headers.get(CONTENT_LENGTH) else {
        return Some(format!("{method} is answered without `Content-Length`"));
    };
    let told = String::from_utf8_lossy(told.as_bytes());
    (told != expected.to_string())
        .then(|| format!("{method} is answered with `Content-Length: {told}` for {expected} bytes"))
}

/// The RSA keys of a set.
fn of_rsa(set: &Members) -> Vec<&Members> {
    let keys = set.get("keys").and_then(Value::as_array);
    keys.into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(|key| text(key, "kty") == Some("RSA"))
        .collect()
}

fn text<'a>(key: &'a Members, name: &str) -> Option<&'a str> {
    key.get(name).and_then(Value::as_str)
}

fn named(key: &Members) -> String {
    text(key, "kid").map_or_else(
        || "a key without a name".to_owned(),
        |kid| format!("`{kid}`"),
    )
}

/// Whether the first certificate of a key is that of the key, RFC 7517 section 4.7.
fn certified(key: &Members) -> Result<(), String> {
    let chain = key.get("x5c").and_then(Value::as_array);
    let first = chain
        .and_then(|chain| chain.first())
        .and_then(Value::as_str);
    let first = first.ok_or("has no certificate in `x5c`")?;
    let der = BASE64.decode(first.as_bytes());
    let der = der.map_err(|_| "has a certificate that is not in base64")?;
    let certified = certified_key(&der)
        .map_err(|why| format!("has a certificate that cannot be used: {why}"))?;
    let own = PublicKey::from_jwk(key).map_err(|why| format!("cannot be used: {why}"))?;
    if own.thumbprint() == certified.thumbprint() {
        Ok(())
    } else {
        Err("has the certificate of another key".to_owned())
    }
}

fn has_base64_id(key: &Members) -> bool {
    text(key, "kid").is_some_and(|kid| {
        let kid = kid.as_bytes();
        !kid.is_empty() && (BASE64.decode(kid).is_ok() || BASE64URL.decode(kid).is_ok())
    })
}
