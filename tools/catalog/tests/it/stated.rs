//! What the schema's files state, as lines.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::round_trip::Lines;
use crate::yaml::{Yaml, get, list, members, scalar, text};

/// What is stated of each platform, switch by switch: `sharedipad.mode` and the like.
type Switches = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Default)]
struct Walk {
    lines: Lines,
    /// The lists of keys that hold what is read.
    holders: Vec<Yaml>,
    content_types: BTreeSet<String>,
}

/// Declarations and credentials, by the name that `type_key` has.
pub(crate) fn payloads(files: &[(String, Yaml)], type_key: &str) -> Lines {
    records(files, |walk, _, file, payload| {
        let name = text(payload, type_key).unwrap();
        let switches = walk.support(&name, payload, &Switches::new());
        walk.dictionary(&name, &get(file, "payloadkeys").unwrap(), &switches);
        let related = list(file, "related-status-items").into_iter();
        let related: BTreeSet<String> = related
            .flat_map(|item| texts::<Vec<_>>(&item, "status-items"))
            .collect();
        let said = format!(
            "apply {:?} content {:?} status {related:?} reasons {:?}",
            text(payload, "apply").unwrap_or_default(),
            std::mem::take(&mut walk.content_types),
            reasons(file),
        );
        walk.lines.insert(name, said);
    })
}

/// Status items.
pub(crate) fn values(files: &[(String, Yaml)]) -> Lines {
    records(files, |walk, _, file, payload| {
        let name = text(payload, "statusitemtype").unwrap();
        let switches = walk.support(&name, payload, &Switches::new());
        walk.key(
            &format!("{name}/"),
            &list(file, "payloadkeys")[0],
            &switches,
            false,
        );
        walk.lines.insert(name, format!("reasons {:?}", reasons(file)));
    })
}

/// Commands and check-in messages.
pub(crate) fn messages(files: &[(String, Yaml)]) -> Lines {
    records(files, |walk, _, file, payload| {
        let name = text(payload, "requesttype").unwrap();
        let switches = walk.support(&name, payload, &Switches::new());
        for direction in ["payloadkeys", "responsekeys"] {
            for key in list(file, direction) {
                walk.named(&format!("{name} {direction}"), &key, &switches);
            }
        }
    })
}

/// Payloads of profiles, by the file's name.
pub(crate) fn profiles(files: &[(String, Yaml)]) -> Lines {
    records(files, |walk, stem, file, payload| {
        let switches = walk.support(stem, payload, &Switches::new());
        walk.dictionary(stem, &get(file, "payloadkeys").unwrap(), &switches);
        walk.lines
            .insert(stem.to_owned(), text(payload, "payloadtype").unwrap());
    })
}

fn records(files: &[(String, Yaml)], read: impl Fn(&mut Walk, &str, &Yaml, &Yaml)) -> Lines {
    let mut walk = Walk::default();
    for (stem, file) in files {
        read(&mut walk, stem, file, &get(file, "payload").unwrap());
    }
    walk.lines
}

fn texts<C: FromIterator<String>>(yaml: &Yaml, key: &str) -> C {
    list(yaml, key).iter().map(scalar).collect()
}

fn reasons(file: &Yaml) -> BTreeSet<String> {
    list(file, "reasons")
        .iter()
        .map(|reason| text(reason, "value").unwrap())
        .collect()
}

