//! Why ports of random machines do not move: counted and recorded as a model says that knows nothing but
//! when items were pushed and popped.

use super::{Sketch, board, placement, sketch};
use crate::common::Board;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use tina_engine::*;

const CYCLES: u64 = 200;

/// Ticks of pushes and pops per wire, and changes of fields.
#[derive(Clone, Debug, Default, PartialEq)]
struct History {
    pushes: Vec<Vec<Tick>>,
    pops: Vec<Vec<Tick>>,
    fields: Vec<Vec<(Tick, u64)>>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<History>>);

impl RecordSink for Log {
    fn open(&mut self, _: Tick, _: &[u64]) -> io::Result<()> {
        Ok(())
    }
    fn instant(&mut self, happened: &Happened<'_>) -> io::Result<()> {
        let history = &mut *self.0.lock().unwrap();
        for it in happened.transfers {
            let wire = it.number as usize;
            history.pushes[wire].extend((0..it.pushes).map(|_| happened.tick));
            history.pops[wire].extend((0..it.pops).map(|_| happened.tick));
        }
        for &(field, value) in happened.probes {
            history.fields[field as usize].push((happened.tick, value));
        }
        Ok(())
    }
    fn close(&mut self, _: Tick) -> io::Result<()> {
        Ok(())
    }
}

/// How a machine is run and looked at.
struct Way<'a> {
    placement: &'a Placement,
    thread_count: usize,
    no_sleep: bool,
    every: u32,
    recorded: bool,
}

/// What was counted until which tick, and what was recorded.
fn watch(board: &Board, way: &Way<'_>) -> (Option<Stalls>, u64, History) {
    let wires = 0..board.blueprint.wires.len() as u32;
    let recorded: Vec<u32> = wires.filter(|_| way.recorded).collect();
    let host = HostOptions {
        thread_count: Some(way.thread_count),
        no_sleep: way.no_sleep,
        recorded: recorded.clone().into(),
        stalls: StallOptions {
            every: way.every,
            recorded: way.recorded,
        },
        ..HostOptions::default()
    };
    let mut machine = board.boot(way.placement, &host);
    let log = Log::default();
    *log.0.lock().unwrap() = History {
        pushes: vec![Vec::new(); recorded.len()],
        pops: vec![Vec::new(); recorded.len()],
        fields: vec![Vec::new(); 2 * recorded.len()],
    };
    if way.recorded {
        let order = RecordOrder {
            window: 0..u64::MAX,
            instances: Vec::new(),
            stalls: true,
        };
        machine
            .start_recording(&order, Box::new(log.clone()))
            .unwrap();
    }
    let limits = Limits {
        cycles: None,
        max_cycles: Some(CYCLES),
    };
    machine.run(&limits, &mut ());
    machine.stop_recording().unwrap();
    let history = log.0.lock().unwrap().clone();
    (machine.stalls(), machine.cycle(), history)
}

/// What a port found at an edge, by the history alone.
struct Model<'a> {
    board: &'a Board,
    periods: Vec<Tick>,
    history: &'a History,
    /// Items that counters stop after.
    limits: BTreeMap<u32, u64>,
}

impl Model<'_> {
    fn period(&self, end: PortRef) -> Tick {
        let domain = self.board.blueprint.instances[end.instance as usize].domain;
        self.periods[usize::from(domain)]
    }

    /// When the consumer sees what was pushed at a tick, and when its producer may use the slot again of
    /// what was popped then.
    fn seen(&self, wire: &Wire, tick: Tick) -> Tick {
        let period = self.period(wire.to);
        (tick / period + u64::from(wire.latency)) * period
    }
    fn free(&self, wire: &Wire, tick: Tick) -> Tick {
        let period = self.period(wire.from);
        (tick / period + u64::from(wire.credit)) * period
    }

    fn input(&self, number: usize, tick: Tick) -> Cause {
        let wire = &self.board.blueprint.wires[number];
        let (pushes, pops) = (&self.history.pushes[number], &self.history.pops[number]);
        let seen = pushes.iter().filter(|&&push| self.seen(wire, push) <= tick);
        let popped = pops.iter().filter(|&&pop| pop < tick);
        if pops.contains(&tick) {
            Cause::Moved
        } else if seen.count() > popped.count() {
            Cause::Latency
        } else {
            Cause::Empty
        }
    }

    fn output(&self, number: usize, tick: Tick) -> Cause {
        let wire = &self.board.blueprint.wires[number];
        let (pushes, pops) = (&self.history.pushes[number], &self.history.pops[number]);
        if pushes.contains(&tick) {
            return Cause::Moved;
        }
        let pushed = pushes.iter().filter(|&&push| push < tick).count();
        let Some(item) = pushed.checked_sub(wire.depth as usize) else {
            return Cause::Latency;
        };
        let popped = pops.get(item);
        if popped.is_some_and(|&pop| self.free(wire, pop) <= tick) {
            return Cause::Latency;
        }
        // What if it had been taken as soon as it was seen?
        let soonest = self.free(wire, self.seen(wire, pushes[item]));
        if tick < soonest {
            Cause::Credit
        } else {
            Cause::Full
        }
    }

    /// Counters are done at the edge after the last item.
    fn done(&self, instance: u32, wires: &[(usize, u16, bool)], tick: Tick) -> bool {
        let Some(&limit) = self.limits.get(&instance) else {
            return false;
        };
        let pushes = &self.history.pushes[wires[0].0];
        pushes.len() as u64 == limit && pushes.last().is_none_or(|&last| last < tick)
    }

    /// The causes at all ports of an instance: (port, wire, whether it is an output).
    fn causes(&self, instance: u32, ports: &[(usize, u16, bool)], tick: Tick) -> Vec<Cause> {
        let mut causes: Vec<Cause> = ports
            .iter()
            .map(|&(wire, _, output)| match output {
                true => self.output(wire, tick),
                false => self.input(wire, tick),
            })
            .collect();
        if self.done(instance, ports, tick) {
            let still = causes.iter_mut().filter(|cause| **cause != Cause::Moved);
            still.for_each(|cause| *cause = Cause::Asleep);
            return causes;
        }
        let found = causes.clone();
        let any = |cause: Cause, output: bool| {
            let mut found = found.iter().zip(ports);
            found.any(|(&it, port)| it == cause && port.2 == output)
        };
        for (cause, &(_, _, output)) in causes.iter_mut().zip(ports) {
            *cause = match *cause {
                Cause::Latency if output && any(Cause::Empty, false) => Cause::Empty,
                Cause::Latency if output => Cause::Latency,
                Cause::Latency if any(Cause::Moved, false) => Cause::Arbitration,
                Cause::Latency if any(Cause::Full, true) => Cause::Full,
                Cause::Latency if any(Cause::Credit, true) => Cause::Credit,
                Cause::Latency if any(Cause::Empty, false) => Cause::Partner,
                cause => cause,
            };
        }
        causes
    }
}

