//! Broken policies and what is said of them: one file of `tests/broken` for each subject.
//!
//! A line `=== PATH` begins a file of the policy, `=== problems` what the compiler says of it. In the files, `\xNN`
//! stands for an octet.

use std::fs;
use std::path::Path;

use ordain_catalog::Catalog;
use ordain_policy::compile;

type Files = Vec<(String, Vec<u8>)>;

fn read(fixture: &str) -> (Files, String) {
    let mut parts = fixture
        .split("=== ")
        .skip(1)
        .map(|part| part.split_once('\n').unwrap());
    let (problems, files): (Vec<_>, Vec<_>) = parts.by_ref().partition(|(path, _)| *path == "problems");
    let files = files
        .into_iter()
        .map(|(path, content)| (octets(path), octets(content)));
    let files = files
        .map(|(path, content)| (String::from_utf8(path).unwrap(), content))
        .collect();
    (
        files,
        problems
            .first()
            .map(|(_, text)| (*text).to_owned())
            .unwrap_or_default(),
    )
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
        let (files, expected) = read(&fs::read_to_string(&path).unwrap());
        let compiled = compile(&files, Catalog::builtin(), "https://mdm.example.org");
        let problems = compiled.map_or_else(|problems| problems, |compiled| compiled.warnings);
        let told: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        if told != expected {
            wrong += &format!("@@@ {}\n{told}", path.display());
        }
    }
    assert!(wrong.is_empty(), "told is instead:\n{wrong}");
}
