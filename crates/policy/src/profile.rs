//! `profiles/`: configuration profiles become declarations of the legacy kind.

use std::collections::BTreeSet;

use ordain_apple::plist;
use ordain_apple::profile::{self, Invalid, Profile};
use ordain_catalog::Scope;
use ordain_model::declaration::Placement;

use crate::compile::Compiler;
use crate::declaration::{Declared, Draft};
use crate::fields::Text;
use crate::payload;
use crate::problem::Place;
use crate::tree::Node;

/// The type of configuration that installs a profile.
const LEGACY_TYPE: &str = "com.apple.configuration.legacy";

impl<'c> Compiler<'c> {
    /// Reads a file of `profiles/`. Devices get its very bytes.
    pub(crate) fn read_profile(&mut self, file: u32, bytes: &'c [u8]) -> Option<Draft<'c>> {
        let place = Place::start_of(file);
        let profile = match Profile::read(bytes) {
            Ok(profile) => profile,
            Err(invalid) => {
                self.problems.error(
                    place_of(&invalid, file, bytes),
                    format!("not a usable profile: {invalid}"),
                );
                return None;
            }
        };
        self.check_identifier(Text {
            text: &profile.identifier,
            place,
        });
        let (url, digest) = self.offer(place, "profiles", profile::CONTENT_TYPE, bytes.into());
        let scope = profile.scope.map(|scope| match scope {
            profile::Scope::System => Scope::System,
            profile::Scope::User => Scope::User,
        });
        Some(Draft {
            identifier: profile.identifier,
            place,
            type_place: place,
            declared: self.catalog.declaration(LEGACY_TYPE).map(Declared::Known),
            payload: Node::made(place, [("ProfileURL", Node::text(place, url))]),
            has_payload: true,
            carried: payload::of_profile(file, bytes),
            placement: Placement {
                scope,
                ..Placement::default()
            },
            when: None,
            references: BTreeSet::new(),
            downloads: [digest].into(),
        })
    }
}

/// Where the profile is wrong, as far as that is told.
fn place_of(invalid: &Invalid, file: u32, bytes: &[u8]) -> Place {
    match (invalid, std::str::from_utf8(bytes)) {
        (Invalid::Plist(plist::Error::Syntax { octet, .. }), Ok(text)) => {
            Place::of_octet(file, text, usize::try_from(*octet).unwrap_or(usize::MAX))
        }
        _ => Place::start_of(file),
    }
}
