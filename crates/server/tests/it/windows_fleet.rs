//! Many simulated PCs with documents, over days: of a tenth that drifts everything is told, of all others nothing.

use std::collections::BTreeSet;

use ordain_catalog::windows::Join;
use ordain_testbed::Database;
use ordain_twin::windows::entra::Membership;
use ordain_twin::windows::{Fault, Value as Set, Way};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::status::StatusCode;
use serde_json::{Value, json};

use crate::device::Device;
use crate::events::Listener;
use crate::house::{House, PUBLIC_URL};
use crate::policy::{Files, blueprint, passcode};
use crate::push_scene::in_turn;
use crate::windows_drift::{VPN, WIFI, node, vpn, wifi};
use crate::windows_entra::TENANT;
use crate::windows_tenant::{HOUR, ISSUER, house};
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(every_drift_is_told_and_none_is_invented);

/// Of each ten PCs one is harmed.
const HARMED: usize = 3;

/// What somebody does to a PC behind its server's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Nothing,
    /// A value of the VPN is another one.
    Changed,
    /// It is gone.
    Removed,
    /// The Wi-Fi is gone, and cannot be set again.
    Broken,
    /// Both of the latter.
    RemovedAndBroken,
    /// The documents are gone, and what they set is there.
    Lost,
}

impl Harm {
    const ALL: [Self; 5] = [
        Self::Changed,
        Self::Removed,
        Self::Broken,
        Self::RemovedAndBroken,
        Self::Lost,
    ];

    /// That of the PC number `index`.
    fn of(index: usize) -> Self {
        match index % 10 {
            HARMED => Self::ALL[index / 10 % Self::ALL.len()],
            _ => Self::Nothing,
        }
    }

    fn is_done(self, managed: &mut Managed) {
        let twin = &mut managed.twin;
        if self == Self::Changed {
            let value = Set {
                format: Format::Bool,
                data: "false".to_owned(),
            };
            twin.set(node(VPN), value);
        }
        if matches!(self, Self::Removed | Self::RemovedAndBroken) {
            twin.remove(&node(VPN));
        }
        if self.lasts() {
            twin.inject(Fault {
                node: node("./Device/Vendor/MSFT/WiFi"),
                verb: None,
                status: StatusCode(500),
                original_error: Some(0x8007_0005),
                times: None,
            });
            twin.remove(&node(WIFI));
        }
        if self == Self::Lost {
            twin.lose_documents();
        }
    }

    /// The documents that drift, and in what way.
    fn drift(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Nothing => &[],
            Self::Changed | Self::Removed => &[("vpn", "repaired")],
            Self::Broken => &[("wifi", "unrepaired")],
            Self::RemovedAndBroken => &[("vpn", "repaired"), ("wifi", "unrepaired")],
            Self::Lost => &[("vpn", "missing"), ("wifi", "missing")],
        }
    }

    /// Whether something stays as it should not be.
    fn lasts(self) -> bool {
        matches!(self, Self::Broken | Self::RemovedAndBroken)
    }

    /// Whether a PC has something to tell that it has repaired by itself.
    fn repairs(self) -> bool {
        self.drift().contains(&("vpn", "repaired"))
    }
}

/// A device, a document, in what way it has drifted, and whether that is over.
type Drift = (String, String, String, bool);

struct Fleet {
    house: House,
    pcs: Vec<Managed>,
    macs: Vec<Device>,
}

/// Fifty PCs; `ORDAIN_LINKED_DEVICES` sets another number.
fn fleet_size() -> usize {
    std::env::var("ORDAIN_LINKED_DEVICES").map_or(50, |count| count.parse().expect("a number of devices"))
}

fn policy(server: &str) -> Files {
    let names = ["wifi", "vpn", "passcode"];
    let base = ("blueprints/base.yaml", blueprint("base", "all", &names));
    vec![base, wifi("delete"), vpn("delete", server), passcode(8)]
}

