//! What Entra expects of the way there and back, row by row, and what an exchange is. What it expects of documents is left
//! to `published`, of ID tokens to `tokens`. A row that no mutation breaks would expect nothing, so each brings one.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::published::PUBLISHED;
use super::tokens::TOKENS;
use super::{Document, Fields, OBJECT, REDIRECT_URI, REQUEST_ID, TENANT};
use crate::answer::{Answer, Mode};
use crate::page::Page;

/// All that passed between the two.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The issuer.
    pub issuer: String,
    /// The discovery document, by method and version of HTTP.
    pub documents: BTreeMap<&'static str, Document>,
    /// The keys that the provider publishes.
    pub keys: Vec<Value>,
    /// Keys of mutations, with which whatever they change is signed again.
    pub foreign: Vec<Value>,
    /// The form by which Entra sent the browser.
    pub sent: Fields,
    /// What was answered to it.
    pub first: Page,
    /// The page that brings the answer.
    pub form: Page,
    /// The answer.
    pub answer: Answer,
    /// The clock of Entra when it had the answer, in seconds.
    pub received: i64,
    /// What the decision log says of it.
    pub record: Value,
    /// What came of a sign-in without a device.
    pub refusal: Refusal,
}

/// What came of a sign-in that the policies do not permit.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What the person saw.
    pub page: Page,
    /// What Entra was told after that.
    pub answer: Answer,
}

/// Something that Entra expects.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub id: &'static str,
    /// Whether it is so.
    pub holds: fn(&Exchange) -> bool,
    /// Changes an exchange so that it is not, and nothing else is wrong.
    pub tamper: fn(&mut Exchange),
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    PUBLISHED.iter().chain(WAY).chain(TOKENS)
}

/// The names of the rows that do not hold.
pub fn broken(exchange: &Exchange) -> Vec<&'static str> {
    rows()
        .filter(|row| !(row.holds)(exchange))
        .map(|row| row.id)
        .collect()
}

