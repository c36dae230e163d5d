//! What is refused, where, and with which advice; and that nothing makes the parser panic.

use ordain_predicate::{MAX_LENGTH, MAX_NESTING, parse};
use proptest::prelude::*;

/// Each block of `malformed.txt` is a text with its error as a person sees it.
#[test]
fn each_mistake_has_its_place_and_message() {
    for expected in include_str!("malformed.txt").trim_end().split("\n\n") {
        let text = expected.lines().next().unwrap();
        let error = parse(text).unwrap_err();
        assert_eq!(error.render(text), expected);
    }
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
        (error.span, error.message.as_str()),
        (16384..16385, "the predicate is longer than 16384 bytes")
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
fn nesting_is_bounded_and_chains_are_not_nesting() {
    let groups = |depth| format!("{}1 == 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&groups(MAX_NESTING)).is_ok());
    let error = parse(&groups(MAX_NESTING + 1)).unwrap_err();
    assert_eq!(
        (error.span, error.message.as_str()),
        (64..65, "more than 64 levels of parentheses and NOT")
    );
    assert!(parse(&format!("{}1 == 1", "!".repeat(MAX_NESTING))).is_ok());
    assert!(parse(&format!("{}1 == 1", "NOT ".repeat(MAX_NESTING + 1))).is_err());
    for endless in [
        "(",
        "!",
        "NOT ",
        "-",
        "@status(",
        "1 == 1 AND (",
        "'",
        "@",
        "NOT(",
    ] {
        assert!(parse(&endless.repeat(MAX_LENGTH / endless.len())).is_err());
    }
    let chain = format!("1 == 1{}", " AND (1 == 1)".repeat(1000));
    assert!(parse(&chain).is_ok());
}

fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "@status(a.b-c)",
        "@property(x)",
        "@status",
        "@",
        "(",
        ")",
        "'a'",
        "\"b\"",
        "'",
        "\\",
        "\\u00",
        "18",
        "1.5e3",
        "0x",
        "1e",
        "-",
        "true",
        "NIL",
        "AND",
        "&&",
        "or",
        "|",
        "NOT",
        "!",
        "==",
        "=<",
        "<>",
        ">",
        "%@",
        "{",
        "[c]",
        "IN",
        "SUBQUERY(",
        "$x",
        ".",
        "TRUEPREDICATE",
        "\u{202e}",
        "é",
        "\n",
        "’",
    ]);
    prop::collection::vec(
        prop_oneof![4 => word.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)],
        0..30,
    )
    .prop_flat_map(|words| prop::sample::select(vec!["", " "]).prop_map(move |blank| words.join(blank)))
}

proptest! {
    #[test]
    fn any_text_is_a_predicate_or_an_error_with_a_place(text in soup()) {
        match parse(&text) {
            Ok(predicate) => prop_assert_eq!(parse(&predicate.to_string()), Ok(predicate)),
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error.span);
                prop_assert!(!error.message.is_empty());
                prop_assert!(error.render(&text).contains('^'));
            }
        }
    }
}
