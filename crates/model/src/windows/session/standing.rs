//! What each session sees to, whatever a policy wants: how the device speaks with the server (DMClient CSP).

use std::collections::BTreeSet;

use ordain_catalog::windows::{DataFormat, LocUri};

use super::Declared;
use super::channel::PACKAGE;
use crate::windows::poll::Schedule;
use crate::windows::settings::{Setting, Settings, Wanted, plan};

/// From this version on, devices tell the HRESULT behind a failure.
const SYNC_APPLICATION_VERSION: &str = "3.0";
/// The server's account on the device.
pub(super) const ACCOUNT: &str = "./Vendor/MSFT/DMClient/Provider/Ordain";

/// Nodes of the server's account on the device with the values that they are to have, without those that `wanted` sets.
/// Sessions are held at `address`; the `package` to push for comes last, since an administrator may change that during a
/// session.
pub fn standing(address: &str, package: Option<&str>, wanted: &[Declared]) -> Settings {
    let chr = |name: &str, value: &str| {
        Some(Setting {
            path: format!("{ACCOUNT}/{name}").parse().ok()?,
            format: DataFormat::Chr,
            value: Wanted::read(DataFormat::Chr, value)?,
        })
    };
    let by_policy: BTreeSet<&LocUri> = wanted
        .iter()
        .flat_map(|declared| plan::read_back(&declared.settings))
        .collect();
    let speaks = [
        chr("SyncApplicationVersion", SYNC_APPLICATION_VERSION),
        chr("ManagementServerAddressList", &format!("<{address}>")),
    ];
    let package = package.and_then(|package| chr(PACKAGE, package));
    let nodes = speaks.into_iter().flatten();
    let nodes = nodes.chain(Schedule::default().settings()).chain(package);
    Settings {
        atomic: false,
        settings: nodes.filter(|node| !by_policy.contains(&node.path)).collect(),
    }
}
