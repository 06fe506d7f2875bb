//! How the client of an entry proves itself: its secret, its keys or its certificate, and that it has just one of them.
//! Leaves to others the proof itself (`oidc`) and what a good key is (`client_keys`).

use std::net::IpAddr;

use toml::Spanned;
use url::Url;

use super::super::client_keys::ClientKeys;
use super::super::client_record::{Binding, ClientAuthentication, Method, TlsName};
use super::super::client_secret::ClientSecretHash;
use super::super::clients::Certificates;
use super::super::{Report, redirect_uri};
use super::ClientEntry;

impl ClientEntry {
    /// How the client proves itself, RFC 6749 section 2.3: in one way.
    pub(super) fn authentication(
        &self,
        report: &mut Report<'_>,
        keys: Option<&ClientKeys>,
    ) -> Option<ClientAuthentication> {
        let method = self.method(report)?;
        if method != Method::Tls {
            self.refuse_tls_names(report, method);
        }
        if let Some(secret) = self.secret.as_ref().filter(|_| method != Method::Secret) {
            report.error_with_help(
                secret,
                format!("the client `{}` has a secret that nobody asks for", self.id),
                format!("remove it: {}", proof(method)),
            );
        }
        match method {
            Method::None => Some(ClientAuthentication::None),
            Method::Secret => self.secret_hash(report).map(ClientAuthentication::Secret),
            Method::PrivateKeyJwt => self
                .needed(report, keys)
                .map(ClientAuthentication::PrivateKeyJwt),
            Method::SelfSignedTls => self
                .needed(report, keys)
                .map(ClientAuthentication::SelfSignedTls),
            Method::Tls => self.tls_name(report).map(ClientAuthentication::Tls),
        }
    }

    /// The method, written or derived, where the profile knows it.
    fn method(&self, report: &mut Report<'_>) -> Option<Method> {
        let name = self.profile_name();
        let known = name.rules().authentication;
        let method = match &self.auth {
            Some(written) => self.written_method(report, written)?,
            None if known == [Method::None] => Method::None,
            None => self.derived_method(report)?,
        };
        if known.contains(&method) {
            return Some(method);
        }
        let words: Vec<String> = known
            .iter()
            .map(|method| format!("`{}`", method.as_str()))
            .collect();
        let message = format!(
            "the profile `{}` of client `{}` does not go with `auth = \"{}\"`",
            name.as_str(),
            self.id,
            method.as_str()
        );
        let help = format!("it goes with {}", words.join(" or "));
        match &self.auth {
            Some(written) => report.error_with_help(written, message, help),
            None => report.error_with_help(&self.id, message, help),
        }
        None
    }

    fn written_method(&self, report: &mut Report<'_>, written: &Spanned<Method>) -> Option<Method> {
        let method = *written.get_ref();
        if self.public && method != Method::None {
            report.error_with_help(
                written,
                format!(
                    "the client `{}` is public and has `auth = \"{}\"`",
                    self.id,
                    method.as_str()
                ),
                "remove one of the two: a public client cannot prove itself",
            );
            return None;
        }
        Some(method)
    }

    /// A client without a secret has to say so: a forgotten line must not make it public.
    fn derived_method(&self, report: &mut Report<'_>) -> Option<Method> {
        match (&self.secret, self.public) {
            (Some(_), false) => Some(Method::Secret),
            (None, true) => Some(Method::None),
            (None, false) => {
                let help = if self.jwks.is_some() || self.jwks_uri.is_some() {
                    "write how it proves itself by its keys: `auth = \"private_key_jwt\"` or `auth = \"self_signed_tls\"`"
                } else {
                    "write `public = true` if it cannot keep one, or give it a `secret`"
                };
                report.error_with_help(
                    &self.id,
                    format!("the client `{}` has no secret", self.id),
                    help,
                );
                None
            }
            (Some(secret), true) => {
                report.error_with_help(
                    secret,
                    format!("the client `{}` is public and has a secret", self.id),
                    "remove one of the two: a secret that everybody can read proves nothing",
                );
                None
            }
        }
    }

    fn secret_hash(&self, report: &mut Report<'_>) -> Option<ClientSecretHash> {
        let Some(secret) = &self.secret else {
            report.error_with_help(
                &self.id,
                format!("the client `{}` has no secret", self.id),
                "`auth = \"secret\"` needs a `secret`",
            );
            return None;
        };
        match secret.get_ref().0.parse::<ClientSecretHash>() {
            Ok(hash) => Some(hash),
            Err(refused) => {
                report.error(
                    secret,
                    format!("the secret of client `{}` is {refused}", self.id),
                );
                None
            }
        }
    }

    /// The public keys of the client, where it has any, and has them from one place.
    pub(super) fn client_keys(&self, report: &mut Report<'_>) -> Option<ClientKeys> {
        match (&self.jwks, &self.jwks_uri) {
            (None, None) => None,
            // RFC 7591, section 2: the two must not stand together.
            (Some(_), Some(uri)) => {
                report.error_with_help(
                    uri,
                    format!("the client `{}` has both `jwks` and `jwks_uri`", self.id),
                    "remove one of the two: it is not clear which keys count",
                );
                None
            }
            (Some(jwks), None) => match jwks.get_ref().parse() {
                Ok(keys) => Some(keys),
                Err(problem) => {
                    report.error(
                        jwks,
                        format!("the keys of client `{}` cannot be used: {problem}", self.id),
                    );
                    None
                }
            },
            (None, Some(uri)) => self.url(report, "jwks_uri", uri).map(ClientKeys::Remote),
        }
    }

