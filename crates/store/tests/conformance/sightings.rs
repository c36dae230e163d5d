//! Sightings: of the present generation, or none.

use ordain_store::Sighting;

use crate::fixtures::*;

#[tokio::test]
async fn the_last_one_counts_and_only_of_who_is_there() {
    on_each(async |store, _| {
        enroll(store, "d1").await;
        assert_eq!(store.sighting(&id("d1")).await.unwrap(), None);
        assert_eq!(store.devices(None, 1).await.unwrap()[0].seen_at, None);
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
        assert_eq!(store.devices(None, 1).await.unwrap()[0].seen_at, Some(NOW + 3));
        store.note(vec![]).await.unwrap();
    })
    .await;
}
