//! The hardware of a twin: what it is, drawn from a seed, and what it reports of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_catalog::validate::DeviceKind;
use ordain_catalog::{Availability, EnrollmentType, OsVersion, Platform, Scope, Shape, Support};
use ordain_model::device::DeviceFacts;
use ordain_model::ids::Digest;
use ordain_pki::Certificate;
use serde_json::{Value, json};

pub use crate::models::{Model, System};
use crate::models::{models, systems};
use crate::schema::Schema;
use crate::state::State;

/// `UserShortName` of the user of a Mac who has a channel too.
pub(crate) const USER: &str = "pat";

/// A device, before any server knows of it. The same seed, index and platform always make the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its operating system.
    pub platform: Platform,
    /// Its model.
    pub model: &'static Model,
    /// The release of its operating system.
    pub system: &'static System,
    /// What its system knows of Apple's schema, as far as that is for this platform and version.
    pub schema: Arc<Schema>,
    /// Its serial number.
    pub serial: String,
    /// Its UDID.
    pub udid: String,
    /// The name that its user gave it.
    pub name: String,
    /// The `UserID` of the user of a Mac, who has a channel too.
    pub user: Option<String>,
    /// Whether it is supervised. Every Mac is, and every watch: it enrolls through a supervised iPhone.
    pub supervised: bool,
    /// Whether a passcode is set. Its user sets one as soon as one is demanded.
    pub passcode: bool,
    /// Whether FileVault is on; Macs only.
    pub filevault: bool,
    /// Whether it is in Power Nap when the first command comes, which it therefore answers with NotNow; Macs only.
    pub naps: bool,
    /// Whether its screen is locked with a passcode, so that it answers some commands with NotNow; no Mac is. A device
    /// that is locked from the beginning, or by DeviceLock, is unlocked by its user after a session with commands.
    pub locked: bool,
    /// Whether Setup Assistant waits for DeviceConfigured; none does unless told here.
    pub awaiting_configuration: bool,
    /// Whether it is a Shared iPad; none is unless told here.
    pub shared: bool,
    /// A fault: predicates see these values of status items, whatever the device reports. See
    /// [`Twin::believe`](crate::Twin::believe).
    pub believed: BTreeMap<String, Value>,
    /// The certificate that it shows to its server, when known.
    pub identity: Option<Certificate>,
    /// How often it was erased.
    pub erasures: u32,
    pub(crate) state: Option<Box<State>>,
    /// What pushes to its device channel are addressed by, and those to its user's channel.
    pub push: [Push; 2],
}

/// What TokenUpdate tells of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// `PushMagic`.
    pub magic: String,
    /// `Token`.
    pub token: Vec<u8>,
}

/// Bytes that depend on a seed, an index and a purpose only.
struct Draw {
    seed: u64,
    index: usize,
}

impl Draw {
    fn bytes(&self, purpose: &str) -> [u8; 32] {
        Digest::of(format!("{}/{}/{purpose}", self.seed, self.index).as_bytes()).0
    }

    fn hex(&self, purpose: &str) -> String {
        Digest(self.bytes(purpose)).to_string().to_uppercase()
    }

