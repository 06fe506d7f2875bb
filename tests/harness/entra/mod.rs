//! Microsoft Entra as a consumer: it publishes keys, sends a browser here with a hint that it has signed, and takes what
//! comes back. What passes between the two is written down as it is; which of it Entra would take is told by the rows.

mod documents;
mod published;
mod rows;
mod tokens;

pub use documents::Document;
pub use rows::{Exchange, Refusal, Row, broken, rows};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::answer::Answer;
use super::browser::Browser;
use super::consumer::{Consumer, Reply};
use super::fixtures::ANA;
use super::installation::Installation;
use super::jwt::TestKey;
use super::now;
use super::page::Page;
use super::provider::TestProvider;

/// The client that Entra is here.
pub const CLIENT: &str = "entra-mfa";
/// Where answers go.
pub const REDIRECT_URI: &str =
    "https://login.microsoftonline.com/common/federation/externalauthprovider";
/// The application that stands for this provider at Entra.
pub const APP_ID: &str = "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91";
/// The tenant that is answered.
pub const TENANT: &str = "0b5c7f1e-2222-4333-8444-555566667777";
/// Ana's account in that tenant.
pub const OBJECT: &str = "9d3a6c40-1111-4222-8333-444455556666";
/// What Entra calls Ana when it speaks to us.
pub const SUBJECT: &str = "mBfcvuhSHkDWVgV72x2ruIYdSsPSvcj2R0qfc6mGEAA";
/// What Entra calls the request.
pub const REQUEST_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// The discovery document for all tenants, and the keys that it names.
const DISCOVERY: &str = "/common/v2.0/.well-known/openid-configuration";
const KEYS: &str = "/common/discovery/v2.0/keys";

/// Classes and methods that Entra asks for after a password.
const CLASSES: [&str; 4] = [
    "possessionorinherence",
    "knowledgeorpossession",
    "knowledgeorinherence",
    "knowledgeorpossessionorinherence",
];
const METHODS: [&str; 13] = [
    "face", "fido", "fpt", "hwk", "iris", "otp", "pop", "retina", "sc", "sms", "swk", "tel", "vbm",
];

/// The text of the link that leads to the device host.
const CHECK_DEVICE: &str = "Check this device";
/// More steps than this lead nowhere.
const MOST_STEPS: usize = 15;

/// A cloud of Microsoft's.
#[derive(Debug)]
pub struct Entra {
    /// What it signs with.
    pub key: TestKey,
    consumer: Consumer,
}

/// The fields of the form by which Entra sends a browser here.
pub type Fields = BTreeMap<String, String>;

impl Entra {
    /// A cloud that has published one key.
    pub async fn new(files: &Installation) -> Self {
        let entra = Self {
            key: TestKey::rs256(),
            consumer: Consumer::https(files).await,
        };
        let document = json!({
            "issuer": entra.issuer("{tenantid}"),
            "jwks_uri": entra.consumer.url(KEYS),
        });
        entra.consumer.answer(DISCOVERY, Reply::json(&document));
        entra.publish(&[entra.key.jwk()]);
        entra
    }

    /// Registers it with an installation, and Ana's account with Ana: her own managed device is her second factor.
    pub fn install(&self, files: &Installation) {
        let discovery = self.consumer.url(DISCOVERY);
        files.append(
            "clients.toml",
            &format!(
                "[[client]]\nid = '{CLIENT}'\nname = 'Microsoft Entra'\napplication = 'entra'\n\
                 profile = 'entra-mfa'\nredirect_uris = ['{REDIRECT_URI}']\n\
                 [client.entra]\napp_id = '{APP_ID}'\ntenants = ['{TENANT}']\n\
                 discovery = '{discovery}'\n\n"
            ),
        );
        let account = format!("entra = [{{ tid = '{TENANT}', oid = '{OBJECT}' }}]\n");
        let line = format!("username = '{}'\n", ANA.username);
        files.edit("users.toml", &line, &format!("{line}{account}"));
        files.append("doorward.toml", Consumer::CONFIGURATION);
        files.append("policies/entities.toml", "\n[application.entra]\n");
        files.overwrite("policies/entra.cedar", POLICY);
    }

    /// Publishes these keys, each for all tenants unless it says otherwise.
    pub fn publish(&self, keys: &[Value]) {
        let mut keys = keys.to_vec();
        for key in &mut keys {
            if key.get("issuer").is_none() {
                key["issuer"] = json!(self.issuer("{tenantid}"));
            }
        }
        let set = json!({ "keys": keys });
        self.consumer.answer(KEYS, Reply::json(&set));
    }

    /// How often the keys were asked for.
    pub fn fetches(&self) -> usize {
        self.consumer.count(KEYS)
    }

    /// The issuer of a tenant's tokens.
    pub fn issuer(&self, tenant: &str) -> String {
        self.consumer.url(&format!("/{tenant}/v2.0"))
    }

