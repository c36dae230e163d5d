//! Why a device is in a group, or not.

use ordain_predicate::{Dialect, Truth, parse};

use super::Fact;
use super::case::{Case, fact};
use super::term::Whose;
use crate::enrollment::Memberships;
use crate::subject::Subject;
use crate::wish::{ALL, Group};

/// How a device stands to a group.
pub(super) struct Membership {
    pub(super) is_member: bool,
    pub(super) outlook: Outlook,
    /// Words that follow the name of the group: `which lists …`.
    pub(super) why: String,
    pub(super) facts: Vec<Fact>,
}

/// Whether that may change although nothing is learnt or published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It stays so.
    Settled,
    /// An administrator, or the server itself, has yet to decide.
    Waits,
    /// It stays so, and nobody can tell whether it should.
    Unknown,
}

impl Case<'_> {
    /// How the device stands to `group`.
    pub(super) fn membership(&self, group: &str) -> Membership {
        let settled = |is_member, why: String, facts| Membership {
            is_member,
            outlook: Outlook::Settled,
            why,
            facts,
        };
        if group == ALL {
            return settled(true, "in which every device is".to_owned(), Vec::new());
        }
        let Some(defined) = self.wish().groups.get(group) else {
            let why = "which the policy does not define".to_owned();
            return settled(false, why, vec![fact(&["policy", "groups", group], &())]);
        };
        match &defined.condition {
            Some(condition) => self.by_condition(group, condition),
            None => self.by_list(group, defined),
        }
    }

    fn by_list(&self, group: &str, defined: &Group) -> Membership {
        let device = self.of.device;
        let facts = &device.facts;
        let (serial, udid) = (facts.serial.as_deref(), facts.udid.as_deref());
        let is_listed = |name: &&str| defined.members.contains(*name);
        let Some(name) = facts.names(&device.id).find(is_listed) else {
            return Membership {
                is_member: false,
                outlook: Outlook::Settled,
                why: match defined.members.len() {
                    0 => "which lists no device".to_owned(),
                    1 => "which lists one device, and another one than this".to_owned(),
                    others => format!("which lists {others} devices, but not this one"),
                },
                facts: vec![fact(&["policy", "groups", group], defined)],
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
            rests_on.push(fact(&["device", "memberships"], &device.memberships));
            why += &format!("; but {}", self.awaits_approval("lists"));
        }
        Membership {
            is_member,
            outlook: match is_member {
                true => Outlook::Settled,
                false => Outlook::Waits,
            },
            why,
            facts: rests_on,
        }
    }

    /// What was decided of a group by predicate, and what the predicate comes to.
    fn by_condition(&self, group: &str, condition: &str) -> Membership {
        let device = self.of.device;
        let is_member = device.groups.member.contains(group);
        let stays = match is_member {
            true => "stays in the group",
            false => "stays out of the group",
        };
        let mut facts = vec![
            fact(&["policy", "groups", group, "condition"], &condition),
            fact(
                &["device", "groups", "member", group],
                &is_member.then_some(group),
            ),
        ];
        let Ok(predicate) = parse(condition, Dialect::Server) else {
            let why = format!(
                "whose condition {condition} this server cannot read, as it was published by a newer one; so the device {stays}"
            );
            return Membership {
                is_member,
                outlook: Outlook::Unknown,
                why,
                facts,
            };
        };
        let explanation = predicate.explain(&Subject::new(device, &self.of.device_record.items));
        let (values, rests_on) = self.decisive(&explanation, Whose::Device);
        let rests_on_approval = rests_on.iter().any(|fact| fact.fact == "device/memberships");
        facts.extend(rests_on);
        let outcome = match explanation.outcome {
            Truth::True => "holds for the device",
            Truth::False => "does not hold for the device",
            Truth::Unknown => "cannot be told for the device",
        };
        let mut why = format!("whose condition {condition} {outcome}");
        if !values.is_empty() {
            why += &format!(": {values}");
        }
        let outlook = match (is_member, explanation.outcome) {
            (true, Truth::True) | (false, Truth::False) => Outlook::Settled,
            (_, Truth::Unknown) if rests_on_approval => {
                let awaits = self.awaits_approval("its serial number and tags");
                why += &format!("; {awaits}; until then it {stays}, as before");
                Outlook::Waits
            }
            (_, Truth::Unknown) => {
                why += &format!("; so it {stays}, as before");
                Outlook::Unknown
            }
            _ => {
                let (decided, basis) = self.decided_before();
                why += &format!(
                    "; but {decided}, and until it does so again (`ordain groups` shows how far it is) the device {stays}"
                );
                facts.extend(basis);
                Outlook::Waits
            }
        };
        Membership {
            is_member,
            outlook,
            why,
            facts,
        }
    }

    /// Why `what` does not count yet.
    fn awaits_approval(&self, what: &str) -> String {
        format!(
            "it enrolled anew, and {what} count for it only once an administrator says that it is the same device (`ordain \
             approve {}`)",
            self.of.device.id
        )
    }

    /// On what the server decided memberships last, if not on what is known now.
    fn decided_before(&self) -> (String, Vec<Fact>) {
        let groups = &self.of.device.groups;
        let mut facts = vec![fact(&["device", "groups", "by"], &groups.by)];
        let decided = match groups.by {
            None => "the server has not decided its groups since something was learnt of it".to_owned(),
            by if by == self.of.world.conditions().digest() => {
                "the server decided its groups just before it learnt this".to_owned()
            }
            Some(_) => {
                facts.push(fact(&["device", "groups", "revision"], &groups.revision));
                format!(
                    "the server decided its groups by the conditions of revision {}, which have changed since",
                    groups.revision
                )
            }
        };
        (decided, facts)
    }
}
