use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::provisioning::ProvisioningDocument;
use crate::soap::{Request, Response};
use crate::syncml::Message;

fn refused(octets: &[u8]) -> Error {
    parse(octets).map(drop).unwrap_err()
}

#[test]
fn entities_and_dtds_are_refused() {
    let bomb =
        r#"<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;</a>"#;
    assert_eq!(refused(bomb.as_bytes()), Error::Refused("a DTD"));
    assert_eq!(refused(b"<!DOCTYPE a><a/>"), Error::Refused("a DTD"));
    assert_eq!(
        refused(br#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#),
        Error::Refused("a DTD")
    );
    assert!(matches!(refused(b"<a>&b;</a>"), Error::Syntax { line: 1, .. }));
}

#[test]
fn only_utf8_is_read() {
    let utf16: Vec<u8> = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(parse(&utf16).is_err());
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16).collect();
    assert_eq!(refused(&marked), Error::NotText);
    // Said to be another encoding than it is: two readers would read two texts.
    for name in ["utf-16", "UTF-16LE", "utf-7", "iso-8859-1", "ebcdic"] {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}<?xml version='1.0' encoding='{name}'?><a/>");
            assert_eq!(refused(text.as_bytes()), Error::NotText, "{name}");
        }
    }
    for text in [
        "<?xml version='1.0' encoding='UTF-8'?><a/>",
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>",
        "<?xml version='1.0'?><a/>",
        "\u{feff}<a/>",
    ] {
        assert!(parse(text.as_bytes()).is_ok(), "{text}");
    }
    assert!(parse(b"<a>\0</a>").is_err());
    assert!(parse(b"<a>\xc3\x28</a>").is_err());
}

#[test]
fn size_depth_and_numbers_are_bounded() {
    let large = format!("<a>{}</a>", "b".repeat(MAX_OCTETS));
    assert_eq!(refused(large.as_bytes()), Error::TooLarge);

    let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(
        refused(nested(MAX_DEPTH + 1).as_bytes()),
        Error::Refused("that deep nesting")
    );
    assert_eq!(
        refused(nested(30_000).as_bytes()),
        Error::Refused("that deep nesting")
    );
    assert!(parse("<a>".repeat(1_000_000).as_bytes()).is_err());

    let wide = |children| format!("<a>{}</a>", "<b/>".repeat(children));
    assert!(parse(wide(90_000).as_bytes()).is_ok());
    assert_eq!(
        refused(wide(110_000).as_bytes()),
        Error::Refused("that many nodes")
    );
}

#[test]
fn attributes_and_prefixes_are_bounded() {
    let tag = |attributes: usize, attribute: &dyn Fn(usize) -> String| {
        let list: String = (0..attributes).map(attribute).collect();
        format!("<a{list}/>")
    };
    let plain = |number: usize| format!(" b{number}='='");
    assert!(parse(tag(MAX_ATTRIBUTES, &plain).as_bytes()).is_ok());
    assert_eq!(
        refused(tag(65, &plain).as_bytes()),
        Error::Refused("that many attributes")
    );
    // Each would be compared with each.
    assert_eq!(
        refused(tag(300_000, &plain).as_bytes()),
        Error::Refused("that many attributes")
    );
    let declared = |number: usize| format!(" xmlns:n{number}='x'");
    assert_eq!(
        refused(tag(33, &declared).as_bytes()),
        Error::Refused("that many prefixes")
    );
    // Each element would get a list of all prefixes in scope.
    let mut deep = String::new();
    for number in 0..40 {
        write!(deep, "<a xmlns:n{number} = \"x\">").unwrap();
    }
    assert_eq!(refused(deep.as_bytes()), Error::Refused("that many prefixes"));
    // The same prefix over and over is how SyncML is written.
    let many = format!("<a>{}</a>", "<b xmlns:n='x'/>".repeat(30_000));
    assert!(parse(many.as_bytes()).is_ok());
    let all = format!("<a>{}</a>", "<b c='' d='' e=''/>".repeat(40_000));
    assert_eq!(refused(all.as_bytes()), Error::Refused("that many attributes"));
    // In texts, comments and CDATA sections nothing is an attribute.
    let text = format!("<a>{}<!-- {0} --><![CDATA[{0}]]></a>", "b=c ".repeat(1000));
    assert!(parse(text.as_bytes()).is_ok());
    let huge = format!("<a b='{}'/>", "c".repeat(1 << 20));
    assert!(parse(huge.as_bytes()).is_ok());
}

