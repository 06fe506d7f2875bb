//! An explanation for a person: each policy, and below it its conditions, coloured by whether they held.
//! What is said is the engine's.

use doorward_engine::Explanation;

use super::{Style, Tone};

/// How each line of [`Explanation::to_text`] about a condition begins.
const HELD: [(&str, Tone); 3] = [
    ("held", Tone::Good),
    ("failed", Tone::Bad),
    ("unknown", Tone::Doubtful),
];

/// The explanation line by line; no lines where there is nothing to explain.
#[must_use]
pub fn explanation(explanation: &Explanation, style: Style) -> Vec<String> {
    explanation
        .to_text()
        .lines()
        .map(|line| toned(line, style))
        .collect()
}

fn toned(line: &str, style: Style) -> String {
    HELD.iter()
        .find_map(|(word, tone)| {
            let rest = line.strip_prefix("  ")?.strip_prefix(*word)?;
            Some(format!("  {}{rest}", style.paint(*tone, word)))
        })
        .unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_has_the_colour_of_its_outcome_and_a_policy_has_none() {
        let style = Style::coloured();
        assert_eq!(
            toned("  failed   country is SG", style),
            format!("  {}   country is SG", style.paint(Tone::Bad, "failed"))
        );
        let policy = "permit  failed  a.cedar:1";
        assert_eq!(toned(policy, style), policy);
    }
}
