//! What is left of documents when their enrollment ends: nothing, on the device and here. The PC is a simulated one.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::Join;
use ordain_testbed::Database;
use ordain_twin::windows::{Account, Standing, Value as Set};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;
use serde_json::{Value, json};

use crate::client::{Client, Manner};
use crate::events;
use crate::house::House;
use crate::identity::Identity;
use crate::policy::blueprint;
use crate::windows_actions::{order, state};
use crate::windows_tenant::*;
use crate::windows_twin::Managed;
use crate::windows_wire::{LINKED, PRIMARY};

crate::on_each_database!(
    unlinking_takes_back_what_documents_set,
    what_is_to_be_unlinked_loses_no_documents_before,
    what_the_server_ends_leaves_nothing,
    who_leaves_leaves_nothing,
);

const WIFI: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml";
const VPN: &str = "./Device/Vendor/MSFT/VPNv2/Work/AlwaysOn";
const SCEP: &str = "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/Lab/Status";
const PFX: &str = "./User/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/Lab/Status";
const REFRESH: &str =
    "./Device/Vendor/MSFT/DeclaredConfiguration/ManagementServiceConfiguration/RefreshInterval";
const ENDPOINT: &str = "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment/DiscoveryEndpoint";
const NAMESPACE: &str = "root/Microsoft/Windows/DesiredStateConfiguration";
const CLASS: &str = "MSFT_FileDirectoryConfiguration";
const FILE: &str = "C:\\motd.txt";

/// A document of each kind: profiles, certificates of the device and of its user, a provider's resource, inventories. The VPN is
/// for those of whom an inventory tells what it should.
const DOCUMENTS: [(&str, &str); 9] = [
    (
        "windows/wifi.yaml",
        r#"
Identifier: wifi
scenario: MSFTWifi
refresh-interval: 60
csp:
  - name: ./Vendor/MSFT/WiFi
    settings:
      - path: Profile/Lab/WlanXml
        format: chr
        value: '<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1"><name>Lab</name></WLANProfile>'
"#,
    ),
    (
        "windows/vpn.yaml",
        "
Identifier: vpn
scenario: MSFTVPN
csp:
  - name: ./Vendor/MSFT/VPNv2
    settings:
      - Work/NativeProfile/Servers: vpn.example.org
      - Work/NativeProfile/NativeProtocolType: IKEv2
      - Work/AlwaysOn: true
",
    ),
    (
        "windows/scep.yaml",
        "
Identifier: scep
scenario: MSFTClientCertificateInstall
csp:
  - name: ./Vendor/MSFT/ClientCertificateInstall
    settings:
      - SCEP/Lab/Install/ServerURL: https://scep.example.org/scep
      - SCEP/Lab/Install/Challenge: one-time-challenge
      - SCEP/Lab/Install/SubjectName: CN=lab-1
      - SCEP/Lab/Install/EKUMapping: 1.3.6.1.5.5.7.3.2
      - SCEP/Lab/Install/KeyUsage: 160
      - SCEP/Lab/Install/KeyLength: 2048
      - SCEP/Lab/Install/HashAlgorithm: SHA-2
      - SCEP/Lab/Install/CAThumbprint: 0123456789ABCDEF0123456789ABCDEF01234567
      - SCEP/Lab/Install/Enroll
",
    ),
    (
        "windows/pfx.yaml",
        "
Identifier: pfx
scenario: MSFTClientCertificateInstall
scope: user
csp:
  - name: ./Vendor/MSFT/ClientCertificateInstall
    settings:
      - PFXCertInstall/Lab/KeyLocation: 3
      - PFXCertInstall/Lab/PFXCertPassword: secret-of-the-file
      - {path: PFXCertInstall/Lab/PFXCertBlob, format: chr, value: QUFBQQ==}
",
    ),
    (
        "windows/motd.yaml",
        r"
Identifier: motd
scenario: MSFTExtensibilityMIProviderConfig
providers:
  - namespace: root/Microsoft/Windows/DesiredStateConfiguration
    class: MSFT_FileDirectoryConfiguration
    keys: {DestinationPath: 'C:\motd.txt'}
    values: {Contents: Managed device}
",
    ),
    (
        "windows/file.yaml",
        r"
Identifier: file
scenario: MSFTExtensibilityMIProviderInventory
providers:
  - namespace: root/Microsoft/Windows/DesiredStateConfiguration
    class: MSFT_FileDirectoryConfiguration
    keys: {DestinationPath: 'C:\motd.txt'}
    values: [Contents]
",
    ),
    (
        "windows/certificates.yaml",
        "
Identifier: certificates
scenario: MSFTInventory
csp:
  - name: ./Vendor/MSFT/CertificateStore
    settings:
      - My/System
",
    ),
    (
        "groups/managed.yaml",
        "name: managed\nwhere: \"@status(windows.inventory.file.Contents) == 'Managed device'\"\n",
    ),
    (
        "blueprints/managed.yaml",
        "name: managed\ninclude: [managed]\ndeclarations: [vpn]\n",
    ),
];

