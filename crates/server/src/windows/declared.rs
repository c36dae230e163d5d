//! Between the documents of the model and those of the wire.

use std::collections::BTreeMap;

use ordain_catalog::Scope;
use ordain_catalog::windows::DataFormat;
use ordain_model::windows::document::{Document, value_of_node, value_of_provider};
use ordain_model::windows::documents::{DocumentResult, Part, State, Told, Wire};
use ordain_model::windows::settings::Wanted;
use ordain_windows::declared::{
    self, Body, Csp, CspResult, DeclaredConfigurations, Dsc, DscResult, Instance, InstanceBlob, Parameter,
    Uri,
};
use ordain_windows::secret::Secret;
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri;
use serde_json::Value;

/// How documents are written and read.
pub(super) const WIRE: Wire = Wire {
    write,
    instances,
    read,
};

/// The longest text of an inventory that is kept, in octets.
const MAX_TEXT: usize = 1_000;

fn write(document: &Document, id: &str, checksum: &str) -> Option<String> {
    let csps = document.csp.iter().map(|csp| Csp {
        name: csp.name.clone(),
        uris: csp
            .settings
            .iter()
            .map(|uri| Uri {
                path: uri.path.clone(),
                format: uri.format.map(super::session::wire::format),
                value: secret(uri.value.as_ref()),
            })
            .collect(),
    });
    let providers = document.providers.iter().map(|provider| Dsc {
        namespace: provider.namespace.clone(),
        class: provider.class.clone(),
        keys: parameters(provider.keys.iter().map(|(name, value)| (name, Some(value)))),
        values: parameters(provider.values.iter().map(|(name, value)| (name, value.as_ref()))),
    });
    let body = match document.providers.is_empty() {
        true => Body::Csp(csps.collect()),
        false => Body::Dsc(providers.collect()),
    };
    let written = declared::Document {
        scope: match document.scope {
            Scope::System => loc_uri::Scope::Device,
            Scope::User => loc_uri::Scope::User,
        },
        id: declared::DocId::new(id),
        checksum: checksum.to_owned(),
        scenario: document.scenario.clone(),
        reflected: Vec::new(),
        body,
    };
    written.to_xml().ok()
}

fn instances(document: &Document) -> Option<String> {
    let instance = |values: &BTreeMap<String, Wanted>| {
        let values = values.iter();
        Instance(
            values
                .map(|(name, value)| (name.clone(), secret(Some(value))))
                .collect(),
        )
    };
    let blob = InstanceBlob {
        instances: document.instances.iter().map(instance).collect(),
    };
    blob.to_xml().ok()
}

fn secret(value: Option<&Wanted>) -> Secret {
    Secret::new(value.map(Wanted::text).unwrap_or_default())
}

fn parameters<'a>(values: impl Iterator<Item = (&'a String, Option<&'a Wanted>)>) -> Vec<Parameter> {
    let parameter = |(name, value): (&String, Option<&Wanted>)| Parameter {
        name: name.clone(),
        value: secret(value),
    };
    values.map(parameter).collect()
}

/// The documents that an alert lists; `None` when it cannot be read, so that nothing follows from it.
pub(super) fn list(text: &str) -> Option<Vec<Told>> {
    let list = DeclaredConfigurations::parse(text).ok()?;
    let told = list.documents.into_iter().map(|listed| Told {
        id: listed.id.to_string(),
        checksum: listed.checksum,
        result_checksum: listed.result_checksum,
        state: listed.state.map(state),
        abandoned: listed.abandoned,
    });
    Some(told.collect())
}

fn state(state: declared::State) -> State {
    State(state.0)
}

fn read(text: &str) -> Option<DocumentResult> {
    let result = declared::DocumentResult::parse(text).ok()?;
    let parts = match result.body {
        Body::Csp(csps) => csps.into_iter().flat_map(csp).collect(),
        Body::Dsc(resources) => resources.into_iter().enumerate().map(dsc).collect(),
    };
    Some(DocumentResult {
        id: result.id.to_string(),
        checksum: result.checksum,
        result_checksum: result.result_checksum,
        timestamp: result.timestamp,
        state: result.state.map(state),
        parts,
    })
}

fn csp(csp: CspResult) -> Vec<Part> {
    let whole = Part {
        path: csp.name.clone(),
        status: None,
        is_whole: true,
        state: csp.state.map(state),
        values: BTreeMap::new(),
    };
    let uris = csp.uris.into_iter().map(|uri| {
        let name = value_of_node(&uri.path);
        Part {
            path: format!("{}/{}", csp.name, uri.path),
            status: uri.status,
            is_whole: false,
            state: uri.state.map(state),
            values: [(name, value(uri.format.as_ref(), uri.value.expose()))].into(),
        }
    });
    [whole].into_iter().chain(uris).collect()
}

fn dsc((place, dsc): (usize, DscResult)) -> Part {
    let name = |name: &str| value_of_provider(place, name);
    let values = dsc.values.iter();
    Part {
        path: format!("{}:{}", dsc.namespace, dsc.class),
        status: dsc.status,
        is_whole: false,
        state: dsc.state.map(state),
        values: values
            .map(|parameter| (name(&parameter.name), value(None, parameter.value.expose())))
            .collect(),
    }
}