impl Fleet {
    /// PCs that have enrolled, half of them joined to Entra and half registered there, and some Macs.
    async fn enrolled(database: Database) -> Self {
        let house = house(database).await;
        house.publish(&policy("vpn.example.org")).await;
        let count = fleet_size();
        let uses = u32::try_from(count).expect("not so many");
        let token = token(&house, "fleet", uses).await;
        let pcs = (0..count).map(async |index| {
            let mut managed = Managed::new(&house, index);
            let membership = Membership {
                issuer: ISSUER.clone(),
                tenant: TENANT.to_owned(),
                device_id: format!("77777777-0000-0000-0000-{index:012}"),
            };
            let join = [Join::Joined, Join::Registered][index % 2];
            managed.twin.join(membership, join);
            managed
                .enroll(Way::new(PUBLIC_URL, "ada@example.org", &token))
                .await;
            managed
        });
        let pcs = in_turn(pcs).await;
        let macs = (0..count.div_ceil(10)).map(async |index| {
            let mac = Device::mac(&house, &format!("M{index:04}"));
            mac.enroll().await;
            mac.converge().await;
            mac
        });
        let macs = in_turn(macs).await;
        Self { house, pcs, macs }
    }

    /// Hours pass, after each of which the PCs do what is due, and hold nothing against the server.
    async fn pass(&mut self, hours: usize) {
        for _ in 0..hours {
            self.house.pass(HOUR);
            let now = self.house.now();
            let held = self.pcs.iter_mut().map(async |managed| {
                managed.twin.wake(now);
                managed.hold().await;
            });
            in_turn(held).await;
        }
        self.pcs.iter().for_each(Managed::is_content);
    }

    /// How many sessions each PC has held.
    fn sessions(&self) -> Vec<u64> {
        self.pcs.iter().map(|managed| managed.twin.sessions()).collect()
    }

    fn harms(&self) -> impl Iterator<Item = (&Managed, Harm)> {
        let harmed = |(index, managed)| (managed, Harm::of(index));
        self.pcs.iter().enumerate().map(harmed)
    }

    fn count(&self, is: fn(Harm) -> bool) -> usize {
        self.harms().filter(|(_, harm)| is(*harm)).count()
    }

    /// What is counted over both makers, when so many PCs have failed, and on so many something has drifted or was repaired.
    async fn counts(&self, failed: usize, drifted: usize, repaired: usize) {
        let (pcs, macs) = (self.pcs.len(), self.macs.len());
        let row = |devices: usize, failed: usize, drifted: usize, repaired: usize| {
            json!({"devices": devices, "converged": devices - failed, "failed": failed, "pending": 0, "unknown": 0,
                   "drifted": drifted, "repaired": repaired})
        };
        let of = |platform: &str, mut row: Value| {
            row["platform"] = json!(platform);
            row
        };
        let compliance = self.house.get("/compliance").await;
        let rows = [
            of("macOS", row(macs, 0, 0, 0)),
            of("Windows", row(pcs, failed, drifted, repaired)),
        ];
        assert_eq!(compliance["platforms"], json!(rows));
        assert_eq!(compliance["total"], row(pcs + macs, failed, drifted, repaired));
    }

    /// The drift that is told of any device.
    async fn told(&self) -> BTreeSet<Drift> {
        let mut told = BTreeSet::new();
        let pcs = self.pcs.iter().map(Managed::id);
        let macs = self.macs.iter().map(|mac| mac.ids[0].1.as_str());
        for id in pcs.chain(macs) {
            let device = self.house.device(id).await;
            let notes = device["notes"].as_array().expect("notes").iter();
            let mut notes = notes.filter_map(Value::as_str);
            let is_noted = notes.any(|note| note.contains("has drifted"));
            let mut lasts = false;
            for channel in device["channels"].as_array().expect("channels") {
                let drift = channel.get("drift").and_then(Value::as_array);
                for drift in drift.into_iter().flatten() {
                    let text = |key: &str| drift[key].as_str().expect("a text").to_owned();
                    let is_over = !drift["repaired"].is_null();
                    lasts |= !is_over;
                    let is_new = told.insert((id.to_owned(), text("document"), text("kind"), is_over));
                    assert!(is_new, "told twice: {device}");
                }
            }
            assert_eq!(is_noted, lasts, "{device}");
        }
        told
    }

