//! What is refused, where, and with which advice; and that nothing makes the parser panic.

use ordain_predicate::{Code, Dialect, MAX_LENGTH, MAX_NESTING, MAX_PATTERNS, ParseError, Predicate};

fn parse(text: &str) -> Result<Predicate, ParseError> {
    ordain_predicate::parse(text, Dialect::Device)
}

/// Each block of the file is a text, its error as a person sees it, and the error's code.
fn check(file: &str, dialect: Dialect) {
    for block in file.trim_end().split("\n\n") {
        let (expected, code) = block.rsplit_once('\n').unwrap();
        let text = expected.lines().next().unwrap();
        let error = ordain_predicate::parse(text, dialect).unwrap_err();
        assert_eq!(error.render(text), expected);
        assert_eq!(format!("[{}]", error.code), code, "{text}");
    }
}

#[test]
fn each_mistake_has_its_place_and_message() {
    check(include_str!("malformed.txt"), Dialect::Device);
}

#[test]
fn each_mistake_in_a_group_has_its_place_and_message() {
    check(include_str!("malformed-group.txt"), Dialect::Server);
}

#[test]
fn blanks_and_control_characters_that_do_not_belong() {
    for (text, at, message) in [
        (
            "",
            "",
            "the predicate is empty; one that is always true is TRUEPREDICATE",
        ),
        (
            " \n ",
            "",
            "the predicate is empty; one that is always true is TRUEPREDICATE",
        ),
        (
            "'a\nb' == 1",
            "\n",
            r"a control character in a string must be written as \u000A",
        ),
        (
            "1\u{a0}== 1",
            "\u{a0}",
            "U+00A0 is not a plain blank: write a space",
        ),
        (
            "1 == 1\0",
            "\0",
            "the character U+0000 has no meaning outside of a string",
        ),
        (
            "'a' MATCHES 'a\\tb\u{85}'",
            "\u{85}",
            r"a control character in a string must be written as \u0085",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(&text[error.span], at, "{text:?}");
    }
}

#[test]
fn length_is_bounded() {
    let text = |length: usize| format!("1 == '{}'", "a".repeat(length - 7));
    assert!(parse(&text(MAX_LENGTH)).is_ok());
    let error = parse(&text(MAX_LENGTH + 1)).unwrap_err();
    assert_eq!(
        (error.code, error.span, error.message.as_str()),
        (
            Code::TooLarge,
            16384..16385,
            "the predicate is longer than 16384 bytes"
        )
    );
    let umlauts = format!("1 == '{}'", "ü".repeat(MAX_LENGTH));
    assert!(parse(&umlauts).unwrap_err().render(&umlauts).len() < 1000);
    // Short in the author's spelling, but not in the canonical one, which must parse too.
    let terse = format!("1=1{}", "||1=1".repeat(3000));
    assert_eq!(
        parse(&terse).unwrap_err().message,
        "the predicate's canonical form is longer than 16384 bytes"
    );
}

#[test]
fn nesting_is_bounded_whatever_nests() {
    for (open, inner, close) in [
        ("(", "1 == 1", ")"),
        ("!", "1 == 1", ""),
        ("NOT ", "1 == 1", ""),
        ("NOT(", "1 == 1", ")"),
        ("1 == 1 AND (", "1 == 1", ")"),
    ] {
        // `NOT(` opens two levels.
        let levels = open.matches(['(', '!']).count() + open.matches("NOT").count();
        let nested = |depth: usize| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        assert!(parse(&nested(MAX_NESTING / levels)).is_ok(), "{open}");
        let error = parse(&nested(MAX_NESTING / levels + 1)).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (Code::TooLarge, "more than 64 levels of nesting")
        );
        assert!(error.render(&nested(MAX_NESTING / levels + 1)).contains('^'));
    }
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("-(", "1", ")"),
        ("{", "1", "}"),
        ("@status(a)[", "1", "]"),
        ("abs(", "1", ")"),
        ("CAST(", "1", ", 'x')"),
        ("TERNARY(1 == ", "1", ", 1, 2)"),
        ("SUBQUERY({", "1", "}, $x, 1 == 1).@count"),
    ] {
        let nested = |depth: usize| format!("1 == {}{inner}{}", open.repeat(depth), close.repeat(depth));
        assert!(parse(&nested(MAX_NESTING / 2)).is_ok(), "{open}");
        assert_eq!(
            parse(&nested(MAX_NESTING + 1)).unwrap_err().code,
            Code::TooLarge,
            "{open}"
        );
    }
}

#[test]
fn what_never_ends_is_refused() {
    for endless in [
        "(",
        "!",
        "NOT ",
        "-",
        "{",
        "@status(",
        "@status(a)[",
        "1 == 1 AND (",
        "'",
        "@",
        "NOT(",
        "abs(",
        "a.",
        "1 + ",
        "1 ** ",
        "ANY ",
        "((1 == 1) AND ",
        "((1) + ",
        "SUBQUERY({1}, $x, ",
        "$",
        "#",
    ] {
        assert!(
            parse(&endless.repeat(MAX_LENGTH / endless.len())).is_err(),
            "{endless}"
        );
    }
}

#[test]
fn chains_are_not_nesting() {
    for (link, times) in [
        (" AND (1 == 1)", 1000),
        (" OR 1 == 1", 1400),
        (" - 1", 4000),
        (" ** 1", 3000),
        (".@key(a)", 2000),
    ] {
        let chain = format!("1 == 1 AND $x == $x{}", link.repeat(times));
        let predicate = parse(&chain).unwrap_or_else(|error| panic!("{}", error.render(&chain)));
        assert_eq!(parse(&predicate.to_string()), Ok(predicate));
    }
}

#[test]
fn patterns_are_counted() {
    let patterns = |count: usize| vec!["'a' MATCHES 'a'"; count].join(" AND ");
    assert!(parse(&patterns(MAX_PATTERNS)).is_ok());
    let error = parse(&patterns(MAX_PATTERNS + 1)).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::TooLarge, "more than 32 patterns")
    );
}
