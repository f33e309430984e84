//! Who lives where, and what every shard's arena must hold: the boot specification, checked and
//! summed up before anything is mapped.

mod check;
mod fifo;

pub(crate) use fifo::{FifoPlan, Role};

use crate::bank::BANK_DEPTH;
use crate::blueprint::{Blueprint, PortRef, Wire};
use crate::fifo::{FIFO_ALIGN, ShardHead, slot_stride};
use crate::group::{CHUNK, group_bytes};
use crate::handle::{CONSOLE_BYTES, Verdict};
use crate::inlet::inlet_bytes;
use crate::kind::Catalogue;
use crate::link::{frame_words_max, ring_lines};
use crate::ring::ring_bytes;
use crate::time::{Tick, Timebase, TimebaseError};
use crate::vector::vector_bytes;
use crate::wheel::Wheel;
use crate::wiring::Unconnected;
use check::{check_instances, check_placement, check_recorded, check_wires};
use std::collections::BTreeMap;
use std::fmt;

/// Which shard each instance lives in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// How many shards there are; some may be empty.
    pub shard_count: usize,
    /// Per instance: its shard.
    pub shard_of: Vec<u8>,
}

impl Placement {
    /// Everything in one shard.
    #[must_use]
    pub fn single(instance_count: usize) -> Self {
        Self {
            shard_count: 1,
            shard_of: vec![0; instance_count],
        }
    }

    /// The same with all shards that one of `thread_count` threads hosts joined into one.
    pub(crate) fn joined(
        &self,
        blueprint: &Blueprint,
        thread_count: usize,
    ) -> Result<Self, PlanError> {
        check_placement(blueprint, self)?;
        let mut host_of = vec![0; self.shard_count];
        for thread in 0..thread_count {
            host_of[hosted(thread, thread_count, self.shard_count)].fill(thread as u8);
        }
        let host = |&shard: &u8| host_of[usize::from(shard)];
        Ok(Self {
            shard_count: thread_count,
            shard_of: self.shard_of.iter().map(host).collect(),
        })
    }
}

/// The shards that a thread hosts: neighbours in number.
pub(crate) fn hosted(
    thread: usize,
    thread_count: usize,
    shard_count: usize,
) -> std::ops::Range<usize> {
    thread * shard_count / thread_count..(thread + 1) * shard_count / thread_count
}

/// A blueprint or placement that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// The clock domains have no common tick.
    Timebase(TimebaseError),
    /// Number of shards out of range, or a placement that does not match the instances.
    Placement(String),
    /// A wire breaks a limit or joins ports that do not fit.
    Wire {
        /// Number of the wire.
        wire: usize,
        /// What is wrong, with value and limit.
        message: String,
    },
    /// An instance has an unconnected port, or a kind or clock domain that does not exist.
    Instance {
        /// Number of the instance.
        instance: usize,
        /// What is wrong.
        message: String,
    },
    /// An epoch of no cycles.
    EpochZero,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timebase(error) => error.fmt(f),
            Self::Placement(message) => f.write_str(message),
            Self::Wire { wire, message } => write!(f, "wire {wire}: {message}"),
            Self::Instance { instance, message } => write!(f, "instance {instance}: {message}"),
            Self::EpochZero => f.write_str("an epoch has at least 1 cycle"),
        }
    }
}

impl std::error::Error for PlanError {}

/// One line of a shard's memory plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it is for.
    pub name: String,
    /// How many items.
    pub count: usize,
    /// Bytes in all.
    pub bytes: usize,
}

/// Modules of one kind and domain that are swept together.
#[derive(Clone, Debug)]
pub(crate) struct GroupPlan {
    pub(crate) kind: u32,
    pub(crate) domain: u8,
    /// Whether its modules are elements that are fired together.
    pub(crate) vector: bool,
    /// Whether its modules touch cut wires, so that they are swept before the frame is sent.
    pub(crate) boundary: bool,
    pub(crate) instances: Vec<u32>,
}

/// Traffic between a shard and one neighbour: wire numbers in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkPlan {
    pub(crate) outgoing: Vec<u32>,
    pub(crate) incoming: Vec<u32>,
}

impl LinkPlan {
    /// Words of the largest frame sent on this link.
    pub(crate) fn frame_words(&self, blueprint: &Blueprint) -> usize {
        let items: Vec<(usize, usize)> = self
            .outgoing
            .iter()
            .map(|&number| {
                let wire = &blueprint.wires[number as usize];
                (
                    slot_stride(wire.signal_bytes(blueprint)) / 8 - 1,
                    usize::from(wire.lanes),
                )
            })
            .collect();
        frame_words_max(&items, self.incoming.len())
    }

