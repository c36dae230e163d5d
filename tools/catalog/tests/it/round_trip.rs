//! Everything that the schema's files state of types, keys and support is in the catalog, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ordain_catalog::Catalog;

use crate::{SKIPPED, known, schema, stated, yaml};

/// What is said, line by line, by what it is said of: record, slash, path of the key, with words for what it is.
pub(crate) type Lines = BTreeMap<String, String>;

fn files(dir: &Path) -> Vec<(String, yaml::Yaml)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            files.push((stem, yaml::read(&fs::read_to_string(path).unwrap())));
        }
    }
    files
}

fn compare(what: &str, records: usize, stated: &Lines, known: &Lines) {
    let mut differences = Vec::new();
    for (place, said) in stated {
        match known.get(place) {
            Some(known) if known == said => {}
            other => differences.push(format!(
                "{place}\n  stated {said}\n  known  {}",
                other.map_or("-", |s| s)
            )),
        }
    }
    let other = known.iter().filter(|(place, _)| !stated.contains_key(*place));
    differences.extend(other.map(|(place, said)| format!("{place}\n  stated -\n  known  {said}")));
    assert!(
        differences.is_empty(),
        "{} of {what}:\n{}",
        differences.len(),
        differences[..differences.len().min(20)].join("\n")
    );
    assert!(stated.len() > 2 * records, "{what}");
}

#[test]
fn the_catalog_says_what_the_schema_states() {
    let Some(dir) = schema() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let catalog = Catalog::builtin();
    let counts = catalog.counts();

    let declared = files(&dir.join("declarative/declarations"));
    let has = |file: &yaml::Yaml, key| yaml::get(&yaml::get(file, "payload").unwrap(), key).is_some();
    let (credentials, declared): (Vec<_>, Vec<_>) = declared
        .into_iter()
        .partition(|(_, file)| has(file, "credentialtype"));
    let declared: Vec<_> = declared
        .into_iter()
        .filter(|(stem, _)| stem != "declarationbase")
        .collect();
    assert_eq!(
        (declared.len(), credentials.len()),
        (counts.declarations, counts.credentials)
    );
    let (stated, known) = (
        stated::payloads(&declared, "declarationtype"),
        known::declarations(catalog),
    );
    compare("declarations", declared.len(), &stated, &known);
    let (stated, known) = (
        stated::payloads(&credentials, "credentialtype"),
        known::credentials(catalog),
    );
    compare("credentials", credentials.len(), &stated, &known);

    let status = files(&dir.join("declarative/status"));
    let status: Vec<_> = status
        .into_iter()
        .filter(|(stem, _)| stem != "statusreason")
        .collect();
    assert_eq!(status.len(), counts.status_items);
    compare(
        "status items",
        status.len(),
        &stated::values(&status),
        &known::status_items(catalog),
    );

    let commands = files(&dir.join("mdm/commands"));
    assert_eq!(commands.len(), counts.commands);
    compare(
        "commands",
        commands.len(),
        &stated::messages(&commands),
        &known::commands(catalog),
    );
    let check_ins = files(&dir.join("mdm/checkin"));
    assert_eq!(check_ins.len(), counts.check_ins);
    compare(
        "check-in messages",
        check_ins.len(),
        &stated::messages(&check_ins),
        &known::check_ins(catalog),
    );

    let shared = ["TopLevel", "CommonPayloadKeys"];
    let (shared, profiles): (Vec<_>, Vec<_>) = files(&dir.join("mdm/profiles"))
        .into_iter()
        .partition(|(stem, _)| shared.contains(&stem.as_str()));
    assert_eq!((profiles.len(), shared.len()), (counts.profiles, 2));
    compare(
        "profiles",
        profiles.len(),
        &stated::profiles(&profiles),
        &known::profiles(catalog),
    );
    let known = known::shared(catalog, &["TopLevel", "CommonPayloadKeys"]);
    compare(
        "shared by profiles",
        shared.len(),
        &stated::profiles(&shared),
        &known,
    );
}
