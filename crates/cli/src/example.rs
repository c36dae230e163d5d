//! The example policy, which is part of the binary.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordain_server::api::{Policy, PolicyFile};
use serde_json::Value;

/// Paths and contents of `examples/policy`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/example.rs"));
/// The declaration that is changed in the demo,
pub(crate) const CHANGED: &str = "declarations/passcode.json";
/// and the value that changes therein.
pub(crate) const KEY: &str = "MinimumLength";

/// The example as it stands.
pub(crate) fn policy() -> Policy {
    let files = FILES
        .iter()
        .filter(|(path, _)| ordain_policy::is_policy_file(path));
    Policy {
        allow_unknown: false,
        files: files.map(|(path, content)| file(path, content)).collect(),
    }
}

/// The example with longer passcodes, and how long they must be before and after.
pub(crate) fn changed() -> anyhow::Result<(Policy, [i64; 2])> {
    let mut policy = policy();
    let (_, content) = FILES.iter().find(|(path, _)| *path == CHANGED).context(CHANGED)?;
    let mut declaration: Value = serde_json::from_slice(content).context(CHANGED)?;
    let length = declaration.pointer_mut(&format!("/Payload/{KEY}")).context(KEY)?;
    let before = length.as_i64().context(KEY)?;
    let after = before + 2;
    *length = after.into();
    for changed in policy.files.iter_mut().filter(|file| file.path == CHANGED) {
        *changed = file(CHANGED, &serde_json::to_vec(&declaration)?);
    }
    Ok((policy, [before, after]))
}

fn file(path: &str, content: &[u8]) -> PolicyFile {
    PolicyFile {
        path: path.to_owned(),
        content: STANDARD.encode(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_is_in_one_file() {
        let before = policy();
        let (after, [short, long]) = changed().unwrap();
        assert!(long > short);
        assert!(before.files.iter().all(|file| !file.path.contains("README")));
        let paths = |policy: &Policy| {
            policy
                .files
                .iter()
                .map(|file| file.path.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(paths(&before), paths(&after));
        let differing: Vec<_> = before
            .files
            .iter()
            .zip(&after.files)
            .filter(|(before, after)| before.content != after.content)
            .map(|(before, _)| before.path.as_str())
            .collect();
        assert_eq!(differing, [CHANGED]);
    }
}
