//! A document of declared configuration, against its scenario and the nodes that it names.

use std::collections::BTreeSet;

use super::csp::{Checked, WindowsReach};
use super::finding::{At, Code, Finding, Findings};
use super::place::{Place, any_of, or_meant, short};
use crate::windows::{Body, DataFormat, Request, Said, Scenario, Verb, WindowsCatalog};
use crate::{Scope, nearest};

/// A document of declared configuration; a template as it is when one instance is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its DocID: a GUID.
    pub id: &'a str,
    /// Its `osdefinedscenario`, in any case.
    pub scenario: &'a str,
    /// Its context, which is the scope of the node that it is written to.
    pub scope: Scope,
    /// How it is sent.
    pub request: Request,
    /// Its `CSP` elements.
    pub csps: Vec<DocumentCsp<'a>>,
    /// How many `DSC` elements it has.
    pub dsc: usize,
}

/// A `CSP` element of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentCsp<'a> {
    /// Its `name`: `./Vendor/MSFT/VPNv2`.
    pub name: &'a str,
    /// Its `URI` elements.
    pub uris: Vec<DocumentUri<'a>>,
}

/// A `URI` element of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentUri<'a> {
    /// Its `path` below the CSP, without a slash at its beginning.
    pub path: &'a str,
    /// Its `type`.
    pub format: Option<DataFormat>,
    /// Its text, unescaped; `None` when there is none.
    pub value: Option<&'a str>,
}

/// All that is wrong with a document. Pointers lead into the fields of [`Document`], as in `/csps/0/uris/1`.
///
/// Takes time in proportion to the document and to the kinds of devices in `reach`.
pub fn document(catalog: &WindowsCatalog, document: &Document<'_>, reach: &WindowsReach) -> Vec<Finding> {
    let mut findings = Findings::new();
    let mut checked = Checked {
        catalog,
        reach,
        findings: &mut findings,
    };
    let root = Place::root();
    checked.own_node(document, &root);
    let scenario = checked.scenario(document, &root);
    checked.body(document, scenario, &root);
    findings.into_sorted()
}

/// How the scope of a node is written.
const fn prefix(scope: Scope) -> &'static str {
    match scope {
        Scope::System => "./Device",
        Scope::User => "./User",
    }
}

impl<'c> Checked<'c> {
    /// The node that the document is written to: its id, its context, and who has it.
    fn own_node(&mut self, document: &Document<'_>, root: &Place<'_>) {
        let uri = format!(
            "{}/Vendor/MSFT/DeclaredConfiguration/Host/{}/Documents/{}/Document",
            prefix(document.scope),
            document.request,
            document.id
        );
        let Some(found) = self.node(&uri, root) else {
            return;
        };
        if found.binding("DocID") != Some(document.id) {
            let message = format!("{} is no GUID as it is", root.named(document.id));
            self.findings.error(root, At::Key, Code::Format, message);
        }
    }

