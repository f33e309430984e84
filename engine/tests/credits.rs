//! Credits that arrive late, because nobody needed them, must leave no trace: neither in what a
//! module can see nor in the epoch at which a machine is found to stand still.

mod common;
use common::{Board, Counter, Sink, blocks};
use tina_engine::*;

/// Pushes one item per edge and looks whether there would be room for another.
struct Peeping {
    out: Out<u64>,
    left: u64,
    more: u64,
}
impl Module for Peeping {
    const KIND: &'static str = "test.peeping";
    const SUMMARY: &'static str = "looks at the room behind its item | out: u64";
    type Params = u64;
    fn build(left: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            left,
            more: 0,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.left > 0 && self.out.has_room() {
            self.left -= 1;
            self.out.push(self.left);
            self.more += u64::from(self.out.has_room());
        }
        Effect::Receive
    }
    fn report(&self, results: &mut Results) {
        results.count("more", self.more);
    }
}

/// A producer of some items and a sink, in clock domains and with a wire of choice.
fn pair(producer: &str, domains: [u8; 2], depth: u32, latency: u32, credit: u32) -> Board {
    let catalogue = Catalogue::new()
        .with::<Counter>()
        .with::<Peeping>()
        .with::<Sink>();
    let mut board = Board::new(catalogue);
    let source = board.add(producer, domains[0], 20u64);
    let sink = board.add("test.sink", domains[1], ());
    board.wire((source, "out"), (sink, "in"), depth, latency, credit);
    board
}

/// The same machine in one shard, and in two on one thread in either order of their turns.
fn everywhere(board: &Board) -> [(Report, Vec<InstanceResults>); 3] {
    let placements = [
        Placement::single(2),
        blocks(board, 2),
        Placement {
            shard_count: 2,
            shard_of: vec![1, 0],
        },
    ];
    placements.map(|placement| {
        let host = HostOptions {
            thread_count: Some(1),
            ..HostOptions::default()
        };
        let mut machine = board.boot(&placement, &host);
        let report = machine.run(&Limits::default(), &mut ());
        (report, machine.results())
    })
}

#[test]
fn a_machine_drains_in_the_same_epoch_whether_its_last_credits_were_late_or_not() {
    for domains in [[0, 0], [0, 1], [1, 0], [1, 1]] {
        for (depth, latency, credit) in [
            (2, 1, 1),
            (32, 1, 1),
            (32, 1, 3),
            (32, 5, 1),
            (32, 4, 4),
            (4, 2, 3),
        ] {
            for epoch_cycles in 1..24 {
                let mut board = pair("test.counter", domains, depth, latency, credit);
                board.blueprint.epoch_cycles = epoch_cycles;
                let seen = everywhere(&board)
                    .map(|(report, _)| (report.outcome, report.cycles, report.digest));
                assert!(
                    seen.iter().all(|other| *other == seen[0]),
                    "domains {domains:?}, {depth}, {latency}, {credit}, epochs of {epoch_cycles}: {seen:#?}"
                );
            }
        }
    }
}

#[test]
fn room_behind_the_item_just_pushed_is_the_same_room_everywhere() {
    for (depth, latency, credit) in [(2, 1, 1), (3, 1, 1), (8, 1, 1), (8, 3, 2), (1, 1, 1)] {
        let board = pair("test.peeping", [0, 0], depth, latency, credit);
        let seen = everywhere(&board).map(|(_, results)| results);
        assert!(
            seen.iter().all(|other| *other == seen[0]),
            "depth {depth}, latency {latency}, credit {credit}: {seen:#?}"
        );
    }
}
