//! PEM (RFC 7468), read as leniently as files and proxies need: text around the blocks, any white space
//! within them, or none at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Every complete block of `text`: its label and its decoded bytes, `None` where the base64 is broken.
pub(crate) fn blocks(mut text: &str) -> impl Iterator<Item = (&str, Option<Vec<u8>>)> {
    std::iter::from_fn(move || {
        let (_, after) = text.split_once("-----BEGIN ")?;
        let (label, after) = after.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        let (end, after) = after.split_once("-----")?;
        text = after;
        let packed: String = body.split_ascii_whitespace().collect();
        let bytes = if end == label {
            STANDARD.decode(packed).ok()
        } else {
            None
        };
        Some((label, bytes))
    })
}

/// One block, in lines of 64 characters.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (position, character) in body.chars().enumerate() {
        if position > 0 && position % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let bytes: Vec<u8> = (0..=255).collect();
        let pem = encode("CERTIFICATE", &bytes);
        assert!(pem.lines().all(|line| line.len() <= 64));
        let noisy = format!("subject=x\r\n{}\nmore\n{pem}", pem.replace('\n', " "));
        let found: Vec<_> = blocks(&noisy).collect();
        assert_eq!(
            found,
            [("CERTIFICATE", Some(bytes.clone())), ("CERTIFICATE", Some(bytes))]
        );
    }

    #[test]
    fn broken_blocks() {
        assert_eq!(blocks("-----BEGIN A-----AAAA").count(), 0);
        assert_eq!(
            blocks("-----BEGIN A-----AAAA-----END B-----").next(),
            Some(("A", None))
        );
        assert_eq!(
            blocks("-----BEGIN A-----A%AA-----END A-----").next(),
            Some(("A", None))
        );
    }
}
