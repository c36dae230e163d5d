//! Restrictions: what profiles restrict, all together and each for itself.

use std::collections::BTreeSet;

use ordain_apple::plist::{Dictionary, Value};

use super::call::{Answer, Call, Done, dictionary, strings};

pub(super) fn list(call: Call<'_>) -> Answer {
    let by_profile = call.flag("ProfileRestrictions")?;
    let profiles = call.device.state().profiles.iter();
    let restricting: Vec<(&str, &Dictionary)> = profiles
        .filter(|profile| profile.scope == call.scope && !profile.restrictions.is_empty())
        .map(|profile| (profile.identifier.as_str(), &profile.restrictions))
        .collect();
    let all = restricting
        .iter()
        .flat_map(|(_, restrictions)| restrictions.iter());
    let mut done = Done::said("GlobalRestrictions", sorted(all));
    if by_profile {
        let each: Dictionary = restricting
            .iter()
            .map(|(identifier, restrictions)| ((*identifier).to_owned(), sorted(restrictions.iter())))
            .collect();
        done = done.and("ProfileRestrictions", each);
    }
    Ok(done)
}

/// Restrictions by type. Of several values of one the strictest counts: false, the smallest, and of lists what all of
/// them have.
fn sorted<'a>(restrictions: impl Iterator<Item = (&'a String, &'a Value)>) -> Dictionary {
    let (mut switches, mut numbers, mut lists) = (Dictionary::new(), Dictionary::new(), Dictionary::new());
    for (name, value) in restrictions {
        let name = name.clone();
        if let Some(on) = value.as_boolean() {
            let before = of(&switches, &name, "value").and_then(Value::as_boolean);
            switches.insert(
                name,
                dictionary([("value", (on && before.unwrap_or(true)).into())]).into(),
            );
        } else if let Some(number) = value.as_signed_integer() {
            let before = of(&numbers, &name, "value").and_then(Value::as_signed_integer);
            let value = number.min(before.unwrap_or(number));
            numbers.insert(name, dictionary([("value", value.into())]).into());
        } else if let Some(values) = value.as_array() {
            let texts = |values: &'_ [Value]| -> BTreeSet<String> {
                values
                    .iter()
                    .filter_map(Value::as_string)
                    .map(str::to_owned)
                    .collect()
            };
            let mut values = texts(values);
            if let Some(before) = of(&lists, &name, "values").and_then(Value::as_array) {
                let before = texts(before);
                values.retain(|value| before.contains(value));
            }
            let values = strings(values.iter().map(String::as_str));
            lists.insert(name, dictionary([("values", values)]).into());
        }
    }
    dictionary([
        ("restrictedBool", switches.into()),
        ("restrictedValue", numbers.into()),
        ("intersection", lists.into()),
        ("union", Dictionary::new().into()),
    ])
}

fn of<'a>(sorted: &'a Dictionary, name: &str, key: &str) -> Option<&'a Value> {
    sorted.get(name)?.as_dictionary()?.get(key)
}

pub(super) fn clear_password(_: Call<'_>) -> Answer {
    Ok(Done::did("the restrictions password cleared"))
}