    fn uuid(&self, purpose: &str) -> String {
        let hex = self.hex(purpose);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!(
            "{}-{}-4{}-A{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        )
    }

    fn byte(&self, purpose: &str) -> u8 {
        self.bytes(purpose).first().copied().unwrap_or_default()
    }

    /// True for `percent` of all devices.
    fn chance(&self, purpose: &str, percent: u8) -> bool {
        u32::from(self.byte(purpose)) * 100 < u32::from(percent) * 256
    }

    fn pick(&self, purpose: &str, several: &'static [u8]) -> char {
        several
            .get(usize::from(self.byte(purpose)) % several.len().max(1))
            .map_or('0', |octet| char::from(*octet))
    }
}

impl Device {
    /// The device number `index` of the fleet of `seed`.
    pub fn new(platform: Platform, seed: u64, index: usize) -> Self {
        let draw = Draw { seed, index };
        let is_mac = platform == Platform::MacOs;
        let model = models(platform).pick(draw.byte("model"));
        let system = systems(platform).pick(draw.byte("system"));
        let push = |purpose: &str| Push {
            magic: draw.uuid(&format!("{purpose} magic")),
            token: draw.bytes(&format!("{purpose} token")).to_vec(),
        };
        let passcode = draw.chance("passcode", 80);
        let is_mobile = matches!(platform, Platform::Ios | Platform::IpadOs);
        Self {
            platform,
            model,
            system,
            schema: Arc::clone(Schema::builtin()),
            serial: serial(&draw),
            udid: if is_mac { draw.uuid("udid") } else { udid(&draw) },
            name: format!("{} {index}", model.family),
            user: is_mac.then(|| draw.uuid("user")),
            supervised: is_mac || platform == Platform::WatchOs || draw.chance("supervised", 60),
            passcode,
            filevault: is_mac && draw.chance("filevault", 70),
            naps: is_mac && draw.chance("nap", 12),
            locked: is_mobile && passcode && draw.chance("locked", 12),
            awaiting_configuration: false,
            shared: false,
            believed: BTreeMap::new(),
            identity: None,
            erasures: 0,
            state: None,
            push: [push("device"), push("user")],
        }
    }

    /// What pushes to its channels are addressed by.
    pub fn addresses(&self) -> impl Iterator<Item = &Push> {
        self.push.iter().take(1 + usize::from(self.user.is_some()))
    }

    /// What the device says of itself in Authenticate.
    pub fn facts(&self) -> DeviceFacts {
        DeviceFacts {
            serial: Some(self.serial.clone()),
            udid: Some(self.udid.clone()),
            name: Some(self.name.clone()),
            model: Some(self.model.identifier.to_owned()),
            platform: Some(self.platform),
            os_version: self.os_version(),
            build: Some(self.system.build.to_owned()),
            topic: None,
            supervised: None,
            windows: None,
        }
    }

    pub(crate) fn os_version(&self) -> Option<OsVersion> {
        self.system.version.parse().ok()
    }

    /// What decides what it can take on the channel of `scope`.
    pub(crate) fn kind(&self, scope: Scope) -> DeviceKind {
        DeviceKind {
            platform: self.platform,
            os_version: self.os_version(),
            enrollment: Some(if self.supervised {
                EnrollmentType::Supervised
            } else {
                EnrollmentType::Device
            }),
            scope,
            build: None,
        }
    }

    /// Whether the device has something on the channel of `scope`.
    pub(crate) fn supports(&self, support: &Support, scope: Scope) -> bool {
        let DeviceKind {
            platform,
            os_version,
            enrollment,
            scope,
            ..
        } = self.kind(scope);
        !matches!(
            support.availability(Some(platform), os_version.as_ref(), enrollment, scope),
            Availability::Unavailable(_)
        )
    }

