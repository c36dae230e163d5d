use proptest::prelude::*;

use super::*;
use crate::xml::{MAX_NAMESPACE, parse};

fn used(besides: &[&str]) -> Declarations {
    Declarations::Used {
        besides: besides.iter().map(|&prefix| prefix.to_owned()).collect(),
    }
}

/// The first element of that name.
fn find<'a>(element: Element<'a>, name: &str) -> Element<'a> {
    let mut all = element.0.descendants().filter(|node| node.is_element());
    Element(all.find(|node| node.tag_name().name() == name).unwrap())
}

/// The canonical form of the document, or of the first element in it of that name.
fn form(text: &str, name: &str, declarations: &Declarations) -> Result<String, Error> {
    let document = parse(text.as_bytes()).unwrap();
    let root = Element::root(&document);
    let octets = match name {
        "" => Form::of(document.root(), None, declarations),
        name => canonical(find(root, name), declarations),
    };
    octets.map(|octets| String::from_utf8(octets).unwrap())
}

/// Both forms of the whole document.
fn both(text: &str) -> [String; 2] {
    [Declarations::All, used(&[])].map(|declarations| form(text, "", &declarations).unwrap())
}

#[test]
fn instructions_and_comments() {
    let text = "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n<doc>Hello, world!<!-- 1 --></doc>\n\n<?later     ?>\n\n<!-- 2 -->\n\n<?and later?><!-- 3 -->\n";
    let expected = "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!</doc>\n<?later?>\n<?and later?>";
    assert_eq!(both(text), [expected, expected]);
    let inside = "<a> <!-- b --><?c d?> </a>";
    assert_eq!(both(inside), ["<a> <?c d?> </a>"; 2]);
}

#[test]
fn start_and_end_tags() {
    let text = r#"<doc>
   <e1   />
   <e2   ></e2>
   <e3   name = "elem3"   id="elem3"   />
   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm"
      xmlns:b="http://lab.test/b"
      xmlns:a="http://lab.test/z"
      xmlns="http://lab.test/own"/>
   <e6 xmlns="" xmlns:a="http://lab.test/z">
      <e7 xmlns="http://lab.test/own">
         <e8 xmlns="" xmlns:a="http://lab.test/z">
            <e9 xmlns="" xmlns:a="http://lab.test/other" xml:space='preserve'/>
         </e8>
      </e7>
   </e6>
</doc>"#;
    let all = r#"<doc>
   <e1></e1>
   <e2></e2>
   <e3 id="elem3" name="elem3"></e3>
   <e5 xmlns="http://lab.test/own" xmlns:a="http://lab.test/z" xmlns:b="http://lab.test/b" attr="I'm" attr2="all" b:attr="sorted" a:attr="out"></e5>
   <e6 xmlns:a="http://lab.test/z">
      <e7 xmlns="http://lab.test/own">
         <e8 xmlns="">
            <e9 xmlns:a="http://lab.test/other" xml:space="preserve"></e9>
         </e8>
      </e7>
   </e6>
</doc>"#;
    let used = all
        .replace(" xmlns:a=\"http://lab.test/z\">\n", ">\n")
        .replace(" xmlns:a=\"http://lab.test/other\"", "");
    assert_eq!(both(text), [all.to_owned(), used]);
}

#[test]
fn characters() {
    let text = "<doc>\r\n<text>First&#x0d;&#10;Second\rThird</text><value>&#x32;</value><compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\
        <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\
        <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/><norm attr='a\r\nb\tc\nd'/>ü&#x1F600;</doc>";
    let expected = "<doc>\n<text>First&#xD;\nSecond\nThird</text><value>2</value><compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\
        <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\
        <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm><norm attr=\"a b c d\"></norm>ü😀</doc>";
    assert_eq!(both(text), [expected, expected]);
}

#[test]
fn the_form_of_a_part() {
    // The examples of Exclusive XML Canonicalization: the same element, in two places.
    let one = r#"<n0:pdu xmlns:n0='http://a.example'><n1:elem2 xmlns:n1='http://b.example'>
    content</n1:elem2></n0:pdu>"#;
    let two = r#"<n2:pdu xmlns:n1='http://example.com' xmlns:n2='http://foo.example' xml:lang='fr'
    xml:space='retain'><n1:elem2 xmlns:n1="http://b.example">
    content</n1:elem2></n2:pdu>"#;
    let expected = "<n1:elem2 xmlns:n1=\"http://b.example\">\n    content</n1:elem2>";
    for text in [one, two] {
        assert_eq!(form(text, "elem2", &used(&[])).unwrap(), expected);
    }
    // Canonical XML has all namespaces that are in scope.
    let all = expected.replace("elem2 xmlns", "elem2 xmlns:n0=\"http://a.example\" xmlns");
    assert_eq!(form(one, "elem2", &Declarations::All).unwrap(), all);
    // And so has the exclusive form those that it is told.
    let listed = expected.replace(">\n", " xmlns:n2=\"http://foo.example\">\n");
    for besides in [&["n2"][..], &["n2", "n1", "other", ""]] {
        assert_eq!(form(two, "elem2", &used(besides)).unwrap(), listed);
    }
}

