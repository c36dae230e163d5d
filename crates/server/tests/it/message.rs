//! Messages of devices, written by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) const CHECK_IN: &str = "application/x-apple-aspen-mdm-checkin";
pub(crate) const COMMAND: &str = "application/x-apple-aspen-mdm";
pub(crate) const TOPIC: &str = "<key>Topic</key><string>com.apple.mgmt.External.test</string>";
/// `UserID` of everybody on a Shared iPad.
pub(crate) const SHARED_USER: &str = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

/// The keys that name a channel.
pub(crate) type Ids = Vec<(&'static str, String)>;

/// A message, to be sent by whomever.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Message {
    pub(crate) fn check_in(ids: &Ids, message_type: &str, keys: &str) -> Self {
        let keys = format!("<key>MessageType</key><string>{message_type}</string>{keys}");
        Self {
            path: "/mdm",
            content_type: CHECK_IN,
            body: property_list(ids, &keys),
        }
    }

    pub(crate) fn command(ids: &Ids, status: &str, keys: &str) -> Self {
        let keys = format!("<key>Status</key><string>{status}</string>{keys}");
        Self {
            path: "/mdm",
            content_type: COMMAND,
            body: property_list(ids, &keys),
        }
    }

    pub(crate) fn authenticate(ids: &Ids, facts: &str) -> Self {
        Self::check_in(ids, "Authenticate", &format!("{TOPIC}{facts}"))
    }

    pub(crate) fn token_update(ids: &Ids) -> Self {
        let keys =
            format!("{TOPIC}<key>PushMagic</key><string>magic</string><key>Token</key><data>AQIDBA==</data>");
        Self::check_in(ids, "TokenUpdate", &keys)
    }

    pub(crate) fn ddm(ids: &Ids, endpoint: &str) -> Self {
        let keys = format!("<key>Endpoint</key><string>{endpoint}</string>");
        Self::check_in(ids, "DeclarativeManagement", &keys)
    }

    pub(crate) fn status(ids: &Ids, report: &[u8]) -> Self {
        let data = STANDARD.encode(report);
        let keys = format!("<key>Endpoint</key><string>status</string><key>Data</key><data>{data}</data>");
        Self::check_in(ids, "DeclarativeManagement", &keys)
    }
}

/// A property list with `ids` and `keys`, which is XML.
pub(crate) fn property_list(ids: &Ids, keys: &str) -> String {
    let ids: String = ids
        .iter()
        .map(|(key, value)| format!("<key>{key}</key><string>{value}</string>"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>{ids}{keys}</dict>\n</plist>\n"
    )
}

/// The text of the element `name` after the key `key`.
pub(crate) fn value_of<'a>(xml: &'a str, key: &str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<key>{key}</key>"))?;
    let inside = after.trim_start().strip_prefix(&format!("<{name}>"))?;
    inside.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// The octets of a `data` element.
pub(crate) fn octets(text: &str) -> Vec<u8> {
    let packed: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(packed).expect("base64")
}
