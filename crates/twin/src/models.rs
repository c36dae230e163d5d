//! Hardware and systems that twins can be.

use ordain_catalog::Platform;

/// A model of hardware.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// `device.model.identifier`, such as `Mac15,12`.
    pub identifier: &'static str,
    /// `device.model.marketing-name`.
    pub marketing_name: &'static str,
    /// `device.model.number`: a part number.
    pub number: &'static str,
    /// `device.model.family`.
    pub family: &'static str,
}

/// A release of an operating system.
#[derive(Debug, PartialEq, Eq)]
pub struct System {
    /// `device.operating-system.version`.
    pub version: &'static str,
    /// `device.operating-system.build-version`.
    pub build: &'static str,
    /// `device.operating-system.marketing-name`.
    pub marketing_name: &'static str,
}

/// One or more, of which one is drawn.
pub(crate) struct Choice<T: 'static> {
    first: T,
    others: &'static [T],
}

impl<T> Choice<T> {
    /// The first, which is the newest.
    pub(crate) const fn first(&self) -> &T {
        &self.first
    }

    /// The one that this number falls on.
    pub(crate) fn pick(&self, drawn: u8) -> &T {
        let index = usize::from(drawn) % (self.others.len() + 1);
        self.others.get(index).unwrap_or(&self.first)
    }
}

macro_rules! models {
    ($family:literal: $($identifier:literal, $name:literal, $number:literal;)+) => {
        models!(@ $(Model { identifier: $identifier, marketing_name: $name, number: $number, family: $family };)+)
    };
    (@ $first:expr; $($other:expr;)*) => {
        &Choice { first: $first, others: &[$($other),*] }
    };
}

macro_rules! systems {
    ($($version:literal, $build:literal, $name:literal;)+) => {
        models!(@ $(System { version: $version, build: $build, marketing_name: $name };)+)
    };
}

/// The models that a twin of this platform is one of.
pub(crate) const fn models(platform: Platform) -> &'static Choice<Model> {
    match platform {
        Platform::MacOs => models! { "Mac":
            "Mac14,2", "MacBook Air (M2, 2022)", "MLXW3LL/A";
            "Mac15,6", "MacBook Pro (14-inch, Nov 2023)", "MRX33LL/A";
            "Mac16,10", "Mac mini (2024)", "MU9D3LL/A";
            "iMac21,1", "iMac (24-inch, M1, 2021)", "MGPK3LL/A";
        },
        Platform::Ios => models! { "iPhone":
            "iPhone14,5", "iPhone 13", "MLPF3LL/A";
            "iPhone15,4", "iPhone 15", "MTLV3LL/A";
            "iPhone17,3", "iPhone 16", "MYAP3LL/A";
        },
        Platform::IpadOs => models! { "iPad":
            "iPad13,18", "iPad (10th generation)", "MPQ03LL/A";
            "iPad14,8", "iPad Air 11-inch (M2)", "MUWC3LL/A";
            "iPad16,3", "iPad Pro 11-inch (M4)", "MVV83LL/A";
        },
        Platform::TvOs => models! { "AppleTV":
            "AppleTV14,1", "Apple TV 4K (3rd generation)", "MN873LL/A";
            "AppleTV11,1", "Apple TV 4K (2nd generation)", "MXGY2LL/A";
        },
        Platform::VisionOs => models! { "RealityDevice":
            "RealityDevice14,1", "Apple Vision Pro", "MQL83LL/A";
        },
        Platform::WatchOs => models! { "Watch":
            "Watch7,1", "Apple Watch Series 9", "MR8X3LL/A";
            "Watch6,18", "Apple Watch Ultra", "MQDY3LL/A";
        },
    }
}

/// The systems that a twin of this platform has one of.
pub(crate) const fn systems(platform: Platform) -> &'static Choice<System> {
    match platform {
        Platform::MacOs => systems! {
            "26.1", "25B78", "Tahoe";
            "15.7.2", "24G325", "Sequoia";
            "14.8.2", "23J126", "Sonoma";
        },
        Platform::Ios => systems! {
            "26.1", "23B85", "iOS 26.1";
            "18.7.2", "22H124", "iOS 18.7.2";
            "17.7.2", "21H221", "iOS 17.7.2";
        },
        Platform::IpadOs => systems! {
            "26.1", "23B85", "iPadOS 26.1";
            "18.7.2", "22H124", "iPadOS 18.7.2";
            "17.7.10", "21H450", "iPadOS 17.7.10";
        },
        Platform::TvOs => systems! {
            "26.1", "23J579", "tvOS 26.1";
            "18.6", "22M84", "tvOS 18.6";
        },
        Platform::VisionOs => systems! {
            "26.1", "23N45", "visionOS 26.1";
            "2.6", "22O785", "visionOS 2.6";
        },
        Platform::WatchOs => systems! {
            "26.1", "23S37", "watchOS 26.1";
            "11.6", "22U78", "watchOS 11.6";
        },
    }
}
