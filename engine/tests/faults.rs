//! Deliberate faults: each is named with its instance and cycle, stops the run at the end of its
//! epoch, and is the same at every shard count.

mod common;
use common::{Board, Counter, Sink, Stage, blocks};
use tina_engine::*;

/// Misbehaves in a way of its choice at a cycle of its choice.
struct Rogue {
    input: In<u64>,
    out: Out<u64>,
    trick: u64,
}

const WHEN: Cycle = 70;

impl Module for Rogue {
    const KIND: &'static str = "test.rogue";
    const SUMMARY: &'static str = "misbehaves | in: u64 | out: u64";
    type Params = u64;
    fn build(trick: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            trick,
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        if now < WHEN || self.trick == 5 {
            // An honest stage, but one that looks only at every tenth edge without saying so.
            let asleep = self.trick == 5 && !now.is_multiple_of(10);
            if !asleep
                && self.out.has_room()
                && let Some(value) = self.input.try_pop()
            {
                self.out.push(value);
            }
            return Effect::Receive;
        }
        match self.trick {
            0 => panic!("the rogue panics on purpose"),
            1 => {
                self.out.push(1);
                self.out.push(2);
                Effect::Receive
            }
            2 => Effect::Crash("a state that cannot be"),
            3 => {
                while self.out.has_room() {
                    self.out.push(7);
                }
                Effect::Yield
            }
            4 => {
                self.input.pop();
                self.input.pop();
                Effect::Receive
            }
            6.. => {
                // What it does before it faults has happened, as with a panic.
                if self.out.has_room() {
                    self.out.push(7);
                }
                drill(self.trick).provoke();
                Effect::Receive
            }
            other => unreachable!("trick {other}"),
        }
    }
}

/// The drill of a trick: from 6 on.
fn drill(trick: u64) -> Drill {
    Drill::ALL[trick as usize - 6]
}

fn board(trick: u64) -> Board {
    let catalogue = Catalogue::new()
        .with::<Counter>()
        .with::<Stage>()
        .with::<Sink>()
        .with::<Rogue>();
    let mut board = Board::new(catalogue).single_clock();
    let source = board.add("test.counter", 0, u64::MAX);
    let stage = board.add("test.stage", 0, ());
    let rogue = board.add("test.rogue", 0, trick);
    let sink = board.add("test.sink", 0, ());
    board.wire((source, "out"), (stage, "in"), 2, 1, 1);
    board.wire((stage, "out"), (rogue, "in"), 4, 1, 1);
    board.wire((rogue, "out"), (sink, "in"), 4, 1, 1);
    board
}

