//! The pipeline workload, exact, at every shard count, asleep and awake.

mod common;
use common::{Digests, blocks, pipeline};
use tina_engine::{HostOptions, Limits, Outcome, ResultValue};

#[test]
fn two_thousand_cycles_of_w1_are_exact_everywhere() {
    let board = pipeline(1024);
    let mut expected = None;
    for (shard_count, thread_count, no_sleep, join) in [
        (1, 1, false, false),
        (1, 1, true, false),
        (2, 2, false, false),
        (3, 2, false, false),
        (5, 1, false, false),
        (8, 2, true, false),
        (8, 3, false, true),
        (2, 2, false, true),
    ] {
        let host = HostOptions {
            thread_count: Some(thread_count),
            no_sleep,
            no_vectors: false,
            pin: false,
            join,
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        let mut digests = Digests::default();
        let limits = Limits {
            cycles: Some(2000),
            max_cycles: None,
        };
        let report = machine.run(&limits, &mut digests);
        assert_eq!(report.outcome, Outcome::CyclesDone);
        assert_eq!(report.cycles, 2000);
        assert_eq!(report.shard_count, shard_count);
        let run_count = if join { thread_count } else { shard_count };
        assert_eq!(report.joined_count, run_count);
        let results = machine.results();
        assert_eq!(
            results[0].entries,
            [
                ("count", ResultValue::Count(975)),
                ("check", ResultValue::Check(0x76c7_1b5f_9481_1fcf))
            ],
            "{shard_count} shards on {thread_count} threads"
        );
        let expected = expected.get_or_insert_with(|| digests.0.clone());
        assert_eq!(
            *expected, digests.0,
            "{shard_count} shards on {thread_count} threads"
        );
    }
}
