//! The load: workers that each keep their connections busy, one request at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::clock;
use crate::message::{Client, Door, Shot};
use crate::wire::{Address, Connection};

/// What one device sends, in order.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Which of the clients it is: its connection, where there is TLS.
    pub client: usize,
    /// Its requests.
    pub shots: Vec<Shot>,
}

/// How long the load lasts.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// The lanes send their requests over and over; a unit is a request.
    Elapsed(Duration),
    /// Each lane sends its requests once; a unit is a lane.
    Done,
}

/// Connections of one kind to one server.
pub struct Load {
    workers: Vec<Worker>,
}

struct Worker {
    /// With TLS, one for each client; else one for all.
    connections: Vec<Connection>,
}

impl Load {
    /// Opens the connections of `workers` workers: with TLS, one for each client, dealt out in turn.
    pub async fn open(address: &Address, door: Door, workers: usize, clients: &[Client]) -> Result<Self> {
        let open = (0..workers).map(async |worker| {
            let mut connections = Vec::new();
            if door.is_tls() {
                for client in clients.iter().skip(worker).step_by(workers) {
                    connections.push(Connection::open(address, Some(client)).await?);
                }
            } else {
                connections.push(Connection::open(address, None).await?);
            }
            anyhow::Ok(Worker { connections })
        });
        Ok(Self {
            workers: try_join_all(open).await?,
        })
    }

    /// Sends what the lanes have. Units, and the seconds that they took.
    pub async fn run(&mut self, lanes: Vec<Lane>, until: Until) -> Result<(u64, f64)> {
        let count = self.workers.len();
        let mut shares: Vec<Vec<Lane>> = (0..count).map(|_| Vec::new()).collect();
        for lane in lanes {
            let share = shares.get_mut(lane.client % count).context("no workers")?;
            share.push(lane);
        }
        let begin = clock::begin();
        let mut tasks = Vec::new();
        for (mut worker, lanes) in self.workers.drain(..).zip(shares) {
            tasks.push(tokio::spawn(async move {
                let units = worker.work(&lanes, count, until, begin).await?;
                anyhow::Ok((worker, units))
            }));
        }
        let mut units = 0;
        for task in tasks {
            let (worker, done) = task.await??;
            self.workers.push(worker);
            units += done;
        }
        Ok((units, begin.elapsed().as_secs_f64()))
    }
}

impl Worker {
    async fn work(
        &mut self,
        lanes: &[Lane],
        workers: usize,
        until: Until,
        begin: std::time::Instant,
    ) -> Result<u64> {
        let mut units = 0;
        let most = self.connections.len().saturating_sub(1);
        match until {
            Until::Done => {
                for lane in lanes {
                    let connection = self.connections.get_mut((lane.client / workers).min(most));
                    let connection = connection.context("no connection")?;
                    for shot in &lane.shots {
                        connection.fire(shot).await?;
                    }
                    units += 1;
                }
            }
            Until::Elapsed(duration) => {
                for turn in 0.. {
                    for lane in lanes {
                        let connection = self.connections.get_mut((lane.client / workers).min(most));
                        let connection = connection.context("no connection")?;
                        let shot = lane.shots.get(turn % lane.shots.len());
                        connection.fire(shot.context("no request")?).await?;
                        units += 1;
                        if begin.elapsed() >= duration {
                            return Ok(units);
                        }
                    }
                    if lanes.is_empty() {
                        break;
                    }
                }
            }
        }
        Ok(units)
    }
}
