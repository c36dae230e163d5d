//! Settings: each item for itself, with a status of its own in the answer.

use ordain_apple::plist::{self, Dictionary, Error, Value, required_text};
use ordain_catalog::Platform;

use super::call::{Answer, Call, Done, Refusal, check_room, dictionaries, dictionary, failed, keep};

/// Which systems have an item.
enum On {
    All,
    /// iPhone and iPad.
    Mobile,
    /// The same, and Macs.
    MobileAndMac,
    /// iPad, shared.
    Shared,
    Mac,
    /// These, or all but these.
    Only(&'static [Platform]),
    Except(&'static [Platform]),
}

/// How the value of an item is found in it.
enum Shape {
    /// A boolean: `Enabled`.
    Switch,
    /// A text under the item's name.
    Text,
    /// A number under this key.
    Number(&'static str, &'static [i64]),
    /// A dictionary under the item's name, which may be missing.
    Inner,
    /// All keys of the item.
    Whole,
    /// `Image` and `Where`.
    Wallpaper,
    /// A dictionary under this key, for the app `Identifier`.
    App(&'static str),
}

const GRACE_PERIODS: &[i64] = &[0, 60, 300, 900, 3600, 14400];
const NOT_WATCH: On = On::Except(&[Platform::WatchOs]);

/// The items that there are.
const ITEMS: &[(&str, On, Shape)] = &[
    (
        "AccessibilitySettings",
        On::Only(&[Platform::Ios, Platform::IpadOs, Platform::WatchOs]),
        Shape::Whole,
    ),
    ("AppAnalytics", On::Mobile, Shape::Switch),
    (
        "ApplicationAttributes",
        On::Except(&[Platform::MacOs]),
        Shape::App("Attributes"),
    ),
    ("ApplicationConfiguration", On::All, Shape::App("Configuration")),
    ("Bluetooth", On::MobileAndMac, Shape::Switch),
    ("DataRoaming", On::Mobile, Shape::Switch),
    (
        "DefaultApplications",
        On::Only(&[Platform::Ios, Platform::IpadOs, Platform::VisionOs]),
        Shape::Whole,
    ),
    ("DeviceName", NOT_WATCH, Shape::Text),
    ("DiagnosticSubmission", On::Mobile, Shape::Switch),
    ("HostName", On::Mac, Shape::Text),
    (
        "MDMOptions",
        On::Except(&[Platform::TvOs, Platform::WatchOs]),
        Shape::Inner,
    ),
    (
        "MaximumResidentUsers",
        On::Shared,
        Shape::Number("MaximumResidentUsers", &[]),
    ),
    ("OrganizationInfo", On::All, Shape::Inner),
    (
        "PasscodeLockGracePeriod",
        On::Mobile,
        Shape::Number("PasscodeLockGracePeriod", GRACE_PERIODS),
    ),
    ("PersonalHotspot", On::Mobile, Shape::Switch),
    ("SharedDeviceConfiguration", On::Shared, Shape::Whole),
    (
        "SoftwareUpdateSettings",
        On::Mobile,
        Shape::Number("RecommendationCadence", &[0, 1, 2]),
    ),
    (
        "TimeZone",
        On::Except(&[Platform::MacOs, Platform::WatchOs]),
        Shape::Text,
    ),
    ("VoiceRoaming", On::Mobile, Shape::Switch),
    ("Wallpaper", On::Mobile, Shape::Wallpaper),
];

pub(super) fn set(mut call: Call<'_>) -> Answer {
    let items = call.required::<&[Value]>("Settings")?;
    check_room(items.len())?;
    let (mut answers, mut done) = (Vec::new(), Vec::new());
    for item in items {
        let item = item.as_dictionary().ok_or(Error::NotAllowed("Settings"))?;
        let name = required_text(item, "Item")?;
        let mut answer = dictionary([("Item", name.into())]);
        answer
            .extend(plist::optional_text(item, "Identifier")?.map(|it| ("Identifier".to_owned(), it.into())));
        match set_item(&mut call, name, item) {
            Ok(name) => {
                answer.insert("Status".to_owned(), "Acknowledged".into());
                done.push(name);
            }
            Err(refusal) => answer.extend(dictionary([
                ("Status", refusal.status().as_str().into()),
                ("ErrorChain", refusal.to_chain()),
            ])),
        }
        answers.push(answer);
    }
    Ok(Done {
        effect: (!done.is_empty()).then(|| format!("{} set", done.join(", "))),
        ..Done::said("Settings", dictionaries(answers))
    })
}

fn set_item(call: &mut Call<'_>, name: &str, item: &Dictionary) -> Result<&'static str, Refusal> {
    let known = ITEMS.iter().find(|(known, ..)| *known == name);
    let Some((name, _, shape)) = known.filter(|(_, on, _)| on.has(call)) else {
        return Err(Refusal::Unsupported(format!("the device has no setting {name}")));
    };
    let value: Value = match shape {
        Shape::Switch => plist::required::<bool>(item, "Enabled")?.into(),
        Shape::Text => required_text(item, name)?.into(),
        Shape::Number(key, allowed) => {
            let number = plist::required::<i64>(item, key)?;
            if !allowed.is_empty() && !allowed.contains(&number) {
                return Err(Error::NotAllowed(key).into());
            }
            number.into()
        }
        Shape::Inner => match plist::optional::<&Dictionary>(item, name)? {
            Some(inner) => keep(name, inner)?.into(),
            None => {
                call.device.state_mut().settings.remove(name);
                return Ok(name);
            }
        },
        Shape::Whole => {
            let mut whole = keep(name, item)?;
            whole.remove("Item");
            whole.into()
        }
        Shape::Wallpaper => {
            plist::required::<&[u8]>(item, "Image")?;
            let place = plist::required::<i64>(item, "Where")?;
            if !(1..=3).contains(&place) {
                return Err(Error::NotAllowed("Where").into());
            }
            place.into()
        }
        Shape::App(key) => {
            set_app(call, key, item)?;
            return Ok(name);
        }
    };
    if let ("DeviceName", Some(new)) = (*name, value.as_string()) {
        call.device.name = new.to_owned();
    }
    call.device.state_mut().settings.insert(name, value);
    Ok(name)
}

/// Sets or, when there is none, clears what a managed app is told.
fn set_app(call: &mut Call<'_>, key: &'static str, item: &Dictionary) -> Result<(), Refusal> {
    let identifier = required_text(item, "Identifier")?;
    let told = plist::optional::<&Dictionary>(item, key)?;
    let told = told.map(|told| keep(key, told)).transpose()?;
    let app = call.device.state_mut().apps.get_mut(identifier);
    let app = app.ok_or_else(|| failed(format!("no managed app is installed as {identifier}")))?;
    if key == "Configuration" {
        app.configuration = told;
        app.feedback_deleted = false;
    } else {
        app.attributes = told;
    }
    Ok(())
}

impl On {
    fn has(&self, call: &Call<'_>) -> bool {
        let platform = call.device.platform;
        let is_mobile = matches!(platform, Platform::Ios | Platform::IpadOs);
        match self {
            Self::All => true,
            Self::Mobile => is_mobile,
            Self::MobileAndMac => is_mobile || call.is_mac(),
            Self::Shared => call.device.shared,
            Self::Mac => call.is_mac(),
            Self::Only(these) => these.contains(&platform),
            Self::Except(these) => !these.contains(&platform),
        }
    }
}
