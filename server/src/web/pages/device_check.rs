//! The page that comes before the device check. The check itself happens at the device host, in a TLS handshake.

use askama::Template;

/// The page that tells what will happen at the device host, and leads there. Who does not want to go there continues at
/// `/authorize/resume?transaction=…&device=skip`.
#[derive(Debug, Clone, Template)]
#[template(path = "device_check.html")]
pub struct DeviceCheck {
    /// The application that the End-User wants to open.
    pub application_name: String,
    /// The URL at the device host, with its ticket.
    pub continue_url: String,
    /// Why the device matters here.
    pub why: Option<String>,
    /// The End-User's own devices that would do.
    pub device_names: Vec<String>,
    /// The authorization request that waits.
    pub transaction: String,
}

impl DeviceCheck {
    /// The page for a person whose devices are known.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            application_name: "Payroll".to_owned(),
            continue_url: "https://device.id.example.com/check?ticket=c2FtcGxl".to_owned(),
            why: Some("Payroll opens on managed devices only.".to_owned()),
            device_names: vec!["MBP-ANA".to_owned(), "Ana’s Pixel 9".to_owned()],
            transaction: "gezdgnbvgy3tqojqgezdgnbvgy".to_owned(),
        }
    }

    /// The page in each of its states.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        vec![
            Self::sample(),
            Self {
                why: None,
                device_names: Vec::new(),
                ..Self::sample()
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    #[test]
    fn the_page_says_what_will_happen_and_which_devices_would_do() {
        insta::assert_snapshot!(text_of(&DeviceCheck::sample()));
    }

    #[test]
    fn a_person_without_known_devices_sees_no_list_of_them() {
        insta::assert_snapshot!(text_of(&DeviceCheck::samples().swap_remove(1)));
    }

    #[test]
    fn the_check_can_be_skipped() {
        let html = DeviceCheck::sample().render().unwrap();
        assert!(html.contains(
            "href=\"/authorize/resume?transaction=gezdgnbvgy3tqojqgezdgnbvgy&amp;device=skip\""
        ));
    }

    #[test]
    fn a_transaction_cannot_add_to_the_address() {
        let page = DeviceCheck {
            transaction: "x&account=another".to_owned(),
            ..DeviceCheck::sample()
        };
        let html = page.render().unwrap();
        assert!(html.contains("transaction=x%26account%3Danother&amp;device=skip"));
    }
}
