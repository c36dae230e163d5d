//! A command to a node of a CSP, against what is known of the node.

use serde_json::Value;

use super::finding::{At, Code, Finding, Findings, Severity};
use super::place::{Place, any_of, or_meant, shown};
use super::reach::Recipients;
use super::schema::Schema;
use crate::windows::{DataFormat, Found, Lack, NotFound, Said, Stated, Verb, WindowsCatalog, WindowsDevice};
use crate::{Scope, Shape};

/// A command to a node of a CSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting<'a> {
    /// The address of the node, with its scope: `./User/Vendor/MSFT/WiFi/Profile/Lab/WlanXml`.
    pub uri: &'a str,
    /// The command.
    pub verb: Verb,
    /// The format of the value; `None` when it is left to the catalog.
    pub format: Option<DataFormat>,
    /// The value, as it is sent before it is escaped.
    pub value: Option<&'a str>,
}

/// What is known of where something is to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowsReach {
    /// Whether nodes and scenarios that the catalog does not know are only warned of.
    pub allow_unknown: bool,
    /// The kinds of devices that there are. Without any, none is judged.
    pub devices: Vec<WindowsDevice>,
}

/// All that is wrong with a command. Pointers are empty; what is about the node, the command, its scope and who has it is
/// at [`At::Key`], what is about format and value at [`At::Value`].
pub fn csp(catalog: &WindowsCatalog, setting: Setting<'_>, reach: &WindowsReach) -> Vec<Finding> {
    let mut findings = Findings::new();
    let mut checked = Checked {
        catalog,
        reach,
        findings: &mut findings,
    };
    checked.setting(setting, &Place::root());
    findings.into_sorted()
}

/// What is looked at, and what was found.
pub(super) struct Checked<'a> {
    pub(super) catalog: &'a WindowsCatalog,
    pub(super) reach: &'a WindowsReach,
    pub(super) findings: &'a mut Findings,
}

impl<'a> Checked<'a> {
    fn setting(&mut self, setting: Setting<'_>, place: &Place<'_>) {
        let Some(found) = self.node(setting.uri, place) else {
            return;
        };
        let place = place.named(setting.uri);
        let Setting { verb, .. } = setting;
        if !found.node.verbs.is_empty() && !found.node.verbs.contains(&verb) {
            let message = format!("{place} does not take {verb}, only {}", any_of(&found.node.verbs));
            self.findings.error(&place, At::Key, Code::Verb, message);
        }
        let has_none = found.node.formats.iter().any(|format| format.is_empty());
        match setting.value {
            Some(value) if verb.sets() || verb == Verb::Exec => {
                self.value(&found, setting.format, value, &place);
            }
            Some(_) => {
                let message = format!("{place} has a value, which {verb} does not take");
                self.findings
                    .error(&place, At::Value, Code::UnexpectedKey, message);
            }
            None if verb.sets() && !has_none => {
                let message = format!("{place} lacks a value, which {verb} takes");
                self.findings.error(&place, At::Value, Code::MissingKey, message);
            }
            None => self.format(&found, setting.format, &place),
        }
    }

