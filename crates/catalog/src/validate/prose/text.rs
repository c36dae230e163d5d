//! What the texts are, of which Apple's prose speaks.

use super::{Given, Text};
use crate::validate::accepts_content_type;
use crate::validate::finding::{Code, Severity};
use crate::validate::format;
use crate::validate::place::{any_of, or_meant};
use crate::validate::reach::Verdict;
use crate::{DeclarationType, Format, nearest};

/// Why a text is not right.
pub(super) struct Judgement {
    pub(super) severity: Severity,
    pub(super) code: Code,
    /// What follows the name of the place and the text.
    pub(super) says: String,
}

/// The services of Apple's that read managed configuration files. The prefix is reserved.
const SERVICES: [&str; 9] = [
    "com.apple.apache.httpd",
    "com.apple.authorization",
    "com.apple.bash",
    "com.apple.cryptoTokenKit",
    "com.apple.cups",
    "com.apple.pam",
    "com.apple.sshd",
    "com.apple.sudo",
    "com.apple.zsh",
];

const CACHE_DIRECTORY: &str = "/Library/Application Support/Apple/AssetCache/Data";

/// What is wrong with `string`; nothing when it is a `text`.
pub(super) fn judge(
    text: Text,
    string: &str,
    given: Given<'_>,
    comparisons: &mut usize,
) -> Option<Judgement> {
    let (severity, code) = match text {
        Text::StatusItem => return status_item(string, given, comparisons),
        Text::Service => return service(string, comparisons),
        Text::Https | Text::Web | Text::WebPrefix => (Severity::Error, Code::Url),
        Text::Sha256 | Text::Email | Text::InHome => (Severity::Warning, Code::Format),
        _ => (Severity::Error, Code::Format),
    };
    let must = match text {
        Text::ContentType => any_of(&given.declaration.content_types),
        _ => text.described().to_owned(),
    };
    (!text.accepts(string, given.declaration)).then(|| Judgement {
        severity,
        code,
        says: format!(", must be {must}"),
    })
}

impl Text {
    fn accepts(self, string: &str, declaration: &DeclarationType) -> bool {
        let scheme_is = |schemes: &[&str]| {
            format::url(string).is_some_and(|url| schemes.contains(&url.scheme()) && url.has_host())
        };
        match self {
            Self::Https => scheme_is(&["https"]),
            Self::Web => scheme_is(&["https", "http"]),
            Self::WebPrefix => scheme_is(&["https", "http"]) && !string.contains(['?', '#']),
            Self::LocalTime => Format::LocalTime.accepts(string),
            Self::Sha256 => string.len() == 64 && string.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Self::OsVersion => is_os_version(string),
            Self::OsBuild => is_os_build(string),
            Self::Email => Format::Email.accepts(string),
            Self::Composed => match string.contains(' ') {
                true => is_composed_with_team(string),
                false => !string.is_empty(),
            },
            Self::ComposedWithTeam => is_composed_with_team(string),
            Self::InHome => !string.is_empty() && !string.starts_with(['/', '~']),
            Self::CacheDirectory => string.ends_with(CACHE_DIRECTORY),
            Self::ContentType => accepts_content_type(&declaration.content_types, string),
            // They depend on what is known.
            Self::StatusItem | Self::Service => true,
        }
    }

