//! A predicate over the fleet: evaluated once for all devices that are alike, and by what a device has reported only where
//! it needs more than what is extracted of that.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::known::Known;
use ordain_model::record::StatusRecord;
use ordain_model::subject::{Subject, Traits};
use ordain_predicate::{Predicate, Source, Truth};
use ordain_store::{CensusRow, Likeness, StoreError};
use serde_json::Value;
use tokio::time::Instant;

use crate::api::{FleetCounts, MissingInFleet, Outcome};
use crate::app::App;

/// Devices are read so many at a time.
const STRETCH: u32 = 2_000;
/// How long one request may take; the next one goes on from there.
const TIME: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// In the dialect of groups.
    pub(crate) predicate: Arc<Predicate>,
    /// Only devices after this one.
    pub(crate) after: Option<EnrollmentId>,
    /// Lists only those of this outcome.
    pub(crate) show: Option<Outcome>,
    /// Ends when so many are listed; with 0 none is, and it does not end.
    pub(crate) limit: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) counts: FleetCounts,
    /// Those that were asked for, each with its outcome.
    pub(crate) listed: Vec<(CensusRow, Outcome)>,
    /// Unknown, although nothing is missing.
    pub(crate) unfit: u64,
    /// By the fact: on how many devices it is missing, and how many of them could not give it.
    missing: BTreeMap<Arc<str>, (u64, u64)>,
    /// The last device, if there are more.
    pub(crate) next: Option<EnrollmentId>,
}

impl Census {
    /// What is missing, the most missed first.
    pub(crate) fn missing(&self) -> Vec<MissingInFleet> {
        let missing = self.missing.iter();
        let mut missing: Vec<_> = missing
            .map(|(fact, &(devices, failed))| MissingInFleet {
                fact: fact.to_string(),
                devices,
                failed,
            })
            .collect();
        missing.sort_by_key(|missing| std::cmp::Reverse(missing.devices));
        missing
    }
}

impl App {
    /// Asks the fleet, until there is no more of it, the list is full, or the time is up.
    pub(crate) async fn census(&self, question: Question) -> Result<Census, StoreError> {
        let until = Instant::now() + TIME;
        let mut reached = question.after.clone();
        let mut walk = Walk::new(question, until);
        loop {
            let rows = self.store.census(reached.as_ref(), STRETCH).await?;
            let Some(last) = rows.last() else {
                return Ok(walk.census);
            };
            reached = Some(last.id.clone());
            let digests: HashSet<Digest> = rows.iter().filter_map(|row| row.likeness.known).collect();
            let known = Arc::new(self.objects.known(&self.store, digests).await?);
            let mut rows = VecDeque::from(rows);
            while !rows.is_empty() {
                let known = known.clone();
                let stop;
                (walk, rows, stop) = off_thread(move || {
                    let stop = walk.pass(&mut rows, &known)?;
                    Ok((walk, rows, stop))
                })
                .await?;
                let stop = match stop {
                    Some(Stop::Record(row)) => {
                        let record = self.store.said(&row.id).await?;
                        let stop;
                        (walk, stop) = off_thread(move || {
                            let stop = walk.read(row, &record)?;
                            Ok((walk, stop))
                        })
                        .await?;
                        stop
                    }
                    stop => stop,
                };
                if matches!(stop, Some(Stop::Enough)) {
                    return Ok(walk.census);
                }
            }
        }
    }
}

/// Predicates may take a tenth of a second each.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?
}

/// Why a walk does not go on at once.
enum Stop {
    /// What is extracted of this device does not decide, and there is more.
    Record(CensusRow),
    /// This is what one request gets.
    Enough,
}

/// What the predicate comes to, and what is missing, each with whether the device could not give it.
struct Verdict {
    outcome: Outcome,
    missing: Vec<(Arc<str>, bool)>,
    /// Whether the record may decide.
    needs_record: bool,
}

struct Walk {
    question: Question,
    until: Instant,
    names_serial: bool,
    /// The status items that it needs, by the terms that name them.
    items: BTreeMap<Arc<str>, String>,
    verdicts: HashMap<Likeness, Arc<Verdict>>,
    census: Census,
}

