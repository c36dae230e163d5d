//! Linked enrollments by messages that are written by hand: discovery, and who is given one.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::bad_message::raw_answer;
use crate::client::Answer;
use crate::house::{House, PUBLIC_URL};
use crate::identity::Identity;
use crate::windows_entra::{AUDIENCE, TENANT, changed, claims, house, signed, token_of};
use crate::windows_wire::*;

crate::on_each_database!(discovery, a_device_is_linked, who_is_not_linked,);

/// `DeviceID` of the linked enrollment.
const SOURCE: &str = "5E5E5E5E5E";

/// The first message of a session, with one alert.
pub(crate) fn package(source: &str, session: u32, alert: &str) -> String {
    format!(
        r#"<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>
  <SessionID>{session}</SessionID><MsgID>1</MsgID><Target><LocURI>https://mdm.example.org/</LocURI></Target>
  <Source><LocURI>{source}</LocURI></Source></SyncHdr><SyncBody>
  <Alert><CmdID>2</CmdID><Data>1201</Data></Alert>{alert}
  <Replace><CmdID>4</CmdID><Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>{source}</Data></Item></Replace>
  <Final/></SyncBody></SyncML>"#
    )
}

pub(crate) const LEAVES: &str = r#"<Alert><CmdID>3</CmdID><Data>1226</Data><Item><Meta>
  <Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type><Format xmlns="syncml:metinf">int</Format></Meta>
  <Data>1</Data></Item></Alert>"#;

/// No documents, in the form in which they are told.
const NOTHING: &str = r#"<Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta>
  <Type xmlns="syncml:metinf">com.microsoft.mdm.declaredconfigurationdocuments</Type></Meta>
  <Data><DeclaredConfigurations schema="1.0"/></Data></Item></Alert>"#;

/// A PC whose own enrollment is complete, and which Entra vouched for.
pub(crate) struct Enrolled {
    pub(crate) pc: Pc,
    pub(crate) own: Provisioned,
    /// Its identifier in Entra.
    pub(crate) entra: String,
}

impl Enrolled {
    pub(crate) async fn new(house: &House, hardware: &str) -> Self {
        let entra = format!("77777777-0000-0000-0000-{hardware:0>12}");
        let pc = Pc::new(house, hardware);
        let token = token_of(&changed(claims(house.now()), "deviceid", json!(entra)), &KEYS[2]);
        let answer = pc.enroll(&binary(JWT, &token), &KEYS[0]).await.with(200);
        let own = Provisioned::read(&answer, &KEYS[0]);
        let enrolled = Self { pc, own, entra };
        enrolled
            .says(PRIMARY, Some(&enrolled.own.identity), "")
            .await
            .with(200);
        enrolled
    }

    /// Begins a session, in which it says `alert`.
    pub(crate) async fn says(&self, path: &str, identity: Option<&Identity>, alert: &str) -> Answer {
        let source = if path == PRIMARY { "9C2D7B1E5A" } else { SOURCE };
        // A message with other content is of another session.
        let session = 7 + u32::try_from(alert.len()).expect("short");
        let message = package(source, session, alert);
        self.pc.post(path, message.as_bytes(), identity).await
    }

    /// What Entra says of it.
    pub(crate) fn claims(&self, house: &House) -> Value {
        let now = house.now();
        json!({
            "aud": AUDIENCE, "iss": format!("https://sts.windows.net/{TENANT}/"), "tid": TENANT,
            "iat": now, "nbf": now, "exp": now + 3_600, "deviceid": self.entra.to_uppercase(),
        })
    }

    fn security(&self, house: &House) -> String {
        binary(JWT, &token_of(&self.claims(house), &KEYS[2]))
    }

    /// As it speaks of itself in its linked enrollment.
    pub(crate) fn linked(&self) -> Pc {
        let mut pc = self
            .pc
            .clone()
            .with("DeviceID", SOURCE)
            .with("EnrollmentType", "Device");
        let id = self
            .pc
            .items()
            .iter()
            .find(|item| item.0 == "HWDevID")
            .expect("one")
            .1
            .to_owned();
        pc.items.push(("EmmDeviceId", id));
        pc
    }

    pub(crate) async fn link(&self, house: &House) -> Provisioned {
        let answer = ask(&self.linked(), &self.security(house)).await.with(200);
        Provisioned::read(&answer, &KEYS[1])
    }
}

/// Asks for a linked enrollment.
pub(crate) async fn ask(pc: &Pc, security: &str) -> Answer {
    let message = request(security, "Issue", PKCS10, &csr(&KEYS[1]), &pc.items());
    pc.post(LINKED_ENROLLMENT, message.as_bytes(), None).await
}

/// The phases of the device's channels.
pub(crate) async fn phases(house: &House, name: &str) -> Vec<(String, String)> {
    let device = house.device(name).await;
    let channels = device["channels"].as_array().expect("channels").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    channels
        .map(|channel| (text(&channel["id"]), text(&channel["phase"])))
        .collect()
}

pub(crate) fn phase(id: &str, phase: &str) -> (String, String) {
    (id.to_owned(), phase.to_owned())
}

