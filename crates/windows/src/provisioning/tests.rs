use super::*;
use crate::secret::Secret;
use crate::tests::{infoset, with};

const ENROLLMENT: &str = include_str!("../../fixtures/provisioning.xml");
const RENEWAL: &str = include_str!("../../fixtures/provisioning-renewal.xml");

fn certificate(thumbprint: &str, number: u8) -> Certificate {
    Certificate {
        thumbprint: thumbprint.to_owned(),
        der: vec![0x30, 3, 2, 1, number],
    }
}

fn enrollment() -> ProvisioningDocument {
    let auth = |name: Option<&str>, secret: &str, nonce: &[u8]| AppAuth {
        kind: AuthType::Digest,
        name: name.map(str::to_owned),
        secret: Secret::new(secret),
        nonce: Some(nonce.to_vec()),
    };
    ProvisioningDocument {
        certificates: Certificates {
            root: Some(certificate(&"A".repeat(40), 1)),
            intermediate: None,
            identity: Identity {
                store: Store::User,
                certificate: certificate("0123456789ABCDEF0123456789ABCDEF01234567", 2),
                key_container: KeyContainer::Beside,
            },
            renewal: Some(Renewal {
                period: 42,
                retry_interval: 4,
                server_url: None,
            }),
        },
        application: Application {
            provider_id: "LabMDM".to_owned(),
            account: Some(Account {
                name: "The lab & its devices".to_owned(),
                address: "https://mdm.lab.test/omadm".to_owned(),
                connection_retries: Some(6),
                initial_backoff: Some(30_000),
                max_backoff: Some(120_000),
                no_older_protocol: true,
                hardware_id: false,
                client_certificate: SearchCriteria {
                    subject: "CN=7F00".to_owned(),
                    store: Store::User,
                },
                server_proof: auth(None, "of the server", b"nonce-0000"),
                device_proof: auth(Some("7F00"), "of the device", b"nonce-0001"),
            }),
        },
        dm_client: Some(DmClient {
            provider_id: "LabMDM".to_owned(),
            upn: Some("ida@lab.test".to_owned()),
            device_name: None,
            ent_dm_id: Some("emm-7".to_owned()),
            sync_application_version: None,
            poll: Some(Poll {
                counts: [8, 5, 0],
                intervals: [15, 3, 1560],
                on_login: Some(true),
                on_first_login_of_all: None,
            }),
        }),
    }
}

#[test]
fn an_enrollment() {
    let document = enrollment();
    assert_eq!(
        ProvisioningDocument::parse(ENROLLMENT.as_bytes()).unwrap(),
        document
    );
    assert_eq!(
        infoset(&document.to_xml().unwrap()),
        infoset(ENROLLMENT.as_bytes())
    );
    assert!(document.dm_client.unwrap().poll.unwrap().problems().is_empty());
}

#[test]
fn an_enrollment_of_the_device_itself() {
    let text = ENROLLMENT
        .replace("\"User\"", "\"System\"")
        .replace("My%5CUser", "MY%5csystem");
    let read = ProvisioningDocument::parse(text.as_bytes()).unwrap();
    assert_eq!(read.certificates.identity.store, Store::System);
    assert_eq!(
        read.application
            .account
            .as_ref()
            .unwrap()
            .client_certificate
            .store,
        Store::System
    );
    let written = read.to_xml().unwrap();
    assert!(
        std::str::from_utf8(&written)
            .unwrap()
            .contains("Stores=My%5CSystem")
    );
    assert_eq!(ProvisioningDocument::parse(&written).unwrap(), read);
}

#[test]
fn a_renewal() {
    let document = ProvisioningDocument {
        certificates: Certificates {
            root: None,
            intermediate: None,
            identity: Identity {
                store: Store::User,
                certificate: certificate("0123456789ABCDEF0123456789ABCDEF01234567", 3),
                key_container: KeyContainer::Inside,
            },
            renewal: None,
        },
        application: Application {
            provider_id: "LabMDM".to_owned(),
            account: None,
        },
        dm_client: None,
    };
    assert_eq!(ProvisioningDocument::parse(RENEWAL.as_bytes()).unwrap(), document);
    assert_eq!(infoset(&document.to_xml().unwrap()), infoset(RENEWAL.as_bytes()));
}

