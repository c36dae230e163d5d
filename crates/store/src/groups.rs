//! Jobs that are done together, since a round trip or a write to the disk costs as much for many as for one.

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

/// How large groups are, and how many there are at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Jobs in a group at most.
    pub(crate) most: usize,
    /// How many jobs are worth a group while another one is under way.
    pub(crate) enough: usize,
    /// Groups under way at most.
    pub(crate) under_way: usize,
}

/// Lets `work` do all `jobs`, in groups of what has come meanwhile, until nobody can hand in any more.
pub(crate) async fn in_groups<J, F: Future<Output = ()>>(
    mut jobs: mpsc::Receiver<J>,
    sizes: Sizes,
    work: impl Fn(Vec<J>) -> F,
) {
    let (mut waiting, mut under_way) = (Vec::new(), FuturesUnordered::new());
    let mut is_open = true;
    loop {
        while !waiting.is_empty()
            && (under_way.is_empty() || waiting.len() >= sizes.enough && under_way.len() < sizes.under_way)
        {
            let group = waiting.drain(..waiting.len().min(sizes.most)).collect();
            under_way.push(work(group));
        }
        if !is_open && under_way.is_empty() {
            return;
        }
        tokio::select! {
            count = jobs.recv_many(&mut waiting, sizes.most), if is_open && waiting.len() < sizes.most => {
                is_open = count > 0;
                // Whoever is just about to come goes along: a group of one costs as much. Not by `try_recv`: it may park the
                // thread, and so take the wake of another one's yield that the thread's `block_on` waits for.
                tokio::task::yield_now().await;
                let room = sizes.most.saturating_sub(waiting.len());
                jobs.recv_many(&mut waiting, room).now_or_never();
            }
            Some(()) = under_way.next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::join;

    use super::*;

    const SIZES: Sizes = Sizes {
        most: 8,
        enough: 4,
        under_way: 2,
    };

    /// As SQLite's reads are done: two kinds of jobs on a thread of its own, which nobody wakes but those who hand in.
    #[test]
    fn each_job_is_done_once_whoever_comes_meanwhile() {
        static DONE: [Mutex<Vec<u32>>; 2] = [Mutex::new(Vec::new()), Mutex::new(Vec::new())];
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (kinds, receivers): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel::<u32>(16)).unzip();
        let serve = |receiver, done: &'static Mutex<Vec<u32>>| {
            in_groups(receiver, SIZES, move |group: Vec<u32>| async move {
                assert!(!group.is_empty() && group.len() <= SIZES.most);
                done.lock().unwrap().extend(group);
            })
        };
        let mut receivers = receivers.into_iter();
        let (one, other) = (receivers.next().unwrap(), receivers.next().unwrap());
        let handle = runtime.handle().clone();
        let serving = std::thread::spawn(move || {
            handle.block_on(join(serve(one, &DONE[0]), serve(other, &DONE[1])));
        });
        for sender in 0..8 {
            let kinds = kinds.clone();
            runtime.spawn(async move {
                for job in 0..500 {
                    for kind in &kinds {
                        kind.send(sender * 500 + job).await.unwrap();
                    }
                }
            });
        }
        // They end when nobody can hand in any more.
        drop(kinds);
        serving.join().unwrap();
        for done in &DONE {
            let mut done = std::mem::take(&mut *done.lock().unwrap());
            done.sort_unstable();
            assert!(done.into_iter().eq(0..4_000));
        }
    }
}
