//! F4.4 to F4.6: what a document wants is set in the same tree that commands set, node by node.

use std::collections::BTreeSet;

use ordain_catalog::windows::Said;
use ordain_model::ids::Digest;
use ordain_windows::declared::{Body, Csp, CspResult, Dsc, DscResult, Parameter, SUCCESS, State, UriResult};
use ordain_windows::secret::Secret;
use ordain_windows::syncml::loc_uri::{LocUri, Scope};
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Format, Verb};

use super::mi;
use super::ownership::{remember, resource};
use super::store::{Held, Key, Outcome};
use crate::windows::tree::{Refusal, Scene, Tree};

const GOOD: State = State::CONFIG_COMPLETED_SUCCESS;
const BAD: State = State::CONFIG_COMPLETED_ERROR;

/// A node that is wanted.
struct Setting {
    path: String,
    format: Option<Format>,
    value: Secret,
    /// `None` if it is the address of none.
    uri: Option<LocUri>,
}

/// What a document wants of a CSP.
struct Part {
    name: String,
    settings: Vec<Setting>,
}

/// What became of a setting: the status.
type Done = Result<(), String>;

/// The node of that path in a CSP.
pub(super) fn address(scope: Scope, csp: &str, path: &str) -> Option<LocUri> {
    let name = csp.strip_prefix("./Vendor/")?;
    let scope = match scope {
        Scope::Device => "Device",
        Scope::User => "User",
    };
    let uri = LocUri::parse(&format!("./{scope}/Vendor/{name}/{path}")).ok();
    uri.filter(|uri| uri.query.is_none())
}

/// \[U\]: in which notation errors are told.
pub(super) fn hresult(error: u32) -> String {
    format!("0x{error:08X}")
}

fn status(refusal: &Refusal) -> String {
    match (refusal.code, refusal.original) {
        (StatusCode::COMMAND_FAILED, Some(error)) => hresult(error),
        (code, _) => code.to_string(),
    }
}

/// What is wanted; a template is filled in, once for each instance.
fn parts(key: &Key, held: &Held) -> Vec<Part> {
    let Body::Csp(csps) = &held.document.body else {
        return Vec::new();
    };
    let scenario = Tree::catalog().scenario(&held.document.scenario);
    let is_in =
        |csp: &Csp| scenario.is_none_or(|scenario| scenario.csps.of(csp.name.as_str()) != Said::Excluded);
    let part = |csp: &Csp, fill_in: &dyn Fn(&str) -> Option<Secret>| Part {
        name: csp.name.clone(),
        settings: csp
            .uris
            .iter()
            .map(|uri| {
                let path = fill_in(&uri.path);
                let value = fill_in(uri.value.expose());
                let node = path.as_ref().zip(value.as_ref()).filter(|_| is_in(csp));
                Setting {
                    uri: node.and_then(|(path, _)| address(key.scope, &csp.name, path.expose())),
                    path: path.map_or_else(|| uri.path.clone(), |path| path.expose().to_owned()),
                    format: uri.format.clone(),
                    value: value.unwrap_or(Secret::new("")),
                }
            })
            .collect(),
    };
    match &held.instances {
        None => csps
            .iter()
            .map(|csp| part(csp, &|text| Some(Secret::new(text))))
            .collect(),
        Some(blob) => {
            let instances = blob.instances.iter();
            let filled = instances.flat_map(|instance| {
                csps.iter()
                    .map(|csp| part(csp, &|text| instance.fill_in(text).ok()))
                    .collect::<Vec<_>>()
            });
            filled.collect()
        }
    }
}

/// Whether a node is as the document left it.
pub(super) fn is_as_written(tree: &Tree, held: &Held, uri: &LocUri) -> bool {
    match held.written.get(uri) {
        None => false,
        // An action has no value.
        Some(None) => true,
        Some(digest) => {
            tree.get_or_pending(uri)
                .map(|value| Digest::of(value.data.as_bytes()))
                == *digest
        }
    }
}

/// Whether something is not as the document wants it, and is its own.
pub(super) fn has_drifted(scene: &mut Scene<'_>, key: &Key) -> bool {
    let Some(held) = scene.tree.documents().documents.get(key).cloned() else {
        return false;
    };
    if !held.state.is_good() {
        return true;
    }
    let store = scene.tree.documents();
    let is_own = |uri: &LocUri| store.owner(&resource(uri).0) == Some(key);
    let mut nodes = held.written.keys().filter(|uri| is_own(uri));
    if nodes.any(|uri| !is_as_written(scene.tree, &held, uri)) {
        return true;
    }
    let Body::Dsc(all) = &held.document.body else {
        return false;
    };
    let providers = &mut scene.tree.service.providers;
    let mut is_so = |dsc| {
        providers
            .find(dsc)
            .is_some_and(|provider| provider.test(dsc) == Ok(true))
    };
    !all.iter().all(&mut is_so)
}

