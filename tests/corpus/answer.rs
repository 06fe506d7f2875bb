//! What the command answers about an edit, and whether that is so: every request that it shows is decided again
//! by both bundles.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use doorward_engine::{AccessRequest, Action, Offers, Outcome, PolicyBundle};
use serde::Deserialize;

use crate::BINARY;
use crate::edits::{Class, Edit};
use crate::files::Files;

/// Fewer questions than the command asks by itself. The larger bundles have more than it ever asks, and what none
/// of them shows is the solver's to find.
const MOST: &str = "5000";

/// What a solver may say of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Equivalent,
    Stricter,
    Wider,
    Both,
    Unknown,
}

#[derive(Debug, Deserialize)]
struct Answer {
    verdict: String,
    changes: bool,
    proved: bool,
    proof: Proof,
    questions: Questions,
    cases: Option<Questions>,
}

#[derive(Debug, Deserialize)]
struct Proof {
    kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    action: Action,
    verdict: Verdict,
    why: Option<String>,
    newly_permitted: Option<Example>,
    newly_refused: Option<Example>,
}

#[derive(Debug, Deserialize)]
struct Example {
    request: AccessRequest,
    old: Answered,
    new: Answered,
}

#[derive(Debug, Deserialize)]
struct Questions {
    flips: Vec<Flip>,
}

#[derive(Debug, Deserialize)]
struct Flip {
    kind: String,
    request: AccessRequest,
    places: Vec<Place>,
    old: Answered,
    new: Answered,
}

#[derive(Debug, Deserialize)]
struct Place {
    application: String,
    action: Action,
}

#[derive(Debug, Deserialize)]
struct Answered {
    outcome: String,
}

/// Whether the policies in the directory are usable, and nothing about them is doubtful.
pub(crate) fn check(directory: &Path) -> Result<(), String> {
    let (code, output) = run(directory, &["check", "."])?;
    if code == Some(0) { Ok(()) } else { Err(output) }
}

/// Makes the edit, and asks the command what it changes: everything that is wrong with the answer.
pub(crate) fn judge(files: &Files, class: Class, edit: &Edit) -> Result<(), String> {
    let edited = edit.apply(files)?;
    let bundles = [files.load()?, edited.load()?];
    let directory = tempfile::tempdir().expect("a directory");
    files.write(&directory.path().join("old"));
    edited.write(&directory.path().join("new"));
    // A solver that has to be asked, and has the time that a busy machine takes.
    let arguments = [
        "diff", "old", "new", "--format", "json", "--most", MOST, "--proof", "always", "--limit",
        "1m", "--within", "5m",
    ];
    let (code, output) = run(directory.path(), &arguments)?;
    let answer: Answer = serde_json::from_str(&output)
        .map_err(|error| format!("exit code {code:?}, and no answer: {error}\n{output}"))?;

    let mut wrong = Vec::new();
    match class {
        Class::Change => answer.as_change(code, edit, &mut wrong),
        Class::Refactoring => answer.as_refactoring(code, edit, &mut wrong),
    }
    answer.ask_again(&bundles, &mut wrong);
    answer.compare_proof_and_questions(&mut wrong);
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.push(format!(
        "the command: exit code {code:?}, {}",
        answer.told()
    ));
    Err(wrong.join("\n"))
}

/// The exit code, and what the command printed.
fn run(directory: &Path, arguments: &[&str]) -> Result<(Option<i32>, String), String> {
    let output = Command::new(BINARY)
        .args(arguments)
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .env_remove("DOORWARD_LOG")
        .output()
        .map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !complaint.is_empty() {
        return Err(complaint.into_owned());
    }
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    Ok((output.status.code(), text))
}

impl Answer {
    fn as_change(&self, code: Option<i32>, edit: &Edit, wrong: &mut Vec<String>) {
        if code != Some(1) || !self.changes || self.proved {
            wrong.push("a change is not told as one".to_owned());
        }
        if self.shown() == 0 {
            wrong.push("a change is not shown by any request".to_owned());
        }
        let mut said: BTreeSet<Verdict> = self.proof.kinds.iter().map(|it| it.verdict).collect();
        said.remove(&Verdict::Equivalent);
        if edit.unknown.is_some() {
            said.remove(&Verdict::Unknown);
        }
        if edit.verdicts.as_ref().is_some_and(|meant| *meant != said) {
            wrong.push(format!("{:?} is meant, not {said:?}", edit.verdicts));
        }
        if said.contains(&Verdict::Unknown) {
            wrong.push("the solver cannot tell, and the table gives no reason".to_owned());
        }
    }