    /// The value of a status item on the channel of `scope`; `None` where the device has no such item or cannot give
    /// it. Lists of what declarations brought are empty here.
    pub(crate) fn status(&self, name: &str, scope: Scope) -> Option<Value> {
        let item = self.schema.catalog().status_item(name)?;
        if !self.supports(&item.support, scope) {
            return None;
        }
        let (model, system) = (self.model, self.system);
        let value = match name {
            "device.identifier.serial-number" => json!(self.serial),
            "device.identifier.udid" => json!(self.udid),
            "device.model.family" => json!(model.family),
            "device.model.identifier" => json!(model.identifier),
            "device.model.marketing-name" => json!(model.marketing_name),
            "device.model.number" => json!(model.number),
            "device.operating-system.build-version"
            | "device.operating-system.supplemental.build-version" => {
                json!(system.build)
            }
            "device.operating-system.family" => json!(self.platform),
            "device.operating-system.marketing-name" => json!(system.marketing_name),
            "device.operating-system.supplemental.extra-version" => json!(""),
            "device.operating-system.version" => json!(system.version),
            "device.power.battery-health" => json!("normal"),
            "diskmanagement.filevault.enabled" => json!(self.filevault),
            "mdm.enrollment-type" if self.supervised => json!("supervised"),
            "mdm.enrollment-type" => json!("device"),
            "mdm.is-awaiting-configuration" => json!(self.awaiting_configuration),
            "mdm.is-return-to-service" => json!(false),
            "mdm.is-shared-ipad" => json!(self.shared),
            "passcode.is-compliant" => json!(true),
            "passcode.is-present" => json!(self.passcode),
            "softwareupdate.failure-reason" => json!({"count": 0, "reason": "", "timestamp": ""}),
            "softwareupdate.install-reason" => json!({"reason": [], "declaration-id": ""}),
            "softwareupdate.install-state" => json!("none"),
            "softwareupdate.pending-version" => {
                json!({"os-version": "", "build-version": "", "target-local-date-time": ""})
            }
            "test.array-value" => json!([{"key1": "one", "key2": 1}, {"key1": "two", "key2": 2}]),
            "test.boolean-value" => json!(true),
            "test.dictionary-value" => json!({"key1": "one", "key2": 1}),
            "test.integer-value" => json!(42),
            "test.real-value" => json!(3.5),
            "test.string-value" => json!("twin"),
            _ if matches!(item.value, Shape::Array { .. }) => json!([]),
            _ => return None,
        };
        Some(value)
    }
}

/// Ten characters without vowels or letters that look like digits, as Apple draws them since 2021.
fn serial(draw: &Draw) -> String {
    const CHARACTERS: &[u8] = b"0123456789CDFGHJKLMNPQRTVWXY";
    (0..10)
        .map(|place| draw.pick(&format!("serial {place}"), CHARACTERS))
        .collect()
}

/// The form of mobile devices: the chip, a dash, and 64 bits of its own.
fn udid(draw: &Draw) -> String {
    let hex = draw.hex("udid");
    format!(
        "00008{}-{}",
        hex.get(..3).unwrap_or_default(),
        hex.get(3..19).unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ordain_catalog::Catalog;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_device_and_no_two_are_alike() {
        let mut seen = BTreeSet::new();
        for (index, &platform) in Platform::ALL.iter().cycle().take(600).enumerate() {
            let device = Device::new(platform, 7, index);
            assert_eq!(device, Device::new(platform, 7, index));
            assert_ne!(device.udid, Device::new(platform, 8, index).udid);
            assert!(seen.insert(device.udid.clone()) && seen.insert(device.serial.clone()));
            assert_eq!(Platform::from_model(device.model.identifier), Some(platform));
            assert_eq!(device.user.is_some(), platform == Platform::MacOs);
            assert!(device.facts().os_version.is_some());
        }
    }

    #[test]
    fn a_device_reports_what_its_system_has() {
        let mac = Device::new(Platform::MacOs, 1, 1);
        assert_eq!(
            mac.status("device.model.family", Scope::System),
            Some(json!("Mac"))
        );
        assert_eq!(mac.status("device.model.family", Scope::User), Some(json!("Mac")));
        assert_eq!(mac.status("diskmanagement.filevault.enabled", Scope::User), None);
        assert_eq!(
            mac.status("passcode.is-present", Scope::System),
            None,
            "Macs have no such item"
        );
        assert_eq!(mac.status("test.error-value", Scope::System), None);
        assert_eq!(mac.status("no.such.item", Scope::System), None);
        let phone = Device::new(Platform::Ios, 1, 2);
        assert_eq!(
            phone.status("passcode.is-present", Scope::System),
            Some(json!(phone.passcode))
        );
        assert_eq!(phone.status("mdm.app", Scope::System), Some(json!([])));
    }

    #[test]
    fn every_value_is_of_the_type_that_the_catalog_says() {
        for (index, &platform) in Platform::ALL.iter().enumerate() {
            let device = Device::new(platform, 3, index);
            for item in Catalog::builtin().status_items() {
                let Some(value) = device.status(&item.name, Scope::System) else {
                    continue;
                };
                let fits = match item.value.word() {
                    "array" => value.is_array(),
                    "boolean" => value.is_boolean(),
                    "dictionary" => value.is_object(),
                    "integer" => value.is_i64(),
                    "real" => value.is_f64(),
                    _ => value.is_string(),
                };
                assert!(fits, "{}", item.name);
            }
        }
    }
}
