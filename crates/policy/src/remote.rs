//! Assets that say themselves where their data are: what they say of data that lie in the policy has to be so.

use std::collections::BTreeMap;

use ordain_catalog::Kind;
use ordain_model::ids::Digest;

use crate::compile::{ASSETS, Compiler};
use crate::declaration::Draft;
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};

impl Compiler<'_> {
    /// Checks references to data of ours that are not of our making: assets with `file` or `data` have their downloads.
    pub(crate) fn check_remote_data(&mut self, drafts: &mut BTreeMap<String, Draft<'_>>) {
        let ours = format!("{}/{ASSETS}/", self.public_url);
        for draft in drafts.values_mut() {
            if draft.kind() != Some(Kind::Asset) || !draft.downloads.is_empty() {
                continue;
            }
            let Some(reference) = draft.payload.get("Reference") else {
                continue;
            };
            let Some((place, name)) = reference.get("DataURL").and_then(|url| {
                let name = url.as_text()?.strip_prefix(&ours)?;
                Some((url.place, name))
            }) else {
                continue;
            };
            let authentication = draft.payload.pointer("/Authentication/Type");
            if let Some(none) = authentication.filter(|kind| kind.as_text() == Some("None")) {
                let message = "without authentication the device is refused: assets are served to enrolled devices only";
                self.problems.error(none.place, message);
            }
            if let Some(digest) = self.check_own_data(place, name, reference) {
                draft.downloads.insert(digest);
            }
        }
    }

    /// Checks what `reference` says of the data that are served here under `name`.
    fn check_own_data(&mut self, place: Place, name: &str, reference: &Node) -> Option<Digest> {
        let digest = name.parse().ok();
        let Some(download) = digest.and_then(|digest| self.download(digest)) else {
            let message =
                "no data of this policy are served here; name the file with `file` instead of a `Payload`";
            self.problems.error(place, message);
            return None;
        };
        let size = i64::try_from(download.body.len()).unwrap_or(i64::MAX);
        let content_type = download.content_type.clone();
        let digest = download.digest;
        let told = [
            ("Size", Value::Integer(size), size.to_string()),
            (
                "ContentType",
                Value::String(content_type.clone()),
                quoted(&content_type),
            ),
            (
                "Hash-SHA-256",
                Value::String(digest.to_string()),
                quoted(&digest.to_string()),
            ),
        ];
        for (key, value, shown) in told {
            if let Some(node) = reference.get(key).filter(|node| !says(node, &value)) {
                let message = format!("{} of the data is {shown}, and devices compare it", quoted(key));
                self.problems.error(node.place, message);
            }
        }
        Some(digest)
    }
}

/// Whether a device would take what `node` says for `value`. Digits of hashes may be in either case.
fn says(node: &Node, value: &Value) -> bool {
    match (&node.value, value) {
        (Value::String(told), Value::String(value)) => told.eq_ignore_ascii_case(value),
        (told, value) => told == value,
    }
}