    /// Lines of the ring that carries those frames.
    pub(crate) fn ring_lines(&self, blueprint: &Blueprint) -> usize {
        ring_lines(self.frame_words(blueprint))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ShardPlan {
    pub(crate) groups: Vec<GroupPlan>,
    pub(crate) fifos: Vec<FifoPlan>,
    pub(crate) links: BTreeMap<u8, LinkPlan>,
    pub(crate) node_count: usize,
    pub(crate) regions: Vec<Region>,
    /// Bytes of the rings it sends on; they belong to two shards, so they lie outside the arenas.
    pub(crate) ring_bytes: usize,
}

impl ShardPlan {
    pub(crate) fn bytes(&self) -> usize {
        self.regions.iter().map(|region| region.bytes).sum()
    }
}

/// What is to be seen of a machine besides its results.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    /// Wires that can be recorded, in ascending order.
    pub(crate) recorded: &'a [u32],
    /// Whether stalls are looked for.
    pub(crate) stalls: bool,
}

/// The whole machine, placed and summed up.
pub struct Plan {
    pub(crate) timebase: Timebase,
    pub(crate) shards: Vec<ShardPlan>,
}

impl Plan {
    /// The memory plan of each shard, itemised.
    #[must_use]
    pub fn regions(&self) -> Vec<&[Region]> {
        self.shards
            .iter()
            .map(|shard| shard.regions.as_slice())
            .collect()
    }

    /// Checks a blueprint and a placement and lays out every shard; with `vectors`, elements are
    /// fired many at a time.
    ///
    /// # Errors
    /// The first thing that cannot be built; whoever wrote the blueprint reports all of them.
    pub fn new(
        blueprint: &Blueprint,
        catalogue: &Catalogue,
        placement: &Placement,
        vectors: bool,
    ) -> Result<Self, PlanError> {
        let watched = Watched {
            recorded: &[],
            stalls: false,
        };
        Self::watching(blueprint, catalogue, placement, vectors, watched)
    }

    /// The same where something is watched.
    pub(crate) fn watching(
        blueprint: &Blueprint,
        catalogue: &Catalogue,
        placement: &Placement,
        vectors: bool,
        watched: Watched<'_>,
    ) -> Result<Self, PlanError> {
        check_recorded(blueprint, watched.recorded)?;
        let timebase = Timebase::of(&blueprint.domains).map_err(PlanError::Timebase)?;
        check_placement(blueprint, placement)?;
        check_instances(blueprint, catalogue)?;
        check_wires(blueprint)?;
        if blueprint.epoch_cycles == 0 {
            return Err(PlanError::EpochZero);
        }
        let mut shards = vec![ShardPlan::default(); placement.shard_count];
        let boundary = place_wires(blueprint, placement, &mut shards);
        mark_recorded(&mut shards, watched.recorded);
        if watched.stalls {
            mark_timed(blueprint, &timebase, &mut shards);
        }
        place_instances(blueprint, placement, &boundary, &mut shards);
        if vectors {
            place_elements(blueprint, catalogue, &mut shards);
        }
        let mut rank = vec![0; blueprint.instances.len()];
        for shard in &mut shards {
            order_fifos(blueprint, shard, &mut rank);
            shard.sum_up(blueprint, catalogue);
        }
        Ok(Self { timebase, shards })
    }

    /// Ticks by which the consumer of a wire may run ahead of its producer's last edge.
    pub(crate) fn item_reach(&self, blueprint: &Blueprint, wire: &Wire) -> Tick {
        let domain = blueprint.instances[wire.to.instance as usize].domain;
        u64::from(wire.latency - 1) * self.timebase.period_ticks[usize::from(domain)] + 1
    }

    /// Ticks by which the producer of a wire may run ahead of its consumer's last edge.
    pub(crate) fn credit_reach(&self, blueprint: &Blueprint, wire: &Wire) -> Tick {
        let domain = blueprint.instances[wire.from.instance as usize].domain;
        u64::from(wire.credit - 1) * self.timebase.period_ticks[usize::from(domain)] + 1
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, shard) in self.shards.iter().enumerate() {
            writeln!(
                f,
                "shard {number}: {} bytes, and {} of rings",
                shard.bytes(),
                shard.ring_bytes
            )?;
            for region in &shard.regions {
                writeln!(
                    f,
                    "  {:>12} bytes  {:>9} × {}",
                    region.bytes, region.count, region.name
                )?;
            }
        }
        Ok(())
    }
}

