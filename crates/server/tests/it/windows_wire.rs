//! A Windows client that is written by hand: its XML is text, its DER is made and taken apart here, and what it reads it
//! looks up in the text. It shares nothing with the server's wire, nor with the simulated devices'.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::Certificate;
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SigningKey};
use serde_json::{Value, json};

use crate::client::{Answer, Client, Manner};
use crate::house::{House, Site};
use crate::identity::Identity;

pub(crate) const DISCOVERY: &str = "/EnrollmentServer/Discovery.svc";
pub(crate) const POLICY: &str = "/EnrollmentServer/Policy.svc";
pub(crate) const ENROLLMENT: &str = "/EnrollmentServer/Enrollment.svc";
pub(crate) const SIGN_IN: &str = "/EnrollmentServer/SignIn";
pub(crate) const LINKED_DISCOVERY: &str = "/EnrollmentServer/Linked/Discovery";
pub(crate) const LINKED_POLICY: &str = "/EnrollmentServer/Linked/Policy.svc";
pub(crate) const LINKED_ENROLLMENT: &str = "/EnrollmentServer/Linked/Enrollment.svc";
/// Where sessions of a device's own channel are held,
pub(crate) const PRIMARY: &str = "/ManagementServer/MDM.svc";
/// and those of its linked one.
pub(crate) const LINKED: &str = "/ManagementServer/Linked.svc";
pub(crate) const SYNCML: &str = "application/vnd.syncml.dm+xml";
const SOAP: &str = "application/soap+xml; charset=utf-8";
const SECEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
pub(crate) const USER_TOKEN: &str =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Keys of RSA take long to make, so the tests share some.
pub(crate) static KEYS: LazyLock<[KeyPair; 3]> = LazyLock::new(|| {
    std::array::from_fn(|_| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key"))
});

/// What is between `start` and `end` in `text`, the first time.
#[track_caller]
pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("no {end} in {text}"))
        .0
}

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..0x80 => vec![u8::try_from(short).expect("short")],
        long => {
            let octets: Vec<u8> = long
                .to_be_bytes()
                .into_iter()
                .skip_while(|octet| *octet == 0)
                .collect();
            [vec![0x80 + u8::try_from(octets.len()).expect("few")], octets].concat()
        }
    };
    [vec![tag], length, content.to_vec()].concat()
}

/// The elements in the DER element that `der` begins with, each whole.
pub(crate) fn children(der: &[u8]) -> Vec<&[u8]> {
    fn split(der: &[u8]) -> (usize, usize) {
        match der[1] {
            short @ 0..0x80 => (2, 2 + usize::from(short)),
            long => {
                let head = 2 + usize::from(long - 0x80);
                let length = der[2..head]
                    .iter()
                    .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
                (head, head + length)
            }
        }
    }
    let (head, end) = split(der);
    let (mut rest, mut found) = (&der[head..end], Vec::new());
    while !rest.is_empty() {
        let (one, others) = rest.split_at(split(rest).1);
        found.push(one);
        rest = others;
    }
    found
}

fn concat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const SHA256: &[u8] = &[
    0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
];
const SHA256_WITH_RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];
const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const CONTENT_TYPE: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];

/// A certificate request of `key`, signed by `signer`. Its subject is as odd as Windows': a PrintableString with
/// characters that none may have.
pub(crate) fn csr_signed_by(key: &KeyPair, signer: &KeyPair) -> Vec<u8> {
    let name = tlv(0x13, b"00112233-4455!CONFIG-MDM!7b@");
    let name = tlv(0x30, &concat(&[&[0x06, 0x03, 0x55, 0x04, 0x03], &name]));
    let subject = tlv(0x30, &tlv(0x31, &name));
    let public_key = key.subject_public_key_info();
    let info = tlv(
        0x30,
        &concat(&[&[0x02, 0x01, 0x00], &subject, &public_key, &tlv(0xa0, &[])]),
    );
    let signature = signer.sign(&info).expect("a signature");
    let bits = tlv(0x03, &concat(&[&[0], &signature]));
    tlv(0x30, &concat(&[&info, SHA256_WITH_RSA, &bits]))
}

