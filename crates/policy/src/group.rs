//! `groups/`: sets of devices.

use ordain_model::ids::EnrollmentId;
use ordain_model::wish::{ALL, Group};

use crate::compile::Compiler;
use crate::fields::{Fields, Text};
use crate::predicate::Judge;
use crate::problem::{Problems, quoted};
use crate::tree::Node;

/// The keys of which a group has one.
const MEMBERS: &str = "members";
const WHERE: &str = "where";

impl<'c> Compiler<'c> {
    /// Reads a file of `groups/`. Its predicate is checked by `judge`.
    pub(crate) fn read_group<'a>(&mut self, file: &'a Node, judge: &Judge<'c>) -> Option<(Text<'a>, Group)> {
        let keys = ["name", "description", MEMBERS, WHERE];
        let fields = Fields::of(file, &keys, &mut self.problems)?;
        match (fields.place_of(MEMBERS), fields.place_of(WHERE)) {
            (Some(_), Some(place)) => {
                let message =
                    "a group lists its `members`, or says by a predicate `where` they are: not both";
                self.problems.error(place, message);
            }
            (None, None) => {
                let message = "the key `members` is missing, or `where` with a predicate";
                self.problems.error(fields.place(), message);
            }
            _ => {}
        }
        let members = fields.texts(MEMBERS, &mut self.problems);
        for member in &members {
            if EnrollmentId::device(member.text).is_err() {
                let message = format!(
                    "{} is no serial number, UDID or enrollment identifier",
                    quoted(member.text)
                );
                self.problems.error(member.place, message);
            }
        }
        let condition = fields.text(WHERE, &mut self.problems);
        if let Some(condition) = condition {
            self.check_condition(judge, condition);
        }
        let group = Group {
            description: fields
                .text("description", &mut self.problems)
                .map(|text| text.text.to_owned()),
            members: members.iter().map(|member| member.text.to_owned()).collect(),
            condition: condition.map(|condition| condition.text.to_owned()),
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