#[test]
fn what_a_careful_client_refuses() {
    for (old, new, error) in [
        (
            "version=\"1.1\"",
            "version=\"1.0\"",
            Error::Value("wap-provisioningdoc"),
        ),
        (
            "type=\"DMClient\"",
            "type=\"Policy\"",
            Error::Value("characteristic"),
        ),
        (
            "type=\"APPLICATION\"",
            "type=\"Application\"",
            Error::Value("characteristic"),
        ),
        ("\"ADDR\"", "\"Addr\"", Error::Missing("x")),
        ("value=\"w7\"", "value=\"w5\"", Error::Value("APPID")),
        ("0123456789ABCDEF", "0123456789abcdef", Error::Value("thumbprint")),
        ("MAMCAQI=", "MAMC AQI=", Error::Value("EncodedCertificate")),
        (
            "<characteristic type=\"PrivateKeyContainer\"/>",
            "",
            Error::Missing("PrivateKeyContainer"),
        ),
        ("value=\"APPSRV\"", "value=\"CLIENT\"", Error::Repeated("CLIENT")),
        ("value=\"APPSRV\"", "value=\"OBEX\"", Error::Missing("APPSRV")),
        ("value=\"DIGEST\"", "value=\"BASIC\"", Error::Value("AAUTHTYPE")),
        (
            "<characteristic type=\"LabMDM\">",
            "<characteristic type=\"Other\">",
            Error::Value("PROVIDER-ID"),
        ),
        (
            "name=\"RetryInterval\" value=\"4\"",
            "name=\"RetryInterval\" value=\"43\"",
            Error::Value("RetryInterval"),
        ),
        (
            "name=\"RenewPeriod\" value=\"42\"",
            "name=\"RenewPeriod\" value=\"0\"",
            Error::Value("RenewPeriod"),
        ),
        (
            "name=\"ROBOSupport\" value=\"true\"",
            "name=\"ROBOSupport\" value=\"false\"",
            Error::Value("ROBOSupport"),
        ),
        ("dm+xml", "dm+wbxml", Error::Value("DEFAULTENCODING")),
        (
            "Subject=CN",
            "Issuer=CN",
            Error::Value("SSLCLIENTCERTSEARCHCRITERIA"),
        ),
        ("name=\"CONNRETRYFREQ\"", "name=\"ROLE\"", Error::Value("ROLE")),
        ("name=\"NAME\"", "name=\"ADDR\"", Error::Repeated("ADDR")),
    ] {
        let read = ProvisioningDocument::parse(&with(ENROLLMENT, old, new));
        if error == Error::Missing("x") {
            // Without an address it is none of an enrollment.
            assert_eq!(read.unwrap().application.account, None);
        } else {
            assert_eq!(read.unwrap_err(), error, "{old}");
        }
    }
}

#[test]
fn poll_rules() {
    let problems = |counts, intervals| {
        let poll = Poll {
            counts,
            intervals,
            on_login: None,
            on_first_login_of_all: None,
        };
        poll.problems()
    };
    use PollProblem::{FirstEndless, MoreThanDaily, Never, TwoEndless};
    assert_eq!(problems([8, 5, 0], [15, 3, 1560]), []);
    assert_eq!(
        problems([0, 0, 0], [0, 0, 0]),
        [Never, FirstEndless, MoreThanDaily]
    );
    assert_eq!(problems([8, 0, 0], [15, 3, 1560]), [TwoEndless]);
    assert_eq!(problems([0, 0, 0], [1, 0, 0]), [FirstEndless, MoreThanDaily]);
    assert_eq!(problems([3, 0, 0], [5, 0, 480]), [MoreThanDaily]);
}

#[test]
fn subjects_are_escaped() {
    for subject in ["CN=a b&Stores=x", "CN=100%,O=\"ü\"", "", "CN=a=b/c"] {
        let mut document = enrollment();
        let account = document.application.account.as_mut().unwrap();
        account.client_certificate.subject = subject.to_owned();
        let written = document.to_xml().unwrap();
        assert_eq!(ProvisioningDocument::parse(&written).unwrap(), document);
    }
}