pub(crate) fn csr(key: &KeyPair) -> Vec<u8> {
    csr_signed_by(key, key)
}

/// `content` in CMS, signed with `key`, which claims to be that of `certificate`.
pub(crate) fn cms(content: &[u8], key: &KeyPair, certificate: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(content);
    let attribute = |kind: &[u8], value: &[u8]| tlv(0x30, &concat(&[kind, &tlv(0x31, value)]));
    let attributes = concat(&[
        &attribute(CONTENT_TYPE, DATA),
        &attribute(MESSAGE_DIGEST, &tlv(0x04, &digest)),
    ]);
    let signature = key.sign(&tlv(0x31, &attributes)).expect("a signature");
    let fields = children(children(certificate)[0]);
    let (serial, issuer) = (fields[1], fields[3]);
    let signer = tlv(
        0x30,
        &concat(&[
            &[0x02, 0x01, 0x01],
            &tlv(0x30, &concat(&[issuer, serial])),
            SHA256,
            &tlv(0xa0, &attributes),
            SHA256_WITH_RSA,
            &tlv(0x04, &signature),
        ]),
    );
    let inside = tlv(0x30, &concat(&[DATA, &tlv(0xa0, &tlv(0x04, content))]));
    let data = tlv(
        0x30,
        &concat(&[
            &[0x02, 0x01, 0x01],
            &tlv(0x31, SHA256),
            &inside,
            &tlv(0xa0, certificate),
            &tlv(0x31, &signer),
        ]),
    );
    tlv(0x30, &concat(&[SIGNED_DATA, &tlv(0xa0, &data)]))
}

/// Base64 as Windows writes it: in lines.
fn in_lines(octets: &[u8]) -> String {
    let text = STANDARD.encode(octets);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    lines.join("\r\n")
}

/// `UsernameToken`, with the password in clear.
pub(crate) fn password(user: &str, secret: &str) -> String {
    format!(
        r#"<wsse:Security s:mustUnderstand="1"><wsse:UsernameToken u:Id="uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4">
        <wsse:Username>{user}</wsse:Username>
        <wsse:Password wsse:Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText">{secret}</wsse:Password>
        </wsse:UsernameToken></wsse:Security>"#
    )
}

/// `BinarySecurityToken` of that type.
pub(crate) fn binary(kind: &str, token: &str) -> String {
    let token = STANDARD.encode(token);
    format!(
        r#"<wsse:Security s:mustUnderstand="1"><wsse:BinarySecurityToken ValueType="{kind}" EncodingType="{SECEXT}#base64binary">{token}</wsse:BinarySecurityToken></wsse:Security>"#
    )
}

pub(crate) fn envelope(action: &str, security: &str, body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"
    xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" xmlns:wsse="{SECEXT}"
    xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512" xmlns:ac="http://schemas.xmlsoap.org/ws/2006/12/authorization">
  <s:Header>
    <a:Action s:mustUnderstand="1">http://schemas.microsoft.com/windows/{action}</a:Action>
    <a:MessageID>urn:uuid:11111111-0000-4000-8000-000000000003</a:MessageID>
    <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>
    <a:To s:mustUnderstand="1">https://mdm.example.org/</a:To>
    {security}
  </s:Header>
  <s:Body>{body}</s:Body>
</s:Envelope>"#
    )
}

pub(crate) fn discover(policies: &[&str]) -> String {
    let policies: String = policies
        .iter()
        .map(|policy| format!("<AuthPolicy>{policy}</AuthPolicy>"))
        .collect();
    let body = format!(
        r#"<Discover xmlns="http://schemas.microsoft.com/windows/management/2012/01/enrollment/">
      <request xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><EmailAddress>ada@example.org</EmailAddress>
        <OSEdition>48</OSEdition><RequestVersion>9.0</RequestVersion><DeviceType>CIMClient_Windows</DeviceType>
        <ApplicationVersion>10.0.22631.3958</ApplicationVersion><SomethingNew>1</SomethingNew>
        <AuthPolicies>{policies}</AuthPolicies></request></Discover>"#
    );
    envelope(
        "management/2012/01/enrollment/IDiscoveryService/Discover",
        "",
        &body,
    )
}