impl Walk {
    /// Notes where something is supported, and gives that to what is in it.
    fn support(&mut self, place: &str, holder: &Yaml, inherited: &Switches) -> Switches {
        let mut switches = inherited.clone();
        for (platform, said) in get(holder, "supportedOS").iter().flat_map(members) {
            let switches = switches.entry(platform).or_default();
            for (name, value) in members(&said) {
                match members(&value).as_slice() {
                    [] if name.starts_with("allowed-") => {
                        switches.insert(name.clone(), texts::<Vec<_>>(&said, &name).join(" "));
                    }
                    [] if scalar(&value) == "all" => {}
                    [] => drop(switches.insert(name, scalar(&value))),
                    inner => {
                        for (inner, _) in inner {
                            let said = match inner.as_str() {
                                "allowed-scopes" => texts::<Vec<_>>(&value, inner).join(" "),
                                _ => text(&value, inner).unwrap(),
                            };
                            switches.insert(format!("{name}.{inner}"), said);
                        }
                    }
                }
            }
        }
        for (platform, switches) in &switches {
            self.lines
                .insert(format!("{place} on {platform}"), terms(switches));
        }
        switches
    }

    fn named(&mut self, before: &str, key: &Yaml, inherited: &Switches) {
        self.key(
            &format!("{before}/{}", text(key, "key").unwrap()),
            key,
            inherited,
            true,
        );
    }

    /// The keys in a dictionary. One that begins with ANY stands for any.
    fn dictionary(&mut self, place: &str, subkeys: &Yaml, inherited: &Switches) {
        self.holders.push(Rc::clone(subkeys));
        for key in crate::yaml::values(subkeys) {
            if text(&key, "key").unwrap().starts_with("ANY") {
                self.key(&format!("{place}/*"), &key, inherited, true);
            } else {
                self.named(place, &key, inherited);
            }
        }
        self.holders.pop();
    }

    fn array(&mut self, place: &str, subkeys: &Yaml, inherited: &Switches) {
        self.holders.push(Rc::clone(subkeys));
        let sorts = crate::yaml::values(subkeys);
        for sort in &sorts {
            let item = list(sort, "subkeys").into_iter();
            let item = item
                .filter(|key| text(key, "key").unwrap() == "Item")
                .flat_map(|key| list(&key, "rangelist"))
                .next();
            let name = match (sorts.len(), item) {
                (1, _) => String::new(),
                (_, Some(item)) => scalar(&item),
                (_, None) => text(sort, "key").unwrap(),
            };
            self.key(&format!("{place}/[{name}]"), sort, inherited, false);
            if sorts.len() > 1 {
                self.lines
                    .retain(|line, _| !line.starts_with(&format!("{place}/[{name}]/Item")));
            }
        }
        self.holders.pop();
    }

    fn key(&mut self, place: &str, key: &Yaml, inherited: &Switches, has_presence: bool) {
        let switches = self.support(place, key, inherited);
        let type_word = text(key, "type").unwrap();
        let subkeys = get(key, "subkeys");
        let steps = subkeys.as_ref().and_then(|subkeys| {
            let mut above = self.holders.iter().rev();
            above.position(|holder| Rc::ptr_eq(holder, subkeys))
        });
        let mut said = match steps {
            Some(steps) => format!("above {}", steps + 1),
            None => type_word.trim_matches(['<', '>']).to_owned(),
        };
        if has_presence && text(key, "presence").as_deref() == Some("required") {
            said += " required";
        }
        let mut add = |word: &str, value: Option<String>| {
            if let Some(value) = value {
                said += &format!(" {word} {value}");
            }
        };
        let is_number = matches!(type_word.as_str(), "<integer>" | "<real>");
        let number = |text: String| {
            if is_number {
                text.parse::<f64>().unwrap().to_string()
            } else {
                text
            }
        };
        add("default", text(key, "default").map(number));
        let mut allowed: Vec<String> = texts(key, "rangelist");
        if type_word == "<string>" {
            allowed.extend(
                list(key, "subkeys")
                    .iter()
                    .map(|value| text(value, "key").unwrap()),
            );
        }
        let allowed: Vec<String> = allowed.into_iter().map(number).collect();
        add("in", Some(format!("{allowed:?}")).filter(|_| !allowed.is_empty()));
        let range = get(key, "range");
        let range = range.or_else(|| {
            list_of(subkeys.as_ref())
                .iter()
                .find_map(|element| get(element, "repetition"))
        });
        for bound in ["min", "max"] {
            let bound_text = range.as_ref().and_then(|range| text(range, bound));
            add(
                bound,
                bound_text.map(|text| text.parse::<f64>().unwrap().to_string()),
            );
        }
        add("like", text(key, "format"));
        let format = text(key, "valuetype").or_else(|| text(key, "subtype"));
        add(
            "format",
            format.map(|word| word.trim_matches(['<', '>']).to_owned()),
        );
        add("combine", text(key, "combinetype"));
        let content_types: BTreeSet<String> = texts(key, "asset-content-types");
        if get(key, "assettypes").is_some() {
            let types: BTreeSet<String> = texts(key, "assettypes");
            add("assets", Some(format!("{types:?} {content_types:?}")));
        } else {
            self.content_types.extend(content_types);
        }
        self.lines.insert(place.to_owned(), said);
        match (type_word.as_str(), subkeys) {
            _ if steps.is_some() => {}
            ("<dictionary>", Some(subkeys)) => self.dictionary(place, &subkeys, &switches),
            ("<array>", Some(subkeys)) => self.array(place, &subkeys, &switches),
            _ => {}
        }
    }
}

