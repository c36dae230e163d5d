//! A token issuer in place of Microsoft Entra, for tests: what a device that joins it shows for its user, and what a
//! member shows for itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ordain_pki::KeyPair;
use serde_json::{Value, json};

/// Signs tokens (RFC 7515, RS256) with one key of RSA.
#[derive(Debug, Clone)]
pub struct Issuer {
    key: KeyPair,
    kid: String,
}

/// A device's membership of a tenant: by it, it gets tokens for itself.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Who makes the tokens.
    pub issuer: Issuer,
    /// The tenant: a GUID.
    pub tenant: String,
    /// The device's identifier there: a GUID.
    pub device_id: String,
}

impl Membership {
    /// A token for the device itself, for `audience`. `None` if the issuer's key cannot sign.
    pub fn token(&self, audience: &str, now: i64) -> Option<String> {
        let claims = Issuer::device_claims(&self.tenant, audience, &self.device_id, now);
        self.issuer.token(&claims)
    }
}

impl Issuer {
    /// An issuer whose key has this name. `None` if the key is not RSA.
    pub fn new(key: KeyPair, kid: impl Into<String>) -> Option<Self> {
        key.rsa_bits()?;
        Some(Self { key, kid: kid.into() })
    }

    /// The key set that a server verifies tokens with (RFC 7517).
    pub fn jwks(&self) -> Value {
        let (modulus, exponent) = self.key.rsa_numbers().unwrap_or_default();
        json!({"keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "e": URL_SAFE_NO_PAD.encode(exponent),
        }]})
    }

    /// A token with these claims, as they are. `None` if the key cannot sign.
    pub fn token(&self, claims: &Value) -> Option<String> {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": self.kid});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token for the user `upn` of `tenant`, for `audience`, from a device of this identifier, that may
    /// enroll, from `now` for an hour.
    pub fn claims(tenant: &str, audience: &str, upn: &str, device_id: &str, now: i64) -> Value {
        let mut claims = Self::device_claims(tenant, audience, device_id, now);
        for (name, value) in [("scp", "mdm_delegation"), ("upn", upn), ("unique_name", upn)] {
            if let Some(claims) = claims.as_object_mut() {
                claims.insert(name.to_owned(), value.into());
            }
        }
        claims
    }

    /// The claims of a token for the device of this identifier itself, without a user: from `now` for an hour.
    ///
    /// \[U\]: what Entra's device tokens for a management resource hold beside `aud`, `tid` and `deviceid`.
    pub fn device_claims(tenant: &str, audience: &str, device_id: &str, now: i64) -> Value {
        json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "tid": tenant,
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(3600),
            "oid": "00000000-0000-4000-8000-000000000001",
            "deviceid": device_id,
            "ver": "1.0",
        })
    }
}
