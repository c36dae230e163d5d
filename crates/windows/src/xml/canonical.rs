//! Canonical XML, without comments: what signatures are over (Canonical XML 1.0, and Exclusive XML Canonicalization
//! 1.0). Both differ in nothing but the namespace declarations that elements get.
//!
//! The tree that is read is the one that is made canonical, so that what is signed and what is read are the same.
//! roxmltree leaves out prefixes and declarations, and keeps where in the source an element or attribute is: qualified
//! names are taken from there.

#[cfg(test)]
mod tests;

use roxmltree::{Node, NodeId, NodeType};

use super::{Element, Error, MAX_OCTETS};

/// The longest canonical form, in octets. That of a hostile document can be dozens of times as long as the document: a
/// namespace is declared again and again.
const MAX_CANONICAL: usize = MAX_OCTETS;

/// Which namespace declarations the elements of a canonical form get. Prefixes: empty for the default namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Declarations {
    /// All that are in scope: Canonical XML.
    All,
    /// Those of prefixes that the element or its attributes have, and of these: Exclusive XML Canonicalization.
    Used {
        /// `InclusiveNamespaces`.
        besides: Vec<String>,
    },
}

/// The canonical form of `element`.
pub(crate) fn canonical(element: Element<'_>, declarations: &Declarations) -> Result<Vec<u8>, Error> {
    Form::of(element.0, None, declarations)
}

/// The canonical form of the document that `element` is in, without `element`.
pub(crate) fn canonical_without(element: Element<'_>, declarations: &Declarations) -> Result<Vec<u8>, Error> {
    let document = element.0.document();
    Form::of(document.root(), Some(element.0.id()), declarations)
}

/// A canonical form that is being made.
struct Form<'d> {
    text: String,
    without: Option<NodeId>,
    declarations: &'d Declarations,
}

/// Prefixes with their namespaces.
type Namespaces<'a> = Vec<(&'a str, &'a str)>;

