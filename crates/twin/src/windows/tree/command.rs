//! F2.6: what nodes make of `Add`, `Replace`, `Delete`, `Get` and `Exec`.

use ordain_catalog::windows::{Change, Found, Said, Together, Verb as Takes};
use ordain_catalog::{Scope as Owner, validate};
use ordain_windows::declared::DocId;
use ordain_windows::syncml::alert::LoginStatus;
use ordain_windows::syncml::loc_uri::{LocUri, Scope as Part};
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Format, Item, Verb};

use super::look::{Look, above, is_interior, item};
use super::{Effect, Facts, MAX_NODES, MAX_OCTETS, Tree, Value, checks};
use crate::windows::account::Account;
use crate::windows::complaint::{Complaint, Complaints};
use crate::windows::declared::accept;
use crate::windows::pc::Pc;
use crate::windows::quirks::Quirks;

/// Why a command is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::windows) struct Refusal {
    pub(in crate::windows) code: StatusCode,
    /// The HRESULT behind it.
    pub(in crate::windows) original: Option<u32>,
}

impl Refusal {
    pub(in crate::windows) const fn of(code: StatusCode) -> Self {
        Self { code, original: None }
    }

    /// There is no such node.
    pub(in crate::windows) const fn missing() -> Self {
        Self {
            code: StatusCode::NOT_FOUND,
            original: Some(0x8600_0002),
        }
    }

    /// The value is not one that the node can have: E_INVALIDARG.
    pub(super) const fn invalid() -> Self {
        Self::failed(0x8007_0057)
    }

    /// It failed with this HRESULT.
    pub(in crate::windows) const fn failed(hresult: u32) -> Self {
        Self {
            code: StatusCode::COMMAND_FAILED,
            original: Some(hresult),
        }
    }
}

/// The CSP of documents.
const DOCUMENTS: &str = "./Vendor/MSFT/DeclaredConfiguration";

/// A name as it is kept: those of documents in lower case.
fn known(name: &str) -> String {
    let id = DocId::new(name);
    if id.is_guid() {
        id.to_string()
    } else {
        name.to_owned()
    }
}

/// Who sets a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::windows) enum By {
    /// A server, with a command.
    Server,
    /// A document.
    Document,
}

/// A document owns the node.
const OWNED: Refusal = Refusal::failed(0x8600_0031);

/// The surroundings of the commands of a message, or of a document.
pub(in crate::windows) struct Scene<'a> {
    pub(in crate::windows) pc: &'a Pc,
    pub(in crate::windows) account: &'a Account,
    pub(in crate::windows) tree: &'a mut Tree,
    pub(in crate::windows) facts: Facts,
    /// What is to be done after the session.
    pub(in crate::windows) effects: &'a mut Vec<Effect>,
    pub(in crate::windows) complaints: &'a mut Complaints,
    /// Whether an `Atomic` is being executed.
    pub(in crate::windows) in_atomic: bool,
    pub(in crate::windows) by: By,
    pub(in crate::windows) quirks: Quirks,
    pub(in crate::windows) now: i64,
}

