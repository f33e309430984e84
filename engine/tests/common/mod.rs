//! A few modules and a builder of machines, for the tests of the engine.
#![allow(dead_code, missing_docs, reason = "each test uses its part")]

use serde::Deserialize;
use std::sync::Arc;
use tina_engine::*;

/// Builds a blueprint instance by instance.
pub struct Board {
    pub blueprint: Blueprint,
    pub catalogue: Catalogue,
    probe: Probe,
}

impl Board {
    pub fn new(catalogue: Catalogue) -> Self {
        let domain = |name: &str, numerator, denominator| Domain {
            name: name.to_owned(),
            period_numerator: numerator,
            period_denominator: denominator,
        };
        Self {
            blueprint: Blueprint {
                domains: vec![domain("base", 1000, 1), domain("other", 1000, 3)],
                instances: Vec::new(),
                wires: Vec::new(),
                epoch_cycles: 64,
                seed: 1,
                resources: Resources::default(),
            },
            catalogue,
            probe: Probe::new().unwrap(),
        }
    }

    /// One clock domain only.
    pub fn single_clock(mut self) -> Self {
        self.blueprint.domains.truncate(1);
        self
    }

    pub fn add<'de, D>(&mut self, kind: &str, domain: u8, params: D) -> u32
    where
        D: serde::de::IntoDeserializer<'de, serde::de::value::Error>,
        D::Deserializer: serde::Deserializer<'de>,
    {
        let number = self.catalogue.find(kind).unwrap();
        let kind = self.catalogue.kind(number);
        let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(params.into_deserializer());
        let params = kind.parse(&mut erased).unwrap();
        let instance = self.blueprint.instances.len() as u32;
        let path = format!("m[{instance}]");
        let place = Place {
            path: &path,
            index: [instance, 0, 0],
            instance,
            seed: 1,
        };
        let shape = Arc::new(
            kind.shape(&params, place, &self.blueprint.resources, &mut self.probe)
                .unwrap(),
        );
        self.blueprint.instances.push(Instance {
            path,
            kind: number,
            params,
            domain,
            index: [instance, 0, 0],
            shape,
        });
        instance
    }

    fn port(&self, instance: u32, name: &str) -> PortRef {
        let ports = &self.blueprint.instances[instance as usize].shape.ports;
        let port = ports.iter().position(|port| port.name == name).unwrap();
        PortRef {
            instance,
            port: port as u16,
        }
    }

    pub fn wire(
        &mut self,
        from: (u32, &str),
        to: (u32, &str),
        depth: u32,
        latency: u32,
        credit: u32,
    ) {
        self.wide_wire(from, to, depth, latency, credit, 1);
    }

    pub fn wide_wire(
        &mut self,
        from: (u32, &str),
        to: (u32, &str),
        depth: u32,
        latency: u32,
        credit: u32,
        lanes: u8,
    ) {
        let wire = Wire {
            from: self.port(from.0, from.1),
            to: self.port(to.0, to.1),
            depth,
            latency,
            credit,
            lanes,
        };
        self.blueprint.wires.push(wire);
    }

    pub fn boot(&self, placement: &Placement, host: &HostOptions) -> Machine {
        Machine::boot(
            &Arc::new(self.blueprint.clone()),
            &self.catalogue,
            placement,
            host,
        )
        .unwrap()
    }
}

/// Collects the digests of all epochs.
#[derive(Default)]
pub struct Digests(pub Vec<EpochRecord>);
impl Observer for Digests {
    fn epoch(&mut self, record: EpochRecord) {
        self.0.push(record);
    }
}

/// Pushes 0, 1, 2, … when there is room.
pub struct Counter {
    out: Out<u64>,
    next: u64,
    limit: u64,
}
impl Module for Counter {
    const KIND: &'static str = "test.counter";
    const SUMMARY: &'static str = "counts | out: u64";
    type Params = u64;
    fn build(limit: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            next: 0,
            limit,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.next == self.limit {
            return Effect::Done;
        }
        if self.out.has_room() {
            self.out.push(self.next);
            self.next += 1;
        }
        Effect::Receive
    }
    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.next);
    }
}

/// Pops an item, multiplies and adds, pushes it.
pub struct Stage {
    input: In<u64>,
    out: Out<u64>,
}
impl Module for Stage {
    const KIND: &'static str = "test.stage";
    const SUMMARY: &'static str = "x × A + 1 | in: u64 | out: u64";
    type Params = ();
    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.out.has_room()
            && let Some(value) = self.input.try_pop()
        {
            self.out.push(
                value
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1),
            );
        }
        Effect::Receive
    }
    fn state(&mut self, _state: &mut State<'_>) {}
}

/// Pops whatever comes, counts and xors.
pub struct Sink {
    input: In<u64>,
    count: u64,
    check: u64,
}
impl Module for Sink {
    const KIND: &'static str = "test.sink";
    const SUMMARY: &'static str = "counts and xors | in: u64";
    type Params = ();
    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            count: 0,
            check: 0,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(value) = self.input.try_pop() {
            self.count += 1;
            self.check ^= value;
        }
        Effect::Receive
    }
    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.count).value(&mut self.check);
    }
    fn report(&self, results: &mut Results) {
        results.count("count", self.count);
        results.check("check", self.check);
    }
}