const CONFIRMED: [&str; 7] = [
    "certificates confirmed",
    "file confirmed",
    "motd confirmed",
    "pfx confirmed",
    "scep confirmed",
    "vpn confirmed",
    "wifi confirmed",
];

type Nodes = BTreeMap<LocUri, Set>;

async fn publish(house: &House) {
    let files = DOCUMENTS.map(|(path, text)| (path, text.trim_start().to_owned()));
    let base = blueprint(
        "base",
        "all",
        &["wifi", "scep", "pfx", "motd", "file", "certificates"],
    );
    house
        .publish(&[&files[..], &[("blueprints/base.yaml", base)]].concat())
        .await;
}

async fn publish_nothing(house: &House) {
    let base = "name: base\ninclude: [all]\ndeclarations: []\n".to_owned();
    house.publish(&[("blueprints/base.yaml", base)]).await;
}

fn uri(path: &str) -> LocUri {
    LocUri::parse(path).expect("a node")
}

fn nodes(managed: &Managed) -> Nodes {
    managed.twin.nodes().clone()
}

/// The nodes that are not as they were, whatever they have.
fn changed(managed: &Managed, before: &Nodes) -> Vec<String> {
    let now = managed.twin.nodes();
    let uris: BTreeSet<&LocUri> = before.keys().chain(now.keys()).collect();
    let changed = uris.into_iter().filter(|uri| before.get(uri) != now.get(uri));
    changed.map(LocUri::to_string).collect()
}

/// What the file has in which a document sets something.
fn contents(managed: &mut Managed) -> String {
    let provider = managed.twin.providers_mut().provider(NAMESPACE, CLASS);
    let file = provider.resources.values().next().expect("a file");
    file["Contents"].clone()
}

/// A registered PC, where somebody has set two of the things that documents will set.
fn used(house: &House) -> Managed {
    let mut managed = in_entra(house, Join::Registered);
    let own = "<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>Lab</name><hand/></WLANProfile>";
    let value = Set {
        format: Format::Chr,
        data: own.to_owned(),
    };
    managed.twin.set(uri(WIFI), value);
    let provider = managed.twin.providers_mut().provider(NAMESPACE, CLASS);
    let (key, content) = (("DestinationPath", FILE), ("Contents", "by hand"));
    let one = |(name, value): (&str, &str)| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    provider.resources.insert(one(key), one(content));
    managed
}

/// It has enrolled by its certificate, and all that is for it is confirmed. With that, the tree before its documents.
async fn settled(house: &House, managed: &mut Managed) -> Nodes {
    publish_nothing(house).await;
    enroll(house, managed).await;
    pass(house, managed, HOUR).await;
    assert!(managed.twin.linked().is_none(), "nothing is for it");
    let before = nodes(managed);
    publish(house).await;
    pass(house, managed, 48 * HOUR).await;
    is_settled(house, managed).await;
    before
}

/// All is confirmed, and told by inventories.
async fn is_settled(house: &House, managed: &mut Managed) {
    let channel = linked(house, managed).await;
    assert_eq!(states(house, managed).await, CONFIRMED, "{channel}");
    assert_eq!(channel["converged"], true);
    assert!(
        managed
            .value(WIFI)
            .is_some_and(|profile| !profile.contains("hand"))
    );
    assert_eq!(contents(managed), "Managed device");
    let is = |node: &str| managed.twin.value(node, house.now()).map(|value| value.data);
    assert_eq!(is(VPN).as_deref(), Some("true"));
    assert_eq!((is(SCEP).as_deref(), is(PFX).as_deref()), (Some("1"), Some("0")));
    assert_eq!(managed.twin.nodes()[&uri(REFRESH)].data, "60");
    let facts = inventory(house, managed).await;
    let thumbprint = managed
        .twin
        .linked()
        .expect("it")
        .identity
        .certificate
        .thumbprint();
    assert_eq!(facts["windows.inventory.file.Contents"], "Managed device");
    let store = &facts["windows.inventory.certificates.My.System"];
    assert!(
        store.as_str().is_some_and(|store| store.contains(&thumbprint)),
        "{store}"
    );
    assert_eq!(
        house.device(managed.id()).await["groups"],
        json!(["all", "managed"])
    );
    assert_eq!(events::told(house, "drifted,drift-repaired", 0).await, []);
}

/// What inventories have told of it.
async fn inventory(house: &House, managed: &Managed) -> BTreeMap<String, Value> {
    let device = house.device(managed.id()).await;
    let items = device["channels"][0]["status"].as_object().cloned();
    let is_told = |(name, _): &(String, Value)| name.starts_with("windows.inventory.");
    items.into_iter().flatten().filter(is_told).collect()
}

/// The certificate of an account opens nothing: who shows it is refused before anything is read.
async fn opens_nothing(house: &House, account: &Account) {
    let identity = Identity {
        key: account.identity.key.clone(),
        certificate: account.identity.certificate.clone(),
    };
    let manner = Manner {
        certificate: Some(identity),
        ..Manner::default()
    };
    let client = Client::new(house.site.clone(), manner);
    for path in [PRIMARY, LINKED] {
        let answer = client.send("POST", path, &[], b"nonsense").await.with(403);
        assert!(answer.body.is_empty());
    }
}

