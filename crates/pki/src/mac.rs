//! Message authentication with a shared secret: HMAC (RFC 2104) with SHA-256.

use aws_lc_rs::hmac;

/// The HMAC-SHA256 of `message` under `key`, which may be of any length.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut octets = [0; 32];
    octets
        .iter_mut()
        .zip(tag.as_ref())
        .for_each(|(to, from)| *to = *from);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, section 4.3 and 4.7.
    #[test]
    fn the_vectors_of_the_rfc() {
        assert_eq!(
            hex::encode(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex::encode(hmac_sha256(&[0xaa; 131], long)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
