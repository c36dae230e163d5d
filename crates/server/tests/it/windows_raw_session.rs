//! The management sequences of the specification's examples, by a client that shares nothing with the server.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::house::House;
use crate::policy::blueprint;
use crate::windows_element::Element;
use crate::windows_raw::{HARDWARE, RawPc};

crate::on_each_database!(
    the_first_session,
    a_failing_atomic,
    a_package_and_its_outcome,
    a_result_that_is_too_large,
    the_device_leaves,
    the_server_ends_it,
);

pub(crate) async fn publish(house: &House, name: &'static str, file: &Value) {
    let path = format!("windows/{name}.json");
    let mut file = file.clone();
    file["Identifier"] = json!(name);
    house
        .publish(&[
            (path.as_str(), file.to_string()),
            ("blueprints/all.yaml", blueprint("base", "all", &[name])),
        ])
        .await;
}

/// What is known of the one declaration, and the state of the device.
pub(crate) async fn known(house: &House) -> (Value, Value) {
    let device = house.device(HARDWARE).await;
    let row = house.get("/devices").await["devices"][0].clone();
    (
        device["channels"][0]["declarations"][0].clone(),
        row["state"].clone(),
    )
}

/// The codes of the statuses of a message, the header's first.
fn codes(message: &Element) -> Vec<&str> {
    let body = message.find("SyncBody").expect("a body").children.iter();
    let statuses = body.filter(|it| it.name == "Status");
    statuses.map(|status| status.at("Data")).collect()
}

pub(crate) const POLICY: &str = "./Device/Vendor/MSFT/Policy/Config";

/// Examples 1 and 3, and what becomes of a setting.
async fn the_first_session(database: Database) {
    let house = House::open(database).await;
    let camera = format!("{POLICY}/Camera/AllowCamera");
    publish(&house, "camera", &json!({"settings": [{camera.as_str(): 0}]})).await;
    let mut pc = RawPc::enrolled(&house).await;
    assert_eq!(
        house.device(HARDWARE).await["channels"][0]["phase"],
        "authenticated"
    );
    let heard = pc.session().await;
    assert_eq!(codes(&heard[0]), ["200"; 4]);
    assert_eq!(
        codes(heard.last().expect("an end")),
        ["200"],
        "a status for the header, and no more"
    );
    let given = |what: &str| pc.given.iter().position(|given| given == what);
    assert!(given("Get ./DevDetail/SwV").is_some());
    let version = "./Device/Vendor/MSFT/DMClient/Provider/Ordain/SyncApplicationVersion chr 3.0";
    assert!(given(&format!("Replace {version}")).is_some(), "{:?}", pc.given);
    // It was asked for, set, and read back.
    let (get, set) = (format!("Get {camera}"), format!("Replace {camera} int 0"));
    let of_camera: Vec<&String> = pc.given.iter().filter(|given| given.contains(&camera)).collect();
    assert_eq!(of_camera, [&get, &set, &get]);
    let device = house.device(HARDWARE).await;
    let channel = &device["channels"][0];
    assert_eq!(channel["phase"], "enrolled");
    let items = &channel["status"];
    assert_eq!(items["windows.os.version"], "10.0.22631.3958");
    assert_eq!(items["windows.device.model"], "Desk 1");
    assert_eq!(items["windows.os.edition"], "pro");
    assert_eq!(items.get("windows.os.mode"), None, "404 is no value");
    let (camera_is, state) = known(&house).await;
    assert_eq!(
        (&camera_is["confirmed"], state),
        (&json!(true), json!("converged"))
    );
    // The next session finds everything as it should be.
    pc.given.clear();
    pc.session().await;
    assert!(
        pc.given.iter().all(|given| given.starts_with("Get")
            || given.contains("/Poll/")
            || given.contains("ManagementServerAddressList")),
        "{:?}",
        pc.given
    );
}

