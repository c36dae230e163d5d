//! The catalog: everything known, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::{Command, DeclarationType, StatusItem, facts};

/// What may be declared, reported and commanded, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    declarations: BTreeMap<String, DeclarationType>,
    status_items: BTreeMap<String, StatusItem>,
    commands: BTreeMap<String, Command>,
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

    /// The declaration type of this name.
    pub fn declaration(&self, type_name: &str) -> Option<&DeclarationType> {
        self.declarations.get(type_name)
    }

    /// The status item of this dotted name.
    pub fn status_item(&self, name: &str) -> Option<&StatusItem> {
        self.status_items.get(name)
    }

    /// The MDM command of this `RequestType`.
    pub fn command(&self, request_type: &str) -> Option<&Command> {
        self.commands.get(request_type)
    }

    /// Every declaration type, sorted by name.
    pub fn declarations(&self) -> impl Iterator<Item = &DeclarationType> {
        self.declarations.values()
    }

    /// Every status item, sorted by name.
    pub fn status_items(&self) -> impl Iterator<Item = &StatusItem> {
        self.status_items.values()
    }

    /// Every MDM command, sorted by request type.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.commands.values()
    }

    /// Adds a declaration type, and gives back the one of that name that was there before.
    pub fn add_declaration(&mut self, declaration: DeclarationType) -> Option<DeclarationType> {
        self.declarations.insert(declaration.name.clone(), declaration)
    }

    /// Adds a status item, and gives back the one of that name that was there before.
    pub fn add_status_item(&mut self, item: StatusItem) -> Option<StatusItem> {
        self.status_items.insert(item.name.clone(), item)
    }

    /// Adds an MDM command, and gives back the one of that request type that was there before.
    pub fn add_command(&mut self, command: Command) -> Option<Command> {
        self.commands.insert(command.request_type.clone(), command)
    }
}
