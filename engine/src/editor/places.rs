//! Where entity data declares an entity, in its text. A file that is broken elsewhere is searched all the same.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::source::SourceFile;
use crate::vocabulary::types;

/// The place of the id where the file declares the entity.
pub(super) fn declaration(file: &SourceFile, kind: &str, id: &str) -> Option<Range<usize>> {
    if file.name.ends_with(".json") {
        in_json(&file.text, kind, id)
    } else {
        in_toml(&file.text, table(kind)?, id)
    }
}

/// The table of entities of a type.
pub(super) fn table(kind: &str) -> Option<&'static str> {
    match kind {
        types::GROUP => Some("group"),
        types::APPLICATION => Some("application"),
        types::APPLICATION_GROUP => Some("application-group"),
        types::REGION => Some("region"),
        types::NETWORK => Some("network"),
        _ => None,
    }
}

fn in_toml(text: &str, table: &str, id: &str) -> Option<Range<usize>> {
    let (root, _) = DeTable::parse_recoverable(text);
    let (_, entities) = root
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref() == table)?;
    let DeValue::Table(entities) = entities.get_ref() else {
        return None;
    };
    let (key, _) = entities.iter().find(|(key, _)| key.get_ref() == id)?;
    Some(key.span())
}

/// The first `"uid"` that has the type and the id in its braces.
fn in_json(text: &str, kind: &str, id: &str) -> Option<Range<usize>> {
    let quoted = |word: &str| serde_json::to_string(word).ok();
    let (kind, id) = (quoted(kind)?, quoted(id)?);
    text.match_indices("\"uid\"").find_map(|(at, _)| {
        let rest = text.get(at..)?;
        let uid = rest.get(..rest.find('}')?)?;
        let found = uid.find(&id).filter(|_| uid.contains(&kind))?;
        Some(at + found..at + found + id.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands at the declaration.
    fn found(name: &str, text: &str, kind: &str, id: &str) -> Option<(usize, String)> {
        let file = SourceFile::new(name, text);
        let at = declaration(&file, kind, id)?;
        let line = text[..at.start].matches('\n').count() + 1;
        Some((line, text[at].to_owned()))
    }

    fn toml(text: &str, kind: &str, id: &str) -> Option<(usize, String)> {
        found("entities.toml", text, kind, id)
    }

    #[test]
    fn a_table_is_found_however_it_is_written() {
        let text = "[region.hq]\n[network]\nlab = {}\n[network.hq]\n[group.\"all staff\"]\n";
        assert_eq!(toml(text, "Network", "hq"), Some((4, "hq".to_owned())));
        assert_eq!(toml(text, "Network", "lab"), Some((3, "lab".to_owned())));
        assert_eq!(
            toml(text, "Group", "all staff"),
            Some((5, "\"all staff\"".to_owned()))
        );
        assert_eq!(toml(text, "Group", "hq"), None);
        assert_eq!(toml(text, "User", "ana"), None);
    }

    #[test]
    fn a_broken_file_still_says_where_things_are() {
        let text = "[group.staff]\nin = [\n[group.all]\n";
        assert_eq!(toml(text, "Group", "staff"), Some((1, "staff".to_owned())));
    }

    #[test]
    fn a_uid_is_told_from_a_parent() {
        let text = "[{\"uid\":{\"type\":\"Group\",\"id\":\"a\"},\n\"parents\":[{\"type\":\"Group\",\"id\":\"b\"}]},\n\
                    {\"uid\":{\"__entity\":{\"type\":\"Group\",\"id\":\"b\"}}}]";
        assert_eq!(
            found("entities.json", text, "Group", "b"),
            Some((3, "\"b\"".to_owned()))
        );
        assert_eq!(found("entities.json", text, "Region", "b"), None);
    }
}
