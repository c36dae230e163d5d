//! What a file is for, and what it states beside keys.

use std::collections::BTreeSet;

use super::Problem;
use super::reader::Reader;
use super::support::{Stated, support};
use super::yaml::Value;
use crate::{
    Catalog, CheckIn, Command, Credential, DeclarationType, Kind, Profile, Shape, SharedKeys, StatusItem,
    Target,
};

/// The one reference to declarations other than assets. The schema states it in prose only.
const ACTIVATION_TO_CONFIGURATIONS: (&str, &str) = ("com.apple.activation.simple", "StandardConfigurations");

/// The `declarationtype` of the file for what all declarations have in common.
const ANY_DECLARATION: &str = "any";

/// The files for what all profiles, and all payloads in them, have in common.
const SHARED_BY_PROFILES: &[&str] = &["CommonPayloadKeys", "TopLevel"];

/// The schema's words for no access right, and for one that depends on what is asked.
const NO_RIGHTS: &[&str] = &["None", "n/a", "Special Case"];

/// Where files of records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    Declarations,
    Status,
    Commands,
    CheckIn,
    Profiles,
}

impl Folder {
    /// The folder that a file of this path is in, if it has records.
    pub(super) fn of(path: &str) -> Option<Self> {
        let folders = [
            ("declarative/declarations/", Self::Declarations),
            ("declarative/status/", Self::Status),
            ("mdm/commands/", Self::Commands),
            ("mdm/checkin/", Self::CheckIn),
            ("mdm/profiles/", Self::Profiles),
        ];
        let folder = folders.iter().find(|(prefix, _)| path.starts_with(prefix));
        folder
            .filter(|_| path.ends_with(".yaml"))
            .map(|&(_, folder)| folder)
    }
}

/// A file, and what its head says.
#[derive(Clone, Copy)]
struct File<'d, 's> {
    root: Value<'d>,
    payload: Value<'d>,
    stated: &'s Stated,
}

