use proptest::prelude::*;

use super::*;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
"#;

fn document(content: &str) -> Vec<u8> {
    format!("{HEAD}{content}\n</plist>\n").into_bytes()
}

fn syntax(result: Result<Dictionary, Error>) -> &'static str {
    match result {
        Err(Error::Syntax { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn octets_lead_to_keys_and_values_in_order() {
    let text = document(
        "<dict> <!-- é --> <key>b</key>\n<array><true/> <dict><key>c</key><data/></dict></array><key>a</key><real>1</real></dict>",
    );
    let (read, octets) = parse_with_octets(&text).unwrap();
    assert_eq!(Ok(&read), parse(&text).as_ref());
    assert_eq!(read.keys().collect::<Vec<_>>(), ["b", "a"]);
    let names: Vec<&str> = octets
        .iter()
        .map(|octet| {
            let rest = std::str::from_utf8(&text[usize::try_from(*octet).unwrap()..]).unwrap();
            rest.strip_prefix('<').unwrap().split(['>', '/']).next().unwrap()
        })
        .collect();
    assert_eq!(
        names,
        [
            "dict", "key", "array", "true", "dict", "key", "data", "key", "real"
        ]
    );
}

#[test]
fn what_devices_send_is_read() {
    let read = parse(&document(
        "<dict>
            <!-- as a device writes it -->
            <key>Text</key><string>a &amp; b &#x41;</string>
            <key>Data</key><data>
            AAEC
            Aw==
            </data>
            <key>Spaced</key><data> AA	EC A
 w = = </data>
            <key>Flag</key><true/>
            <key>Number</key><integer>-9223372036854775808</integer>
            <key>Large</key><integer>18446744073709551615</integer>
            <key>Date</key><date>2026-11-01T09:30:00Z</date>
            <key>List</key><array><real>1.5</real><dict/></array>
            <key>Empty</key><string/>
        </dict>",
    ))
    .unwrap();
    assert_eq!(required::<&str>(&read, "Text"), Ok("a & b A"));
    assert_eq!(required::<&[u8]>(&read, "Data"), Ok(&[0u8, 1, 2, 3][..]));
    assert_eq!(required::<&[u8]>(&read, "Spaced"), Ok(&[0u8, 1, 2, 3][..]));
    assert_eq!(required::<bool>(&read, "Flag"), Ok(true));
    assert_eq!(required::<i64>(&read, "Number"), Ok(i64::MIN));
    assert_eq!(read.get("Large").unwrap().as_unsigned_integer(), Some(u64::MAX));
    assert_eq!(required::<&[Value]>(&read, "List").unwrap().len(), 2);
    assert_eq!(optional_text(&read, "Empty"), Ok(None));
    assert_eq!(parse(&to_xml(read.clone())).unwrap(), read);
}

#[test]
fn the_bytes_written() {
    let mut dictionary = Dictionary::new();
    dictionary.insert("B".into(), "<b>".into());
    dictionary.insert("A".into(), Value::Data(vec![1, 2, 3]));
    let expected = "<dict>\n\t<key>B</key>\n\t<string>&lt;b&gt;</string>\n\t<key>A</key>\n\t<data>\n\tAQID\n\t</data>\n</dict>\n</plist>";
    assert_eq!(to_xml(dictionary), format!("{HEAD}{expected}").into_bytes());
}

#[test]
fn errors_name_the_key() {
    let read = parse(&document("<dict><key>Topic</key><integer>1</integer></dict>")).unwrap();
    assert_eq!(
        required_text(&read, "Topic").unwrap_err().to_string(),
        "Topic is not a string"
    );
    assert_eq!(
        required_text(&read, "Token").unwrap_err().to_string(),
        "Token is missing"
    );
    let large = "<dict><key>N</key><integer>18446744073709551615</integer></dict>";
    let large = parse(&document(large)).unwrap();
    assert_eq!(
        required::<i64>(&large, "N").unwrap_err().to_string(),
        "N is not an integer of 64 bits"
    );
    let long = format!(
        "<dict><key>S</key><string>{}</string></dict>",
        "x".repeat(MAX_TEXT + 1)
    );
    let long = parse(&document(&long)).unwrap();
    assert_eq!(required_text(&long, "S"), Err(Error::NotAllowed("S")));
}

#[test]
fn what_could_hide_or_multiply_content_is_refused() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\
        <plist><dict><key>UDID</key><string>&b;</string></dict></plist>";
    assert_eq!(
        parse(bomb.as_bytes()),
        Err(Error::Refused("an internal DTD subset"))
    );
    let external = "<!DOCTYPE plist SYSTEM \"file:///etc/passwd\" [ ]><plist><dict/></plist>";
    assert_eq!(
        parse(external.as_bytes()),
        Err(Error::Refused("an internal DTD subset"))
    );
    for entity in ["&b;", "&nbsp;", "&;"] {
        let text = document(&format!("<dict><key>UDID</key><string>{entity}</string></dict>"));
        assert_eq!(parse(&text), Err(Error::Refused("an entity")), "{entity}");
    }
    let cdata = document("<dict><key>UDID</key><string><![CDATA[a]]></string></dict>");
    assert_eq!(parse(&cdata), Err(Error::Refused("a CDATA section")));
    let instruction = document("<dict><?php 1?></dict>");
    assert_eq!(
        parse(&instruction),
        Err(Error::Refused("a processing instruction"))
    );
    for twice in [
        "<dict><key>UDID</key><string>a</string><key>UDID</key><string>b</string></dict>",
        "<dict><key>UDID</key><string>a</string><key>&#85;DID</key><string>b</string></dict>",
        "<dict><key>a</key><array><dict><key>b</key><true/><key>b</key><true/></dict></array></dict>",
    ] {
        assert_eq!(parse(&document(twice)), Err(Error::DuplicateKey), "{twice}");
    }
}

#[test]
fn only_utf8_xml() {
    assert_eq!(parse(b"bplist00\xd1\x01\x02"), Err(Error::Binary));
    assert_eq!(
        parse(b"<plist><dict><key>\xff</key><true/></dict></plist>"),
        Err(Error::NotText)
    );
    assert_eq!(
        parse(b"<plist><dict><key>\0</key><true/></dict></plist>"),
        Err(Error::NotText)
    );
    let utf16: Vec<u8> = "<plist/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(parse(&utf16), Err(Error::NotText));
}

#[test]
fn a_binary_bomb_is_refused_without_being_unfolded() {
    // Thirty arrays, each of which names the next one twice: a billion values in a hundred octets.
    let mut bomb = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for number in 0..30u8 {
        offsets.push(bomb.len() as u8);
        bomb.extend([0xa2, number + 1, number + 1]);
    }
    offsets.push(bomb.len() as u8);
    bomb.push(0x08);
    let table = bomb.len() as u8;
    bomb.extend(&offsets);
    bomb.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [31u64, 0, u64::from(table)] {
        bomb.extend(number.to_be_bytes());
    }
    assert_eq!(parse(&bomb), Err(Error::Binary));
}

#[test]
fn bounds() {
    let nested = |depth: usize| {
        document(&format!(
            "<dict><key>a</key>{}{}</dict>",
            "<array>".repeat(depth - 1),
            "</array>".repeat(depth - 1)
        ))
    };
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(Error::TooDeep));
    for unit in ["<array>", "<dict><key>a</key>"] {
        assert_eq!(parse(&document(&unit.repeat(4000))), Err(Error::TooDeep));
        assert!(parse(unit.repeat(400_000).as_bytes()).is_err());
    }
    let many = |count: usize| {
        document(&format!(
            "<dict><key>a</key><array>{}</array></dict>",
            "<true/>".repeat(count)
        ))
    };
    assert!(parse(&many(MAX_ELEMENTS - 3)).is_ok());
    assert_eq!(parse(&many(MAX_ELEMENTS - 2)), Err(Error::TooMany));
    let large = vec![b' '; MAX_OCTETS + 1];
    assert_eq!(parse(&large), Err(Error::TooLarge));
}

#[test]
fn what_is_no_property_list_is_refused() {
    for (text, what) in [
        ("", "the end"),
        ("<dict/>", "a misplaced element"),
        ("<plist>", "the end"),
        ("<plist><dict></plist>", "ill-formed XML"),
        ("<plist><dict/>", "the end"),
        ("<plist><dict/><dict/></plist>", "a misplaced element"),
        (
            "<plist><dict/></plist><plist><dict/></plist>",
            "an unknown element",
        ),
        (
            "<plist><dict><string>a</string><true/></dict></plist>",
            "a misplaced element",
        ),
        (
            "<plist><dict><key>a</key><key>b</key></dict></plist>",
            "a misplaced element",
        ),
        (
            "<plist><dict><key>a</key></dict></plist>",
            "a key without a value",
        ),
        (
            "<plist><array><key>a</key></array></plist>",
            "a misplaced element",
        ),
        (
            "<plist><dict><key>a</key><true><array/></true></dict></plist>",
            "a misplaced element",
        ),
        (
            "<plist><dict><key>a</key><string>b<string/></string></dict></plist>",
            "a misplaced element",
        ),
        ("<plist><dict>text</dict></plist>", "unexpected text"),
        ("<plist><dict>&#65;</dict></plist>", "unexpected text"),
        (
            "<plist><dict><key>a</key><null/></dict></plist>",
            "an unknown element",
        ),
        ("<plist><x:dict/></plist>", "an unknown element"),
        ("<plist><dict/></plist><!DOCTYPE plist>", "misplaced markup"),
        ("<plist><dict/></plist>text", "unexpected text"),
    ] {
        assert_eq!(syntax(parse(text.as_bytes())), what, "{text}");
    }
    assert_eq!(parse(b"<plist><array/></plist>"), Err(Error::NotADictionary));
    for content in [
        "<integer>9999999999999999999999</integer>",
        "<integer/>",
        "<real>x</real>",
        "<data>!</data>",
    ] {
        let text = document(&format!("<dict><key>a</key>{content}</dict>"));
        assert!(matches!(parse(&text), Err(Error::Content(_))), "{content}");
    }
}

#[test]
fn dates_that_the_plist_crate_cannot_write_are_refused() {
    for date in [
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-11-01T09:30:00.5Z",
        "now",
    ] {
        let text = document(&format!("<dict><key>a</key><date>{date}</date></dict>"));
        assert_eq!(syntax(parse(&text)), "unexpected text", "{date}");
    }
    let split = "<dict><key>a</key><date>9999-12-31T23:59:59<!-- -->-23:59</date></dict>";
    assert_eq!(syntax(parse(&document(split))), "unexpected text");
    let impossible = "<dict><key>a</key><date>2026-02-30T00:00:00Z</date></dict>";
    assert!(matches!(parse(&document(impossible)), Err(Error::Content(_))));
}

/// Any value that XML can express.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(Value::Data),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec(("\\PC{0,8}", inner), 0..6)
                .prop_map(|entries| Value::Dictionary(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(body: Vec<u8>) {
        let _ = parse(&body);
    }

    #[test]
    fn whatever_looks_like_a_property_list_is_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "<dict>", "</dict>", "<array>", "</array>", "<key>a</key>", "<key>", "</key>", "<string>", "</string>", "<true/>",
            "<integer>1", "</integer>", "<date>2026-11-01T09:30:00Z</date>", "<date>", "</date>", "&amp;", "&a;", "a", " ",
            "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE plist>", "<?", "?>", "<data>AA==</data>", "<real>nan</real>",
        ]), 0..24),
    ) {
        let text = document(&pieces.concat());
        if let Ok(read) = parse(&text) {
            // What is taken here the `plist` crate's own reader takes, too, and alike (a NaN equals itself in words only).
            let theirs = Value::from_reader_xml(&text[..]).unwrap();
            prop_assert_eq!(format!("{theirs:?}"), format!("{:?}", Value::Dictionary(read.clone())));
            // What was read can be shown, written and read again.
            let _ = format!("{read:?}");
            let again = parse(&to_xml(read.clone())).unwrap();
            prop_assert_eq!(again.len(), read.len());
        }
    }

    #[test]
    fn what_is_written_is_read(entries in prop::collection::vec(("\\PC{0,8}", values()), 0..6)) {
        let dictionary: Dictionary = entries.into_iter().collect();
        prop_assert_eq!(parse(&to_xml(dictionary.clone())).unwrap(), dictionary);
    }

    #[test]
    fn data_are_what_base64_says_whoever_decodes_them(text in "[A-D+/=\t\n]{0,80}") {
        use base64::Engine as _;
        let packed: String = text.split_ascii_whitespace().collect();
        let theirs = base64::prelude::BASE64_STANDARD.decode(packed).ok();
        let ours = parse(&document(&format!("<dict><key>a</key><data>{text}</data></dict>"))).ok();
        prop_assert_eq!(ours.and_then(|read| read.get("a")?.as_data().map(<[u8]>::to_vec)), theirs);
    }
}
