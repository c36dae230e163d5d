//! Statements of many transactions that are sent as one: each costs a message and an executor of its own, which for the
//! smallest is more than what it does.
//!
//! [Keyed](Step::keyed) statements of different keys may change places. So those of a set of transactions of which no
//! two have a key in common may be sent in any order that keeps that of each transaction, and those of the same SQL as
//! one statement over arrays. How many rows that wrote tells that somebody is lost, but not who: then all are sent again
//! one by one (`group.rs`).
//!
//! The statement over arrays is made of that for one row, which so must have one of these forms, and name parameters
//! nowhere behind `ON CONFLICT`: `INSERT … VALUES (…)`, with no other parenthesis in the row; `INSERT … SELECT … FROM …`;
//! `UPDATE` or `DELETE FROM … WHERE …`, or `UPDATE … FROM … WHERE …`, with no query in what is set. PostgreSQL refuses to
//! prepare any other, and all keyed ones are sent so, however few they are: what is wrong fails its first test.

use std::collections::HashSet;

use deadpool_postgres::Object;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Statement};

use crate::value::{Step, Value};

/// The steps that one statement does, each with the transaction that it is of.
pub(super) type Steps<'a> = Vec<(usize, &'a Step)>;

/// A transaction of a group by its number, and what is left of it.
type Job<'a> = (usize, &'a [Step]);

/// The statements that do `jobs` one after the other, in some order, with as many steps in each as may be.
pub(super) fn merged<'a>(jobs: impl Iterator<Item = Job<'a>>) -> Vec<Steps<'a>> {
    let (mut waiting, mut alone) = (Vec::new(), Vec::new());
    for job in jobs {
        let is_keyed = job.1.iter().all(|step| step.key().is_some());
        if is_keyed { &mut waiting } else { &mut alone }.push(job);
    }
    let mut statements = Vec::new();
    while !waiting.is_empty() {
        let mut keys = HashSet::new();
        let set = waiting.extract_if(.., |(_, steps)| {
            let own: HashSet<&Value> = steps.iter().filter_map(Step::key).collect();
            let is_apart = keys.is_disjoint(&own);
            if is_apart {
                keys.extend(own);
            }
            is_apart
        });
        merge(set.collect(), &mut statements);
    }
    for job in alone {
        merge(vec![job], &mut statements);
    }
    statements
}

/// The same with each step by itself.
pub(super) fn apart<'a>(jobs: impl Iterator<Item = Job<'a>>) -> Vec<Steps<'a>> {
    let steps = jobs.flat_map(|(job, steps)| steps.iter().map(move |step| vec![(job, step)]));
    steps.collect()
}

/// Adds the statements that do `jobs`, of which no two have a key in common, side by side.
fn merge<'a>(mut jobs: Vec<Job<'a>>, statements: &mut Vec<Steps<'a>>) {
    loop {
        jobs.retain(|(_, steps)| !steps.is_empty());
        let mut heads: Vec<&Step> = Vec::new();
        for head in jobs.iter().filter_map(|(_, steps)| steps.first()) {
            if !heads.iter().any(|other| is_alike(head, other)) {
                heads.push(head);
            }
        }
        // What comes later in some job waits until it can be sent for that one, too, if there is anything else to do.
        let comes_later = |head: &Step| {
            jobs.iter()
                .filter(|(_, steps)| !is_alike(&steps[0], head))
                .any(|(_, steps)| steps.iter().any(|step| is_alike(step, head)))
        };
        let Some(next) = heads.iter().find(|head| !comes_later(head)).or(heads.first()) else {
            return;
        };
        let mut statement = Steps::new();
        let mut keys = HashSet::new();
        for (job, steps) in &mut jobs {
            while let Some((step, rest)) = steps.split_first()
                && is_alike(step, next)
                && (statement.is_empty() || step.key().is_some_and(|key| !keys.contains(key)))
            {
                keys.extend(step.key());
                statement.push((*job, step));
                *steps = rest;
            }
        }
        // Two who lock several rows lock them in the same order.
        statement.sort_by(|(_, one), (_, other)| one.key().cmp(&other.key()));
        statements.push(statement);
    }
}

/// Whether they differ in their parameters only.
fn is_alike(one: &Step, other: &Step) -> bool {
    one.sql == other.sql && one.rows == other.rows
}

/// A value, or a whole array of them.
type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// One statement, ready to be sent.
pub(super) struct Prepared<'a> {
    statement: Statement,
    params: Vec<Param<'a>>,
}

