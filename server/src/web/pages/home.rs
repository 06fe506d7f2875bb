//! The page at the root of the provider, for whoever looks whether it is there.

use askama::Template;

/// The page that says that the provider runs, and where applications find what they need.
#[derive(Debug, Clone, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// The issuer identifier.
    pub issuer: String,
}

impl Home {
    /// The page of a provider.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            issuer: "https://id.example.com".to_owned(),
        }
    }

    /// Where the configuration of the provider stands (OpenID Connect Discovery 1.0, section 4).
    fn discovery_url(&self) -> String {
        format!(
            "{}/.well-known/openid-configuration",
            self.issuer.trim_end_matches('/')
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    #[test]
    fn the_page_says_that_the_provider_runs_and_names_its_issuer() {
        insta::assert_snapshot!(text_of(&Home::sample()));
    }

    #[test]
    fn a_slash_at_the_end_of_the_issuer_is_not_doubled() {
        let home = Home {
            issuer: "https://id.example.com/tenant/".to_owned(),
        };
        assert_eq!(
            home.discovery_url(),
            "https://id.example.com/tenant/.well-known/openid-configuration"
        );
    }
}
