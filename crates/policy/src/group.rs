//! `groups/`: sets of devices.

use ordain_model::ids::EnrollmentId;
use ordain_model::wish::{ALL, Group};

use crate::compile::Compiler;
use crate::fields::{Fields, Text};
use crate::problem::{Problems, quoted};
use crate::tree::Node;

impl Compiler<'_> {
    /// Reads a file of `groups/`.
    pub(crate) fn read_group<'a>(&mut self, file: &'a Node) -> Option<(Text<'a>, Group)> {
        let keys = ["name", "description", "members", "where"];
        let fields = Fields::of(file, &keys, &mut self.problems)?;
        if let Some(place) = fields.place_of("where") {
            self.problems.error(
                place,
                "groups by predicate (`where`) are not there yet; list the `members`",
            );
        } else {
            fields.required("members", &mut self.problems);
        }
        let members = fields.texts("members", &mut self.problems);
        for member in &members {
            if EnrollmentId::device(member.text).is_err() {
                let message = format!(
                    "{} is no serial number, UDID or enrollment identifier",
                    quoted(member.text)
                );
                self.problems.error(member.place, message);
            }
        }
        let group = Group {
            description: fields
                .text("description", &mut self.problems)
                .map(|text| text.text.to_owned()),
            members: members.iter().map(|member| member.text.to_owned()).collect(),
        };
        let name = name(fields, &mut self.problems)?;
        if name.text == ALL {
            self.problems.error(
                name.place,
                format!("the group `{ALL}` is built in: it has every device"),
            );
        }
        Some((name, group))
    }
}

/// The name of a group or a blueprint.
pub(crate) fn name<'a>(fields: Fields<'a>, problems: &mut Problems) -> Option<Text<'a>> {
    const MAX: usize = 255;
    let name = fields.required_text("name", problems)?;
    if name.text.is_empty() || name.text.len() > MAX || name.text.chars().any(char::is_control) {
        let message = format!("a name has 1 to {MAX} octets and no control characters");
        problems.error(name.place, message);
    }
    Some(name)
}