/// Distributes wires over shards and links; which instances touch a cut wire.
fn place_wires(
    blueprint: &Blueprint,
    placement: &Placement,
    shards: &mut [ShardPlan],
) -> Vec<bool> {
    let mut boundary = vec![false; blueprint.instances.len()];
    for (number, wire) in blueprint.wires.iter().enumerate() {
        let number = number as u32;
        let from = placement.shard_of[wire.from.instance as usize];
        let to = placement.shard_of[wire.to.instance as usize];
        if from == to {
            shards[usize::from(from)].fifos.push(FifoPlan {
                wire: number,
                role: Role::Local,
                banked: false,
                recorded: None,
                timed: false,
            });
            continue;
        }
        boundary[wire.from.instance as usize] = true;
        boundary[wire.to.instance as usize] = true;
        let producer = &mut shards[usize::from(from)];
        producer.fifos.push(FifoPlan {
            wire: number,
            role: Role::Egress(to),
            banked: false,
            recorded: None,
            timed: false,
        });
        producer.links.entry(to).or_default().outgoing.push(number);
        let consumer = &mut shards[usize::from(to)];
        consumer.fifos.push(FifoPlan {
            wire: number,
            role: Role::Ingress(from),
            banked: false,
            recorded: None,
            timed: false,
        });
        consumer
            .links
            .entry(from)
            .or_default()
            .incoming
            .push(number);
    }
    boundary
}

/// Numbers the FIFOs of recorded wires.
fn mark_recorded(shards: &mut [ShardPlan], recorded: &[u32]) {
    for fifo in shards.iter_mut().flat_map(|shard| &mut shard.fifos) {
        let number = recorded.binary_search(&fifo.wire).ok();
        fifo.recorded = number.map(|number| number as u32);
    }
}

/// Has the ticks of pushes kept where a producer can find no room although its consumer took every item
/// as soon as it saw it.
fn mark_timed(blueprint: &Blueprint, timebase: &Timebase, shards: &mut [ShardPlan]) {
    let period = |end: PortRef| {
        let domain = blueprint.instances[end.instance as usize].domain;
        timebase.period_ticks[usize::from(domain)]
    };
    for fifo in shards.iter_mut().flat_map(|shard| &mut shard.fifos) {
        let wire = &blueprint.wires[fifo.wire as usize];
        fifo.timed = !matches!(fifo.role, Role::Ingress(_))
            && wire.is_tight(period(wire.from), period(wire.to));
    }
}

fn place_instances(
    blueprint: &Blueprint,
    placement: &Placement,
    boundary: &[bool],
    shards: &mut [ShardPlan],
) {
    let mut groups: Vec<BTreeMap<(bool, u32, u8), GroupPlan>> = vec![BTreeMap::new(); shards.len()];
    for (number, instance) in blueprint.instances.iter().enumerate() {
        let interior = !boundary[number];
        groups[usize::from(placement.shard_of[number])]
            .entry((interior, instance.kind, instance.domain))
            .or_insert_with(|| GroupPlan {
                kind: instance.kind,
                domain: instance.domain,
                vector: false,
                boundary: !interior,
                instances: Vec::new(),
            })
            .instances
            .push(number as u32);
    }
    for (shard, groups) in shards.iter_mut().zip(groups) {
        shard.groups = groups.into_values().collect();
    }
}

/// Decides which groups are fired together, and which wires between them stand in banks: those of two
/// slots and one edge that stay in the clock domain.
fn place_elements(blueprint: &Blueprint, catalogue: &Catalogue, shards: &mut [ShardPlan]) {
    let is_element = |instance: u32| {
        let kind = blueprint.instances[instance as usize].kind;
        catalogue.kind(kind).vector.is_some()
    };
    let domain = |end: PortRef| blueprint.instances[end.instance as usize].domain;
    for shard in shards {
        for group in &mut shard.groups {
            group.vector = catalogue.kind(group.kind).vector.is_some();
        }
        for fifo in shard
            .fifos
            .iter_mut()
            .filter(|fifo| fifo.role == Role::Local)
        {
            let wire = &blueprint.wires[fifo.wire as usize];
            let plain =
                (wire.depth, wire.latency, wire.credit, wire.lanes) == (BANK_DEPTH, 1, 1, 1);
            fifo.banked = plain
                && fifo.recorded.is_none()
                && domain(wire.from) == domain(wire.to)
                && is_element(wire.from.instance)
                && is_element(wire.to.instance);
        }
    }
}

