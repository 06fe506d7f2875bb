//! Parameters of a request, from its query or its form. Each may stand once (RFC 6749, section 3.1);
//! what is not UTF-8 is refused, never altered.

/// Parameters in the order in which they came.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

/// Parameters that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidParameters {
    /// One stands twice.
    #[error("the parameter `{0}` is repeated")]
    Repeated(String),
    /// One is not UTF-8, or holds a control character.
    #[error("the parameter `{0}` is not plain text")]
    NotText(String),
    /// There are too many, or they are too long.
    #[error("the parameters are too long")]
    TooLong,
}

/// Longest value of one parameter, in bytes.
const LONGEST_VALUE: usize = 8 * 1024;
/// Most parameters.
const MOST: usize = 64;

impl Parameters {
    /// Parameters of `application/x-www-form-urlencoded` text.
    pub(super) fn parse(encoded: &[u8]) -> Result<Self, InvalidParameters> {
        Self::of(form_urlencoded::parse(encoded).into_owned())
    }

    /// Parameters that came in another way, held to the same rules.
    pub(super) fn of(
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, InvalidParameters> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            // As it may stand in an error description (RFC 6749, section 5.2).
            let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '`');
            let shown: String = name.chars().filter(plain).take(64).collect();
            // What does not decode becomes the replacement character, which no parameter needs.
            let broken =
                |text: &str| text.contains('\u{fffd}') || text.chars().any(char::is_control);
            if broken(&name) || broken(&value) {
                return Err(InvalidParameters::NotText(shown));
            }
            if value.len() > LONGEST_VALUE || name.len() > LONGEST_VALUE || all.len() >= MOST {
                return Err(InvalidParameters::TooLong);
            }
            if all.iter().any(|(known, _)| *known == name) {
                return Err(InvalidParameters::Repeated(shown));
            }
            all.push((name, value));
        }
        Ok(Self(all))
    }

    /// Parameters that were stored.
    #[must_use]
    pub(super) fn stored(parameters: Vec<(String, String)>) -> Self {
        Self(parameters)
    }

    /// The parameters without those of these names.
    #[must_use]
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// The parameters with this one, in place of any of its name.
    #[must_use]
    pub(super) fn with(self, name: &str, value: &str) -> Self {
        let mut changed = self.without(&[name]);
        changed.0.push((name.to_owned(), value.to_owned()));
        changed
    }

    /// The parameters, to be stored.
    #[must_use]
    pub(super) fn to_stored(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// A parameter's value; an empty one counts as absent (RFC 6749, section 3.1).
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

impl Parameters {
    /// The values of all parameters with such a name that are not empty.
    pub(super) fn all(&self, is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(name, value)| !value.is_empty() && is_meant(name))
            .map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Parameters {
    /// Names only: values may be passwords, codes and secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_by_name() {
        let error = Parameters::parse(b"scope=a&state=x&scope=b").unwrap_err();
        assert_eq!(error, InvalidParameters::Repeated("scope".to_owned()));
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        let error = Parameters::parse(b"state=%ff").unwrap_err();
        assert_eq!(error, InvalidParameters::NotText("state".to_owned()));
        assert!(Parameters::parse(b"state=a%00b").is_err());
    }

    #[test]
    fn an_empty_parameter_counts_as_absent() {
        let parameters = Parameters::parse(b"state=&nonce=n").unwrap();
        assert_eq!(
            (parameters.get("state"), parameters.get("nonce")),
            (None, Some("n"))
        );
    }

    #[test]
    fn too_much_is_refused() {
        let long = format!("state={}", "x".repeat(LONGEST_VALUE + 1));
        assert_eq!(
            Parameters::parse(long.as_bytes()),
            Err(InvalidParameters::TooLong)
        );
        let many: String = (0..=MOST).map(|n| format!("p{n}=x&")).collect();
        assert_eq!(
            Parameters::parse(many.as_bytes()),
            Err(InvalidParameters::TooLong)
        );
    }

    #[test]
    fn a_parameter_is_replaced_and_left_out_by_its_name() {
        let parameters = Parameters::parse(b"a=1&b=2").unwrap();
        let changed = parameters.with("a", "3").without(&["b", "c"]);
        assert_eq!((changed.get("a"), changed.get("b")), (Some("3"), None));
        assert_eq!(changed.to_stored().len(), 1);
    }

    #[test]
    fn values_are_not_printed() {
        let parameters = Parameters::parse(b"password=hunter2").unwrap();
        assert_eq!(format!("{parameters:?}"), "[\"password\"]");
    }
}