impl Form<'_> {
    fn of(
        node: Node<'_, '_>,
        without: Option<NodeId>,
        declarations: &Declarations,
    ) -> Result<Vec<u8>, Error> {
        let mut form = Form {
            text: String::new(),
            without,
            declarations,
        };
        form.node(node, &Vec::new())?;
        Ok(form.text.into_bytes())
    }

    /// Adds `node`, in an element of the canonical form where `declared` is in scope. As deep as the document, which is
    /// bounded.
    fn node<'a>(&mut self, node: Node<'a, 'a>, declared: &Namespaces<'a>) -> Result<(), Error> {
        match node.node_type() {
            NodeType::Root => {
                let mut is_before = true;
                for child in node.children() {
                    // Instructions outside of the document's element have lines of their own.
                    let is_instruction = child.is_pi();
                    is_before &= !child.is_element();
                    if is_instruction && !is_before {
                        self.push("\n")?;
                    }
                    self.node(child, declared)?;
                    if is_instruction && is_before {
                        self.push("\n")?;
                    }
                }
                Ok(())
            }
            NodeType::Element if self.without == Some(node.id()) => Ok(()),
            NodeType::Element => self.element(node, declared),
            NodeType::Text => self.text(node.text().unwrap_or_default()),
            NodeType::PI => self.instruction(node),
            NodeType::Comment => Ok(()),
        }
    }

    fn instruction(&mut self, node: Node<'_, '_>) -> Result<(), Error> {
        let Some(instruction) = node.pi() else {
            return Ok(());
        };
        self.push("<?")?;
        self.push(instruction.target)?;
        if let Some(value) = instruction.value.filter(|value| !value.is_empty()) {
            self.push(" ")?;
            self.push(value)?;
        }
        self.push("?>")
    }

    fn element<'a>(&mut self, node: Node<'a, 'a>, declared: &Namespaces<'a>) -> Result<(), Error> {
        let name = qualified_name(node, node.range().start + 1)?;
        let mut attributes = Vec::new();
        for attribute in node.attributes() {
            let name = qualified_name(node, attribute.range().start)?;
            let key = (attribute.namespace().unwrap_or_default(), attribute.name());
            attributes.push((key, name, attribute.value()));
        }
        attributes.sort();

        let used = attributes.iter().map(|(_, name, _)| prefix(name));
        let used = used.filter(|prefix| !prefix.is_empty()).chain([prefix(name)]);
        let new = self.new_declarations(node, used, declared)?;
        self.push("<")?;
        self.push(name)?;
        for (prefix, namespace) in &new {
            let colon = if prefix.is_empty() { "" } else { ":" };
            self.attribute(&["xmlns", colon, prefix], namespace)?;
        }
        for (_, name, value) in attributes {
            self.attribute(&[name], value)?;
        }
        self.push(">")?;
        let inner = (!new.is_empty()).then(|| {
            let is_hidden = |prefix: &str| new.iter().any(|(hiding, _)| *hiding == prefix);
            let kept = declared.iter().filter(|(prefix, _)| !is_hidden(prefix));
            kept.chain(&new).copied().collect::<Namespaces<'a>>()
        });
        for child in node.children() {
            self.node(child, inner.as_ref().unwrap_or(declared))?;
        }
        self.push("</")?;
        self.push(name)?;
        self.push(">")
    }

    /// The declarations that an element with the prefixes `used` gets, by prefix.
    fn new_declarations<'a>(
        &self,
        node: Node<'a, 'a>,
        used: impl Iterator<Item = &'a str>,
        declared: &Namespaces<'a>,
    ) -> Result<Namespaces<'a>, Error> {
        let is_wanted = |prefix: &str| match self.declarations {
            Declarations::All => true,
            Declarations::Used { besides } => besides.iter().any(|besides| besides == prefix),
        };
        let in_scope = node
            .namespaces()
            .map(|namespace| namespace.name().unwrap_or_default());
        // That there is no default namespace is to be said where there was one.
        let wanted = in_scope.chain([""]).filter(|prefix| is_wanted(prefix));
        let mut prefixes: Vec<&str> = used.chain(wanted).filter(|prefix| *prefix != "xml").collect();
        prefixes.sort_unstable();
        prefixes.dedup();

        let mut new = Vec::new();
        for prefix in prefixes {
            let scope = (!prefix.is_empty()).then_some(prefix);
            let namespace = node.lookup_namespace_uri(scope).unwrap_or_default();
            // Namespaces in XML 1.0 knows no such declaration, and no canonical form has one.
            if namespace.is_empty() && !prefix.is_empty() {
                return Err(Error::Value("xmlns"));
            }
            let known = declared.iter().find(|(known, _)| *known == prefix);
            if known.map_or("", |(_, namespace)| *namespace) != namespace {
                new.push((prefix, namespace));
            }
        }
        Ok(new)
    }

    fn attribute(&mut self, name: &[&str], value: &str) -> Result<(), Error> {
        self.push(" ")?;
        for part in name {
            self.push(part)?;
        }
        self.push("=\"")?;
        self.escaped(value, |c| match c {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '"' => Some("&quot;"),
            '\t' => Some("&#x9;"),
            '\n' => Some("&#xA;"),
            '\r' => Some("&#xD;"),
            _ => None,
        })?;
        self.push("\"")
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.escaped(text, |c| match c {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            '\r' => Some("&#xD;"),
            _ => None,
        })
    }

    fn escaped(&mut self, text: &str, escape: impl Fn(char) -> Option<&'static str>) -> Result<(), Error> {
        for c in text.chars() {
            match escape(c) {
                Some(escaped) => self.push(escaped)?,
                None => self.push(c.encode_utf8(&mut [0; 4]))?,
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), Error> {
        if self.text.len() + text.len() > MAX_CANONICAL {
            return Err(Error::Refused("that long canonical form"));
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// The name that begins at `start` of the source of `node`'s document.
fn qualified_name<'a>(node: Node<'a, 'a>, start: usize) -> Result<&'a str, Error> {
    let source = node.document().input_text().get(start..).unwrap_or_default();
    let end = source.find(|c: char| c.is_ascii_whitespace() || ['=', '/', '>'].contains(&c));
    let name = end
        .and_then(|end| source.get(..end))
        .filter(|name| !name.is_empty());
    name.ok_or(Error::Value("a name"))
}

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}