    fn scenario(&mut self, document: &Document<'_>, root: &Place<'_>) -> Option<&'c Scenario> {
        let place = root.key("scenario");
        let place = place.named(document.scenario);
        let catalog = self.catalog;
        let Some(scenario) = catalog.scenario(document.scenario) else {
            let known = catalog.scenarios().map(|scenario| scenario.name.as_str());
            let nearest = nearest(document.scenario, known, &mut self.findings.comparisons);
            let message = or_meant(format!("{place} is no scenario that is known"), &nearest);
            self.findings
                .add(self.unknown(), &place, At::Value, Code::UnknownScenario, message);
            return None;
        };
        if scenario.draft {
            let message = format!("{place} is known from a draft only: devices may not have it");
            self.findings
                .warning(&place, At::Value, Code::Unverified, message);
        }
        let Document { request, scope, .. } = document;
        if !scenario.requests.is_empty() && !scenario.requests.contains(request) {
            let message = format!(
                "{place} is not sent as {request}, only as {}",
                any_of(&scenario.requests)
            );
            self.findings
                .error(&root.key("request"), At::Value, Code::NotAllowed, message);
        }
        self.scope(
            &scenario.scopes,
            *scope,
            &root.key("scope").named(document.scenario),
        );
        Some(scenario)
    }

    fn body(&mut self, document: &Document<'_>, scenario: Option<&Scenario>, root: &Place<'_>) {
        let csps = root.key("csps");
        let dsc = root.key("dsc");
        if document.csps.is_empty() && document.dsc == 0 {
            let message = "the document has neither CSP nor DSC".to_owned();
            self.findings.error(root, At::Value, Code::MissingKey, message);
        }
        match scenario.and_then(|scenario| scenario.body) {
            Some(Body::Dsc) if !document.csps.is_empty() => {
                let message = format!("{} holds DSC, and no CSP", short(document.scenario));
                self.findings
                    .error(&csps, At::Value, Code::UnexpectedKey, message);
            }
            Some(Body::Csp) if document.dsc > 0 => {
                let message = format!("{} holds CSPs, and no DSC", short(document.scenario));
                self.findings.error(&dsc, At::Value, Code::UnexpectedKey, message);
            }
            _ => {}
        }
        if document.dsc > 0 && document.scope == Scope::User {
            let message = "DSC is for the device, not for a user".to_owned();
            self.findings.error(&dsc, At::Value, Code::Scope, message);
        }
        let mut seen = BTreeSet::new();
        for (index, csp) in document.csps.iter().enumerate() {
            if self.findings.is_full() {
                return;
            }
            let place = csps.element(index);
            let place = place.named(csp.name);
            self.csp(document, csp, scenario, &place);
            let uris = place.key("uris");
            for (index, uri) in csp.uris.iter().enumerate() {
                if self.findings.is_full() {
                    return;
                }
                self.uri(document, csp.name, *uri, &mut seen, &uris.element(index));
            }
        }
    }

    fn csp(
        &mut self,
        document: &Document<'_>,
        csp: &DocumentCsp<'_>,
        scenario: Option<&Scenario>,
        place: &Place<'_>,
    ) {
        match scenario.map(|scenario| (scenario, scenario.csps.of(csp.name))) {
            Some((_, Said::Unverified)) => {
                let message = format!("{place} is not verified in {}", short(document.scenario));
                self.findings.warning(place, At::Value, Code::Unverified, message);
            }
            Some((scenario, Said::Excluded)) => {
                let message = format!(
                    "{place} is none of {}, which has {}",
                    scenario.name,
                    any_of(scenario.csps.iter())
                );
                self.findings.error(place, At::Value, Code::NotAllowed, message);
            }
            Some((_, Said::Allowed)) | None => {}
        }
        if csp.uris.is_empty() {
            let message = format!("{place} names no node");
            self.findings.error(place, At::Value, Code::MissingKey, message);
        }
    }

    fn uri(
        &mut self,
        document: &Document<'_>,
        csp: &str,
        uri: DocumentUri<'_>,
        seen: &mut BTreeSet<String>,
        place: &Place<'_>,
    ) {
        let Some(below) = csp.strip_prefix("./").filter(|_| self.catalog.csp(csp).is_some()) else {
            let own = csp.rsplit('/').next().unwrap_or_default();
            let nearest = self.catalog.nearest_csps(own, &mut self.findings.comparisons);
            let message = or_meant(format!("`{}` is no CSP that is known", short(csp)), &nearest);
            self.findings
                .add(self.unknown(), place, At::Key, Code::UnknownNode, message);
            return;
        };
        let address = format!("{}/{below}/{}", prefix(document.scope), uri.path);
        let Some(found) = self.node(&address, place) else {
            return;
        };
        let named = place.named(&address);
        if !seen.insert(found.uri.to_string()) {
            let message = format!("{named} is named twice");
            self.findings.error(&named, At::Key, Code::Repeated, message);
        }
        let node = found.node;
        if document.request == Request::Inventory {
            return;
        }
        let does = node.can_be_set() || node.verbs.contains(&Verb::Exec);
        if !does {
            let message = format!("{named} cannot be set");
            self.findings.error(&named, At::Key, Code::Verb, message);
        }
        let has_none = node.formats.iter().any(|format| format.is_empty());
        match uri.value.filter(|value| !(value.is_empty() && has_none)) {
            Some(value) => self.value(&found, uri.format, value, &named),
            None if !has_none && !node.formats.is_empty() => {
                let message = format!("{named} lacks a value");
                self.findings.error(&named, At::Value, Code::MissingKey, message);
            }
            None => {}
        }
    }
}