fn fault_of(trick: u64, no_sleep: bool) -> Fault {
    let board = board(trick);
    let mut expected = None;
    for shard_count in [1, 2, 4] {
        let host = HostOptions {
            thread_count: Some(2),
            no_sleep,
            no_vectors: false,
            pin: false,
            join: false,
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        let report = machine.run(
            &Limits {
                cycles: Some(1000),
                max_cycles: None,
            },
            &mut (),
        );
        let Outcome::Faulted(faults) = report.outcome.clone() else {
            panic!("trick {trick}: {:?}", report.outcome)
        };
        assert_eq!(
            report.cycles % board.blueprint.epoch_cycles,
            0,
            "stops at the end of an epoch"
        );
        assert_eq!(faults.len(), 1);
        let seen = (faults[0].clone(), report.cycles, report.digest);
        assert_eq!(
            *expected.get_or_insert_with(|| seen.clone()),
            seen,
            "{shard_count} shards"
        );
    }
    expected.unwrap().0
}

fn message_of(trick: u64) -> String {
    let fault = fault_of(trick, false);
    assert_eq!((fault.instance, fault.tick, fault.cycle), (2, WHEN, WHEN));
    match fault.cause {
        FaultCause::Panic(message) => message,
        FaultCause::Crash(reason) => format!("crash: {reason}"),
        FaultCause::Hardware(fault) => fault.to_string(),
        FaultCause::Overslept => "overslept".to_owned(),
    }
}

#[test]
fn a_hardware_fault_is_one_stopped_module() {
    for (trick, drill) in (6..).zip(Drill::ALL) {
        for no_sleep in [false, true] {
            let fault = fault_of(trick, no_sleep);
            assert_eq!((fault.instance, fault.tick, fault.cycle), (2, WHEN, WHEN));
            let FaultCause::Hardware(hardware) = fault.cause else {
                panic!("{:?}", fault.cause)
            };
            let expected = match drill {
                Drill::Signal(signal) => (signal, false),
                Drill::StackOverflow => (FaultSignal::Segment, true),
            };
            assert_eq!((hardware.signal, hardware.stack_overflow), expected);
        }
    }
    assert!(message_of(11).starts_with("stack overflow (SIGSEGV in the instruction at 0x"));
}

/// Faults when its number comes up, in a kind of many; where it stands, others run before and behind.
struct Crowd {
    out: Out<u64>,
    turn: Cycle,
}

impl Module for Crowd {
    const KIND: &'static str = "test.crowd";
    const SUMMARY: &'static str = "faults in its turn | out: u64";
    type Params = u64;
    fn build(turn: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            turn,
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        if now == self.turn {
            Drill::ALL[now as usize % Drill::ALL.len()].provoke();
        }
        if self.out.has_room() {
            self.out.push(now);
        }
        // Some sleep, so that the careful sweep is run too.
        if self.turn.is_multiple_of(3) {
            Effect::Sleep(1)
        } else {
            Effect::Yield
        }
    }
    fn report(&self, results: &mut Results) {
        results.count("turn", self.turn);
    }
}

#[test]
fn many_modules_fault_in_one_epoch_and_each_is_named() {
    let catalogue = Catalogue::new().with::<Crowd>().with::<Sink>();
    let mut board = Board::new(catalogue).single_clock();
    let count = 150u32;
    for number in 0..count {
        // Several in one edge, several edges in one epoch; every fifth is honest.
        let turn = if number % 5 == 0 {
            u64::MAX
        } else {
            3 + u64::from(number % 7)
        };
        let crowd = board.add("test.crowd", 0, turn);
        let sink = board.add("test.sink", 0, ());
        board.wire((crowd, "out"), (sink, "in"), 2, 1, 1);
    }
    let mut expected: Option<(Vec<(u32, Cycle)>, u64)> = None;
    for (shard_count, no_sleep) in [(1, false), (3, false), (2, true)] {
        let host = HostOptions {
            thread_count: Some(2),
            no_sleep,
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        let report = machine.run(&Limits::default(), &mut ());
        let Outcome::Faulted(faults) = report.outcome else {
            panic!("{:?}", report.outcome)
        };
        assert_eq!(report.cycles, 64);
        let hardware = |fault: &Fault| matches!(fault.cause, FaultCause::Hardware(_));
        assert!(faults.iter().all(hardware));
        let named: Vec<_> = faults
            .iter()
            .map(|fault| (fault.instance, fault.cycle))
            .collect();
        let wanted = |number: u32| (2 * number, 3 + u64::from(number % 7));
        let mut all: Vec<_> = (0..count).filter(|n| n % 5 != 0).map(wanted).collect();
        all.sort_by_key(|&(instance, cycle)| (cycle, instance));
        assert_eq!(named, all);
        let seen = (named, report.digest);
        assert_eq!(
            *expected.get_or_insert_with(|| seen.clone()),
            seen,
            "{shard_count} shards"
        );
        // Who is in pieces is not asked; the others are.
        let told = machine.results().len();
        assert_eq!(told as u32 - count, count / 5);
    }
}

#[test]
fn a_panic_is_one_stopped_module() {
    assert!(message_of(0).starts_with("the rogue panics on purpose (engine/tests/faults.rs:"));
}

#[test]
fn a_crash_gives_its_reason() {
    assert_eq!(message_of(2), "crash: a state that cannot be");
}

#[test]
fn a_second_push_in_an_edge_is_an_error_at_once() {
    for trick in [1, 3] {
        let message = message_of(trick);
        assert!(
            message.starts_with("pushed to one output more often in one edge"),
            "{message}"
        );
    }
}

#[test]
fn a_second_pop_in_an_edge_is_an_error_at_once() {
    let message = message_of(4);
    assert!(
        message.starts_with("popped one input more often in one edge")
            || message.starts_with("popped an input that has no item ready"),
        "{message}"
    );
}

#[test]
fn a_module_that_sleeps_although_it_could_act_is_named() {
    let fault = fault_of(5, true);
    assert_eq!((fault.instance, fault.cause), (2, FaultCause::Overslept));
}

/// Ends the run with a code after some items.
struct Finisher {
    input: In<u64>,
    finish: Finish,
    console: Console,
    left: u64,
}

impl Module for Finisher {
    const KIND: &'static str = "test.finisher";
    const SUMMARY: &'static str = "ends the run | in: u64";
    type Params = u64;
    fn build(left: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            finish: wiring.finish(),
            console: wiring.console(),
            left,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(value) = self.input.try_pop() {
            self.left -= 1;
            if self.console.has_room() {
                self.console.print(b'a' + (value % 26) as u8);
            }
            if self.left == 0 {
                self.finish.raise(3);
                return Effect::Done;
            }
        }
        Effect::Receive
    }
}

#[derive(Default)]
struct Listener(Vec<u8>);
impl Observer for Listener {
    fn console(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn finishing_board(supply: u64, left: u64) -> Board {
    let catalogue = Catalogue::new()
        .with::<Counter>()
        .with::<Stage>()
        .with::<Finisher>();
    let mut board = Board::new(catalogue).single_clock();
    for chain in 0..2 {
        let source = board.add("test.counter", 0, supply);
        let finisher = board.add("test.finisher", 0, left + chain);
        board.wire((source, "out"), (finisher, "in"), 2, 1, 1);
    }
    board
}

#[test]
fn the_first_to_finish_counts_and_consoles_print_in_simulated_order() {
    let board = finishing_board(u64::MAX, 10);
    for shard_count in [1, 2, 4] {
        let mut machine = board.boot(&blocks(&board, shard_count), &HostOptions::default());
        let mut listener = Listener::default();
        let report = machine.run(&Limits::default(), &mut listener);
        assert_eq!(
            report.outcome,
            Outcome::Finished {
                code: 3,
                instance: 1,
                tick: 10
            }
        );
        assert_eq!(report.cycles, 64);
        assert_eq!(listener.0, b"aabbccddeeffgghhiijjk");
    }
}

#[test]
fn nothing_left_to_happen_before_the_finish_is_a_deadlock() {
    let board = finishing_board(5, 10);
    let mut machine = board.boot(&Placement::single(4), &HostOptions::default());
    let report = machine.run(&Limits::default(), &mut ());
    let Outcome::Deadlock(deadlock) = report.outcome else {
        panic!("{:?}", report.outcome)
    };
    assert_eq!(deadlock.cycle, 5);
    assert_eq!(deadlock.stuck_wire_count, 0);
}

#[test]
fn a_machine_without_a_finisher_drains() {
    let catalogue = Catalogue::new().with::<Counter>().with::<Sink>();
    let mut board = Board::new(catalogue).single_clock();
    let source = board.add("test.counter", 0, 5u64);
    let sink = board.add("test.sink", 0, ());
    board.wire((source, "out"), (sink, "in"), 2, 1, 1);
    for no_sleep in [false, true] {
        let host = HostOptions {
            no_sleep,
            ..HostOptions::default()
        };
        let mut machine = board.boot(&Placement::single(2), &host);
        let report = machine.run(&Limits::default(), &mut ());
        assert_eq!(
            (report.outcome, report.cycles),
            (Outcome::Drained { cycle: 5 }, 64)
        );
    }
}

/// Needs an item from each input and gives one to each output.
struct Meet {
    inputs: [In<u64>; 2],
    out: Out<u64>,
}
impl Module for Meet {
    const KIND: &'static str = "test.meet";
    const SUMMARY: &'static str = "joins | a, b: u64 | out: u64";
    type Params = ();
    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            inputs: [wiring.input("a")?, wiring.input("b")?],
            out: wiring.output("out")?,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.inputs.iter().all(In::ready) && self.out.has_room() {
            let sum = self.inputs.iter_mut().map(In::pop).sum();
            self.out.push(sum);
        }
        Effect::Receive
    }
}

#[test]
fn a_wait_for_cycle_is_printed() {
    let catalogue = Catalogue::new()
        .with::<Counter>()
        .with::<Stage>()
        .with::<Meet>();
    let mut board = Board::new(catalogue).single_clock();
    let source = board.add("test.counter", 0, u64::MAX);
    let meet = board.add("test.meet", 0, ());
    let stage = board.add("test.stage", 0, ());
    // The loop has no token, so the join waits for itself.
    board.wire((source, "out"), (meet, "a"), 2, 1, 1);
    board.wire((meet, "out"), (stage, "in"), 2, 1, 1);
    board.wire((stage, "out"), (meet, "b"), 2, 1, 1);
    let mut expected: Option<String> = None;
    for (shard_count, no_sleep) in [(1, false), (1, true), (3, false), (3, true)] {
        let host = HostOptions {
            no_sleep,
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        let report = machine.run(
            &Limits {
                cycles: Some(5000),
                max_cycles: None,
            },
            &mut (),
        );
        let Outcome::Deadlock(deadlock) = report.outcome else {
            panic!("{:?}", report.outcome)
        };
        assert_eq!(report.cycles, 64);
        let text = deadlock.to_string();
        assert_eq!(*expected.get_or_insert_with(|| text.clone()), text);
    }
    assert_eq!(
        expected.unwrap(),
        "deadlock: nothing can change after cycle 1\n  \
           wires that hold items: 1\n  \
           wait-for chain of 1:\n    \
             m[0].out waits for room at m[1].a (full, 2 of 2, 0 credits, last transfer in cycle 1)\n  \
           wait-for cycle of 2:\n    \
             m[1].b waits for an item from m[2].out (empty, 0 of 2, 2 credits, never used)\n    \
             m[2].in waits for an item from m[1].out (empty, 0 of 2, 2 credits, never used)\n  \
           component of 2 modules, fixed since cycle 0: m[1], m[2]\n  \
           1 module outside waits for it"
    );
}