    /// Keys that the method cannot do without.
    fn needed(&self, report: &mut Report<'_>, keys: Option<&ClientKeys>) -> Option<ClientKeys> {
        // Keys that are there and wrong are reported already.
        if self.jwks.is_none() && self.jwks_uri.is_none() {
            report.error_with_help(
                &self.id,
                format!("the client `{}` has no keys", self.id),
                "give it the address of its public keys as `jwks_uri`, or the keys themselves as `jwks`",
            );
        }
        keys.cloned()
    }

    fn tls_names(&self) -> [(&'static str, Option<&Spanned<String>>); 5] {
        [
            ("tls_subject_dn", self.tls_subject_dn.as_ref()),
            ("tls_san_dns", self.tls_san_dns.as_ref()),
            ("tls_san_uri", self.tls_san_uri.as_ref()),
            ("tls_san_email", self.tls_san_email.as_ref()),
            ("tls_san_ip", self.tls_san_ip.as_ref()),
        ]
    }

    fn refuse_tls_names(&self, report: &mut Report<'_>, method: Method) {
        for (key, name) in self.tls_names() {
            if let Some(at) = name {
                report.error_with_help(
                    at,
                    format!("the client `{}` has `{key}` that nobody asks for", self.id),
                    format!("remove it, or write `auth = \"tls\"`: {}", proof(method)),
                );
            }
        }
    }

    /// The one name of the client's certificate, RFC 8705 section 2.1.2.
    fn tls_name(&self, report: &mut Report<'_>) -> Option<TlsName> {
        let names = self.tls_names();
        let mut written = names
            .iter()
            .filter_map(|(key, name)| name.map(|name| (*key, name)));
        let Some((key, name)) = written.next() else {
            report.error_with_help(
                &self.id,
                format!("the client `{}` has no name of its certificate", self.id),
                "`auth = \"tls\"` needs one of `tls_subject_dn`, `tls_san_dns`, `tls_san_uri`, `tls_san_email` and `tls_san_ip`",
            );
            return None;
        };
        if let Some((other, at)) = written.next() {
            report.error_with_help(
                at,
                format!("the client `{}` has both `{key}` and `{other}`", self.id),
                "remove one of the two: one name of the certificate counts",
            );
            return None;
        }
        let parsed = parse_tls_name(key, name.get_ref());
        if parsed.is_none() {
            report.error(
                name,
                format!("the `{key}` of client `{}` is not such a name", self.id),
            );
        }
        parsed
    }

    /// A client is known by its certificate only where one is asked for, and by a name in it only where somebody vouches
    /// for names.
    pub(super) fn check_certificates(&self, report: &mut Report<'_>, certificates: Certificates) {
        let method = self.auth.as_ref().map(|written| *written.get_ref());
        let by_name = method == Some(Method::Tls);
        let by_key = method == Some(Method::SelfSignedTls);
        let is_bound = |bound: &&Spanned<Binding>| *bound.get_ref() == Binding::Certificate;
        if certificates == Certificates::NotAskedFor {
            let help = "ask for them on a host of their own: `[client_tls]` in `doorward.toml`";
            let no_host = "and there is no host that asks for certificates";
            if let Some(at) = self.auth.as_ref().filter(|_| by_name || by_key) {
                let id = &self.id;
                let message =
                    format!("the client `{id}` proves itself by its certificate, {no_host}");
                report.error_with_help(at, message, help);
            }
            if let Some(at) = self.bound.as_ref().filter(is_bound) {
                let id = &self.id;
                let message =
                    format!("the tokens of client `{id}` are bound to its certificate, {no_host}");
                report.error_with_help(at, message, help);
            }
        } else if certificates == Certificates::ByKey
            && let Some(at) = self.auth.as_ref().filter(|_| by_name)
        {
            report.error_with_help(
                at,
                format!(
                    "no authority vouches for the certificate of client `{}`",
                    self.id
                ),
                "name its file: `authorities` in `[client_tls]` of `doorward.toml`",
            );
        }
    }

    /// A URL at which the server calls the client, or sends a browser to it.
    pub(super) fn url(
        &self,
        report: &mut Report<'_>,
        key: &str,
        written: &Spanned<String>,
    ) -> Option<Url> {
        let text = written.get_ref();
        let checked = redirect_uri::check(text)
            .and_then(|()| Url::parse(text).map_err(|_| "is not an absolute URL"));
        match checked {
            Ok(url) => Some(url),
            Err(problem) => {
                report.error(
                    written,
                    format!("the `{key}` of client `{}` {problem}", self.id),
                );
                None
            }
        }
    }
}

/// By what a client proves itself, in half a sentence.
fn proof(method: Method) -> &'static str {
    match method {
        Method::None => "the client does not prove itself",
        Method::Secret => "the client proves itself by its secret",
        Method::PrivateKeyJwt => "the client proves itself by signing with its key",
        Method::Tls | Method::SelfSignedTls => "the client proves itself by its certificate",
    }
}

fn parse_tls_name(key: &str, text: &str) -> Option<TlsName> {
    if text.is_empty() || text.contains(char::is_control) {
        return None;
    }
    let owned = || text.to_owned();
    match key {
        "tls_subject_dn" => text.parse().ok().map(TlsName::SubjectDn),
        "tls_san_dns" => {
            let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            text.bytes().all(label).then(|| TlsName::Dns(owned()))
        }
        "tls_san_uri" => Url::parse(text).ok().map(|_| TlsName::Uri(owned())),
        "tls_san_email" => text.contains('@').then(|| TlsName::Email(owned())),
        _ => text.parse::<IpAddr>().ok().map(TlsName::Ip),
    }
}
