//! Carves a shard's arena and builds its modules, on the thread that will run it.

use super::host::Outside;
use super::{DomainClock, FifoSlot, GroupSlot, Shard};
use crate::arena::{Arena, ArenaRef};
use crate::bank::{Banked, Store};
use crate::blueprint::{Blueprint, PortRef, Wire};
use crate::fifo::{ONE_TICK, RECORDED, RawFifo, ShardHead, TELLS_ALL, TIMED, slot_stride};
use crate::group::{Berth, Group};
use crate::kind::Catalogue;
use crate::link::{CutWire, Inbound, Outbound};
use crate::plan::{FifoPlan, Plan, Role, ShardPlan, flag_bytes};
use crate::port::PortBinding;
use crate::ring::{RingReader, RingWriter, lines_of};
use crate::tape::RecordPart;
use crate::time::Tick;
use crate::wheel::{Waker, Wheel};
use crate::wiring::{Bench, BuildError, Place, Unconnected};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a shard could not be built.
#[derive(Debug)]
pub(crate) enum BootShardError {
    /// The host refused the arena.
    Memory(io::Error),
    /// A module refused to be built, although its probe succeeded.
    Module(u32, BuildError),
}

/// The rings of a shard's links, by neighbour: made by the machine before any shard boots.
#[derive(Default)]
pub(crate) struct Rings {
    pub(crate) writers: BTreeMap<u8, RingWriter>,
    pub(crate) readers: BTreeMap<u8, RingReader>,
}

/// Everything known while a shard is being put together.
struct Builder<'a> {
    blueprint: &'a Blueprint,
    plan: &'a Plan,
    shard: &'a ShardPlan,
    arena: &'a Arena,
    head: ArenaRef<ShardHead>,
    /// Per group: offset of its first flag and its index in planes.
    first_flags: Vec<u32>,
    first_nodes: Vec<u32>,
    /// Per local instance: its waker. Sorted by instance number.
    wakers: Vec<(u32, Waker)>,
}

impl Shard {
    /// Builds shard `number` of the plan.
    pub(crate) fn boot(
        blueprint: &Blueprint,
        catalogue: &Catalogue,
        plan: &Plan,
        number: usize,
        rings: Rings,
        no_sleep: bool,
    ) -> Result<Self, BootShardError> {
        let shard = &plan.shards[number];
        let arena = Arena::map(shard.bytes()).map_err(BootShardError::Memory)?;
        let head: ArenaRef<ShardHead> = arena.carve_shared();
        let flags: usize = shard
            .groups
            .iter()
            .map(|group| flag_bytes(group.instances.len()))
            .sum();
        let verdict = arena.carve_shared();
        let _padding = arena.carve_bytes(0, 64);
        let flags: ArenaRef<[Cell<u64>]> = arena.carve_shared_slice(flags / 8);
        let mut builder = Builder {
            blueprint,
            plan,
            shard,
            arena: &arena,
            head,
            first_flags: Vec::new(),
            first_nodes: Vec::new(),
            wakers: Vec::new(),
        };
        builder.assign_flags(flag_offset(&arena, flags));
        // All flags come before the wheel and the FIFOs, which may be larger than a waker can reach.
        let mut links = builder.carve_link_flags();
        let wheel = Box::new(Wheel::carve(&arena, shard.node_count));
        head.wheel.set(&raw const *wheel);
        let carved = builder.carve_groups(catalogue, flags);
        let (fifos, bindings) = builder.carve_fifos(&carved, &mut links);
        let unconnected = Unconnected::carve(&arena, head);
        let mut consoles = Vec::new();
        let mut outside = Outside::default();
        let mut groups = Vec::new();
        for (index, (group, mut built)) in shard.groups.iter().zip(carved).enumerate() {
            let berth = builder.berth(index, flags);
            let own_flags = berth.flags.part(0, group.instances.len().div_ceil(8));
            for &instance in &group.instances {
                let spec = &blueprint.instances[instance as usize];
                let place = Place {
                    path: &spec.path,
                    index: spec.index,
                    instance,
                    seed: blueprint.seed,
                };
                let mut opened = Vec::new();
                let bench = Bench {
                    arena: &arena,
                    head,
                    verdict,
                    consoles: &mut opened,
                    inlets: &mut outside.inlets,
                    epoch_ticks: builder.epoch_ticks(),
                    shape: &spec.shape,
                    bindings: &bindings.ports[bindings.range(instance)],
                    banked: &bindings.banked[bindings.range(instance)],
                    unconnected,
                    own: builder.waker(instance),
                };
                let build = || built.build(&spec.params, place, &blueprint.resources, bench);
                contained(build).map_err(|error| BootShardError::Module(instance, error))?;
                consoles.extend(opened.into_iter().map(|console| (instance, console)));
            }
            built.seal();
            let slot = GroupSlot {
                every_edge: built.looks_at_every_edge(),
                group: built,
                domain: group.domain,
                flags: own_flags,
                due: false,
            };
            groups.push((group.boundary, slot));
        }
        let (outbound, inbound) = builder.link_ends(links, rings);
        let (boundary, interior): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(edge, _)| *edge);
        let domains = builder.domain_clocks();
        Ok(Self {
            missing: vec![0; inbound.len()].into_boxed_slice(),
            sampler: None,
            recorder: None,
            timekeeper: None,
            watch: Box::default(),
            next_watch: Tick::MAX,
            boundary: boundary.into_iter().map(|(_, slot)| slot).collect(),
            interior: interior.into_iter().map(|(_, slot)| slot).collect(),
            outbound,
            inbound,
            fifos,
            domains,
            consoles,
            outside,
            verdict,
            head,
            wheel,
            upcoming: 0,
            no_sleep,
            finishes: can_finish(blueprint, shard),
            faults: Vec::new(),
            digest: 0,
            digest_stale: true,
            arena,
        })
    }
}