/// What is expected of the way there and back.
const WAY: &[Row] = &[
    Row {
        id: "request.stored-and-asked-for-again",
        holds: |exchange| {
            let location = exchange.first.header("location").unwrap_or_default();
            exchange.first.status == 303 && location.starts_with(&exchange.issuer)
        },
        tamper: |exchange| exchange.first.status = 200,
    },
    Row {
        id: "request.hint-in-no-link",
        holds: |exchange| {
            let location = exchange.first.header("location").unwrap_or_default();
            !location.contains("hint") && !location.contains("nonce")
        },
        tamper: |exchange| {
            let hint = format!("{}/authorize?id_token_hint=a.b.c", exchange.issuer);
            let hint = hint.parse().expect("a header");
            exchange.first.headers.insert("location", hint);
        },
    },
    Row {
        id: "request.no-cookie-without-cookies",
        holds: |exchange| exchange.first.set_cookies().is_empty(),
        tamper: |exchange| {
            let cookie = "__Host-doorward-browser=x".parse().expect("a header");
            exchange.first.headers.insert("set-cookie", cookie);
        },
    },
    Row {
        id: "answer.form-post",
        holds: |exchange| exchange.answer.mode == Mode::FormPost && exchange.form.status == 200,
        tamper: |exchange| exchange.answer.mode = Mode::Fragment,
    },
    Row {
        id: "answer.redirect-uri",
        holds: |exchange| exchange.answer.redirect_uri == REDIRECT_URI,
        tamper: |exchange| exchange.answer.redirect_uri.push('/'),
    },
    Row {
        id: "answer.state",
        holds: |exchange| {
            exchange.answer.get("state") == exchange.sent.get("state").map(String::as_str)
        },
        tamper: |exchange| set(&mut exchange.answer, "state", "another"),
    },
    Row {
        id: "answer.nothing-else",
        holds: |exchange| {
            let names = exchange.answer.parameters.keys();
            names.eq(["id_token", "state"].iter())
        },
        tamper: |exchange| set(&mut exchange.answer, "iss", "https://id.example.com"),
    },
    Row {
        id: "page.form-target",
        holds: |exchange| {
            let allowed = directive(&exchange.form, "form-action");
            allowed.split(' ').any(|source| source == "https:")
        },
        tamper: |exchange| policy(exchange, "https:", "http:"),
    },
    Row {
        id: "page.script-hash",
        holds: |exchange| {
            let page = &exchange.form;
            let script = page.body.split_once("<script>");
            let script = script.and_then(|(_, rest)| rest.split_once("</script>"));
            let (script, _) = script.unwrap_or_default();
            let hash = digest::digest(&digest::SHA256, script.as_bytes());
            let hash = format!("'sha256-{}'", BASE64.encode(hash.as_ref()));
            directive(page, "script-src") == hash && script.contains("submit()")
        },
        tamper: |exchange| policy(exchange, "sha256-", "sha256-A"),
    },
    Row {
        id: "page.never-stored",
        holds: |exchange| exchange.form.header("cache-control") == Some("no-store"),
        tamper: |exchange| {
            exchange.form.headers.remove("cache-control");
        },
    },
    Row {
        id: "refusal.page-first",
        holds: |exchange| {
            let page = &exchange.refusal.page;
            page.status == 403 && page.has_form("/authorize/return")
        },
        tamper: |exchange| exchange.refusal.page.status = 200,
    },
    Row {
        id: "refusal.request-id",
        holds: |exchange| exchange.refusal.page.says(REQUEST_ID),
        tamper: |exchange| {
            let page = &mut exchange.refusal.page;
            page.body = page.body.replace(REQUEST_ID, "");
        },
    },
    Row {
        id: "refusal.access-denied",
        holds: |exchange| {
            let answer = &exchange.refusal.answer;
            answer.get("error") == Some("access_denied") && answer.get("id_token").is_none()
        },
        tamper: |exchange| set(&mut exchange.refusal.answer, "error", "server_error"),
    },
    Row {
        id: "refusal.form-post",
        holds: |exchange| {
            let answer = &exchange.refusal.answer;
            answer.mode == Mode::FormPost && answer.redirect_uri == REDIRECT_URI
        },
        tamper: |exchange| exchange.refusal.answer.mode = Mode::Query,
    },
    Row {
        id: "refusal.state",
        holds: |exchange| {
            let sent = exchange.sent.get("state").map(String::as_str);
            exchange.refusal.answer.get("state") == sent
        },
        tamper: |exchange| set(&mut exchange.refusal.answer, "state", "another"),
    },
    Row {
        id: "record.request-id",
        holds: |exchange| exchange.record["caller"]["client_request_id"] == REQUEST_ID,
        tamper: |exchange| exchange.record["caller"]["client_request_id"] = json!("another"),
    },
    Row {
        id: "record.account",
        holds: |exchange| {
            let caller = &exchange.record["caller"];
            caller["tenant"] == TENANT && caller["object_id"] == OBJECT
        },
        tamper: |exchange| exchange.record["caller"]["object_id"] = json!("another"),
    },
    Row {
        id: "record.no-session",
        holds: |exchange| exchange.record["session"].is_null(),
        tamper: |exchange| exchange.record["session"] = json!("s1"),
    },
];

fn set(answer: &mut Answer, name: &str, value: &str) {
    answer.parameters.insert(name.to_owned(), value.to_owned());
}

/// What a directive of the page's content security policy allows.
fn directive(page: &Page, name: &str) -> String {
    let policy = page.header("content-security-policy").unwrap_or_default();
    policy
        .split("; ")
        .find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_default()
        .to_owned()
}

fn policy(exchange: &mut Exchange, from: &str, to: &str) {
    let policy = exchange.form.header("content-security-policy");
    let policy = policy.expect("a policy").replace(from, to);
    let policy = policy.parse().expect("a header");
    let headers = &mut exchange.form.headers;
    headers.insert("content-security-policy", policy);
}
