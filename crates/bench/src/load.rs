//! The load: connections that are each kept busy, one request at a time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::clock;
use crate::message::{Client, Door, Shot};
use crate::wire::{Address, Connection};

/// What one device sends, in order.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Which of the clients it is: its connection. Without TLS it may be any number, and they are dealt out in turn.
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
    connections: Vec<Connection>,
}

impl Load {
    /// Opens a connection for each of the clients.
    pub async fn open(address: &Address, door: Door, clients: &[Client]) -> Result<Self> {
        let open = clients
            .iter()
            .map(|client| Connection::open(address, door.is_tls().then_some(client)));
        Ok(Self {
            connections: try_join_all(open).await?,
        })
    }

    /// Sends what the lanes have. Units, and the seconds that they took.
    pub async fn run(&mut self, lanes: Vec<Lane>, until: Until) -> Result<(u64, f64)> {
        let count = self.connections.len();
        let mut shares: Vec<Vec<Lane>> = (0..count).map(|_| Vec::new()).collect();
        for lane in lanes {
            let share = shares.get_mut(lane.client % count).context("no connections")?;
            share.push(lane);
        }
        let begin = clock::begin();
        let mut tasks = Vec::new();
        for (mut connection, lanes) in self.connections.drain(..).zip(shares) {
            tasks.push(tokio::spawn(async move {
                let units = send(&mut connection, &lanes, until, begin).await?;
                anyhow::Ok((connection, units))
            }));
        }
        let mut units = 0;
        for task in tasks {
            let (connection, done) = task.await??;
            self.connections.push(connection);
            units += done;
        }
        Ok((units, begin.elapsed().as_secs_f64()))
    }
}

async fn send(connection: &mut Connection, lanes: &[Lane], until: Until, begin: Instant) -> Result<u64> {
    let mut units = 0;
    match until {
        Until::Done => {
            for lane in lanes {
                for shot in &lane.shots {
                    connection.fire(shot).await?;
                }
                units += 1;
            }
        }
        Until::Elapsed(duration) => {
            for turn in 0.. {
                for lane in lanes {
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
