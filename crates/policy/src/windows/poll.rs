//! `poll`: how often a device asks for work by itself. Its nodes may be settings, too, and keep the same rules.

use ordain_model::windows::poll::{Schedule, node};
use ordain_model::windows::settings::Setting;

use super::Placed;
use crate::compile::Compiler;
use crate::fields::{Fields, Text};
use crate::problem::quoted;

impl Compiler<'_> {
    /// The settings under `poll`: `every`, and `on-login`.
    pub(super) fn read_poll(&mut self, fields: Fields<'_>) -> Vec<Placed> {
        let Some(poll) = fields.get("poll") else {
            return Vec::new();
        };
        let Some(fields) = Fields::of(poll, &["every", "on-login"], &mut self.problems) else {
            return Vec::new();
        };
        let every = fields.required_text("every", &mut self.problems);
        let minutes = every.and_then(|every| self.minutes(every));
        let on_login = self
            .flag(fields, "on-login")
            .unwrap_or(Schedule::default().on_login);
        let schedule = minutes.map(|minutes| Schedule {
            on_login,
            ..Schedule::every(minutes)
        });
        let settings = schedule.map(|schedule| schedule.settings()).unwrap_or_default();
        let placed = |setting: Setting| Placed {
            setting,
            place: poll.place,
        };
        settings.into_iter().map(placed).collect()
    }

    /// The minutes of a span: `90m`, `8h`, `1d`.
    fn minutes(&mut self, Text { text, place }: Text<'_>) -> Option<u32> {
        let units = [('m', 1), ('h', 60), ('d', 24 * 60)];
        let mut spans = units
            .into_iter()
            .filter_map(|(unit, minutes)| Some((text.strip_suffix(unit)?, minutes)));
        let minutes = spans.next().and_then(|(number, minutes)| {
            let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
            let number: u32 = number.parse().ok().filter(|_| is_number)?;
            number.checked_mul(minutes)
        });
        let minutes = minutes.filter(|minutes| Schedule::EVERY.contains(minutes));
        if minutes.is_none() {
            let message = format!(
                "{} is no pause between two sessions: give minutes, hours or days, as `90m`, `8h` or `1d`, from 1m to 30d",
                quoted(text)
            );
            self.problems.error(place, message);
        }
        minutes
    }

    /// Complains of a schedule that Windows does not take, or not as it is written. What the file leaves open is as
    /// without a policy.
    pub(super) fn check_poll(&mut self, placed: &[Placed]) {
        let Some(first) = placed.iter().find(|placed| node(&placed.setting.path).is_some()) else {
            return;
        };
        if let Err(broken) = Schedule::of(placed.iter().map(|placed| &placed.setting)) {
            let usual = Schedule::default();
            let message = format!(
                "the poll schedule is refused: {broken}; what is not set counts as {:?} times, every {:?} minutes",
                usual.counts, usual.intervals
            );
            self.problems.error(first.place, message);
        }
    }
}