    const fn described(self) -> &'static str {
        match self {
            Self::Https => "a URL that begins with `https://`",
            Self::Web => "a URL that begins with `https://` or `http://`",
            Self::WebPrefix => "a URL that begins with `https://` or `http://`, without `?` or `#`",
            Self::LocalTime => Format::LocalTime.described(),
            Self::Sha256 => "a SHA-256 of 64 hexadecimal digits",
            Self::OsVersion => "the version of a system, such as `26.4`",
            Self::OsBuild => "the build of a system, such as `25E246`",
            Self::Email => Format::Email.described(),
            Self::Composed => "a bundle identifier, or `com.example.app (ABCD1234)`",
            Self::ComposedWithTeam => {
                "a bundle identifier with that of the team: `com.example.app (ABCD1234)`"
            }
            Self::InHome => "a path relative to the home directory, such as `Documents/Excluded/`",
            Self::CacheDirectory => {
                "a path that ends with `/Library/Application Support/Apple/AssetCache/Data`"
            }
            Self::StatusItem => "the name of a status item",
            Self::Service => "the identifier of a service",
            Self::ContentType => "a media type",
        }
    }

    /// One that is accepted.
    pub(super) fn sample(self, declaration: &DeclarationType) -> &str {
        match self {
            Self::Https | Self::Web | Self::WebPrefix => Format::Url.sample(),
            Self::LocalTime => Format::LocalTime.sample(),
            Self::Sha256 => "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            Self::StatusItem => "device.operating-system.version",
            Self::OsVersion => "26.4",
            Self::OsBuild => "25E246",
            Self::Email => Format::Email.sample(),
            Self::Composed | Self::ComposedWithTeam => "com.example.app (ABCD1234)",
            Self::Service => "com.apple.sshd",
            Self::InHome => "Documents/",
            Self::CacheDirectory => CACHE_DIRECTORY,
            Self::ContentType => declaration
                .content_types
                .first()
                .map_or("text/plain", String::as_str),
        }
    }
}

fn status_item(name: &str, given: Given<'_>, comparisons: &mut usize) -> Option<Judgement> {
    let judgement = |severity, code, says| Some(Judgement { severity, code, says });
    let Some(item) = given.catalog.status_item(name) else {
        let known = given.catalog.status_items().map(|item| item.name.as_str());
        let nearest = nearest(name, known, comparisons);
        let says = or_meant(", which is no status item".to_owned(), &nearest);
        return judgement(given.unknown, Code::StatusItem, says);
    };
    if name.starts_with("test.") {
        let says = ", which is only for tests".to_owned();
        return judgement(Severity::Warning, Code::StatusItem, says);
    }
    // Devices report an error for it, and the other items all the same.
    match given.recipients.judge(&item.support) {
        Verdict::Refused { reasons, .. } => {
            let says = format!(", which nobody here reports: {reasons}");
            judgement(Severity::Warning, Code::Unsupported, says)
        }
        Verdict::Taken | Verdict::Partly { .. } => None,
    }
}

fn service(name: &str, comparisons: &mut usize) -> Option<Judgement> {
    (name.starts_with("com.apple.") && !SERVICES.contains(&name)).then(|| Judgement {
        severity: Severity::Warning,
        code: Code::Reserved,
        says: or_meant(
            ", which is none of Apple's services that read such files, and `com.apple.` is reserved"
                .to_owned(),
            &nearest(name, SERVICES, comparisons),
        ),
    })
}

/// Numbers with dots between them, and the letter of a supplement in parentheses.
fn is_os_version(text: &str) -> bool {
    let supplement = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let version = match supplement {
        Some((version, letter)) if letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_lowercase()) => {
            version.trim_end_matches(' ')
        }
        Some(_) => return false,
        None => text,
    };
    let number = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    version.split('.').all(number) && version.split('.').count() <= 4
}

/// A number, a capital letter, a number, and the letter of a supplement or a seed.
fn is_os_build(text: &str) -> bool {
    let text = text
        .strip_suffix(|c: char| c.is_ascii_lowercase())
        .unwrap_or(text);
    let digits =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.split_once(|c: char| c.is_ascii_uppercase());
    parts.is_some_and(|(train, number)| digits(train, 3) && digits(number, 5))
}

fn is_composed_with_team(text: &str) -> bool {
    let team = text.strip_suffix(')').and_then(|text| text.split_once(" ("));
    team.is_some_and(|(bundle, team)| {
        !bundle.is_empty()
            && !bundle.contains(' ')
            && !team.is_empty()
            && team.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
