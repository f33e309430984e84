//! Runs in pieces, epochs of any length, limits that have been passed, and runs that are abandoned.

mod common;
use common::{Board, Digests, blocks, catalogue, pipeline};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tina_engine::*;

fn until(cycles: u64) -> Limits {
    Limits {
        cycles: Some(cycles),
        max_cycles: None,
    }
}

fn no_longer_than(cycles: u64) -> Limits {
    Limits {
        cycles: None,
        max_cycles: Some(cycles),
    }
}

/// A chain in which everything naps and both clocks are used.
fn drowsy() -> Board {
    let mut board = Board::new(catalogue());
    let source = board.add("test.counter", 1, u64::MAX);
    let mut last = (source, "out");
    for index in 0..4u32 {
        let params =
            std::collections::BTreeMap::from([("inputs", 1u64), ("outputs", 1), ("habit", 3)]);
        let mixer = board.add("test.mixer", (index % 2) as u8, params);
        board.wire(last, (mixer, "in[0]"), 4, 1 + index % 3, 2);
        last = (mixer, "out[0]");
    }
    let sink = board.add("test.sink", 0, ());
    board.wire(last, (sink, "in"), 3, 2, 1);
    board
}

#[test]
fn a_run_in_pieces_is_the_long_run() {
    let board = drowsy();
    for shard_count in [1, 3] {
        let placement = blocks(&board, shard_count);
        let mut whole = board.boot(&placement, &HostOptions::default());
        let mut whole_digests = Digests::default();
        let whole_report = whole.run(&until(1000), &mut whole_digests);
        let mut pieces = board.boot(&placement, &HostOptions::default());
        let mut digests = Digests::default();
        for end in [1, 63, 64, 65, 500, 777] {
            assert_eq!(pieces.run(&until(end), &mut digests).cycles, end);
            assert_eq!(pieces.cycle(), end);
        }
        let report = pieces.run(&until(1000), &mut digests);
        assert_eq!((report.digest, report.cycles), (whole_report.digest, 1000));
        assert_eq!(pieces.results(), whole.results());
        assert_eq!(pieces.wire_digests(), whole.wire_digests());
        for record in whole_digests.0 {
            let same = digests
                .0
                .iter()
                .find(|other| other.cycle == record.cycle)
                .unwrap();
            assert_eq!(same.digest, record.digest, "cycle {}", record.cycle);
        }
    }
}

#[test]
fn the_length_of_epochs_changes_nothing() {
    let board = drowsy();
    let mut expected = None;
    for epoch_cycles in [1, 2, 7, 64, 1000, u64::MAX] {
        for shard_count in [1, 2] {
            let mut machine = board.boot(&blocks(&board, shard_count), &HostOptions::default());
            machine.set_epoch_cycles(epoch_cycles);
            let report = machine.run(&until(700), &mut ());
            let seen = (
                report.outcome,
                report.cycles,
                report.digest,
                machine.results(),
            );
            assert_eq!(
                *expected.get_or_insert_with(|| seen.clone()),
                seen,
                "{epoch_cycles}"
            );
        }
    }
}

/// Sleeps as long as it can.
struct Sleeper;
impl Module for Sleeper {
    const KIND: &'static str = "test.sleeper";
    const SUMMARY: &'static str = "sleeps";
    type Params = ();
    fn build((): (), _wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self)
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        Effect::Sleep(u64::MAX)
    }
}

#[test]
fn the_end_of_time_is_a_limit() {
    let mut board = Board::new(Catalogue::new().with::<Sleeper>());
    board.add("test.sleeper", 1, ());
    let forever = [no_longer_than(u64::MAX), Limits::default()];
    for limits in forever {
        let mut machine = board.boot(&Placement::single(1), &HostOptions::default());
        machine.set_epoch_cycles(u64::MAX);
        let report = machine.run(&limits, &mut ());
        assert_eq!(
            (report.outcome, report.cycles),
            (Outcome::LimitReached, TICK_MAX / 3)
        );
    }
}

