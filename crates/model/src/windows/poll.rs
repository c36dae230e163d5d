//! When a device asks for work by itself: its poll schedule (`DMClient/Provider/{id}/Poll`), of three stages that follow
//! each other. A stage with the count 0 is endless, one with the interval 0 is none.
//!
//! A policy may set its nodes as any others; what it leaves open is as it is without a policy.

use ordain_catalog::Scope;
use ordain_catalog::windows::{DataFormat, LocUri};

use super::settings::{Setting, Settings, Wanted};
use crate::manifest::Manifest;
use crate::wish::Wish;

/// Where the nodes are.
const NODE: [&str; 6] = ["Vendor", "MSFT", "DMClient", "Provider", "Ordain", "Poll"];
const COUNTS: [&str; 3] = [
    "NumberOfFirstRetries",
    "NumberOfSecondRetries",
    "NumberOfRemainingScheduledRetries",
];
const INTERVALS: [&str; 3] = [
    "IntervalForFirstSetOfRetries",
    "IntervalForSecondSetOfRetries",
    "IntervalForRemainingScheduledRetries",
];
const ON_LOGIN: &str = "PollOnLogin";
/// What Windows adds by itself where no stage is endless, in minutes.
const DAILY: u32 = 24 * 60;

/// A schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How often a device asks in each stage, 0 for endlessly,
    pub counts: [u32; 3],
    /// and how many minutes it lets pass between.
    pub intervals: [u32; 3],
    /// Whether it asks when a user logs in, too.
    pub on_login: bool,
}

/// Often while somebody waits for a new device to be ready, and then daily.
impl Default for Schedule {
    fn default() -> Self {
        Self {
            counts: [8, 5, 0],
            intervals: [15, 3, 1_560],
            on_login: true,
        }
    }
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A stage that never ends comes before another one, which Windows drops.
    #[error("more than one stage is endless (a count of 0 with an interval), of which Windows keeps one")]
    TwoEndless,
    /// No stage has an interval, which Windows takes for a configuration failure.
    #[error("no stage has an interval, so that there is no schedule")]
    Never,
    /// A count or an interval is negative, or too large for anything.
    #[error("a count or an interval is not a number from 0 to {}", Schedule::MOST)]
    Number,
}

impl Schedule {
    /// The largest count, and the longest interval in minutes: two months.
    pub const MOST: u32 = 60 * 24 * 60;
    /// What [`Schedule::every`] takes, in minutes: a minute, and 30 days.
    pub const EVERY: std::ops::RangeInclusive<u32> = 1..=30 * 24 * 60;

    /// The one without a policy, but with `minutes` between two sessions in the end.
    pub fn every(minutes: u32) -> Self {
        let usual = Self::default();
        let [first, second, _] = usual.intervals;
        Self {
            intervals: [first, second, minutes],
            ..usual
        }
    }

    /// The one of a device that is to have `settings`, all of them.
    ///
    /// # Errors
    /// When it breaks the rules.
    pub fn of<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> Result<Self, Broken> {
        let mut schedule = Self::default();
        for setting in settings {
            let Some(name) = node(&setting.path) else { continue };
            let value = setting.value.as_json();
            let set = |names: [&str; 3], places: &mut [u32; 3]| {
                let place = names.iter().zip(places).find(|(known, _)| **known == name);
                let Some((_, place)) = place else { return Ok(()) };
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                *place = number
                    .filter(|number| *number <= Self::MOST)
                    .ok_or(Broken::Number)?;
                Ok(())
            };
            set(COUNTS, &mut schedule.counts)?;
            set(INTERVALS, &mut schedule.intervals)?;
            if name == ON_LOGIN {
                schedule.on_login = value.as_bool().unwrap_or(schedule.on_login);
            }
        }
        let stages = || schedule.counts.into_iter().zip(schedule.intervals);
        if stages().all(|(_, interval)| interval == 0) {
            return Err(Broken::Never);
        }
        if stages()
            .filter(|(count, interval)| *count == 0 && *interval > 0)
            .count()
            > 1
        {
            return Err(Broken::TwoEndless);
        }
        Ok(schedule)
    }

    /// How many seconds a device lets pass between two sessions once the stages that end are over.
    pub fn interval(&self) -> i64 {
        let mut stages = self.counts.into_iter().zip(self.intervals);
        let endless = stages.find(|(count, interval)| *count == 0 && *interval > 0);
        i64::from(endless.map_or(DAILY, |(_, minutes)| minutes)) * 60
    }