#[test]
fn namespaces_are_short() {
    let long = |octets: usize| "u".repeat(octets);
    for declared in ["xmlns", "xmlns:n"] {
        for (before, quote) in [("", '\''), (" b='='", '"'), (" b='>' xmlns:m='x'\n", '\'')] {
            let tag = |octets| format!("<a{before} {declared} = {quote}{}{quote}/>", long(octets));
            assert!(parse(tag(MAX_NAMESPACE).as_bytes()).is_ok(), "{declared}");
            assert_eq!(
                refused(tag(MAX_NAMESPACE + 1).as_bytes()),
                Error::Refused("that long a namespace"),
                "{declared}{before}"
            );
        }
    }
    // What a stranger can send: each attribute of each tag would be compared with those before it, by all of the namespace.
    let attributes: String = (0..MAX_ATTRIBUTES)
        .map(|number| format!(" n:a{number}=''"))
        .collect();
    let tags = format!("<b{attributes}/>").repeat(250);
    let document = |octets: usize| format!("<a xmlns:n='{}'>{tags}</a>", long(octets));
    assert!(parse(document(100).as_bytes()).is_ok());
    assert_eq!(
        refused(document(128 << 10).as_bytes()),
        Error::Refused("that long a namespace")
    );
    // Only namespaces are meant.
    let value = format!("<a xmlnss='{0}' n='{0}' xmlns='x'>{0}</a>", long(10_000));
    assert!(parse(value.as_bytes()).is_ok());
}

#[test]
fn texts_are_put_together() {
    let document = parse(b"<a><b> x<!-- y --><![CDATA[<z>]]>&amp; </b><b/></a>").unwrap();
    let root = Element::root(&document);
    assert!(matches!(root.find("b"), Err(Error::Repeated("b"))));
    assert_eq!(root.all("b").next().unwrap().text("b").unwrap(), " x<z>& ");
    assert_eq!(root.text("a"), Err(Error::Value("a")));
    assert_eq!(
        root.text_or_markup(),
        "<b> x<!-- y --><![CDATA[<z>]]>&amp; </b><b/>"
    );
}

#[test]
fn markup_declares_what_was_declared_around_it() {
    let markup = |text: &str| {
        let document = parse(text.as_bytes()).unwrap();
        let root = Element::root(&document);
        root.children().next().unwrap().text_or_markup()
    };
    let outer = "xmlns:p='urn:p&amp;\"' xmlns:q='urn:q' xmlns='urn:d'";
    let inner = "<p:a><p:b c='1'/></p:a>";
    let of_p = "xmlns:p=\"urn:p&amp;&quot;\"";
    assert_eq!(
        markup(&format!("<r {outer}><Data> {inner} </Data></r>")),
        inner.replace("<p:a>", &format!("<p:a {of_p}>"))
    );
    assert_eq!(
        markup(&format!("<r {outer}><Data><a q:b='1'/></Data></r>")),
        "<a xmlns:q=\"urn:q\" q:b='1'/>"
    );
    // What can be read by itself is as it was.
    for same in [
        "<a b='p'/>",
        "<p:a xmlns:p='urn:other'/>",
        "<x:a xmlns:x='urn:x'/>",
    ] {
        assert_eq!(markup(&format!("<r {outer}><Data>{same}</Data></r>")), same);
    }
    assert_eq!(
        markup(&format!("<r {outer}><Data>{inner}{inner}</Data></r>")),
        inner.repeat(2)
    );
    // Nobody makes it grow.
    let long = |prefix| format!(" xmlns:{prefix}='{}'", "u".repeat(MAX_NAMESPACE));
    let outer: String = ["p", "q", "r", "s", "t"].map(long).concat();
    let inner = "<p:a q:b='' r:c='' s:d='' t:e=''/>";
    assert_eq!(markup(&format!("<r {outer}><Data>{inner}</Data></r>")), inner);
}

#[test]
fn what_xml_cannot_carry_is_not_written() {
    for text in ["\0", "a\u{8}", "\u{fffe}"] {
        assert!(!can_carry(text));
        assert_eq!(Writer::document(|xml| xml.text("a", text)), Err(Unwritable));
        assert_eq!(
            Writer::document(|xml| xml.empty("a", &[("b", text)])),
            Err(Unwritable)
        );
    }
    let hostile = "</a><!-- ]]> &amp; \"'\r\n\t' OR 1=1 --><script>";
    let written = Writer::document(|xml| xml.text_with("a", &[("b", hostile)], hostile)).unwrap();
    let document = parse(&written).unwrap();
    let root = Element::root(&document);
    assert_eq!(root.text("a").unwrap(), hostile);
    assert_eq!(root.attribute("b"), Some(hostile));
}

