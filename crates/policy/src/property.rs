//! Management properties: devices put all of them together, and a key that two declarations set has no defined value.

use std::collections::{BTreeMap, BTreeSet};

use ordain_model::manifest::PROPERTIES_TYPE;

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::meeting::{Meetings, channels};
use crate::problem::{Place, quoted};

impl Compiler<'_> {
    /// Complains of properties that two declarations set on one device.
    pub(crate) fn check_properties(&mut self, drafts: &BTreeMap<String, Draft<'_>>, meetings: &Meetings<'_>) {
        let mut properties: Vec<&Draft<'_>> = drafts
            .values()
            .filter(|draft| draft.type_name() == Some(PROPERTIES_TYPE))
            .collect();
        properties.sort_by_key(|draft| draft.place);
        let channels: Vec<_> = properties.iter().map(|draft| channels(draft)).collect();
        let mut told: BTreeSet<(Place, Place)> = BTreeSet::new();
        let company = meetings.among(&properties, &mut self.problems);
        for (present, devices) in company.sets() {
            // Of each key and each channel, who was the first to set it.
            let mut first = BTreeMap::new();
            for &index in present {
                let (Some(draft), Some(channels)) = (properties.get(index), channels.get(index)) else {
                    continue;
                };
                for member in draft.payload.members() {
                    for channel in channels {
                        let (earlier, place) = *first
                            .entry((&member.key, channel))
                            .or_insert((index, member.place));
                        if earlier == index || !told.insert((place, member.place)) {
                            continue;
                        }
                        let message = format!(
                            "the property {} is set twice for {} (also {}): which value counts there is undefined",
                            quoted(&member.key),
                            devices.devices(earlier, index),
                            self.problems.name(place)
                        );
                        self.problems.error(member.place, message);
                    }
                }
            }
        }
    }
}
