//! The catalog: everything known, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::{CheckIn, Command, Credential, DeclarationType, Profile, SharedKeys, StatusItem, facts};

/// What may be declared, reported, commanded and installed, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    declarations: BTreeMap<String, DeclarationType>,
    credentials: BTreeMap<String, Credential>,
    status_items: BTreeMap<String, StatusItem>,
    commands: BTreeMap<String, Command>,
    check_ins: BTreeMap<String, CheckIn>,
    profiles: BTreeMap<String, Profile>,
    shared: BTreeMap<String, SharedKeys>,
}

/// How much a catalog has. `Display` is one line for administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Declaration types.
    pub declarations: usize,
    /// Credential documents.
    pub credentials: usize,
    /// Status items.
    pub status_items: usize,
    /// MDM commands.
    pub commands: usize,
    /// Check-in messages.
    pub check_ins: usize,
    /// Schemas of payloads in profiles.
    pub profiles: usize,
    /// The payload types that these are for.
    pub profile_types: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} declaration types, {} credential documents, {} status items, {} commands, {} check-in messages, \
             {} profile schemas of {} types",
            self.declarations,
            self.credentials,
            self.status_items,
            self.commands,
            self.check_ins,
            self.profiles,
            self.profile_types,
        )
    }
}

/// For each sort of records: its map, the field that names one, and how it is looked up, listed and added.
macro_rules! records {
    ($($records:ident: $type:ident by $name:ident, $get:ident, $add:ident, $what:literal;)+) => {
        impl Catalog {
            $(
                #[doc = concat!("The ", $what, " of this name.")]
                pub fn $get(&self, name: &str) -> Option<&$type> {
                    self.$records.get(name)
                }

                #[doc = concat!("Every ", $what, ", sorted by name.")]
                pub fn $records(&self) -> impl Iterator<Item = &$type> {
                    self.$records.values()
                }

                #[doc = concat!("Adds the ", $what, ", and gives back the one of that name that was there before.")]
                pub fn $add(&mut self, record: $type) -> Option<$type> {
                    self.$records.insert(record.$name.clone(), record)
                }
            )+
        }
    };
}

records! {
    declarations: DeclarationType by name, declaration, add_declaration, "declaration type";
    credentials: Credential by name, credential, add_credential, "credential document";
    status_items: StatusItem by name, status_item, add_status_item, "status item";
    commands: Command by request_type, command, add_command, "MDM command (`RequestType`)";
    check_ins: CheckIn by message_type, check_in, add_check_in, "check-in message (`MessageType`)";
    profiles: Profile by name, profile, add_profile, "schema of payloads in profiles";
    shared: SharedKeys by name, shared_keys, add_shared, "list of keys that schemas share";
}

impl Catalog {
    /// The catalog of this release of Ordain, made once.
    #[expect(
        clippy::expect_used,
        reason = "the facts are part of the program, and a test reads them"
    )]
    pub fn builtin() -> &'static Arc<Self> {
        static BUILTIN: LazyLock<Arc<Catalog>> =
            LazyLock::new(|| Arc::new(facts::read(facts::APPLE).expect("the embedded facts are canonical")));
        &BUILTIN
    }

    /// The schemas of payloads of this `PayloadType`, sorted by name: one, mostly.
    pub fn profiles_of_type(&self, payload_type: &str) -> impl Iterator<Item = &Profile> {
        self.profiles
            .values()
            .filter(move |profile| profile.payload_type == payload_type)
    }

    /// How much it has.
    pub fn counts(&self) -> Counts {
        let mut types: Vec<&str> = self
            .profiles()
            .map(|profile| profile.payload_type.as_str())
            .collect();
        types.sort_unstable();
        types.dedup();
        Counts {
            declarations: self.declarations.len(),
            credentials: self.credentials.len(),
            status_items: self.status_items.len(),
            commands: self.commands.len(),
            check_ins: self.check_ins.len(),
            profiles: self.profiles.len(),
            profile_types: types.len(),
        }
    }
}