/// Parameters of [`Mixer`].
#[derive(Clone, Deserialize)]
pub struct MixerParams {
    pub inputs: u64,
    pub outputs: u64,
    pub habit: u64,
}

/// Takes items from any inputs at random, keeps some, and sends to any outputs at random, with
/// random naps: a module with every habit the engine allows.
pub struct Mixer {
    inputs: Box<[In<u64>]>,
    outputs: Box<[Out<u64>]>,
    held: [u64; 8],
    held_count: usize,
    habit: u64,
    awake_at: Cycle,
    random: Random,
    sum: u64,
}
impl Module for Mixer {
    const KIND: &'static str = "test.mixer";
    const SUMMARY: &'static str = "mixes | in[n]: u64 | out[n]: u64";
    type Params = MixerParams;
    fn build(params: MixerParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            inputs: (0..params.inputs)
                .map(|index| wiring.wide_input(&format!("in[{index}]"), 4))
                .collect::<Result<_, _>>()?,
            outputs: (0..params.outputs)
                .map(|index| wiring.wide_output(&format!("out[{index}]"), 4))
                .collect::<Result<_, _>>()?,
            held: [0; 8],
            held_count: 0,
            habit: params.habit,
            awake_at: 0,
            random: wiring.random(0),
            sum: 0,
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        // A nap that a port may not cut short: asked for again when woken early.
        if now < self.awake_at {
            return Effect::Sleep(self.awake_at - now);
        }
        let mut acted = false;
        for input in &mut self.inputs {
            for _ in 0..input.lanes() {
                if self.held_count < self.held.len()
                    && let Some(value) = input.try_pop()
                {
                    self.sum = self.sum.rotate_left(7) ^ value;
                    self.held[self.held_count] = value.wrapping_add(self.sum).wrapping_add(now);
                    self.held_count += 1;
                    acted = true;
                }
            }
        }
        for output in &mut self.outputs {
            for _ in 0..output.lanes() {
                if self.held_count > 0 && output.try_push(self.held[self.held_count - 1]).is_ok() {
                    self.held_count -= 1;
                    acted = true;
                }
            }
        }
        if acted && self.habit > 0 && self.random.below(self.habit) == 0 {
            let nap = 1 + self.random.below(40);
            self.awake_at = now + nap;
            return Effect::Sleep(nap);
        }
        Effect::Receive
    }
    fn state(&mut self, state: &mut State<'_>) {
        state
            .value(&mut self.held)
            .value(&mut self.held_count)
            .value(&mut self.awake_at)
            .value(&mut self.random)
            .value(&mut self.sum);
    }
    fn report(&self, results: &mut Results) {
        results.check("sum", self.sum);
    }
}

pub fn catalogue() -> Catalogue {
    Catalogue::new()
        .with::<Counter>()
        .with::<Stage>()
        .with::<Sink>()
        .with::<Mixer>()
}

/// W1 of the workloads: a chain of `stages` between a counter and a sink.
pub fn pipeline(stages: u32) -> Board {
    let mut board = Board::new(catalogue()).single_clock();
    let source = board.add("test.counter", 0, u64::MAX);
    let mut last = (source, "out");
    for _ in 0..stages {
        let stage = board.add("test.stage", 0, ());
        board.wire(last, (stage, "in"), 2, 1, 1);
        last = (stage, "out");
    }
    let sink = board.add("test.sink", 0, ());
    board.wire(last, (sink, "in"), 2, 1, 1);
    board
}

/// Contiguous blocks of instances.
pub fn blocks(board: &Board, shard_count: usize) -> Placement {
    let count = board.blueprint.instances.len();
    Placement {
        shard_count,
        shard_of: (0..count)
            .map(|index| (index * shard_count / count) as u8)
            .collect(),
    }
}

/// How a run ended, its epochs, results, and the digests of its wires.
pub type Seen = (Outcome, Vec<EpochRecord>, Vec<InstanceResults>, Vec<u64>);

/// A run that pauses at the end of the epoch of cycle `pause` in one place and goes on from its
/// snapshot in another, if it has not ended before.
pub fn moved(
    board: &Board,
    places: [(&Placement, &HostOptions); 2],
    pause: u64,
    limits: &Limits,
) -> Seen {
    let [first, second] = places;
    let mut digests = Digests::default();
    let mut machine = board.boot(first.0, first.1);
    let mut report = machine.run_part(limits, pause, &mut digests);
    if report.is_none() {
        let snapshot = machine.snapshot().unwrap();
        drop(machine);
        machine = board.boot(second.0, second.1);
        machine.restore(Arc::new(snapshot.clone())).unwrap();
        // Nothing is lost or changed by putting it back.
        assert_eq!(machine.cycle(), snapshot.cycle(&board.blueprint));
        report = Some(machine.run(limits, &mut digests));
    }
    (
        report.unwrap().outcome,
        digests.0,
        machine.results(),
        machine.wire_digests(),
    )
}
