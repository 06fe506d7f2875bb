//! A request in words: who asks for what, from where, with which device, authenticated when.

use doorward_engine::{AccessRequest, Action, FactRow};

/// The request as labels and what stands beside them, in a fixed order.
#[must_use]
pub fn words(request: &AccessRequest) -> Vec<(&'static str, String)> {
    let rows = Rows(request.facts());
    let mut words = vec![
        ("request", asked(request)),
        ("place", rows.place()),
        ("device", rows.device()),
        ("password", rows.said("session.passwordAge")),
    ];
    // Nothing asks for one unless policies do, and then a case gives it.
    if rows.value("session.secondFactorAge").is_some() {
        words.push(("second factor", rows.said("session.secondFactorAge")));
    }
    words
}

fn asked(request: &AccessRequest) -> String {
    let (user, application) = (&request.user.id, &request.application.id);
    let groups: Vec<&str> = request.user.groups.iter().map(String::as_str).collect();
    let groups = if groups.is_empty() {
        "in no group".to_owned()
    } else {
        format!("in {}", groups.join(", "))
    };
    let what = match request.action {
        Action::SignIn => "signs in to",
        Action::Refresh => "renews tokens of",
        Action::Posture => "reports the device's posture to",
    };
    format!("{user} ({groups}) {what} {application}")
}

/// Facts by their names.
struct Rows(Vec<FactRow>);

impl Rows {
    fn row(&self, name: &str) -> Option<&FactRow> {
        self.0.iter().find(|row| row.name == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.row(name)?.value.as_deref()
    }

    /// The value, or why there is none.
    fn said(&self, name: &str) -> String {
        let row = self.row(name);
        let said = row.and_then(|row| row.value.as_deref().or(row.unknown.as_deref()));
        said.unwrap_or("unknown").to_owned()
    }

    fn place(&self) -> String {
        match (self.value("address"), self.value("country")) {
            (Some(address), Some(country)) => format!("{address}, {country}"),
            (None, Some(country)) => country.to_owned(),
            (Some(address), None) => {
                format!("{address}, country unknown: {}", self.said("country"))
            }
            (None, None) => format!("unknown: {}", self.said("address")),
        }
    }

    fn device(&self) -> String {
        let Some(id) = self.value("device") else {
            return format!("none: {}", self.said("device"));
        };
        let facts = self
            .0
            .iter()
            .filter_map(|row| Some((row.name.strip_prefix("device.")?, row)));
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (name, row) in facts {
            match (name, &row.value) {
                // That there is a device says that it presented a certificate.
                ("certificateAge", _) => {}
                ("assignedTo", Some(users)) => known.push(format!("assigned to {users}")),
                (_, Some(value)) => known.push(value.clone()),
                (_, None) => unknown.push(name),
            }
        }
        let known = known.join(", ");
        match unknown.join(", ") {
            none if none.is_empty() => format!("{id}: {known}"),
            names => format!("{id}: {known}; unknown: {names}"),
        }
    }
}
