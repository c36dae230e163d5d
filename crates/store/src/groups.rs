//! Jobs that are done together, since a round trip or a write to the disk costs as much for many as for one.

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

/// How large groups are, and how many there are at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Jobs in a group at most.
    pub(crate) most: usize,
    /// How many jobs are worth a group while another one is under way, or beside another one.
    pub(crate) enough: usize,
    /// Groups under way at most.
    pub(crate) under_way: usize,
}

impl Sizes {
    /// How many of `waiting` jobs go into the next group, while others are under way: what waits is shared out evenly, or one
    /// would have all of it, and the others nothing to do meanwhile.
    fn next(&self, waiting: usize, under_way: usize) -> usize {
        let places = self.under_way.saturating_sub(under_way);
        let groups = (waiting / self.enough).clamp(1, places.max(1));
        waiting.div_ceil(groups).min(self.most)
    }
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
            let group = waiting
                .drain(..sizes.next(waiting.len(), under_way.len()))
                .collect();
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
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::future::join;
    use tokio::sync::oneshot;
    use tokio::task::JoinSet;

    use super::*;

    /// Enough for a wake that can get lost to get lost.
    const CALLERS: u32 = 64;
    const ROUNDS: u32 = 5_000;

    #[test]
    fn what_waits_is_shared_out() {
        let sizes = Sizes {
            most: 64,
            enough: 16,
            under_way: 3,
        };
        for (waiting, under_way, next) in [
            (1, 0, 1),
            (31, 0, 31),
            (33, 0, 17),
            (48, 0, 16),
            (64, 0, 22),
            (42, 1, 21),
            (21, 2, 21),
            (64, 2, 64),
            (1_000, 0, 64),
        ] {
            assert_eq!(sizes.next(waiting, under_way), next, "of {waiting}");
        }
    }

    /// As SQLite's reads are done: several kinds of jobs on a thread of its own, which nobody wakes but those who hand in,
    /// and these wait for answers.
    #[test]
    fn each_job_is_done_once_and_nobody_is_forgotten() {
        static DONE: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
        let sizes = Sizes {
            most: 128,
            enough: 16,
            under_way: 3,
        };
        let (kinds, mut receivers): (Vec<_>, Vec<_>) = DONE
            .iter()
            .map(|_| mpsc::channel::<oneshot::Sender<()>>(256))
            .unzip();
        let mut serve = |kind: usize| {
            in_groups(
                receivers.remove(0),
                sizes,
                move |group: Vec<oneshot::Sender<()>>| async move {
                    assert!(!group.is_empty() && group.len() <= sizes.most);
                    for reply in group {
                        DONE[kind].fetch_add(1, Ordering::Relaxed);
                        reply.send(()).unwrap();
                    }
                },
            )
        };
        let serving = join(serve(0), join(serve(1), serve(2)));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(6)
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let thread = std::thread::spawn(move || handle.block_on(serving));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let kinds = kinds.clone();
            callers.spawn_on(
                async move {
                    let ask = async |kind: usize| {
                        let (reply, answer) = oneshot::channel();
                        kinds[kind].send(reply).await.unwrap();
                        answer.await.unwrap();
                    };
                    for _ in 0..ROUNDS {
                        ask(0).await;
                        join(ask(1), ask(2)).await;
                    }
                },
                runtime.handle(),
            );
        }
        // They end when nobody can hand in any more.
        drop(kinds);
        let all = async { tokio::time::timeout(Duration::from_secs(300), callers.join_all()).await };
        runtime.block_on(all).expect("somebody waits for ever");
        thread.join().unwrap();
        for done in &DONE {
            assert_eq!(done.load(Ordering::Relaxed), CALLERS * ROUNDS);
        }
    }
}
