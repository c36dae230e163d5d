//! What administrators order Windows devices to do: commands of the queue that become `Exec`s. A device does what it is
//! told each time that it is told, so each is given once.

use std::fmt::Write as _;

use ordain_catalog::windows::{DataFormat, LocUri, Verb};
use serde_json::{Map, Value};

use super::session::Operation;

/// How the names of all of them begin.
const PREFIX: &str = "windows.";
/// Ends the enrollment, by the server's word.
pub const UNENROLL: &str = "windows.unenroll";
/// Ends the linked enrollment alone.
pub const UNLINK: &str = "windows.unlink";

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `windows.reboot`: within minutes after the session.
    Reboot,
    /// `windows.wipe`, in this way: a node of the RemoteWipe CSP.
    Wipe(&'static str),
    /// [`UNENROLL`].
    Unenroll,
    /// [`UNLINK`]: the device says later what came of it.
    Unlink,
    /// `windows.install-msi`: the outcome comes later.
    InstallMsi(Msi),
}

/// A package to install (EnterpriseDesktopAppManagement CSP).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Msi {
    /// `{ProductCode}`, in braces.
    product: String,
    version: String,
    url: String,
    /// SHA-256 of the file, in hexadecimal digits.
    sha256: String,
    arguments: String,
}

/// The ways to wipe a device, by the word of the key `keep`: what stays on it.
const WIPES: [(&str, &str); 4] = [
    ("nothing", "doWipe"),
    ("nothing-protected", "doWipeProtected"),
    ("provisioned-data", "doWipePersistProvisionedData"),
    ("user-data", "doWipePersistUserData"),
];

/// Each with what it does that cannot simply be undone, in words that the devices follow.
const ACTIONS: [(&str, Option<&str>); 5] = [
    ("windows.install-msi", None),
    ("windows.reboot", None),
    (UNENROLL, Some("ends the management of")),
    (
        UNLINK,
        Some("ends the linked enrollment, and takes back all that documents have set, of"),
    ),
    ("windows.wipe", Some("erases everything on")),
];

/// Whether a command of this name is for Windows devices, and for no others.
pub fn is_for_windows(request_type: &str) -> bool {
    request_type.starts_with(PREFIX)
}

/// What the action does that cannot simply be undone. `None`: it is none of these; `Some(None)`: nothing.
pub fn harm(request_type: &str) -> Option<Option<&'static str>> {
    let known = ACTIONS.iter().find(|(name, _)| *name == request_type);
    known.map(|(_, harm)| *harm)
}

impl Action {
    /// Reads an order, or tells what is wrong with it.
    pub fn read(request_type: &str, keys: &Map<String, Value>) -> Result<Self, String> {
        let known: &[&str] = match request_type {
            "windows.reboot" | UNENROLL | UNLINK => &[],
            "windows.wipe" => &["keep"],
            "windows.install-msi" => &["product", "version", "url", "sha256", "arguments"],
            _ => {
                let names: Vec<_> = ACTIONS.iter().map(|(name, _)| *name).collect();
                return Err(format!("no such action; there are {}", names.join(", ")));
            }
        };
        if let Some(other) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("{other}: {request_type} has no such key"));
        }
        let text = |key: &str| match keys.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.contains(char::is_control) => Ok(Some(text.as_str())),
            Some(_) => Err(format!("{key}: it has to be a text")),
        };
        let need = |key: &str| text(key)?.ok_or(format!("{key}: it is missing"));
        Ok(match request_type {
            "windows.reboot" => Self::Reboot,
            UNENROLL => Self::Unenroll,
            UNLINK => Self::Unlink,
            "windows.wipe" => {
                let keep = text("keep")?.unwrap_or("nothing");
                let way = WIPES.iter().find(|(word, _)| *word == keep);
                let words: Vec<_> = WIPES.iter().map(|(word, _)| *word).collect();
                let (_, node) = way.ok_or(format!("keep: it is one of {}", words.join(", ")))?;
                Self::Wipe(node)
            }
            _ => Self::InstallMsi(Msi::read(&need, text("arguments")?.unwrap_or("/quiet"))?),
        })
    }

    /// What is sent, all in one message; the outcome is that of the last one.
    pub fn operations(&self) -> Vec<Operation> {
        let exec = |path: String, value| Operation {
            verb: Verb::Exec,
            path,
            value,
        };
        let nothing = |format: DataFormat| Some((format, String::new()));
        match self {
            Self::Reboot => vec![exec(
                "./Device/Vendor/MSFT/Reboot/RebootNow".to_owned(),
                nothing(DataFormat::Null),
            )],
            Self::Wipe(node) => vec![exec(
                format!("./Device/Vendor/MSFT/RemoteWipe/{node}"),
                nothing(DataFormat::Chr),
            )],
            Self::Unenroll => vec![exec(
                "./Device/Vendor/MSFT/DMClient/Provider/Ordain/Unenroll".to_owned(),
                Some((DataFormat::Chr, "Ordain".to_owned())),
            )],
            Self::Unlink => vec![exec(
                "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment/Unenroll".to_owned(),
                nothing(DataFormat::Null),
            )],
            Self::InstallMsi(msi) => {
                let node = format!("{}/DownloadInstall", msi.node());
                let add = Operation {
                    verb: Verb::Add,
                    path: node.clone(),
                    value: None,
                };
                vec![add, exec(node, Some((DataFormat::Xml, msi.job())))]
            }
        }
    }

    /// The node that the outcome comes from later, where it is not known at once.
    pub fn tells_later(&self) -> Option<LocUri> {
        match self {
            Self::InstallMsi(msi) => msi.node().parse().ok(),
            Self::Unlink => "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment"
                .parse()
                .ok(),
            _ => None,
        }
    }
}