    /// Its nodes, with their values.
    pub fn settings(&self) -> Vec<Setting> {
        let numbers = COUNTS.into_iter().zip(self.counts);
        let numbers = numbers.chain(INTERVALS.into_iter().zip(self.intervals));
        let numbers = numbers.map(|(name, number)| (name, DataFormat::Int, number.to_string()));
        let login = (ON_LOGIN, DataFormat::Bool, self.on_login.to_string());
        let setting = |(name, format, text): (&str, DataFormat, String)| {
            let names = NODE.into_iter().chain([name]).map(str::to_owned);
            Some(Setting {
                path: LocUri {
                    scope: Scope::System,
                    names: names.collect(),
                },
                format,
                value: Wanted::read(format, &text)?,
            })
        };
        numbers.chain([login]).filter_map(setting).collect()
    }
}

/// How many seconds a device that is to hold `wanted`, made of `wish`, lets pass between two sessions once it is set up: who
/// was not there for longer is overdue. Rules that are broken, by two files together, count as the usual schedule.
pub fn poll_interval(wanted: &Manifest, wish: &Wish) -> i64 {
    let entries = wanted.entries().iter();
    let declared = entries.filter_map(|entry| wish.declarations.get(&entry.identifier));
    let settings: Vec<Settings> = declared.filter_map(Settings::of).collect();
    let all = settings.iter().flat_map(|settings| &settings.settings);
    Schedule::of(all).unwrap_or_default().interval()
}

/// The name of a node of the schedule.
pub fn node(path: &LocUri) -> Option<&str> {
    let (name, parents) = path.names.split_last()?;
    let is_its = path.scope == Scope::System && parents.iter().eq(NODE.iter());
    is_its.then_some(name.as_str())
}

#[cfg(test)]
mod tests {
    use ordain_catalog::windows::{Verb, WindowsCatalog};

    use super::*;

    fn setting(name: &str, format: DataFormat, text: &str) -> Setting {
        Setting {
            path: format!("./Vendor/MSFT/DMClient/Provider/Ordain/Poll/{name}")
                .parse()
                .unwrap(),
            format,
            value: Wanted::read(format, text).unwrap(),
        }
    }

    fn number(name: &str, text: &str) -> Setting {
        setting(name, DataFormat::Int, text)
    }

    #[test]
    fn its_nodes_say_all_of_it() {
        let other = Schedule {
            counts: [0, 2, 3],
            intervals: [60, 0, 0],
            on_login: false,
        };
        for schedule in [Schedule::default(), Schedule::every(480), other] {
            let settings = schedule.settings();
            assert_eq!(settings.len(), 7);
            assert_eq!(Schedule::of(&settings), Ok(schedule));
            for setting in &settings {
                let found = WindowsCatalog::builtin()
                    .find(&setting.path.to_string(), &mut 0)
                    .unwrap();
                assert!(found.node.takes(Verb::Replace) && found.node.formats.contains(&setting.format));
            }
        }
    }

    #[test]
    fn rules_of_windows_are_kept() {
        let of = |settings: &[Setting]| Schedule::of(settings);
        assert_eq!(of(&[]), Ok(Schedule::default()));
        // What a policy leaves open is endless in the end.
        let first = number("NumberOfFirstRetries", "0");
        assert_eq!(of(std::slice::from_ref(&first)), Err(Broken::TwoEndless));
        let no_last = number("IntervalForRemainingScheduledRetries", "0");
        let schedule = of(&[first, no_last.clone()]).unwrap();
        assert_eq!((schedule.counts, schedule.interval()), ([0, 5, 0], 15 * 60));
        let none = [
            no_last,
            number("IntervalForFirstSetOfRetries", "0"),
            number("IntervalForSecondSetOfRetries", "0"),
        ];
        assert_eq!(of(&none), Err(Broken::Never));
        for wrong in ["-1", "86401"] {
            assert_eq!(of(&[number("NumberOfFirstRetries", wrong)]), Err(Broken::Number));
        }
        let ends = of(&[number("NumberOfRemainingScheduledRetries", "7")]).unwrap();
        assert_eq!(ends.interval(), 24 * 60 * 60, "Windows goes on by itself");
        let other = setting("AllUsersPollOnFirstLogin", DataFormat::Bool, "true");
        assert_eq!(of(&[other]), Ok(Schedule::default()));
    }
}
