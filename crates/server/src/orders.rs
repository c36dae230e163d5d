//! Ordering commands: whom they are for, what they take from devices, and how they are kept.

use ordain_apple::plist::{self, Dictionary};
use ordain_model::decision::EscrowKind;
use ordain_model::destructive::harm;
use ordain_model::enrollment::{Enrollment, Phase};
use ordain_model::ids::EnrollmentId;
use ordain_model::windows::action;
use ordain_pki::seal::SealError;
use ordain_store::{Actor, AuditRecord, Budget, NewCommand, Recipient, StoreError, command_context};
use serde_json::json;

use crate::app::App;
use crate::house::short_id;
use crate::keys::Unopened;

/// How many devices one order can list; a group may have any number, unless it takes something from them.
pub(crate) const MOST_LISTED: usize = 5_000;
/// What the budget counts, in seconds.
const HOUR: i64 = 60 * 60;
/// The command that needs what the device has escrowed, and the key for that.
pub(crate) const CLEAR_PASSCODE: &str = "ClearPasscode";
pub(crate) const UNLOCK_TOKEN: &str = "UnlockToken";

/// Whom an order is for.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// These channels.
    Listed(Vec<Enrollment>),
    /// The members of a group.
    Group(String),
}

/// An order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) request_type: String,
    /// The keys beside it.
    pub(crate) payload: Dictionary,
    pub(crate) audience: Audience,
    /// In seconds.
    pub(crate) expires_in: i64,
    /// Whether what it takes from devices is meant.
    pub(crate) is_confirmed: bool,
}

/// Why nothing was ordered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    /// It takes something from devices, and was not confirmed.
    #[error("{request_type} {harm} {count} device(s); nothing was ordered, since that needs to be confirmed")]
    Unconfirmed {
        request_type: String,
        harm: &'static str,
        count: usize,
        devices: Vec<String>,
    },
    /// As things are it cannot be done for these devices.
    #[error("{what}; nothing was ordered")]
    Refused { what: String, devices: Vec<String> },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be sealed.
    #[error("sealing: {0}")]
    Seal(#[from] SealError),
}

fn refused(what: impl Into<String>) -> OrderError {
    OrderError::Refused {
        what: what.into(),
        devices: Vec::new(),
    }
}

impl App {
    /// Orders a command, and tells its name.
    pub(crate) async fn order(&self, order: Order, actor: &Actor) -> Result<String, OrderError> {
        let Order {
            request_type,
            payload,
            audience,
            expires_in,
            is_confirmed,
        } = order;
        let harm = harm(&request_type, &self.catalogs.in_force().catalog);
        let needs_token = request_type == CLEAR_PASSCODE && !payload.contains_key(UNLOCK_TOKEN);
        let (group, listed) = match audience {
            Audience::Listed(channels) => (None, channels),
            // What takes something is for those who are in the group now, all of whom the budget counts.
            Audience::Group(group) if harm.is_some() => {
                let members = self.members(&group, &request_type).await?;
                (Some(group), members)
            }
            Audience::Group(group) => (Some(group), Vec::new()),
        };
        if let Some(harm) = harm.filter(|_| !is_confirmed) {
            return Err(OrderError::Unconfirmed {
                request_type,
                harm,
                count: listed.len(),
                devices: listed.iter().map(label).collect(),
            });
        }
        if needs_token {
            self.have_tokens(&listed).await?;
        }
        let now = self.now();
        let id = short_id();
        let keys: Vec<&String> = payload.keys().collect();
        let devices: Vec<&EnrollmentId> = listed.iter().map(|channel| &channel.id).collect();
        let audit = AuditRecord {
            at: now,
            actor: actor.clone(),
            action: "command".into(),
            detail: json!({
                "id": id, "request_type": request_type, "keys": keys, "devices": devices, "group": group,
            }),
        };
        let is_for_group = group.is_some();
        // Held until the order is stored, so that a rotation of keys waits for it.
        let ring = self.seal.ring();
        let command = NewCommand {
            payload: ring.seal(&command_context(&id), &plist::to_xml(payload))?,
            id,
            request_type,
            expires_at: now.saturating_add(expires_in),
            for_group: group,
            harms: match harm {
                Some(_) => u32::try_from(listed.len()).unwrap_or(u32::MAX),
                None => 0,
            },
        };
        let recipients: Vec<Recipient> = listed
            .into_iter()
            .map(|channel| Recipient {
                id: channel.id,
                generation: channel.generation,
            })
            .collect();
        let budget = Budget {
            most: self.destructive_budget,
            since: now - HOUR,
        };
        match self.store.order(&command, &recipients, budget, &audit).await {
            Err(StoreError::Conflict) => return Err(self.why_not(&command, budget, now).await?),
            outcome => outcome?,
        }
        self.push.tell();
        tracing::info!(
            id = command.id,
            request_type = command.request_type,
            by = actor.name,
            "ordered"
        );
        if is_for_group {
            self.ordered.notify_one();
        }
        Ok(command.id)
    }

