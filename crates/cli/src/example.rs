//! The example policy, which is part of the binary.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordain_server::api::{Policy, PolicyFile};

/// Paths and contents of `examples/policy`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/example.rs"));
/// What is changed in the demo: in which file, and what stands before the number of characters there.
const CHANGED: [(&str, &str); 2] = [
    ("declarations/passcode.json", "\"MinimumLength\": "),
    (
        "windows/passcode.yaml",
        "MinDevicePasswordLength\n    format: int\n    value: ",
    ),
];
/// How long passcodes have to be, before and after.
const LENGTHS: [u8; 2] = [8, 10];

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
pub(crate) fn changed() -> anyhow::Result<(Policy, [u8; 2])> {
    let mut policy = policy();
    let [before, after] = LENGTHS;
    for (path, key) in CHANGED {
        let (_, content) = FILES.iter().find(|(name, _)| *name == path).context(path)?;
        let text = std::str::from_utf8(content).context(path)?;
        let (short, long) = (format!("{key}{before}"), format!("{key}{after}"));
        ensure!(text.matches(&short).count() == 1, "{path} has not one {short}");
        for changed in policy.files.iter_mut().filter(|file| file.path == path) {
            *changed = file(path, text.replace(&short, &long).as_bytes());
        }
    }
    Ok((policy, LENGTHS))
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
    fn passcodes_are_changed_and_nothing_else() {
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
        assert_eq!(differing, CHANGED.map(|(path, _)| path));
    }
}