/// Whether a module here can end the run.
fn can_finish(blueprint: &Blueprint, shard: &ShardPlan) -> bool {
    let mut instances = shard.groups.iter().flat_map(|group| &group.instances);
    instances.any(|&instance| blueprint.instances[instance as usize].shape.finishes)
}

/// Offset of the first of some flags from the arena's base, as wakers name it.
fn flag_offset(arena: &Arena, flags: ArenaRef<[Cell<u64>]>) -> u32 {
    let end = arena.offset_of(flags) + flags.len() * 8;
    assert!(
        u32::try_from(end).is_ok(),
        "wakers reach the first 4 GiB of an arena"
    );
    arena.offset_of(flags) as u32
}

/// Runs a module's `build`; a panic is its error.
fn contained(build: impl FnOnce() -> Result<(), BuildError>) -> Result<(), BuildError> {
    catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|payload| {
        let message = crate::panics::message_of(payload.as_ref());
        Err(BuildError::new(format!(
            "panicked while it was built: {message}"
        )))
    })
}

/// Ports of local instances, bound to FIFOs.
struct Bindings {
    /// First port of each local instance, by instance number.
    first: Vec<(u32, usize)>,
    ports: Vec<Option<PortBinding>>,
    banked: Vec<Option<Banked>>,
}

impl Bindings {
    fn index(&self, instance: u32) -> usize {
        self.first
            .binary_search_by_key(&instance, |entry| entry.0)
            .expect("only local instances are bound")
    }

    fn range(&self, instance: u32) -> Range<usize> {
        let index = self.index(instance);
        let end = self
            .first
            .get(index + 1)
            .map_or(self.ports.len(), |entry| entry.1);
        self.first[index].1..end
    }

    fn place(&self, end: PortRef) -> usize {
        self.first[self.index(end.instance)].1 + usize::from(end.port)
    }

    fn bind(&mut self, end: PortRef, binding: PortBinding) {
        let place = self.place(end);
        self.ports[place] = Some(binding);
    }

    fn bind_banked(&mut self, end: PortRef, fifo: Banked) {
        let place = self.place(end);
        self.banked[place] = Some(fifo);
    }
}

/// Both directions of one link while it is put together.
struct LinkParts {
    item_flags: (u32, ArenaRef<[Cell<u64>]>),
    pop_flags: (u32, ArenaRef<[Cell<u64>]>),
    egress: Vec<CutWire>,
    ingress: Vec<CutWire>,
}

