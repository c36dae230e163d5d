//! What the paths in a policy directory mean.

use crate::tree::Syntax;

/// What a file is, told by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Declaration(Syntax),
    Asset(Syntax),
    Profile,
    Group(Syntax),
    Blueprint(Syntax),
    Advisory(Syntax),
    Windows(Syntax),
    /// Only an asset's `file` gives it a meaning. Holds what the folder is for, when it is one of the policy's.
    Other(Option<&'static str>),
}

const TEXT_FILES: &str = "files that end in .json, .yaml or .yml";
const WINDOWS_FILES: &str = "files that end in .json, .yaml or .yml, and for ADMX files that they name";

impl Role {
    /// The role of the file at `path`, relative to the policy directory. Folders inside the folders are for the
    /// administrator's own order.
    pub(crate) fn of(path: &str) -> Self {
        let Some((folder, file)) = path.split_once('/') else {
            return Self::Other(None);
        };
        let extension = file
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        let syntax = match extension.as_deref() {
            Some("json") => Some(Syntax::Json),
            Some("yaml" | "yml") => Some(Syntax::Yaml),
            _ => None,
        };
        let role = match folder {
            "declarations" => syntax.map(Self::Declaration),
            "assets" => syntax.map(Self::Asset),
            "groups" => syntax.map(Self::Group),
            "blueprints" => syntax.map(Self::Blueprint),
            "advisories" => syntax.map(Self::Advisory),
            "profiles" if extension.as_deref() == Some("mobileconfig") => Some(Self::Profile),
            "profiles" => return Self::Other(Some("files that end in .mobileconfig")),
            "windows" => return syntax.map_or(Self::Other(Some(WINDOWS_FILES)), Self::Windows),
            _ => return Self::Other(None),
        };
        role.unwrap_or(Self::Other(Some(TEXT_FILES)))
    }
}

/// Whether the file at `path`, relative to the policy directory, belongs to the policy: hidden files, files in hidden
/// folders, and those named README do not.
pub fn is_policy_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    !stem.eq_ignore_ascii_case("readme")
        && !path
            .split('/')
            .any(|part| part.starts_with('.') && !is_dots(part))
}

/// Whether `path` leads from the policy directory to a file below it and has one spelling.
pub(crate) fn is_below(path: &str) -> bool {
    !path.contains(['\\', '\0']) && path.split('/').all(|part| !part.is_empty() && !is_dots(part))
}

fn is_dots(part: &str) -> bool {
    matches!(part, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_and_the_extension_tell_the_role() {
        for (path, role) in [
            ("declarations/passcode.json", Role::Declaration(Syntax::Json)),
            ("declarations/mac/a.b.YML", Role::Declaration(Syntax::Yaml)),
            ("assets/mail.yaml", Role::Asset(Syntax::Yaml)),
            ("assets/logo.png", Role::Other(Some(TEXT_FILES))),
            ("profiles/wifi.mobileconfig", Role::Profile),
            (
                "profiles/wifi.json",
                Role::Other(Some("files that end in .mobileconfig")),
            ),
            ("groups/lab.yaml", Role::Group(Syntax::Yaml)),
            ("blueprints/baseline.yaml", Role::Blueprint(Syntax::Yaml)),
            ("advisories/battery.yml", Role::Advisory(Syntax::Yaml)),
            ("windows/firewall.yaml", Role::Windows(Syntax::Yaml)),
            ("windows/app.admx", Role::Other(Some(WINDOWS_FILES))),
            ("Declarations/passcode.json", Role::Other(None)),
            ("passcode.json", Role::Other(None)),
            ("declarations/json", Role::Other(Some(TEXT_FILES))),
        ] {
            assert_eq!(Role::of(path), role, "{path}");
        }
    }

    #[test]
    fn what_belongs_to_a_policy() {
        for path in ["declarations/a.json", "a/b", "LICENSE", "../x", "readme/x.json"] {
            assert!(is_policy_file(path), "{path}");
        }
        for path in [
            ".git/config",
            "assets/.DS_Store",
            "README.md",
            "blueprints/readme",
            "a/.b/c.json",
        ] {
            assert!(!is_policy_file(path), "{path}");
        }
        for path in ["", "/a", "a//b", "a/", "./a", "a/../b", "..", "a\\b", "a\0b"] {
            assert!(!is_below(path), "{path}");
        }
        assert!(is_below("a/..b/c d"));
    }
}
