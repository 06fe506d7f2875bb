//! What is thought of what was seen of both hosts. Seeing it is left to `probe`.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use super::host::Host;
use super::probe::Seen;
use crate::cli::doctor::check::Check;
use crate::domain::clock::Timestamp;
use crate::signals::certificate::{crypto, name};

/// Names of the checks that both hosts have in common.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) reached: &'static str,
    pub(super) chain: &'static str,
    pub(super) name: &'static str,
    pub(super) wrong_host: &'static str,
}

/// One of the hosts, and what is known of it.
#[derive(Debug)]
pub(super) enum Side {
    /// There is none to look at, for this reason.
    Absent(&'static str),
    /// Looked for, and not found.
    Unreached { host: Host, why: String },
    /// Seen.
    Reached { host: Host, seen: Box<Seen> },
}

impl Side {
    /// What a check says of the host, once it was reached.
    pub(super) fn when_seen(
        &self,
        id: &'static str,
        judge: impl FnOnce(&Host, &Seen) -> Check,
    ) -> Check {
        match self {
            Self::Absent(why) => Check::not_checked(id, *why),
            Self::Unreached { .. } => Check::not_checked(id, "the host was not reached"),
            Self::Reached { host, seen } => judge(host, seen),
        }
    }

    pub(super) fn reached(&self, id: &'static str) -> Check {
        match self {
            Self::Absent(why) => Check::not_checked(id, *why),
            Self::Unreached { host, why } => {
                Check::bad(id, format!("{} is not reached: {why}", host.shown())).with_fix(
                    "see whether the server runs, whether the name leads to it, and whether a firewall is in between",
                )
            }
            Self::Reached { host, .. } => Check::good(id, format!("{} speaks TLS", host.shown())),
        }
    }

