//! Strings without regard to case or diacritics.

use std::borrow::Cow;

use serde_json::Value;
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::formula::Options;

/// `text` as it compares under `options`: decomposed and without combining marks for `d`, then by Unicode's full
/// case folding for `c`. What folds to itself and is ASCII is not copied.
pub(crate) fn fold(text: &str, options: Options) -> Cow<'_, str> {
    if text.is_ascii() {
        return match options.case && text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let mut folded = Cow::Borrowed(text);
    if options.diacritics {
        folded = Cow::Owned(folded.nfd().filter(|c| !is_combining_mark(*c)).collect());
    }
    if options.case {
        folded = Cow::Owned(UniCase::unicode(&*folded).to_folded_case());
    }
    folded
}

/// A constant with its strings folded.
pub(crate) fn fold_value(value: Value, options: Options) -> Value {
    match value {
        Value::String(text) => Value::String(fold(&text, options).into_owned()),
        Value::Array(elements) => elements
            .into_iter()
            .map(|element| fold_value(element, options))
            .collect(),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(case: bool, diacritics: bool) -> Options {
        Options {
            case,
            diacritics,
            ..Options::default()
        }
    }

    #[test]
    fn letters_fold() {
        for (text, case, diacritics, both) in [
            ("iPad", "ipad", "iPad", "ipad"),
            ("Straße", "strasse", "Straße", "strasse"),
            ("Élan", "élan", "Elan", "elan"),
            ("E\u{301}", "e\u{301}", "E", "e"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ", "ΣΙΣΥΦΟΣ", "σισυφοσ"),
            ("İ", "i\u{307}", "I", "i"),
            ("ø", "ø", "ø", "ø"),
        ] {
            assert_eq!(fold(text, options(true, false)), case);
            assert_eq!(fold(text, options(false, true)), diacritics);
            assert_eq!(fold(text, options(true, true)), both);
            assert_eq!(fold(text, options(false, false)), text);
        }
    }

    proptest! {
        /// Constants are folded once by the parser and again when they are compared.
        #[test]
        fn folding_twice_changes_nothing(text: String, case: bool, diacritics: bool) {
            let options = options(case, diacritics);
            let once = fold(&text, options).into_owned();
            prop_assert_eq!(&fold(&once, options), &once);
        }
    }
}
