//! What Windows devices take: the nodes of their configuration service providers (CSPs), and the scenarios of declared
//! configuration.
//!
//! All of it is looked up in [`WindowsCatalog::builtin`], which reads `facts/windows.facts`. That file is written by hand
//! ([`facts::read_windows`] describes the form), and has no part in an import of Apple's
//! schema. What it does not state excludes nothing, and what was only seen or inferred is marked as unverified.

mod csp;
mod device;
mod loc_uri;
mod node;
mod scenario;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

pub use csp::{Change, Csp, DataFormat, Node, Outcome, Removal, Together, Verb};
pub use device::{Builds, Edition, InvalidWindowsDevice, Join, Lack, Needs, WindowsDevice};
pub use loc_uri::{InvalidLocUri, LocUri};
pub use node::{Binding, Found, NotFound};
pub(crate) use node::{Segment, is_csp_name};
pub use scenario::{Body, Request, Said, Scenario, Stated};

use crate::facts;

/// The CSPs and scenarios that are known, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowsCatalog {
    csps: BTreeMap<String, Csp>,
    /// By name in lower case.
    scenarios: BTreeMap<String, Scenario>,
}

/// How much a catalog has. `Display` is one line for administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowsCounts {
    /// CSPs.
    pub csps: usize,
    /// Their nodes, interior ones included.
    pub nodes: usize,
    /// Nodes, of those, that are not verified.
    pub unverified_nodes: usize,
    /// Scenarios of declared configuration.
    pub scenarios: usize,
    /// Scenarios, of those, that only a draft names.
    pub drafts: usize,
}

impl fmt::Display for WindowsCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} CSPs with {} nodes ({} unverified), {} declared-configuration scenarios ({} from a draft)",
            self.csps, self.nodes, self.unverified_nodes, self.scenarios, self.drafts,
        )
    }
}

impl WindowsCatalog {
    /// The catalog of this release of Ordain, made once.
    #[expect(
        clippy::expect_used,
        reason = "the facts are part of the program, and a test reads them"
    )]
    pub fn builtin() -> &'static Arc<Self> {
        static BUILTIN: LazyLock<Arc<WindowsCatalog>> = LazyLock::new(|| {
            Arc::new(facts::read_windows(facts::WINDOWS).expect("the embedded facts are canonical"))
        });
        &BUILTIN
    }

    /// The CSP of this name, such as `./Vendor/MSFT/BitLocker`.
    pub fn csp(&self, name: &str) -> Option<&Csp> {
        self.csps.get(name)
    }

    /// Every CSP, sorted by name.
    pub fn csps(&self) -> impl Iterator<Item = &Csp> {
        self.csps.values()
    }

    /// Adds a CSP, and gives back the one of that name that was there before.
    pub fn add_csp(&mut self, csp: Csp) -> Option<Csp> {
        self.csps.insert(csp.name.clone(), csp)
    }

    /// The scenario of this name, in any case.
    pub fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.scenarios.get(&name.to_ascii_lowercase())
    }

    /// Every scenario, sorted by name in lower case.
    pub fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.scenarios.values()
    }

    /// Adds a scenario, and gives back the one of that name, in any case, that was there before.
    pub fn add_scenario(&mut self, scenario: Scenario) -> Option<Scenario> {
        let name = scenario.name.to_ascii_lowercase();
        self.scenarios.insert(name, scenario)
    }

    /// How much it has.
    pub fn counts(&self) -> WindowsCounts {
        let nodes: Vec<&Node> = self.csps().flat_map(Csp::nodes).map(|(_, node)| node).collect();
        WindowsCounts {
            csps: self.csps.len(),
            nodes: nodes.len(),
            unverified_nodes: nodes.iter().filter(|node| node.unverified).count(),
            scenarios: self.scenarios.len(),
            drafts: self.scenarios().filter(|scenario| scenario.draft).count(),
        }
    }
}