    /// The drift that there is, where what lasts is over or is not.
    fn there_is(&self, is_all_over: bool) -> BTreeSet<Drift> {
        let drift = self.harms().flat_map(|(managed, harm)| {
            let drift = harm.drift().iter();
            drift.map(move |(document, kind)| {
                let is_over = is_all_over || *kind != "unrepaired";
                (
                    managed.id().to_owned(),
                    (*document).to_owned(),
                    (*kind).to_owned(),
                    is_over,
                )
            })
        });
        drift.collect()
    }

    /// That of each drift in `drift` the events tell once that it came, unless it was over before anybody saw, and once that
    /// it went, and of no other.
    async fn is_in_events(&self, drift: &BTreeSet<Drift>) {
        let event = |event: &str, (id, document, kind, _): &Drift| {
            [event, &format!("{id}::linked"), document, kind].map(str::to_owned)
        };
        let came = drift.iter().filter(|(_, _, kind, _)| kind != "repaired");
        let went = drift.iter().filter(|(.., is_over)| *is_over);
        let mut expected: Vec<_> = came.map(|it| event("drifted", it)).collect();
        expected.extend(went.map(|it| event("drift-repaired", it)));
        let query = "?after=0&kind=drifted,drift-repaired";
        let mut listener = Listener::open(&self.house, query, None).await;
        listener.take(expected.len()).await;
        let mut listener = Listener::open(&self.house, &format!("{query}&follow=false"), None).await;
        let told = listener.rest().await.into_iter().map(|message| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let (data, detail) = (&message.data, &message.data["detail"]);
            [
                message.event.clone(),
                text(&data["enrollment"]),
                text(&detail["document"]),
                text(&detail["drift"]),
            ]
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        expected.sort();
        assert_eq!(told, expected);
    }
}

async fn every_drift_is_told_and_none_is_invented(database: Database) {
    let mut fleet = Fleet::enrolled(database).await;
    // Until both schedules are in their last stage.
    fleet.pass(3).await;
    fleet.counts(0, 0, 0).await;
    assert_eq!(fleet.told().await, BTreeSet::new());

    for (index, managed) in fleet.pcs.iter_mut().enumerate() {
        Harm::of(index).is_done(managed);
    }
    let lasting = fleet.count(Harm::lasts);
    let repaired = fleet.count(Harm::repairs);
    let at_once = fleet.count(|harm| harm.lasts() && harm.repairs());
    let before = fleet.sessions();
    // What a PC cannot repair it tells with the refresh, and with it what it has repaired; all else waits for the schedule.
    fleet.pass(5).await;
    fleet.counts(lasting, lasting, at_once).await;
    fleet.pass(19).await;
    fleet.counts(lasting, lasting, repaired).await;
    assert_eq!(fleet.told().await, fleet.there_is(false));
    fleet.is_in_events(&fleet.there_is(false)).await;
    // In a day each linked channel has three sessions, and the device's own none.
    let sessions = fleet.sessions().into_iter().zip(&before);
    for ((managed, harm), (after, before)) in fleet.harms().zip(sessions) {
        let beyond = u64::from(harm.lasts());
        assert_eq!(after - before, 3 + beyond, "{} {harm:?}", managed.id());
    }

    for managed in &mut fleet.pcs {
        managed.twin.clear_faults();
    }
    fleet.pass(24).await;
    fleet.counts(0, 0, repaired).await;
    let all_over = fleet.there_is(true);
    assert_eq!(fleet.told().await, all_over);

    // What Ordain changes is no drift.
    fleet.house.publish(&policy("vpn2.example.org")).await;
    fleet.pass(20).await;
    in_turn(fleet.macs.iter().map(Device::idle)).await;
    fleet.counts(0, 0, repaired).await;
    assert_eq!(fleet.told().await, all_over);
    fleet.is_in_events(&all_over).await;
}
