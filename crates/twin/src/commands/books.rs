//! Managed books.

use ordain_apple::plist::{Dictionary, Error};

use super::call::{Answer, Call, Done, check_room, dictionaries, dictionary, failed};
use crate::state::Book;

/// What a book tells of itself.
const TEXTS: &[&str] = &["Version", "Author", "Title"];

pub(super) fn install(call: Call<'_>) -> Answer {
    let media_type = call.required_text("MediaType")?;
    let store_id = call.optional::<i64>("iTunesStoreID")?;
    let url = call.text("MediaURL")?;
    let persistent_id = call.owned("PersistentID")?;
    let kind = call.one_of("Kind", &["pdf", "epub", "ibooks"])?;
    let mut texts: Vec<(&'static str, String)> =
        kind.map(|kind| ("Kind", kind.to_owned())).into_iter().collect();
    for key in TEXTS {
        texts.extend(call.owned(key)?.map(|text| (*key, text)));
    }
    let mut results = dictionary([("MediaType", media_type.into())]);
    results.extend(store_id.map(|id| ("iTunesStoreID".to_owned(), id.into())));
    results.extend(url.map(|url| ("MediaURL".to_owned(), url.into())));
    results.extend(
        persistent_id
            .as_deref()
            .map(|id| ("PersistentID".to_owned(), id.into())),
    );
    let mut done = Done {
        results,
        ..Done::default()
    };
    if media_type != "Book" {
        let rejected = done
            .and("State", "Failed")
            .and("RejectionReason", "WrongMediaType");
        return Err(rejected.rejected("only books are media"));
    }
    match (store_id, url) {
        (Some(_), _) => {}
        (None, Some(_)) if persistent_id.is_some() => {}
        (None, Some(_)) => return Err(Error::Missing("PersistentID").into()),
        (None, None) => return Err(Error::Missing("iTunesStoreID or MediaURL").into()),
    }
    let book = Book {
        store_id,
        persistent_id,
        texts,
    };
    let books = &mut call.device.state_mut().books;
    let is_same = |other: &Book| other.store_id == book.store_id && other.persistent_id == book.persistent_id;
    done.effect = Some(format!("book {} installed", name(&book)));
    match books.iter_mut().find(|other| is_same(other)) {
        Some(present) => *present = book,
        None => {
            check_room(books.len())?;
            books.push(book);
        }
    }
    Ok(done.and("State", "Installing"))
}

fn name(book: &Book) -> String {
    let store_id = book.store_id.map(|id| id.to_string());
    book.persistent_id.clone().or(store_id).unwrap_or_default()
}

pub(super) fn list(call: Call<'_>) -> Answer {
    let listed = call.device.state().books.iter().map(|book| {
        let mut entry = Dictionary::new();
        entry.insert("State".to_owned(), "Managed".into());
        entry.extend(book.store_id.map(|id| ("iTunesStoreID".to_owned(), id.into())));
        entry.extend(
            book.persistent_id
                .as_deref()
                .map(|id| ("PersistentID".to_owned(), id.into())),
        );
        let texts = book.texts.iter();
        entry.extend(texts.map(|(key, text)| ((*key).to_owned(), text.as_str().into())));
        entry
    });
    Ok(Done::said("Books", dictionaries(listed)))
}

pub(super) fn remove(call: Call<'_>) -> Answer {
    if call.required_text("MediaType")? != "Book" {
        return Err(Error::NotAllowed("MediaType").into());
    }
    // A number in InstallMedia, a string here.
    let store_id = call.text("iTunesStoreID")?;
    let persistent_id = call.text("PersistentID")?;
    if store_id.or(persistent_id).is_none() {
        return Err(Error::Missing("iTunesStoreID or PersistentID").into());
    }
    let is_meant = |book: &Book| match persistent_id {
        Some(id) => book.persistent_id.as_deref() == Some(id),
        None => book.store_id.map(|id| id.to_string()).as_deref() == store_id,
    };
    let books = &mut call.device.state_mut().books;
    let before = books.len();
    books.retain(|book| !is_meant(book));
    if books.len() == before {
        return Err(failed("there is no such managed book"));
    }
    Ok(Done::did("a book removed"))
}
