//! How threads spent a run, as JSON.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tina_engine::ThreadTimes;

/// How often each neighbour's frame was missing, for all shards of a thread.
fn waits_for(thread: &ThreadTimes) -> BTreeMap<u8, u64> {
    let mut waits = BTreeMap::new();
    for &(_, peer, count) in &thread.missing {
        *waits.entry(peer).or_insert(0) += count;
    }
    waits
}

/// For `--json` and `--stats`: busy, waiting, and for whom.
pub(super) fn thread_json(thread: &ThreadTimes) -> Value {
    let wait = thread.wait.min(thread.total).as_secs_f64();
    let waits = waits_for(thread);
    let all = waits.values().sum::<u64>().max(1) as f64;
    let by_neighbour: Map<String, Value> = waits
        .into_iter()
        .map(|(peer, count)| (peer.to_string(), json!(wait * count as f64 / all)))
        .collect();
    json!({
        "first_shard": thread.first_shard,
        "shards": thread.shard_count,
        "busy_seconds": thread.total.as_secs_f64() - wait,
        "wait_seconds": wait,
        "wait_seconds_by_neighbour": by_neighbour,
    })
}
