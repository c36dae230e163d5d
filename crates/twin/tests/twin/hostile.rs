//! Whatever a server answers, a twin neither panics nor goes on for ever.

use ordain_catalog::Platform;
use ordain_twin::request::{Request, Response};
use proptest::prelude::*;

use crate::fake::{Fake, drive, twin};

/// How an answer goes wrong.
#[derive(Debug, Clone)]
enum Wrong {
    Not,
    Broken,
    Status(u16),
    Bytes(Vec<u8>),
    /// The answer with octets replaced.
    Spoilt(Vec<(prop::sample::Index, u8)>),
    /// An answer to another request.
    Mixed(prop::sample::Index),
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![
        6 => Just(Wrong::Not),
        1 => Just(Wrong::Broken),
        1 => (100u16..600).prop_map(Wrong::Status),
        1 => any::<Vec<u8>>().prop_map(Wrong::Bytes),
        2 => prop::collection::vec((any::<prop::sample::Index>(), octet()), 1..4).prop_map(Wrong::Spoilt),
        1 => any::<prop::sample::Index>().prop_map(Wrong::Mixed),
    ]
}

/// Any octet, and often one that leaves a text readable, and means something else or nothing.
fn octet() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(b"\x7f\"\\ /0".as_slice())]
}

fn answer(wrong: &Wrong, request: &Request, fake: &mut Fake, past: &mut Vec<Response>) -> Option<Response> {
    let mut response = fake.answer(request);
    past.push(response.clone());
    match wrong {
        Wrong::Not => {}
        Wrong::Broken => return None,
        Wrong::Status(status) => response.status = *status,
        Wrong::Bytes(bytes) => response.body.clone_from(bytes),
        Wrong::Spoilt(places) if !response.body.is_empty() => {
            for (place, octet) in places {
                *place.get_mut(&mut response.body) = *octet;
            }
        }
        Wrong::Spoilt(_) => {}
        Wrong::Mixed(index) => response = index.get(past).clone(),
    }
    Some(response)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_is_answered(wrongs in prop::collection::vec(wrong(), 1..80), change in 0usize..4) {
        let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
        fake.is_heard = false;
        let (mut count, mut past) = (0, Vec::new());
        for wake in 0..4 {
            if wake == change {
                fake.wanted.remove("cert");
            }
            drive(&mut twin, i64::try_from(wake).unwrap() * 50_000, |request| {
                let wrong = &wrongs[count % wrongs.len()];
                count += 1;
                answer(wrong, request, &mut fake, &mut past)
            });
        }
    }
}
