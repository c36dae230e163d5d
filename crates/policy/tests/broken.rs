//! Broken policies and what is said of them: one file of `tests/broken` for each subject.
//!
//! A line `=== PATH` begins a file of the policy, `=== before: PATH` one of the policy that was in force, `=== problems`
//! what the compiler says, and `=== unknown types are allowed` makes it allow them. In the files, `\xNN` stands for an
//! octet.

use std::fs;
use std::path::Path;

use ordain_catalog::Catalog;
use ordain_policy::{Surroundings, compile};

type Files = Vec<(String, Vec<u8>)>;

#[derive(Default)]
struct Fixture {
    files: Files,
    before: Files,
    allow_unknown: bool,
    problems: String,
}

fn read(fixture: &str) -> Fixture {
    let mut read = Fixture::default();
    for part in fixture.split("=== ").skip(1) {
        let (title, content) = part.split_once('\n').unwrap();
        let file = |path: &str| (String::from_utf8(octets(path)).unwrap(), octets(content));
        match title.strip_prefix("before: ") {
            Some(path) => read.before.push(file(path)),
            None if title == "problems" => read.problems = content.to_owned(),
            None if title == "unknown types are allowed" => read.allow_unknown = true,
            None => read.files.push(file(title)),
        }
    }
    read
}

fn octets(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut octets = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        octets.push(u8::from_str_radix(&part[..2], 16).unwrap());
        octets.extend(&part.as_bytes()[2..]);
    }
    octets
}

#[test]
fn every_problem_is_told_with_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut fixtures: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    fixtures.sort();
    assert!(!fixtures.is_empty());
    let mut wrong = String::new();
    for path in fixtures {
        let fixture = read(&fs::read_to_string(&path).unwrap());
        let mut surroundings = Surroundings {
            catalog: Catalog::builtin(),
            public_url: "https://mdm.example.org",
            before: None,
            devices: &[],
            windows: &[],
            devices_only: true,
            allow_unknown: fixture.allow_unknown,
        };
        let before = compile(&fixture.before, &surroundings).unwrap().wish;
        surroundings.before = (!fixture.before.is_empty()).then_some(&before);
        let problems = compile(&fixture.files, &surroundings)
            .map_or_else(|problems| problems, |compiled| compiled.warnings);
        let told: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        if told != fixture.problems {
            wrong += &format!("@@@ {}\n{told}", path.display());
        }
    }
    assert!(wrong.is_empty(), "told is instead:\n{wrong}");
}