impl Walk {
    fn new(question: Question, until: Instant) -> Self {
        let facts = question.predicate.facts();
        let is_serial = |source, name: &str| source == Source::Device && name == "serial";
        let items = facts.iter().filter(|fact| fact.source == Source::Status);
        Self {
            until,
            names_serial: facts.iter().any(|fact| is_serial(fact.source, &fact.name)),
            items: items
                .map(|fact| (fact.to_string().into(), fact.name.clone()))
                .collect(),
            verdicts: HashMap::new(),
            census: Census::default(),
            question,
        }
    }

    /// Takes devices off `rows`, as far as what is extracted of them decides.
    fn pass(
        &mut self,
        rows: &mut VecDeque<CensusRow>,
        known: &HashMap<Digest, Arc<Known>>,
    ) -> Result<Option<Stop>, StoreError> {
        while let Some(row) = rows.pop_front() {
            let alike = self.verdicts.get(&row.likeness);
            let verdict = match alike.filter(|_| !self.names_serial) {
                Some(verdict) => verdict.clone(),
                None => {
                    let verdict = Arc::new(self.by_columns(&row, known)?);
                    if !self.names_serial {
                        self.verdicts.insert(row.likeness.clone(), verdict.clone());
                    }
                    verdict
                }
            };
            if verdict.needs_record {
                return Ok(Some(Stop::Record(row)));
            }
            if let Some(stop) = self.count(row, &verdict) {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    /// Takes a device by what it has reported.
    fn read(&mut self, row: CensusRow, record: &StatusRecord) -> Result<Option<Stop>, StoreError> {
        let failed = |name: &str| record.errors.contains_key(name);
        let verdict = self.evaluate(&row, &row.likeness.traits()?, &record.items, failed);
        Ok(self.count(row, &verdict))
    }

    /// What it comes to by what is extracted. What is not kept any more is in the record.
    fn by_columns(
        &self,
        row: &CensusRow,
        known: &HashMap<Digest, Arc<Known>>,
    ) -> Result<Verdict, StoreError> {
        let nothing = Known::default();
        let extracted = row
            .likeness
            .known
            .map_or(Some(&nothing), |digest| known.get(&digest).map(|known| &**known));
        let is_gone = extracted.is_none();
        let extracted = extracted.unwrap_or(&nothing);
        let traits = row.likeness.traits()?;
        let failed = |name: &str| extracted.failed.contains(name);
        let mut verdict = self.evaluate(row, &traits, &extracted.items, failed);
        let is_more = is_gone || self.items.values().any(|name| extracted.beyond.contains(name));
        verdict.needs_record = is_more && verdict.outcome == Outcome::Unknown;
        Ok(verdict)
    }

    fn evaluate(
        &self,
        row: &CensusRow,
        traits: &Traits,
        items: &BTreeMap<String, Value>,
        failed: impl Fn(&str) -> bool,
    ) -> Verdict {
        let serial = row.serial.as_deref().filter(|_| self.names_serial);
        let subject = Subject::of_traits(traits, serial, items);
        let predicate = &self.question.predicate;
        let truth = predicate.evaluate_with_unknown(&subject);
        let explanation = (truth == Truth::Unknown).then(|| predicate.explain(&subject));
        let missing = explanation.iter().flat_map(|explanation| explanation.missing());
        Verdict {
            outcome: truth.into(),
            missing: missing
                .map(|fact| match self.items.get_key_value(fact) {
                    Some((term, name)) => (term.clone(), failed(name)),
                    None => (fact.into(), false),
                })
                .collect(),
            needs_record: false,
        }
    }

    /// Counts a device, and says whether that is enough.
    fn count(&mut self, row: CensusRow, verdict: &Verdict) -> Option<Stop> {
        let (census, question) = (&mut self.census, &self.question);
        census.counts.add(verdict.outcome);
        census.unfit += u64::from(verdict.outcome == Outcome::Unknown && verdict.missing.is_empty());
        for (fact, is_failed) in &verdict.missing {
            let (devices, failed) = census.missing.entry(fact.clone()).or_default();
            *devices += 1;
            *failed += u64::from(*is_failed);
        }
        let id = row.id.clone();
        let is_shown = question.show.is_none_or(|show| show == verdict.outcome);
        if is_shown && census.listed.len() < question.limit {
            census.listed.push((row, verdict.outcome));
        }
        let is_full = question.limit > 0 && census.listed.len() >= question.limit;
        (is_full || Instant::now() >= self.until).then(|| {
            census.next = Some(id);
            Stop::Enough
        })
    }
}
