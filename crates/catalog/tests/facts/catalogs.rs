//! Catalogs of anything that a schema can say.

use std::collections::BTreeSet;

use ordain_catalog::{
    Apply, Catalog, CheckIn, Combine, Command, Credential, DeclarationType, Elements, EnrollmentType, Format,
    Key, Keys, Kind, OsVersion, Platform, PlatformSupport, Profile, Range, Requirement, Scope, Shape,
    SharedKeys, StatusItem, Support, Target, Terms,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::Number;

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,12}|[a \",\\\\\n\u{85}é]{0,6}"
}

fn set<T: Copy + Ord + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = Option<BTreeSet<T>>> {
    option::of(subsequence(all, 0..=all.len()).prop_map(|some| some.into_iter().collect()))
}

fn version() -> impl Strategy<Value = Option<OsVersion>> {
    option::of("[0-9]{1,3}(\\.[0-9]{1,3}){0,3}".prop_map(|text| text.parse().unwrap()))
}

fn support() -> impl Strategy<Value = Support> {
    let limits = (
        set(EnrollmentType::ALL),
        set(Scope::ALL),
        set(Scope::ALL),
        set(Requirement::ALL),
        any::<(Option<bool>, Option<bool>)>(),
    );
    let terms = (version(), version(), version(), limits).prop_map(
        |(introduced, deprecated, removed, (enrollments, scopes, shared_ipad_scopes, requires, flags))| {
            PlatformSupport::Supported(Terms {
                introduced,
                deprecated,
                removed,
                enrollments,
                scopes,
                shared_ipad_scopes,
                requires: requires.unwrap_or_default(),
                multiple: flags.0,
                manual_install: flags.1,
            })
        },
    );
    let said = prop_oneof![Just(PlatformSupport::Never), terms];
    vec((select(Platform::ALL), said), 0..4).prop_map(Support::from_iter)
}

fn words() -> impl Strategy<Value = BTreeSet<String>> {
    btree_set(word(), 0..3)
}

fn number() -> impl Strategy<Value = Number> + Clone {
    let real = any::<f64>().prop_filter_map("not finite", Number::from_f64);
    prop_oneof![any::<i64>().prop_map(Number::from), real]
}

fn range<T: std::fmt::Debug>(bound: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = Range<T>> {
    (option::of(bound.clone()), option::of(bound)).prop_map(|(min, max)| Range { min, max })
}

fn default() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Into::into),
        number().prop_map(Into::into),
        word().prop_map(Into::into),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Into::into),
            btree_map(word(), inner, 0..3)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What a key says beside its shape, all of it or nothing, as mostly. Its support is not complete yet.
fn key(shape: Shape) -> impl Strategy<Value = Key> {
    let target = (select(Kind::ALL), words(), words()).prop_map(|(kind, types, content_types)| Target {
        kind,
        types,
        content_types,
    });
    let said = (
        option::of(default()),
        option::of(select(Combine::ALL)),
        option::of(target),
        option::of(support()),
    );
    (any::<bool>(), option::of(said)).prop_map(move |(required, said)| {
        let (default, combine, refers, support) = said.unwrap_or_default();
        Key {
            shape: shape.clone(),
            required,
            default,
            combine,
            refers,
            support,
        }
    })
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        select(vec![
            Shape::Any,
            Shape::Boolean,
            Shape::Data,
            Shape::Date,
            Shape::Dictionary(Keys::new()),
            Shape::any_dictionary(),
            Shape::array_of(Shape::Any),
        ]),
        (1..5_usize).prop_map(Shape::Above),
        (vec(any::<i64>(), 0..3), range(any::<i64>()))
            .prop_map(|(allowed, range)| Shape::Integer { allowed, range }),
        (vec(number(), 0..3), range(number())).prop_map(|(allowed, range)| Shape::Real { allowed, range }),
        (
            vec(word(), 0..3),
            option::of(word()),
            option::of(select(Format::ALL))
        )
            .prop_map(|(allowed, pattern, format)| Shape::String {
                allowed,
                pattern,
                format
            }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = || inner.clone().prop_flat_map(key);
        prop_oneof![
            btree_map(word(), key(), 0..4).prop_map(Shape::Dictionary),
            key().prop_map(|key| Shape::Map(Box::new(key))),
            (key(), range(any::<u64>())).prop_map(|(key, count)| Shape::Array {
                elements: Elements::Alike(Box::new(key)),
                count,
            }),
            (btree_map(word(), key(), 1..3), range(any::<u64>())).prop_map(|(forms, count)| Shape::Array {
                elements: Elements::ByItem(forms),
                count,
            }),
        ]
    })
}