async fn discovery(database: Database) {
    let house = house(database).await;
    let pc = Pc::new(&house, "PC-1");
    let asks = async |request: Value| {
        let answer = pc
            .post(LINKED_DISCOVERY, request.to_string().as_bytes(), None)
            .await
            .with(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        answer.json()
    };
    let joined = asks(json!({
        "userDomain": "example.org", "upn": "", "tenantId": "t", "emmDeviceId": "PC-1", "enrollmentType": "Device",
        "osVersion": "10.0.22631.3958",
    }))
    .await;
    let url = |path: &str| json!(format!("{PUBLIC_URL}{path}"));
    assert_eq!(
        joined,
        json!({
            "EnrollmentServiceUrl": url(LINKED_ENROLLMENT), "EnrollmentPolicyServiceUrl": url(LINKED_POLICY),
            "AuthenticationServiceUrl": url(SIGN_IN), "AuthPolicy": "Federated", "EnrollmentVersion": "4.0",
            "ManagementResource": AUDIENCE,
        })
    );
    let bare = asks(json!({"osVersion": "10.0.22631.3958"})).await;
    assert_eq!(bare, joined, "whoever asks, it is the same");
    let registered = json!({"enrollmentType": "User", "osVersion": "10.0.26100.1301"});
    let again = asks(registered.clone()).await;
    assert_eq!(
        (&again["errorCode"], &again["EnrollmentServiceUrl"]),
        (&json!("UPNRequired"), &json!(""))
    );
    for upn in ["ada@example.org", ""] {
        let answer = asks(changed(registered.clone(), "upn", json!(upn))).await;
        assert_eq!(answer["AuthPolicy"], "Certificate");
        assert_eq!(answer.get("ManagementResource"), None);
    }
    let odd = asks(json!({"enrollmentType": "Toaster", "osVersion": "10.0.26100.1301"})).await;
    assert_eq!(odd["errorCode"], "NotSupported");
    for nonsense in ["", "{}", "[1]", r#"{"osVersion":1}"#, "<a/>"] {
        pc.post(LINKED_DISCOVERY, nonsense.as_bytes(), None)
            .await
            .with(400);
    }
    let head = format!(
        "POST {LINKED_DISCOVERY} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        65 << 10
    );
    assert_eq!(raw_answer(&house, &head, b"").await, "HTTP/1.1 413");

    // Without Entra there is nothing for joined devices; registered ones need none.
    let plain = House::open(Database::sqlite()).await;
    let pc = Pc::new(&plain, "PC-1");
    let asks = async |kind: &str| {
        let request = json!({"enrollmentType": kind, "upn": "a@b.test", "osVersion": "10.0.26100.1301"});
        let answer = pc
            .post(LINKED_DISCOVERY, request.to_string().as_bytes(), None)
            .await;
        answer.with(200).json()
    };
    assert_eq!(asks("Device").await["errorCode"], "NotSupported");
    assert_eq!(asks("User").await["AuthPolicy"], "Certificate");
}

async fn a_device_is_linked(database: Database) {
    let mut house = house(database).await;
    let device = Enrolled::new(&house, "PC-1").await;
    let policy = get_policies(&device.security(&house));
    device
        .pc
        .post(LINKED_POLICY, policy.as_bytes(), None)
        .await
        .with(200);
    let linked = device.link(&house).await;
    let document = &linked.document;
    for part in [
        r#"<parm name="PROVIDER-ID" value="Ordain-DC"/>"#.to_owned(),
        format!(r#"<parm name="ADDR" value="{PUBLIC_URL}{LINKED}"/>"#),
        r#"<characteristic type="My"><characteristic type="System">"#.to_owned(),
        r#"<characteristic type="Provider"><characteristic type="Ordain-DC">"#.to_owned(),
        r#"name="IntervalForRemainingScheduledRetries" value="480""#.to_owned(),
        r#"name="NumberOfRemainingScheduledRetries" value="0""#.to_owned(),
        r#"name="EntDMID" value="PC-1::linked""#.to_owned(),
        "Stores=My%5CSystem".to_owned(),
    ] {
        assert!(document.contains(&part), "{part} in {document}");
    }
    let subject = linked
        .identity
        .certificate
        .common_name()
        .expect("a name")
        .to_owned();
    assert_ne!(subject, "PC-1", "both certificates may be in one store");
    assert!(
        document.contains(&format!("Subject=CN%3D{subject}")),
        "{document}"
    );
    assert_eq!(
        phases(&house, "PC-1").await,
        [phase("PC-1", "enrolled"), phase("PC-1::linked", "authenticated")]
    );
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["detail"]["enrollment"]),
        (&json!("link"), &json!("PC-1::linked"))
    );
    house.restart().await;
    let answer = device
        .says(LINKED, Some(&linked.identity), NOTHING)
        .await
        .with(200);
    let text = answer.text();
    assert!(
        text.contains("<Cmd>SyncHdr</Cmd><Data>200</Data>") && text.contains("<Final/>"),
        "{text}"
    );
    assert_eq!(text.matches("<Status>").count(), 4, "{text}");
    assert_eq!(phases(&house, "PC-1").await[1], phase("PC-1::linked", "enrolled"));
    let row = house.get("/devices").await;
    assert_eq!(row["matching"], 1, "a channel is no device");

    // Again, as when the answer was lost: what was before is worth nothing.
    let again = device.link(&house).await;
    assert_eq!(again.identity.certificate.common_name(), Some(subject.as_str()));
    let opens_nothing = async || {
        let answer = device.says(LINKED, Some(&linked.identity), "").await;
        assert!(answer.with(403).body.is_empty());
    };
    opens_nothing().await;
    device.says(LINKED, Some(&again.identity), "").await.with(200);
    opens_nothing().await;
    device
        .says(PRIMARY, Some(&device.own.identity), "")
        .await
        .with(200);
}

