//! Why a device is in a group, or not.

use super::Fact;
use super::case::{Case, fact};
use crate::enrollment::Memberships;
use crate::wish::ALL;

/// How a device stands to a group.
pub(super) struct Membership {
    pub(super) is_member: bool,
    /// Whether it would be a member if an administrator approved it.
    pub(super) waits: bool,
    /// Words that follow the name of the group: `which lists …`.
    pub(super) why: String,
    pub(super) facts: Vec<Fact>,
}

impl Case<'_> {
    /// How the device stands to `group`.
    pub(super) fn membership(&self, group: &str) -> Membership {
        if group == ALL {
            return Membership {
                is_member: true,
                waits: false,
                why: "in which every device is".to_owned(),
                facts: Vec::new(),
            };
        }
        let path = ["policy", "groups", group];
        let Some(defined) = self.wish().groups.get(group) else {
            return Membership {
                is_member: false,
                waits: false,
                why: "which the policy does not define".to_owned(),
                facts: vec![fact(&path, &())],
            };
        };
        // What decides a group that does not list its members is told here, too.
        let device = self.of.device;
        let facts = &device.facts;
        let (serial, udid) = (facts.serial.as_deref(), facts.udid.as_deref());
        let is_listed = |name: &&str| defined.members.contains(*name);
        let Some(name) = facts.names(&device.id).find(is_listed) else {
            return Membership {
                is_member: false,
                waits: false,
                why: match defined.members.len() {
                    0 => "which lists no device".to_owned(),
                    1 => "which lists one device, and another one than this".to_owned(),
                    others => format!("which lists {others} devices, but not this one"),
                },
                facts: vec![fact(&path, defined)],
            };
        };
        let (what, own) = match name {
            name if serial == Some(name) => ("serial number", fact(&["device", "facts", "serial"], &name)),
            name if udid == Some(name) => ("UDID", fact(&["device", "facts", "udid"], &name)),
            name => ("enrollment identifier", fact(&["device", "id"], &name)),
        };
        let mut rests_on = vec![fact(&["policy", "groups", group, "members", name], &name), own];
        let mut why = format!("which lists the device by its {what} {name}");
        let is_member = device.memberships == Memberships::Granted;
        if !is_member {
            let id = &device.id;
            rests_on.push(fact(&["device", "memberships"], &device.memberships));
            why += &format!(
                "; but it enrolled anew, and lists count for it only once an administrator says that it is the same device \
                 (`ordain approve {id}`)"
            );
        }
        Membership {
            is_member,
            waits: !is_member,
            why,
            facts: rests_on,
        }
    }
}
