//! The patterns of LIKE: `?` is one character, `*` any run of them.

/// Whether the whole of `text` matches. When a character does not fit, only the last `*` has to take one more: an
/// earlier one could reach no place that the last one cannot.
pub(crate) fn matches(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // What follows the last star, and what is left of the text once the star took one more.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = (text.clone(), pattern.clone());
        match (text.next(), pattern.next()) {
            (None, None) => return true,
            (_, Some('*')) => {
                text = before.0;
                retry = Some((text.clone(), pattern.clone()));
            }
            (Some(_), Some('?')) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => {
                let Some((taken, after)) = &mut retry else {
                    return false;
                };
                if taken.next().is_none() {
                    return false;
                }
                text = taken.clone();
                pattern = after.clone();
            }
        }
    }
}

/// How many steps matching may cost: it is quadratic at worst.
pub(crate) fn steps(text: &str, pattern: &str) -> usize {
    match pattern.contains('*') {
        true => text.len().saturating_mul(pattern.len()) / 64,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(text: &[char], pattern: &[char]) -> bool {
        match (text, pattern) {
            (text, ['*', after @ ..]) => (0..=text.len()).any(|taken| naive(&text[taken..], after)),
            ([_, text @ ..], ['?', pattern @ ..]) => naive(text, pattern),
            ([one, text @ ..], [other, pattern @ ..]) => one == other && naive(text, pattern),
            ([], []) => true,
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_matches_what_the_definition_says(text in "[abé]{0,8}", pattern in "[abé?*]{0,6}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&text, &pattern), naive(&chars(&text), &chars(&pattern)));
        }
    }
}
