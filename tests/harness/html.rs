//! As much of HTML as our own pages need: tags with quoted attributes, entities, words. It is no
//! parser for pages of others.

use std::collections::BTreeMap;

/// A start tag, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) name: String,
    attributes: BTreeMap<String, String>,
    /// The byte after its `>`.
    pub(crate) end: usize,
}

impl Tag {
    /// The value of an attribute; empty where it has none.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Every start tag, in order.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = html[from..].find('<').map(|at| from + at) {
        let begins = html[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
        from = if begins {
            let tag = start_tag(html, at + 1);
            let end = tag.end;
            found.push(tag);
            end
        } else {
            at + 1
        };
    }
    found
}

fn start_tag(html: &str, from: usize) -> Tag {
    let rest = &html[from..];
    let name_ends = rest
        .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .unwrap_or(rest.len());
    let mut attributes = BTreeMap::new();
    let mut at = from + name_ends;
    loop {
        let rest = html[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        at = html.len() - rest.len();
        if rest.is_empty() || rest.starts_with('>') {
            let end = (at + 1).min(html.len());
            let name = html[from..from + name_ends].to_ascii_lowercase();
            return Tag {
                name,
                attributes,
                end,
            };
        }
        let name_ends = rest
            .find(|c: char| c.is_whitespace() || c == '=' || c == '>' || c == '/')
            .unwrap_or(rest.len());
        let name = rest[..name_ends].to_ascii_lowercase();
        at += name_ends;
        let value = html[at..].strip_prefix("=\"").map(|rest| {
            let length = rest.find('"').expect("a quoted value ends");
            at += "=\"".len() + length + 1;
            unescape(&rest[..length])
        });
        assert!(
            !html[at..].starts_with('='),
            "only quoted values are understood: {name}"
        );
        attributes.insert(name, value.unwrap_or_default());
    }
}

/// The words between tags, with one blank between any two.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        text.push(' ');
        rest = &rest[at..];
        // What a script says is said to nobody.
        let end = if rest.starts_with("<script") {
            rest.find("</script>").map(|at| at + "</script>".len())
        } else {
            rest.find('>').map(|at| at + 1)
        };
        rest = end.map_or("", |end| &rest[end..]);
    }
    text.push_str(rest);
    let plain = unescape(&text);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text that the entities stand for.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let meant = rest
            .find(';')
            .and_then(|end| Some((entity(&rest[1..end])?, end + 1)));
        let (symbol, length) = meant.unwrap_or(('&', 1));
        plain.push(symbol);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_with_their_entities() {
        let found =
            tags("<p>a < b</p><input name=\"q\" required value=\"a&#38;b &quot;c&quot;\"/>");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].name, "input");
        assert_eq!(found[1].attribute("required"), Some(""));
        assert_eq!(found[1].attribute("value"), Some("a&b \"c\""));
        assert_eq!(found[1].attribute("type"), None);
    }

    #[test]
    fn words_stand_without_tags_and_scripts() {
        let html = "<h1>You can&#x27;t</h1>\n<p>open <b>it</b></p><script>submit()</script>";
        assert_eq!(words(html), "You can't open it");
    }
}
