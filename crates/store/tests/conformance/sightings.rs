//! Sightings: of the present generation, or none.

use ordain_model::enrollment::{Enrollment, Standing};
use ordain_store::Sighting;

use crate::fixtures::*;

#[tokio::test]
async fn the_last_one_counts_and_only_of_who_is_there() {
    on_each(async |store, _| {
        enroll(store, "d1").await;
        assert_eq!(store.sighting(&id("d1")).await.unwrap(), None);
        assert_eq!(store.devices(None, 1).await.unwrap()[0].device.seen_at, None);
        let sighting = |name: &str, generation, seen_at, fetched: &str| Sighting {
            enrollment: id(name),
            generation,
            seen_at,
            manifest: (!fetched.is_empty()).then(|| digest("m")),
            fetched: fetched.into(),
            wakes: 1,
        };
        let last = sighting("d1", 1, NOW + 2, "0f");
        store
            .note(vec![
                sighting("d1", 1, NOW, ""),
                sighting("nobody", 1, NOW, ""),
                sighting("d1", 2, NOW + 9, "ff"),
                last.clone(),
            ])
            .await
            .unwrap();
        let all = Sighting { wakes: 2, ..last };
        assert_eq!(
            store.sighting(&id("d1")).await.unwrap(),
            Some(all),
            "what woke it adds up"
        );
        let came_by = sighting("d1", 1, NOW + 3, "");
        store.note(vec![came_by.clone()]).await.unwrap();
        let kept = Sighting {
            fetched: "0f".into(),
            manifest: Some(digest("m")),
            wakes: 3,
            ..came_by
        };
        assert_eq!(
            store.sighting(&id("d1")).await.unwrap(),
            Some(kept),
            "who only came by has fetched what it had"
        );
        assert_eq!(store.sighting(&id("nobody")).await.unwrap(), None);
        assert_eq!(
            store.devices(None, 1).await.unwrap()[0].device.seen_at,
            Some(NOW + 3)
        );
        // In the list each channel has its own.
        enroll(store, "d1::linked").await;
        enroll(store, "d1:ann").await;
        store
            .note(vec![
                sighting("d1::linked", 1, NOW + 4, ""),
                sighting("d1:ann", 2, NOW + 5, ""),
            ])
            .await
            .unwrap();
        let row = store.devices(None, 1).await.unwrap().remove(0);
        let beside = row.beside.iter();
        let beside: Vec<_> = beside
            .map(|seen| (seen.enrollment.id.to_string(), seen.seen_at))
            .collect();
        let linked = ("d1::linked".to_owned(), Some(NOW + 4));
        assert_eq!(beside, [linked, ("d1:ann".to_owned(), None)]);
        assert_eq!(row.device.seen_at, Some(NOW + 3));
        store.note(vec![]).await.unwrap();
    })
    .await;
}

/// A server that is killed loses the last sightings, but no report: a device that has nothing more to say was here all the
/// same.
#[tokio::test]
async fn who_has_reported_was_here_though_its_sighting_is_lost() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        let standing = Standing {
            heard: None,
            at: NOW + 7,
            held: None,
            judged: None,
            cleans: false,
            disputed: 0,
            drift: Default::default(),
            counts: Default::default(),
        };
        let reported = Enrollment {
            standing: Some(standing),
            ..state.channel().unwrap().clone()
        };
        store.commit(&state, &[write(&reported)], None).await.unwrap();
        let seen_at = async || store.devices(None, 1).await.unwrap()[0].device.seen_at;
        assert_eq!(seen_at().await, Some(NOW + 7));
        for (seen, heard) in [(NOW + 6, NOW + 7), (NOW + 8, NOW + 8)] {
            let sighting = Sighting {
                enrollment: id("d1"),
                generation: 1,
                seen_at: seen,
                manifest: None,
                fetched: String::new(),
                wakes: 1,
            };
            store.note(vec![sighting]).await.unwrap();
            assert_eq!(seen_at().await, Some(heard));
        }
    })
    .await;
}