impl Scene<'_> {
    /// Does what a command asks of one node, and gives what a `Get` got.
    pub(in crate::windows) fn execute(&mut self, verb: Verb, item: &Item) -> Result<Vec<Item>, Refusal> {
        let text = item
            .target
            .as_ref()
            .map(|target| target.uri.as_str())
            .unwrap_or_default();
        let Ok(mut uri) = LocUri::parse(text) else {
            self.complaints.add(Complaint::LocUri(text.to_owned()));
            return Err(Refusal::of(StatusCode::BAD_REQUEST));
        };
        let query = uri.query.take();
        if query.is_some() && verb != Verb::Get {
            return Err(Refusal::of(StatusCode::UNSUPPORTED_FEATURE));
        }
        if uri.scope == Part::User && self.pc.login != LoginStatus::User {
            // F2.10
            return Err(Refusal::of(StatusCode::NOT_ALLOWED));
        }
        if let Some(refusal) = self.tree.fault(&uri, verb) {
            return Err(refusal);
        }
        let Ok(found) = Tree::catalog().find(&uri.to_string(), &mut 0) else {
            return match (verb, above(&uri)) {
                (Verb::Get, Some(value)) => Ok(vec![self::item(uri.to_string(), value)]),
                (_, Some(_)) => Err(Refusal::of(StatusCode::NOT_ALLOWED)),
                (_, None) => Err(Refusal::missing()),
            };
        };
        self.admit(&found, &uri, verb)?;
        if found.csp.name == DOCUMENTS {
            return self.document(&found, uri, query.as_deref(), verb, item);
        }
        let changes = matches!(verb, Verb::Add | Verb::Replace | Verb::Delete);
        if changes && self.tree.documents().owns(&uri) {
            return Err(OWNED);
        }
        let done = self.done(&found, uri.clone(), query.as_deref(), verb, item)?;
        if changes {
            self.tree.documents_mut().taken_over(&uri);
        }
        Ok(done)
    }

    fn done(
        &mut self,
        found: &Found<'_>,
        uri: LocUri,
        query: Option<&str>,
        verb: Verb,
        item: &Item,
    ) -> Result<Vec<Item>, Refusal> {
        match verb {
            // [U] of some of them: what is hidden is not there to be read.
            Verb::Get if found.node.hidden => Err(Refusal::missing()),
            Verb::Get => self.look().get(found, &uri, query),
            Verb::Add => self.add(found, uri, item).map(|()| Vec::new()),
            Verb::Replace => self.replace(found, uri, item).map(|()| Vec::new()),
            Verb::Delete => self.delete(found, &uri).map(|()| Vec::new()),
            Verb::Exec => self.exec(found, &uri, item).map(|()| Vec::new()),
        }
    }

    /// A command to a node of the documents' CSP. Names of documents are compared without case, and told as they are
    /// asked for.
    fn document(
        &mut self,
        found: &Found<'_>,
        uri: LocUri,
        query: Option<&str>,
        verb: Verb,
        item: &Item,
    ) -> Result<Vec<Item>, Refusal> {
        let asked = uri.to_string();
        let uri = LocUri {
            segments: uri.segments.iter().map(|name| known(name)).collect(),
            ..uri
        };
        if let Some(done) = accept::command(self, found, &uri, verb, item) {
            return done.map(|()| Vec::new());
        }
        let is_interval = uri.segments.last().is_some_and(|name| name == "RefreshInterval");
        let mut items = self.done(found, uri, query, verb, item)?;
        if query.is_none()
            && let Some(source) = items.first_mut().and_then(|item| item.source.as_mut())
        {
            source.uri = asked;
        }
        if is_interval && verb != Verb::Get {
            accept::interval_changed(self);
        }
        Ok(items)
    }

    /// Sets what a document wants at a node, or does it. Which of both it was is in the answer.
    pub(in crate::windows) fn configure(
        &mut self,
        uri: LocUri,
        format: Option<Format>,
        value: &str,
    ) -> Result<Verb, Refusal> {
        if uri.scope == Part::User && self.pc.login != LoginStatus::User {
            return Err(Refusal::of(StatusCode::NOT_ALLOWED));
        }
        let found = Tree::catalog().find(&uri.to_string(), &mut 0);
        let found = found.map_err(|_| Refusal::missing())?;
        let verbs = &found.node.verbs;
        let verb = match verbs.contains(&Takes::Exec) && !verbs.contains(&Takes::Replace) {
            true => Verb::Exec,
            false => Verb::Replace,
        };
        if let Some(refusal) = self.tree.fault(&uri, verb) {
            return Err(refusal);
        }
        self.admit(&found, &uri, verb)?;
        let mut item = Item::default();
        if !(value.is_empty() && format == Some(Format::Null)) {
            item.data = Some(value.to_owned());
        }
        item.meta.format = format;
        match verb {
            Verb::Exec => self.exec(&found, &uri, &item)?,
            _ if is_interior(found.node) => return Err(Refusal::of(StatusCode::NOT_ALLOWED)),
            _ => self.set(&found, uri, &item)?,
        }
        Ok(verb)
    }

    fn look(&self) -> Look<'_> {
        Look {
            tree: self.tree,
            facts: &self.facts,
        }
    }

    /// Whether the device has the node, and the node takes the command.
    fn admit(&self, found: &Found<'_>, uri: &LocUri, verb: Verb) -> Result<(), Refusal> {
        let sets = matches!(verb, Verb::Add | Verb::Replace);
        let owner = match uri.scope {
            Part::Device => Owner::System,
            Part::User => Owner::User,
        };
        if found.node.scopes.of(&owner) == Said::Excluded {
            return Err(Refusal::of(StatusCode::NOT_ALLOWED));
        }
        if !self.is_within_reach(found) || found.node.needs.lack(&self.pc.kind()).is_some() {
            return Err(Refusal::missing());
        }
        if found
            .binding("ProviderID")
            .is_some_and(|provider| provider != self.account.provider_id)
        {
            return Err(Refusal::missing());
        }
        for binding in &found.bindings {
            let fits = binding.shape.is_none_or(|shape| {
                validate::shape("", shape, &binding.value.as_str().into(), false).is_empty()
            });
            if !fits {
                return Err(match sets {
                    // A document is not called that.
                    true if found.csp.name == DOCUMENTS => Refusal::of(StatusCode::NOT_ALLOWED),
                    true => Refusal::invalid(),
                    false => Refusal::missing(),
                });
            }
        }
        let takes = match verb {
            Verb::Add => Takes::Add,
            Verb::Replace => Takes::Replace,
            Verb::Delete => Takes::Delete,
            Verb::Get => Takes::Get,
            Verb::Exec => Takes::Exec,
        };
        if !found.node.verbs.is_empty() && !found.node.verbs.contains(&takes) {
            return Err(Refusal::of(StatusCode::NOT_ALLOWED));
        }
        // Where it is a must, and not only what makes a change whole.
        let is_atomic =
            found.node.together == Some(Together::Atomic) && found.csp.name != "./Vendor/MSFT/VPNv2";
        if is_atomic && !self.in_atomic && (sets || verb == Verb::Exec && found.csp.name.ends_with("Install"))
        {
            return Err(Refusal::invalid());
        }
        Ok(())
    }

    /// What an enrollment is for. \[U\] what a linked one reaches beside documents: no more than it needs.
    fn is_within_reach(&self, found: &Found<'_>) -> bool {
        if self.by == By::Document {
            return found.csp.name != DOCUMENTS;
        }
        if self.quirks.documented_nodes_only && found.csp.name == DOCUMENTS && found.node.unverified {
            return false;
        }
        let is_link = found.uri.names.iter().any(|name| name == "LinkedEnrollment");
        match (self.account.is_linked, found.csp.name.as_str()) {
            (true, DOCUMENTS | "./DevInfo" | "./DevDetail") => true,
            (true, "./Vendor/MSFT/DMClient") => !is_link,
            (true, _) => false,
            (false, name) => name != DOCUMENTS,
        }
    }

    fn exists(&self, found: &Found<'_>, uri: &LocUri) -> bool {
        let look = self.look();
        if is_interior(found.node) {
            return look.has_interior(found, uri);
        }
        self.tree.get(uri).is_some() || look.value(uri, found.node).is_some()
    }

    fn add(&mut self, found: &Found<'_>, uri: LocUri, item: &Item) -> Result<(), Refusal> {
        // What a device says of itself until a server says otherwise can be added.
        let is_there = match is_interior(found.node) {
            true => self.exists(found, &uri),
            false => self.tree.get(&uri).is_some(),
        };
        if is_there {
            return Err(Refusal::of(StatusCode::ALREADY_EXISTS));
        }
        self.set(found, uri, item)
    }

    fn replace(&mut self, found: &Found<'_>, uri: LocUri, item: &Item) -> Result<(), Refusal> {
        if is_interior(found.node) {
            return Err(Refusal::of(StatusCode::NOT_ALLOWED));
        }
        // The nodes of an account are there from its beginning, with or without values.
        let makes = found.node.change == Some(Change::Replace) || found.csp.name == "./Vendor/MSFT/DMClient";
        if !makes && !self.exists(found, &uri) {
            return Err(Refusal::missing());
        }
        self.set(found, uri, item)
    }

    fn set(&mut self, found: &Found<'_>, uri: LocUri, item: &Item) -> Result<(), Refusal> {
        let value = self.judged(found, item)?;
        checks::check(self.tree, self.account, &uri, &value)?;
        self.has_room(value.data.len())?;
        if found.node.reboot {
            self.tree.set.pending.insert(uri, value);
            return Ok(());
        }
        if found.csp.name == "./Vendor/MSFT/DMClient" && uri.segments.iter().any(|name| name == "Poll") {
            self.effects.push(Effect::Reschedule);
        }
        if found.csp.name == "./Vendor/MSFT/ClientCertificateInstall"
            && uri.segments.last().is_some_and(|name| name == "PFXCertBlob")
        {
            self.install_pfx(&uri);
        }
        self.tree.put(uri, value);
        Ok(())
    }

    /// Whether there is room for another value of so many octets.
    pub(in crate::windows) fn has_room(&self, more: usize) -> Result<(), Refusal> {
        let (octets, nodes) = self.tree.weight();
        match octets + more > MAX_OCTETS || nodes >= MAX_NODES {
            true => Err(Refusal::of(StatusCode::DEVICE_FULL)),
            false => Ok(()),
        }
    }

    /// The value of a command in a format that the node takes.
    pub(in crate::windows) fn judged(&self, found: &Found<'_>, item: &Item) -> Result<Value, Refusal> {
        let node = found.node;
        let data = item.data.clone().unwrap_or_default();
        let is_empty = |format: &ordain_catalog::windows::DataFormat| format.is_empty();
        if item.data.is_none() && (is_interior(node) || node.formats.iter().any(is_empty)) {
            let format = if is_interior(node) {
                Format::Node
            } else {
                Format::Null
            };
            return Ok(Value::new(format, ""));
        }
        // SyncML's own default.
        let format = item.meta.format.clone().unwrap_or(Format::Chr);
        let unsupported = Refusal::of(StatusCode::UNSUPPORTED_FORMAT);
        let known: ordain_catalog::windows::DataFormat = format.as_str().parse().map_err(|_| unsupported)?;
        if !node.formats.is_empty() && !node.formats.contains(&known) {
            return Err(unsupported);
        }
        let value = known.value(&data).ok_or(Refusal::invalid())?;
        if let Some(shape) = &node.value
            && !validate::shape("", shape, &value, false).is_empty()
        {
            return Err(Refusal::invalid());
        }
        Ok(Value::new(format, data))
    }

    fn delete(&mut self, found: &Found<'_>, uri: &LocUri) -> Result<(), Refusal> {
        if !self.tree.take(uri) {
            // What every device has stays.
            return Err(match self.exists(found, uri) {
                true => Refusal::of(StatusCode::NOT_ALLOWED),
                false => Refusal::missing(),
            });
        }
        let jobs = &mut self.tree.set.jobs;
        jobs.retain(|node, _| !(node.scope == uri.scope && node.segments.starts_with(&uri.segments)));
        Ok(())
    }
}