/// Nothing of its enrollments is left, there or here.
async fn is_gone(house: &House, managed: &mut Managed, bare: &Nodes, accounts: &[Account]) {
    assert_eq!(managed.twin.standing(), Standing::Unenrolled);
    assert_eq!(changed(managed, bare), [""; 0]);
    assert_eq!(contents(managed), "by hand");
    assert_eq!(managed.twin.complaints().kept(), []);
    let device = house.device(managed.id()).await;
    let channels = device["channels"].as_array().expect("channels");
    let channels: Vec<_> = channels.iter().map(|it| (&it["id"], &it["phase"])).collect();
    assert_eq!(channels, [(&json!(managed.id()), &json!("checked-out"))]);
    assert_eq!(inventory(house, managed).await, BTreeMap::new());
    assert_eq!(accounts.len(), 2);
    for account in accounts {
        opens_nothing(house, account).await;
    }
}

fn accounts(managed: &Managed) -> Vec<Account> {
    let all = [managed.twin.account(), managed.twin.linked()];
    all.into_iter().flatten().cloned().collect()
}

async fn unlink(house: &House, managed: &Managed) -> String {
    let body = json!({"request_type": "windows.unlink", "devices": [managed.id()], "confirm": true});
    order(house, body).await
}

async fn unlinking_takes_back_what_documents_set(database: Database) {
    let house = House::open(database).await;
    let mut managed = used(&house);
    let mut before = settled(&house, &mut managed).await;
    // It knows where it can be linked, and that stays.
    before.insert(uri(ENDPOINT), managed.twin.nodes()[&uri(ENDPOINT)].clone());
    let ended = managed.twin.linked().expect("a linked enrollment").clone();
    let id = unlink(&house, &managed).await;
    session(&house, &mut managed).await;
    assert!(managed.twin.linked().is_none());
    assert_eq!(changed(&managed, &before), [""; 0]);
    assert_eq!(contents(&mut managed), "by hand");
    // When it has told so, the server has forgotten all of it.
    session(&house, &mut managed).await;
    assert_eq!(state(&house, &id).await.0, "acknowledged");
    assert_eq!(linked(&house, &managed).await, Value::Null);
    assert_eq!(inventory(&house, &managed).await, BTreeMap::new());
    opens_nothing(&house, &ended).await;
    let device = house.device(managed.id()).await;
    assert_eq!(
        device["groups"],
        json!(["all", "managed"]),
        "unknown takes nothing away"
    );
    // Its documents are still for it, so it is linked again, and they begin anew.
    session(&house, &mut managed).await;
    let again = managed.twin.linked().expect("a linked enrollment");
    assert_ne!(again.identity.certificate, ended.identity.certificate);
    pass(&house, &mut managed, 48 * HOUR).await;
    is_settled(&house, &mut managed).await;
    opens_nothing(&house, &ended).await;
}

async fn what_is_to_be_unlinked_loses_no_documents_before(database: Database) {
    let house = House::open(database).await;
    let mut managed = used(&house);
    let mut before = settled(&house, &mut managed).await;
    before.insert(uri(ENDPOINT), managed.twin.nodes()[&uri(ENDPOINT)].clone());
    let with_documents = nodes(&managed);
    let id = unlink(&house, &managed).await;
    publish_nothing(&house).await;
    managed.twin.push_linked(house.now());
    managed.hold().await;
    pass(&house, &mut managed, 60).await;
    // A document that is deleted leaves what it set. How often they are looked after goes anyway.
    assert_eq!(changed(&managed, &with_documents), [REFRESH]);
    for _ in 0..3 {
        session(&house, &mut managed).await;
        assert_eq!(changed(&managed, &before), [""; 0]);
    }
    assert_eq!(state(&house, &id).await.0, "acknowledged");
    assert!(managed.twin.linked().is_none(), "nothing is for it");
    assert_eq!(linked(&house, &managed).await, Value::Null);
}

async fn what_the_server_ends_leaves_nothing(database: Database) {
    let house = House::open(database).await;
    let mut managed = used(&house);
    let bare = nodes(&managed);
    settled(&house, &mut managed).await;
    let accounts = accounts(&managed);
    let body = json!({"request_type": "windows.unenroll", "devices": [managed.id()], "confirm": true});
    order(&house, body).await;
    managed.twin.sync(house.now());
    managed.hold().await;
    is_gone(&house, &mut managed, &bare, &accounts).await;
}

async fn who_leaves_leaves_nothing(database: Database) {
    let house = House::open(database).await;
    let mut managed = used(&house);
    let bare = nodes(&managed);
    settled(&house, &mut managed).await;
    let accounts = accounts(&managed);
    managed.twin.unenroll();
    managed.hold().await;
    is_gone(&house, &mut managed, &bare, &accounts).await;
}
