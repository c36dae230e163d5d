//! `cargo bench -p ordain-bench --bench validation`: what it costs to check 10,000 declarations on one core, against
//! reading them as JSON, and what the catalog takes of memory.
#![allow(clippy::print_stdout, reason = "this is a program")]

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ordain_bench::{clock, machine};
use ordain_catalog::validate::{self, DeviceKind, Reach, Severity};
use ordain_catalog::{Catalog, DeclarationType, Kind, Platform};
use ordain_policy::Surroundings;
use serde_json::{Map, Value, json};
use tabled::builder::Builder;
use tabled::settings::Style;

const DECLARATIONS: usize = 10_000;
/// Of which the median counts.
const ROUNDS: usize = 5;
/// The system versions of each platform that some devices have.
const VERSIONS: u32 = 10;

fn main() -> Result<()> {
    let (before, _) = machine::memory(None)?;
    let catalog = black_box(Catalog::builtin());
    let (after, _) = machine::memory(None)?;

    let texts = declarations(catalog)?;
    let bodies: Vec<Value> = texts
        .iter()
        .map(|text| serde_json::from_str(text))
        .collect::<Result<_, _>>()?;
    let judged: Vec<(&DeclarationType, &Value)> = bodies
        .iter()
        .map(|body| {
            let known = body["Type"].as_str().and_then(|name| catalog.declaration(name));
            Ok((known.context("a type of the catalog")?, &body["Payload"]))
        })
        .collect::<Result<_>>()?;
    let files: Vec<(String, Vec<u8>)> = policy(&bodies);
    let kinds = kinds()?;

    // In turn, so that whatever else the machine does falls on all alike.
    let mut rounds: Vec<[Duration; 4]> = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push([
            time(|| {
                texts
                    .iter()
                    .map(|text| serde_json::from_str::<Value>(text).is_ok())
                    .filter(|ok| *ok)
                    .count()
            })?,
            time(|| valid(catalog, &judged, &[]))?,
            time(|| valid(catalog, &judged, &kinds))?,
            time(|| compiled(catalog, &files, &kinds))?,
        ]);
    }
    let names = [
        "read as JSON".to_owned(),
        "payloads checked".to_owned(),
        format!("… for {} kinds of devices", kinds.len()),
        "… as a whole policy, from its files".to_owned(),
    ];
    let mut table = Builder::new();
    table.push_record([
        &format!("{DECLARATIONS} declarations"),
        "ms",
        "times reading them",
    ]);
    for (index, name) in names.iter().enumerate() {
        let took = median(rounds.iter().map(|round| round[index].as_secs_f64() * 1e3));
        let ratio = median(
            rounds
                .iter()
                .map(|round| round[index].as_secs_f64() / round[0].as_secs_f64()),
        );
        table.push_record([name.clone(), format!("{took:.0}"), format!("{ratio:.1}")]);
    }
    println!("{}", table.build().with(Style::markdown()));
    let mebibytes = (after.saturating_sub(before)) as f64 / (1 << 20) as f64;
    println!("\nthe catalog takes {mebibytes:.1} MiB of memory, what reading it left behind included");
    Ok(())
}

/// As many declarations, of every type and with every key that can stand together.
fn declarations(catalog: &Catalog) -> Result<Vec<String>> {
    let types: Vec<&str> = catalog
        .declarations()
        .filter(|known| known.kind != Kind::Activation)
        .map(|known| known.name.as_str())
        .collect();
    let make = |number: usize| {
        let name = types[number % types.len()];
        let mut example = validate::full_example(catalog, name).context("an example of every type")?;
        example["Identifier"] = format!("example.{number}").into();
        // A property must not be set twice.
        if name == "com.apple.management.properties" {
            let key = format!("key{number}");
            example["Payload"] = Value::Object(Map::from_iter([(key, json!(1))]));
        }
        Ok(example.to_string())
    };
    (0..DECLARATIONS).map(make).collect()
}

/// The same as a policy directory: whoever names assets that are not there is left out.
fn policy(bodies: &[Value]) -> Vec<(String, Vec<u8>)> {
    let whole = bodies.iter().filter(|body| {
        let text = body["Payload"].to_string();
        !text.contains("example.asset.") && !text.contains("example.configuration.")
    });
    let whole: Vec<&Value> = whole.cycle().take(bodies.len()).collect();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut names = Vec::new();
    for (number, body) in whole.into_iter().enumerate() {
        let name = format!("policy.{number}");
        let mut body = body.clone();
        body["Identifier"] = name.as_str().into();
        if body["Type"] == "com.apple.management.properties" {
            body["Payload"] = Value::Object(Map::from_iter([(format!("of{number}"), json!(1))]));
        }
        files.push((format!("declarations/{name}.json"), body.to_string().into()));
        names.push(name);
    }
    for (number, names) in names.chunks(10).enumerate() {
        let group = json!({"name": format!("g{number}"), "members": [format!("SERIAL{number}")]});
        let blueprint =
            json!({"name": format!("b{number}"), "include": [format!("g{number}")], "declarations": names});
        files.push((format!("groups/{number}.json"), group.to_string().into()));
        files.push((format!("blueprints/{number}.json"), blueprint.to_string().into()));
    }
    files
}

fn kinds() -> Result<Vec<DeviceKind>> {
    let platforms = Platform::ALL.iter();
    let words = platforms.flat_map(|platform| {
        (18..18 + VERSIONS).map(move |major| format!("{platform}:{major}.0:supervised"))
    });
    words.map(|word| Ok(word.parse()?)).collect()
}

/// How many are without an error.
fn valid(catalog: &Catalog, judged: &[(&DeclarationType, &Value)], kinds: &[DeviceKind]) -> usize {
    let reach = Reach {
        devices: kinds.to_vec(),
        ..Reach::default()
    };
    let is_valid = |(known, payload): &&(&DeclarationType, &Value)| {
        let findings = validate::payload(catalog, known, payload, &reach);
        findings
            .iter()
            .all(|finding| finding.severity == Severity::Warning)
    };
    judged.iter().filter(is_valid).count()
}

fn compiled(catalog: &Catalog, files: &[(String, Vec<u8>)], kinds: &[DeviceKind]) -> usize {
    let surroundings = Surroundings {
        catalog,
        public_url: "https://mdm.example.org",
        before: None,
        devices: kinds,
        windows: &[],
        devices_only: false,
        allow_unknown: false,
    };
    ordain_policy::compile(files, &surroundings).map_or(0, |compiled| compiled.wish.declarations.len())
}

/// How long it takes to find all of them right.
fn time(work: impl FnOnce() -> usize) -> Result<Duration> {
    let began = clock::begin();
    let right = black_box(work());
    let took = began.elapsed();
    ensure!(right == DECLARATIONS, "{right} of {DECLARATIONS} were right");
    Ok(took)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