/// Every message there is, for mutation.
const MESSAGES: [&str; 13] = [
    include_str!("../../fixtures/discover.xml"),
    include_str!("../../fixtures/discover-response.xml"),
    include_str!("../../fixtures/get-policies.xml"),
    include_str!("../../fixtures/get-policies-response.xml"),
    include_str!("../../fixtures/enroll.xml"),
    include_str!("../../fixtures/enroll-response.xml"),
    include_str!("../../fixtures/fault.xml"),
    include_str!("../../fixtures/provisioning.xml"),
    include_str!("../../fixtures/provisioning-renewal.xml"),
    include_str!("../../fixtures/package-1.xml"),
    include_str!("../../fixtures/challenge.xml"),
    include_str!("../../fixtures/package-2.xml"),
    include_str!("../../fixtures/package-3.xml"),
];

/// Reads `octets` as everything there is; what can be read can be written, and reads as the same.
fn read_all(octets: &[u8]) {
    if let Ok(read) = Request::parse(octets) {
        let written = read.to_xml().unwrap();
        assert_eq!(Request::parse(&written).as_ref(), Ok(&read));
    }
    if let Ok(read) = Response::parse(octets) {
        let written = read.to_xml().unwrap();
        assert_eq!(Response::parse(&written).as_ref(), Ok(&read));
    }
    if let Ok(read) = ProvisioningDocument::parse(octets) {
        let written = read.to_xml().unwrap();
        assert_eq!(ProvisioningDocument::parse(&written).as_ref(), Ok(&read));
    }
    if let Ok(read) = Message::parse(octets)
        && !format!("{read:?}").contains("Malformed")
    {
        let written = read.to_xml().unwrap();
        assert_eq!(Message::parse(&written).as_ref(), Ok(&read));
    }
}

fn scraps() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "<",
        ">",
        "&",
        "&#x0;",
        "&lt;",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
        "<?",
        "<!DOCTYPE a>",
        "\"",
        "'",
        "=",
        "/",
        " ",
        " xmlns=\"x\"",
        " xmlns:s='y'",
        "0",
        "-1",
        "4294967296",
        "<Item>",
        "</Item>",
        "<Data/>",
        "<Final/>",
        "</s:Body>",
        "<s:Body>",
        "<Meta><Size>9</Size></Meta>",
        "\u{0}",
        "\u{feff}",
        "ü",
        "%",
        "<Atomic>",
        "<CmdID>0</CmdID>",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&octets);
    }

    #[test]
    fn scraps_of_markup_never_panic(scraps in proptest::collection::vec(scraps(), 0..40)) {
        read_all(format!("<SyncML>{}</SyncML>", scraps.concat()).as_bytes());
    }

    #[test]
    fn changed_messages_are_read_or_refused(
        which in 0..MESSAGES.len(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0..30_usize, scraps()), 1..4),
    ) {
        let mut octets = MESSAGES[which].as_bytes().to_vec();
        for (at, removed, inserted) in changes {
            let at = at.index(octets.len());
            let end = (at + removed).min(octets.len());
            octets.splice(at..end, inserted.bytes());
        }
        read_all(&octets);
    }

    #[test]
    fn elements_left_out_or_doubled_are_read_or_refused(
        which in 0..MESSAGES.len(),
        at in any::<proptest::sample::Index>(),
        doubled in any::<bool>(),
    ) {
        let text = MESSAGES[which];
        let document = roxmltree::Document::parse(text).unwrap();
        let elements: Vec<_> = document.descendants().filter(|node| node.is_element()).collect();
        let range = at.get(&elements).range();
        let repeated = if doubled { text[range.clone()].repeat(2) } else { String::new() };
        let changed = format!("{}{repeated}{}", &text[..range.start], &text[range.end..]);
        read_all(changed.as_bytes());
    }

    #[test]
    fn any_text_survives(text in any::<String>()) {
        let written = Writer::document(|xml| xml.text_with("a", &[("b", &text)], &text));
        prop_assert_eq!(written.is_ok(), can_carry(&text));
        if let Ok(written) = written {
            let document = parse(&written).unwrap();
            let root = Element::root(&document);
            prop_assert_eq!(root.text("a").unwrap(), text.as_str());
            prop_assert_eq!(root.attribute("b"), Some(text.as_str()));
        }
    }
}