#[test]
fn a_limit_that_was_passed_ends_a_run_at_once_and_time_never_goes_back() {
    let board = pipeline(3);
    let mut machine = board.boot(&blocks(&board, 2), &HostOptions::default());
    assert_eq!(
        machine.run(&no_longer_than(100), &mut ()).outcome,
        Outcome::LimitReached
    );
    assert_eq!(
        machine.run(&no_longer_than(100), &mut ()).outcome,
        Outcome::LimitReached
    );
    assert_eq!(
        machine.run(&until(200), &mut ()).outcome,
        Outcome::CyclesDone
    );
    assert_eq!(
        machine.run(&until(200), &mut ()).outcome,
        Outcome::CyclesDone
    );
    let both = Limits {
        cycles: Some(1000),
        max_cycles: Some(100),
    };
    let report = machine.run(&both, &mut ());
    assert_eq!(
        (report.outcome, report.cycles),
        (Outcome::LimitReached, 200)
    );
    assert_eq!(machine.cycle(), 200);
}

/// Gives up at the first epoch it hears of.
struct Quitter;
impl Observer for Quitter {
    fn epoch(&mut self, _record: EpochRecord) {
        panic!("the observer gives up");
    }
}

#[test]
fn a_machine_whose_observer_panicked_can_be_dropped() {
    let mut board = pipeline(3);
    board.blueprint.epoch_cycles = 1;
    for (shard_count, thread_count) in [(1, 1), (2, 2)] {
        let host = HostOptions {
            thread_count: Some(thread_count),
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        let run = catch_unwind(AssertUnwindSafe(|| {
            machine.run(&Limits::default(), &mut Quitter)
        }));
        assert!(run.is_err());
        drop(machine);
    }
}

/// Prints a byte at every edge at which its console has room.
struct Chatter {
    console: Console,
    printed: u64,
}

impl Module for Chatter {
    const KIND: &'static str = "test.chatter";
    const SUMMARY: &'static str = "prints";
    type Params = ();
    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            console: wiring.console(),
            printed: 0,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.console.has_room() {
            self.console.print(b'x');
            self.printed += 1;
        }
        Effect::Yield
    }
    fn report(&self, results: &mut Results) {
        results.count("printed", self.printed);
    }
}

#[test]
fn room_of_a_console_does_not_depend_on_where_runs_stop() {
    let mut board = Board::new(Catalogue::new().with::<Chatter>()).single_clock();
    board.blueprint.epoch_cycles = 5000;
    board.add("test.chatter", 0, ());
    let printed = |stops: &[u64], epoch_cycles: Option<u64>| {
        let mut machine = board.boot(&Placement::single(1), &HostOptions::default());
        if let Some(cycles) = epoch_cycles {
            machine.set_epoch_cycles(cycles);
        }
        for &stop in stops {
            let limits = Limits {
                cycles: Some(stop),
                max_cycles: None,
            };
            machine.run(&limits, &mut ());
        }
        machine.results()[0].entries[0].1.number()
    };
    let room = CONSOLE_BYTES_PER_EPOCH as u64;
    assert_eq!(printed(&[10_000], None), 2 * room);
    assert_eq!(printed(&[100, 4999, 6000, 10_000], None), 2 * room);
    assert_eq!(printed(&[10_000], Some(7)), 2 * room);
    assert_eq!(printed(&[10_000], Some(1 << 20)), 2 * room);
}

#[test]
fn a_pause_leaves_no_trace() {
    let board = pipeline(40);
    for shard_count in [1, 3] {
        let placement = blocks(&board, shard_count);
        let limits = until(5_000);
        let mut whole = board.boot(&placement, &HostOptions::default());
        let mut straight = Digests::default();
        let expected = whole.run(&limits, &mut straight);
        let mut pieces = board.boot(&placement, &HostOptions::default());
        let mut paused = Digests::default();
        let mut pause_count = 0;
        let report = loop {
            let pause = pieces.cycle() + 700;
            if let Some(report) = pieces.run_part(&limits, pause, &mut paused) {
                break report;
            }
            pause_count += 1;
        };
        assert!(pause_count > 2, "{pause_count} pauses");
        assert_eq!(report, expected);
        assert_eq!(paused.0, straight.0);
    }
}