    /// What a hint at Ana says. It has expired already, as those of Entra have, and no two are the same.
    pub fn claims(&self) -> Value {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let (now, made) = (now().timestamp(), MADE.fetch_add(1, Ordering::Relaxed));
        json!({
            "iss": self.issuer(TENANT),
            "aud": APP_ID,
            "iat": now,
            "exp": now - 1,
            "tid": TENANT,
            "oid": OBJECT,
            "sub": SUBJECT,
            "preferred_username": "ana@contoso.example",
            "uti": format!("hint-{made}"),
            "ver": "2.0",
        })
    }

    /// A hint with these claims.
    pub fn hint(&self, claims: &Value) -> String {
        self.key.token(Some("JWT"), claims)
    }

    /// The form with this hint.
    pub fn form(&self, hint: &str) -> Fields {
        let claims = json!({ "id_token": {
            "acr": { "essential": true, "values": CLASSES },
            "amr": { "essential": true, "values": METHODS },
        }});
        let claims = claims.to_string();
        [
            ("scope", "openid"),
            ("response_type", "id_token"),
            ("response_mode", "form_post"),
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT_URI),
            ("nonce", "AwABAAEAAAACAOz_BQD0-AdS-bBv"),
            ("state", "rQIIAW2SO28TQRSFvXbiJFYIEQ+/"),
            ("claims", claims.as_str()),
            ("client-request-id", REQUEST_ID),
            ("id_token_hint", hint),
            // Nobody knows what this is: it may be there all the same.
            ("x-ms-new", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// A form with a good hint.
    pub fn fresh_form(&self) -> Fields {
        self.form(&self.hint(&self.claims()))
    }
}

/// The policy for the second factor.
const POLICY: &str = r#"
// The second factor is a managed device of one's own. The first one is Microsoft's affair.
@id("entra-second-factor")
@reason("The second factor is a managed device of your own.")
permit (
    principal in Group::"employees",
    action == Action::"signIn",
    resource == Application::"entra"
)
when { context has device && context.device.managed }
when { context.device.assignedTo.contains(principal) };
"#;

/// Posts a form as another site does: no cookie of ours goes with it, and no redirect is followed.
pub async fn post(provider: &TestProvider, fields: &Fields) -> Page {
    let url = provider.url("/authorize");
    let request = provider
        .http()
        .post(url)
        .header("origin", "https://login.microsoftonline.com")
        .header("sec-fetch-site", "cross-site")
        .form(fields);
    Page::read(request.send().await.expect("an answer")).await
}

/// Follows redirects to a page, and then the way to the device host where that is asked for, to the page at which the
/// browser stands still.
pub async fn land(browser: &mut Browser, first: &Page) -> Page {
    let mut page = first.clone();
    for _ in 0..MOST_STEPS {
        let next = match page.header("location") {
            Some(location) => page.url.join(location).expect("a location"),
            None => match page.link(CHECK_DEVICE) {
                Some(link) => link,
                None => return page,
            },
        };
        page = browser.get(next.as_str()).await;
    }
    panic!("after {MOST_STEPS} steps still on the way: {page}");
}

/// What the form on a page that leads to Entra says.
pub fn answer_on(page: &Page) -> Answer {
    let forms = page.forms();
    let form = forms
        .iter()
        .find(|form| form.action.as_str() == REDIRECT_URI)
        .unwrap_or_else(|| panic!("nothing for Entra on {page}"));
    Answer::in_form(form)
}

/// All that passes between Entra and the provider when Ana has a second factor and when she has none.
pub async fn exchange(provider: &TestProvider, entra: &Entra) -> Exchange {
    let files = provider.files();
    let path = "/.well-known/openid-configuration";
    let documents = BTreeMap::from([
        ("GET 1", Document::http1(files, "GET", path).await),
        ("HEAD 1", Document::http1(files, "HEAD", path).await),
        ("GET 2", Document::http2(files, "GET", path).await),
        ("HEAD 2", Document::http2(files, "HEAD", path).await),
    ]);
    let jwks = provider.get(&provider.url("/jwks")).await.json();

    let sent = entra.fresh_form();
    let first = post(provider, &sent).await;
    let form = land(&mut provider.browser_on("mbp-ana"), &first).await;
    let received = now().timestamp();
    let answer = answer_on(&form);
    let record = last_record(provider).await;

    let mut browser = provider.browser();
    let refused = post(provider, &entra.fresh_form()).await;
    let page = land(&mut browser, &refused).await;
    let answered = browser
        .post_form(&page, "/authorize/return", &[], &[])
        .await;
    Exchange {
        issuer: provider.issuer(),
        documents,
        keys: jwks["keys"].as_array().cloned().unwrap_or_default(),
        foreign: Vec::new(),
        sent,
        first,
        form,
        answer,
        received,
        record,
        refusal: Refusal {
            answer: answer_on(&answered),
            page,
        },
    }
}

/// The line of the decision log about the sign-in that has just ended well.
async fn last_record(provider: &TestProvider) -> Value {
    super::eventually("a record", async || {
        let lines = provider.decisions().into_iter();
        lines.rev().find(|line| line["ending"] == "permitted")
    })
    .await
}
