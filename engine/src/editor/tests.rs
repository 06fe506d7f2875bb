//! Whole answers, for policies that are whole and for policies that are being typed.

use super::*;

const DATA: &str = "\
[group.employees]
in = [\"everybody\"]

[group.everybody]

[application.payroll]
in = [\"sensitive\"]

[application-group.sensitive]

[region.home]
countries = [\"SG\", \"MY\"]

[network.hq]
ranges = [\"203.0.113.0/26\"]
in = [\"offices\"]

[network.offices]
";

fn draft() -> Draft {
    Draft::of(&[SourceFile::new("policies/entities.toml", DATA)])
}

/// A text without its `|`, and where that stood.
fn marked(text: &str) -> (String, usize) {
    let offset = text.find('|').expect("a mark");
    (text.replacen('|', "", 1), offset)
}

fn hover(text: &str) -> String {
    let (text, offset) = marked(text);
    match draft().hover(&text, offset).map(|hover| hover.about) {
        Some(About::Words(words)) => words,
        Some(About::Finding(id)) => format!("finding {id}"),
        None => String::new(),
    }
}

fn names(text: &str) -> Vec<String> {
    let (text, offset) = marked(text);
    let found = draft().complete(&text, offset);
    let candidates = found.map(|found| found.candidates).unwrap_or_default();
    candidates.into_iter().map(|it| it.name).collect()
}

/// The text after the candidate of this name was taken.
fn completed(text: &str, name: &str) -> String {
    let (mut text, offset) = marked(text);
    let found = draft().complete(&text, offset).expect("candidates");
    let taken = found.candidates.iter().find(|it| it.name == name);
    text.replace_range(found.at, &taken.expect("the candidate").text);
    text
}

fn definition(text: &str) -> Option<(String, usize)> {
    let (text, offset) = marked(text);
    let place = draft().definition(&text, offset)?;
    let line = DATA[..place.at.start].matches('\n').count() + 1;
    Some((place.file.to_string(), line))
}

#[test]
fn every_attribute_says_what_it_is_and_where_it_comes_from() {
    let draft = Draft::of(&[]);
    let mut texts = Vec::new();
    for path in ["principal", "context", "context.device", "context.session"] {
        let text = format!("permit (principal, action, resource) when {{ {path}.");
        let found = draft.complete(&text, text.len()).expect(path);
        for candidate in found.candidates {
            texts.push(candidate.description.expect("a description"));
        }
    }
    assert_eq!(texts.len(), 17);
    insta::assert_snapshot!(texts.join("\n\n---\n\n"));
}

#[test]
fn entities_say_what_they_are() {
    let literals = [
        "Group::\"empl|oyees\"",
        "Group::\"employes|\"",
        "Application::\"|payroll\"",
        "ApplicationGroup::\"|sensitive\"",
        "Region::\"home|\"",
        "Network::\"off|ices\"",
        "Country::\"S|G\"",
        "Country::\"DE|\"",
        "Country::\"sg|\"",
        "Platform::\"maco|s\"",
        "Platform::\"maco|\"",
        "Action::\"sign|In\"",
        "User::\"a|na\"",
        "Device::\"m|bp\"",
    ];
    let texts: Vec<String> = literals.iter().map(|literal| hover(literal)).collect();
    insta::assert_snapshot!(texts.join("\n\n---\n\n"));
}

#[test]
fn variables_types_and_annotations_say_what_they_mean() {
    assert!(hover("permit (prin|cipal").starts_with("`principal: User`\n\nThe person"));
    assert!(hover("principal in Gro|up::\"a\"").starts_with("`Group`\n\nA group"));
    assert!(hover("permit (act|ion").starts_with("`action`"));
    assert!(hover("@rea|son(\"x\")").contains("person who is refused"));
    assert!(hover("@mode(\"report-|only\")").contains("decides nothing"));
    assert_eq!(
        hover("@allow(\"shadowed, mis|sing-reason\")"),
        "finding missing-reason"
    );
    assert_eq!(hover("@reason(\"shad|owed\")"), "");
    assert_eq!(hover("per|mit"), "");
}

#[test]
fn a_hover_works_in_a_text_that_does_not_parse() {
    let said =
        hover("permit (principal in Group::\"x, action)\nwhen { context.device.man|aged && ");
    assert!(said.starts_with("`context.device.managed: Bool`"), "{said}");
    let said = hover("}} @ when context has dev|ice");
    assert!(said.starts_with("`context.device: Device`"), "{said}");
    assert_eq!(hover("context.device.nothing|"), "");
}

#[test]
fn attributes_follow_a_dot_and_has() {
    assert!(names("permit (p, a, r) when { context.|").contains(&"country".to_owned()));
    let device = names("when { context.device.ma|");
    assert!(device.contains(&"managed".to_owned()), "{device:?}");
    assert_eq!(names("when { context has device.|"), device);
    let session = ["methods", "passwordAge", "secondFactorAge"];
    assert_eq!(names("when { context.session has |"), session);
    assert_eq!(names("{ principal.|"), ["email"]);
    assert!(names("{ resource.|").is_empty());
    assert!(names("{ context.country.|").is_empty());
}

#[test]
fn attributes_of_ones_own_are_offered() {
    let schema = crate::schema::BUILT_IN.replace(
        "entity Application in [ApplicationGroup];",
        "entity Application in [ApplicationGroup] = { tier?: Long };",
    );
    let draft = Draft::of(&[SourceFile::new("own.cedarschema", schema)]);
    let text = "when { resource.";
    let found = draft.complete(text, text.len()).expect("candidates");
    let [tier] = found.candidates.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(tier.detail.as_deref(), Some("Long, may be missing"));
    let said = tier.description.as_deref().expect("a description");
    assert!(said.contains("the clients file"), "{said}");
}

#[test]
fn entities_are_offered_by_their_type() {
    assert_eq!(
        names("principal in Group::\"|\""),
        ["employees", "everybody"]
    );
    assert_eq!(names("resource == Application::|"), ["payroll"]);
    assert_eq!(names("ApplicationGroup::\"|"), ["sensitive"]);
    assert_eq!(names("Region::\"|"), ["home"]);
    assert_eq!(names("Network::\"|"), ["hq", "offices"]);
    assert_eq!(names("Action::\"|"), ["posture", "refresh", "signIn"]);
    assert_eq!(names("Platform::\"|").len(), 6);
    assert!(names("Country::\"|").len() > 200);
    assert!(names("User::\"|").is_empty());
    let (text, offset) = marked("Country::\"S|");
    let found = draft().complete(&text, offset).expect("candidates");
    let home = found.candidates.iter().find(|it| it.name == "SG");
    assert_eq!(home.expect("SG").detail.as_deref(), Some("Singapore"));
}

#[test]
fn what_is_taken_stands_where_it_was_typed() {
    assert_eq!(
        completed("in Group::\"emp|, action == x", "employees"),
        "in Group::\"employees, action == x"
    );
    assert_eq!(
        completed("in Group::|)", "employees"),
        "in Group::\"employees\")"
    );
    assert_eq!(
        completed("@allow(\"shadowed, mis|\")", "missing-reason"),
        "@allow(\"shadowed, missing-reason\")"
    );
    assert_eq!(completed("{ context.dev|", "device"), "{ context.device");
}

#[test]
fn words_are_offered_where_they_can_stand() {
    assert_eq!(names("|"), ["permit", "forbid", "when", "unless"]);
    let words = names("permit (principal in |");
    for word in ["context", "has", "duration", "Group", "Action"] {
        assert!(words.contains(&word.to_owned()), "{word}");
    }
    assert!(!words.contains(&"permit".to_owned()));
    assert!(names("permit (principal is |").contains(&"User".to_owned()));
    assert_eq!(names("@|"), ["id", "reason", "advice", "mode", "allow"]);
    assert_eq!(names("@mode(\"|"), ["enforce", "report-only"]);
    assert!(names("@allow(\"|").contains(&"shadowed".to_owned()));
    assert!(names("@reason(\"|").is_empty());
    assert!(names("// context.|").is_empty());
}

#[test]
fn an_entity_leads_to_the_line_that_declares_it() {
    let data = || "policies/entities.toml".to_owned();
    assert_eq!(definition("Group::\"every|body\""), Some((data(), 4)));
    assert_eq!(
        definition("ApplicationGroup::\"sens|itive\""),
        Some((data(), 9))
    );
    assert_eq!(definition("Network::\"of|fices\""), Some((data(), 18)));
    assert_eq!(definition("Network::\"home|\""), None);
    assert_eq!(definition("context.dev|ice"), None);
}

#[test]
fn data_that_is_broken_leaves_the_rest() {
    let draft = Draft::of(&[
        SourceFile::new("entities.toml", "[group.staff]\nin = ["),
        SourceFile::new("more/entities.toml", "[group.all]\n"),
    ]);
    let found = draft.complete("Group::\"", 8).expect("candidates");
    assert_eq!(found.candidates.len(), 1);
    assert!(draft.definition("Group::\"staff\"", 9).is_some());
}