impl Prepared<'_> {
    /// Sends it, and says how many rows it wrote.
    pub(super) async fn execute(&self, client: &Object) -> Result<u64, Error> {
        let params = self.params.iter().map(|param| &**param as &(dyn ToSql + Sync));
        client.execute_raw(&self.statement, params).await
    }
}

/// Prepares what does `steps`: one that has no key, or those of one SQL that have different ones.
pub(super) async fn prepare<'a>(client: &Object, steps: &Steps<'a>) -> Result<Prepared<'a>, Error> {
    let first = steps[0].1;
    let one = client.prepare_cached(&first.sql).await?;
    if first.key().is_none() {
        let params = first.params.iter().map(|value| Box::new(value) as Param);
        return Ok(Prepared {
            statement: one,
            params: params.collect(),
        });
    }
    let column = |place: usize| -> Param<'a> {
        let values = steps.iter().map(|(_, step)| &step.params[place]);
        Box::new(values.collect::<Vec<_>>())
    };
    let sql = over_arrays(&first.sql, one.params());
    Ok(Prepared {
        statement: client.prepare_cached(&sql).await?,
        params: (0..first.params.len()).map(column).collect(),
    })
}

/// The statement that does what `sql` does, with parameters of `types`, for each row of as many arrays.
fn over_arrays(sql: &str, types: &[Type]) -> String {
    let sql = sql.replace('$', "given.p");
    let arrays: Vec<_> = (1..)
        .zip(types)
        .map(|(place, of)| format!("${place}::{of}[]"))
        .collect();
    let names: Vec<_> = (1..=types.len()).map(|place| format!("p{place}")).collect();
    let given = format!("unnest({}) AS given ({})", arrays.join(", "), names.join(", "));
    if let Some((insert, values)) = sql.split_once(" VALUES (")
        && let Some((row, rest)) = values.split_once(')')
    {
        format!("{insert} SELECT {row} FROM {given}{rest}")
    } else if sql.starts_with("DELETE ") {
        sql.replacen(" WHERE ", &format!(" USING {given} WHERE "), 1)
    } else if sql.contains(" FROM ") {
        sql.replacen(" FROM ", &format!(" FROM {given}, "), 1)
    } else {
        sql.replacen(" WHERE ", &format!(" FROM {given} WHERE "), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(sql: &'static str, key: &str) -> Step {
        let step = Step::new(sql, vec![key.into()]);
        if sql == "alone" { step } else { step.keyed() }
    }

    fn jobs(jobs: &[&[(&'static str, &str)]]) -> Vec<Vec<Step>> {
        let job = |steps: &&[(&'static str, &str)]| steps.iter().map(|(sql, key)| step(sql, key)).collect();
        jobs.iter().map(job).collect()
    }

    /// Each statement in a word: its SQL and the keys.
    fn words(jobs: &[Vec<Step>]) -> Vec<String> {
        let statements = merged(jobs.iter().map(Vec::as_slice).enumerate());
        let key = |step: &Step| match &step.params[0] {
            Value::Text(key) => key.clone(),
            other => format!("{other:?}"),
        };
        let word = |steps: Steps| {
            let keys: Vec<_> = steps.iter().map(|(_, step)| key(step)).collect();
            format!("{} {}", steps[0].1.sql, keys.join(" "))
        };
        statements.into_iter().map(word).collect()
    }

    #[test]
    fn what_is_alike_is_sent_together_in_the_order_of_keys() {
        let together = jobs(&[
            &[("status", "d2"), ("row", "d2")],
            &[("event", "d1"), ("status", "d1"), ("row", "d1")],
            &[("claim", "n2"), ("claim", "n1"), ("row", "d3")],
        ]);
        assert_eq!(
            words(&together),
            ["event d1", "status d1 d2", "claim n1 n2", "row d1 d2 d3"]
        );
        let one_after_the_other = jobs(&[
            &[("event", "d1"), ("event", "d1")],
            &[("event", "d2"), ("event", "d2")],
        ]);
        assert_eq!(words(&one_after_the_other), ["event d1 d2", "event d1 d2"]);
        let crossed = jobs(&[&[("a", "d1"), ("b", "d1")], &[("b", "d2"), ("a", "d2")]]);
        assert_eq!(words(&crossed), ["a d1", "b d1 d2", "a d2"]);
    }

    #[test]
    fn what_has_no_key_is_sent_alone_and_what_has_the_same_one_after_the_other() {
        let jobs = jobs(&[
            &[("row", "d1"), ("alone", "x"), ("alone", "y")],
            &[("row", "d1")],
            &[("row", "d1"), ("event", "d2")],
            &[("row", "d2")],
        ]);
        assert_eq!(
            words(&jobs),
            ["row d1 d2", "row d1", "event d2", "row d1", "alone x", "alone y"]
        );
    }

    /// Whatever is merged: each transaction is done once and in its order, and of two that have something in common, or
    /// of which one has no key, one is over before the other begins.
    #[test]
    fn merged_transactions_are_as_if_done_one_after_the_other() {
        let mut dice = 7_u64;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (dice >> 33) as usize % sides
        };
        for _ in 0..2_000 {
            let mut job = || -> Vec<Step> {
                let own = roll(8);
                let steps = 1 + roll(5);
                let of = |_| {
                    let sql = ["alone", "a", "a", "b", "b", "c", "c", "d", "d"][roll(9)];
                    step(
                        sql,
                        ["k", "l", "m", "n", "o", "p", "q", "r"][if roll(6) == 0 { roll(8) } else { own }],
                    )
                };
                (0..steps).map(of).collect()
            };
            let group: Vec<_> = (0..8).map(|_| job()).collect();
            let statements = merged(group.iter().map(Vec::as_slice).enumerate());
            for steps in &statements {
                let keys: HashSet<_> = steps.iter().map(|(_, step)| step.key()).collect();
                assert_eq!(keys.len(), steps.len());
                assert!(steps.len() == 1 || !keys.contains(&None));
                assert!(steps.iter().all(|(_, step)| is_alike(step, steps[0].1)));
            }
            let places = |job: usize| -> Vec<(usize, *const Step)> {
                let places = statements.iter().enumerate();
                let of_job = places.flat_map(|(place, steps)| {
                    let own = steps.iter().filter(move |(other, _)| *other == job);
                    own.map(move |(_, step)| (place, std::ptr::from_ref(*step)))
                });
                of_job.collect()
            };
            for (job, steps) in group.iter().enumerate() {
                let mut done: Vec<_> = places(job).into_iter().map(|(_, step)| step).collect();
                let is_same_statement = |pair: &[Step]| is_alike(&pair[0], &pair[1]);
                if !steps.windows(2).any(is_same_statement) {
                    assert!(steps.iter().map(std::ptr::from_ref).eq(done.iter().copied()));
                }
                done.sort();
                assert!(steps.iter().map(std::ptr::from_ref).eq(done));
                let keys = |steps: &[Step]| {
                    steps
                        .iter()
                        .map(|step| step.key().cloned())
                        .collect::<HashSet<_>>()
                };
                let own = keys(steps);
                for (other, others) in group.iter().enumerate().skip(job + 1) {
                    let theirs = keys(others);
                    if own.is_disjoint(&theirs) && !own.contains(&None) && !theirs.contains(&None) {
                        continue;
                    }
                    let (one, two) = (places(job), places(other));
                    let is_before = |one: &[(usize, _)], two: &[(usize, _)]| one[one.len() - 1].0 < two[0].0;
                    assert!(is_before(&one, &two) || is_before(&two, &one), "{statements:?}");
                }
            }
        }
    }

    #[test]
    fn a_statement_over_arrays_is_made_of_that_for_one() {
        let types = [Type::TEXT, Type::INT8];
        let given = "unnest($1::text[], $2::int8[]) AS given (p1, p2)";
        for (one, many) in [
            (
                "INSERT INTO t (k, v, n) VALUES ($1, $2, 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
                "INSERT INTO t (k, v, n) SELECT given.p1, given.p2, 1 FROM {} ON CONFLICT (k) DO UPDATE SET v = excluded.v",
            ),
            (
                "INSERT INTO t (k, v) SELECT s.k, $2 FROM s WHERE s.k = $1",
                "INSERT INTO t (k, v) SELECT s.k, given.p2 FROM {}, s WHERE s.k = given.p1",
            ),
            (
                "UPDATE t SET v = $2 WHERE k = $1",
                "UPDATE t SET v = given.p2 FROM {} WHERE k = given.p1",
            ),
            (
                "UPDATE t SET v = $2 FROM s WHERE s.k = $1 AND t.k = s.t",
                "UPDATE t SET v = given.p2 FROM {}, s WHERE s.k = given.p1 AND t.k = s.t",
            ),
            (
                "DELETE FROM t WHERE k = $1 AND v = $2",
                "DELETE FROM t USING {} WHERE k = given.p1 AND v = given.p2",
            ),
        ] {
            assert_eq!(over_arrays(one, &types), many.replace("{}", given));
        }
    }
}