impl Msi {
    fn read<'a>(need: &impl Fn(&str) -> Result<&'a str, String>, arguments: &str) -> Result<Self, String> {
        let (product, version, url, sha256) =
            (need("product")?, need("version")?, need("url")?, need("sha256")?);
        let is_hex = |text: &str| text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let inside = product.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let lengths = |code: &str| {
            let lengths = code.split('-').map(str::len);
            lengths.eq([8, 4, 4, 4, 12]) && is_hex(&code.replace('-', ""))
        };
        if !inside.is_some_and(lengths) {
            return Err("product: it is a product code in braces".to_owned());
        }
        if !url.starts_with("https://") {
            return Err("url: it begins with https://".to_owned());
        }
        if sha256.len() != 64 || !is_hex(sha256) {
            return Err("sha256: it is 64 hexadecimal digits".to_owned());
        }
        Ok(Self {
            product: product.to_owned(),
            version: version.to_owned(),
            url: url.to_owned(),
            sha256: sha256.to_owned(),
            arguments: arguments.to_owned(),
        })
    }

    fn node(&self) -> String {
        let code = self.product.trim_start_matches('{').trim_end_matches('}');
        format!("./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B{code}%7D")
    }

    /// `MsiInstallJob`.
    fn job(&self) -> String {
        let [version, url, arguments] = [&self.version, &self.url, &self.arguments].map(|text| escaped(text));
        let (product, sha256) = (&self.product, &self.sha256);
        let mut job = format!("<MsiInstallJob id=\"{product}\"><Product Version=\"{version}\"><Download>");
        // A text takes whatever is written to it.
        let _ = write!(
            job,
            "<ContentURLList><ContentURL>{url}</ContentURL></ContentURLList></Download>\
             <Validation><FileHash>{sha256}</FileHash></Validation>\
             <Enforcement><CommandLine>{arguments}</CommandLine><TimeOut>10</TimeOut><RetryCount>3</RetryCount>\
             <RetryInterval>5</RetryInterval></Enforcement></Product></MsiInstallJob>"
        );
        job
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use ordain_catalog::windows::WindowsCatalog;
    use serde_json::json;

    use super::*;

    fn read(request_type: &str, keys: Value) -> Result<Action, String> {
        Action::read(request_type, keys.as_object().unwrap())
    }

    fn msi() -> Value {
        json!({
            "product": "{01234567-89ab-cdef-0123-456789abcdef}", "version": "1.2", "url": "https://example.org/a?b&c",
            "sha256": "0".repeat(64),
        })
    }

    #[test]
    fn each_is_run_where_the_catalog_has_it() {
        let all = [
            ("windows.reboot", json!({})),
            ("windows.wipe", json!({"keep": "user-data"})),
            (UNENROLL, json!({})),
            (UNLINK, json!({})),
            ("windows.install-msi", msi()),
        ];
        assert_eq!(all.len(), ACTIONS.len());
        for (name, keys) in all {
            let operations = read(name, keys).unwrap().operations();
            for operation in &operations {
                let found = WindowsCatalog::builtin().find(&operation.path, &mut 0).unwrap();
                assert!(found.node.takes(operation.verb), "{operation:?}");
            }
            assert_eq!(operations.last().unwrap().verb, Verb::Exec);
            assert!(harm(name).is_some() && is_for_windows(name));
        }
        for (_, node) in WIPES {
            let path = format!("./Vendor/MSFT/RemoteWipe/{node}");
            assert!(WindowsCatalog::builtin().find(&path, &mut 0).is_ok(), "{node}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (name, keys) in [
            ("windows.lock", json!({})),
            ("windows.reboot", json!({"now": true})),
            ("windows.wipe", json!({"keep": "all"})),
            ("windows.install-msi", json!({})),
        ] {
            assert!(read(name, keys).is_err(), "{name}");
        }
        for (key, value) in [
            ("product", json!("01234567")),
            ("url", json!("http://example.org")),
            ("sha256", json!("00")),
            ("version", json!(1)),
            ("arguments", json!("/quiet\n")),
        ] {
            let mut keys = msi();
            keys[key] = value;
            assert!(read("windows.install-msi", keys).is_err_and(|why| why.starts_with(key)));
        }
    }
}