/// Puts FIFOs in the order in which sweeps visit them: by consumer, so that a module's inputs
/// stand side by side; egresses last, by producer.
/// `rank` is scratch: the place of each instance in its shard.
fn order_fifos(blueprint: &Blueprint, shard: &mut ShardPlan, rank: &mut [u32]) {
    for (index, &number) in shard
        .groups
        .iter()
        .flat_map(|group| &group.instances)
        .enumerate()
    {
        rank[number as usize] = index as u32;
    }
    let key = |fifo: &FifoPlan| {
        let wire = &blueprint.wires[fifo.wire as usize];
        let (last, end): (bool, PortRef) = match fifo.role {
            Role::Local | Role::Ingress(_) => (false, wire.to),
            Role::Egress(_) => (true, wire.from),
        };
        (last, rank[end.instance as usize], end.port)
    };
    shard.fifos.sort_by_cached_key(key);
}

impl ShardPlan {
    fn sum_up(&mut self, blueprint: &Blueprint, catalogue: &Catalogue) {
        let mut regions = Vec::new();
        let mut region = |name: String, count: usize, bytes: usize| {
            if count > 0 {
                regions.push(Region { name, count, bytes });
            }
        };
        let head = size_of::<ShardHead>() + size_of::<Verdict>() + 64;
        region("head".to_owned(), 1, head);
        let flags: usize = self
            .groups
            .iter()
            .map(|group| flag_bytes(group.instances.len()))
            .sum();
        region("ready flags".to_owned(), self.groups.len(), flags + 64);
        let link_flags: usize = self
            .links
            .values()
            .map(|link| flag_bytes(link.outgoing.len()) + flag_bytes(link.incoming.len()) + 128)
            .sum();
        region("link flags".to_owned(), self.links.len(), link_flags);
        let mut console_count = 0;
        let mut inlets = (0, 0);
        let mut memory_bytes = 0;
        let mut memory_count = 0;
        let mut module_count = 0;
        for group in &self.groups {
            let kind = catalogue.kind(group.kind);
            let count = group.instances.len();
            module_count += count;
            region(
                format!("modules {}", kind.name()),
                count,
                match kind.vector {
                    Some(vector) if group.vector => {
                        vector_bytes(count, vector.input_count, vector.word_count)
                    }
                    _ => group_bytes(count, kind.layout()),
                },
            );
            for &number in &group.instances {
                let shape = &blueprint.instances[number as usize].shape;
                console_count += shape.console_count;
                if shape.inlet_bytes > 0 {
                    inlets = (inlets.0 + 1, inlets.1 + inlet_bytes(shape.inlet_bytes));
                }
                memory_bytes += shape.memory_bytes + if shape.memory_bytes > 0 { 64 } else { 0 };
                memory_count += usize::from(shape.memory_bytes > 0);
            }
        }
        self.node_count = module_count;
        let mut fifo_bytes = 0;
        for fifo in &self.fifos {
            let wire = &blueprint.wires[fifo.wire as usize];
            fifo_bytes += fifo.bytes(wire, wire.signal_bytes(blueprint));
            self.node_count += fifo.node_count(wire);
        }
        region(
            "FIFOs".to_owned(),
            self.fifos.len(),
            fifo_bytes + FIFO_ALIGN,
        );
        region("ports without a wire".to_owned(), 2, Unconnected::BYTES);
        // A shard without modules has a wheel too, of the one node that stands for nobody.
        region(
            "timing wheel nodes".to_owned(),
            self.node_count + 1,
            Wheel::bytes(self.node_count),
        );
        // The entries, their count, and the start of whatever follows on a line of its own.
        region(
            "consoles".to_owned(),
            console_count,
            console_count * CONSOLE_BYTES,
        );
        region("inlets".to_owned(), inlets.0, inlets.1);
        region("memories".to_owned(), memory_count, memory_bytes);
        self.regions = regions;
        self.ring_bytes = self
            .links
            .values()
            .map(|link| ring_bytes(link.ring_lines(blueprint)))
            .sum();
    }
}

/// Bytes of flags for `count` wakers.
pub(crate) fn flag_bytes(count: usize) -> usize {
    count.next_multiple_of(CHUNK)
}