/// Example 4.
async fn a_failing_atomic(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let nowhere = format!("{POLICY}/Nowhere~Policy~None/NoSuchPolicy");
    let file = json!({"atomic": true, "settings": [
        {format!("{POLICY}/Experience/AllowCortana"): 0},
        {"path": nowhere, "format": "int", "value": 1},
        {format!("{POLICY}/Camera/AllowCamera"): 1},
    ]});
    publish(&house, "both", &file).await;
    let refused = (404, r#" msft:originalerror="0x86000002""#);
    pc.refuses.insert(nowhere.replace("/Device", ""), refused);
    pc.session().await;
    let atomic = pc
        .given
        .iter()
        .position(|given| given == "Atomic")
        .expect("an Atomic");
    assert_eq!(
        pc.given[atomic + 1..atomic + 4],
        [
            format!("  Replace {POLICY}/Experience/AllowCortana int 0"),
            format!("  Replace {nowhere} int 1"),
            format!("  Replace {POLICY}/Camera/AllowCamera int 1"),
        ]
    );
    assert!(
        !pc.tree.keys().any(|node| node.contains("AllowCortana")),
        "rolled back"
    );
    let (both, state) = known(&house).await;
    assert_eq!((&both["confirmed"], state), (&json!(false), json!("failed")));
    let reasons = both["reasons"].as_array().expect("reasons");
    assert_eq!(reasons.len(), 1, "of the one that failed: {both}");
    let why = reasons[0].to_string();
    assert!(
        why.contains("Error.SyncML404") && why.contains(&nowhere) && why.contains("0x86000002"),
        "{why}"
    );
    // Again would be the same.
    pc.given.clear();
    pc.session().await;
    assert!(!pc.given.contains(&"Atomic".to_owned()));
}

/// Orders a command, which must be taken.
async fn order(house: &House, mut body: Value) -> String {
    body["devices"] = json!([HARDWARE]);
    let made: Value = house
        .admin("POST", "/commands", Some(body))
        .await
        .with(200)
        .json();
    made["id"].as_str().expect("a name").to_owned()
}

/// State and reason of an order.
async fn outcome(house: &House, id: &str) -> (Value, Value) {
    let delivery = house.get(&format!("/commands/{id}")).await["deliveries"][0].clone();
    (delivery["state"].clone(), delivery["reason"].clone())
}

/// Example 13.
async fn a_package_and_its_outcome(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let product = |last: u8| format!("88888888-0000-4000-8000-00000000000{last}");
    let node = |last: u8| {
        format!(
            "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B{}%7D",
            product(last)
        )
    };
    let hash = "0123456789ABCDEF".repeat(4);
    let mut orders = Vec::new();
    for last in [1, 2] {
        let keys = json!({
            "product": format!("{{{}}}", product(last)), "version": "1.2.0", "arguments": "/quiet",
            "url": "https://mdm.example.org/content/app.msi", "sha256": hash,
        });
        orders.push(
            order(
                &house,
                json!({"request_type": "windows.install-msi", "keys": keys}),
            )
            .await,
        );
    }
    pc.session().await;
    let job = format!(
        r#"<MsiInstallJob id="{{{}}}"><Product Version="1.2.0"><Download><ContentURLList><ContentURL>https://mdm.example.org/content/app.msi</ContentURL></ContentURLList></Download><Validation><FileHash>{hash}</FileHash></Validation><Enforcement><CommandLine>/quiet</CommandLine><TimeOut>10</TimeOut><RetryCount>3</RetryCount><RetryInterval>5</RetryInterval></Enforcement></Product></MsiInstallJob>"#,
        product(1)
    );
    let add = format!("Add {}/DownloadInstall", node(1));
    let at = pc.given.iter().position(|given| *given == add).expect("the node");
    assert_eq!(
        pc.given[at + 1],
        format!("Exec {}/DownloadInstall xml {job}", node(1))
    );
    for id in &orders {
        assert_eq!(outcome(&house, id).await.0, "sent", "it has only begun");
    }
    let alert = |last: u8, hresult: &str| {
        format!(
            r#"<Alert><CmdID>4{last}</CmdID><Data>1224</Data><Item>
      <Source><LocURI>{}</LocURI></Source>
      <Meta><Type xmlns="syncml:metinf">Reversed-Domain-Name:com.microsoft.mdm.win32csp_install</Type>
        <Format xmlns="syncml:metinf">int</Format><Mark xmlns="syncml:metinf">informational</Mark></Meta>
      <Data>{hresult}</Data></Item></Alert>"#,
            node(last)
        )
    };
    pc.alerts = alert(1, "0") + &alert(2, "-2147023293") + &alert(3, "0");
    pc.session().await;
    assert_eq!(outcome(&house, &orders[0]).await.0, "acknowledged");
    let (state, why) = outcome(&house, &orders[1]).await;
    assert_eq!(state, "failed");
    assert!(why.to_string().contains("0x80070643"), "{why}");
    assert_eq!(
        pc.given.iter().filter(|given| given.starts_with("Exec")).count(),
        2,
        "each once"
    );
}

/// Example 15.
async fn a_result_that_is_too_large(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let names: Vec<String> = (0..3_000)
        .map(|n| format!("77777777-0000-4000-8000-{n:012}"))
        .collect();
    let updates = "./Vendor/MSFT/Update/InstallableUpdates";
    pc.tree.insert(updates.to_owned(), names.join("/"));
    let heard = pc.session().await;
    let asks: Vec<&Element> = heard
        .iter()
        .filter(|message| message.find("SyncBody/Alert").is_some())
        .collect();
    assert_eq!(asks.len(), 2, "110 kB in parts of 50");
    for asks in asks {
        let body = asks.find("SyncBody").expect("a body");
        assert!(body.find("Final").is_none() && body.at("Alert/Data") == "1222");
        let parts = body.children.iter().filter(|it| it.at("Cmd") == "Results");
        assert_eq!(parts.map(|part| part.at("Data")).collect::<Vec<_>>(), ["213"]);
    }
    let device = house.device(HARDWARE).await;
    assert_eq!(
        device["channels"][0]["status"]["windows.update.installable"],
        3_000
    );
    // Less comes than was announced: it is no value.
    let message = pc.package_1();
    let answer = pc.send(&message).await;
    let first = pc.answer(&answer).expect("a part");
    let answer = pc
        .send(&first.replace(
            "<Size xmlns=\"syncml:metinf\">1",
            "<Size xmlns=\"syncml:metinf\">2",
        ))
        .await;
    let mut next = pc.answer(&answer);
    let mut told = Vec::new();
    while let Some(message) = next {
        let answer = pc.send(&message).await;
        let statuses = answer.find("SyncBody").expect("a body").children.iter();
        let of_results = statuses.filter(|it| it.at("Cmd") == "Results");
        told.extend(of_results.map(|it| it.at("Data").to_owned()));
        next = pc.answer(&answer);
    }
    assert_eq!(told.last().map(String::as_str), Some("424"), "{told:?}");
    let device = house.device(HARDWARE).await;
    let items = &device["channels"][0]["status"];
    assert_eq!(
        items.get("windows.update.installable"),
        None,
        "what is not known is not shown"
    );
}

/// Example 12: what a device says that leaves.
const LEAVES: &str = r#"
    <Alert>
      <CmdID>4</CmdID>
      <Data>1226</Data>
      <Item>
        <Meta>
          <Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type>
          <Format xmlns="syncml:metinf">int</Format>
        </Meta>
        <Data>1</Data>
      </Item>
    </Alert>"#;

async fn the_device_leaves(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    pc.session().await;
    pc.alerts = LEAVES.to_owned();
    let heard = pc.session().await;
    assert_eq!(
        (heard.len(), codes(&heard[0])),
        (1, vec!["200"; 5]),
        "nothing is asked of it any more"
    );
    assert_eq!(
        house.device(HARDWARE).await["channels"][0]["phase"],
        "checked-out"
    );
    let message = pc.package_1();
    assert!(pc.post(&message).await.with(403).body.is_empty());
}

async fn the_server_ends_it(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let id = order(
        &house,
        json!({"request_type": "windows.unenroll", "confirm": true}),
    )
    .await;
    let exec = "Exec ./Device/Vendor/MSFT/DMClient/Provider/Ordain/Unenroll chr Ordain";
    let mut next = Some(pc.package_1());
    while !pc.given.contains(&exec.to_owned()) {
        let answer = pc.send(&next.expect("a message")).await;
        next = pc.answer(&answer);
    }
    // The device does not say anything to the command; its last message is a session of its own.
    assert_eq!(outcome(&house, &id).await.0, "sent");
    pc.alerts = LEAVES.to_owned();
    let heard = pc.session().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(outcome(&house, &id).await.0, "acknowledged");
    let device = house.device(HARDWARE).await;
    assert_eq!(device["channels"][0]["phase"], "checked-out");
    let message = pc.package_1();
    pc.post(&message).await.with(403);
}