/// How many seconds the slowest of its settings takes.
pub(super) fn slowness(tree: &Tree, key: &Key) -> i64 {
    let Some(held) = tree.documents().documents.get(key) else {
        return 0;
    };
    let parts = parts(key, held);
    let uris = parts
        .iter()
        .flat_map(|part| &part.settings)
        .filter_map(|setting| setting.uri.as_ref());
    let pauses = uris.flat_map(|uri| {
        let slow = tree.service.slow.iter();
        slow.filter(|(node, _)| uri.scope == node.scope && uri.segments.starts_with(&node.segments))
    });
    pauses.map(|(_, seconds)| *seconds).max().unwrap_or(0)
}

/// When the last of the jobs ends that the document has begun.
pub(super) fn waits_until(tree: &Tree, key: &Key) -> Option<i64> {
    let held = tree.documents().documents.get(key)?;
    let resources: BTreeSet<LocUri> = held.written.keys().map(|uri| resource(uri).0).collect();
    let own = tree
        .jobs()
        .filter(|(node, _)| resources.contains(&resource(node).0));
    own.map(|(_, job)| job.done).max()
}

/// Sets all that is wanted and not there, and takes away what is not wanted any more.
pub(super) fn apply(scene: &mut Scene<'_>, key: &Key) -> Option<Outcome> {
    let held = scene.tree.documents().documents.get(key)?.clone();
    if let Body::Dsc(all) = &held.document.body {
        return Some(Body::Dsc(
            all.iter().map(|dsc| configure(scene, key, dsc)).collect(),
        ));
    }
    let parts = parts(key, &held);
    let snapshot = scene.quirks.atomic_documents.then(|| scene.tree.snapshot());
    remove_rest(scene.tree, key, &held, &parts);
    let mut results: Vec<(Part, Vec<Done>)> = Vec::new();
    for part in parts {
        let done = set(scene, key, &held, &part);
        results.push((part, done));
    }
    let is_whole = results.iter().flat_map(|(_, done)| done).all(Result::is_ok);
    if let Some(snapshot) = snapshot.filter(|_| !is_whole) {
        scene.tree.restore(snapshot);
        let all = results.iter_mut().flat_map(|(_, done)| done);
        all.filter(|done| done.is_ok())
            .for_each(|done| *done = Err(rolled_back()));
    }
    Some(Body::Csp(
        results.into_iter().map(|(part, done)| told(part, done)).collect(),
    ))
}

/// \[U\]: what is told of a setting that was taken back because another one of its resource failed.
fn rolled_back() -> String {
    StatusCode::ROLLED_BACK.to_string()
}

/// Values are not echoed.
fn told(part: Part, done: Vec<Done>) -> CspResult {
    let is_good = done.iter().all(Result::is_ok);
    let uris = part.settings.into_iter().zip(done);
    CspResult {
        name: part.name,
        state: Some(if is_good { GOOD } else { BAD }),
        uris: uris
            .map(|(setting, done)| UriResult {
                path: setting.path,
                state: Some(if done.is_ok() { GOOD } else { BAD }),
                status: Some(done.err().unwrap_or_else(|| SUCCESS.to_owned())),
                format: setting.format,
                value: Secret::new(""),
            })
            .collect(),
    }
}

/// F4.6: what the last version has set and this one does not name.
fn remove_rest(tree: &mut Tree, key: &Key, held: &Held, parts: &[Part]) {
    let settings = parts.iter().flat_map(|part| &part.settings);
    let wanted: BTreeSet<&LocUri> = settings.filter_map(|setting| setting.uri.as_ref()).collect();
    let resources: BTreeSet<LocUri> = wanted.iter().map(|uri| resource(uri).0).collect();
    for uri in held.written.keys().filter(|uri| !wanted.contains(uri)) {
        let (resource, _) = resource(uri);
        if tree.documents().owner(&resource).is_none_or(|owner| owner == key) {
            let is_gone = !resources.contains(&resource);
            let gone = if is_gone {
                tree.below(&resource)
            } else {
                vec![uri.clone()]
            };
            for uri in gone {
                remember(tree, key, &uri);
                tree.take_one(&uri);
            }
            if is_gone {
                tree.documents_mut().owners.remove(&resource);
                tree.end_jobs_without_nodes();
            }
        }
        if let Some(held) = tree.documents_mut().documents.get_mut(key) {
            held.written.remove(uri);
        }
    }
}

