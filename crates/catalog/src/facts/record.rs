//! Records, as they are read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::keys::Place;
use super::line::{Line, Lines};
use super::{InvalidFacts, keys, terms};
use crate::{
    Catalog, CheckIn, Command, Credential, DeclarationType, Keys, Kind, Profile, Shape, SharedKeys,
    StatusItem, Support,
};

/// What is said below the first line of a record.
#[derive(Default)]
struct Body {
    support: Support,
    content_types: BTreeSet<String>,
    status_items: BTreeSet<String>,
    reasons: BTreeSet<String>,
    /// What follows `payload` or `value`.
    shape: Option<Shape>,
    keys: Keys,
    answers: Keys,
}

/// Reads the record that begins with `line`, and adds it.
pub(super) fn read(
    lines: &mut Lines<'_>,
    mut line: Line<'_>,
    catalog: &mut Catalog,
) -> Result<(), InvalidFacts> {
    let record = line.keyword();
    let name = line.word()?.into_owned();
    let body = Body::read(lines)?;
    let no_shape = line.invalid("neither payload nor value");
    let Body {
        support,
        content_types,
        status_items,
        reasons,
        shape,
        keys,
        answers,
    } = body;
    let shape = shape.ok_or(no_shape);
    match record {
        Some("declaration") => {
            let kind = Kind::of_type(&name).ok_or(line.invalid("not a declaration type"))?;
            let apply = line.keyword().map(str::parse).transpose();
            let apply = apply.map_err(|_| line.invalid("unknown way to apply"))?;
            catalog.add_declaration(DeclarationType {
                name,
                kind,
                apply,
                support,
                payload: shape?,
                content_types,
                status_items,
                reasons,
            });
        }
        Some("credential") => {
            let payload = shape?;
            catalog.add_credential(Credential {
                name,
                support,
                payload,
            });
        }
        Some("status") => {
            let value = shape?;
            catalog.add_status_item(StatusItem {
                name,
                support,
                value,
                reasons,
            });
        }
        Some("command") => {
            let request_type = name;
            let access_right = line.optional_word()?.map(Cow::into_owned);
            catalog.add_command(Command {
                request_type,
                access_right,
                support,
                keys,
                answers,
            });
        }
        Some("check-in") => {
            let message_type = name;
            catalog.add_check_in(CheckIn {
                message_type,
                support,
                keys,
                answers,
            });
        }
        Some("profile") => {
            let payload_type = line.word()?.into_owned();
            let payload = shape?;
            catalog.add_profile(Profile {
                name,
                payload_type,
                support,
                payload,
            });
        }
        Some("shared") => {
            let payload = shape?;
            catalog.add_shared(SharedKeys {
                name,
                support,
                payload,
                reasons,
            });
        }
        _ => return Err(line.invalid("unknown record")),
    }
    Ok(())
}

impl Body {
    fn read(lines: &mut Lines<'_>) -> Result<Self, InvalidFacts> {
        const AT: Place = Place { level: 1, holders: 0 };
        let mut body = Self {
            support: terms::read(lines, AT.level, &Support::default())?.unwrap_or_default(),
            ..Self::default()
        };
        while let Some(mut line) = lines.next_at(AT.level) {
            match line.keyword() {
                Some("content-types") => body.content_types = line.list()?,
                Some("status-items") => body.status_items = line.list()?,
                Some("reasons") => body.reasons = line.list()?,
                Some("payload" | "value") => {
                    body.shape = Some(keys::read(lines, line, AT, &body.support)?.shape);
                }
                Some("takes") => {
                    let name = line.word()?.into_owned();
                    body.keys
                        .insert(name, keys::read(lines, line, AT, &body.support)?);
                }
                Some("answers") => {
                    let name = line.word()?.into_owned();
                    body.answers
                        .insert(name, keys::read(lines, line, AT, &body.support)?);
                }
                _ => return Err(line.invalid("unknown word")),
            }
        }
        Ok(body)
    }
}