/// Makes what was drawn into what a schema can say: support is complete, and none where it is as of what holds it;
/// above a value there is something.
fn settled(mut key: Key, inherited: &Support, holders: usize) -> Key {
    key.support = key.support.and_then(|own| {
        let mut whole = inherited.clone();
        let said = Platform::ALL
            .iter()
            .map(|&platform| (platform, own.on(platform).cloned()));
        whole.extend(said.filter_map(|(platform, said)| Some((platform, said?))));
        (whole != *inherited).then_some(whole)
    });
    let support = key.support.as_ref().unwrap_or(inherited);
    let all = |keys: Keys| -> Keys {
        let keys = keys.into_iter();
        keys.map(|(name, key)| (name, settled(key, support, holders + 1)))
            .collect()
    };
    key.shape = match key.shape {
        Shape::Above(steps) if steps > holders => Shape::Any,
        Shape::Dictionary(keys) => Shape::Dictionary(all(keys)),
        Shape::Map(key) => Shape::Map(Box::new(settled(*key, support, holders + 1))),
        Shape::Array { elements, count } => Shape::Array {
            elements: match elements {
                Elements::Alike(key) => Elements::Alike(Box::new(settled(*key, support, holders + 1))),
                Elements::ByItem(forms) => Elements::ByItem(all(forms)),
            },
            count,
        },
        other => other,
    };
    key
}

fn records() -> impl Strategy<Value = (String, Support, Shape, Keys)> {
    let keys = btree_map(word(), shapes().prop_flat_map(key), 0..3);
    (word(), support(), shapes(), keys).prop_map(|(name, support, shape, keys)| {
        let shape = settled(shape.into(), &support, 0).shape;
        let keys = keys
            .into_iter()
            .map(|(name, key)| (name, settled(key, &support, 0)));
        let keys = keys.collect();
        (name, support, shape, keys)
    })
}

pub(crate) fn catalogs() -> impl Strategy<Value = Catalog> {
    let declared = (
        select(Kind::ALL),
        option::of(select(Apply::ALL)),
        words(),
        words(),
        words(),
    );
    (
        vec((records(), declared), 0..3),
        vec((records(), words(), option::of(word())), 0..4),
    )
        .prop_map(|(declarations, others)| {
            let mut catalog = Catalog::default();
            for ((name, support, payload, _), (kind, apply, content_types, status_items, reasons)) in
                declarations
            {
                catalog.add_declaration(DeclarationType {
                    name: format!("com.apple.{kind}.x{name}"),
                    kind,
                    apply,
                    support,
                    payload,
                    content_types,
                    status_items,
                    reasons,
                });
            }
            for (index, ((name, support, payload, keys), reasons, other)) in others.into_iter().enumerate() {
                match index {
                    0 => {
                        catalog.add_command(Command {
                            request_type: name.clone(),
                            access_right: other,
                            support: support.clone(),
                            keys: keys.clone(),
                            answers: Keys::new(),
                        });
                        catalog.add_check_in(CheckIn {
                            message_type: name,
                            support,
                            keys: Keys::new(),
                            answers: keys,
                        });
                    }
                    1 => {
                        catalog.add_status_item(StatusItem {
                            name,
                            support,
                            value: payload,
                            reasons,
                        });
                    }
                    2 => {
                        catalog.add_profile(Profile {
                            name: name.clone(),
                            payload_type: other.unwrap_or(name),
                            support,
                            payload,
                        });
                    }
                    _ => {
                        catalog.add_credential(Credential {
                            name: name.clone(),
                            support: support.clone(),
                            payload: payload.clone(),
                        });
                        catalog.add_shared(SharedKeys {
                            name,
                            support,
                            payload,
                            reasons,
                        });
                    }
                }
            }
            catalog
        })
}
