//! The operating systems, and how to tell which one a device has.

/// An operating system of Apple. The schema does not tell iPadOS from iOS; here it is kept apart, since
/// people do, and takes iOS's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// iPhone and iPod touch.
    Ios,
    /// iPad.
    IpadOs,
    /// Mac.
    MacOs,
    /// Apple TV.
    TvOs,
    /// Apple Vision.
    VisionOs,
    /// Apple Watch.
    WatchOs,
}

words!(Platform, "a platform (iOS, iPadOS, macOS, tvOS, visionOS, watchOS)", str::eq_ignore_ascii_case, {
    Ios => "iOS",
    IpadOs => "iPadOS",
    MacOs => "macOS",
    TvOs => "tvOS",
    VisionOs => "visionOS",
    WatchOs => "watchOS",
});

/// How names of hardware begin: identifiers (`Mac14,2`, `RealityDevice14,1`) and marketing names (`Mac mini`,
/// `Apple Vision Pro`) alike.
const HARDWARE: &[(&str, Platform)] = &[
    ("iPhone", Platform::Ios),
    ("iPod", Platform::Ios),
    ("iPad", Platform::IpadOs),
    ("Mac", Platform::MacOs),
    ("Macmini", Platform::MacOs),
    ("iMac", Platform::MacOs),
    ("VirtualMac", Platform::MacOs),
    ("AppleTV", Platform::TvOs),
    ("Apple TV", Platform::TvOs),
    ("RealityDevice", Platform::VisionOs),
    ("Apple Vision", Platform::VisionOs),
    ("Watch", Platform::WatchOs),
    ("Apple Watch", Platform::WatchOs),
];

impl Platform {
    /// The platform told by a `ProductName`, a `ModelName`, or one of the status items `device.model.family`,
    /// `device.model.identifier`, `device.model.marketing-name`, `device.operating-system.family`. `None`
    /// when the text is none that Apple uses; part numbers (`Model`, `device.model.number`) tell nothing.
    pub fn from_model(product_or_model: &str) -> Option<Self> {
        let text = product_or_model.trim();
        let names_hardware = |prefix: &str| {
            // A lower-case letter continues the word: "Machine" is no Mac.
            text.strip_prefix(prefix)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase()))
        };
        text.parse().ok().or_else(|| {
            HARDWARE
                .iter()
                .find(|(prefix, _)| names_hardware(prefix))
                .map(|&(_, platform)| platform)
        })
    }

    /// The platform whose facts hold for this one.
    pub(crate) const fn in_schema(self) -> Self {
        match self {
            Self::IpadOs => Self::Ios,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_tells_the_platform() {
        let cases = [
            (
                Platform::MacOs,
                "Mac14,2 MacBookPro18,3 Macmini9,1 iMac21,1 iMacPro1,1 MacPro7,1 VirtualMac2,1 Mac",
            ),
            (Platform::Ios, "iPhone15,2 iPod9,1 iPhone iOS"),
            (Platform::IpadOs, "iPad13,4 iPad iPadOS ipados"),
            (Platform::TvOs, "AppleTV14,1 tvOS"),
            (Platform::WatchOs, "Watch6,1 watchOS"),
            (Platform::VisionOs, "RealityDevice14,1 visionOS"),
        ];
        for (platform, models) in cases {
            for model in models.split(' ') {
                assert_eq!(Platform::from_model(model), Some(platform), "{model}");
            }
        }
    }

    #[test]
    fn marketing_names_tell_the_platform() {
        for (platform, model) in [
            (Platform::MacOs, "MacBook Pro (14-inch, 2023)"),
            (Platform::MacOs, "Mac mini"),
            (Platform::MacOs, " iMac Pro "),
            (Platform::Ios, "iPod touch"),
            (Platform::IpadOs, "iPad Pro 11-inch"),
            (Platform::TvOs, "Apple TV 4K"),
            (Platform::WatchOs, "Apple Watch Series 9"),
            (Platform::VisionOs, "Apple Vision Pro"),
        ] {
            assert_eq!(Platform::from_model(model), Some(platform), "{model}");
        }
    }

    #[test]
    fn other_names_tell_nothing() {
        for model in [
            "",
            "Machine",
            "Watchtower",
            "MQ123LL/A",
            "Windows",
            "Apple",
            "AudioAccessory5,1",
            "mac\u{e9}",
        ] {
            assert_eq!(Platform::from_model(model), None, "{model}");
        }
    }

    #[test]
    fn spelled_as_apple_does_and_read_in_any_case() {
        for &platform in Platform::ALL {
            assert_eq!(platform.as_str().to_uppercase().parse(), Ok(platform));
            let json = serde_json::to_string(&platform).unwrap();
            assert_eq!(json, format!("\"{platform}\""));
            assert_eq!(serde_json::from_str::<Platform>(&json).unwrap(), platform);
        }
        assert_eq!("VISIONOS".parse(), Ok(Platform::VisionOs));
    }
}
