//! Whom to look at, and when: the rows that the push sweep works through.

use ordain_model::enrollment::{Enrollment, Service};
use ordain_model::ids::EnrollmentId;
use ordain_model::sweep::Sweep;
use ordain_model::wake::{Problem, Wake};

use crate::commit::json;
use crate::value::Row;
use crate::{Step, Store, StoreError, Value};

/// Where it is kept how far the sweep of `service` is.
fn sweep_of(service: Service) -> &'static str {
    match service {
        Service::Apns => "push-sweep",
        Service::Wns => "wns-sweep",
    }
}

/// Which rows are for `service` to push, in a form that indexes are made for.
fn is_for(service: Service) -> String {
    format!("service = '{}'", service.as_str())
}

/// A channel with all that decides whether it is pushed.
#[derive(Debug, Clone, PartialEq)]
pub struct Sleeper {
    /// The channel.
    pub enrollment: Enrollment,
    /// The device channel, when that is another one.
    pub device: Option<Enrollment>,
    /// How often it has asked for work.
    pub wakes: u64,
    /// The number of the newest command that waits for it.
    pub queued: Option<i64>,
    /// What is kept of it.
    pub wake: Wake,
    /// How often somebody had news for it.
    pub asked: i64,
}

/// What is to be kept of a channel that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Which one.
    pub id: EnrollmentId,
    /// The generation that was read.
    pub generation: u64,
    /// [`Sleeper::asked`] as it was read: who asked since then is not overruled.
    pub asked: i64,
    /// What to keep.
    pub wake: Wake,
}

/// Which of the channels that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Those for which there are news that nobody has looked at.
    News,
    /// Those that are to be looked at again.
    Again,
}

/// How it stands with the rows of all channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WakeCounts {
    /// Those to look at now.
    pub due: u64,
    /// Those that were pushed and have not come since.
    pub unanswered: u64,
    /// Those whose token is dead.
    pub dead: u64,
    /// Those that the service refuses, by its reason.
    pub refused: Vec<(String, u64)>,
}

/// Somebody is to look at the channel from `at` on, if not earlier and it can be pushed at all; when it is a device's, at
/// those of its users as well, since they get what it is entitled to. What was pushed before is remembered, so that it is
/// not pushed again.
pub(crate) fn wake(id: &EnrollmentId, at: i64) -> Vec<Step> {
    let mut steps = vec![wake_alone(id, at)];
    if id.is_device() {
        // Their identifiers begin with that of the device and a colon, behind which comes a semicolon.
        let users = "UPDATE push SET asked = asked + 1, due_at = CASE WHEN due_at < $2 THEN due_at ELSE $2 END \
                     WHERE enrollment > $1 || ':' AND enrollment < $1 || ';'";
        steps.push(Step::new(users, vec![id.device_part().into(), at.into()]).keyed());
    }
    steps
}

/// [`wake`] of a channel that is no device's, or of a device that has no users yet.
pub(crate) fn wake_alone(id: &EnrollmentId, at: i64) -> Step {
    let own = "INSERT INTO push (enrollment, service, due_at, asked, heard) \
               SELECT e.id, e.service, $2, 1, 0 FROM enrollment e WHERE e.id = $1 AND e.service IS NOT NULL \
               ON CONFLICT (enrollment) DO UPDATE SET asked = push.asked + 1, \
               due_at = CASE WHEN push.due_at < excluded.due_at THEN push.due_at ELSE excluded.due_at END";
    Step::new(own, vec![id.to_string().into(), at.into()]).keyed()
}

/// The columns of a [`Sleeper`], and where they come from. What was sent to a Windows device is not sent again.
const SLEEPER: &str = "e.state, e.stamp, d.state, s.wakes, \
     (SELECT MAX(q.number) FROM delivery q WHERE q.enrollment = e.id AND q.is_open = 1 \
     AND (e.service = 'apns' OR q.state <> 'sent')), \
     p.due_at, p.pushed, p.asked";
const BESIDE: &str = "LEFT JOIN enrollment d ON e.is_device = 0 AND d.id = e.device \
     LEFT JOIN sighting s ON s.enrollment = e.id AND s.generation = e.generation";

