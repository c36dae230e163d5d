//! F4.1: what a server does to documents. It is judged at once, and done later.

use ordain_catalog::Scope as Owner;
use ordain_catalog::windows::{Body as Kind, Found, Request as Sent, Said};
use ordain_windows::declared::{
    Address, Body, Document, InstanceBlob, MAX_DOCUMENTS, MAX_SETTINGS, Node, Request, State, StateKind,
};
use ordain_windows::syncml::loc_uri::{LocUri, Scope as Part};
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Item, Verb};

use super::store::{Held, Key};
use super::{refresh, result};
use crate::windows::tree::{Refusal, Scene, Tree};

/// E_UNEXPECTED: "catastrophic failure".
const UNEXPECTED: Refusal = Refusal::failed(0x8000_ffff);
/// ERROR_FILE_NOT_FOUND.
const NOT_THERE: Refusal = Refusal::failed(0x8007_0002);

/// Does a command to a node of a document, or to what holds some. `None`: it is for any other node to do.
pub(in crate::windows) fn command(
    scene: &mut Scene<'_>,
    found: &Found<'_>,
    uri: &LocUri,
    verb: Verb,
    item: &Item,
) -> Option<Result<(), Refusal>> {
    let sets = matches!(verb, Verb::Add | Verb::Replace);
    match Address::of(uri) {
        Some(address) if sets => Some(set(scene, found, uri, &address, verb, item)),
        _ if verb == Verb::Delete => delete(scene, uri),
        _ => None,
    }
}

fn set(
    scene: &mut Scene<'_>,
    found: &Found<'_>,
    uri: &LocUri,
    address: &Address,
    verb: Verb,
    item: &Item,
) -> Result<(), Refusal> {
    let key = Key::of(address);
    let value = scene.judged(found, item)?;
    if verb == Verb::Add && scene.tree.get(uri).is_some() {
        return Err(Refusal::of(StatusCode::ALREADY_EXISTS));
    }
    match address.node {
        Node::Document => {
            scene.has_room(value.data.len())?;
            accept(scene, &key, &value.data)?;
        }
        Node::Abandoned => abandon(scene, &key, value.data.trim_ascii() == "1")?,
        // What a template is filled in with is not kept, and therefore not to be read.
        Node::BulkVariables => return fill_in(scene, &key, &value.data),
        Node::Result => return Err(Refusal::of(StatusCode::NOT_ALLOWED)),
    }
    scene.tree.put(uri.clone(), value);
    Ok(())
}

/// F4.1: what is wrong with a document itself is told at once (spec, section 3.4).
fn accept(scene: &mut Scene<'_>, key: &Key, text: &str) -> Result<(), Refusal> {
    let document = Document::parse(text).map_err(|_| UNEXPECTED)?;
    if document.id != key.id {
        return Err(UNEXPECTED);
    }
    if document.scope != key.scope {
        return Err(NOT_THERE);
    }
    judge(scene, key, &document)?;
    let store = scene.tree.documents();
    // \[U\]: an id is a document's, whatever the scope and the request.
    if store
        .documents
        .keys()
        .any(|other| other.id == key.id && other != key)
    {
        return Err(UNEXPECTED);
    }
    let old = store.documents.get(key);
    let is_known = old.is_some_and(|held| {
        let is_leaving = matches!(held.state.kind(), StateKind::Deleting | StateKind::NotDeleted);
        held.document == document && !is_leaving && held.state.kind() != StateKind::Retryable
    });
    if is_known {
        // \[D\]: the same once more changes nothing.
        return Ok(());
    }
    if old.is_none() && store.documents.len() >= MAX_DOCUMENTS {
        return Err(Refusal::of(StatusCode::DEVICE_FULL));
    }
    let state = match key.request {
        Request::Complete => State::CONFIG_REQUEST,
        Request::Inventory => State::GET_REQUEST,
        // \[U\]: how a template waits for what it is filled in with.
        Request::BulkTemplate => State::CONSTRUCT_URI_STORAGE_SUCCESS,
    };
    let mut held = Held::new(document, state);
    held.due =
        (key.request != Request::BulkTemplate).then(|| scene.now.saturating_add(scene.pc.document_seconds));
    let interval = refresh::interval(scene.tree);
    scene.tree.take(&key.uri(Node::Abandoned));
    let store = scene.tree.documents_mut();
    if let Some(old) = store.documents.remove(key) {
        held.written = old.written;
        held.originals = old.originals;
        held.resources = old.resources;
    }
    store.documents.insert(key.clone(), held);
    store.refresh = store.refresh.or(Some(scene.now.saturating_add(interval)));
    result::unfinished(scene.tree, key, state);
    Ok(())
}

