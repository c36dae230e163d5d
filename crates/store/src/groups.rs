//! Jobs that are done together, since a round trip or a write to the disk costs as much for many as for one.

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
    loop {
        while !waiting.is_empty()
            && (under_way.is_empty() || waiting.len() >= sizes.enough && under_way.len() < sizes.under_way)
        {
            let group = waiting.drain(..waiting.len().min(sizes.most)).collect();
            under_way.push(work(group));
        }
        tokio::select! {
            count = jobs.recv_many(&mut waiting, sizes.most), if waiting.len() < sizes.most => {
                if count == 0 {
                    break;
                }
                // Whoever is just about to come goes along: a group of one costs as much.
                tokio::task::yield_now().await;
                while waiting.len() < sizes.most && let Ok(job) = jobs.try_recv() {
                    waiting.push(job);
                }
            }
            Some(()) = under_way.next() => {}
        }
    }
    while under_way.next().await.is_some() {}
}