/// Sets one part, resource by resource, and gives what became of each setting.
fn set(scene: &mut Scene<'_>, key: &Key, held: &Held, part: &Part) -> Vec<Done> {
    let mut done: Vec<Done> = part
        .settings
        .iter()
        .map(|_| Err(StatusCode::NOT_FOUND.to_string()))
        .collect();
    let mut resources: Vec<(LocUri, bool)> = Vec::new();
    for uri in part.settings.iter().filter_map(|setting| setting.uri.as_ref()) {
        let resource = resource(uri);
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    for (resource, is_whole) in resources {
        let is_its = |setting: &Setting| {
            setting
                .uri
                .as_ref()
                .is_some_and(|uri| self::resource(uri).0 == resource)
        };
        let all = part.settings.iter().zip(&mut done);
        let mut its: Vec<_> = all.filter(|(setting, _)| is_its(setting)).collect();
        let is_others = scene
            .tree
            .documents()
            .owner(&resource)
            .is_some_and(|owner| owner != key);
        let is_so = its.iter().all(|(setting, _)| {
            let wanted = Digest::of(setting.value.expose().as_bytes());
            setting.uri.as_ref().is_some_and(|uri| {
                let written = held.written.get(uri);
                written.is_some_and(|written| written.is_none_or(|written| written == wanted))
                    && is_as_written(scene.tree, held, uri)
            })
        });
        if is_so || is_others && held.repairing {
            its.iter_mut().for_each(|(_, done)| **done = Ok(()));
            if !is_others {
                scene.tree.documents_mut().owners.insert(resource, key.clone());
            }
            continue;
        }
        let before = is_whole.then(|| scene.tree.snapshot());
        for (setting, done) in &mut its {
            **done = put(scene, key, setting);
        }
        let is_set = its.iter().all(|(_, done)| done.is_ok());
        if let Some(before) = before.filter(|_| !is_set) {
            scene.tree.restore(before);
            let rest = its.into_iter().filter(|(_, done)| done.is_ok());
            rest.for_each(|(_, done)| *done = Err(rolled_back()));
        } else if its.iter().any(|(_, done)| done.is_ok()) {
            scene.tree.documents_mut().owners.insert(resource, key.clone());
        }
    }
    done
}

fn put(scene: &mut Scene<'_>, key: &Key, setting: &Setting) -> Done {
    let uri = setting
        .uri
        .clone()
        .ok_or_else(|| StatusCode::NOT_FOUND.to_string())?;
    let value = setting.value.expose();
    remember(scene.tree, key, &uri);
    let verb = scene.configure(uri.clone(), setting.format.clone(), value);
    let verb = verb.map_err(|refusal| status(&refusal))?;
    if let Some(held) = scene.tree.documents_mut().documents.get_mut(key) {
        let digest = (verb != Verb::Exec).then(|| Digest::of(value.as_bytes()));
        held.written.insert(uri, digest);
    }
    Ok(())
}

/// F4.11: a DSC resource is tested, and set if it is not as it should be.
fn configure(scene: &mut Scene<'_>, key: &Key, dsc: &Dsc) -> DscResult {
    let mut before = None;
    let done = match scene.tree.service.providers.find(dsc) {
        // \[U\]: how an unknown class is told.
        None => Err("404".to_owned()),
        Some(provider) => {
            let is_so = provider.test(dsc);
            if is_so == Ok(false) {
                before = Some((mi::resource(dsc), provider.now(dsc)));
            }
            let set = is_so.and_then(|is_so| if is_so { Ok(()) } else { provider.set(dsc) });
            set.map_err(hresult)
        }
    };
    if let Some((resource, before)) = before
        && let Some(held) = scene.tree.documents_mut().documents.get_mut(key)
    {
        held.resources.entry(resource).or_insert(before);
    }
    let silent = |parameters: &[Parameter]| {
        let silent = |one: &Parameter| Parameter {
            name: one.name.clone(),
            value: Secret::new(""),
        };
        parameters.iter().map(silent).collect()
    };
    DscResult {
        namespace: dsc.namespace.clone(),
        class: dsc.class.clone(),
        state: Some(if done.is_ok() { GOOD } else { BAD }),
        status: Some(done.err().unwrap_or_else(|| SUCCESS.to_owned())),
        keys: silent(&dsc.keys),
        values: silent(&dsc.values),
    }
}
