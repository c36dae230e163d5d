//! The four kinds of declarations.

/// What a declaration is, told by the prefix of its type.
///
/// The order is that of the words; the facts file and manifests sort by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A set of configurations that apply together, with an optional predicate.
    Activation,
    /// Data that configurations refer to: a credential, a file, an identity.
    Asset,
    /// A policy to apply.
    Configuration,
    /// Facts about the server, the organisation, and properties for predicates.
    Management,
}

// The word is the second segment of the endpoint `declaration/<kind>/<identifier>`, so it is compared
// exactly.
words!(Kind, "a kind of declaration", {
    Activation => "activation",
    Asset => "asset",
    Configuration => "configuration",
    Management => "management",
});

impl Kind {
    /// The kind of a declaration type such as `com.apple.configuration.passcode.settings`; `None` when it has
    /// none of the four prefixes or nothing after it. Types that the catalog does not know have a kind as
    /// well.
    pub fn of_type(type_name: &str) -> Option<Self> {
        let (kind, rest) = type_name.strip_prefix("com.apple.")?.split_once('.')?;
        if rest.is_empty() {
            return None;
        }
        kind.parse().ok()
    }

    /// The key of its array in the answer to `declaration-items`.
    pub const fn manifest_key(self) -> &'static str {
        match self {
            Self::Activation => "Activations",
            Self::Asset => "Assets",
            Self::Configuration => "Configurations",
            Self::Management => "Management",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_kind() {
        assert_eq!(
            Kind::of_type("com.apple.activation.simple"),
            Some(Kind::Activation)
        );
        assert_eq!(
            Kind::of_type("com.apple.asset.credential.acme"),
            Some(Kind::Asset)
        );
        assert_eq!(
            Kind::of_type("com.apple.configuration.not.yet.known"),
            Some(Kind::Configuration)
        );
        assert_eq!(
            Kind::of_type("com.apple.management.properties"),
            Some(Kind::Management)
        );
        for wrong in [
            "",
            "any",
            "com.apple.activation",
            "com.apple.activation.",
            "com.apple.Activation.simple",
            "com.apple.credential.acme",
            "com.example.configuration.x",
        ] {
            assert_eq!(Kind::of_type(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_are_exact() {
        for &kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("Activation".parse::<Kind>().is_err());
        assert_eq!(
            "x".parse::<Kind>().unwrap_err().to_string(),
            "not a kind of declaration"
        );
    }
}
