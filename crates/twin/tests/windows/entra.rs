//! A device that joins Entra enrolls with a token instead of a password.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_twin::windows::entra::Issuer;
use ordain_twin::windows::{KeySource, Standing};
use ordain_windows::secret::Secret;
use serde_json::Value;

use crate::fake::{Fake, NOW, keys, run, twin, way};

#[test]
fn the_token_is_shown_in_place_of_credentials() {
    let issuer = Issuer::new(keys().rsa(2048).unwrap(), "key-1").unwrap();
    let claims = Issuer::claims(
        "tenant",
        "https://mdm.example.org",
        "ada@example.org",
        "device",
        NOW,
    );
    let token = issuer.token(&claims).unwrap();
    let part = |at: usize| -> Value {
        let part = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(
        (part(0)["alg"].as_str(), part(0)["kid"].as_str()),
        (Some("RS256"), Some("key-1"))
    );
    assert_eq!(part(1), claims);
    assert_eq!(issuer.jwks()["keys"][0]["e"], "AQAB");
    assert!(Issuer::new(KeyPair::generate(KeyKind::P256).unwrap(), "x").is_none());

    let (mut twin, mut fake) = (twin(), Fake::new());
    let mut way = way();
    way.entra = Some(Secret::new(token.clone()));
    twin.enroll(way).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert_eq!(twin.standing(), Standing::Enrolled);
    for path in ["/policy", "/enroll"] {
        let body = fake.bodies(path).pop().unwrap();
        assert!(body.contains("ValueType=\"urn:ietf:params:oauth:token-type:jwt\""));
        assert!(body.contains(&STANDARD.encode(&token)) && !body.contains("correct-horse"));
    }
}