/// Whether this build knows such documents, there.
fn judge(scene: &Scene<'_>, key: &Key, document: &Document) -> Result<(), Refusal> {
    let scenario = Tree::catalog().scenario(&document.scenario);
    let scenario = scenario.filter(|one| !one.draft || scene.quirks.draft_scenarios);
    let scenario = scenario.ok_or(UNEXPECTED)?;
    let owner = match key.scope {
        Part::Device => Owner::System,
        Part::User => Owner::User,
    };
    let sent = match key.request {
        Request::Complete => Sent::Complete,
        Request::Inventory => Sent::Inventory,
        Request::BulkTemplate => Sent::BulkTemplate,
    };
    let (kind, is_empty) = match &document.body {
        Body::Csp(csps) => (
            Kind::Csp,
            csps.is_empty() || csps.iter().any(|csp| csp.uris.is_empty()),
        ),
        Body::Dsc(all) => (Kind::Dsc, all.is_empty()),
    };
    // \[U\]: with what number each of these ends.
    let fits = scenario.scopes.of(&owner) != Said::Excluded
        && (scenario.requests.is_empty() || scenario.requests.contains(&sent))
        && scenario.body.is_none_or(|body| body == kind)
        && !is_empty
        && (kind == Kind::Csp || key.scope == Part::Device);
    if fits { Ok(()) } else { Err(UNEXPECTED) }
}

/// The refresh task is made anew.
pub(in crate::windows) fn interval_changed(scene: &mut Scene<'_>) {
    let next = scene.now.saturating_add(refresh::interval(scene.tree));
    let store = scene.tree.documents_mut();
    store.refresh = store.refresh.map(|_| next);
}

fn abandon(scene: &mut Scene<'_>, key: &Key, abandoned: bool) -> Result<(), Refusal> {
    let due = scene.now.saturating_add(scene.pc.document_seconds);
    let store = scene.tree.documents_mut();
    let held = store.documents.get_mut(key).ok_or(Refusal::missing())?;
    if std::mem::replace(&mut held.abandoned, abandoned) == abandoned {
        return Ok(());
    }
    if abandoned {
        store.owners.retain(|_, owner| owner != key);
    } else {
        held.state = State::CONFIG_REQUEST;
        held.due = Some(due);
        result::unfinished(scene.tree, key, State::CONFIG_REQUEST);
    }
    Ok(())
}

fn fill_in(scene: &mut Scene<'_>, key: &Key, text: &str) -> Result<(), Refusal> {
    let due = scene.now.saturating_add(scene.pc.document_seconds);
    let store = scene.tree.documents_mut();
    let held = store.documents.get_mut(key).ok_or(Refusal::missing())?;
    let blob = InstanceBlob::parse(text).map_err(|_| UNEXPECTED)?;
    let settings: usize = match &held.document.body {
        Body::Csp(csps) => csps.iter().map(|csp| csp.uris.len()).sum(),
        Body::Dsc(_) => 0,
    };
    // What comes of it is no larger than a document may be.
    if blob.instances.len().saturating_mul(settings) > MAX_SETTINGS {
        return Err(Refusal::of(StatusCode::TOO_LARGE));
    }
    held.instances = Some(blob);
    held.state = State::CONFIG_REQUEST;
    held.due = Some(due);
    result::unfinished(scene.tree, key, State::CONFIG_REQUEST);
    Ok(())
}

/// F4.8: documents are asked to go, all that are at or below the node.
fn delete(scene: &mut Scene<'_>, uri: &LocUri) -> Option<Result<(), Refusal>> {
    if matches!(Address::of(uri), Some(address) if address.node == Node::Abandoned) {
        let key = Key::of(&Address::of(uri)?);
        let taken = abandon(scene, &key, false);
        scene.tree.take(uri);
        return Some(taken);
    }
    let due = scene.now.saturating_add(scene.pc.document_seconds);
    let mut any = false;
    for (key, held) in &mut scene.tree.documents_mut().documents {
        let node = key.uri(Node::Document);
        if node.scope == uri.scope && node.segments.starts_with(&uri.segments) {
            any = true;
            held.state = State::DELETE_REQUEST;
            held.due = Some(due);
            held.waiting = None;
        }
    }
    any.then_some(Ok(()))
}
