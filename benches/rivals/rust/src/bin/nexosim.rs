//! NeXosim: a model per module, an event per item and per slot given back, and a clock that broadcasts to all
//! models once per nanosecond. Timed, exact.
//!
//! What is sent in a cycle may arrive before or after the receiver's own tick of that cycle, so it
//! carries the cycle, and the receiver does not count it before the next one.
#![forbid(unsafe_code)]

use nexosim::model::Model;
use nexosim::ports::{EventSource, Output, QuerySource};
use nexosim::simulation::{Mailbox, QueryId, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use std::time::Duration;
use tina_rivals::arguments::{Arguments, Workload};
use tina_rivals::report::{self, Results, Run};
use tina_rivals::rules;

const SLOTS: u32 = 2;
const PERIOD: Duration = Duration::from_nanos(1);
const NEVER: u64 = u64::MAX;

fn main() -> ExitCode {
    report::main("nexosim", |arguments| match arguments.workload {
        Workload::Pipeline { stages } => Some(pipeline(stages, arguments)),
        Workload::Systolic { side } => Some(systolic(side, arguments)),
        Workload::Mesh { .. } => None,
    })
}

/// An item and the cycle it was pushed in.
type Item = (u64, u64);

/// A count whose latest gain does not show in the cycle it was made in.
#[derive(Serialize, Deserialize)]
struct Count {
    value: u32,
    latest: u64,
}

impl Count {
    fn new(value: u32) -> Self {
        Self {
            value,
            latest: NEVER,
        }
    }

    fn gain(&mut self, cycle: u64) {
        self.value += 1;
        self.latest = cycle;
    }

    fn shows(&self, cycle: u64) -> bool {
        self.value > u32::from(self.latest == cycle)
    }
}

/// The end of a FIFO where items arrive; it has the slots.
#[derive(Serialize, Deserialize)]
struct Inlet {
    items: [u64; SLOTS as usize],
    first: u32,
    count: Count,
    freed: Output<u64>,
}

impl Inlet {
    fn new() -> Self {
        Self {
            items: [0; SLOTS as usize],
            first: 0,
            count: Count::new(0),
            freed: Output::default(),
        }
    }

    fn arrive(&mut self, (item, cycle): Item) {
        let slot = (self.first + self.count.value) % SLOTS;
        self.items[slot as usize] = item;
        self.count.gain(cycle);
    }

    fn ready(&self, cycle: u64) -> bool {
        self.count.shows(cycle)
    }

    async fn pop(&mut self, cycle: u64) -> u64 {
        let item = self.items[self.first as usize];
        self.first = (self.first + 1) % SLOTS;
        self.count.value -= 1;
        self.freed.send(cycle).await;
        item
    }
}

/// The end of a FIFO where items leave; it counts the slots.
#[derive(Serialize, Deserialize)]
struct Outlet {
    room: Count,
    items: Output<Item>,
}

impl Outlet {
    fn new() -> Self {
        Self {
            room: Count::new(SLOTS),
            items: Output::default(),
        }
    }

    fn has_room(&self, cycle: u64) -> bool {
        self.room.shows(cycle)
    }

    async fn push(&mut self, item: u64, cycle: u64) {
        self.room.value -= 1;
        self.items.send((item, cycle)).await;
    }
}

/// Sends numbers: 0, 1, 2, … or pseudo-random ones.
#[derive(Serialize, Deserialize)]
struct Source {
    cycle: u64,
    /// The next number, or the state of the generator.
    state: u64,
    is_random: bool,
    out: Outlet,
}

#[Model]
impl Source {
    fn new(state: u64, is_random: bool) -> Self {
        Self {
            cycle: 0,
            state,
            is_random,
            out: Outlet::new(),
        }
    }

    fn freed(&mut self, cycle: u64) {
        self.out.room.gain(cycle);
    }

    async fn tick(&mut self) {
        let cycle = self.cycle;
        self.cycle += 1;
        if !self.out.has_room(cycle) {
            return;
        }
        let item = if self.is_random {
            self.state = rules::step(self.state);
            rules::operand(self.state)
        } else {
            self.state += 1;
            self.state - 1
        };
        self.out.push(item, cycle).await;
    }
}

#[derive(Serialize, Deserialize)]
struct Stage {
    cycle: u64,
    input: Inlet,
    out: Outlet,
}

#[Model]
impl Stage {
    fn new() -> Self {
        Self {
            cycle: 0,
            input: Inlet::new(),
            out: Outlet::new(),
        }
    }

    fn item(&mut self, item: Item) {
        self.input.arrive(item);
    }

    fn freed(&mut self, cycle: u64) {
        self.out.room.gain(cycle);
    }

    async fn tick(&mut self) {
        let cycle = self.cycle;
        self.cycle += 1;
        if self.input.ready(cycle) && self.out.has_room(cycle) {
            let item = rules::stage(self.input.pop(cycle).await);
            self.out.push(item, cycle).await;
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Sink {
    cycle: u64,
    input: Inlet,
    count: u64,
    check: u64,
}

#[Model]
impl Sink {
    fn new() -> Self {
        Self {
            cycle: 0,
            input: Inlet::new(),
            count: 0,
            check: 0,
        }
    }

    fn item(&mut self, item: Item) {
        self.input.arrive(item);
    }

    async fn tick(&mut self) {
        let cycle = self.cycle;
        self.cycle += 1;
        if self.input.ready(cycle) {
            self.check ^= self.input.pop(cycle).await;
            self.count += 1;
        }
    }

    /// Items taken and their xor.
    async fn totals(&mut self) -> (u64, u64) {
        (self.count, self.check)
    }
}

#[derive(Serialize, Deserialize)]
struct Element {
    cycle: u64,
    west: Inlet,
    north: Inlet,
    east: Outlet,
    south: Outlet,
    sum: u64,
    firings: u64,
}

#[Model]
impl Element {
    fn new() -> Self {
        Self {
            cycle: 0,
            west: Inlet::new(),
            north: Inlet::new(),
            east: Outlet::new(),
            south: Outlet::new(),
            sum: 0,
            firings: 0,
        }
    }

    fn west_item(&mut self, item: Item) {
        self.west.arrive(item);
    }

    fn north_item(&mut self, item: Item) {
        self.north.arrive(item);
    }

    fn east_freed(&mut self, cycle: u64) {
        self.east.room.gain(cycle);
    }

    fn south_freed(&mut self, cycle: u64) {
        self.south.room.gain(cycle);
    }

    async fn tick(&mut self) {
        let cycle = self.cycle;
        self.cycle += 1;
        let has_items = self.west.ready(cycle) && self.north.ready(cycle);
        if has_items && self.east.has_room(cycle) && self.south.has_room(cycle) {
            let a = self.west.pop(cycle).await;
            let b = self.north.pop(cycle).await;
            self.sum = self.sum.wrapping_add(a.wrapping_mul(b));
            self.firings += 1;
            self.east.push(a, cycle).await;
            self.south.push(b, cycle).await;
        }
    }

    /// The accumulator and the firings.
    async fn totals(&mut self) -> (u64, u64) {
        (self.sum, self.firings)
    }
}

/// A model that is not yet in the bench, with its mailbox.
struct Draft<M: Model>(M, Mailbox<M>);

impl<M: Model> Draft<M> {
    fn new(model: M) -> Self {
        Self(model, Mailbox::new())
    }
}

/// What asks a model for its two totals.
type Query = QueryId<(), (u64, u64)>;

/// The clock of all models.
type Clock = EventSource<()>;

fn ask(simulation: &mut Simulation, query: &Query) -> (u64, u64) {
    let reply = simulation.process_query(query, ());
    reply.expect("the model answers")
}

/// Starts the bench and runs it; the clock ticks at 1 ns, 2 ns, …
fn measure(
    mut bench: SimInit,
    clock: Clock,
    cycles: u64,
    collect: impl FnOnce(&mut Simulation) -> Results,
) -> Run {
    let tick = clock.register(&mut bench);
    let start = bench.init(MonotonicTime::EPOCH);
    let mut simulation = start.expect("the bench is whole");
    let ticking = simulation
        .scheduler()
        .schedule_periodic_event(PERIOD, PERIOD, &tick, ());
    ticking.expect("it lies in the future");
    Run::of(|| {
        let run = simulation.step_until(Duration::from_nanos(cycles));
        run.expect("no model fails");
        collect(&mut simulation)
    })
}

fn pipeline(stage_count: usize, arguments: Arguments) -> Run {
    let mut source = Draft::new(Source::new(0, false));
    let mut stages: Vec<_> = (0..stage_count).map(|_| Draft::new(Stage::new())).collect();
    let mut sink = Draft::new(Sink::new());

    let mut clock = Clock::new().connect(Source::tick, &source.1);
    for stage in &stages {
        clock = clock.connect(Stage::tick, &stage.1);
    }
    clock = clock.connect(Sink::tick, &sink.1);

    source.0.out.items.connect(Stage::item, &stages[0].1);
    stages[0].0.input.freed.connect(Source::freed, &source.1);
    for number in 1..stage_count {
        let (before, after) = stages.split_at_mut(number);
        let (before, after) = (&mut before[number - 1], &mut after[0]);
        before.0.out.items.connect(Stage::item, &after.1);
        after.0.input.freed.connect(Stage::freed, &before.1);
    }
    let last = &mut stages[stage_count - 1];
    last.0.out.items.connect(Sink::item, &sink.1);
    sink.0.input.freed.connect(Stage::freed, &last.1);

    let mut bench = SimInit::with_num_threads(arguments.threads);
    let totals = QuerySource::new()
        .connect(Sink::totals, &sink.1)
        .register(&mut bench);
    bench = bench.add_model(source.0, source.1, "source");
    for stage in stages {
        bench = bench.add_model(stage.0, stage.1, "stage");
    }
    bench = bench.add_model(sink.0, sink.1, "sink");
    measure(bench, clock, arguments.cycles, |simulation| {
        let (count, check) = ask(simulation, &totals);
        Results::Pipeline { count, check }
    })
}

/// The array before it is put into the bench; rows and columns one after the other.
struct Array {
    side: usize,
    elements: Vec<Draft<Element>>,
    /// Those of the rows, then those of the columns.
    sources: Vec<Draft<Source>>,
    sinks: Vec<Draft<Sink>>,
}

impl Array {
    fn new(side: usize) -> Self {
        let source = |number| Draft::new(Source::new(rules::first_state(number), true));
        let mut array = Self {
            side,
            elements: (0..side * side)
                .map(|_| Draft::new(Element::new()))
                .collect(),
            sources: (0..2 * side).map(source).collect(),
            sinks: (0..2 * side).map(|_| Draft::new(Sink::new())).collect(),
        };
        array.connect_elements();
        array.connect_edges();
        array
    }

    fn connect_elements(&mut self) {
        let side = self.side;
        for number in 0..side * side {
            let (before, after) = self.elements.split_at_mut(number);
            let here = &mut after[0];
            if number % side > 0 {
                let west = &mut before[number - 1];
                west.0.east.items.connect(Element::west_item, &here.1);
                here.0.west.freed.connect(Element::east_freed, &west.1);
            }
            if number >= side {
                let north = &mut before[number - side];
                north.0.south.items.connect(Element::north_item, &here.1);
                here.0.north.freed.connect(Element::south_freed, &north.1);
            }
        }
    }

    fn connect_edges(&mut self) {
        let side = self.side;
        let (row_sources, column_sources) = self.sources.split_at_mut(side);
        let (row_sinks, column_sinks) = self.sinks.split_at_mut(side);
        for index in 0..side {
            let (source, first) = (&mut row_sources[index], &mut self.elements[index * side]);
            source.0.out.items.connect(Element::west_item, &first.1);
            first.0.west.freed.connect(Source::freed, &source.1);
            let (source, first) = (&mut column_sources[index], &mut self.elements[index]);
            source.0.out.items.connect(Element::north_item, &first.1);
            first.0.north.freed.connect(Source::freed, &source.1);

            let last = &mut self.elements[index * side + side - 1];
            let sink = &mut row_sinks[index];
            last.0.east.items.connect(Sink::item, &sink.1);
            sink.0.input.freed.connect(Element::east_freed, &last.1);
            let last = &mut self.elements[(side - 1) * side + index];
            let sink = &mut column_sinks[index];
            last.0.south.items.connect(Sink::item, &sink.1);
            sink.0.input.freed.connect(Element::south_freed, &last.1);
        }
    }

    fn clock(&self) -> Clock {
        let mut clock = Clock::new();
        for source in &self.sources {
            clock = clock.connect(Source::tick, &source.1);
        }
        for element in &self.elements {
            clock = clock.connect(Element::tick, &element.1);
        }
        for sink in &self.sinks {
            clock = clock.connect(Sink::tick, &sink.1);
        }
        clock
    }
}

fn systolic(side: usize, arguments: Arguments) -> Run {
    let array = Array::new(side);
    let clock = array.clock();
    let mut bench = SimInit::with_num_threads(arguments.threads);
    let (mut element_totals, mut sink_totals): (Vec<Query>, Vec<Query>) = (Vec::new(), Vec::new());
    for element in array.elements {
        let query = QuerySource::new().connect(Element::totals, &element.1);
        element_totals.push(query.register(&mut bench));
        bench = bench.add_model(element.0, element.1, "element");
    }
    for source in array.sources {
        bench = bench.add_model(source.0, source.1, "source");
    }
    for sink in array.sinks {
        let query = QuerySource::new().connect(Sink::totals, &sink.1);
        sink_totals.push(query.register(&mut bench));
        bench = bench.add_model(sink.0, sink.1, "sink");
    }
    measure(bench, clock, arguments.cycles, |simulation| {
        let (mut total, mut fired, mut drained) = (0u64, 0, 0);
        for query in &element_totals {
            let (sum, firings) = ask(simulation, query);
            total = total.wrapping_add(sum);
            fired += firings;
        }
        for query in &sink_totals {
            drained += ask(simulation, query).0;
        }
        Results::Systolic {
            sum: total,
            firings: fired,
            drained,
        }
    })
}