fn list_of(subkeys: Option<&Yaml>) -> Vec<Yaml> {
    subkeys.map(crate::yaml::values).unwrap_or_default()
}

/// The terms that switches make, `?` for what is not stated.
fn terms(switches: &BTreeMap<String, String>) -> String {
    let get = |name: &str| switches.get(name).map(String::as_str);
    if get("introduced") == Some("n/a") {
        return "never".to_owned();
    }
    let version = |name| match get(name) {
        Some(version) if version.contains('.') => version.to_owned(),
        Some(version) => format!("{version}.0"),
        None => "?".to_owned(),
    };
    let enrollments = match (
        get("allowed-enrollments"),
        get("supervised"),
        get("userenrollment.mode"),
    ) {
        (Some(words), ..) => in_order(words, &["supervised", "device", "user", "local"]),
        (None, Some("true"), _) => "supervised".to_owned(),
        (None, _, Some("forbidden")) => "supervised device".to_owned(),
        (None, _, Some("required")) => "user".to_owned(),
        (None, Some("false"), Some("allowed" | "ignored")) => "supervised device user".to_owned(),
        _ => "?".to_owned(),
    };
    let scopes = |of: &str| {
        let get = |name: &str| get(&format!("{of}{name}"));
        match (get("allowed-scopes"), get("devicechannel"), get("userchannel")) {
            (Some(words), ..) => in_order(words, &["system", "user"]),
            (None, Some("true"), Some("true")) => "system user".to_owned(),
            (None, Some("true"), Some("false")) => "system".to_owned(),
            (None, Some("false"), Some("true")) => "user".to_owned(),
            (None, Some("false"), Some("false")) => String::new(),
            _ => "?".to_owned(),
        }
    };
    let shared = match get("sharedipad.mode") {
        Some("forbidden") => String::new(),
        _ => scopes("sharedipad."),
    };
    let mut requires = Vec::new();
    for (name, value, word) in [
        ("requiresdep", "true", "automated-enrollment"),
        ("sharedipad.mode", "required", "shared-ipad"),
        ("userapprovedmdm", "true", "user-approval"),
    ] {
        requires.extend((get(name) == Some(value)).then_some(word));
    }
    format!(
        "since {} deprecated {} removed {} enrollments ({enrollments}) scopes ({}) shared ({shared}) requires {requires:?} \
         multiple {} manual {}",
        version("introduced"),
        version("deprecated"),
        version("removed"),
        scopes(""),
        get("multiple").unwrap_or("?"),
        get("allowmanualinstall").unwrap_or("?"),
    )
}

fn in_order(words: &str, order: &[&str]) -> String {
    let known = order
        .iter()
        .filter(|word| words.split(' ').any(|stated| stated == **word));
    known.copied().collect::<Vec<_>>().join(" ")
}