impl Reader<'_> {
    /// Reads the file, and adds what it is for.
    pub(super) fn record(
        &mut self,
        folder: Folder,
        root: Value<'_>,
        catalog: &mut Catalog,
    ) -> Result<(), Problem> {
        let payload = self.required(root.get("payload"), "payload")?;
        let stated = &self.stated(payload, &Stated::new())?;
        let file = File {
            root,
            payload,
            stated,
        };
        let has = |key| payload.get(key).is_some();
        let is_new = match folder {
            Folder::Declarations if has("credentialtype") => {
                catalog.add_credential(self.credential(file)?).is_none()
            }
            Folder::Declarations => match self.name(payload, "declarationtype")? {
                ANY_DECLARATION => catalog.add_shared(self.shared(file)?).is_none(),
                name => catalog.add_declaration(self.declaration(name, file)?).is_none(),
            },
            // The other file there is for reasons, which are parts of status items.
            Folder::Status if has("declarationtype") => catalog.add_shared(self.shared(file)?).is_none(),
            Folder::Status => catalog.add_status_item(self.status_item(file)?).is_none(),
            Folder::Commands => catalog.add_command(self.command(file)?).is_none(),
            Folder::CheckIn => catalog.add_check_in(self.check_in(file)?).is_none(),
            Folder::Profiles if SHARED_BY_PROFILES.contains(&self.stem()) => {
                catalog.add_shared(self.shared(file)?).is_none()
            }
            Folder::Profiles => catalog.add_profile(self.profile(file)?).is_none(),
        };
        if is_new {
            Ok(())
        } else {
            Err(self.problem("another file is for the same"))
        }
    }

    fn declaration(&mut self, name: &str, file: File<'_, '_>) -> Result<DeclarationType, Problem> {
        let kind = Kind::of_type(name);
        let kind = kind.ok_or_else(|| self.problem(format_args!("{name} is no declaration type")))?;
        let mut payload = self.dictionary_of(file.root, file.stated)?;
        let (activation, configurations) = ACTIVATION_TO_CONFIGURATIONS;
        if name == activation
            && let Shape::Dictionary(keys) = &mut payload
            && let Some(key) = keys.get_mut(configurations)
        {
            key.refers = Some(Target {
                kind: Kind::Configuration,
                types: BTreeSet::new(),
                content_types: BTreeSet::new(),
            });
        }
        Ok(DeclarationType {
            name: name.to_owned(),
            kind,
            apply: self.word(file.payload, "apply")?,
            support: support(file.stated),
            payload,
            content_types: std::mem::take(&mut self.content_types),
            status_items: self.related_status_items(file.root)?,
            reasons: self.reasons(file.root)?,
        })
    }

    fn credential(&mut self, file: File<'_, '_>) -> Result<Credential, Problem> {
        Ok(Credential {
            name: self.name(file.payload, "credentialtype")?.to_owned(),
            support: support(file.stated),
            payload: self.dictionary_of(file.root, file.stated)?,
        })
    }

    fn status_item(&mut self, file: File<'_, '_>) -> Result<StatusItem, Problem> {
        let name = self.name(file.payload, "statusitemtype")?.to_owned();
        let keys = file.root.get("payloadkeys").and_then(Value::list);
        let mut keys = self.required(keys, "payloadkeys")?;
        let (Some(value), None) = (keys.next(), keys.next()) else {
            return Err(self.problem("a status item has one value"));
        };
        let stated = &self.stated(value, file.stated)?;
        Ok(StatusItem {
            name,
            support: support(stated),
            value: self.key(value, stated, &mut Vec::new())?.shape,
            reasons: self.reasons(file.root)?,
        })
    }

    fn command(&mut self, file: File<'_, '_>) -> Result<Command, Problem> {
        Ok(Command {
            request_type: self.name(file.payload, "requesttype")?.to_owned(),
            access_right: self.access_right(file.payload)?,
            support: support(file.stated),
            keys: self.keys_of(file.root, "payloadkeys", file.stated)?,
            answers: self.keys_of(file.root, "responsekeys", file.stated)?,
        })
    }

    fn check_in(&mut self, file: File<'_, '_>) -> Result<CheckIn, Problem> {
        Ok(CheckIn {
            message_type: self.name(file.payload, "requesttype")?.to_owned(),
            support: support(file.stated),
            keys: self.keys_of(file.root, "payloadkeys", file.stated)?,
            answers: self.keys_of(file.root, "responsekeys", file.stated)?,
        })
    }

    fn profile(&mut self, file: File<'_, '_>) -> Result<Profile, Problem> {
        Ok(Profile {
            name: self.stem().to_owned(),
            payload_type: self.name(file.payload, "payloadtype")?.to_owned(),
            support: support(file.stated),
            payload: self.dictionary_of(file.root, file.stated)?,
        })
    }

    fn shared(&mut self, file: File<'_, '_>) -> Result<SharedKeys, Problem> {
        Ok(SharedKeys {
            name: self.stem().to_owned(),
            support: support(file.stated),
            payload: self.dictionary_of(file.root, file.stated)?,
            reasons: self.reasons(file.root)?,
        })
    }

    /// The one right that some platforms ask for.
    fn access_right(&mut self, payload: Value<'_>) -> Result<Option<String>, Problem> {
        let platforms = payload.get("supportedOS").and_then(Value::members);
        let mut rights = BTreeSet::new();
        for (_, said) in platforms.into_iter().flatten() {
            rights.extend(self.text(said, "accessrights")?);
        }
        rights.retain(|right| !NO_RIGHTS.contains(right));
        if rights.len() > 1 {
            return Err(self.problem("platforms ask for different rights"));
        }
        Ok(rights.first().map(|&right| right.to_owned()))
    }

    fn related_status_items(&mut self, root: Value<'_>) -> Result<BTreeSet<String>, Problem> {
        let mut names = BTreeSet::new();
        for related in root
            .get("related-status-items")
            .and_then(Value::list)
            .into_iter()
            .flatten()
        {
            names.append(&mut self.texts(related, "status-items")?);
        }
        Ok(names)
    }

    /// The codes of reasons.
    fn reasons(&mut self, root: Value<'_>) -> Result<BTreeSet<String>, Problem> {
        let mut codes = BTreeSet::new();
        for reason in root.get("reasons").and_then(Value::list).into_iter().flatten() {
            codes.insert(self.name(reason, "value")?.to_owned());
        }
        Ok(codes)
    }
}