/// Counts and fields, as the model has them.
fn expected(sketch: &Sketch, board: &Board, history: &History, end: u64, every: u32) -> Expected {
    let blueprint = &board.blueprint;
    let periods = Timebase::of(&blueprint.domains).unwrap().period_ticks;
    let first = sketch.modules.len() as u32;
    let limits = (first..).zip(sketch.feeds.iter().map(|feed| feed.1));
    let model = Model {
        board,
        periods: periods.to_vec(),
        history,
        limits: limits.collect(),
    };
    let mut fields = vec![Vec::new(); 2 * blueprint.wires.len()];
    let mut ports = Vec::new();
    for (number, instance) in blueprint.instances.iter().enumerate() {
        let number = number as u32;
        let mut of_instance = Vec::new();
        for (wire, ends) in blueprint.wires.iter().enumerate() {
            for (end, output) in [(ends.from, true), (ends.to, false)] {
                if end.instance == number {
                    of_instance.push((wire, end.port, output));
                }
            }
        }
        of_instance.sort_by_key(|port| port.1);
        let mut counts = vec![[0; CAUSE_COUNT]; of_instance.len()];
        let period = periods[usize::from(instance.domain)];
        let schedule = StallSchedule::new(every);
        for cycle in 0..(end * periods[0]).div_ceil(period) {
            let causes = model.causes(number, &of_instance, cycle * period);
            for ((&(wire, _, output), cause), counts) in
                of_instance.iter().zip(causes).zip(&mut counts)
            {
                if schedule.next(cycle) == cycle {
                    counts[cause.number()] += 1;
                }
                let told: &mut Vec<(Tick, u64)> = &mut fields[2 * wire + usize::from(!output)];
                let value = cause.number() as u64;
                if told.last().is_none_or(|last| last.1 != value) {
                    told.push((cycle * period, value));
                }
            }
        }
        for (&(wire, port, _), counts) in of_instance.iter().zip(counts) {
            ports.push(PortStalls {
                instance: number,
                port,
                wire: wire as u32,
                counts,
            });
        }
    }
    Expected { ports, fields }
}

struct Expected {
    ports: Vec<PortStalls>,
    fields: Vec<Vec<(Tick, u64)>>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn stalls_are_what_transfers_say_whatever_the_host(
        sketch in sketch(),
        places in prop::collection::vec(0..4u8, 13),
        shard_count in 1..5usize,
        thread_count in 1..3usize,
        every in prop_oneof![Just(1u32), 2..9u32],
        no_sleep: bool,
    ) {
        let board = board(&sketch);
        let single = Placement::single(board.blueprint.instances.len());
        let way = Way { placement: &single, thread_count: 1, no_sleep: false, every, recorded: true };
        let (stalls, end, history) = watch(&board, &way);
        let stalls = stalls.unwrap();
        let expected = expected(&sketch, &board, &history, end, every);
        prop_assert_eq!(&stalls.ports, &expected.ports);
        prop_assert_eq!(&history.fields, &expected.fields);

        let placement = placement(&board, &places, shard_count);
        let way = Way { placement: &placement, thread_count, no_sleep, every, recorded: false };
        prop_assert_eq!(&Some(stalls), &watch(&board, &way).0);
        let way = Way { every: 0, recorded: true, ..way };
        let (none, _, elsewhere) = watch(&board, &way);
        prop_assert_eq!(none, None);
        prop_assert_eq!(&history, &elsewhere);
    }
}