    /// The node of this address, when it is known; with what stands for placeholders, scope and needs judged.
    pub(super) fn node(&mut self, uri: &str, place: &Place<'_>) -> Option<Found<'a>> {
        let place = place.named(uri);
        let found = match self.catalog.find(uri, &mut self.findings.comparisons) {
            Ok(found) => found,
            Err(error) => {
                let (severity, code) = match error {
                    NotFound::Invalid(_) => (Severity::Error, Code::Format),
                    _ => (self.unknown(), Code::UnknownNode),
                };
                let nearest: Vec<&str> = error.nearest().iter().map(String::as_str).collect();
                let message = or_meant(format!("{place}: {error}"), &nearest);
                self.findings.add(severity, &place, At::Key, code, message);
                return None;
            }
        };
        self.names(&found, &place);
        self.scope(&found.node.scopes, found.uri.scope, &place);
        self.devices(&found, &place);
        if found.node.unverified {
            let message = format!("{place} is not verified: devices may not have it");
            self.findings.warning(&place, At::Key, Code::Unverified, message);
        }
        Some(found)
    }

    /// How bad something is that is not known.
    pub(super) fn unknown(&self) -> Severity {
        match self.reach.allow_unknown {
            true => Severity::Warning,
            false => Severity::Error,
        }
    }

    /// What stands for placeholders.
    fn names(&mut self, found: &Found<'_>, place: &Place<'_>) {
        for binding in &found.bindings {
            let Some(shape) = binding.shape else { continue };
            let mut findings = Findings::new();
            let name = format!("{{{}}}", binding.name);
            let value = Value::from(binding.value.as_str());
            check(&mut findings, shape, &value, &place.named(&name));
            for finding in findings.into_sorted() {
                let message = format!("{place}: {}", finding.message);
                self.findings
                    .add(finding.severity, place, At::Key, finding.code, message);
            }
        }
    }

    pub(super) fn scope(&mut self, scopes: &Stated<Scope>, scope: Scope, place: &Place<'_>) {
        let which = match scope {
            Scope::System => "device",
            Scope::User => "user",
        };
        match scopes.of(&scope) {
            Said::Allowed => {}
            Said::Unverified => {
                let message = format!("{place} is not verified in the scope of a {which}");
                self.findings.warning(place, At::Key, Code::Unverified, message);
            }
            Said::Excluded => {
                let message = format!("{place} is not in the scope of a {which}");
                self.findings.error(place, At::Key, Code::Scope, message);
            }
        }
    }

    fn devices(&mut self, found: &Found<'_>, place: &Place<'_>) {
        let devices = &self.reach.devices;
        let lacking: Vec<(&WindowsDevice, Lack<'_>)> = devices
            .iter()
            .filter_map(|device| Some((device, found.node.needs.lack(device)?)))
            .collect();
        let reasons = |shown: usize| -> String {
            let reasons = lacking.iter().take(shown);
            let mut reasons: Vec<String> = reasons
                .map(|(device, lack)| format!("{device}: {lack}"))
                .collect();
            if lacking.len() > shown {
                reasons.push(format!("and {} others", lacking.len() - shown));
            }
            reasons.join("; ")
        };
        const SHOWN: usize = 5;
        if lacking.is_empty() {
        } else if lacking.len() == devices.len() {
            let message = format!("{place} is for none of the targeted devices: {}", reasons(SHOWN));
            self.findings.error(place, At::Key, Code::Unsupported, message);
        } else {
            let message = format!(
                "{place} is not for all of the targeted devices: {}",
                reasons(SHOWN)
            );
            self.findings
                .warning(place, At::Key, Code::PartlyUnsupported, message);
        }
    }

    /// Whether a node may have this format.
    fn format(&mut self, found: &Found<'_>, format: Option<DataFormat>, place: &Place<'_>) {
        let formats = &found.node.formats;
        if let Some(format) = format
            && !formats.is_empty()
            && !formats.contains(&format)
            // Commands without a value say so.
            && !format.is_empty()
        {
            let message = format!("{place} has the format {format}, must have {}", any_of(formats));
            self.findings.error(place, At::Value, Code::WrongType, message);
        }
    }

    /// A value: in the format that is given, or in any that the node has.
    pub(super) fn value(
        &mut self,
        found: &Found<'_>,
        format: Option<DataFormat>,
        text: &str,
        place: &Place<'_>,
    ) {
        self.format(found, format, place);
        let formats = &found.node.formats;
        let candidates: Vec<DataFormat> = match format {
            Some(format) if formats.is_empty() || formats.contains(&format) => vec![format],
            Some(_) => return,
            None => formats.iter().copied().collect(),
        };
        let value = candidates.iter().find_map(|format| format.value(text));
        match (value, candidates.first()) {
            (Some(value), _) => {
                if let Some(shape) = &found.node.value {
                    check(self.findings, shape, &value, place);
                }
            }
            (None, Some(format)) => {
                let value = shown(&Value::from(text));
                let message = format!("{place} is {value}, must be {}", format.described());
                self.findings.error(place, At::Value, Code::WrongType, message);
            }
            (None, None) => {}
        }
    }
}

/// Whether a value is what it must be, whoever gets it.
fn check(findings: &mut Findings, shape: &Shape, value: &Value, place: &Place<'_>) {
    let nobody = Recipients::default();
    let mut schema = Schema {
        findings,
        type_name: "",
        unknown: Severity::Error,
        outdated: None,
    };
    schema.check(shape, value, place, &nobody);
}