    pub(super) fn seen(&self) -> Option<(&Host, &Seen)> {
        match self {
            Self::Reached { host, seen } => Some((host, seen)),
            Self::Absent(_) | Self::Unreached { .. } => None,
        }
    }
}

/// Whether an authority that is believed has issued the certificate, and it is valid now.
pub(super) fn chain(
    id: &'static str,
    (host, seen): (&Host, &Seen),
    roots: &Arc<RootCertStore>,
    now: Timestamp,
) -> Check {
    if roots.is_empty() {
        return Check::doubtful(id, "this machine believes no authority, so that nothing can be told")
            .with_fix("name the authority with `--ca FILE`, or install those of the system (`ca-certificates`)");
    }
    match trusted(&seen.chain, host, roots, now) {
        Ok(()) => Check::good(id, format!("an authority that is believed vouches for {}", host.shown())),
        Err(why) => Check::bad(id, format!("the certificate of {} is refused: {why}", host.shown()))
            .with_fix(
                "put the certificates between it and the authority into its file, renew it, or name an authority of your own with `--ca FILE`",
            ),
    }
}

fn trusted(
    chain: &[CertificateDer<'_>],
    host: &Host,
    roots: &Arc<RootCertStore>,
    now: Timestamp,
) -> Result<(), String> {
    let Some((leaf, others)) = chain.split_first() else {
        return Err("there is none".to_owned());
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), crypto())
        .build()
        .map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host.name.as_str()).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    match verifier.verify_server_cert(leaf, others, &name, &[], time) {
        // Names have a check of their own; they are looked at last.
        Ok(_)
        | Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Ok(()),
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            Err("no authority that is believed has issued it".to_owned())
        }
        Err(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Err("it has expired".to_owned()),
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Err("it is not valid yet".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the certificate is for the name of the host.
pub(super) fn named(id: &'static str, host: &Host, seen: &Seen) -> Check {
    let names = names(seen);
    if covers(seen, &host.name) {
        return Check::good(id, format!("the certificate is for {names}"));
    }
    Check::bad(
        id,
        format!(
            "the certificate is not for `{}`, but for {names}",
            host.name
        ),
    )
    .with_fix("let it be issued for the name in the URL")
}

/// Whether a browser takes the certificate for a host of this name.
pub(super) fn covers(seen: &Seen, host: &str) -> bool {
    let (Some(leaf), Ok(host)) = (seen.chain.first(), ServerName::try_from(host)) else {
        return false;
    };
    EndEntityCert::try_from(leaf)
        .is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&host).is_ok())
}

fn names(seen: &Seen) -> String {
    let mut names: Vec<String> = Vec::new();
    if let Some(leaf) = seen.chain.first()
        && let Ok(leaf) = EndEntityCert::try_from(leaf)
    {
        names.extend(leaf.valid_dns_names().map(|it| format!("`{it}`")));
    }
    if names.is_empty() {
        "no name".to_owned()
    } else {
        names.join(", ")
    }
}

/// Browsers join HTTP/2 connections of hosts that share a certificate (RFC 9113 section 9.1.1), and then ask the device
/// host without a handshake of its own.
pub(super) fn apart(id: &'static str, main: &Side, device: &Side) -> Check {
    let (Some((main_host, main)), Some((device_host, device))) = (main.seen(), device.seen())
    else {
        return Check::not_checked(id, "only of two hosts that were reached");
    };
    let mut shared = Vec::new();
    if covers(main, &device_host.name) {
        shared.push(format!(
            "the certificate of the main host is for `{}` as well",
            device_host.name
        ));
    }
    if covers(device, &main_host.name) {
        shared.push(format!(
            "the certificate of the device host is for `{}` as well",
            main_host.name
        ));
    }
    if shared.is_empty() {
        return Check::good(id, "neither certificate is for the other host");
    }
    Check::doubtful(id, shared.join("\n"))
        .with_fix("give each host a certificate for its own name only, without a wildcard")
}

/// Whether a request for another host is answered with 421 (RFC 9110 section 15.5.20).
pub(super) fn misdirected(id: &'static str, seen: &Seen, tls_at_server: bool) -> Check {
    let answers = match &seen.answers {
        Ok(answers) => answers,
        Err(why) => {
            return Check::doubtful(id, format!("it could not be asked: {why}"))
                .with_fix("see whether something in between ends the connection");
        }
    };
    let status = answers.misdirected;
    if status == 421 {
        return Check::good(id, "a request for another host is answered with 421");
    }
    let finding = format!("a request for another host is answered with {status}");
    if tls_at_server {
        Check::bad(id, finding).with_fix(
            "nothing may terminate TLS in between: let it reach this listener of the server untouched",
        )
    } else {
        Check::doubtful(id, finding).with_fix(
            "where a proxy terminates TLS of the main host, let it refuse what is for other hosts",
        )
    }
}

/// Names of authorities, as people write them.
pub(super) fn authorities(hints: &[Vec<u8>]) -> Vec<String> {
    hints
        .iter()
        .map(|der| match X509Name::from_der(der) {
            Ok((_, parsed)) => format!("`{}`", name::distinguished_name(&parsed)),
            Err(_) => "a name that cannot be read".to_owned(),
        })
        .collect()
}

/// How far the clock of the host is from ours.
pub(super) fn clock(id: &'static str, sides: [&Side; 2]) -> Check {
    let told = sides
        .into_iter()
        .filter_map(Side::seen)
        .find_map(|(host, seen)| {
            let answers = seen.answers.as_ref().ok()?;
            Some((host, (answers.date? - answers.at).num_seconds()))
        });
    let Some((host, seconds)) = told else {
        return Check::not_checked(id, "no answer has a `Date`");
    };
    let finding = match seconds {
        0 => format!("the clock of {} is as ours", host.shown()),
        ahead @ 1.. => format!("the clock of {} is {ahead} s ahead of ours", host.shown()),
        behind => format!("the clock of {} is {} s behind ours", host.shown(), -behind),
    };
    let fix = "let both machines keep their clocks by NTP";
    match seconds.unsigned_abs() {
        0..=5 => Check::good(id, finding),
        6..=30 => Check::doubtful(id, finding).with_fix(fix),
        // Beyond this, tokens of one side are of the future for the other.
        _ => Check::bad(id, finding).with_fix(fix),
    }
}
