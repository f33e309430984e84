//! A classic deadlock, named the same at every shard count.

mod common;
use common::{Board, Counter, Sink, blocks};
use tina_engine::*;

/// Copies every item to both outputs, when both have room.
struct Fork {
    input: In<u64>,
    outs: [Out<u64>; 2],
}
impl Module for Fork {
    const KIND: &'static str = "test.fork";
    const SUMMARY: &'static str = "copies | in: u64 | a, b: u64";
    type Params = ();
    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let outs = [wiring.output("a")?, wiring.output("b")?];
        Ok(Self {
            input: wiring.input("in")?,
            outs,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.outs.iter().all(Out::has_room)
            && let Some(value) = self.input.try_pop()
        {
            self.outs.iter_mut().for_each(|out| out.push(value));
        }
        Effect::Receive
    }
}

/// Takes one item from each input and gives their sum.
struct Join {
    inputs: [In<u64>; 2],
    out: Out<u64>,
}
impl Module for Join {
    const KIND: &'static str = "test.join";
    const SUMMARY: &'static str = "joins | a, b: u64 | out: u64";
    type Params = ();
    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let inputs = [wiring.input("a")?, wiring.input("b")?];
        Ok(Self {
            inputs,
            out: wiring.output("out")?,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.inputs.iter().all(In::ready) && self.out.has_room() {
            let sum = self
                .inputs
                .iter_mut()
                .map(In::pop)
                .fold(0, u64::wrapping_add);
            self.out.push(sum);
        }
        Effect::Receive
    }
}

/// Gives one item for every `ratio` it takes.
struct Gather {
    input: In<u64>,
    out: Out<u64>,
    ratio: u64,
    held: u64,
}
impl Module for Gather {
    const KIND: &'static str = "test.gather";
    const SUMMARY: &'static str = "one for many | in: u64 | out: u64";
    type Params = u64;
    fn build(ratio: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            ratio,
            held: 0,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.out.has_room()
            && let Some(value) = self.input.try_pop()
        {
            self.held += 1;
            if self.held == self.ratio {
                self.held = 0;
                self.out.push(value);
            }
        }
        Effect::Receive
    }
}

fn deadlock_of(board: &Board) -> String {
    let mut expected: Option<String> = None;
    for (shard_count, no_sleep) in [(1, false), (1, true), (2, false), (4, false), (4, true)] {
        let host = HostOptions {
            thread_count: Some(2),
            no_sleep,
            no_vectors: false,
            pin: false,
            join: false,
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(board, shard_count), &host);
        let report = machine.run(&Limits::default(), &mut ());
        let Outcome::Deadlock(deadlock) = report.outcome else {
            panic!("{:?}", report.outcome)
        };
        let text = format!("{deadlock}\nafter {} cycles", report.cycles);
        assert_eq!(
            *expected.get_or_insert_with(|| text.clone()),
            text,
            "{shard_count} shards"
        );
    }
    expected.unwrap()
}

#[test]
fn a_reconvergent_fork_without_slack_waits_for_itself() {
    let catalogue = Catalogue::new()
        .with::<Counter>()
        .with::<Sink>()
        .with::<Fork>()
        .with::<Join>()
        .with::<Gather>();
    let mut board = Board::new(catalogue).single_clock();
    let source = board.add("test.counter", 0, u64::MAX);
    let fork = board.add("test.fork", 0, ());
    let gather = board.add("test.gather", 0, 4u64);
    let join = board.add("test.join", 0, ());
    let sink = board.add("test.sink", 0, ());
    board.wire((source, "out"), (fork, "in"), 2, 1, 1);
    // The straight way holds two items; the other gives its first after four.
    board.wire((fork, "a"), (join, "a"), 2, 1, 3);
    board.wire((fork, "b"), (gather, "in"), 8, 2, 1);
    board.wire((gather, "out"), (join, "b"), 2, 1, 1);
    board.wire((join, "out"), (sink, "in"), 2, 1, 1);
    assert_eq!(
        deadlock_of(&board),
        "deadlock: nothing can change after cycle 4\n  \
           wires that hold items: 2\n  \
           wait-for cycle of 3:\n    \
             m[1].a waits for room at m[3].a (full, 2 of 2, last transfer in cycle 2)\n    \
             m[3].b waits for an item from m[2].out (empty, 0 of 2, never used)\n    \
             m[2].in waits for an item from m[1].b (empty, 0 of 8, last transfer in cycle 4)\n\
         after 64 cycles"
    );
}
