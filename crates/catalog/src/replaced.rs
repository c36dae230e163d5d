//! What Apple has replaced by something newer.

/// Payload types of profiles that are deprecated, removed or doubled by declarations, with the declaration types that
/// set the same. Accounts and certificates are not among them: one in a profile and one in a declaration are two.
const PAYLOADS: &[(&str, &[&str])] = &[
    (
        "com.apple.AssetCache.managed",
        &["com.apple.configuration.content-cache.settings"],
    ),
    (
        "com.apple.SoftwareUpdate",
        &["com.apple.configuration.softwareupdate.settings"],
    ),
    (
        "com.apple.applicationaccess.new",
        &["com.apple.configuration.app.settings"],
    ),
    (
        "com.apple.dnsProxy.managed",
        &["com.apple.configuration.network.dns-proxy"],
    ),
    (
        "com.apple.dnsSettings.managed",
        &["com.apple.configuration.network.dns-settings"],
    ),
    (
        "com.apple.extensiblesso",
        &["com.apple.configuration.extensible-sso"],
    ),
    (
        "com.apple.mobiledevice.passwordpolicy",
        &["com.apple.configuration.passcode.settings"],
    ),
    (
        "com.apple.relay.managed",
        &["com.apple.configuration.network.relay"],
    ),
    (
        "com.apple.vpn.managed",
        &[
            "com.apple.configuration.network.vpn.always-on",
            "com.apple.configuration.network.vpn.ikev2",
            "com.apple.configuration.network.vpn.ipsec",
            "com.apple.configuration.network.vpn.vpn-plugin",
        ],
    ),
    (
        "com.apple.webcontent-filter",
        &["com.apple.configuration.webcontent-filter.plugin"],
    ),
];

/// Keys of declarations, with the type, their JSON pointer, and the key beside them that does the same.
const KEYS: &[(&str, &str, &str)] = &[
    (
        "com.apple.configuration.app.managed",
        "/InstallBehavior/License/VPPType",
        "Assignment",
    ),
    (
        "com.apple.configuration.intelligence.settings",
        "/AllowVisualIntelligenceSummary",
        "AllowVisualIntelligence",
    ),
];

/// The declaration types that set the same as profile payloads of this type, sorted; none where both are needed, or
/// nothing is known.
pub fn replaced_by(payload_type: &str) -> &'static [&'static str] {
    let found = PAYLOADS
        .binary_search_by_key(&payload_type, |&(name, _)| name)
        .ok();
    found
        .and_then(|index| PAYLOADS.get(index))
        .map_or(&[], |&(_, types)| types)
}

/// The profile payload types that set the same as declarations of this type.
pub fn replaces(declaration_type: &str) -> impl Iterator<Item = &'static str> {
    let same = move |types: &[&str]| types.contains(&declaration_type);
    PAYLOADS
        .iter()
        .filter(move |(_, types)| same(types))
        .map(|&(name, _)| name)
}

/// The name of the key that replaces the one at `pointer` in payloads of this type.
pub(crate) fn key_replaced_by(type_name: &str, pointer: &str) -> Option<&'static str> {
    let found = KEYS
        .iter()
        .find(|&&(name, at, _)| name == type_name && at == pointer);
    found.map(|&(.., other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn payloads_are_found_both_ways() {
        assert!(PAYLOADS.is_sorted_by_key(|&(name, _)| name));
        for &(name, types) in PAYLOADS {
            assert_eq!(replaced_by(name), types);
            for other in types {
                assert!(Catalog::builtin().declaration(other).is_some(), "{other}");
                assert!(replaces(other).any(|replaced| replaced == name));
            }
        }
        assert!(replaced_by("com.apple.mail.managed").is_empty());
        assert_eq!(replaces("com.apple.configuration.account.mail").count(), 0);
    }
}
