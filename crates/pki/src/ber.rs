//! BER to DER, as far as CMS needs it (X.690 §8.1.3.6, §8.7, §10.1).
//!
//! Streaming signers send indefinite lengths and octet strings in segments; DER parsers refuse the
//! first and misread the second. Elements that are DER already come out unchanged, byte for byte, so
//! that certificates inside a BER message keep their signatures.

use thiserror::Error;

/// Nesting beyond this is refused. CMS with certificates inside stays below 20.
const MAX_DEPTH: usize = 32;

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// Why bytes are not one acceptable BER element.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BerError {
    #[error("the encoding ends too early")]
    Truncated,
    #[error("bytes follow the end of the encoding")]
    Trailing,
    #[error("the encoding is nested too deeply")]
    TooDeep,
    #[error("the encoding breaks the rules of BER")]
    Malformed,
}

/// The one element that `input` consists of, with definite, minimal lengths and with its octet strings in
/// one piece. The work is at most [`MAX_DEPTH`] copies of the input; bounding its size is the caller's.
pub(crate) fn to_der(mut input: &[u8]) -> Result<Vec<u8>, BerError> {
    let mut der = Vec::with_capacity(input.len());
    element(&mut input, 0, &mut der)?;
    if input.is_empty() {
        Ok(der)
    } else {
        Err(BerError::Trailing)
    }
}

/// One element with the given content in DER. `tag` holds the identifier octets.
pub(crate) fn write(tag: &[u8], content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(tag);
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let length = content.len().to_be_bytes();
            let octets: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            // A usize has at most eight octets.
            out.push(0x80 | octets.len() as u8);
            out.extend_from_slice(&octets);
        }
    }
    out.extend_from_slice(content);
}

fn element(input: &mut &[u8], depth: usize, out: &mut Vec<u8>) -> Result<(), BerError> {
    if depth > MAX_DEPTH {
        return Err(BerError::TooDeep);
    }
    let tag = identifier(input)?;
    let first = tag.first().copied().unwrap_or_default();
    let length = length(input)?;
    if first & CONSTRUCTED == 0 {
        let content = take(input, length.ok_or(BerError::Malformed)?)?;
        write(tag, content, out);
        return Ok(());
    }
    let mut content = Vec::new();
    match length {
        Some(length) => {
            let mut inner = take(input, length)?;
            while !inner.is_empty() {
                element(&mut inner, depth + 1, &mut content)?;
            }
        }
        None => loop {
            if let Some(rest) = input.strip_prefix(&[0, 0]) {
                *input = rest;
                break;
            }
            element(input, depth + 1, &mut content)?;
        },
    }
    if tag == [OCTET_STRING | CONSTRUCTED] {
        write(&[OCTET_STRING], &joined(&content)?, out);
    } else {
        write(tag, &content, out);
    }
    Ok(())
}

/// The octets of a segmented string, whose segments have already become primitive DER.
fn joined(mut segments: &[u8]) -> Result<Vec<u8>, BerError> {
    let mut octets = Vec::with_capacity(segments.len());
    while !segments.is_empty() {
        if identifier(&mut segments)? != [OCTET_STRING] {
            return Err(BerError::Malformed);
        }
        let length = length(&mut segments)?.ok_or(BerError::Malformed)?;
        octets.extend_from_slice(take(&mut segments, length)?);
    }
    Ok(octets)
}

/// The identifier octets: one, or up to five where the tag number is large.
fn identifier<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], BerError> {
    let first = *input.first().ok_or(BerError::Truncated)?;
    if first == 0 {
        return Err(BerError::Malformed); // an end-of-contents where nothing is open
    }
    let mut length = 1;
    if first & 0x1f == 0x1f {
        while input.get(length).ok_or(BerError::Truncated)? & 0x80 != 0 {
            length += 1;
            if length > 4 {
                return Err(BerError::Malformed);
            }
        }
        length += 1;
    }
    take(input, length)
}