    fn as_refactoring(&self, code: Option<i32>, edit: &Edit, wrong: &mut Vec<String>) {
        // Where a solver may not be able to tell, there may be no answer.
        let is_in_doubt = code == Some(2) && edit.unknown.is_some();
        if (code != Some(0) && !is_in_doubt) || self.changes {
            wrong.push("no change is told as one".to_owned());
        }
        let proved = |kind: &Kind| {
            kind.verdict == Verdict::Equivalent
                || (kind.verdict == Verdict::Unknown && edit.unknown.is_some())
        };
        if !self.proof.kinds.iter().all(proved) || (edit.unknown.is_none() && !self.proved) {
            wrong.push("that there is no change is not proved".to_owned());
        }
        if self.shown() + self.cases.iter().flat_map(|it| &it.flips).count() > 0 {
            wrong.push("requests are shown, and nothing changes".to_owned());
        }
    }

    /// How many requests are shown that are permitted by one side and not by the other.
    fn shown(&self) -> usize {
        let flips = self.questions.flips.iter();
        let cases = self.cases.iter().flat_map(|it| &it.flips);
        let flips = flips
            .chain(cases)
            .filter(|flip| flip.old.permits() != flip.new.permits());
        flips.count()
            + self
                .proof
                .kinds
                .iter()
                .map(|it| it.examples().count())
                .sum::<usize>()
    }

    /// Decides every request that is shown by both bundles, with nothing on offer: a step-up is no permit.
    fn ask_again(&self, bundles: &[PolicyBundle; 2], wrong: &mut Vec<String>) {
        for flip in &self.questions.flips {
            let told = [flip.old.permits(), flip.new.permits()];
            if told[0] == told[1] || (flip.kind == "newly-permitted") != told[1] {
                wrong.push(format!("a question is no {}: {flip:?}", flip.kind));
            }
            // What is said of one place is said of all that stand beside it.
            for place in &flip.places {
                let mut request = flip.request.clone();
                request.action = place.action;
                request.application.id.clone_from(&place.application);
                confirm(bundles, &request, told, wrong);
            }
            confirm(bundles, &flip.request, told, wrong);
        }
        for flip in self.cases.iter().flat_map(|it| &it.flips) {
            let told = [flip.old.permits(), flip.new.permits()];
            confirm(bundles, &flip.request, told, wrong);
        }
        for kind in &self.proof.kinds {
            for (told, example) in kind.examples() {
                let said = [example.old.permits(), example.new.permits()];
                if said != told || example.request.action != kind.action {
                    wrong.push(format!("no example of {:?}: {example:?}", kind.verdict));
                }
                confirm(bundles, &example.request, told, wrong);
            }
        }
    }

    /// What is proved is contradicted by no question.
    fn compare_proof_and_questions(&self, wrong: &mut Vec<String>) {
        for kind in &self.proof.kinds {
            let shown: Vec<bool> = kind.examples().map(|(told, _)| told[1]).collect();
            let meant: &[bool] = match kind.verdict {
                Verdict::Equivalent | Verdict::Unknown => &[],
                Verdict::Stricter => &[false],
                Verdict::Wider => &[true],
                Verdict::Both => &[true, false],
            };
            if kind.verdict != Verdict::Unknown && shown != meant {
                wrong.push(format!("{:?} has other examples: {shown:?}", kind.verdict));
            }
            let contradicts = |flip: &&Flip| {
                kind.verdict != Verdict::Unknown
                    && flip.places.iter().any(|place| place.action == kind.action)
                    && !meant.contains(&flip.new.permits())
            };
            if let Some(flip) = self.questions.flips.iter().find(contradicts) {
                let verdict = kind.verdict;
                wrong.push(format!(
                    "{verdict:?}, and a question contradicts it: {flip:?}"
                ));
            }
        }
    }

    /// In one line.
    fn told(&self) -> String {
        let kinds: Vec<String> = self
            .proof
            .kinds
            .iter()
            .map(|kind| match &kind.why {
                Some(why) => format!("{:?} {:?} ({why})", kind.action, kind.verdict),
                None => format!("{:?} {:?}", kind.action, kind.verdict),
            })
            .collect();
        format!("{}; {}", self.verdict, kinds.join(", "))
    }
}

impl Kind {
    /// Each example with what it is one of: whether the old side permits, and the new.
    fn examples(&self) -> impl Iterator<Item = ([bool; 2], &Example)> {
        let permitted = self.newly_permitted.iter().map(|it| ([false, true], it));
        let refused = self.newly_refused.iter().map(|it| ([true, false], it));
        permitted.chain(refused)
    }
}

impl Answered {
    fn permits(&self) -> bool {
        self.outcome == "permit"
    }
}

/// Adds the request to what is wrong if the bundles decide otherwise than they are said to.
fn confirm(
    bundles: &[PolicyBundle; 2],
    request: &AccessRequest,
    told: [bool; 2],
    wrong: &mut Vec<String>,
) {
    let permits = |bundle: &PolicyBundle| {
        let decision = bundle.decide(request, Offers::none);
        decision.outcome == Outcome::Permit
    };
    let [old, new] = bundles;
    let found = [permits(old), permits(new)];
    if found != told {
        wrong.push(format!(
            "{told:?} is said of a request, and {found:?} is so: {}",
            doorward_engine::describe(request)
        ));
    }
}
