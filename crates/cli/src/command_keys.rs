//! The keys of a command on the command line: `--PIN 123456`, as the protocol spells them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Command;
use ordain_catalog::{Catalog, Shape};
use serde_json::{Map, Value};

use crate::args::Usage;

/// The option that stands for them all, which people need not write.
pub(crate) const KEY: &str = "key";

/// `words` with each key of `ordain command`, which no option goes by, as a value of `--key`: `--PIN 1` becomes
/// `--key PIN=1`. One without a value is true.
pub(crate) fn spelled_out(cli: &Command, words: Vec<OsString>) -> Vec<OsString> {
    const NAME: &str = "command";
    let Some(options) = cli
        .find_subcommand(NAME)
        .filter(|_| words.get(1).is_some_and(|word| word == NAME))
    else {
        return words;
    };
    let known: HashSet<&str> = options
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .chain(["help"])
        .collect();
    let mut spelled = Vec::with_capacity(words.len());
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let key = word.to_str().and_then(|word| word.strip_prefix("--"));
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            spelled.push(word);
            continue;
        };
        let name = key.split('=').next().unwrap_or(key);
        if known.contains(name) {
            spelled.push(word);
            continue;
        }
        let mut pair = OsString::from(key);
        if !key.contains('=') {
            let is_value = |next: &OsString| !next.to_string_lossy().starts_with("--");
            let value = words.next_if(is_value).unwrap_or_else(|| "true".into());
            pair.push("=");
            pair.push(value);
        }
        spelled.extend([format!("--{KEY}").into(), pair]);
    }
    spelled
}

/// The keys of the command `request_type` from texts `NAME=VALUE`. `@FILE` stands for what is in the file: its bytes
/// where the command takes data, else its text; `@@` for a text that begins with `@`. A key that comes again makes a
/// list.
pub(crate) fn read(request_type: &str, pairs: &[String]) -> Result<Map<String, Value>, Usage> {
    let mut keys: Map<String, Value> = Map::new();
    for pair in pairs {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| Usage(format!("{pair}: a key needs a value: --{pair} VALUE")))?;
        let value = Value::from(value(request_type, name, text)?);
        match keys.get_mut(name) {
            None => drop(keys.insert(name.to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(keys)
}

fn value(request_type: &str, name: &str, text: &str) -> Result<String, Usage> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(text.to_owned());
    };
    if path.starts_with('@') {
        return Ok(path.to_owned());
    }
    let wrong = |error: &dyn std::fmt::Display| Usage(format!("--{name} @{path}: {error}"));
    let bytes = fs::read(path).map_err(|error| wrong(&error))?;
    let command = Catalog::builtin().command(request_type);
    match command.and_then(|command| command.keys.get(name)) {
        Some(key) if key.shape == Shape::Data => Ok(STANDARD.encode(bytes)),
        _ => String::from_utf8(bytes).map_err(|error| wrong(&error)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use serde_json::json;

    use super::*;
    use crate::args::Cli;

    fn spelled(words: &str) -> String {
        let words = words.split(' ').map(OsString::from).collect();
        let spelled = spelled_out(&Cli::command(), words).into_iter();
        let spelled: Vec<String> = spelled.map(|word| word.into_string().unwrap()).collect();
        spelled.join(" ")
    }

    #[test]
    fn what_is_no_option_is_a_key() {
        for (words, expected) in [
            (
                "ordain command D EraseDevice --PIN 123456 --confirm --PreserveDataPlan --json",
                "ordain command D EraseDevice --key PIN=123456 --confirm --key PreserveDataPlan=true --json",
            ),
            (
                "ordain command --group lab DeviceLock --Message=a=b --expires 1h --iOSApp",
                "ordain command --group lab DeviceLock --key Message=a=b --expires 1h --key iOSApp=true",
            ),
            ("ordain command --help", "ordain command --help"),
            ("ordain command -- --PIN 1", "ordain command -- --key PIN=1"),
            ("ordain devices --PIN 1", "ordain devices --PIN 1"),
        ] {
            assert_eq!(spelled(words), expected);
        }
    }

    #[test]
    fn values_are_texts_lists_and_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "<plist/>").unwrap();
        let pairs = [
            format!("Payload=@{}", file.path().display()),
            format!("Message=@{}", file.path().display()),
            "Phone=@@home=1".into(),
            "Identifiers=a".into(),
            "Identifiers=b".into(),
            "Identifiers=c".into(),
        ];
        let keys = read("InstallProfile", &pairs).unwrap();
        let expected = json!({
            "Payload": STANDARD.encode("<plist/>"), "Message": "<plist/>", "Phone": "@home=1",
            "Identifiers": ["a", "b", "c"],
        });
        assert_eq!(Value::Object(keys), expected);
        assert!(read("InstallProfile", &["Payload".into()]).is_err());
        assert!(read("InstallProfile", &["Payload=@/nonexistent".into()]).is_err());
    }
}