/// The length octets; `None` is the indefinite form.
fn length(input: &mut &[u8]) -> Result<Option<usize>, BerError> {
    let first = take(input, 1)?.first().copied().unwrap_or_default();
    match first {
        0x80 => Ok(None),
        0..0x80 => Ok(Some(usize::from(first))),
        _ => {
            let octets = take(input, usize::from(first & 0x7f))?;
            let significant = octets.iter().skip_while(|byte| **byte == 0);
            let mut length: usize = 0;
            for byte in significant {
                length = length.checked_mul(256).ok_or(BerError::Truncated)? | usize::from(*byte);
            }
            Ok(Some(length))
        }
    }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], BerError> {
    let (taken, rest) = input.split_at_checked(length).ok_or(BerError::Truncated)?;
    *input = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).unwrap()
    }

    #[test]
    fn der_passes_unchanged() {
        for der in [
            "3000",
            "3003 020105",
            "a003 0401ff",
            "30820003020105",
            "9f8101 00",
            "1f1f 02 aabb",
        ] {
            let bytes = hex(der);
            if der.starts_with("3082") {
                assert_eq!(
                    to_der(&bytes).unwrap(),
                    hex("3003020105"),
                    "a long length becomes minimal"
                );
            } else {
                assert_eq!(to_der(&bytes).unwrap(), bytes, "{der}");
            }
        }
    }

    #[test]
    fn long_lengths_are_minimal() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000] {
            let mut der = Vec::new();
            write(&[4], &vec![7; length], &mut der);
            assert_eq!(to_der(&der).unwrap(), der);
        }
    }

    #[test]
    fn indefinite_lengths_and_segments() {
        assert_eq!(to_der(&hex("3080 020105 0000")).unwrap(), hex("3003020105"));
        assert_eq!(
            to_der(&hex("2480 0402abcd 0401ef 0000")).unwrap(),
            hex("0403abcdef")
        );
        assert_eq!(to_der(&hex("2405 0401ab 2400")).unwrap(), hex("0401ab"));
        assert_eq!(
            to_der(&hex("3080 a080 2480 2480 040101 0000 040102 0000 0000 0000")).unwrap(),
            hex("3006 a004 04020102")
        );
    }

    #[test]
    fn broken_encodings() {
        for (bytes, error) in [
            ("", BerError::Truncated),
            ("30", BerError::Truncated),
            ("3080", BerError::Truncated),
            ("3080 0201", BerError::Truncated),
            ("3002 02", BerError::Truncated),
            ("3001 02", BerError::Truncated),
            ("0480 0000", BerError::Malformed),
            ("0000", BerError::Malformed),
            ("3002 0000", BerError::Malformed),
            ("2403 020101", BerError::Malformed),
            ("1f8181818181 00", BerError::Malformed),
            ("3000 00", BerError::Trailing),
            ("30 89 ffffffffffffffffff 00", BerError::Truncated),
            ("30 ff 01", BerError::Truncated),
        ] {
            assert_eq!(to_der(&hex(bytes)), Err(error), "{bytes}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(to_der(&[0x30, 0x80].repeat(100_000)), Err(BerError::TooDeep));
        assert_eq!(to_der(&[0x24, 0x80].repeat(100_000)), Err(BerError::TooDeep));
        let nested = [[0x30, 0x80].repeat(MAX_DEPTH + 1), [0, 0].repeat(MAX_DEPTH + 1)].concat();
        assert!(to_der(&nested).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_comes_out_is_stable(input in proptest::collection::vec(
            prop_oneof![Just(0x30u8), Just(0x80), Just(0x24), Just(0x04), Just(0), 0u8..6, any::<u8>()], 0..64,
        )) {
            if let Ok(der) = to_der(&input) {
                prop_assert_eq!(to_der(&der).unwrap(), der);
            }
        }
    }
}
