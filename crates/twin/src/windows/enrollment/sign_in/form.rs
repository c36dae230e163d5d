//! The forms of a page, as far as a sign-in needs them: no scripts, no styles, no tree.

/// A form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it goes; empty for the page itself.
    pub(super) action: String,
    pub(super) is_post: bool,
    pub(super) inputs: Vec<Input>,
}

/// A field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) value: String,
    /// `type`, in lower case; `text` if it has none.
    pub(super) kind: String,
}

/// The most fields that are read.
const MAX_INPUTS: usize = 100;

impl Input {
    /// Whether the user types it.
    pub(super) fn is_typed(&self) -> bool {
        matches!(self.kind.as_str(), "password" | "email") || self.kind == "text" && self.value.is_empty()
    }
}

impl Form {
    /// The first form of a page.
    pub(super) fn first(html: &str) -> Option<Self> {
        let mut form: Option<Self> = None;
        let mut rest = html;
        while let Some(tag) = next_tag(&mut rest) {
            match (tag.name.as_str(), &mut form) {
                ("form", None) => {
                    form = Some(Self {
                        action: tag.attribute("action").unwrap_or_default(),
                        is_post: tag
                            .attribute("method")
                            .is_some_and(|method| method.eq_ignore_ascii_case("post")),
                        inputs: Vec::new(),
                    });
                }
                ("/form", Some(_)) => return form,
                ("input", Some(form)) if form.inputs.len() < MAX_INPUTS => form.inputs.push(Input {
                    name: tag.attribute("name").unwrap_or_default(),
                    value: tag.attribute("value").unwrap_or_default(),
                    kind: tag
                        .attribute("type")
                        .map_or_else(|| "text".to_owned(), |kind| kind.to_ascii_lowercase()),
                }),
                _ => {}
            }
        }
        form
    }

    /// The value of the field of that name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let input = self.inputs.iter().find(|input| input.name == name);
        input.map(|input| input.value.as_str())
    }
}

struct Tag {
    /// In lower case; with a slash before it when it closes.
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }
}

/// The next tag, after which `rest` goes on. What is in comments, scripts and styles is none.
fn next_tag(rest: &mut &str) -> Option<Tag> {
    loop {
        let (_, after) = rest.split_once('<')?;
        if let Some(comment) = after.strip_prefix("!--") {
            *rest = comment.split_once("-->")?.1;
            continue;
        }
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        if !is_tag {
            *rest = after;
            continue;
        }
        let end = after.find(|c: char| c.is_ascii_whitespace() || c == '>')?;
        let (name, mut more) = after.split_at(end);
        let name = name.to_ascii_lowercase();
        let mut attributes = Vec::new();
        while let Some(attribute) = next_attribute(&mut more) {
            attributes.push(attribute);
        }
        *rest = more.split_once('>')?.1;
        if matches!(name.as_str(), "script" | "style") {
            let close = format!("</{name}");
            let mut places = rest.as_bytes().windows(close.len());
            let at = places.position(|part| part.eq_ignore_ascii_case(close.as_bytes()))?;
            *rest = rest.get(at..).unwrap_or_default();
        }
        return Some(Tag { name, attributes });
    }
}

/// The next attribute of a tag; `None` at its end.
fn next_attribute(more: &mut &str) -> Option<(String, String)> {
    *more = more.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
    let end = more.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))?;
    if end == 0 && more.starts_with('>') {
        return None;
    }
    // A sign that begins no name is passed over.
    let (name, after) = more.split_at(end.max(more.chars().next()?.len_utf8()));
    let name = name.to_ascii_lowercase();
    let after = after.trim_ascii_start();
    let Some(value) = after.strip_prefix('=') else {
        *more = after;
        return Some((name, String::new()));
    };
    let value = value.trim_ascii_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (value, after) = match quote {
        Some(quote) => value.get(1..)?.split_once(quote)?,
        None => value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>')?),
    };
    *more = after;
    Some((name, decoded(value)))
}

/// A text without its character references: the five of XML, and those by number.
fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let reference = after
            .split_once(';')
            .and_then(|(name, after)| Some((character(name)?, after)));
        match reference {
            Some((c, after)) => {
                decoded.push(c);
                rest = after;
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']);
            let number = match hexadecimal {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_form_with_its_fields() {
        let html = r#"<!doctype html><!-- <form action="no"> --><html><script>"<form action='no'>"</script>
            <FORM method=POST action='/a?b=1&amp;c=2'><input type="hidden" name=x value="&lt;&#x27;&#39;&quot;&nope;">
            <p>a < b</p><input name="user" disabled/><INPUT TYPE=password name=p></form><form action="second">"#;
        let form = Form::first(html).unwrap();
        assert_eq!(form.action, "/a?b=1&c=2");
        assert!(form.is_post);
        assert_eq!(form.value("x"), Some("<''\"&nope;"));
        let kinds: Vec<_> = form
            .inputs
            .iter()
            .map(|input| (input.name.as_str(), input.kind.as_str()))
            .collect();
        assert_eq!(kinds, [("x", "hidden"), ("user", "text"), ("p", "password")]);
    }

    #[test]
    fn pages_without_a_form() {
        for html in [
            "",
            "<",
            "<p>",
            "<form",
            "<!-- <form>",
            "<script><form></script",
            "<form a=\"x",
        ] {
            assert_eq!(Form::first(html), None, "{html}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(html in "(<|>|/|form|input|script|!--|-->|=|\"|'| |&|;|#x|[a-z]|é){0,60}") {
            let _ = Form::first(&html);
        }
    }
}
