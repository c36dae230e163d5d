//! Base64, as these protocols have it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;

/// Missing padding loses nothing, so it is not refused.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads base64 with any white space between.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let dense: Vec<u8> = text
        .iter()
        .copied()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    LENIENT.decode(dense).ok()
}

/// Writes base64 on one line.
pub(crate) fn encode(octets: &[u8]) -> String {
    BASE64_STANDARD.encode(octets)
}

/// Writes base64 in lines of 64 characters, as Windows does in its certificate requests.
pub(crate) fn encode_in_lines(octets: &[u8]) -> String {
    let mut lines = String::new();
    for octets in octets.chunks(48) {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(&encode(octets));
    }
    lines
}