#[test]
fn samples_show_what_works_and_what_does_not() {
    let board = pipeline(40);
    let mut machine = board.boot(&blocks(&board, 1), &HostOptions::default());
    assert_eq!(machine.stop_sampling(), None);
    machine.start_sampling();
    machine.run(&until(64 * 1024), &mut ());
    let samples = machine.stop_sampling().unwrap();
    assert_eq!(samples.cycles, 64 * 1024);
    // Every stage works and every wire carries at nearly every cycle.
    for &count in samples.clock_counts.iter().chain(&samples.push_counts) {
        assert!((60 * 1024..=65 * 1024).contains(&count), "{count}");
    }
    let clocked: u64 = samples.kinds.iter().map(|kind| kind.clock_count).sum();
    assert!(clocked > 500 * 42, "{clocked}");
    assert_eq!(machine.stop_sampling(), None);
}

/// The timeline of every shard has no gap, tells what was waited for, and changes no result.
#[test]
fn time_is_told_without_gaps() {
    let board = pipeline(40);
    for (shard_count, thread_count) in [(1, 1), (3, 1), (3, 2)] {
        let host = HostOptions {
            thread_count: Some(thread_count),
            ..HostOptions::default()
        };
        let placement = blocks(&board, shard_count);
        let limits = until(3_000);
        let expected = board.boot(&placement, &host).run(&limits, &mut ());
        let mut machine = board.boot(&placement, &host);
        assert!(
            machine
                .timeline()
                .iter()
                .all(|shard| shard.slices.is_empty())
        );
        machine.start_timeline();
        assert!(machine.run_part(&limits, 1_000, &mut ()).is_none());
        assert_eq!(machine.run(&limits, &mut ()), expected);
        let timeline = machine.timeline();
        let placed: Vec<usize> = timeline.iter().flat_map(|it| it.placed.clone()).collect();
        assert_eq!(placed, Vec::from_iter(0..shard_count));
        for (number, shard) in timeline.iter().enumerate() {
            let mut end = std::time::Duration::ZERO;
            let mut done = std::collections::BTreeSet::new();
            for slice in &shard.slices {
                assert_eq!(slice.start, end, "shard {number}");
                for &(doing, time) in &slice.spent {
                    end += time;
                    done.insert(doing);
                }
            }
            for doing in [Doing::Work, Doing::Meet, Doing::Pause] {
                assert!(
                    done.contains(&doing),
                    "shard {number}: {doing:?} in {done:?}"
                );
            }
            // In a chain, neighbours in number are the only neighbours.
            for doing in done {
                if let Doing::WaitFor(peer) = doing {
                    assert_eq!(number.abs_diff(usize::from(peer)), 1, "shard {number}");
                }
            }
        }
        let waits = |shard: &ShardTimeline| {
            let mut spent = shard.slices.iter().flat_map(|slice| &slice.spent);
            spent.any(|(doing, _)| matches!(doing, Doing::WaitFor(_)))
        };
        assert_eq!(timeline.iter().any(waits), shard_count > 1);
    }
}

#[test]
fn joined_shards_have_one_timeline() {
    let board = pipeline(40);
    let host = HostOptions {
        thread_count: Some(2),
        join: true,
        ..HostOptions::default()
    };
    let mut machine = board.boot(&blocks(&board, 5), &host);
    machine.start_timeline();
    machine.run(&until(100), &mut ());
    let placed = |shard: ShardTimeline| (shard.placed, shard.thread);
    let placed: Vec<_> = machine.timeline().into_iter().map(placed).collect();
    assert_eq!(placed, [(0..2, 0), (2..5, 1)]);
}
