use proptest::prelude::*;

use super::*;

fn item(data: &str) -> Item {
    Item::from("./A/B").with(Format::Chr, data)
}

fn first(data: &str, size: u64) -> Item {
    let mut first = item(data);
    first.meta.size = Some(size);
    first.more_data = true;
    first
}

fn begin(item: Item) -> Assembly {
    match Assembly::begin(item, 100) {
        Ok(Progress::More(assembly)) => assembly,
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_come_together() {
    let assembly = begin(first("abc", 6));
    // Kept between messages, and gone on with.
    let assembly = begin(assembly.into_item());
    let Ok(Progress::More(assembly)) = assembly.next(Item {
        more_data: true,
        ..item("d")
    }) else {
        panic!()
    };
    let Ok(Progress::Whole(whole)) = assembly.next(item("ef")) else {
        panic!()
    };
    assert_eq!((whole.data.as_deref(), whole.more_data), (Some("abcdef"), false));
    assert_eq!(Assembly::begin(item("abc"), 3), Ok(Progress::Whole(item("abc"))));
}

#[test]
fn parts_that_do_not() {
    assert_eq!(Assembly::begin(item("abcd"), 3), Err(ChunkError::TooLarge));
    assert_eq!(Assembly::begin(first("a", 101), 100), Err(ChunkError::TooLarge));
    assert_eq!(
        Assembly::begin(first("a", u64::MAX), 100),
        Err(ChunkError::TooLarge)
    );
    assert_eq!(
        Assembly::begin(
            Item {
                more_data: true,
                ..item("a")
            },
            100
        ),
        Err(ChunkError::NoSize)
    );
    assert_eq!(
        begin(first("abc", 6)).next(item("de")),
        Err(ChunkError::SizeMismatch)
    );
    assert_eq!(
        begin(first("abc", 6)).next(item("defg")),
        Err(ChunkError::SizeMismatch)
    );
    let other = Item::from("./A/C");
    assert_eq!(begin(first("abc", 6)).next(other), Err(ChunkError::NoEndOfData));
    // A sender that never ends is not waited for.
    let endless = Item {
        more_data: true,
        ..item(&"x".repeat(50))
    };
    let Ok(Progress::More(assembly)) = begin(first("", 100)).next(endless.clone()) else {
        panic!()
    };
    let Ok(Progress::More(assembly)) = assembly.next(endless.clone()) else {
        panic!()
    };
    assert_eq!(assembly.next(endless), Err(ChunkError::TooLarge));
    assert_eq!(ChunkError::SizeMismatch.status(), StatusCode::SIZE_MISMATCH);
    assert_eq!(ChunkError::NoEndOfData.alert(), Some(AlertCode::NO_END_OF_DATA));
}

#[test]
fn sizes_of_base64_are_of_text_or_octets() {
    for size in [8, 5] {
        let mut part = first("AAEC", size);
        part.meta.format = Some(Format::B64);
        assert!(matches!(begin(part).next(item("AwQ=")), Ok(Progress::Whole(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_split_comes_together(data in "[a<&\ré😀]{0,60}", max in 0..40_usize) {
        let whole = item(&data);
        let parts = split(whole.clone(), max);
        for part in &parts {
            let written = partial_escape(part.data.as_deref().unwrap()).len();
            prop_assert!(written <= max.max(5));
        }
        let mut parts = parts.into_iter();
        let mut progress = Assembly::begin(parts.next().unwrap(), 1000);
        for part in parts {
            let Ok(Progress::More(assembly)) = progress else { panic!("{progress:?}") };
            progress = assembly.next(part);
        }
        let Ok(Progress::Whole(mut got)) = progress else { panic!("{progress:?}") };
        got.meta.size = None;
        prop_assert_eq!(got, whole);
    }
}