pub(crate) fn get_policies(security: &str) -> String {
    let body = r#"<GetPolicies xmlns="http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <client><lastUpdate xsi:nil="true"/><preferredLanguage xsi:nil="true"/></client><requestFilter xsi:nil="true"/></GetPolicies>"#;
    envelope("pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies", security, body)
}

/// A request for a security token: `kind` is Issue or Renew, `format` the `ValueType` of its content.
pub(crate) fn request(
    security: &str,
    kind: &str,
    format: &str,
    content: &[u8],
    items: &[(&str, &str)],
) -> String {
    let content = in_lines(content);
    let items: String = items
        .iter()
        .map(|(name, value)| {
            format!(r#"<ac:ContextItem Name="{name}"><ac:Value>{value}</ac:Value></ac:ContextItem>"#)
        })
        .collect();
    let body = format!(
        r#"<wst:RequestSecurityToken>
      <wst:TokenType>http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken</wst:TokenType>
      <wst:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/{kind}</wst:RequestType>
      <wsse:BinarySecurityToken ValueType="{format}" EncodingType="{SECEXT}#base64binary">{content}</wsse:BinarySecurityToken>
      <ac:AdditionalContext>{items}</ac:AdditionalContext>
    </wst:RequestSecurityToken>"#
    );
    envelope("pki/2009/01/enrollment/RST/wstep", security, &body)
}

pub(crate) const PKCS10: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10";

/// A PC.
#[derive(Clone)]
pub(crate) struct Pc {
    site: Arc<Site>,
    pub(crate) items: Vec<(&'static str, String)>,
}

impl Pc {
    pub(crate) fn new(house: &House, hardware: &str) -> Self {
        let items = [
            ("OSEdition", "48"),
            ("OSVersion", "10.0.22631.3958"),
            ("DeviceName", "LAB-PC-01"),
            ("MAC", "02-00-00-00-00-01"),
            ("MAC", "02-00-00-00-00-02"),
            ("EnrollmentType", "Full"),
            ("DeviceType", "CIMClient_Windows"),
            ("ApplicationVersion", "10.0.22631.3958"),
            ("DeviceID", "9C2D7B1E5A"),
            ("HWDevID", hardware),
            ("Locale", "en-US"),
            ("TargetedUserLoggedIn", "true"),
            ("SomethingNew", "x"),
        ];
        Self {
            site: house.site.clone(),
            items: items.map(|(name, value)| (name, value.to_owned())).into(),
        }
    }

    /// The same with another value of an item.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        for item in self.items.iter_mut().filter(|item| item.0 == name) {
            item.1 = value.to_owned();
        }
        self
    }

    pub(crate) fn items(&self) -> Vec<(&str, &str)> {
        self.items
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    /// Sends a message, on a connection that shows `certificate`. Whatever comes back is as Windows needs it.
    pub(crate) async fn post(&self, path: &str, message: &[u8], certificate: Option<&Identity>) -> Answer {
        self.post_as(SOAP, path, message, certificate).await
    }

    /// The same, with a message of that `Content-Type`.
    pub(crate) async fn post_as(
        &self,
        content_type: &str,
        path: &str,
        message: &[u8],
        certificate: Option<&Identity>,
    ) -> Answer {
        let manner = Manner {
            certificate: certificate.cloned(),
            ..Manner::default()
        };
        self.exchange(path, content_type, message, manner).await
    }

    /// The same for a message of this content type, in this manner.
    pub(crate) async fn exchange(&self, path: &str, kind: &str, message: &[u8], manner: Manner) -> Answer {
        let headers = [("content-type".to_owned(), kind.to_owned())];
        let answer = Client::new(self.site.clone(), manner)
            .send("POST", path, &headers, message)
            .await;
        assert_eq!(answer.header("transfer-encoding"), None);
        assert_eq!(
            answer.header("content-length"),
            Some(answer.body.len().to_string().as_str())
        );
        answer
    }

    pub(crate) async fn enroll(&self, security: &str, key: &KeyPair) -> Answer {
        let message = request(security, "Issue", PKCS10, &csr(key), &self.items());
        self.post(ENROLLMENT, message.as_bytes(), None).await
    }

    /// Enrolls with `token`, which must work.
    pub(crate) async fn enrolled(&self, token: &str, key: &KeyPair) -> Provisioned {
        let answer = self
            .enroll(&password("ada@example.org", token), key)
            .await
            .with(200);
        Provisioned::read(&answer, key)
    }
}

/// What a provisioning document has for a device.
pub(crate) struct Provisioned {
    pub(crate) document: String,
    pub(crate) certificate: Vec<u8>,
    pub(crate) identity: Identity,
}

impl Provisioned {
    pub(crate) fn read(answer: &Answer, key: &KeyPair) -> Self {
        let text = answer.text();
        assert_eq!(answer.header("content-type"), Some(SOAP));
        assert_eq!(
            between(text, r#"<a:Action s:mustUnderstand="1">"#, "<"),
            "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep"
        );
        assert_eq!(
            between(text, "<a:RelatesTo>", "<"),
            "urn:uuid:11111111-0000-4000-8000-000000000003"
        );
        assert!(text.contains("DeviceEnrollmentProvisionDoc"), "{text}");
        let (_, token) = text.split_once("<BinarySecurityToken").expect("a token");
        let document = STANDARD.decode(between(token, ">", "<")).expect("base64");
        let document = String::from_utf8(document).expect("text");
        let own = between(
            &document,
            r#"<characteristic type="My">"#,
            r#"type="PrivateKeyContainer""#,
        );
        let certificate = STANDARD
            .decode(between(own, r#"name="EncodedCertificate" value=""#, "\""))
            .expect("base64");
        use sha2::Digest as _;
        let (_, named) = own.split_once(r#"<characteristic type=""#).expect("a store");
        let (_, named) = named
            .split_once(r#"<characteristic type=""#)
            .expect("a thumbprint");
        let thumbprint = named.split('"').next().expect("a thumbprint");
        let parsed = Certificate::from_der(&certificate).expect("a certificate");
        assert_eq!(thumbprint.len(), 40);
        assert_eq!(thumbprint, parsed.thumbprint());
        let public_key = children(children(&certificate)[0])[6];
        assert_eq!(
            sha2::Sha256::digest(public_key),
            sha2::Sha256::digest(key.subject_public_key_info()),
            "it is for the key of the request"
        );
        let identity = Identity {
            key: ordain_pki::KeyPair::from_der(&key.serialize_der()).expect("a key"),
            certificate: parsed,
        };
        Self {
            document,
            certificate,
            identity,
        }
    }
}

/// What a fault says: HTTP 500, subcode and the error type, if there is one.
#[track_caller]
pub(crate) fn fault(answer: &Answer) -> (String, Option<String>) {
    assert_eq!(answer.status.as_u16(), 500, "{answer:?}");
    let text = answer.text();
    assert_eq!(between(text, "<s:Code><s:Value>", "<"), "s:Receiver");
    let subcode = between(text, "<s:Subcode><s:Value>", "<").to_owned();
    let error = text
        .contains("<ErrorType>")
        .then(|| between(text, "<ErrorType>", "<").to_owned());
    (subcode, error)
}

/// A new enrollment token, for so many devices.
pub(crate) async fn token(house: &House, name: &str, uses: u32) -> String {
    let asked = json!({"name": name, "role": "enrollment", "uses": uses});
    let made: Value = house.admin("POST", "/tokens", Some(asked)).await.with(200).json();
    made["token"].as_str().expect("a token").to_owned()
}

/// What administrators see of the token of that name.
pub(crate) async fn token_row(house: &House, name: &str) -> Value {
    let tokens = house.get("/tokens").await;
    let row = tokens
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["name"] == name);
    row.expect("a token of that name").clone()
}