impl Store {
    /// The channels of `lane` that are due at `now` and for `service` to push, the longest due first, at most `limit`.
    pub async fn due(
        &self,
        service: Service,
        lane: Lane,
        now: i64,
        limit: u32,
    ) -> Result<Vec<Sleeper>, StoreError> {
        let is_in_lane = match lane {
            Lane::News => "p.asked > p.heard",
            Lane::Again => "p.asked = p.heard",
        };
        let sql = format!(
            "SELECT {SLEEPER} FROM push p JOIN enrollment e ON e.id = p.enrollment {BESIDE} \
             WHERE p.{} AND p.due_at IS NOT NULL AND p.due_at <= $1 AND {is_in_lane} ORDER BY p.due_at LIMIT $2",
            is_for(service)
        );
        let rows = self
            .query(&sql, vec![now.into(), i64::from(limit).into()])
            .await?;
        rows.iter().map(sleeper).collect()
    }

    /// The enrolled channels for `service` to push behind `after` in the order of their identifiers, none behind `end`, at most `limit`.
    pub async fn sleepers(
        &self,
        service: Service,
        after: &str,
        end: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Sleeper>, StoreError> {
        let mut params = vec![after.into(), i64::from(limit).into()];
        let until = match end {
            Some(end) => {
                params.push(end.into());
                "AND e.id <= $3"
            }
            None => "",
        };
        let sql = format!(
            "SELECT {SLEEPER} FROM enrollment e LEFT JOIN push p ON p.enrollment = e.id {BESIDE} \
             WHERE e.id > $1 {until} AND e.phase = 'enrolled' AND e.{} ORDER BY e.id LIMIT $2",
            is_for(service)
        );
        self.query(&sql, params).await?.iter().map(sleeper).collect()
    }

    /// One channel, and what is kept for waking it.
    pub async fn sleeper(&self, id: &EnrollmentId) -> Result<Option<Sleeper>, StoreError> {
        let sql = format!(
            "SELECT {SLEEPER} FROM enrollment e LEFT JOIN push p ON p.enrollment = e.id {BESIDE} WHERE e.id = $1"
        );
        let rows = self.query(&sql, vec![id.to_string().into()]).await?;
        rows.first().map(sleeper).transpose()
    }

    /// Keeps what came of looking, of each channel that is still of the generation that was read. When somebody had
    /// news for one meanwhile, it stays due.
    pub async fn looked(&self, mut all: Vec<Looked>) -> Result<(), StoreError> {
        let sql = "INSERT INTO push (enrollment, service, due_at, asked, heard, wakes, pushed, problem) \
                   SELECT e.id, e.service, $3, $4, $4, $5, $6, $7 FROM enrollment e \
                   WHERE e.id = $1 AND e.generation = $2 AND e.service IS NOT NULL \
                   ON CONFLICT (enrollment) DO UPDATE SET \
                   due_at = CASE WHEN push.asked = excluded.asked THEN excluded.due_at ELSE push.due_at END, \
                   heard = excluded.heard, wakes = excluded.wakes, pushed = excluded.pushed, \
                   problem = excluded.problem";
        // Two who lock several rows lock them in the same order.
        all.sort_by(|one, other| one.id.cmp(&other.id));
        let step = |looked: &Looked| {
            let pushed = looked.wake.pushed.as_ref();
            let problem = pushed.and_then(|pushed| pushed.problem.as_ref());
            let step = Step::new(
                sql,
                vec![
                    looked.id.to_string().into(),
                    looked.generation.into(),
                    looked.wake.due_at.into(),
                    looked.asked.into(),
                    pushed.map(|pushed| pushed.wakes).into(),
                    pushed.map(json).transpose()?.unwrap_or(Value::Null),
                    problem.map(json).transpose()?.unwrap_or(Value::Null),
                ],
            );
            Ok(step.keyed())
        };
        let steps = all.iter().map(step).collect::<Result<_, StoreError>>()?;
        self.commit_steps(steps).await
    }

    /// Counts the rows of channels that have told `service` where to push them. `now` is in unix seconds.
    pub async fn wake_counts(&self, service: Service, now: i64) -> Result<WakeCounts, StoreError> {
        let of = format!(
            "FROM push p JOIN enrollment e ON e.id = p.enrollment AND p.{} AND e.topic IS NOT NULL",
            is_for(service)
        );
        let due = format!("SELECT COUNT(*) {of} WHERE p.due_at IS NOT NULL AND p.due_at <= $1");
        let unanswered = format!(
            "SELECT COUNT(*) {of} LEFT JOIN sighting s ON s.enrollment = p.enrollment \
             WHERE p.wakes IS NOT NULL AND p.wakes = COALESCE(s.wakes, 0) AND p.problem IS NULL"
        );
        let problems = format!(
            "SELECT p.problem, COUNT(*) {of} WHERE p.problem IS NOT NULL GROUP BY p.problem ORDER BY p.problem"
        );
        let mut counts = WakeCounts {
            due: self.count(&due, vec![now.into()]).await?,
            unanswered: self.count(&unanswered, vec![]).await?,
            ..WakeCounts::default()
        };
        for row in &self.query(&problems, vec![]).await? {
            let number = row.integer(1)?.unsigned_abs();
            match row.json(0)? {
                Problem::Dead => counts.dead = number,
                Problem::Refused(reason) => counts.refused.push((reason, number)),
            }
        }
        Ok(counts)
    }

    /// How many channels there are for `service` to push.
    pub async fn count_channels(&self, service: Service) -> Result<u64, StoreError> {
        let which = is_for(service);
        let sql = format!("SELECT COUNT(*) FROM enrollment WHERE phase = 'enrolled' AND {which}");
        self.count(&sql, vec![]).await
    }

    /// How many of them have told where.
    pub async fn count_told(&self, service: Service) -> Result<u64, StoreError> {
        let which = is_for(service);
        let sql = format!(
            "SELECT COUNT(*) FROM enrollment WHERE phase = 'enrolled' AND {which} AND topic IS NOT NULL"
        );
        self.count(&sql, vec![]).await
    }

    /// The push topics that channels have told, and of how many.
    pub async fn topics(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = format!(
            "SELECT topic, COUNT(*) FROM enrollment WHERE {} AND topic IS NOT NULL GROUP BY topic ORDER BY topic",
            is_for(Service::Apns)
        );
        let rows = self.query(&sql, vec![]).await?;
        rows.iter()
            .map(|row| Ok((row.text(0)?.to_owned(), row.integer(1)?.unsigned_abs())))
            .collect()
    }

    /// The sweep of `service` as it was last kept.
    pub async fn sweep(&self, service: Service) -> Result<Sweep, StoreError> {
        match self.setting(sweep_of(service)).await? {
            Some(kept) => {
                serde_json::from_slice(&kept).map_err(|error| StoreError::Corrupt(error.to_string()))
            }
            None => Ok(Sweep::default()),
        }
    }

    /// Keeps how far the sweep is.
    pub async fn keep_sweep(&self, service: Service, sweep: &Sweep) -> Result<(), StoreError> {
        let kept = serde_json::to_vec(sweep).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        self.keep(sweep_of(service), kept).await
    }

    async fn count(&self, sql: &str, params: Vec<Value>) -> Result<u64, StoreError> {
        let rows = self.query(sql, params).await?;
        rows.first()
            .map_or(Ok(0), |row| Ok(row.integer(0)?.unsigned_abs()))
    }
}

/// Those that `service` refused are to be tried again at `now`: what is pushed with has changed.
pub(crate) fn retry_refused(service: Service, now: i64) -> Step {
    let which = is_for(service);
    Step::new(
        format!(
            "UPDATE push SET due_at = $1, asked = asked + 1, wakes = NULL, pushed = NULL, problem = NULL \
             WHERE problem IS NOT NULL AND problem <> '\"dead\"' AND {which}"
        ),
        vec![now.into()],
    )
}

fn sleeper(row: &Row) -> Result<Sleeper, StoreError> {
    let pushed = row.optional_text(6)?.map(|_| row.json(6)).transpose()?;
    Ok(Sleeper {
        enrollment: Enrollment {
            stamp: row.integer(1)?,
            ..row.json(0)?
        },
        device: row.optional_text(2)?.map(|_| row.json(2)).transpose()?,
        wakes: row.optional_integer(3)?.unwrap_or(0).unsigned_abs(),
        queued: row.optional_integer(4)?,
        wake: Wake {
            due_at: row.optional_integer(5)?,
            pushed,
        },
        asked: row.optional_integer(7)?.unwrap_or(0),
    })
}
