//! Certificates and CMS messages put together by hand, so that they can be wrong in any way.

use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};

pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        long => [&[0x83], &(long as u32).to_be_bytes()[1..]].concat(),
    };
    // A three-octet length where one would do is not DER: certificates need the minimal one.
    let length = match length.as_slice() {
        [0x83, 0, 0, low] => vec![0x81, *low],
        [0x83, 0, middle, low] => vec![0x82, *middle, *low],
        _ => length,
    };
    [&[tag], length.as_slice(), &content].concat()
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

pub(crate) fn oid(hex: &str) -> Vec<u8> {
    tlv(6, &[&hex::decode(hex).unwrap()])
}

pub(crate) fn name(common_name: &str) -> Vec<u8> {
    sequence(&[&tlv(
        0x31,
        &[&sequence(&[
            &oid("550403"),
            &tlv(0x0c, &[common_name.as_bytes()]),
        ])],
    )])
}

pub(crate) fn p256() -> KeyPair {
    KeyPair::generate(KeyKind::P256).unwrap()
}

pub(crate) fn ecdsa_sha256() -> Vec<u8> {
    sequence(&[&oid("2a8648ce3d040302")])
}

pub(crate) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&oid(id), critical, &tlv(4, &[value])])
}

/// Basic constraints of an authority.
pub(crate) fn ca(path_length: Option<u8>) -> Vec<u8> {
    let length = path_length.map(|length| vec![2, 1, length]).unwrap_or_default();
    extension("551d13", true, &sequence(&[&[1, 1, 0xff], &length]))
}

pub(crate) fn key_usage(bits: u8) -> Vec<u8> {
    extension("551d0f", true, &[3, 2, 0, bits])
}

/// What a certificate shall say. Valid from 2020 to 2040.
pub(crate) struct Draft<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) public_key: &'a [u8],
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) validity: (&'a str, &'a str),
}

impl<'a> Draft<'a> {
    pub(crate) fn new(issuer: &'a str, subject: &'a str, key: &'a KeyPair) -> Self {
        let validity = ("20200101000000Z", "20400101000000Z");
        Self {
            issuer,
            subject,
            public_key: key.public_key(),
            extensions: vec![],
            validity,
        }
    }

    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    pub(crate) fn valid(mut self, from: &'a str, to: &'a str) -> Self {
        self.validity = (from, to);
        self
    }

    pub(crate) fn sign(&self, key: &KeyPair) -> Certificate {
        let extensions = match self.extensions.as_slice() {
            [] => vec![],
            list => tlv(0xa3, &[&sequence(&[&list.concat()])]),
        };
        let time = |text: &str| tlv(0x18, &[text.as_bytes()]);
        let tbs = sequence(&[
            &tlv(0xa0, &[&[2, 1, 2]]),
            &[2, 1, 7],
            &ecdsa_sha256(),
            &name(self.issuer),
            &sequence(&[&time(self.validity.0), &time(self.validity.1)]),
            &name(self.subject),
            self.public_key,
            &extensions,
        ]);
        let signature = tlv(3, &[&[0], &key.sign(&tbs).unwrap()]);
        Certificate::from_der(&sequence(&[&tbs, &ecdsa_sha256(), &signature])).unwrap()
    }
}

/// A DER element (or several) as BER with indefinite lengths and every octet string in segments.
pub(crate) fn streamed(mut der: &[u8]) -> Vec<u8> {
    let mut ber = Vec::new();
    while let [tag, first, rest @ ..] = der {
        let (octets, rest) = rest.split_at(if *first < 0x80 {
            0
        } else {
            usize::from(first & 0x7f)
        });
        let long = octets
            .iter()
            .fold(0, |length, octet| length << 8 | usize::from(*octet));
        let (content, rest) = rest.split_at(if *first < 0x80 { usize::from(*first) } else { long });
        match tag {
            0x04 => {
                let segments: Vec<_> = content.chunks(100).map(|segment| tlv(4, &[segment])).collect();
                ber.extend([&[0x24, 0x80], segments.concat().as_slice(), &[0, 0]].concat());
            }
            tag if tag & 0x20 != 0 => {
                ber.extend([&[*tag, 0x80], streamed(content).as_slice(), &[0, 0]].concat())
            }
            tag => ber.extend(tlv(*tag, &[content])),
        }
        der = rest;
    }
    ber
}