async fn who_is_not_linked(database: Database) {
    let house = house(database).await;
    let (one, two) = (
        Enrolled::new(&house, "PC-1").await,
        Enrolled::new(&house, "PC-2").await,
    );
    let refused = async |pc: &Pc, security: &str| fault(&ask(pc, security).await).0;
    let token = |name: &str, value: Value| token_of(&changed(one.claims(&house), name, value), &KEYS[2]);
    let good = one.linked();
    let genuine = one.security(&house);

    // What proves nothing.
    let unsigned = {
        let whole = signed(
            &json!({"typ": "JWT", "alg": "none", "kid": "k1"}),
            &one.claims(&house),
            &KEYS[2],
        );
        let (message, _) = whole.rsplit_once('.').expect("a token");
        format!("{message}.")
    };
    for (what, token) in [
        ("alg none", unsigned),
        ("a forged one", token_of(&one.claims(&house), &KEYS[0])),
        (
            "another audience",
            token("aud", json!("https://elsewhere.example.org/")),
        ),
        (
            "another tenant",
            token("tid", json!("22222222-2222-3333-4444-555555555555")),
        ),
        ("expired", token("exp", json!(house.now() - 3_600))),
        ("of no device", token("deviceid", Value::Null)),
    ] {
        let security = binary(JWT, &token);
        assert_eq!(refused(&good, &security).await, "s:Authentication", "{what}");
        let policy = get_policies(&security);
        let answer = one.pc.post(LINKED_POLICY, policy.as_bytes(), None).await;
        assert_eq!(fault(&answer).0, "s:Authentication", "{what}");
    }
    let secret = crate::windows_wire::token(&house, "lab", 1).await;
    for security in [
        "",
        &password("ada@example.org", &secret),
        &binary(USER_TOKEN, &secret),
    ] {
        assert_eq!(refused(&good, security).await, "s:Authentication");
    }
    // What is not of one device.
    let of_two = two.security(&house);
    let without = |name: &str| {
        let mut pc = one.linked();
        pc.items.retain(|item| item.0 != name);
        pc
    };
    for (what, pc, security) in [
        ("the other's token", good.clone(), &of_two),
        (
            "the other's hardware",
            good.clone().with("HWDevID", "PC-2"),
            &genuine,
        ),
        (
            "the other's enrollment",
            good.clone().with("EmmDeviceId", "PC-2"),
            &genuine,
        ),
        (
            "neither",
            without("EmmDeviceId").with("HWDevID", "PC-9"),
            &genuine,
        ),
        (
            "a linked channel",
            good.clone().with("EmmDeviceId", "PC-1::linked"),
            &genuine,
        ),
    ] {
        assert_eq!(refused(&pc, security).await, "s:Authorization", "{what}");
    }
    assert_eq!(phases(&house, "PC-1").await.len(), 1);
    // Either name is enough.
    ask(&without("EmmDeviceId"), &genuine).await.with(200);
    ask(&without("HWDevID"), &genuine).await.with(200);

    // A device that Entra did not vouch for, and that has not told its identifier there.
    let unknown = Pc::new(&house, "PC-3");
    let own = unknown.enrolled(&secret, &KEYS[0]).await;
    let security = binary(
        JWT,
        &token("deviceid", json!("88888888-0000-0000-0000-000000000000")),
    );
    let mut linked = unknown.clone();
    linked.items.push(("EmmDeviceId", "PC-3".to_owned()));
    assert_eq!(
        refused(&linked, &security).await,
        "s:Authorization",
        "not complete"
    );
    unknown
        .post(
            PRIMARY,
            package("9C2D7B1E5A", 1, "").as_bytes(),
            Some(&own.identity),
        )
        .await
        .with(200);
    assert_eq!(
        refused(&linked, &security).await,
        "s:Authorization",
        "not known in Entra"
    );
    // One that has left.
    two.says(PRIMARY, Some(&two.own.identity), LEAVES).await.with(200);
    assert_eq!(refused(&two.linked(), &of_two).await, "s:Authorization");
    // And a certificate request that is none.
    let message = request(
        &genuine,
        "Issue",
        PKCS10,
        &csr_signed_by(&KEYS[1], &KEYS[0]),
        &good.items(),
    );
    let answer = one.pc.post(LINKED_ENROLLMENT, message.as_bytes(), None).await;
    assert_eq!(fault(&answer).0, "s:CertificateRequest");
}