/// A value as a status item has it.
fn value(format: Option<&Format>, text: &str) -> Value {
    let format = match format {
        Some(Format::Int) => DataFormat::Int,
        Some(Format::Bool) => DataFormat::Bool,
        _ => DataFormat::Chr,
    };
    let end = text.floor_char_boundary(MAX_TEXT);
    let shortened = || text.get(..end).unwrap_or_default().into();
    format
        .value(text)
        .filter(|value| !value.is_string())
        .unwrap_or_else(shortened)
}

#[cfg(test)]
mod tests {
    use ordain_model::windows::document::DocId;
    use serde_json::json;

    use super::*;

    fn document(payload: Value) -> Document {
        Document::from_payload(payload.as_object().unwrap()).unwrap()
    }

    fn written(document: &Document) -> String {
        (WIRE.write)(document, &DocId::of("a", document.scope).to_string(), "C1").unwrap()
    }

    #[test]
    fn documents_are_written_as_they_are_wanted() {
        let vpn = document(
            json!({"scenario": "MSFTVPN", "scope": "system", "request": "Complete",
            "csp": [{"name": "./Vendor/MSFT/VPNv2", "settings": [
                {"path": "Work/AlwaysOn", "format": "bool", "value": true},
                {"path": "Work/Name", "format": "chr", "value": "a<b>&\"c"}]}]}),
        );
        let text = written(&vpn);
        let id = DocId::of("a", Scope::System);
        assert!(
            text.contains(&format!(
                "id=\"{id}\" checksum=\"C1\" osdefinedscenario=\"MSFTVPN\""
            )),
            "{text}"
        );
        assert!(
            text.contains("<URI path=\"Work/AlwaysOn\" type=\"bool\">true</URI>"),
            "{text}"
        );
        let read = declared::Document::parse(&text).unwrap();
        let Body::Csp(csps) = read.body else {
            panic!("a CSP")
        };
        assert_eq!(csps[0].uris[1].value.expose(), "a<b>&\"c");
        let file = document(
            json!({"scenario": "MSFTExtensibilityMIProviderInventory", "scope": "system",
            "request": "Inventory", "providers": [
                {"namespace": "root", "class": "File", "keys": {"Path": "x"}, "values": {"Contents": null}}]}),
        );
        let text = written(&file);
        assert!(
            text.contains("<Key name=\"Path\">x</Key><Value name=\"Contents\"/>"),
            "{text}"
        );
    }

    #[test]
    fn templates_are_filled_in_apart() {
        let template = document(
            json!({"scenario": "MSFTResource", "scope": "system", "request": "BulkTemplate",
            "csp": [{"name": "./Vendor/MSFT/ClientCertificateInstall", "settings": [
                {"path": "PFXCertInstall/@#thumb#/KeyLocation", "format": "int", "value": "@#where#"}]}],
            "instances": [{"thumb": "A1", "where": "<&>"}, {"thumb": "B2", "where": "3"}]}),
        );
        let text = written(&template);
        assert!(
            text.contains("<URI path=\"PFXCertInstall/@#thumb#/KeyLocation\" type=\"int\">@#where#</URI>"),
            "{text}"
        );
        assert!(!text.contains("A1"), "{text}");
        let text = (WIRE.instances)(&template).unwrap();
        let Ok(blob) = InstanceBlob::parse(&text) else {
            panic!("{text}")
        };
        let first = &blob.instances[0];
        assert_eq!(
            (
                blob.instances.len(),
                first.fill_in("@#thumb# @#where#").unwrap().expose()
            ),
            (2, "A1 <&>")
        );
    }

    #[test]
    fn results_are_read_part_by_part() {
        let text = "<DeclaredConfigurationResult context=\"Device\" schema=\"1.0\" id=\"5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90\" \
            checksum=\"V2\" result_checksum=\"AA\" result_timestamp=\"1970-01-01T00:00:09Z\" operation=\"Set\" state=\"61\">\
            <CSP name=\"./Vendor/MSFT/VPNv2\" state=\"61\"><URI path=\"a/b\" status=\"404\" state=\"61\" type=\"int\">7</URI></CSP>\
            </DeclaredConfigurationResult>";
        let result = (WIRE.read)(text).unwrap();
        assert_eq!(
            (result.id.as_str(), result.timestamp, result.state),
            ("5a1f0c3e-7b22-4d0e-9c11-2f6a8e4b7d90", Some(9), Some(State(61)))
        );
        let parts: Vec<_> = result
            .parts
            .iter()
            .map(|part| (part.path.as_str(), part.status.as_deref(), part.is_whole))
            .collect();
        assert_eq!(
            parts,
            [
                ("./Vendor/MSFT/VPNv2", None, true),
                ("./Vendor/MSFT/VPNv2/a/b", Some("404"), false)
            ]
        );
        assert_eq!(result.parts[1].values["a.b"], json!(7));
        assert_eq!((WIRE.read)("<DeclaredConfigurationResult"), None);
        assert_eq!(list("<x/>"), None);
        let listed = list("<DeclaredConfigurations schema=\"1.0\"><DeclaredConfiguration context=\"Device\" id=\"AB\" checksum=\"V1\" result_checksum=\"\" state=\"1\"/></DeclaredConfigurations>").unwrap();
        assert_eq!(
            (listed[0].id.as_str(), listed[0].state, &listed[0].result_checksum),
            ("ab", Some(State(1)), &None)
        );
    }
}