#[test]
fn declarations_go_where_they_are_used() {
    let text = r#"<a:a xmlns:a="urn:a" xmlns:b="urn:b" xmlns="urn:d"><a:b><c b:d="1"/></a:b><b:e/><b:e><b:f xmlns:b="urn:c"/><b:f/></b:e></a:a>"#;
    let expected = r#"<a:a xmlns:a="urn:a"><a:b><c xmlns="urn:d" xmlns:b="urn:b" b:d="1"></c></a:b><b:e xmlns:b="urn:b"></b:e><b:e xmlns:b="urn:b"><b:f xmlns:b="urn:c"></b:f><b:f></b:f></b:e></a:a>"#;
    assert_eq!(form(text, "", &used(&[])).unwrap(), expected);
    // The default namespace is declared where the list has it, and undone where it was undone.
    let text = r#"<a:a xmlns:a="urn:a" xmlns="urn:d"><a:b xmlns=""><c/></a:b></a:a>"#;
    assert_eq!(
        form(text, "", &used(&[""])).unwrap(),
        r#"<a:a xmlns="urn:d" xmlns:a="urn:a"><a:b xmlns=""><c></c></a:b></a:a>"#
    );
    assert_eq!(
        form(text, "", &used(&[])).unwrap(),
        r#"<a:a xmlns:a="urn:a"><a:b><c></c></a:b></a:a>"#
    );
    assert_eq!(
        form(text, "b", &used(&[""])).unwrap(),
        r#"<a:b xmlns:a="urn:a"><c></c></a:b>"#
    );
    assert_eq!(
        form("<a xmlns:b=''><b:c/></a>", "", &used(&[])),
        Err(Error::Value("xmlns"))
    );
}

#[test]
fn the_form_without_a_part() {
    let text =
        "\u{feff}<a xmlns='urn:a'> <b><c>1</c></b> <d xmlns:e='urn:e'/><!-- f --><e:b xmlns:e='urn:e'/></a>";
    let document = parse(text.as_bytes()).unwrap();
    let root = Element::root(&document);
    let form = canonical_without(find(root, "b"), &Declarations::All).unwrap();
    let expected = r#"<a xmlns="urn:a">  <d xmlns:e="urn:e"></d><e:b xmlns:e="urn:e"></e:b></a>"#;
    assert_eq!(String::from_utf8(form).unwrap(), expected);
}

#[test]
fn the_form_is_bounded() {
    // A short document that would become dozens of times as long.
    let elements = "<n:b/>".repeat(20_000);
    let text = format!("<a xmlns:n='{}'>{elements}</a>", "u".repeat(MAX_NAMESPACE));
    let refused = Err(Error::Refused("that long canonical form"));
    assert_eq!(form(&text, "", &used(&[])), refused);
    assert!(form(&text, "", &Declarations::All).is_ok());
    let quotes = format!("<a b='{}'/>", "\"".repeat(1 << 20));
    assert_eq!(form(&quotes, "", &used(&[])), refused);
}

/// Documents with namespaces in all kinds of places.
fn documents() -> impl Strategy<Value = String> {
    let name = "(n|m|o)?[ab]";
    let leaf = "[ a-c&<>'\"]{0,3}".prop_map(|text| text.replace('&', "&amp;").replace('<', "&lt;"));
    let declaration = ("(n|m|o|)", "[uvw]");
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let attributes = proptest::collection::btree_map(name, "[a-c]", 0..3);
        let declarations = proptest::collection::vec(declaration, 0..3);
        (
            name,
            attributes,
            declarations,
            proptest::collection::vec(inner, 0..4),
        )
            .prop_map(|(name, attributes, declarations, content)| {
                let qualified = |name: &str| match name.split_at(name.len() - 1) {
                    ("", local) => local.to_owned(),
                    (prefix, local) => format!("{prefix}:{local}"),
                };
                let mut tag = qualified(&name);
                for (name, value) in &attributes {
                    tag.push_str(&format!(" {}='{value}'", qualified(name)));
                }
                for (prefix, uri) in std::collections::BTreeMap::from_iter(declarations) {
                    let colon = if prefix.is_empty() { "" } else { ":" };
                    tag.push_str(&format!(" xmlns{colon}{prefix}='{uri}'"));
                }
                format!("<{tag}>{}</{}>", content.concat(), qualified(&name))
            })
    })
    .prop_map(|inner| format!("<r xmlns:n='u' xmlns:m='v' xmlns:o='w'>{inner}</r>"))
}

proptest! {
    #[test]
    fn canonical_forms_say_the_same_and_are_their_own(text in documents(), besides in proptest::collection::vec("(n|m|o|)", 0..3)) {
        // An attribute that is there twice under two prefixes of one namespace is no document.
        prop_assume!(parse(text.as_bytes()).is_ok());
        for declarations in [Declarations::All, Declarations::Used { besides }] {
            let once = form(&text, "", &declarations).unwrap();
            prop_assert_eq!(crate::tests::infoset(once.as_bytes()), crate::tests::infoset(text.as_bytes()));
            prop_assert_eq!(&form(&once, "", &declarations).unwrap(), &once);
        }
    }
}
