//! Extensions of a Mac, and its content cache.

use ordain_apple::plist::Dictionary;

use super::call::{Answer, Call, Done, dictionaries, dictionary};

/// Identifier, extension point, name.
const EXTENSIONS: &[(&str, &str, &str)] = &[
    ("com.apple.share.Mail.compose", "com.apple.share-services", "Mail"),
    ("com.apple.nc.tomorrow", "com.apple.widget-extension", "Tomorrow"),
    (
        "org.example.editor.preview",
        "com.apple.quicklook.preview",
        "Editor Preview",
    ),
];

fn entry(&(identifier, point, name): &(&str, &str, &str)) -> Dictionary {
    dictionary([
        ("Identifier", identifier.into()),
        ("ExtensionPoint", point.into()),
        ("DisplayName", name.into()),
    ])
}

pub(super) fn active(call: Call<'_>) -> Answer {
    let points = call.texts("FilterExtensionPoints")?;
    let listed = EXTENSIONS
        .iter()
        .filter(|(_, point, _)| points.as_ref().is_none_or(|points| points.contains(point)))
        .map(|extension| {
            let mut listed = entry(extension);
            let (identifier, ..) = extension;
            listed.extend(dictionary([
                ("Path", format!("/Library/Extensions/{identifier}.appex").into()),
                ("Version", "1.0".into()),
                ("UserElection", "Default".into()),
            ]));
            listed
        });
    Ok(Done::said("Extensions", dictionaries(listed)))
}

pub(super) fn mappings(_: Call<'_>) -> Answer {
    Ok(Done::said(
        "Extensions",
        dictionaries(EXTENSIONS.iter().map(entry)),
    ))
}

/// No twin is a content cache.
pub(super) fn content_caching(_: Call<'_>) -> Answer {
    let status = dictionary([
        ("Activated", false.into()),
        ("Active", false.into()),
        ("CacheUsed", 0.into()),
        ("CacheStatus", "OK".into()),
        ("RegistrationStatus", 0.into()),
        ("StartupStatus", "PENDING".into()),
        ("TetheratorStatus", 0.into()),
    ]);
    Ok(Done::said("StatusResponse", status))
}
