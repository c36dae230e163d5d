//! The hardware of a Windows twin, its system and its user.

use ordain_catalog::OsVersion;
use ordain_catalog::windows::{Edition, Join, WindowsDevice};
use ordain_windows::syncml::alert::LoginStatus;

use super::random::Random;

/// A computer before any server knows of it. The same seed and index always make the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Pc {
    /// Its host name.
    pub name: String,
    /// `HWDevID`: 64 hexadecimal digits, the same in each enrollment.
    pub hardware_id: String,
    /// The serial number of its firmware.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// The addresses of its network adapters, as in `02-00-00-00-00-01`.
    pub macs: Vec<String>,
    /// Windows' number of its edition, as in `OSEdition`.
    pub edition: u32,
    /// The version of Windows: `10.0.22631.3958`.
    pub version: String,
    /// The language of its system.
    pub locale: String,
    /// How it stands to Microsoft Entra.
    pub join: Join,
    /// Its identifier in Entra, if it has one: `AADDeviceID`.
    pub entra_device_id: Option<String>,
    /// Who is logged in.
    pub login: LoginStatus,
    /// How many seconds it takes to install an MSI package, or to get a certificate by SCEP.
    pub job_seconds: i64,
    /// How many seconds each step of a document takes: being queued, being applied, being deleted.
    pub document_seconds: i64,
    pub(super) seed: u64,
}

/// Editions and versions that one finds in a company.
const SYSTEMS: [(u32, &str); 5] = [
    (48, "10.0.22631.3958"),
    (4, "10.0.26100.1301"),
    (4, "10.0.22631.4037"),
    (48, "10.0.19045.4717"),
    (121, "10.0.22621.3958"),
];

const MODELS: [(&str, &str); 4] = [
    ("Example Computers", "Desk 1"),
    ("Example Computers", "Lap 14"),
    ("Sample Systems", "Tower 5"),
    ("Sample Systems", "Slate"),
];

impl Pc {
    /// The computer number `index` of the fleet of `seed`.
    pub fn new(seed: u64, index: usize) -> Self {
        let mut random = Random::new(seed, index);
        let (edition, version) = SYSTEMS
            .get(index % SYSTEMS.len())
            .copied()
            .unwrap_or((48, "10.0.22631.3958"));
        let (manufacturer, model) = MODELS
            .get(index % MODELS.len())
            .copied()
            .unwrap_or(("Example Computers", "Desk 1"));
        let [_, _, _, _, one, two, three, four] = random.number().to_be_bytes();
        let mac = |last: u8| format!("02-{one:02X}-{two:02X}-{three:02X}-{four:02X}-{last:02X}");
        Self {
            name: format!("LAB-PC-{index:05}"),
            hardware_id: random.hex(4),
            serial: format!("WT{}", random.hex(1).get(..10).unwrap_or_default()),
            manufacturer: manufacturer.to_owned(),
            model: model.to_owned(),
            macs: vec![mac(1), mac(2)],
            edition,
            version: version.to_owned(),
            locale: "en-US".to_owned(),
            join: Join::Neither,
            entra_device_id: None,
            login: LoginStatus::User,
            job_seconds: 60,
            document_seconds: 1,
            seed: random.number(),
        }
    }

    /// What the catalog has to know of it.
    pub fn kind(&self) -> WindowsDevice {
        WindowsDevice {
            edition: Edition::of_product(self.edition),
            os_version: self.version.parse::<OsVersion>().ok(),
            join: Some(self.join),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_computer_and_no_two_are_alike() {
        assert_eq!(Pc::new(7, 3), Pc::new(7, 3));
        let pcs: Vec<_> = (0..50).map(|index| Pc::new(7, index)).collect();
        let mut ids: Vec<_> = pcs.iter().map(|pc| pc.hardware_id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 50);
        assert!(ids.iter().all(|id| id.len() == 64));
        assert!(
            pcs.iter()
                .all(|pc| pc.kind().edition.is_some() && pc.kind().os_version.is_some())
        );
    }
}
