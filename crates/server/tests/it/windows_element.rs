//! XML as far as a client that is written by hand needs it.

/// An element, as far as SyncML needs it: without attributes and namespaces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The one element of a document.
    #[track_caller]
    pub(crate) fn parse(document: &str) -> Self {
        let document = &without_cdata(document);
        let mut open = vec![Self::default()];
        for piece in document.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').expect("a whole tag");
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if tag.starts_with('/') {
                let done = open.pop().expect("an open element");
                open.last_mut().expect("what holds it").children.push(done);
            } else {
                let name = tag.split([' ', '/']).next().expect("a name");
                let element = Self {
                    name: name.to_owned(),
                    text: unescaped(text),
                    children: Vec::new(),
                };
                match tag.ends_with('/') {
                    true => open.last_mut().expect("what holds it").children.push(element),
                    false => open.push(element),
                }
            }
        }
        assert_eq!(open.len(), 1, "{document}");
        open.remove(0).children.remove(0)
    }

    /// The element at a path such as `SyncHdr/Target/LocURI`.
    pub(crate) fn find(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| {
            element.children.iter().find(|child| child.name == name)
        })
    }

    /// The text there; empty where there is none.
    pub(crate) fn at(&self, path: &str) -> &str {
        self.find(path).map_or("", |element| &element.text)
    }

    /// A command in a line: `Replace ./Vendor/MSFT/… int 0`.
    pub(crate) fn line(&self) -> String {
        let parts = [
            self.name.as_str(),
            self.at("Item/Target/LocURI"),
            self.at("Item/Meta/Format"),
            self.at("Item/Data"),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" ")
    }
}

/// The same document with all text escaped.
fn without_cdata(document: &str) -> String {
    let mut parts = document.split("<![CDATA[");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (text, rest) = part.split_once("]]>").expect("an end");
        whole += &escaped(text);
        whole += rest;
    }
    whole
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

pub(crate) fn unescaped(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    let text = text.replace("&apos;", "'").replace("&#xD;", "\r");
    text.replace("&amp;", "&")
}
