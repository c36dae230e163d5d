//! F4.12: what there is, for documents that ask.

use ordain_windows::declared::{Body, CspResult, DscResult, Parameter, SUCCESS, State, UriResult};
use ordain_windows::secret::Secret;
use ordain_windows::syncml::Verb;
use ordain_windows::syncml::loc_uri::LocUri;

use super::apply::{address, hresult};
use super::store::{Key, Outcome};
use crate::windows::tree::{Look, Refusal, Scene, Tree, Value};

const GOOD: State = State::GET_COMPLETED_SUCCESS;
const BAD: State = State::GET_COMPLETED_ERROR;

/// Reads all that a document asks for.
pub(super) fn read(scene: &mut Scene<'_>, key: &Key) -> Option<Outcome> {
    let document = scene.tree.documents().documents.get(key)?.document.clone();
    let csps = match &document.body {
        Body::Dsc(all) => {
            let read = |dsc: &ordain_windows::declared::Dsc| {
                let provider = scene.tree.service.providers.find(dsc);
                let got = provider.map(|provider| provider.get(dsc));
                let (status, state, values) = match got {
                    Some(Ok(values)) => (SUCCESS.to_owned(), GOOD, values),
                    Some(Err(error)) => (hresult(error), BAD, Vec::<Parameter>::new()),
                    // \[U\]: how an unknown class is told.
                    None => ("404".to_owned(), BAD, Vec::new()),
                };
                DscResult {
                    namespace: dsc.namespace.clone(),
                    class: dsc.class.clone(),
                    status: Some(status),
                    state: Some(state),
                    keys: dsc.keys.clone(),
                    values,
                }
            };
            return Some(Body::Dsc(all.iter().map(read).collect()));
        }
        Body::Csp(csps) => csps,
    };
    let mut results = Vec::new();
    for csp in csps {
        let mut uris = Vec::new();
        for uri in &csp.uris {
            let value = match address(key.scope, &csp.name, &uri.path) {
                Some(node) => value(scene, &node),
                None => Err(Refusal::missing()),
            };
            let (status, state) = match &value {
                Ok(_) => (SUCCESS.to_owned(), GOOD),
                Err(refusal) => (refusal.code.to_string(), BAD),
            };
            let value = value.ok();
            uris.push(UriResult {
                path: uri.path.clone(),
                status: Some(status),
                state: Some(state),
                format: value
                    .as_ref()
                    .map(|value| value.format.clone())
                    .or(uri.format.clone()),
                value: Secret::new(value.map(|value| value.data).unwrap_or_default()),
            });
        }
        let is_good = uris.iter().all(|uri| uri.state == Some(GOOD));
        results.push(CspResult {
            name: csp.name.clone(),
            state: Some(if is_good { GOOD } else { BAD }),
            uris,
        });
    }
    Some(Body::Csp(results))
}

fn value(scene: &mut Scene<'_>, uri: &LocUri) -> Result<Value, Refusal> {
    if let Some(refusal) = scene.tree.fault(uri, Verb::Get) {
        return Err(refusal);
    }
    let found = Tree::catalog().find(&uri.to_string(), &mut 0);
    let found = found.map_err(|_| Refusal::missing())?;
    let look = Look {
        tree: scene.tree,
        facts: &scene.facts,
    };
    look.read(&found, uri)
}
