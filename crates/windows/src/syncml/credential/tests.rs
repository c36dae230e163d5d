use super::*;

#[test]
fn md5_credentials() {
    let key = key("9C2D7B1E5A", "correct-horse");
    assert_eq!(key.expose(), "tSRa5KdYW50V76tcbUKOHw==");
    let cred = Cred::md5(&key, b"nonce-0001");
    assert_eq!(cred.data.expose(), "Wye3WIqUyZtfGoyzDsNumA==");
    assert!(cred.answers(&key, b"nonce-0001"));
    assert!(!cred.answers(&key, b"nonce-0002"));
    assert!(!cred.answers(&super::key("9C2D7B1E5A", "wrong"), b"nonce-0001"));
    let basic = Cred {
        kind: BASIC.to_owned(),
        ..cred
    };
    assert!(!basic.answers(&key, b"nonce-0001"));
}
