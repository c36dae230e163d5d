//! Whatever a command carries, the device neither panics nor answers at length.

use ordain_apple::command::Status;
use ordain_apple::plist::{self, Dictionary, Value};
use ordain_catalog::{Catalog, Platform, Scope};
use proptest::prelude::*;

use super::{cases, device, order, release};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[a-z.]{0,12}|[\\PC&&[^\u{0}]]{0,8}".prop_map(Value::from),
        Just(Value::from("x".repeat(2000))),
        any::<Vec<u8>>().prop_map(Value::Data),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|entries| Value::Dictionary(entries.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known: Vec<&'static str> = vec![
        "Item",
        "Enabled",
        "Identifier",
        "Identifiers",
        "Configuration",
        "Attributes",
        "Settings",
        "Where",
        "metadata",
        "items",
        "InstallAction",
        "ProductVersion",
        "DeviceRequestUUID",
        "shortName",
    ];
    prop_oneof![
        prop::sample::select(known).prop_map(str::to_owned),
        "[A-Za-z]{1,6}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Every command, with the keys of its cases replaced, removed and joined by others.
    #[test]
    fn whatever_a_command_carries(
        values in prop::collection::vec((key(), value()), 1..12),
        pick in any::<prop::sample::Index>(),
        platform in prop::sample::select(Platform::ALL),
        new in any::<bool>(),
    ) {
        let mut device = device(platform);
        device.shared = platform == Platform::IpadOs;
        device.awaiting_configuration = true;
        if new {
            device.system = release("27.0");
        }
        let mut orders: Vec<(&str, Dictionary)> = cases().into_iter().map(|case| (case.request_type, case.keys)).collect();
        orders.extend(Catalog::builtin().commands().map(|command| (command.request_type.as_str(), Dictionary::new())));
        for (place, (name, mut keys)) in orders.into_iter().enumerate() {
            let (extra, value) = &values[place % values.len()];
            let present: Vec<String> = keys.keys().cloned().collect();
            if !present.is_empty() {
                let key = pick.get(&present).clone();
                if place % 3 == 0 {
                    keys.remove(&key);
                } else {
                    keys.insert(key, value.clone());
                }
            }
            keys.insert(extra.clone(), value.clone());
            for &scope in Scope::ALL {
                let outcome = order(&mut device, scope, name, keys.clone());
                prop_assert!(plist::to_xml(outcome.results).len() < 1 << 20);
                prop_assert_eq!(outcome.error_chain.is_empty(), outcome.status == Status::Acknowledged);
            }
        }
    }
}