    /// The members of a group, as long as one order can list them.
    async fn members(&self, group: &str, request_type: &str) -> Result<Vec<Enrollment>, OrderError> {
        const STRETCH: u32 = 1_000;
        let world = self.world();
        let (mut members, mut after) = (Vec::new(), None);
        loop {
            let stretch = self.store.devices(after.as_ref(), STRETCH).await?;
            let Some(last) = stretch.last() else { break };
            after = Some(last.device.enrollment.id.clone());
            let devices = stretch.into_iter().map(|row| row.device.enrollment);
            members.extend(
                devices.filter(|device| takes(device, request_type) && world.is_member(device, group)),
            );
            if members.len() > MOST_LISTED {
                return Err(refused(format!(
                    "the group {group} has more than {MOST_LISTED} members, too many for what takes something from them"
                )));
            }
        }
        if members.is_empty() {
            return Err(refused(format!("the group {group} has no members")));
        }
        Ok(members)
    }

    /// Refuses unless each device has escrowed the token that unlocks it.
    async fn have_tokens(&self, channels: &[Enrollment]) -> Result<(), OrderError> {
        let mut devices = Vec::new();
        for channel in channels {
            let device = channel.id.to_device();
            let token = self.store.escrow(&device, EscrowKind::Unlock).await?;
            if token.is_none() {
                devices.push(label(channel));
            }
        }
        if devices.is_empty() {
            return Ok(());
        }
        let what = format!(
            "{CLEAR_PASSCODE} needs the {UNLOCK_TOKEN} that a device escrows with its TokenUpdate, and {} device(s) \
             escrowed none in this enrollment",
            devices.len()
        );
        Err(OrderError::Refused { what, devices })
    }

    /// Why the store did not take an order.
    async fn why_not(
        &self,
        command: &NewCommand,
        budget: Budget,
        now: i64,
    ) -> Result<OrderError, StoreError> {
        let (most, wanted) = (u64::from(budget.most), u64::from(command.harms));
        let harms = self.store.harms(budget.since).await?;
        let used: u64 = harms.iter().map(|(_, count)| count).sum();
        if wanted == 0 || used + wanted <= most {
            return Ok(refused(
                "a device left, or enrolled anew, at the same time; look, and try again",
            ));
        }
        let mut left = used;
        let room = harms.iter().find(|(_, count)| {
            left -= count;
            left + wanted <= most
        });
        let when = match room {
            Some((at, _)) => format!(
                "there is room again in {} min",
                (at + HOUR - now + 59).div_euclid(60)
            ),
            None => "that alone is too much".to_owned(),
        };
        Ok(refused(format!(
            "commands that take something may be ordered for {most} device(s) an hour: {used} are used, and this is for \
             {wanted}; {when}, and `ordain serve --destructive-budget` raises the number"
        )))
    }

    /// The keys of an order, for the device.
    pub(crate) async fn payload(&self, command: &str) -> Result<Dictionary, Unopened> {
        const WHAT: &str = "what was ordered";
        let ring = self.seal.ring();
        let sealed = self.store.payload(command).await?;
        let sealed = sealed.ok_or_else(|| Unopened::Lost(format!("{WHAT} is gone")))?;
        let opened = ring.open(&command_context(command), &sealed);
        let opened = opened.map_err(|error| self.seal.lost(WHAT, error))?;
        plist::parse(&opened).map_err(|error| Unopened::Lost(format!("{WHAT} cannot be read: {error}")))
    }
}

/// Whether a device is there to take commands of this name: Windows devices have others than Apple's.
pub(crate) fn takes(device: &Enrollment, request_type: &str) -> bool {
    device.phase != Phase::CheckedOut && device.facts.is_windows() == action::is_for_windows(request_type)
}

/// A device in words for people.
fn label(channel: &Enrollment) -> String {
    let (id, facts) = (&channel.id, &channel.facts);
    match (&facts.name, &facts.serial) {
        (Some(name), Some(serial)) => format!("{id} ({name}, {serial})"),
        (Some(only), None) | (None, Some(only)) => format!("{id} ({only})"),
        (None, None) => id.to_string(),
    }
}