impl Builder<'_> {
    /// Ticks of an epoch of the blueprint.
    fn epoch_ticks(&self) -> Tick {
        let cycles = self.blueprint.epoch_cycles;
        cycles.saturating_mul(self.plan.timebase.period_ticks[0])
    }

    fn assign_flags(&mut self, flags_offset: u32) {
        let mut flag = flags_offset;
        let mut node = 1;
        for group in &self.shard.groups {
            self.first_flags.push(flag);
            self.first_nodes.push(node);
            for (index, &instance) in group.instances.iter().enumerate() {
                self.wakers.push((instance, Waker(flag + index as u32)));
            }
            flag += flag_bytes(group.instances.len()) as u32;
            node += group.instances.len() as u32;
        }
        self.wakers.sort_unstable_by_key(|entry| entry.0);
    }

    fn waker(&self, instance: u32) -> Waker {
        let index = self.wakers.binary_search_by_key(&instance, |entry| entry.0);
        self.wakers[index.expect("only local instances are woken")].1
    }

    fn period_of(&self, instance: u32) -> Tick {
        let domain = self.blueprint.instances[instance as usize].domain;
        self.plan.timebase.period_ticks[usize::from(domain)]
    }

    fn berth(&self, index: usize, flags: ArenaRef<[Cell<u64>]>) -> Berth {
        let group = &self.shard.groups[index];
        let first_flag = self.first_flags[index];
        let start = first_flag as usize - self.arena.offset_of(flags);
        let count = group.instances.len();
        let words = if count <= 8 { 1 } else { flag_bytes(count) / 8 };
        Berth {
            capacity: group.instances.len(),
            first_flag,
            flags: flags.part(start / 8, words),
            first_node: self.first_nodes[index],
        }
    }

    fn domain_clocks(&self) -> Vec<DomainClock> {
        let periods = &self.plan.timebase.period_ticks;
        let used = |domain: usize| {
            self.shard
                .groups
                .iter()
                .any(|group| usize::from(group.domain) == domain)
        };
        periods
            .iter()
            .enumerate()
            .map(|(domain, &period)| DomainClock {
                period,
                next_edge: 0,
                cycle: 0,
                pending: used(domain),
                used: used(domain),
            })
            .collect()
    }

    fn carve_link_flags(&self) -> BTreeMap<u8, LinkParts> {
        let carve = |count: usize| {
            let _padding = self.arena.carve_bytes(0, 64);
            let flags = self.arena.carve_shared_slice(flag_bytes(count) / 8);
            (flag_offset(self.arena, flags), flags)
        };
        self.shard
            .links
            .iter()
            .map(|(&peer, link)| {
                let parts = LinkParts {
                    item_flags: carve(link.outgoing.len()),
                    pop_flags: carve(link.incoming.len()),
                    egress: Vec::new(),
                    ingress: Vec::new(),
                };
                (peer, parts)
            })
            .collect()
    }

    fn carve_groups(
        &self,
        catalogue: &Catalogue,
        flags: ArenaRef<[Cell<u64>]>,
    ) -> Vec<Box<dyn Group>> {
        let groups = self.shard.groups.iter().enumerate();
        groups
            .map(|(index, plan)| {
                let kind = catalogue.kind(plan.kind);
                let mut group = match kind.vector {
                    Some(vector) if plan.vector => (vector.group)(),
                    _ => (kind.group)(),
                };
                group.carve(self.arena, self.berth(index, flags));
                group
            })
            .collect()
    }

    /// The FIFO in the bank before the port at the consumer's end of a wire.
    fn banked(&self, groups: &[Box<dyn Group>], end: PortRef) -> Banked {
        let waker = self.waker(end.instance);
        let group = self.first_flags.partition_point(|&first| first <= waker.0) - 1;
        Banked {
            bank: groups[group].banks()[usize::from(end.port)],
            lane: waker.0 - self.first_flags[group],
        }
    }

    fn carve_fifos(
        &self,
        groups: &[Box<dyn Group>],
        links: &mut BTreeMap<u8, LinkParts>,
    ) -> (Vec<FifoSlot>, Bindings) {
        let mut bindings = Bindings {
            first: Vec::new(),
            ports: Vec::new(),
            banked: Vec::new(),
        };
        for &(instance, _) in &self.wakers {
            bindings.first.push((instance, bindings.ports.len()));
            let count = self.blueprint.instances[instance as usize]
                .shape
                .ports
                .len();
            bindings.ports.extend(std::iter::repeat_n(None, count));
        }
        bindings.banked.resize(bindings.ports.len(), None);
        let mut node = 1 + self.wakers.len() as u32;
        let mut cut: BTreeMap<u32, CutWire> = BTreeMap::new();
        let mut slots = Vec::with_capacity(self.shard.fifos.len());
        for plan in &self.shard.fifos {
            let wire = &self.blueprint.wires[plan.wire as usize];
            let store = if plan.banked {
                let fifo = self.banked(groups, wire.to);
                bindings.bind_banked(wire.to, fifo);
                bindings.bind_banked(wire.from, fifo);
                Store::Banked(fifo)
            } else {
                let fifo = self.carve_fifo(plan, wire, node);
                self.bind_fifo(plan, wire, fifo, node, links, &mut bindings, &mut cut);
                node += plan.node_count(wire) as u32;
                Store::Slots(fifo)
            };
            slots.push(FifoSlot {
                store,
                wire: plan.wire,
                producer: !matches!(plan.role, Role::Ingress(_)),
                consumer: !matches!(plan.role, Role::Egress(_)),
            });
        }
        // Frames list wires in the order of their numbers, the same on both sides.
        for (peer, link) in &self.shard.links {
            let parts = links
                .get_mut(peer)
                .expect("made for every link of the plan");
            parts.egress = link.outgoing.iter().map(|wire| cut[wire]).collect();
            parts.ingress = link.incoming.iter().map(|wire| cut[wire]).collect();
        }
        (slots, bindings)
    }

    fn carve_fifo(&self, plan: &FifoPlan, wire: &Wire, node: u32) -> RawFifo {
        let stride = slot_stride(wire.signal_bytes(self.blueprint));
        let slow = plan.has_slow_part(wire, stride);
        // It fills a line, and so stands directly before what is carved next.
        let part: Option<ArenaRef<RecordPart>> = plan.recorded.map(|_| self.arena.carve_shared());
        let fifo = RawFifo::carve(
            self.arena,
            slow,
            plan.timed,
            wire.depth as u16,
            stride as u16,
        );
        if slow {
            let local = plan.role == Role::Local;
            let slow = fifo.slow_part();
            slow.set_head(self.head);
            slow.lanes.set(wire.lanes);
            slow.latency.set(if local { wire.latency } else { 1 });
            slow.credit.set(if local { wire.credit } else { 1 });
            slow.consumer_period.set(self.period_of(wire.to.instance));
            slow.producer_period.set(self.period_of(wire.from.instance));
            slow.first_node.set(node);
            let tells = matches!(plan.role, Role::Ingress(_));
            let delays = [slow.latency.get(), slow.credit.get(), wire.lanes.into()];
            let periods = [slow.consumer_period.get(), slow.producer_period.get()];
            let one_tick = delays == [1; 3] && periods == [1; 2];
            let one_tick = if one_tick { ONE_TICK } else { 0 };
            let manner =
                if tells { TELLS_ALL } else { 0 } | if plan.timed { TIMED } else { 0 } | one_tick;
            slow.manner.set(manner);
            if let (Some(part), Some(number)) = (part, plan.recorded) {
                part.number.set(number);
                slow.manner.set(slow.manner.get() | RECORDED);
            }
        }
        if plan.slow_pushes(wire, stride) {
            fifo.slow_pushes();
        }
        if plan.slow_pops(wire, stride) {
            fifo.slow_pops();
        }
        fifo
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "the tables being filled, one by one"
    )]
    fn bind_fifo(
        &self,
        plan: &FifoPlan,
        wire: &Wire,
        fifo: RawFifo,
        node: u32,
        links: &BTreeMap<u8, LinkParts>,
        bindings: &mut Bindings,
        cut: &mut BTreeMap<u32, CutWire>,
    ) {
        let link_waker = |peer: u8, outgoing: bool| {
            let link = &self.shard.links[&peer];
            let (numbers, flags) = if outgoing {
                (&link.outgoing, links[&peer].item_flags.0)
            } else {
                (&link.incoming, links[&peer].pop_flags.0)
            };
            let index = numbers
                .binary_search(&plan.wire)
                .expect("planned in ascending order");
            Waker(flags + index as u32)
        };
        let binding = |own: u32, other: Waker| PortBinding {
            record: fifo.record,
            other: self.head.flag(other),
            own: self.head.flag(self.waker(own)),
            last: fifo.end() - 1,
        };
        let arrival = |end: u32, delay: u32| CutWire {
            fifo,
            cursor: 0,
            lanes: wire.lanes,
            waker: self.waker(end),
            delay,
            period: self.period_of(end),
            first_node: node,
        };
        match plan.role {
            Role::Local => {
                let out = binding(wire.from.instance, self.waker(wire.to.instance));
                bindings.bind(wire.from, out);
                let input = binding(wire.to.instance, self.waker(wire.from.instance));
                bindings.bind(wire.to, input);
            }
            Role::Egress(peer) => {
                let out = binding(wire.from.instance, link_waker(peer, true));
                bindings.bind(wire.from, out);
                cut.insert(plan.wire, arrival(wire.from.instance, wire.credit));
            }
            Role::Ingress(peer) => {
                // Slow: every pop is told to the link, not only those that make room.
                let input = binding(wire.to.instance, link_waker(peer, false));
                bindings.bind(wire.to, input);
                cut.insert(plan.wire, arrival(wire.to.instance, wire.latency));
            }
        }
    }

    fn link_ends(
        &self,
        links: BTreeMap<u8, LinkParts>,
        mut rings: Rings,
    ) -> (Vec<Outbound>, Vec<Inbound>) {
        let mut outbound = Vec::new();
        let mut inbound = Vec::new();
        for (peer, parts) in links {
            let link = &self.shard.links[&peer];
            let wires = |numbers: &'_ [u32]| -> Vec<Wire> {
                numbers
                    .iter()
                    .map(|&number| self.blueprint.wires[number as usize])
                    .collect()
            };
            let (outgoing, incoming) = (wires(&link.outgoing), wires(&link.incoming));
            let item_reach = |wires: &[Wire]| {
                wires
                    .iter()
                    .map(|wire| self.plan.item_reach(self.blueprint, wire))
                    .min()
                    .unwrap_or(Tick::MAX / 2)
            };
            let credit_reach = |wires: &[Wire]| {
                wires
                    .iter()
                    .map(|wire| self.plan.credit_reach(self.blueprint, wire))
                    .min()
                    .unwrap_or(Tick::MAX / 2)
            };
            let masks =
                || vec![0; link.outgoing.len().div_ceil(64) + link.incoming.len().div_ceil(64)];
            let words = link.frame_words(self.blueprint);
            let neighbour_reach = item_reach(&outgoing).min(credit_reach(&incoming));
            outbound.push(Outbound {
                writer: rings.writers.remove(&peer).expect("a ring for every link"),
                items: parts.egress.clone().into_boxed_slice(),
                item_flags: parts.item_flags.1,
                pops: parts.ingress.clone().into_boxed_slice(),
                pop_flags: parts.pop_flags.1,
                masks: masks().into_boxed_slice(),
                frame_lines_max: lines_of(words) + 1,
                // Half its reach ahead of the neighbour's need, so that it need not stop.
                patience: (neighbour_reach / 2).max(1),
                told_until: 0,
            });
            inbound.push(Inbound {
                reader: rings.readers.remove(&peer).expect("a ring for every link"),
                items: parts.ingress.into_boxed_slice(),
                pops: parts.egress.into_boxed_slice(),
                masks: masks().into_boxed_slice(),
                item_reach: item_reach(&incoming),
                credit_reach: credit_reach(&outgoing),
                known_until: 0,
            });
        }
        (outbound, inbound)
    }
}
